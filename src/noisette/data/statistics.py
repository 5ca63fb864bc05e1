"""How common each value is and which are seen together: what a run needs to know of its data to judge a request."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from noisette.data.attributes import AttributeSchema, Value
from noisette.errors import RequestError

_TRIES = 1000


class Statistics(BaseModel):
    """Counts over the images that were trained on.

    together: for each two values the images that have both, in the order of `value_names`; on the diagonal, those that
    have the one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    images: int = Field(ge=0)
    together: tuple[tuple[int, ...], ...]

    @model_validator(mode="after")
    def _is_square(self) -> Statistics:
        if any(len(row) != len(self.together) for row in self.together):
            raise ValueError("the table of counts is not square")
        if any(not 0 <= number <= min(self.images, row[place]) for place, row in enumerate(self.together) for number in row):
            raise ValueError("the table counts more or less than there is")
        return self

    def check(self, schema: AttributeSchema) -> None:
        """Raises RequestError if these are the counts of another schema."""
        if len(self.together) != len(value_names(schema)):
            raise RequestError("the statistics do not match the schema: one of them is of another run or version")

    @property
    def counts(self) -> tuple[int, ...]:
        """Of each value."""
        return tuple(row[place] for place, row in enumerate(self.together))


def value_names(schema: AttributeSchema) -> list[tuple[str, Value]]:
    """(attribute, value) of all that can be there: each option of each choice, and each flag."""
    return [(attribute.name, attribute.values[code]) for attribute, codes in zip(schema.attributes, schema.valued, strict=True) for code in codes]


def shown(schema: AttributeSchema, table: NDArray[np.int16]) -> NDArray[np.bool_]:
    """(N, V): which of the `value_names` each row of `table`, (N, A), has."""
    columns = [table[:, column] == code for column, codes in enumerate(schema.valued) for code in codes]
    return np.stack(columns, axis=1) if columns else np.zeros((len(table), 0), dtype=np.bool_)


def count(schema: AttributeSchema, table: NDArray[np.int16]) -> Statistics:
    """The statistics of a table, (N, A)."""
    there = shown(schema, table).astype(np.float64)  # exact for whole numbers, and fast
    return Statistics(images=len(table), together=tuple(tuple(int(number) for number in row) for row in there.T @ there))


def random_request(schema: AttributeSchema, statistics: Statistics, seed: int) -> dict[str, Value]:
    """A plausible image's attributes, all of them, that need not be any image's. seed: 0 or more.

    Attributes and groups hang together in the tree in which each is drawn given the one that tells the most of it, as often as
    the data show the two together (Chow and Liu 1968). What was never seen together is never drawn together.
    """
    statistics.check(schema)
    names = value_names(schema)
    if statistics.images == 0 or not names:
        raise RequestError("there are no statistics to draw a request from")
    random = np.random.Generator(np.random.PCG64(seed))
    together = np.array(statistics.together, dtype=np.float64)
    columns = {name: column for column, name in enumerate(schema.names)}
    unit_of = [schema.units[columns[name]] for name, _ in names]
    units = [[place for place, its in enumerate(unit_of) if its == unit] for unit in dict.fromkeys(unit_of)]
    order = _tree(units, together, statistics.images)
    for _ in range(_TRIES):
        drawn = _draw_along(order, units, together, statistics.images, random)
        if drawn is not None:
            break
    else:
        raise RequestError("the statistics leave no image whose values were all seen together")
    present = dict(names[place] for place in drawn)
    return {
        attribute.name: present.get(attribute.name, False) for attribute in schema.attributes if attribute.kind == "flag" or attribute.name in present
    }


def _joint(one: list[int], other: list[int], together: NDArray[np.float64], images: int) -> NDArray[np.float64]:
    """How often each value of one unit meets each of another, (K + 1, L + 1); the last of each is "none of them"."""
    counts = together.diagonal()
    joint = np.zeros((len(one) + 1, len(other) + 1))
    joint[:-1, :-1] = together[np.ix_(one, other)]
    joint[:-1, -1] = counts[one] - joint[:-1, :-1].sum(axis=1)
    joint[-1, :-1] = counts[other] - joint[:-1, :-1].sum(axis=0)
    joint[-1, -1] = images - joint.sum()
    return joint.clip(min=0)


def _tree(units: list[list[int]], together: NDArray[np.float64], images: int) -> list[tuple[int, int | None]]:
    """The units in the order of drawing, each with the one before it that tells the most of it."""

    def information(one: int, other: int) -> float:
        joint = _joint(units[one], units[other], together, images) / images
        chance = np.outer(joint.sum(axis=1), joint.sum(axis=0))
        seen = joint > 0
        return float((joint[seen] * np.log(joint[seen] / chance[seen])).sum())

    order: list[tuple[int, int | None]] = [(0, None)]
    best = {unit: (information(0, unit), 0) for unit in range(1, len(units))}
    while best:
        unit = max(best, key=lambda each: best[each][0])
        order.append((unit, best.pop(unit)[1]))
        for other, (known, _) in best.items():
            if (more := information(unit, other)) > known:
                best[other] = (more, unit)
    return order


def _draw_along(
    order: list[tuple[int, int | None]], units: list[list[int]], together: NDArray[np.float64], images: int, random: np.random.Generator
) -> list[int] | None:
    """The values of one draw, or None if two of them were never seen together."""
    chosen: dict[int, int] = {}
    drawn: list[int] = []
    for unit, parent in order:
        if parent is None:
            joint = _joint(units[unit], [], together, images)[:, 0]
        else:
            joint = _joint(units[unit], units[parent], together, images)[:, chosen[parent]]
        chosen[unit] = int(random.choice(len(joint), p=joint / joint.sum()))
        if chosen[unit] < len(units[unit]):
            place = units[unit][chosen[unit]]
            if not together[place, drawn].all():
                return None
            drawn.append(place)
    return drawn
