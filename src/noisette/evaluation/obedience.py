"""Whether what was drawn is what was asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from noisette.data.attributes import UNKNOWN, AttributeSchema
from noisette.data.statistics import shown, value_names


@dataclass(frozen=True)
class Obedience:
    """How requests fared, each figure from 0 to 1.

    recall: of the values asked for (options, and flags that are there), the share that is seen. precision: of the values
    seen in attributes that the request knows, the share that was asked for. exact: the images in which all attributes that
    the request knows are as asked. by_value: recall of each value that was asked for, by its name, and how often it was.
    """

    images: int
    recall: float
    precision: float
    exact: float
    by_value: dict[str, tuple[float, int]]


def obedience(asked: NDArray[np.int16], seen: NDArray[np.int16], schema: AttributeSchema) -> Obedience:
    """Compare rows that were asked for, (N, A), with those that a judge, or the pixels themselves, show, (N, A)."""
    known = asked != UNKNOWN
    wanted, there = shown(schema, asked), shown(schema, np.where(known, seen, np.int16(UNKNOWN)))
    found = wanted & there
    names = [name if value is True else f"{name}={value}" for name, value in value_names(schema)]
    counts = wanted.sum(axis=0)
    return Obedience(
        images=len(asked),
        recall=_share(found.sum(), wanted.sum()),
        precision=_share(found.sum(), there.sum()),
        exact=_share((~known | (asked == seen)).all(axis=1).sum(), len(asked)),
        by_value={name: (_share(hits, count), int(count)) for name, hits, count in zip(names, found.sum(axis=0), counts, strict=True) if count},
    )


def _share(part: np.integer | int, whole: np.integer | int) -> float:
    """1 of nothing: no request is disobeyed."""
    return float(part / whole) if whole else 1.0
