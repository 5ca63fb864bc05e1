"""Requests: what a person asks for, as text or as a mapping, checked against what the data show.

What is not mentioned is unknown, not absent.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from noisette.attributes.groups import EVIDENCE
from noisette.attributes.schema import AttributeSchema, Value
from noisette.attributes.statistics import Statistics, value_names
from noisette.errors import RequestError, nearest

_MOST_ABSENT = 3
_WORDS = {"yes": True, "true": True, "present": True, "no": False, "false": False, "absent": False, "none": False}


@dataclass(frozen=True)
class ParsedRequest:
    """What a request comes to.

    Attributes:
        attributes: The known values, by name.
        codes: The row that they make of a table, (A,) int16, with UNKNOWN for the rest.
        notes: What a person should know of them, a sentence each.
    """

    attributes: dict[str, Value]
    codes: NDArray[np.int16]
    notes: tuple[str, ...] = ()


def parse_request(
    request: str | Mapping[str, object],
    schema: AttributeSchema,
    statistics: Statistics,
    *,
    only: bool = False,
    allow_unseen: bool = False,
) -> ParsedRequest:
    """What a request means.

    Names match in any case, without regard to spaces and hyphens. A flag that is there says that the others of its
    group are not; and a value that the data only show with one option of a choice says that option: an ape has no human
    skin tone.

    Args:
        request: A text such as `Male, Big Shades, no Earring, beard=none`, or a mapping of names to values.
        schema: What can be asked for.
        statistics: What the data show.
        only: Every flag that is not mentioned is absent.
        allow_unseen: Ask even for what the data never show together.

    Raises:
        RequestError: It is empty, has unknown names (with the nearest) or wrong values, or contradicts itself or the
            data.

    Examples:
        >>> punks = noisette.load("punks")
        >>> parse_request("Male, no Earring", punks.schema, punks.statistics).attributes
        {'type': 'Male', 'Earring': False}
    """
    statistics.check(schema)
    said = dict(_Reader(schema).read(request))
    if isinstance(request, str) and not said:
        raise RequestError('the request is empty; write for example "' + ", ".join(map(str, _example(schema))) + '"')
    notes = _check(said, schema, statistics, allow_unseen)
    values = {**said, **_implied(said, schema, statistics)}
    for group in schema.groups:
        if any(values.get(member) is True for member in group.members):
            for member in group.members:
                values.setdefault(member, False)
    if only:
        for attribute in schema.attributes:
            if attribute.kind == "flag":
                values.setdefault(attribute.name, False)
    ordered = {name: values[name] for name in schema.names if name in values}
    return ParsedRequest(ordered, schema.encode([ordered])[0], notes)


def impossible(said: Mapping[str, Value], schema: AttributeSchema, statistics: Statistics) -> list[tuple[str, Value]]:
    """The values that `parse_request` would refuse besides what is said, each in the place of what it excludes.

    Args:
        said: Attributes that are asked for.
        schema: What can be asked for.
        statistics: What the data show.

    Returns:
        Pairs of an attribute's name and a value; none if what is said is refused already.
    """
    try:
        _check(said, schema, statistics, allow_unseen=False)
    except RequestError:
        return []
    found = []
    unit_of = dict(zip(schema.names, schema.units, strict=True))
    for name, value in value_names(schema):
        besides = {other: its for other, its in said.items() if unit_of[other] != unit_of[name]}
        try:
            _check({**besides, name: value}, schema, statistics, allow_unseen=False)
        except RequestError:
            found.append((name, value))
    return found


def describe(values: Mapping[str, Value]) -> str:
    """Attributes as a person would ask for them.

    Args:
        values: By name. Of the absent flags only a few are told: another may say so of dozens.

    Returns:
        A text that `parse_request` takes, or "nothing".
    """
    absent = [f"no {name}" for name, value in values.items() if value is False]
    there = [
        name if value is True else f"{name}={value}" if value == "None" else str(value)
        for name, value in values.items()
        if value is not False
    ]
    return ", ".join([*there, *(absent if len(absent) <= _MOST_ABSENT else [])]) or "nothing"


def values_behind(names: Iterable[str], schema: AttributeSchema) -> list[tuple[str, Value]]:
    """The attribute and value that each name of a flag or an option stands for.

    Args:
        names: Such as `Earring`, `Zombie` or `Hat=None`.
        schema: What can be named.

    Returns:
        Pairs of an attribute's name and a value.

    Raises:
        RequestError: A name stands for nothing, or for several things.
    """
    reader = _Reader(schema)
    return [value for name in names for value in reader.one(name)]


def attribute_behind(name: str, schema: AttributeSchema) -> str:
    """The attribute that a name stands for: its own, an option's, or of a group the first member.

    Args:
        name: Of an attribute, an option or a group.
        schema: What can be named.

    Raises:
        RequestError: It stands for nothing, or for several things.
    """
    return _Reader(schema).attribute(name)


class _Reader:
    """Finds attributes, options and groups by what people write."""

    def __init__(self, schema: AttributeSchema) -> None:
        if not schema.attributes:
            raise RequestError("there are no attributes to ask for: it was trained without any")
        self._attributes = {_folded(attribute.name): attribute for attribute in schema.attributes}
        self._groups = {_folded(group.name): group for group in schema.groups}
        self._options: dict[str, list[tuple[str, str]]] = {}
        for attribute in schema.attributes:
            if attribute.kind == "choice":
                for option in attribute.options:
                    self._options.setdefault(_folded(option), []).append((attribute.name, option))
        self._written = [
            *schema.names,
            *(group.name for group in schema.groups),
            *(option for found in self._options.values() for _, option in found),
        ]

    def read(self, asked: str | Mapping[str, object]) -> dict[str, Value]:
        if not isinstance(asked, str | Mapping):
            raise RequestError(f"a request is a text or a mapping of names to values, not {type(asked).__name__}")
        said: dict[str, Value] = {}
        parts = list(self._parts(unicodedata.normalize("NFKC", asked)) if isinstance(asked, str) else asked.items())
        if strange := [name for name, _ in parts if not isinstance(name, str)]:
            raise RequestError(f"the names in a request are text, not {strange[0]!r}")
        if unknown := [name for name, _ in parts if _folded(name) not in self._known()]:
            several = (
                "; commas separate what is asked for"
                if len(parts) == 1 and (" " in unknown[0] or ";" in unknown[0])
                else ""
            )
            told = "; ".join(f'no attribute "{name}"{nearest(name, self._written)}' for name in unknown)
            raise RequestError(f"{told}{several} (see `noisette attributes`)")
        for name, value in parts:
            for attribute, meant in self._meant(name, value):
                if said.setdefault(attribute, meant) != meant:
                    raise RequestError(
                        f"the request contradicts itself: {attribute} is both {_said(said[attribute])} and"
                        f" {_said(meant)}"
                    )
        return said

    def one(self, name: str) -> list[tuple[str, Value]]:
        """What the name of one flag or option means, be it with its choice or group (`Hat=None`)."""
        group, equals, member = name.partition("=")
        return self._meant(group, member.strip() if equals else True)

    def attribute(self, name: str) -> str:
        key = _folded(name)
        if key in self._attributes:
            return self._attributes[key].name
        if key in self._groups:
            return self._groups[key].members[0]
        [(attribute, _)] = self._meant(name, True)
        return attribute

    def _parts(self, text: str) -> Iterable[tuple[str, object]]:
        for part in filter(None, (part.strip() for part in text.split(","))):
            if match := re.fullmatch(r"(.+?)\s*[=:]\s*(.+)", part):
                yield match[1], match[2]
            elif (match := re.fullmatch(r"(?:no|not|without)\s+(.+)", part, re.IGNORECASE)) and _folded(
                part
            ) not in self._known():
                yield match[1], False
            else:
                yield part, True

    def _known(self) -> set[str]:
        return {*self._attributes, *self._groups, *self._options}

    def _meant(self, name: str, value: object) -> list[tuple[str, Value]]:
        """What one part of a request says: attributes and their values."""
        key = _folded(name)
        if key in self._attributes:
            attribute = self._attributes[key]
            if attribute.kind == "flag":
                return [(attribute.name, self._truth(attribute.name, value))]
            return [(attribute.name, self._one_of(attribute.name, attribute.options, value))]
        if key in self._groups:
            group = self._groups[key]
            if value is False or (isinstance(value, str) and _folded(value) in ("none", "no")):
                return [(member, False) for member in group.members]
            return [(self._one_of(group.name, group.members, value), True)]
        found = self._options.get(key, [])
        if len(found) > 1:
            ways = " or ".join(f"{attribute}={option}" for attribute, option in found)
            raise RequestError(f'"{name}" can mean several things; write {ways}')
        if not found:
            raise RequestError(f'no attribute "{name}"{nearest(name, self._written)} (see `noisette attributes`)')
        [(choice, option)] = found
        if not self._truth(option, value):
            raise RequestError(
                f'the {choice} cannot be asked for by what it is not; leave "{option}" out, or exclude it (--exclude)'
            )
        return [(choice, option)]

    def _one_of(self, name: str, options: tuple[str, ...], value: object) -> str:
        by_folded = {_folded(option): option for option in options}
        value = value.item() if isinstance(value, np.generic) else value
        if value is False and "none" in by_folded:
            return by_folded["none"]
        if isinstance(value, bool):
            nothing = f", or no {name}" if any(name == group.name for group in self._groups.values()) else ""
            raise RequestError(f"which {name}? Name one, such as {name}={options[0]}{nothing}")
        written = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None
        if written is None or _folded(written) not in by_folded:
            what = f'"{value}"' if written is not None else repr(value)
            near = nearest(written, options) if written is not None else ""
            listed = ", ".join(options[:8]) + (", ..." if len(options) > 8 else "")
            raise RequestError(f"{name} cannot be {what}{near or f'; it can be {listed}'}")
        return by_folded[_folded(written)]

    @staticmethod
    def _truth(name: str, value: object) -> bool:
        value = value.item() if isinstance(value, np.generic) else value
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.strip().casefold() in _WORDS:
            return _WORDS[value.strip().casefold()]
        raise RequestError(f"{name} is there or not: its value is true or false, not {value!r}")


def _folded(name: str) -> str:
    return re.sub(r"[\s_-]+", "", unicodedata.normalize("NFKC", name)).casefold()


def _said(value: Value) -> str:
    return {True: "asked for", False: "ruled out"}[value] if isinstance(value, bool) else value


def _example(schema: AttributeSchema) -> list[str]:
    names = value_names(schema)
    return [str(value) if value is not True else name for name, value in [names[0], names[-1]]]


def _check(
    said: Mapping[str, Value], schema: AttributeSchema, statistics: Statistics, allow_unseen: bool
) -> tuple[str, ...]:
    """Refuse what the data never show together; returns what is only unlikely."""
    if allow_unseen:
        return ()
    for group in schema.groups:
        present = [member for member in group.members if said.get(member) is True]
        if len(present) > 1:
            raise RequestError(
                f"{present[0]} and {present[1]} are both {group.name}, and no image has two; drop one, or use"
                " --allow-unseen"
            )
    names = value_names(schema)
    choices = {attribute.name for attribute in schema.attributes if attribute.kind == "choice"}
    places = _present(said, names)
    labels = [name if value is True else f"{name} {value}" for name, value in names]
    for place in places:
        if not statistics.together[place][place]:
            raise RequestError(
                f"none of the {statistics.images} images it was trained on has {labels[place]}; leave it out, or use"
                " --allow-unseen"
            )
    notes = []
    for first, second in combinations(places, 2):
        if statistics.together[first][second]:
            continue
        one, two = labels[first], labels[second]
        if {names[first][0], names[second][0]} & choices:
            raise RequestError(
                f"{two} never occurs with {one} in the {statistics.images} images; drop one, or use --allow-unseen"
            )
        for flag, other in ((first, second), (second, first)):
            kind = _kind_never_met(flag, other, schema, statistics)
            if kind is not None:
                raise RequestError(
                    f"{labels[flag]} is never seen with {kind}, though chance would have shown it; drop one, or use"
                    " --allow-unseen"
                )
        notes.append(f"{one} and {two} were never seen together; expect the worse for it")
    return tuple(notes)


def _implied(said: Mapping[str, Value], schema: AttributeSchema, statistics: Statistics) -> dict[str, Value]:
    """Options of choices that are not mentioned, but that all images with one of the values asked for have, where
    chance would show others too.
    """
    names = value_names(schema)
    counts = statistics.counts
    present = _present(said, names)
    found: dict[str, Value] = {}
    for attribute in schema.attributes:
        if attribute.kind == "flag" or attribute.name in said:
            continue
        options = [place for place, (name, _) in enumerate(names) if name == attribute.name]
        implied = {
            names[option][1]
            for place in present
            for option in options
            if statistics.together[place][option] == counts[place]
            and counts[place] * (1 - counts[option] / statistics.images) >= EVIDENCE
        }
        if len(implied) == 1:
            found[attribute.name] = implied.pop()
    return found


def _present(said: Mapping[str, Value], names: Sequence[tuple[str, Value]]) -> list[int]:
    """The places among the values of what is asked to be there."""
    return [place for place, (name, value) in enumerate(names) if said.get(name) == value]


def _kind_never_met(flag: int, other: int, schema: AttributeSchema, statistics: Statistics) -> str | None:
    """What `other` is (its group, or itself), if `flag` was never seen with any of that kind though chance would show
    it: a helmet and hair.
    """
    name = value_names(schema)[other][0]
    group = next((group for group in schema.groups if name in group.members), None)
    members = group.members if group else (name,)
    places = [place for place, (each, _) in enumerate(value_names(schema)) if each in members]
    counts = statistics.counts
    expected = counts[flag] * sum(counts[place] for place in places) / statistics.images
    if expected < EVIDENCE or any(statistics.together[flag][place] for place in places):
        return None
    return f"any {group.name} ({name} is one)" if group else name
