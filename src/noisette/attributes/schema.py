"""What is known of an image: the schema of its attributes and the table of their values."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from hashlib import sha256
from itertools import pairwise
from math import ceil
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from noisette.attributes.names import folded
from noisette.errors import RequestError, nearest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UNKNOWN = -1
"""In an attribute table: nothing is known. Never the same as 0, which is "absent" or the first option."""

ABSENT = "None"
"""The option of images that have nothing of an attribute that is one of several."""

MOST_RANGES = 64
MOST_ATTRIBUTES = 1024
MOST_VALUES = 2048
"""Of all attributes together: options of choices, and flags."""

LONGEST_NAME = 10_000  # letters


def _is_name(name: str) -> str:
    """Not by a constraint of pydantic's, which takes no bytes of file names that are no UTF-8."""
    if not 1 <= len(name) <= LONGEST_NAME:
        raise ValueError(f"a name has 1 to {LONGEST_NAME:,} letters, not {len(name):,}")
    return name


Name = Annotated[str, AfterValidator(_is_name)]
"""Of an attribute, an option or a group."""

Value = str | bool
"""The option of a choice, or whether a flag is there."""


class Choice(BaseModel):
    """An attribute that has exactly one of several values, such as the digit of an image.

    Attributes:
        kind: Always choice.
        name: What it is called.
        options: Its values, at least one; no two that are the same but for case, spaces and hyphens.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["choice"] = "choice"
    name: Name
    options: tuple[Name, ...] = Field(min_length=1, max_length=MOST_VALUES)

    @model_validator(mode="after")
    def _options_are_unique(self) -> Choice:
        if twice := _twice(self.options):
            raise ValueError(f'of the attribute "{self.name}" {twice.told("option")}')
        return self

    @property
    def values(self) -> tuple[Value, ...]:
        """What the codes 0, 1, 2, ... stand for."""
        return self.options


class Flag(BaseModel):
    """An attribute that an image has or has not, such as an earring.

    Attributes:
        kind: Always flag.
        name: What it is called.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["flag"] = "flag"
    name: Name

    @property
    def options(self) -> tuple[str, ...]:
        """What the codes 0 and 1 are called."""
        return ("absent", "present")

    @property
    def values(self) -> tuple[Value, ...]:
        """What the codes 0 and 1 stand for."""
        return (False, True)


class Range(BaseModel):
    """An attribute that is a number or a date, in ordered ranges, such as an age.

    Attributes:
        kind: Always range.
        name: What it is called.
        edges: The highest number of each range but the last, ascending; dates are days since 1970.
        unit: Number or date.
        optional: Whether an image may have none; `None` is then the first option.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["range"] = "range"
    name: Name
    edges: tuple[Annotated[float, Field(allow_inf_nan=False, ge=-1e15, le=1e15)], ...] = Field(
        min_length=1, max_length=MOST_RANGES
    )
    unit: Literal["number", "date"] = "number"
    optional: bool = False

    @model_validator(mode="after")
    def _edges_ascend(self) -> Range:
        if any(first >= second for first, second in pairwise(self.edges)):
            raise ValueError(f'the ranges of the attribute "{self.name}" do not ascend')
        if _twice([shown_number(edge, self.unit) for edge in self.edges]):
            raise ValueError(f'the ranges of the attribute "{self.name}" cannot be told apart')
        return self

    @property
    def options(self) -> tuple[str, ...]:
        """What the codes 0, 1, 2, ... are called."""
        edges = [shown_number(edge, self.unit) for edge in self.edges]
        between = [f"{low} to {high}" for low, high in pairwise(edges)]
        nothing = (ABSENT,) if self.optional else ()
        return (*nothing, f"up to {edges[0]}", *between, f"above {edges[-1]}")

    @property
    def values(self) -> tuple[Value, ...]:
        """What the codes stand for."""
        return self.options

    def number_of(self, code: int) -> float | None:
        """A number that stands for a range: its middle, whole where the edges are.

        The first range is open below, and its highest number stands for it; the last is taken to be as wide as the one
        before.

        Args:
            code: Of the range.

        Returns:
            A number whose code this is; dates are days since 1970. None of the option of images that have none.
        """
        place, edges = code - self.optional, self.edges
        if place < 0:
            return None
        if place == 0:
            return edges[0]
        low = edges[place - 1]
        high = edges[place] if place < len(edges) else low + (low - edges[place - 2] if place > 1 else 1)
        middle = (low + high) / 2
        return float(ceil(middle)) if all(edge.is_integer() for edge in edges) else middle

    def code_of(self, number: float | None) -> int:
        """The code of the range that a number lies in.

        Args:
            number: Any; dates are days since 1970. None is that there is none.

        Raises:
            ValueError: There is none, and the attribute is not optional.
        """
        if number is None:
            if not self.optional:
                raise ValueError(f'the attribute "{self.name}" is never without a number')
            return 0
        return bisect_left(self.edges, number) + self.optional

    def is_far_off(self, number: float) -> bool:
        """Whether a number lies farther outside of the bounds of ranges than they lie apart, or than the only one is
        from 0. The first and the last range have no end, and where they end in the data is not kept.

        Args:
            number: Any; dates are days since 1970.
        """
        first, last = self.edges[0], self.edges[-1]
        wide = last - first if first < last else abs(last)
        return not first - wide <= number <= last + wide


def shown_number(number: float, unit: Literal["number", "date"]) -> str:
    """A number, or a date in days since 1970, as it is written."""
    if unit == "date":
        return (date(1970, 1, 1) + timedelta(days=int(number))).isoformat() if abs(number) < 700_000 else str(number)
    return f"{number:.12g}"


Attribute = Annotated[Choice | Flag | Range, Field(discriminator="kind")]
"""A choice, a flag or a range; `kind` says which. All but a flag have exactly one of several options."""


class Group(BaseModel):
    """Flags of which an image has at most one, such as hats.

    Attributes:
        name: What they are called together.
        members: The names of the flags, at least two.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    members: tuple[Name, ...] = Field(min_length=2, max_length=MOST_ATTRIBUTES)


class AttributeSchema(BaseModel):
    """The attributes of a data set, in the order of the columns of its table, and which flags exclude each other.

    A table is (N, A) int16: the index of the option for a choice, 0 or 1 for a flag, `UNKNOWN` where nothing is known.

    Attributes:
        attributes: A of them; no two names that are the same but for case, spaces and hyphens.
        groups: Flags that exclude each other, each in at most one group.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    attributes: tuple[Attribute, ...] = Field((), max_length=MOST_ATTRIBUTES)
    groups: tuple[Group, ...] = Field((), max_length=MOST_ATTRIBUTES)

    @model_validator(mode="after")
    def _names_are_unique(self) -> AttributeSchema:
        if (values := sum(map(len, self.valued))) > MOST_VALUES:
            raise ValueError(f"all attributes together have {values} values; there can be {MOST_VALUES}")
        if twice := _twice([*self.names, *(group.name for group in self.groups)]):
            raise ValueError(twice.told("attribute"))
        flags = {attribute.name for attribute in self.attributes if attribute.kind == "flag"}
        members = [member for group in self.groups for member in group.members]
        if strangers := [member for member in members if member not in flags]:
            raise ValueError(f'a group has the member "{strangers[0]}", which is no flag{nearest(strangers[0], flags)}')
        if twice := _twice(members):
            raise ValueError(f'"{twice.second}" is a member of two groups')
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Of the attributes."""
        return tuple(attribute.name for attribute in self.attributes)

    @property
    def fingerprint(self) -> str:
        """SHA-256: weights that were trained under one schema mean nothing under another."""
        return sha256(self.model_dump_json().encode()).hexdigest()

    @property
    def valued(self) -> tuple[range, ...]:
        """For each attribute the codes that say what is there: all of a choice, only 1 of a flag."""
        return tuple(
            range(1, 2) if attribute.kind == "flag" else range(len(attribute.options)) for attribute in self.attributes
        )

    @property
    def units(self) -> tuple[int, ...]:
        """For each attribute the column that stands for it: the first of its group, or its own."""
        columns = {name: column for column, name in enumerate(self.names)}
        stands = {member: columns[group.members[0]] for group in self.groups for member in group.members}
        return tuple(stands.get(name, columns[name]) for name in self.names)

    def with_groups(self, groups: Mapping[str, Sequence[str]]) -> AttributeSchema:
        """The same attributes with other groups.

        Args:
            groups: The members of each group, by its name.

        Raises:
            RequestError: A member is no flag, or is there twice.
        """
        try:
            return AttributeSchema(
                attributes=self.attributes,
                groups=tuple(Group(name=name, members=tuple(who)) for name, who in groups.items()),
            )
        except ValidationError as error:
            raise RequestError(
                "; ".join(str(each["msg"]).removeprefix("Value error, ") for each in error.errors())
            ) from error

    def encode(self, rows: Sequence[Mapping[str, Value]]) -> NDArray[np.int16]:
        """The table of some attributes.

        Args:
            rows: N mappings from names to options or booleans; a name that one does not mention is `UNKNOWN`.

        Returns:
            (N, A) int16.

        Raises:
            RequestError: A name or an option is not in the schema.
        """
        import numpy as np  # here, so that a schema costs nothing where no table is made

        columns = {attribute.name: column for column, attribute in enumerate(self.attributes)}
        codes = [{value: code for code, value in enumerate(attribute.values)} for attribute in self.attributes]
        table = np.full((len(rows), len(columns)), UNKNOWN, dtype=np.int16)
        for number, row in enumerate(rows):
            for name, value in row.items():
                if name not in columns:
                    raise RequestError(f'no attribute "{name}" in the schema{nearest(name, columns)}')
                column = columns[name]
                if value not in codes[column]:
                    allowed = ", ".join(map(str, codes[column]))
                    raise RequestError(f'the attribute "{name}" cannot be "{value}"; it can be: {allowed}')
                table[number, column] = codes[column][value]
        return table

    def decode(self, row: NDArray[np.int16]) -> dict[str, Value]:
        """The known values of one row of a table.

        Args:
            row: (A,) codes.

        Returns:
            Values by name.
        """
        known: dict[str, Value] = {}
        for attribute, code in zip(self.attributes, row.tolist(), strict=True):
            if code == UNKNOWN:
                continue
            known[attribute.name] = attribute.values[code]
        return known


class _Twice(NamedTuple):
    """Two names that a request could not tell apart."""

    first: str
    second: str

    def told(self, what: str) -> str:
        if self.first == self.second:
            return f'the {what} "{self.first}" appears twice'
        return f'the {what}s "{self.first}" and "{self.second}" differ by case, spaces or hyphens alone; rename one'


def _twice(names: Sequence[str]) -> _Twice | None:
    """The first of `names` that a request could not tell from another."""
    known: dict[str, str] = {}
    for name in names:
        if (key := folded(name)) in known:
            return _Twice(known[key], name)
        known[key] = name
    return None
