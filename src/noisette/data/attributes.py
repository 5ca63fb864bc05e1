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


class Choice(BaseModel):
    """An attribute that has exactly one of several values, such as the digit of an image."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["choice"] = "choice"
    name: str
    options: tuple[str, ...] = Field(min_length=1)


class Flag(BaseModel):
    """An attribute that an image has or has not, such as an earring."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["flag"] = "flag"
    name: str

    @property
    def options(self) -> tuple[str, ...]:
        return ("absent", "present")


Attribute = Annotated[Choice | Flag, Field(discriminator="kind")]
Value = str | bool


class AttributeSchema(BaseModel):
    """The attributes of a data set, in the order of the columns of its table.

    A table is (N, len(attributes)) int16: the index of the option for a choice, 0 or 1 for a flag, `UNKNOWN` where
    nothing is known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    attributes: tuple[Attribute, ...] = ()

    @model_validator(mode="after")
    def _names_are_unique(self) -> AttributeSchema:
        seen: set[str] = set()
        for name in self.names:
            if name.casefold() in seen:
                raise ValueError(f'the attribute "{name}" appears twice')
            seen.add(name.casefold())
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
        codes = [
            {option: code for code, option in enumerate(attribute.options)} if isinstance(attribute, Choice) else {False: 0, True: 1}
            for attribute in self.attributes
        ]
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
            known[attribute.name] = attribute.options[code] if isinstance(attribute, Choice) else bool(code)
        return known
