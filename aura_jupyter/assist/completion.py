"""What fits at the cursor in a spec that is being written."""

from __future__ import annotations

import builtins
import re
import typing
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from .expressions import expression_at, names_at
from .language import Spot
from .outline import outline
from .place import Place
from .surroundings import Surroundings, signature_of

_EXPRESSIONS = frozenset({"for_each", "loop", "times", "until", "when", "while"})  # values with or without braces
_UNITS = ("h", "m", "s", "ms")
_LIST_TYPE = re.compile(r"\btype:[ \t]*(list\[[ \t]*\w*)$")


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that fits.

    Attributes:
        text: what to write.
        kind: what it is, in a word.
        signature: of an action.
    """

    text: str
    kind: str
    signature: str = ""


@dataclass(frozen=True, slots=True)
class Offers:
    """What fits at the cursor, the likeliest first.

    Attributes:
        start: where the word begins that they stand for.
        items: each beginning with the word, whatever its case.
    """

    start: int
    items: tuple[Offer, ...]


def complete(text: str, at: int, known: Surroundings) -> Offers:
    """What fits at a place of a spec, whatever state that is in.

    Args:
        text: the YAML.
        at: where the cursor stands, a number of characters.
        known: what is known outside the spec.
    """
    line = text[text.rfind("\n", 0, at) + 1 : at]
    in_braces = line.count("{") > line.count("}")
    if in_braces and (types := _list_types(text[:at], line)) is not None:
        return types
    root, cursor = outline(text, at)
    if cursor is None:
        return Offers(at, ())
    place = Place(root, cursor, known)
    if cursor.role == "value":
        length, offers = _values(place)
    else:
        length, offers = len(cursor.text), list(_begun(cursor.text, _keys(place, text[at:])))
        if cursor.role == "word" and not cursor.node.kind:
            offers += _begun(cursor.text, _plain_values(place))
    if in_braces and not text[: at - length].endswith(('"', "'")):
        offers = list(map(_quoted, offers))
    return Offers(at - length, tuple({offer.text: offer for offer in offers}.values()))


def _list_types(before: str, line: str) -> Offers | None:
    """What fits behind a `list[` within braces, where the bracket begins a list unless quotes stand around it."""
    begun = _LIST_TYPE.search(line)
    section = re.findall(r"^(\w+)[ \t]*:", before, re.MULTILINE)
    if begun is None or section[-1:] != ["inputs"]:
        return None
    words = (Offer(word, "value") for word in Spot(("inputs", 0, "type")).words)
    return Offers(len(before) - len(begun[1]), tuple(map(_quoted, _begun(begun[1], words))))


def _quoted(offer: Offer) -> Offer:
    return replace(offer, text=f'"{offer.text}"') if "[" in offer.text else offer


def _begun(word: str, offers: Iterable[Offer]) -> Iterator[Offer]:
    """The offers that go on with a word."""
    return (offer for offer in offers if offer.text.lower().startswith(word.lower()))


# --- keys -------------------------------------------------------------------------------------------------------------


def _keys(place: Place, after: str) -> list[Offer]:
    cursor, node = place.cursor, place.cursor.node
    colon = re.match(r"[^\s:,{}\[\]]*[ \t]*:", after) is not None
    found: list[Offer] = []
    if cursor.role == "word" and cursor.below is not None and Spot(place.path(cursor.below)).is_list:
        needed = next(iter(Spot((*place.path(cursor.below), 0)).keys), "name")
        found += [Offer(f"- {key}: ", "key") for key in dict.fromkeys((needed, "name"))]
    given = set(node.keys) - {cursor.whole}
    if place.below_step == ("params",):
        found += [Offer(_written(key, " ", colon), "parameter") for key in _parameters(place) if key not in given]
    for key in _fitting(place.spot, given):
        nested = Spot((*place.spot.path, key)).is_nested
        found.append(Offer(_written(key, "" if nested else " ", colon), "key"))
    return found


def _written(key: str, space: str, colon: bool) -> str:
    return key if colon else f"{key}:{space}"


def _fitting(spot: Spot, given: set[str]) -> Iterator[str]:
    """The keys that may be added to those given."""
    alternatives = spot.just_one
    chosen = given.intersection(alternatives)
    without = {"while": {"parallelism"}}.get(next(iter(chosen), ""), {"max_iterations"}) if chosen else set()
    for key in spot.keys:
        if key not in given and key not in without and not (chosen and key in alternatives):
            yield key


def _parameters(place: Place) -> Iterator[str]:
    action, step = place.action, place.step
    if action is None or step is None or action.face.flaw:
        return
    args = step.node.get("args")
    by_place = action.face.positional[: len(args.items) if args is not None else 0]
    named = [name for name in action.face.named if name not in by_place]
    yield from sorted(named, key=lambda name: name not in action.face.required)


# --- values -----------------------------------------------------------------------------------------------------------


def _values(place: Place) -> tuple[int, list[Offer]]:
    cursor, kind = place.cursor, place.kind
    if kind == "code":
        return 0, []
    of_step = place.step is not None and place.below_step[:1] not in (("params",), ("args",))
    bare = kind == "condition" or (of_step and cursor.node.key in _EXPRESSIONS)
    expression = expression_at(cursor.text, bare=bare)
    if expression is None:
        return len(cursor.text), list(_begun(cursor.text, _plain_values(place)))
    length, names = names_at(expression, place)
    offers = [Offer(name, what) for name, what in names]
    if expression.text == cursor.text and length == len(cursor.text):  # no braces: words may stand here, too
        offers += _begun(cursor.text, (Offer(word, "value") for word in place.spot.words))
    return length, offers


def _plain_values(place: Place) -> Iterator[Offer]:
    """What fits as a whole value."""
    path = place.below_step if place.step is not None else place.spot.path
    if place.step is not None and path == ("action",):
        yield from _actions(place)
    elif place.step is not None and path[:1] == ("depends_on",) and len(path) <= 2:
        yield from (Offer(name, "step") for name in place.steps.may_wait_for(place.step) if name)
    elif place.step is not None and path[:2] == ("retry", "on"):
        yield from (Offer(name, "class") for name in _exceptions())
    elif path[:1] == ("params",) and len(path) == 2:
        yield from (Offer(word, "value") for word in _parameter_words(place))
    elif place.step is None and path[:1] == ("inputs",) and (len(path) == 2 or path[2:] == ("name",)):
        taken = {item.text or item.value("name") for item in (place.root.get("inputs") or place.root).items}
        yield from (Offer(name, "variable") for name in place.known.variables() if name not in taken)
    yield from (Offer(word, "value") for word in place.spot.words)
    if place.spot.is_duration:
        yield from (Offer(text, "duration") for text in durations(place.cursor.text))


def _actions(place: Place) -> Iterator[Offer]:
    for name in place.known.actions(place.cursor.text):
        if name.endswith("."):
            yield Offer(name, "module")
            continue
        action = place.known.action(name) if name.lower().startswith(place.cursor.text.lower()) else None
        if action is not None and not action.face.flaw:
            yield Offer(name, "function", signature_of(action))


def durations(begun: str) -> list[str]:
    """The ways to go on with a duration that is being written: its unit, once there is a number."""
    found = re.fullmatch(r"\s*((?:[\d.]+(?:ms|[hms]))*)([\d.]+)([a-z]*)", begun)
    if found is None:
        return []
    used = re.findall(r"ms|[hms]", found[1])
    units = _UNITS[_UNITS.index(used[-1]) + 1 :] if used else _UNITS
    order = sorted(units, key=lambda unit: unit != "s")
    return [f"{begun[: len(begun) - len(found[3])]}{unit}" for unit in order]


def _exceptions() -> Iterator[str]:
    for name, value in vars(builtins).items():
        if isinstance(value, type) and issubclass(value, Exception) and not issubclass(value, Warning):
            yield name


def _parameter_words(place: Place) -> list[str]:
    """The words that the annotation of a parameter allows, or its default."""
    action = place.action
    if action is None or action.signature is None:
        return []
    parameter = action.signature.parameters.get(str(place.cursor.node.key))
    if parameter is None:
        return []
    annotation: Any = parameter.annotation
    if annotation in (bool, "bool") or isinstance(parameter.default, bool):
        return ["true", "false"]
    if typing.get_origin(annotation) is typing.Literal:
        return [str(word) for word in typing.get_args(annotation)]
    return []
