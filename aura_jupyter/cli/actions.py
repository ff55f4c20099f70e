"""`jupyter aura actions`: what a step can do."""

from __future__ import annotations

import argparse

from ..actions.registry import registry
from ..assist.listing import described, listed
from ..spec.wording import nearest, quote
from .endings import OK, UsageError
from .specs import import_modules


def main(options: argparse.Namespace) -> int:
    """Write the list of actions, or what one of them takes.

    Args:
        options: of the command line.

    Returns:
        The exit status.

    Raises:
        UsageError: there is no action of that name.
    """
    import_modules(options.imports)
    if options.name is None:
        print(listed(action for action in map(registry.get, registry.names()) if action is not None))
        return OK
    action = registry.get(options.name)
    if action is None:
        near = nearest(options.name, registry.names())
        hint = f"Did you mean {near}?" if near else "If it is one of yours, name its module: --import MODULE"
        raise UsageError(f"no action is called {quote(options.name)}", hint)
    print(described(action))
    return OK
