"""The parts of an image: for each unit of attributes, the value that draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Units:
    """Attributes whose values stand in each other's place: a choice is a unit, and so is a group of flags.

    Attributes:
        of_attributes: (A,), the unit of each attribute, counted from 0.
        first_places: (A,), the place of each attribute's first value among all V values.
        first_codes: (A,), the code of that value: 1 of a flag, whose absence draws nothing, 0 of a choice.
        of_values: (V,), the unit of each value.
    """

    of_attributes: NDArray[np.int64]
    first_places: NDArray[np.int64]
    first_codes: NDArray[np.int64]
    of_values: NDArray[np.int64]

    @classmethod
    def of(cls, valued: Sequence[range], units: Sequence[int]) -> Units:
        """The units of a schema.

        Args:
            valued: For each attribute the codes of the values that have a place, as `AttributeSchema.valued`.
            units: For each attribute the column that stands for its unit, as `AttributeSchema.units`.
        """
        known = {column: unit for unit, column in enumerate(dict.fromkeys(units))}
        lengths = [len(codes) for codes in valued]
        of_attributes = np.array([known[column] for column in units], np.int64)
        starts = np.cumsum([0, *lengths])[:-1].astype(np.int64)
        firsts = np.array([codes.start for codes in valued], np.int64)
        return cls(of_attributes, starts, firsts, np.repeat(of_attributes, lengths))

    @property
    def count(self) -> int:
        """U, how many there are."""
        return int(self.of_attributes.max(initial=-1)) + 1

    @property
    def values(self) -> int:
        """V, how many values all of them have."""
        return len(self.of_values)

    def rows(self, codes: NDArray[np.integer]) -> NDArray[np.int64]:
        """The value of each unit that draws.

        Args:
            codes: (N, A), below 0 where a value is unknown.

        Returns:
            (N, U), the place of a value; V where the unit has none, or it is unknown.
        """
        places = np.where(codes >= self.first_codes, codes - self.first_codes + self.first_places, -1)
        rows = np.full((len(codes), self.count), -1, np.int64)
        for column, unit in enumerate(self.of_attributes):
            rows[:, unit] = np.maximum(rows[:, unit], places[:, column])
        return np.where(rows < 0, self.values, rows)
