"""How common each value is and which are seen together: what a run needs to know of its data to judge a request."""

from __future__ import annotations

from base64 import b64decode, b64encode
from functools import cached_property
from typing import Annotated, Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StrictInt,
    model_serializer,
    model_validator,
)

from noisette.attributes.schema import MOST_VALUES, UNKNOWN, AttributeSchema, Value
from noisette.errors import RequestError

MOST_FINGERPRINTS = 100_000
"""Images; of larger collections the combinations that were seen are not kept."""

_MOST_IMAGES = 2**40

_Row = Annotated[tuple[StrictInt, ...], Field(max_length=MOST_VALUES)]


class Statistics(BaseModel):
    """Counts over the images that were trained on.

    Attributes:
        images: How many there are.
        together: (V, V), for each two values the images that have both, in the order of `value_names`; on the diagonal,
            those that have the one.
        seen: What tells whether a combination of attributes was seen: `fingerprints` of the different rows of the
            table, sorted, as base64; empty of more than `MOST_FINGERPRINTS` images.
        known: (A, A), for each two attributes the images of which both are known; empty, and not in the file, where
            all is known of all images.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    images: int = Field(ge=0, le=_MOST_IMAGES, strict=True)
    together: tuple[_Row, ...] = Field(max_length=MOST_VALUES)
    seen: str = Field(
        "", max_length=6 * MOST_FINGERPRINTS, validation_alias=AliasChoices("seen", "worn")
    )  # the latter in the files of version 1
    known: tuple[_Row, ...] = Field((), max_length=MOST_VALUES)

    @model_validator(mode="after")
    def _is_square(self) -> Statistics:
        if any(len(row) != len(self.together) for row in self.together):
            raise ValueError("the table of counts is not square")
        if any(not 0 <= number <= _MOST_IMAGES for row in self.together for number in row):
            raise ValueError("the table counts more or less than there is")
        table = self.table
        if (table > np.minimum(table.diagonal(), self.images)[:, None]).any():
            raise ValueError("the table counts more or less than there is")
        if (table != table.T).any():
            raise ValueError("the table counts two values together otherwise than the other way round")
        if any(len(row) != len(self.known) for row in self.known):
            raise ValueError("the table of what is known is not square")
        both = np.array(self.known, dtype=np.int64).reshape(len(self.known), len(self.known))
        if (both != both.T).any() or (both < 0).any() or (both > np.minimum(both.diagonal(), self.images)).any():
            raise ValueError("the table of what is known counts more or less than there is")
        seen = self.seen_fingerprints
        if len(seen) > self.images:
            raise ValueError("there are more fingerprints than images")
        if (seen[:-1] >= seen[1:]).any():
            raise ValueError("the fingerprints are not in order")
        return self

    def check(self, schema: AttributeSchema) -> None:
        """Refuse the counts of another schema.

        Args:
            schema: What they should be of.

        Raises:
            RequestError: They are not.
        """
        if len(self.together) != len(value_names(schema)):
            raise RequestError("the statistics do not match the schema: one of them is of another run or version")
        if self.known and len(self.known) != len(schema.attributes):
            raise RequestError("the statistics do not match the schema: one of them is of another run or version")
        if (self.table > self.known_of_values(schema)).any():
            raise RequestError("the statistics count more images with a value than those of which it is known")

    @property
    def seen_fingerprints(self) -> NDArray[np.uint32]:
        """Those of the combinations that were seen, sorted.

        Raises:
            ValueError: They are damaged.
        """
        return np.frombuffer(b64decode(self.seen, validate=True), dtype="<u4")

    def __eq__(self, other: object) -> bool:
        """By what was counted; pydantic would compare the arrays that are kept here, too."""
        if not isinstance(other, Statistics):
            return NotImplemented
        mine, its = ((each.images, each.seen, each.together, each.known) for each in (self, other))
        return mine == its

    def __hash__(self) -> int:
        return hash((self.images, self.seen))

    @cached_property
    def table(self) -> NDArray[np.int64]:
        """`together` as an array, (V, V)."""
        return np.array(self.together, dtype=np.int64).reshape(len(self.together), len(self.together))

    @cached_property
    def kept(self) -> dict[tuple[int, ...], NDArray[np.bool_]]:
        """What `noisette.attributes.evidence` found in these counts, by the units of a schema."""
        return {}

    def known_of_values(self, schema: AttributeSchema) -> NDArray[np.int64]:
        """In how many images it is known of each two values whether they are there.

        Args:
            schema: What was counted.

        Returns:
            (V, V), in the order of `value_names`.
        """
        values = len(self.together)
        if not self.known:
            return np.full((values, values), self.images, dtype=np.int64)
        columns = [column for column, codes in enumerate(schema.valued) for _ in codes]
        return np.array(self.known, dtype=np.int64)[np.ix_(columns, columns)]

    def shares(self, schema: AttributeSchema) -> NDArray[np.float64]:
        """How common each value is among the images of which that is known.

        Args:
            schema: What was counted.

        Returns:
            (V,), 0 to 1.
        """
        known = self.known_of_values(schema).diagonal()
        shares: NDArray[np.float64] = np.array(self.counts) / np.maximum(known, 1)
        return shares

    def completed(self, schema: AttributeSchema) -> NDArray[np.float64]:
        """The table as it would be if all were known, and what is unknown were like the rest.

        Args:
            schema: What was counted.

        Returns:
            (V, V), in images; of two values that were never known together as if they had nothing to do with each
            other.
        """
        known, shares = self.known_of_values(schema), self.shares(schema)
        scaled: NDArray[np.float64] = self.table * (self.images / np.maximum(known, 1))
        return np.where(known > 0, scaled, np.outer(shares, shares) * self.images)

    @model_serializer(mode="wrap")
    def _without_empty(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Where nothing is missing the file says nothing of it."""
        said: dict[str, Any] = handler(self)
        return said if self.known else {name: value for name, value in said.items() if name != "known"}

    @property
    def counts(self) -> tuple[int, ...]:
        """How many images have each value, (V,)."""
        return tuple(row[place] for place, row in enumerate(self.together))


def value_names(schema: AttributeSchema) -> list[tuple[str, Value]]:
    """All that an image can have: each option of each choice, and each flag.

    Args:
        schema: The attributes.

    Returns:
        V pairs of an attribute's name and a value.
    """
    return [
        (attribute.name, attribute.values[code])
        for attribute, codes in zip(schema.attributes, schema.valued, strict=True)
        for code in codes
    ]


def shown(schema: AttributeSchema, table: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Which values the rows of a table have.

    Args:
        schema: What the columns are.
        table: (N, A) int16.

    Returns:
        (N, V), in the order of `value_names`.
    """
    columns = [table[:, column] == code for column, codes in enumerate(schema.valued) for code in codes]
    return np.stack(columns, axis=1) if columns else np.zeros((len(table), 0), dtype=np.bool_)


def count(schema: AttributeSchema, table: NDArray[np.int16]) -> Statistics:
    """The statistics of a table.

    Args:
        schema: What the columns are.
        table: (N, A) int16.
    """
    there = shown(schema, table).astype(np.float64)  # exact for whole numbers, and fast
    seen = b64encode(np.unique(fingerprints(table)).tobytes()).decode() if len(table) <= MOST_FINGERPRINTS else ""
    told = (table != UNKNOWN).astype(np.float64)
    return Statistics(
        images=len(table),
        together=_rows_of(there.T @ there),
        seen=seen,
        known=() if told.all() else _rows_of(told.T @ told),
    )


def _rows_of(table: NDArray[np.float64]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(int(number) for number in row) for row in table)


def fingerprints(table: NDArray[np.int16]) -> NDArray[np.uint32]:
    """A short fingerprint of each row of a table. Of ten thousand rows, one in 400,000 others is taken for one of them.

    Args:
        table: (N, A) int16.

    Returns:
        (N,), the CRC-32 of each row.
    """
    return np.array([crc32(row.tobytes()) for row in np.ascontiguousarray(table, dtype="<i2")], dtype="<u4")
