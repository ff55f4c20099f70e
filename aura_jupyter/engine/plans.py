"""The plans that are kept by their texts: a spec that runs again compiles nothing."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..spec.problems import Source
from ..spec.reader import read, read_text
from .plan import Namespace, Plan
from .planner import compile_spec

PLANS = 128  # that are kept
PLAN_STEPS = 50_000  # of kept plans in all

Spec = str | Mapping[str, Any] | Path | Source

_plans: OrderedDict[str, Plan] = OrderedDict()
_plans_lock = threading.Lock()


def plan_for(spec: Spec | Plan, namespace: Namespace | None) -> tuple[Plan, Source]:
    """The plan of a spec, compiled where its text is not known yet; from any thread. A plan is its own.

    Raises:
        SpecError: with every problem of the spec.
    """
    if isinstance(spec, Plan):
        return spec, spec.source
    if type(spec) is str:
        known = _plans.get(spec)
        if known is not None:
            return known, Source(spec)
        spec = Source(spec)
    if isinstance(spec, Source) and spec.text is not None:
        known = _plans.get(spec.text)
        if known is not None:
            return known, spec
        data, source = read_text(spec), spec
    else:
        data, source = read(spec)
        known = _plans.get(source.text) if source.text is not None else None
        if known is not None:
            return known, source
    plan = compile_spec(data, source, namespace)
    if source.text is not None:
        _keep(source.text, plan)
    return plan, source


def check(spec: Spec, namespace: Namespace | None) -> None:
    """Read and compile a spec as far as it can be without inputs, and keep nothing of it; from any thread.

    Raises:
        SpecError: with every problem of the spec.
    """
    data, source = (read_text(spec), spec) if isinstance(spec, Source) else read(spec)
    compile_spec(data, source, namespace)


def _keep(text: str, plan: Plan) -> None:
    with _plans_lock:
        _plans[text] = plan
        while len(_plans) > 1 and (
            len(_plans) > PLANS or sum(len(known.rows) for known in _plans.values()) > PLAN_STEPS
        ):
            _plans.popitem(last=False)
