"""The graph of a task's steps: where each stands and which waits for which. Nothing is run to draw it.

Steps stand in layers from left to right, by the longest way to them; within a layer they are ordered and placed near
those that they wait for. What belongs to an on_error stands under its step, `finally` behind a line.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from ..engine.plan import Plan, PlannedStep
from ..engine.tasklet import Tasklet
from ..spec.wording import listing
from . import words
from .shown import mark

FEW = 12
"""Up to so many steps the nodes are wide apart."""
LIMIT = 1000
"""Larger graphs are not drawn."""
_EDGE = 8
_SWEEPS = 6

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Size:
    """Width and height of a node, and the gaps across and down."""

    width: int
    height: int
    across: int
    down: int


_WIDE = _Size(100, 24, 24, 8)
_DENSE = _Size(124, 22, 28, 6)


@dataclass(slots=True)
class _Place:
    """A step in its layer, or the place that a line takes which passes through it."""

    layer: int
    slots: int = 1
    y: float = 0.0
    before: list[_Place] = field(default_factory=list, repr=False)
    after: list[_Place] = field(default_factory=list, repr=False)


def graph(task: Plan | Tasklet) -> Json:
    """The graph as plain data for JSON.

    Args:
        task: a plan, or a task, whose `marks` are then added.

    Returns:
        `width`, `height`, `node` (width and height of one), `nodes` (`name`, `x`, `y`, `dashed`, `loop`, and `at`, the
        number of its row), `edges` (`d`, a path of SVG, `from`, a number of a row, `dashed`), `line` (where `finally`
        begins) and `said`, the graph in words. Of more than 1,000 steps only `said`.
    """
    plan = task.plan if isinstance(task, Tasklet) else task
    if len(plan.rows) > LIMIT:
        return {"said": f"The graph of {len(plan.rows):,} steps is too large to draw."}
    waits = waiting_for(plan)
    drawn = _Drawing(plan, waits).data()
    drawn["said"] = _said(plan, waits)
    if isinstance(task, Tasklet):
        mask = task.secrets.mask
        drawn["marks"] = "".join(mark(step) for step in task.steps.values())
        drawn["said"] = mask(drawn["said"])
        for node in drawn["nodes"]:
            node["name"] = mask(node["name"])
    return drawn


def waiting_for(plan: Plan) -> list[tuple[int, ...]]:
    """For each of `steps` those that it waits for directly."""
    if plan.order is None:
        return [(at - 1,) if at else () for at in range(len(plan.steps))]
    waits: list[tuple[int, ...]] = []
    loose: dict[int, None] = {}  # the steps so far that no other one waits for
    for at, step in enumerate(plan.steps):
        waits.append(tuple(loose) if step.depends is None else tuple(dict.fromkeys(step.depends)))
        for earlier in waits[-1]:
            loose.pop(earlier, None)
        loose[at] = None
    return waits


def _layers(waits: Sequence[Sequence[int]]) -> list[int]:
    """The longest way to each step."""
    after = defaultdict(list)
    missing = [len(set(each)) for each in waits]
    for at, each in enumerate(waits):
        for earlier in set(each):
            after[earlier].append(at)
    ready = [at for at, number in enumerate(missing) if not number]
    layers = [0] * len(waits)
    while ready:
        at = ready.pop()
        for later in after[at]:
            layers[later] = max(layers[later], layers[at] + 1)
            missing[later] -= 1
            if not missing[later]:
                ready.append(later)
    return layers


class _Drawing:
    """A graph that is being laid out."""

    def __init__(self, plan: Plan, waits: Sequence[Sequence[int]]) -> None:
        self._plan = plan
        self._size = _WIDE if len(plan.rows) <= FEW else _DENSE
        self._steps = [
            _Place(layer, 1 + _handlers(step)) for step, layer in zip(plan.steps, _layers(waits), strict=True)
        ]
        self._last = max((place.layer for place in self._steps), default=-1)
        self._layers: list[list[_Place]] = [[] for _ in range(self._last + 1)]
        for place in self._steps:
            self._layers[place.layer].append(place)
        pairs = [(earlier, later) for later, each in enumerate(waits) for earlier in each]
        self._ways = [(*pair, self._way(*pair)) for pair in pairs]
        self._arrange()

    def _way(self, earlier: int, later: int) -> list[_Place]:
        """The places that a line takes, the ends included; in layers that it crosses it has one of its own."""
        first, last = self._steps[earlier], self._steps[later]
        way = [first, *(_Place(layer) for layer in range(first.layer + 1, last.layer)), last]
        for place in way[1:-1]:
            self._layers[place.layer].append(place)
        for left, right in itertools.pairwise(way):
            left.after.append(right)
            right.before.append(left)
        return way

    def _arrange(self) -> None:
        step = self._size.height + self._size.down
        for layer in self._layers:
            for at, place in enumerate(layer):
                place.y = at * step
        for sweep in range(_SWEEPS):
            forwards = sweep % 2 == 0
            for layer in self._layers if forwards else reversed(self._layers):
                wanted = [(_middle(place.before if forwards else place.after, place.y), place) for place in layer]
                wanted.sort(key=lambda pair: pair[0])
                layer[:] = [place for _, place in wanted]
                _settle(layer, [y for y, _ in wanted], step)
        top = min((place.y for layer in self._layers for place in layer), default=0)
        for layer in self._layers:
            for place in layer:
                place.y = round(place.y - top)

    def data(self) -> Json:
        size = self._size
        nodes: list[Json] = []
        edges: list[Json] = []
        step = size.height + size.down
        for planned, place in zip(self._plan.steps, self._steps, strict=True):
            nodes += self._nodes_of(planned, self._x(place.layer), _EDGE + place.y)
            for number in range(_handlers(planned)):
                y = _EDGE + place.y + number * step + size.height
                edges.append(_edge(f"M{self._x(place.layer) + 13} {y}v{size.down}", planned.index, dashed=True))
        for earlier, later, way in self._ways:
            owner = self._plan.steps[earlier]
            edges.append(_edge(self._path(way, 0), owner.index))
            if owner.handlers and owner.then == "continue" and self._plan.steps[later].position == later:
                edges.append(_edge(self._path(way, _handlers(owner) * step), owner.handlers[-1].index, dashed=True))
        bottom = max((place.y + place.slots * step for layer in self._layers for place in layer), default=step)
        drawn: Json = {
            "node": [size.width, size.height],
            "nodes": nodes,
            "edges": edges,
            "width": self._x(self._last + 1) - size.across + _EDGE,
            "height": bottom - size.down + 2 * _EDGE,
        }
        self._add_finally(drawn)
        return drawn

    def _add_finally(self, drawn: Json) -> None:
        closing = self._plan.finally_
        if not closing:
            return
        size = self._size
        drawn["line"] = drawn["width"] + _EDGE
        x, y = drawn["line"] + 10, max(_EDGE + 20, (drawn["height"] - size.height) // 2)
        for number, planned in enumerate(closing):
            drawn["nodes"] += self._nodes_of(planned, x, y, dashed=True)
            if number:
                path = f"M{x - size.across} {y + size.height / 2:g}h{size.across}"
                drawn["edges"].append(_edge(path, closing[number - 1].index))
            x += size.width + size.across
        deepest = max(_handlers(planned) for planned in closing)
        drawn["width"] = x - size.across + _EDGE + 2
        drawn["height"] = max(drawn["height"], y + size.height + deepest * (size.height + size.down) + _EDGE)

    def _nodes_of(self, planned: PlannedStep, x: float, y: float, *, dashed: bool = False) -> Iterable[Json]:
        """A step, and under it what belongs to its on_error."""
        step = self._size.height + self._size.down
        for number, each in enumerate((planned, *_below(planned))):
            node = {"at": each.index, "name": words.cut(each.name, 100), "x": x, "y": y + number * step}
            yield node | ({"dashed": True} if number or dashed else {}) | ({"loop": True} if each.loop else {})

    def _x(self, layer: int) -> int:
        return _EDGE + layer * (self._size.width + self._size.across)

    def _path(self, way: Sequence[_Place], down: float) -> str:
        """A line from node to node, straight through the layers between them."""
        size = self._size
        middle = _EDGE + size.height / 2
        x, y = self._x(way[0].layer) + size.width, way[0].y + middle + down
        path = f"M{x} {y:g}"
        for place in way[1:]:
            half, there = x + size.across // 2, place.y + middle
            path += f"C{half} {y:g} {half} {there:g} {x + size.across} {there:g}"
            x, y = x + size.across, there
            if place is not way[-1]:
                path += f"h{size.width}"
                x += size.width
        return path


def _below(planned: PlannedStep) -> list[PlannedStep]:
    return [each for handler in planned.handlers for each in (handler, *_below(handler))]


def _handlers(planned: PlannedStep) -> int:
    return len(_below(planned))


def _edge(path: str, origin: int, *, dashed: bool = False) -> Json:
    return {"d": path, "from": origin} | ({"dashed": True} if dashed else {})


def _middle(places: Sequence[_Place], otherwise: float) -> float:
    return sum(place.y for place in places) / len(places) if places else otherwise


def _settle(layer: Sequence[_Place], wanted: Sequence[float], step: float) -> None:
    """Place them in their order as near to where they are wanted as the room between them lets."""
    blocks: list[list[float]] = []  # sum of what is wanted, number, for those that stand close together
    offset, offsets = 0.0, []
    for place, y in zip(layer, wanted, strict=True):
        offsets.append(offset)
        blocks.append([y - offset, 1])
        offset += place.slots * step
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] >= blocks[-1][0] / blocks[-1][1]:
            total, number = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += number
    at = 0
    for total, number in blocks:
        for _ in range(int(number)):
            layer[at].y = total / number + offsets[at]
            at += 1


def _said(plan: Plan, waits: Sequence[Sequence[int]]) -> str:
    """The graph in words, for who does not see it."""
    parts = [f"Graph of {words.counted(len(plan.rows), 'step')}."]
    if len(plan.rows) <= FEW:
        for step, each in zip(plan.steps, waits, strict=True):
            if each:
                parts.append(
                    f"{step.name} runs after {listing([plan.steps[earlier].name for earlier in each], 'and')}."
                )
            if step.handlers:
                parts.append(f"On error of {step.name}: {listing([handler.name for handler in step.handlers], 'and')}.")
        if plan.finally_:
            parts.append(f"Finally {listing([step.name for step in plan.finally_], 'and')}.")
    return " ".join(parts)


_COLOURS = {"c": "#37883f", "f": "#d6363a", "h": "#d6363a", "r": "#1f78d1"}
_GLYPHS = {"c": "✓", "f": "✗", "h": "✗", "r": "◐", "s": "–", "k": "–", "x": "⊘"}


def svg(drawn: Mapping[str, Any]) -> str:
    """A graph as an SVG that stands alone: no script, no style sheet, readable on light and dark.

    Args:
        drawn: what `graph` made.
    """
    if "nodes" not in drawn:
        return (
            '<svg xmlns="http://www.w3.org/2000/svg" width="400" height="24"><text x="0" y="16" fill="#777" '
            f'font-family="sans-serif" font-size="12">{escape(drawn["said"])}</text></svg>'
        )
    width, height = drawn["width"], drawn["height"]
    marks = drawn.get("marks", "")
    size = f'width="{width}" height="{height:g}" viewBox="0 0 {width} {height:g}"'
    style = 'font-family="system-ui,sans-serif" font-size="12" fill="none" stroke="#8a8a8a"'
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" {style}>'
    parts = [opening, f"<title>{escape(drawn['said'])}</title>"]
    for edge in drawn["edges"]:
        dash = ' stroke-dasharray="4 3"' if edge.get("dashed") else ""
        parts.append(f'<path d="{edge["d"]}"{dash}/>')
    if "line" in drawn:
        parts.append(f'<path d="M{drawn["line"]} 4V{height - 8:g}" stroke-dasharray="2 3"/>')
        parts.append(f'<text x="{drawn["line"] + 10}" y="16" fill="#777" stroke="none">Finally</text>')
    parts += [_svg_node(node, drawn["node"], marks[node["at"]] if marks else "p") for node in drawn["nodes"]]
    return "\n".join([*parts, "</svg>"])


def _svg_node(node: Mapping[str, Any], size: Sequence[int], known: str) -> str:
    width, height = size
    x, y = node["x"], node["y"]
    colour = _COLOURS.get(known, "#8a8a8a")
    dash = ' stroke-dasharray="4 3"' if node.get("dashed") else ""
    frame = f'<rect width="{width}" height="{height}" rx="2" stroke="{colour}"{dash} '
    name = words.cut(node["name"], (width - 30) // 6)
    glyph = _GLYPHS.get(known, "○")
    loop = f'{frame}x="{x + 3}" y="{y - 3:g}"/>' if node.get("loop") else ""
    return (
        f'<g><title>{escape(node["name"])}</title>{loop}{frame}x="{x}" y="{y:g}"/>'
        f'<text x="{x + 8}" y="{y + height / 2 + 4:g}" fill="{colour}" stroke="none">{glyph}</text>'
        f'<text x="{x + 24}" y="{y + height / 2 + 4:g}" fill="#777" stroke="none">{escape(name)}</text></g>'
    )
