"""Whether what was drawn is what was asked for: as a whole, value by value, and by how often the training met it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from noisette.attributes.schema import UNKNOWN, AttributeSchema
from noisette.attributes.statistics import shown, value_names

Table = NDArray[np.int16]
"""(N, A), see `AttributeSchema`."""

RARITY = {"worn by under 1 %": 0.01, "by 1 to 5 %": 0.05, "by 5 to 20 %": 0.2, "by over 20 %": 1.0}
"""Shares of the training images that wear a value: up to which each band reaches."""


@dataclass(frozen=True)
class OfValues:
    """recall: of the times that they were asked for, how often they are seen. precision: of the times that they are
    seen, how often they were asked for. None of nothing.
    """

    asked: int
    seen: int
    recall: float | None
    precision: float | None


@dataclass(frozen=True)
class Obedience:
    """How requests fared, each figure from 0 to 1.

    recall: of the values asked for (options, and flags that are there), the share that is seen. precision: of the
    values seen in attributes that the request knows, the share that was asked for. exact: the images in which all
    attributes that the request knows are as asked. by_value: of each value, by its name.
    """

    images: int
    recall: float | None
    precision: float | None
    exact: float
    by_value: dict[str, OfValues]


def obedience(asked: Table, seen: Table, schema: AttributeSchema) -> Obedience:
    """Compare rows that were asked for, at least one, with those that a judge, or the pixels themselves, show."""
    wanted, there = _wanted_and_there(asked, seen, schema)
    every = _of_values(wanted, there)
    return Obedience(
        images=len(asked),
        recall=every.recall,
        precision=every.precision,
        exact=float(as_asked(asked, seen).mean()),
        by_value={
            name: _of_values(wanted[:, place], there[:, place]) for place, name in enumerate(place_names(schema))
        },
    )


def as_asked(asked: Table, seen: Table) -> NDArray[np.bool_]:
    """(N,): the images in which all attributes that the request knows are as asked."""
    right: NDArray[np.bool_] = ((asked == UNKNOWN) | (asked == seen)).all(axis=1)
    return right


def by_rarity(asked: Table, seen: Table, schema: AttributeSchema, trained: Table) -> dict[str, OfValues]:
    """The values in bands of how common they are in the rows that were trained on."""
    wanted, there = _wanted_and_there(asked, seen, schema)
    worn = shown(schema, trained).mean(axis=0)
    found, least = {}, -1.0
    for band, most in RARITY.items():
        values = (worn > least) & (worn <= most)
        found[band], least = _of_values(wanted[:, values], there[:, values]), most
    return found


def with_new_pairs(asked: Table, schema: AttributeSchema, trained: Table) -> NDArray[np.bool_]:
    """(N,): the requests for two values that no row that was trained on has together, though each has been met."""
    wanted, met = shown(schema, asked).astype(np.float32), shown(schema, trained).astype(np.float32)
    together, alone = met.T @ met > 0, met.sum(axis=0) > 0
    new = (~together & np.outer(alone, alone)).astype(np.float32)
    return np.asarray(((wanted @ new) * wanted).sum(axis=1) > 0)


def verdict(asked: NDArray[np.int16], seen: NDArray[np.int16], schema: AttributeSchema) -> list[str]:
    """How one image differs from its request, (A,) each: `lacks Earring`, `has Pipe`, `type: Ape`; empty if it is as
    asked.
    """
    faults = []
    for attribute, wanted, there in zip(schema.attributes, asked.tolist(), seen.tolist(), strict=True):
        if wanted not in (UNKNOWN, there):
            value = attribute.values[there]
            faults.append(
                f"{attribute.name}: {value}"
                if isinstance(value, str)
                else f"{'has' if value else 'lacks'} {attribute.name}"
            )
    return faults


def place_names(schema: AttributeSchema) -> list[str]:
    """The values as a person reads them: `Earring`, `type=Ape`."""
    return [name if value is True else f"{name}={value}" for name, value in value_names(schema)]


def _wanted_and_there(
    asked: Table, seen: Table, schema: AttributeSchema
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(N, V) each, without the attributes that a request leaves open."""
    return shown(schema, asked), shown(schema, np.where(asked != UNKNOWN, seen, np.int16(UNKNOWN)))


def _of_values(wanted: NDArray[np.bool_], there: NDArray[np.bool_]) -> OfValues:
    both, asked, seen = int((wanted & there).sum()), int(wanted.sum()), int(there.sum())
    return OfValues(asked, seen, both / asked if asked else None, both / seen if seen else None)
