"""The order of layers, found by trying: the right one explains the most images."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from noisette.layers.fit import Layers, fit_layers
from noisette.layers.rows import Units

Order = tuple[int, ...]

_PIXELS, _IMAGES = 64, 600  # that are looked at while all places are tried for each unit
_QUICK = 4  # sweeps
_FINE = 5
_MOST_TRIALS = 150
"""On some pixels; with many units not all places are tried."""


def find_order(
    images: NDArray[np.int16], rows: NDArray[np.int64], units: Units, *, tried: Callable[[int, int], None]
) -> Order:
    """The order of units under which the layers explain the most.

    Each unit is moved to each place as long as that helps, on some pixels of some images; then neighbours change places
    on all pixels.

    Args:
        images: (N, H, W), the place of each pixel's colour in a palette.
        rows: (N, U), of `Units.rows`.
        units: What the rows stand for.
        tried: Called with the number of trials so far, and about how many there will be.

    Returns:
        The units, from the lowest to the topmost.
    """
    images, rows = images[:_IMAGES], rows[:_IMAGES]
    order: Order = tuple(range(units.count))
    trials = _Trials(tried, about=min(_MOST_TRIALS, 2 * units.count**2))
    some = _telling(images)

    def quickly(order: Order) -> tuple[float, float]:
        layers = trials.fit(some, rows, units, order, _QUICK)
        return layers.right, layers.exact

    def finely(order: Order) -> tuple[float, float]:
        layers = trials.fit(images, rows, units, order, _FINE)
        return layers.exact, layers.right

    order = _climb(order, quickly, _moved)
    return _climb(order, finely, _swapped)


class _Trials:
    """Fits of layers, each told of."""

    def __init__(self, tried: Callable[[int, int], None], about: int) -> None:
        self._tried, self._about, self._count = tried, about, 0

    def fit(
        self, images: NDArray[np.int16], rows: NDArray[np.int64], units: Units, order: Order, sweeps: int
    ) -> Layers:
        self._count += 1
        self._tried(self._count, max(self._count, self._about))
        return fit_layers(images, rows, units, order, sweeps=sweeps)


def _climb(
    order: Order,
    score: Callable[[Order], tuple[float, float]],
    neighbours: Callable[[Order], Sequence[Order]],
) -> Order:
    """Go to a better neighbour as long as there is one."""
    best = score(order)
    known = {order}
    while True:
        start = order
        for place in range(len(order)):
            for other in neighbours(order)[place :: len(order)]:
                if other in known:
                    continue
                if len(known) == _MOST_TRIALS:
                    return order
                known.add(other)
                if (its := score(other)) > best:
                    order, best = other, its
        if order == start:
            return order


def _moved(order: Order) -> list[Order]:
    """All orders in which one unit stands elsewhere."""
    moved = []
    for place in range(len(order)):
        for unit in order:
            rest = [other for other in order if other != unit]
            rest.insert(place, unit)
            moved.append(tuple(rest))
    return moved


def _swapped(order: Order) -> list[Order]:
    """All orders in which two neighbours have changed places."""
    return [(*order[:place], order[place + 1], order[place], *order[place + 2 :]) for place in range(len(order) - 1)]


def _telling(images: NDArray[np.int16]) -> NDArray[np.int16]:
    """(N, 1, P), the pixels that show the most colours, which is where layers meet."""
    flat = images.reshape(len(images), -1)
    several = np.array([len(np.unique(flat[:, pixel])) for pixel in range(flat.shape[1])])
    chosen = np.argsort(-several, kind="stable")[: 4 * _PIXELS : 4]
    return np.ascontiguousarray(flat[:, np.sort(chosen)][:, None, :])
