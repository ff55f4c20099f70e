"""What `import aura_jupyter` gives, and what it costs."""

from __future__ import annotations

import json
from collections.abc import Callable

import aura_jupyter

SLOW = {
    "IPython", "anywidget", "cloudpickle", "dask", "distributed", "httpx", "ipykernel", "ipywidgets", "jinja2",
    "nest_asyncio2", "papermill", "pydantic", "tenacity", "traitlets", "yaml",
}  # fmt: skip
NAMES_OF_THE_DESIGN = {
    "ActionContext", "NoSchedulerError", "SpecError", "StepStatus", "TaskCancelled", "TaskError", "TaskStatus",
    "Tasklet", "TemplateError", "action", "card", "configure", "hook", "load_ipython_extension", "run", "submit",
}  # fmt: skip


def test_importing_the_package_imports_nothing_slow(run_python: Callable[[str], str]) -> None:
    loaded = json.loads(run_python("import json, sys, aura_jupyter; print(json.dumps(sorted(sys.modules)))"))
    assert SLOW & {name.partition(".")[0] for name in loaded} == set()


def test_importing_the_pytest_plugin_imports_nothing_slow(run_python: Callable[[str], str]) -> None:
    code = "import json, sys, aura_jupyter.notebook.nbval_plugin; print(json.dumps(sorted(sys.modules)))"
    assert SLOW & {name.partition(".")[0] for name in json.loads(run_python(code))} == set()


def test_every_name_of_the_design_is_public() -> None:
    assert set(aura_jupyter.__all__) >= NAMES_OF_THE_DESIGN


def test_all_is_sorted_and_holds_no_name_twice() -> None:
    assert list(aura_jupyter.__all__) == sorted(set(aura_jupyter.__all__))


def test_every_name_in_all_is_there() -> None:
    assert [name for name in aura_jupyter.__all__ if not hasattr(aura_jupyter, name)] == []


def test_every_name_can_be_had_in_a_fresh_interpreter_by_a_star_import(run_python: Callable[[str], str]) -> None:
    code = "from aura_jupyter import *; import aura_jupyter; print(sorted(set(aura_jupyter.__all__) - set(globals())))"
    assert run_python(code) == "[]"


def test_dir_names_what_is_loaded_lazily() -> None:
    assert set(dir(aura_jupyter)) >= set(aura_jupyter.__all__)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    assert not hasattr(aura_jupyter, "sumbit")
