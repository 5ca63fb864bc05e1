"""What metadata say of images, as attributes: which traits are choices, flags or ranges, and which are none at all."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from noisette.attributes.groups import find_groups, named
from noisette.attributes.names import cleaned, folded
from noisette.attributes.ranges import day_of, ranges_of
from noisette.attributes.schema import (
    ABSENT,
    LONGEST_NAME,
    MOST_ATTRIBUTES,
    MOST_VALUES,
    UNKNOWN,
    AttributeSchema,
    Choice,
    Flag,
    Range,
    Value,
)
from noisette.data.collections.entries import Entry, Raw, Trait
from noisette.data.collections.findings import Findings
from noisette.data.collections.settings import TraitSettings
from noisette.errors import RequestError, nearest
from noisette.text import brief

RARE = 5
"""Images; a value of fewer is hardly learned."""

MOST_AS_CHOICE = 12
"""Different numbers of a trait that are options still; more become ranges."""

_UNIQUE = 0.9  # different values, by images that have one: from there on a text names the image
_NOTHING = frozenset({"", "none", "null", "nil", "n/a", "nothing"})
_TRUTHS: Mapping[str, bool] = {"true": True, "yes": True, "false": False, "no": False}
_SECONDS_OF_DAY = 86_400


@dataclass(frozen=True)
class Understood:
    """What the traits of a collection are as attributes.

    Attributes:
        schema: With the groups of flags that the images show.
        table: (N, A) int16, UNKNOWN where nothing is known of an image.
    """

    schema: AttributeSchema
    table: NDArray[np.int16]


@dataclass
class _Said:
    """What all images say under one name."""

    name: str
    values: list[list[Trait]]  # of each image that is described


@dataclass(frozen=True)
class _Column:
    """An attribute with its value for each image that is described; None is unknown."""

    attribute: Choice | Flag | Range
    values: Sequence[Value | None]


def understand(
    entries: Sequence[Entry], settings: Mapping[str, TraitSettings], findings: Findings, train: NDArray[np.bool_]
) -> Understood:
    """Make attributes of what is said of images.

    - A value that says "none", and a trait that is not there, are the same: the option `None`, or an absent flag.
    - true and false, yes and no are flags; so is each value of a trait that one image has twice.
    - Numbers of more than a dozen values, and dates, are ranges.
    - A trait with the same value for all images, or another one for each, is no attribute.

    Args:
        entries: The images, N.
        settings: How traits are understood otherwise, by their names.
        findings: Told of what is no attribute, rare, or written in several ways.
        train: (N,), the images in which groups are found: nothing may be learned from those that measure.

    Returns:
        The schema and the table.

    Raises:
        RequestError: The settings name a trait that is not there, or ask of one what it cannot be.
    """
    described = [number for number, entry in enumerate(entries) if entry.traits is not None]
    said = _by_name([entries[number].traits or () for number in described], findings)
    ways = _settings_by_name(settings, said)
    columns: list[_Column] = []
    for key, each in said.items():
        columns += _columns(each, ways.get(key, TraitSettings()), findings)
    columns = _named_apart(_few_enough(columns, findings))
    table = np.full((len(entries), len(columns)), UNKNOWN, dtype=np.int16)
    for number, column in enumerate(columns):
        codes = {value: code for code, value in enumerate(column.attribute.values)}
        table[described, number] = [UNKNOWN if value is None else codes[value] for value in column.values]
    schema = AttributeSchema(attributes=tuple(column.attribute for column in columns))
    schema = schema.with_groups(_groups(schema, table[train]))
    _tell_rare(schema, table, findings)
    return Understood(schema, table)


def _groups(schema: AttributeSchema, table: NDArray[np.int16]) -> dict[str, Sequence[str]]:
    taken = {folded(name) for name in schema.names}
    found = named(find_groups(schema, table), {})
    return {name: members for name, members in found.items() if folded(name) not in taken}


def _by_name(described: Sequence[Sequence[Trait]], findings: Findings) -> dict[str, _Said]:
    """The traits under each name, whichever way it is written; each as the most write it."""
    written_as = Counter(trait.name for traits in described for trait in traits)
    keys = {name: folded(name) for name in written_as}
    spellings: dict[str, Counter[str]] = {}
    for name, count in written_as.items():
        spellings.setdefault(keys[name], Counter())[cleaned(name)] += count
    said: dict[str, _Said] = {}
    for key, written in spellings.items():
        name = _commonest(written)
        if not name or len(name) > LONGEST_NAME:
            findings.add("trait", name or "a trait without a name")
            continue
        if len(written) > 1:
            findings.add("merged", f"trait {name}", ", ".join(sorted(written)))
        said[key] = _Said(name, [[] for _ in described])
    for number, traits in enumerate(described):
        for trait in traits:
            if (each := said.get(keys[trait.name])) is not None:
                each.values[number].append(trait)
    return said


def _settings_by_name(settings: Mapping[str, TraitSettings], said: Mapping[str, _Said]) -> dict[str, TraitSettings]:
    for name in settings:
        if folded(name) not in said:
            names = [each.name for each in said.values()]
            there = nearest(name, names) or f"; there are {brief(', '.join(names), 200) or 'none'}"
            raise RequestError(f'collection.toml: no image has a trait "{name}"{there}')
    return {folded(name): each for name, each in settings.items()}


def _columns(said: _Said, way: TraitSettings, findings: Findings) -> list[_Column]:
    """The attributes that one trait becomes: one, a flag for each of its values, or none."""
    name = way.rename or said.name
    if way.kind == "ignore":
        return []
    kept = [[trait.value for trait in traits if not _is_nothing(trait.value)] for traits in said.values]
    if way.kind == "flags" or (way.kind == "auto" and any(map(_are_several, kept))):
        return _flags(name, kept, way, findings)
    values = [each[0] if each else None for each in kept]
    present = [value for value in values if value is not None]
    if not present:
        findings.add("constant", name, "never there")
        return []
    if way.kind in ("auto", "date") and (days := _days(said, values, sure=way.kind == "date")) is not None:
        return _range(name, days, "date", way, findings)
    numbers = _numbers(values) if way.kind in ("auto", "number") else None
    if way.kind == "number" and numbers is None:
        raise RequestError(f'collection.toml: the trait "{name}" is no number in all images; use kind = "choice"')
    if numbers is not None and not all(isinstance(value, bool) for value in present):
        several = len({number for number in numbers if number is not None})
        if way.kind == "auto" and _is_count(numbers):
            findings.add("unique", name, _some(present))
            return []
        if way.kind == "number" or way.ranges or several > MOST_AS_CHOICE:
            return _range(name, numbers, "number", way, findings)
    if way.kind == "auto" and (truths := _truths(values)) is not None:
        return _flag(name, truths, findings)
    return _choice(name, values, way, findings)


def _flags(name: str, kept: Sequence[Sequence[Raw]], way: TraitSettings, findings: Findings) -> list[_Column]:
    spelled = _spelled((value for values in kept for value in values), way, name, findings)
    columns = []
    sets = [{folded(_text(value)) for value in values} for values in kept]
    for key, option in sorted(spelled.items(), key=lambda item: item[1].casefold()):
        columns += _flag(option, [key in each for each in sets], findings)
    return columns


def _flag(name: str, values: Sequence[bool | None], findings: Findings) -> list[_Column]:
    there = [value is True for value in values]
    if all(there) or not any(there):
        findings.add("constant", name, "always there" if all(there) else "never there")
        return []
    return [_Column(Flag(name=name), there)]


def _choice(name: str, values: Sequence[Raw], way: TraitSettings, findings: Findings) -> list[_Column]:
    present = [value for value in values if value is not None]
    spelled = _spelled(present, way, name, findings)
    options = sorted(set(spelled.values()), key=_in_order)
    absent = len(present) < len(values)
    if len(options) == 1 and not absent:
        findings.add("constant", name, options[0])
        return []
    if way.kind == "auto" and len(present) > 2 and len(options) > _UNIQUE * len(present):
        findings.add("unique", name, _some(present))
        return []
    if absent:
        options = [ABSENT, *options]
    rows = [ABSENT if value is None else spelled[folded(_text(value))] for value in values]
    return [_Column(Choice(name=name, options=tuple(options)), rows)]


def _range(
    name: str, numbers: Sequence[float | None], unit: Literal["number", "date"], way: TraitSettings, findings: Findings
) -> list[_Column]:
    present = [number for number in numbers if number is not None]
    edges = tuple(_edge(name, each, unit) for each in way.ranges) or ranges_of(present)
    if len(set(present)) == 1 or not edges:
        findings.add("constant", name, f"{present[0]:g}")
        return []
    attribute = Range(name=name, edges=edges, unit=unit, optional=len(present) < len(numbers))
    options = attribute.values
    return [_Column(attribute, [options[attribute.code_of(number)] for number in numbers])]


def _edge(name: str, written: float | str, unit: str) -> float:
    if unit == "date":
        day = _day(written)
        if day is None:
            raise RequestError(f'collection.toml: a bound of the dates of "{name}" is no day such as 2024-01-31')
        return day
    if isinstance(written, str):
        raise RequestError(f'collection.toml: a bound of "{name}" is no number')
    return float(written)


def _spelled(values: Iterable[Raw], way: TraitSettings, name: str, findings: Findings) -> dict[str, str]:
    """How each value is written, by what its spellings have in common."""
    renamed = {folded(written): now for written, now in way.values.items()}
    written: dict[str, Counter[str]] = {}
    for text, count in Counter(map(_text, values)).items():
        written.setdefault(folded(text), Counter())[text] += count
    for spellings in written.values():
        if len(spellings) > 1:
            findings.add("merged", f"{name} {_commonest(spellings)}", ", ".join(sorted(spellings)))
    return {key: renamed.get(key, _commonest(spellings)) for key, spellings in written.items()}


def _few_enough(columns: list[_Column], findings: Findings) -> list[_Column]:
    """Without what is too much for a schema: the rarest flags where these are the most, else the choice of the most."""
    kept = list(columns)
    while (over := _over(kept)) > 0:
        flags = sorted(
            (column for column in kept if isinstance(column.attribute, Flag)),
            key=lambda column: sum(value is True for value in column.values),
        )
        largest = max(kept, key=_size)
        gone = flags[:over] if len(flags) > _size(largest) else [largest]
        for column in gone:
            findings.add("too many", column.attribute.name, f"{_size(column):,} values")
        left_out = set(map(id, gone))
        kept = [column for column in kept if id(column) not in left_out]
    return kept


def _over(columns: Sequence[_Column]) -> int:
    """How many attributes or values are too many."""
    return max(sum(map(_size, columns)) - MOST_VALUES, len(columns) - MOST_ATTRIBUTES)


def _size(column: _Column) -> int:
    return 1 if isinstance(column.attribute, Flag) else len(column.attribute.values)


def _named_apart(columns: Sequence[_Column]) -> list[_Column]:
    """With names that a request can tell apart: a flag may be called like another trait."""
    taken: set[str] = set()
    apart = []
    for column in columns:
        name, number = column.attribute.name, 2
        while folded(name) in taken:
            name, number = f"{column.attribute.name} ({number})", number + 1
        taken.add(folded(name))
        apart.append(_Column(column.attribute.model_copy(update={"name": name}), column.values))
    return apart


def _tell_rare(schema: AttributeSchema, table: NDArray[np.int16], findings: Findings) -> None:
    for column, (attribute, codes) in enumerate(zip(schema.attributes, schema.valued, strict=True)):
        counts = np.bincount(table[:, column][table[:, column] >= 0], minlength=codes.stop)
        for code in codes:
            if counts[code] < RARE:
                value = attribute.values[code]
                label = attribute.name if value is True else f"{attribute.name}: {value}"
                findings.add("rare", label, f"{counts[code]} images" if counts[code] != 1 else "1 image")


def _numbers(values: Sequence[Raw]) -> list[float | None] | None:
    """The values as numbers, None where there is none; None if one of them is no number."""
    numbers: list[float | None] = []
    for value in values:
        number = None if value is None else _number(value)
        if number is None and value is not None:
            return None
        numbers.append(number)
    return numbers


def _number(value: Raw) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        number = float(value) if isinstance(value, int | float | str) else math.nan
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _is_count(numbers: Sequence[float | None]) -> bool:
    """Whether numbers count the images, as an edition does: whole, all different, nearly without gaps."""
    present = [number for number in numbers if number is not None]
    if len(present) < 3 or len(set(present)) < len(present) or any(number % 1 for number in present):
        return False
    return max(present) - min(present) < 2 * len(present) or present == sorted(present)


def _days(said: _Said, values: Sequence[Raw], *, sure: bool) -> list[float | None] | None:
    """The values as days since 1970, None where there is none; None if they are no dates."""
    told = sure or any(trait.display == "date" for traits in said.values for trait in traits)
    days: list[float | None] = []
    for value in values:
        day = None
        if value is not None:
            number = _number(value) if told else None
            day = _day(value) if number is None else float(number // _SECONDS_OF_DAY)
            if day is None:
                return None
        days.append(day)
    return days


def _day(value: Raw) -> float | None:
    return day_of(value) if isinstance(value, str) else None


def _truths(values: Sequence[Raw]) -> list[bool | None] | None:
    truths: list[bool | None] = []
    for value in values:
        truth = False if value is None else value if isinstance(value, bool) else _TRUTHS.get(str(value).casefold())
        if truth is None:
            return None
        truths.append(truth)
    return truths


def _is_nothing(value: Raw) -> bool:
    return value is None or (isinstance(value, str) and cleaned(value).casefold() in _NOTHING)


def _are_several(values: Sequence[Raw]) -> bool:
    return len(values) > 1 and len({folded(_text(value)) for value in values}) > 1


def _text(value: Raw) -> str:
    """A value as it is shown: 7 and 7.0 are the same."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return cleaned(str(value)) or str(value)


def _commonest(spellings: Counter[str]) -> str:
    return min(spellings, key=lambda each: (-spellings[each], each))


def _in_order(option: str) -> tuple[float, str]:
    number = _number(option)
    return (math.inf if number is None else number, option.casefold())


def _some(values: Sequence[Raw]) -> str:
    return ", ".join(_text(value) for value in values[:3]) + (", ..." if len(values) > 3 else "")
