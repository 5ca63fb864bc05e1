"""Attribute accuracy: whether images show the attributes that were requested.

It is taken over whole requests, value by value, and by how common a value is in the training images.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from noisette.attributes.schema import UNKNOWN, AttributeSchema
from noisette.attributes.statistics import shown, value_names

Table = NDArray[np.int16]
"""(N, A) codes, see `AttributeSchema`."""

RARITY = {"in under 1 %": 0.01, "in 1 to 5 %": 0.05, "in 5 to 20 %": 0.2, "in over 20 %": 1.0}
"""Bands of the share of training images that have a value: up to which each reaches."""


@dataclass(frozen=True)
class ValueAccuracy:
    """How one value, or several together, fared.

    Attributes:
        requested: How often it was requested.
        seen: How often it was seen.
        recall: Of the times that it was requested, the share in which it was seen; None if it never was requested.
        precision: Of the times that it was seen, the share in which it was requested; None if it never was seen.
    """

    requested: int
    seen: int
    recall: float | None
    precision: float | None


@dataclass(frozen=True)
class AttributeAccuracy:
    """How requests fared. Shares are from 0 to 1.

    Attributes:
        images: How many were compared.
        recall: Of the requested values (options, and flags that are there), the share that is seen.
        precision: Of the values seen in attributes that the request knows, the share that was requested.
        exact: The share of images in which all attributes that the request knows are right.
        by_value: The same of each value, by its label.
    """

    images: int
    recall: float | None
    precision: float | None
    exact: float
    by_value: dict[str, ValueAccuracy]


def attribute_accuracy(requested: Table, seen: Table, schema: AttributeSchema) -> AttributeAccuracy:
    """Compare what was requested with what images show.

    Args:
        requested: (N, A) codes, at least one row; UNKNOWN attributes do not count.
        seen: (N, A) codes that a classifier, or the pixels themselves, show.
        schema: What the codes mean.

    Returns:
        The figures.
    """
    wanted, there = _wanted_and_there(requested, seen, schema)
    every = _of_values(wanted, there)
    return AttributeAccuracy(
        images=len(requested),
        recall=every.recall,
        precision=every.precision,
        exact=float(matches(requested, seen).mean()),
        by_value={
            label: _of_values(wanted[:, place], there[:, place]) for place, label in enumerate(value_labels(schema))
        },
    )


def matches(requested: Table, seen: Table) -> NDArray[np.bool_]:
    """Find the images that show their whole request.

    Args:
        requested: (N, A) codes; UNKNOWN matches anything.
        seen: (N, A) codes.

    Returns:
        (N,) whether all attributes that the request knows are right.
    """
    right: NDArray[np.bool_] = ((requested == UNKNOWN) | (requested == seen)).all(axis=1)
    return right


def by_rarity(requested: Table, seen: Table, schema: AttributeSchema, trained: Table) -> dict[str, ValueAccuracy]:
    """Compare values by how common they are in the training images.

    Args:
        requested: (N, A) codes.
        seen: (N, A) codes.
        schema: What the codes mean.
        trained: (M, A) codes of the training images; a share is of those of which it is known.

    Returns:
        The figures of all values of a band, by the name of the band in `RARITY`.
    """
    wanted, there = _wanted_and_there(requested, seen, schema)
    known = _known(schema, trained).sum(axis=0)
    shares = shown(schema, trained).sum(axis=0) / np.maximum(known, 1)
    found, least = {}, -1.0
    for band, most in RARITY.items():
        values = (shares > least) & (shares <= most)
        found[band], least = _of_values(wanted[:, values], there[:, values]), most
    return found


def has_novel_pair(requested: Table, schema: AttributeSchema, trained: Table) -> NDArray[np.bool_]:
    """Find the requests for two values that the training never showed together, though it showed each.

    Args:
        requested: (N, A) codes.
        schema: What the codes mean.
        trained: (M, A) codes of the training images; two values that are never known together are no such pair.

    Returns:
        (N,) whether a request has such a pair.
    """
    wanted, present = shown(schema, requested).astype(np.float32), shown(schema, trained).astype(np.float32)
    known = _known(schema, trained).astype(np.float32)
    together, ever = present.T @ present > 0, present.sum(axis=0) > 0
    novel = (~together & (known.T @ known > 0) & np.outer(ever, ever)).astype(np.float32)
    return np.asarray(((wanted @ novel) * wanted).sum(axis=1) > 0)


def differences(requested: NDArray[np.int16], seen: NDArray[np.int16], schema: AttributeSchema) -> list[str]:
    """Say how one image differs from its request.

    Args:
        requested: (A,) codes; UNKNOWN attributes do not count.
        seen: (A,) codes.
        schema: What the codes mean.

    Returns:
        Texts such as `lacks Earring`, `has Pipe` and `type: Ape`; none if nothing differs.
    """
    faults = []
    for attribute, wanted, there in zip(schema.attributes, requested.tolist(), seen.tolist(), strict=True):
        if wanted not in (UNKNOWN, there):
            value = attribute.values[there]
            faults.append(
                f"{attribute.name}: {value}"
                if isinstance(value, str)
                else f"{'has' if value else 'lacks'} {attribute.name}"
            )
    return faults


def value_labels(schema: AttributeSchema) -> list[str]:
    """Name all values as a person reads them.

    Args:
        schema: Of the data.

    Returns:
        A label of each option and each flag, such as `type=Ape` and `Earring`, in the order of `shown`.
    """
    return [name if value is True else f"{name}={value}" for name, value in value_names(schema)]


def _known(schema: AttributeSchema, table: Table) -> NDArray[np.bool_]:
    """(N, V), of which values it is known whether they are there, in the order of `shown`."""
    columns = [column for column, codes in enumerate(schema.valued) for _ in codes]
    known: NDArray[np.bool_] = table[:, columns] != UNKNOWN
    return known


def _wanted_and_there(
    requested: Table, seen: Table, schema: AttributeSchema
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(N, V) each, without the attributes that a request does not specify."""
    return shown(schema, requested), shown(schema, np.where(requested != UNKNOWN, seen, np.int16(UNKNOWN)))


def _of_values(wanted: NDArray[np.bool_], there: NDArray[np.bool_]) -> ValueAccuracy:
    both, requested, seen = int((wanted & there).sum()), int(wanted.sum()), int(there.sum())
    return ValueAccuracy(requested, seen, both / requested if requested else None, both / seen if seen else None)
