"""From finished images to their layers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from noisette.layers.fit import Layers, fit_layers
from noisette.layers.order import find_order
from noisette.layers.rows import Units

_FIRST_PIXELS, _MOST_PIXELS = 2**21, 2**24
"""Pixels that layers are found from, and that they are then made better by: where there is much evidence from the
beginning, early mistakes hold each other up.
"""
_AGAIN = 3  # sweeps


def find_layers(
    images: NDArray[np.int16],
    rows: NDArray[np.int64],
    units: Units,
    *,
    tried: Callable[[int, int], None] = lambda done, whole: None,
) -> Layers:
    """The layers of finished images, and their order.

    Args:
        images: (N, H, W), the place of each pixel's colour in a palette.
        rows: (N, U), of `Units.rows`.
        units: What the rows stand for.
        tried: Called with the number of orders tried so far, and about how many there will be.

    Returns:
        The layers.
    """
    most = _spread(len(images), _MOST_PIXELS // images[0].size)
    images, rows = images[most], rows[most]
    some = _spread(len(images), max(_FIRST_PIXELS // images[0].size, 2 * units.values))
    order = find_order(images[some], rows[some], units, tried=tried)
    layers = fit_layers(images[some], rows[some], units, order)
    return fit_layers(images, rows, units, order, sweeps=_AGAIN, begun=layers) if len(some) < len(images) else layers


def _spread(count: int, most: int) -> NDArray[np.intp]:
    """So many of the places from 0 to count, evenly."""
    return np.linspace(0, count - 1, min(count, max(1, most))).astype(np.intp)
