"""Requests: what a person asks for, as text or as a mapping, checked against what the data show.

What is not mentioned is unknown, not absent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from noisette.attributes.evidence import surprising
from noisette.attributes.groups import EVIDENCE
from noisette.attributes.names import (
    MOST_LETTERS,
    cleaned,
    denied,
    folded,
    halves,
    in_quotes,
    parts_of,
    quoted,
    signed,
    unquoted,
)
from noisette.attributes.ranges import day_of
from noisette.attributes.schema import ABSENT, Attribute, AttributeSchema, Flag, Group, Range, Value, shown_number
from noisette.attributes.statistics import Statistics, value_names
from noisette.errors import RequestError, nearest, told
from noisette.text import brief

_MOST_ABSENT = 3
_MOST_TOLD = 3
_NUMBER = re.compile(r"[+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(?:[eE][+-]?\d{1,3})?")
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

    Names match in any case, without regard to spaces and to hyphens inside; a minus before a name says that it is
    absent, as `no` does. What has commas, colons or equal signs in it stands in double quotes. A flag that is there
    says that the others of its group are not; and a value that the data only show with one option of a choice says that
    option: an ape has no human skin tone.

    Args:
        request: A text such as `Male, Big Shades, -Earring, beard=none, "Hair, Long"`, or a mapping of names to values.
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
    said = _reader(schema).read(request)
    if isinstance(request, str) and not said:
        example = as_text(dict([value_names(schema)[0], value_names(schema)[-1]]), schema)
        raise RequestError(f"the request is empty; write for example '{example}'")
    notes = (*_reader(schema).far_off(request), *_check(said, schema, statistics, allow_unseen))
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


def as_text(values: Mapping[str, Value], schema: AttributeSchema) -> str:
    """Attributes as a request that says them all.

    Args:
        values: By name.
        schema: Of the names.

    Returns:
        A text that `parse_request` reads as these values; empty where there are none.
    """
    if not values:
        return ""
    reader = _reader(schema)
    return ", ".join(reader.written(name, value) for name, value in values.items())


def part_of(name: str, value: Value, schema: AttributeSchema) -> str:
    """A value as a part of a request: `Male`, `Hat=None`, `Earring`, `no Earring`, in quotes where it must be.

    Args:
        name: Of an attribute.
        value: An option of it, or whether it is there.
        schema: Of the name.

    Returns:
        The shortest text that a request reads as this value and nothing else.
    """
    return _reader(schema).written(name, value)


def name_of(name: str, value: Value, schema: AttributeSchema) -> str:
    """The name of a flag, or of an option with its choice, that `values_behind` takes: `Earring`, `Hat=None`.

    Args:
        name: Of an attribute.
        value: An option of it, or whether it is there.
        schema: Of the name.
    """
    return _reader(schema).named(name, value)


def describe(values: Mapping[str, Value], schema: AttributeSchema) -> str:
    """Attributes as a person would ask for them.

    Args:
        values: By name. Of the absent flags only a few are told: another may say so of dozens.
        schema: Of the names.

    Returns:
        A text that `parse_request` takes, or "nothing".
    """
    absent = {name: value for name, value in values.items() if value is False}
    there = {name: value for name, value in values.items() if value is not False}
    return as_text({**there, **(absent if len(absent) <= _MOST_ABSENT else {})}, schema) or "nothing"


def typed(values: Mapping[str, Value], schema: AttributeSchema) -> str:
    """Attributes in short as a request that can be typed again.

    Args:
        values: By name.
        schema: Of the names.

    Returns:
        A text that `parse_request` takes; with `only` it says the same again, whatever absent flags are left out of it.
    """
    there = any(value is not False for value in values.values())
    return describe(values, schema) if there else as_text(values, schema)


def values_behind(names: Iterable[str], schema: AttributeSchema) -> list[tuple[str, Value]]:
    """The attribute and value that each name of a flag or an option stands for.

    Args:
        names: Such as `Earring`, `Zombie` or `Hat=None`, quoted as in a request.
        schema: What can be named.

    Returns:
        Pairs of an attribute's name and a value that an image can have: True of a flag.

    Raises:
        RequestError: A name stands for nothing, for several things, or for what is not there.
    """
    return [_reader(schema).thing(name) for name in names]


def names_something(name: str, schema: AttributeSchema) -> bool:
    """Whether `values_behind` knows a name."""
    try:
        return bool(values_behind([name], schema))
    except RequestError:
        return False


def attribute_behind(name: str, schema: AttributeSchema) -> str:
    """The attribute that a name stands for: its own, an option's, or of a group the first member.

    Args:
        name: Of an attribute, an option or a group, quoted as in a request.
        schema: What can be named.

    Raises:
        RequestError: It stands for nothing, or for several things.
    """
    return _reader(schema).attribute(name)


def _bare(name: str, value: Value) -> list[str]:
    """A value as people write it where nothing else has its name."""
    if isinstance(value, bool):
        return [quoted(name) if value else f"no {quoted(name)}"]
    return [quoted(value)]


class _Part(NamedTuple):
    """One part of a request: a name, and what is said of it."""

    name: str
    value: object


class _Reader:
    """Finds attributes, options and groups by what people write."""

    def __init__(self, schema: AttributeSchema) -> None:
        if not schema.attributes:
            raise RequestError("there are no attributes to ask for: it was trained without any")
        self._attributes = {folded(attribute.name): attribute for attribute in schema.attributes}
        self._groups = {folded(group.name): group for group in schema.groups}
        self._options: dict[str, list[tuple[str, str]]] = {}
        for attribute in schema.attributes:
            if attribute.kind != "flag":
                for option in attribute.options:
                    self._options.setdefault(folded(option), []).append((attribute.name, option))
        self._written = [
            *schema.names,
            *(group.name for group in schema.groups),
            *(option for found in self._options.values() for _, option in found),
        ]
        self._exact = {cleaned(name) for name in self._written}
        self._offered = [name for name in self._written if name != ABSENT]  # which is an answer, and no name of a thing
        self._parts: dict[tuple[str, Value], str] = {}

    def read(self, asked: str | Mapping[str, object]) -> dict[str, Value]:
        """What a whole request says. Raises RequestError."""
        if not isinstance(asked, str | Mapping):
            raise RequestError(f"a request is a text or a mapping of names to values, not {type(asked).__name__}")
        written = self._parts_of(asked)
        if strange := [name for name, _ in written if not isinstance(name, str)]:
            raise RequestError(f"the names in a request are text, not {told(strange[0])}")
        if unknown := [name for name in dict.fromkeys(name for name, _ in written) if not self._knows(name)]:
            raise RequestError(self._not_known(unknown, alone=len(written) == 1, text=isinstance(asked, str)))
        said: dict[str, Value] = {}
        for name, value in written:
            for attribute, meant in self._meant(name, value):
                if said.setdefault(attribute, meant) != meant:
                    raise RequestError(
                        f"the request contradicts itself: {attribute} is both {_said(said[attribute])} and"
                        f" {_said(meant)}"
                    )
        return said

    def far_off(self, asked: str | Mapping[str, object]) -> Iterator[str]:
        """What a person should know of the numbers in a request that can be read: those far outside of all ranges."""
        for name, value in self._parts_of(asked):
            attribute = self._attributes.get(folded(name))
            if not isinstance(attribute, Range) or (number := _number(value, attribute.unit)) is None:
                continue
            if attribute.is_far_off(number):
                high = number > attribute.edges[0]
                edge = shown_number(attribute.edges[-1 if high else 0], attribute.unit)
                where = f"far above {edge}, where the highest range begins" if high else ""
                where = where or f"far below {edge}, where the lowest range ends"
                option = attribute.options[attribute.code_of(number)]
                yield f'{attribute.name}={shown_number(number, attribute.unit)} lies {where}; it asks for "{option}"'

    def _parts_of(self, asked: str | Mapping[str, object]) -> Sequence[_Part]:
        """The names in a request, each with what is said of it. Raises RequestError."""
        return self._listed(asked) if isinstance(asked, str) else [_Part(*each) for each in asked.items()]

    def reads(self, text: str) -> dict[str, Value]:
        """What a text says; nothing where it cannot be read."""
        try:
            return self.read(text)
        except RequestError:
            return {}

    def written(self, name: str, value: Value) -> str:
        """A value as a part of a request, see `part_of`; a sheet of pictures says the same ones again and again."""
        key = (name, value)
        if key not in self._parts:
            part = next((way for way in self._ways(name, value) if self.reads(way) == {name: value}), None)
            self._parts[key] = self.named(name, value) if part is None else part
        return self._parts[key]

    def _ways(self, name: str, value: Value) -> list[str]:
        """A value as people write it, if that can be read; nobody would know whose a bare `None` or `up to 7` is."""
        if isinstance(self._owner(name), Range) and value != ABSENT:
            return [f"{quoted(name)}: {quoted(str(value))}"]
        return [] if value == ABSENT else _bare(name, value)

    def named(self, name: str, value: Value) -> str:
        """The name of a flag, or of an option with its choice, see `name_of`."""
        said = ("no", "yes")[value] if isinstance(value, bool) else value
        ways = [*(_bare(name, value) if value is True else []), f"{quoted(name)}={quoted(said)}"]
        return next((way for way in ways if self.reads(way) == {name: value}), f"{in_quotes(name)}={in_quotes(said)}")

    def thing(self, name: str) -> tuple[str, Value]:
        """The one value that the name of a flag or option stands for. Raises RequestError."""
        part = self._named(name)
        meant = self._meant(*part)
        if len(meant) != 1 or meant[0][1] is False:
            raise RequestError(f'"{brief(name)}" is nothing that is there; name a flag or an option')
        return meant[0]

    def attribute(self, name: str) -> str:
        """The attribute that a name stands for. Raises RequestError."""
        text = _without_quotes(cleaned(name[:MOST_LETTERS])) if isinstance(name, str) else ""
        part = _Part(text, True) if self._owner(text) else self._named(name)
        owner = self._owner(part.name)
        if isinstance(owner, Group):
            return owner.members[0]
        return owner.name if owner else self._meant(*part)[0][0]

    def _owner(self, name: str) -> Attribute | Group | None:
        """The attribute or group of a name."""
        return self._attributes.get(folded(name)) or self._groups.get(folded(name))

    def _named(self, name: str) -> _Part:
        """A name alone: a part without a sign. Raises RequestError."""
        if not isinstance(name, str):
            raise RequestError(f"the names of flags and options are text, not {told(name)}")
        text = cleaned(name[:MOST_LETTERS])
        found = self._plain(text)
        if not self._knows(found.name):
            raise RequestError(self._not_known([found.name], alone=False, named=True))
        return found

    def _listed(self, text: str) -> list[_Part]:
        """The parts of a text. Raises RequestError."""
        if len(text) > MOST_LETTERS:
            raise RequestError(f"the request has {len(text):,} letters; {MOST_LETTERS:,} are the most")
        return [self._part(part) for part in parts_of(cleaned(text))]

    def _part(self, part: str) -> _Part:
        """One part of a text, in the one way in which it can be meant. Raises RequestError."""
        said = signed(part)
        if said is None or part in self._exact:
            return self._plain(part)
        quotation = unquoted(said.rest) is not None
        signs = quotation or self._knows(said.rest)
        if signs and self._knows(part) and not quotation:
            raise RequestError(
                f'"{part}" can mean two things; write {in_quotes(part)} for the name, or'
                f" {quoted(said.rest)}={'yes' if said.present else 'no'}"
            )
        if signs:
            return _Part(_without_quotes(said.rest), said.present)
        plain = self._plain(part)
        if not self._knows(plain.name) and self._knows(self._plain(said.rest).name):
            raise RequestError(
                f'"{brief(part)}" says no to a value; name a flag that is not there, as in "no NAME", or keep away'
                " from an option by --exclude"
                if not said.present
                else f'"{brief(part)}" has a sign and a value; leave the sign out'
            )
        return plain

    def _plain(self, part: str) -> _Part:
        """A part without a sign: a name, or a name and a value. Raises RequestError."""
        if (inside := unquoted(part)) is not None:
            return self._there(inside)
        divided = [_Part(_without_quotes(name), _without_quotes(value)) for name, value in halves(part)]
        if divided and part.startswith('"'):
            return divided[0]
        ways = [each for each in divided if self._knows(each.name)]
        whole = self._knows(part)
        if whole and (part in self._exact or not ways):
            return self._there(part)
        if len(ways) + whole > 1:
            raise RequestError(
                f'"{brief(part)}" can mean several things; put the name and the value in double quotes, as in'
                f" {in_quotes(ways[0].name)}={in_quotes(str(ways[0].value))}"
            )
        return [*ways, *divided, _Part(part, True)][0]

    def _there(self, name: str) -> _Part:
        """A name without a value. Raises RequestError where it is that of an attribute and of another's option."""
        owner, options = self._owner(name), self._options.get(folded(name), [])
        if owner is not None and (others := [each for each in options if each[0] != owner.name]):
            own = [f"{quoted(owner.name)}=yes"] if isinstance(owner, Flag) else []
            ways = " or ".join([*own, *(f"{quoted(choice)}={quoted(option)}" for choice, option in others)])
            raise RequestError(f'"{name}" can mean several things; write {ways}')
        return _Part(name, True)

    def _knows(self, name: str) -> bool:
        key = folded(name)
        return key in self._attributes or key in self._groups or key in self._options

    def _not_known(self, names: Sequence[str], *, alone: bool, text: bool = False, named: bool = False) -> str:
        """Why names cannot be asked for, with the nearest that can, and how to write what was meant.

        alone: nothing else is asked for. text: they stand in a text, where a sign says no. named: they are names alone.
        """
        first = names[0]
        hint = "; commas separate what is asked for" if alone and (" " in first or ";" in first) else ""
        rest = denied(cleaned(first[:MOST_LETTERS]))
        if rest is not None and self._knows(rest):
            flag = folded(rest) not in self._options
            without = f'"-{rest}" or "no {rest}"' if flag else f"--exclude {quoted(rest)}"
            hint = f"; the name is {quoted(rest)}, and its value says whether it is there"
            if named:
                asked = f', or --attributes "no {rest}"' if flag else ""
                hint = f"; to keep {quoted(rest)} out, write --exclude {quoted(rest)}{asked}"
            elif text:
                hint = f"; to keep {quoted(rest)} out, write {without}"
        listed = [f'no attribute "{brief(name)}"{nearest(name, self._offered)}' for name in names[:_MOST_TOLD]]
        more = f"; and {len(names) - _MOST_TOLD:,} more" if len(names) > _MOST_TOLD else ""
        return f"{'; '.join(listed)}{more}{hint} (see `noisette attributes`)"

    def _meant(self, name: str, value: object) -> list[tuple[str, Value]]:
        """What one part of a request says: attributes and their values."""
        key = folded(name)
        if key in self._attributes:
            attribute = self._attributes[key]
            if attribute.kind == "flag":
                return [(attribute.name, self._truth(attribute.name, value))]
            if isinstance(attribute, Range):
                return [(attribute.name, self._range_of(attribute, value))]
            return [(attribute.name, self._one_of(attribute.name, attribute.options, value))]
        if key in self._groups:
            group = self._groups[key]
            named = {folded(member) for member in group.members}
            none = isinstance(value, str) and folded(value) in {"none", "no"} - named
            if value is False or none:
                return [(member, False) for member in group.members]
            return [(self._one_of(group.name, group.members, value), True)]
        found = self._options[key]
        if len(found) > 1:
            ways = " or ".join(f"{quoted(attribute)}={quoted(option)}" for attribute, option in found)
            raise RequestError(f'"{name}" can mean several things; write {ways}')
        [(choice, option)] = found
        if not self._truth(option, value):
            raise RequestError(
                f'the {choice} cannot be asked for by what it is not; leave "{option}" out, or exclude it (--exclude)'
            )
        return [(choice, option)]

    def _range_of(self, attribute: Range, value: object) -> str:
        """A range by its name, or by a number in it; a range of days begins as a day with its time does."""
        named = isinstance(value, str) and folded(value) in map(folded, attribute.options)
        number = None if named else _number(value, attribute.unit)
        if number is None:
            return self._one_of(attribute.name, attribute.options, value)
        return attribute.options[attribute.code_of(number)]

    def _one_of(self, name: str, options: tuple[str, ...], value: object) -> str:
        by_folded = {folded(option): option for option in options}
        value = value.item() if isinstance(value, np.generic) else value
        no = value is False or (isinstance(value, str) and folded(value) == "no" and "no" not in by_folded)
        if no and "none" in by_folded:
            return by_folded["none"]
        if isinstance(value, bool):
            nothing = f", or no {quoted(name)}" if folded(name) in self._groups else ""
            raise RequestError(f"which {name}? Name one, such as {quoted(name)}={quoted(options[0])}{nothing}")
        written = _as_written(value)
        if written is None or folded(written) not in by_folded:
            what = f'"{brief(written)}"' if written is not None else told(value)
            near = nearest(written, [each for each in options if each != ABSENT]) if written is not None else ""
            listed = ", ".join(options[:8]) + (", ..." if len(options) > 8 else "")
            raise RequestError(f"{name} cannot be {what}{near or f'; it can be {listed}'}")
        return by_folded[folded(written)]

    @staticmethod
    def _truth(name: str, value: object) -> bool:
        value = value.item() if isinstance(value, np.generic) else value
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.strip().casefold() in _WORDS:
            return _WORDS[value.strip().casefold()]
        raise RequestError(f"{name} is there or not: its value is true or false, not {told(value)}")


_reader = lru_cache(maxsize=16)(_Reader)
"""The reader of a schema; a sheet of a thousand images describes a thousand requests."""


def _without_quotes(text: str) -> str:
    inside = unquoted(text)
    return text if inside is None else inside


def _as_written(value: object) -> str | None:
    """A text, or a whole number as a person writes it; None of anything else."""
    if isinstance(value, str):
        return value
    try:
        return str(value) if isinstance(value, int) else None
    except ValueError:  # a number of thousands of digits
        return None


def _number(value: object, unit: str) -> float | None:
    """A number or a date as a person writes it; None of anything else."""
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, str):
        if unit == "date":
            return day_of(value)
        value = float(value) if _NUMBER.fullmatch(value.strip()) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e300:  # nor what is no number
        return None
    return float(value)


def _said(value: Value) -> str:
    return {True: "asked for", False: "ruled out"}[value] if isinstance(value, bool) else value


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
    choices = {attribute.name for attribute in schema.attributes if attribute.kind != "flag"}
    places = _present(said, names)
    labels = [name if value is True else f"{name} {value}" for name, value in names]
    for place in places:
        if not statistics.together[place][place]:
            raise RequestError(
                f"none of the {statistics.images} images it was trained on has {labels[place]}; leave it out, or use"
                " --allow-unseen"
            )
    notes = []
    never = surprising(schema, statistics)
    for first, second in combinations(places, 2):
        if statistics.together[first][second]:
            continue
        one, two = labels[first], labels[second]
        of_choice = bool({names[first][0], names[second][0]} & choices)
        if of_choice and never[first, second]:
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
        if not of_choice:  # of hundreds of options nearly no two were seen together, and that says nothing
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
