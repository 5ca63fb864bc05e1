"""How common each value is and which are seen together: what a run needs to know of its data to judge a request."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from noisette.data.attributes import AttributeSchema, Value
from noisette.errors import RequestError


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
        return self

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
    """A plausible image's attributes, all of them, that need not be any image's.

    One attribute or group after another is drawn as often as the data show it, times how much more often than by chance
    it is seen with each value already drawn. What was never seen together is never drawn together.
    """
    names = value_names(schema)
    if statistics.images == 0 or not names:
        raise RequestError("there are no statistics to draw a request from")
    random = np.random.Generator(np.random.PCG64(seed))
    together = np.array(statistics.together, dtype=np.float64)
    counts = together.diagonal()
    lift = together * statistics.images / np.maximum(np.outer(counts, counts), 1)
    units = schema.units
    columns = {name: column for column, name in enumerate(schema.names)}
    drawn: list[int] = []
    for unit in dict.fromkeys(units):
        places = [place for place, (name, _) in enumerate(names) if units[columns[name]] == unit]
        chances = counts[places] / statistics.images * lift[places][:, drawn].prod(axis=1)
        nothing = 0.0 if schema.attributes[unit].kind == "choice" else max(0.0, 1 - chances.sum())
        if chances.sum() + nothing <= 0:
            continue  # all options clash with what was drawn
        weights = np.append(chances, nothing) / (chances.sum() + nothing)
        chosen = random.choice(len(weights), p=weights)
        if chosen < len(places):
            drawn.append(places[chosen])
    present = dict(names[place] for place in drawn)
    return {
        attribute.name: present.get(attribute.name, False) for attribute in schema.attributes if attribute.kind == "flag" or attribute.name in present
    }
