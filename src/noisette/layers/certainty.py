"""How far layers can be believed: at each pixel of each value, how often what it draws was right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from noisette.layers.fit import NOTHING, Layers
from noisette.layers.rows import Units

_OTHERS = 2.0
"""Images' worth of what a unit's other pixels say of one that was hardly seen."""
_RIGHT, _SEEN = 1.0, 1.01
"""The same for a whole unit, where nothing else is known: it is right in nearly all."""


@dataclass(frozen=True)
class Certainty:
    """What is known of layers besides what they draw.

    Attributes:
        values: (V, H, W) float32, the chance that a pixel which a value draws is right, 0 to 1.
        base: (H, W) float32, the same of what is there where no value draws.
        covers: (U, H, W) float32, the share of the images in which a unit draws there, 0 to 1.
    """

    values: NDArray[np.float32]
    base: NDArray[np.float32]
    covers: NDArray[np.float32]


def certainty_of(layers: Layers, images: NDArray[np.int16], rows: NDArray[np.int64], units: Units) -> Certainty:
    """Hold layers against images.

    Args:
        layers: What each value draws.
        images: (N, H, W), the place of each pixel's colour in a palette.
        rows: (N, U), of `Units.rows`.
        units: What the rows stand for.

    Returns:
        How far they can be believed.
    """
    size = layers.base.shape
    nothing = np.full((1, *size), NOTHING, np.int16)
    table = np.concatenate([layers.colours, nothing])
    covered = np.zeros(images.shape, bool)
    covers = np.zeros((units.count, *size), np.float32)
    seen, right = (np.zeros((units.values + 1, *size), np.float32) for _ in range(2))
    for unit in reversed(layers.order):
        layer = table[rows[:, unit]]
        drawn = layer >= 0
        covers[unit] = drawn.mean(axis=0)
        owned = drawn & ~covered
        _add(seen, rows[:, unit], owned)
        _add(right, rows[:, unit], owned & (layer == images))
        covered |= drawn
    bare = ~covered & (layers.base >= 0)
    of_units = np.append(units.of_values, units.count)  # and one for the base
    seen[-1], right[-1] = bare.sum(axis=0), (bare & (images == layers.base)).sum(axis=0)
    whole, good = (np.bincount(of_units, sums.sum(axis=(1, 2)), minlength=units.count + 1) for sums in (seen, right))
    usual = ((good + _RIGHT) / (whole + _SEEN))[of_units][:, None, None]
    chances = ((right + _OTHERS * usual) / (seen + _OTHERS)).astype(np.float32)
    return Certainty(chances[:-1], chances[-1], covers)


def _add(sums: NDArray[np.float32], rows: NDArray[np.int64], what: NDArray[np.bool_]) -> None:
    """Add what is true in the images of each row to its sums."""
    order = np.argsort(rows, kind="stable")
    ordered = rows[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    sums[ordered[starts]] += np.add.reduceat(what[order], starts, axis=0, dtype=np.int32)
