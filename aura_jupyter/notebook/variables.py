"""The notebook's variables: inputs, actions, and names for what a task gives back."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ..spec.problems import nearest
from .options import GivenInput, LineError

_MACHINERY = re.compile(r"_+|_i+|_\d+|_i\d+")
_NOTHING = object()


class Variables:
    """What the notebook's namespace holds, without IPython's own names.

    Args:
        shell: the running InteractiveShell.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell

    def __contains__(self, name: str) -> bool:
        """Whether the person has a variable of this name."""
        values = self._shell.user_ns
        hidden = self._shell.user_ns_hidden.get(name, _NOTHING)
        return name in values and values[name] is not hidden and not _MACHINERY.fullmatch(name)

    def __getitem__(self, name: str) -> Any:
        """The value of a variable, the very object."""
        if name not in self:
            raise KeyError(name)
        return self._shell.user_ns[name]

    def __setitem__(self, name: str, value: Any) -> None:
        """Bind a variable."""
        self._shell.user_ns[name] = value

    def variables(self) -> list[str]:
        """The names of the person's variables."""
        return [name for name in list(self._shell.user_ns) if name in self]

    def find(self, name: str) -> Any:
        """What stands under a name, dots allowed: `clean`, `np.mean`, `model.fit`; None where nothing does."""
        first, *rest = name.split(".")
        if first not in self:
            return None
        value = self[first]
        for part in rest:
            value = getattr(value, part, None)
        return value

    def names(self) -> list[str]:
        """The names of the person's functions and other callables."""
        return [name for name in self.variables() if callable(self[name])]

    def given(self, inputs: Iterable[GivenInput]) -> dict[str, Any]:
        """The values of `-i` options.

        Raises:
            LineError: an expression is no Python or raises, or there is no such variable.
        """
        return {each.name: self._value(each) for each in inputs}

    def _value(self, given: GivenInput) -> Any:
        if given.expression is None:
            return self._variable(given)
        try:
            code = compile(given.expression, f"<-i {given.name}>", "eval")
        except SyntaxError as error:
            hint = 'Put an expression with spaces in quotes: -i "n=2 * k".'
            raise LineError(
                f"-i {given.name}: not an expression of Python ({error.msg})", given.word, code="input-value", hint=hint
            ) from None
        try:
            return eval(code, self._shell.user_global_ns, self._shell.user_ns)  # noqa: S307 - the person's own expression
        except Exception as error:
            raise LineError(
                f"-i {given.name}: {type(error).__name__}: {error}",
                given.word,
                code="input-value",
                hint=self._hint(error),
            ) from error

    def _variable(self, given: GivenInput) -> Any:
        if given.name in self:
            return self[given.name]
        near = nearest(given.name, self.variables())
        hint = (
            f"Did you mean '{near}'?"
            if near
            else f"Set {given.name} in a cell above, or write -i {given.name}=EXPRESSION."
        )
        raise LineError(f"there is no variable '{given.name}'", given.word, code="undefined-name", hint=hint)

    def _hint(self, error: Exception) -> str:
        if isinstance(error, NameError) and error.name and (near := nearest(error.name, self.variables())):
            return f"Did you mean '{near}'?"
        return "Its expression raised this."
