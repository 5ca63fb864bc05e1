"""How common each value is and which are seen together: what a run needs to know of its data to judge a request."""

from __future__ import annotations

from base64 import b64decode, b64encode
from functools import cached_property
from typing import Annotated
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, StrictInt, model_validator

from noisette.attributes.schema import MOST_VALUES, AttributeSchema, Value
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
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    images: int = Field(ge=0, le=_MOST_IMAGES, strict=True)
    together: tuple[_Row, ...] = Field(max_length=MOST_VALUES)
    seen: str = Field(
        "", max_length=6 * MOST_FINGERPRINTS, validation_alias=AliasChoices("seen", "worn")
    )  # the latter in the files of version 1

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
        return (self.images, self.seen, self.together) == (other.images, other.seen, other.together)

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
    return Statistics(
        images=len(table), together=tuple(tuple(int(number) for number in row) for row in there.T @ there), seen=seen
    )


def fingerprints(table: NDArray[np.int16]) -> NDArray[np.uint32]:
    """A short fingerprint of each row of a table. Of ten thousand rows, one in 400,000 others is taken for one of them.

    Args:
        table: (N, A) int16.

    Returns:
        (N,), the CRC-32 of each row.
    """
    return np.array([crc32(row.tobytes()) for row in np.ascontiguousarray(table, dtype="<i2")], dtype="<u4")
