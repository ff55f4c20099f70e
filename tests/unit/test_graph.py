"""The graph of a task's steps: where they stand, and which waits for which."""

from __future__ import annotations

import itertools
import random
import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from aura_jupyter.engine.scheduler import Scheduler, plan_for
from aura_jupyter.view.graph import LIMIT, graph, svg

FORK = """
steps:
  - {name: fetch, action: core.log, params: {message: a}}
  - {name: clean, action: core.log, params: {message: a}, depends_on: [fetch]}
  - {name: planes, action: core.log, params: {message: a}, depends_on: [fetch]}
  - name: weather
    action: core.log
    params: {message: a}
    depends_on: [fetch]
    on_error: [{name: use_cache, action: core.log, params: {message: a}}]
  - {name: join, action: core.log, params: {message: a}}
finally:
  - {name: close, action: core.log, params: {message: a}}
"""


def drawn(spec: str) -> dict[str, Any]:
    plan, _ = plan_for(spec, None)
    return graph(plan)


def nodes(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {node["name"]: node for node in found["nodes"]}


def chain(count: int, extra: str = "") -> str:
    return "steps:\n" + "".join(
        f"  - {{name: s{at}, action: core.log, params: {{message: a}}{extra}}}\n" for at in range(count)
    )


def test_steps_stand_in_layers_by_the_longest_way_to_them() -> None:
    found = nodes(drawn(FORK))
    assert found["fetch"]["x"] < found["clean"]["x"] < found["join"]["x"] < found["close"]["x"]
    assert found["clean"]["x"] == found["planes"]["x"] == found["weather"]["x"]


def test_what_belongs_to_an_on_error_stands_under_its_step_and_leads_on_where_the_task_goes_on() -> None:
    whole = drawn(FORK)
    found = nodes(whole)
    assert found["use_cache"]["x"] == found["weather"]["x"]
    assert found["use_cache"]["y"] > found["weather"]["y"]
    assert found["use_cache"]["dashed"]
    dashed = [edge for edge in whole["edges"] if edge.get("dashed")]
    assert {edge["from"] for edge in dashed} == {found["weather"]["at"], found["use_cache"]["at"]}


def test_finally_stands_behind_a_line() -> None:
    whole = drawn(FORK)
    found = nodes(whole)
    assert found["join"]["x"] + whole["node"][0] < whole["line"] < found["close"]["x"]
    assert whole["width"] > found["close"]["x"] + whole["node"][0]


def test_a_step_without_depends_on_waits_for_the_ends_of_all_above_it_alone() -> None:
    edges = drawn(FORK)["edges"]
    assert sum(not edge.get("dashed") for edge in edges) == 6


def test_a_plain_list_of_steps_is_a_chain() -> None:
    found = drawn(chain(5))
    assert len(found["edges"]) == 4
    assert len({node["y"] for node in found["nodes"]}) == 1


def test_it_is_told_in_words_too() -> None:
    said = drawn(FORK)["said"]
    assert said.startswith("Graph of 7 steps.")
    assert "join runs after clean, planes and weather." in said
    assert "On error of weather: use_cache." in said
    assert said.endswith("Finally close.")


def test_a_loop_is_marked() -> None:
    spec = "steps: [{name: a, action: core.log, params: {message: x}, loop: {times: 3}}]"
    assert drawn(spec)["nodes"][0]["loop"]


def test_small_graphs_have_other_nodes_than_large_ones() -> None:
    assert (drawn(chain(12))["node"], drawn(chain(13))["node"]) == ([100, 24], [124, 22])


def test_a_graph_that_is_too_large_says_so() -> None:
    found = drawn(chain(LIMIT + 1))
    assert list(found) == ["said"]
    assert "1,001 steps" in found["said"]
    assert "too large" in svg(found)


@pytest.mark.parametrize("seed", range(12))
def test_no_two_nodes_overlap_and_all_lie_within_the_drawing(seed: int) -> None:
    chance = random.Random(seed)
    lines = []
    for at in range(40):
        waits = sorted(chance.sample(range(at), min(at, chance.randint(0, 3))))
        extra = f", depends_on: [{', '.join(f's{each}' for each in waits)}]" if chance.random() < 0.9 else ""
        handlers = f", on_error: [{{name: h{at}, action: core.log, params: {{message: b}}}}]" if at % 6 == 0 else ""
        lines.append(f"  - {{name: s{at}, action: core.log, params: {{message: a}}{extra}{handlers}}}\n")
    found = drawn("steps:\n" + "".join(lines))
    width, height = found["node"]
    for one, other in itertools.combinations(found["nodes"], 2):
        beside = abs(one["x"] - other["x"]) >= width or abs(one["y"] - other["y"]) >= height
        assert beside, (one, other)
    for node in found["nodes"]:
        assert 0 <= node["x"] <= found["width"] - width
        assert 0 <= node["y"] <= found["height"] - height


@pytest.mark.parametrize("seed", range(4))
def test_a_line_begins_at_the_step_it_comes_from_and_ends_at_one_that_waits(seed: int) -> None:
    chance = random.Random(seed)
    waits = {at: sorted(chance.sample(range(at), min(at, 2))) for at in range(20)}
    spec = "steps:\n" + "".join(
        f"  - {{name: s{at}, action: core.log, params: {{message: a}}, depends_on: {each}}}\n"
        for at, each in ((at, [f"s{earlier}" for earlier in each]) for at, each in waits.items())
    )
    found = drawn(spec)
    width, height = found["node"]
    lefts = {(node["x"], node["y"] + height / 2): node["at"] for node in found["nodes"]}
    by_at = {node["at"]: node for node in found["nodes"]}
    led = set()
    for edge in found["edges"]:
        x, y = map(float, re.match(r"M([\d.]+) ([\d.]+)", edge["d"]).groups())  # type: ignore[union-attr]
        origin = by_at[edge["from"]]
        assert (x, y) == (origin["x"] + width, origin["y"] + height / 2)
        *_, end_x, end_y = re.findall(r"[\d.]+", edge["d"])
        led.add((edge["from"], lefts[float(end_x), float(end_y)]))
    assert led == {(earlier, later) for later, each in waits.items() for earlier in each}


async def test_the_graph_of_a_task_has_its_marks_and_hides_its_secrets() -> None:
    spec = """
    inputs: [{name: token, type: secret}]
    steps: [{name: hunter2-hunter2, action: core.log, params: {message: x}}, {name: b, action: core.log, when: false}]
    """.replace("when: false", "params: {message: y}, when: false")
    async with Scheduler() as scheduler:
        tasklet = await scheduler.run_ad_hoc_task(spec, {"token": "hunter2-hunter2"}).wait()
    found = graph(tasklet)
    assert found["marks"] == "ck"
    assert "hunter2" not in str(found)


def test_the_drawing_that_stands_alone_is_xml_and_takes_names_for_text() -> None:
    found = drawn('steps: [{name: "<b>&\\"x\\"", action: core.log, params: {message: x}, loop: {times: 2}}]')
    root = ET.fromstring(svg(found))
    texts = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert '<b>&"x"' in texts
    assert root.find(".//{http://www.w3.org/2000/svg}title") is not None
    assert not re.search("script|style=", svg(found))
