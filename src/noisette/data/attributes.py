"""What is known of an image: the schema of its attributes and the table of their values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from noisette.errors import RequestError, nearest

UNKNOWN = -1
"""In an attribute table: nothing is known. Never the same as 0, which is "absent" or the first option."""

Value = str | bool
"""The option of a choice, or whether a flag is there."""


class Choice(BaseModel):
    """An attribute that has exactly one of several values, such as the digit of an image."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["choice"] = "choice"
    name: str
    options: tuple[str, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _options_are_unique(self) -> Choice:
        if twice := _twice(self.options):
            raise ValueError(f'the attribute "{self.name}" has the option "{twice}" twice')
        return self

    @property
    def values(self) -> tuple[Value, ...]:
        """What the codes 0, 1, 2, ... stand for."""
        return self.options


class Flag(BaseModel):
    """An attribute that an image has or has not, such as an earring."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["flag"] = "flag"
    name: str

    @property
    def options(self) -> tuple[str, ...]:
        return ("absent", "present")

    @property
    def values(self) -> tuple[Value, ...]:
        """What the codes 0 and 1 stand for."""
        return (False, True)


Attribute = Annotated[Choice | Flag, Field(discriminator="kind")]


class AttributeSchema(BaseModel):
    """The attributes of a data set, in the order of the columns of its table.

    A table is (N, len(attributes)) int16: the index of the option for a choice, 0 or 1 for a flag, `UNKNOWN` where
    nothing is known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    attributes: tuple[Attribute, ...] = ()

    @model_validator(mode="after")
    def _names_are_unique(self) -> AttributeSchema:
        if twice := _twice(self.names):
            raise ValueError(f'the attribute "{twice}" appears twice')
        return self

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(attribute.name for attribute in self.attributes)

    def encode(self, rows: Sequence[Mapping[str, Value]]) -> NDArray[np.int16]:
        """The table, (len(rows), len(attributes)), of rows that map names to options or booleans.

        A name that a row does not mention is `UNKNOWN`. Raises RequestError for a name or an option that is not in
        the schema.
        """
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
        """The known values of one row of a table, by name."""
        known: dict[str, Value] = {}
        for attribute, code in zip(self.attributes, row.tolist(), strict=True):
            if code == UNKNOWN:
                continue
            known[attribute.name] = attribute.values[code]
        return known


def _twice(names: Sequence[str]) -> str | None:
    """The first of `names` that repeats another but for upper and lower case."""
    folded = [name.casefold() for name in names]
    return next((name for number, name in enumerate(names) if folded[number] in folded[:number]), None)
