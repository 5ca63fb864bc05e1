"""Which pixels each value draws, and in which colour, when the order of the layers is known.

An image is the topmost of its layers at each pixel. All that is unknown is, for each value and pixel, whether the value
draws there and in which colour. That is decided by sweeps over the units, from the lowest to the topmost, each with the
others as they stand (iterated conditional modes, Besag 1986). A value draws a colour at a pixel if more of its images
show it, where nothing lies above, than what lies below explains, and if that is likely beforehand. What is likely is
counted, too (empirical Bayes):

- how many of the unit's other values draw there,
- whether the value's own neighbouring pixels draw,
- and how frequent the colour is in what the unit draws: a face of the colour of the sky is rarer than a face.

The first sweep sees the lowest unit through all that covers it. So it goes by which colours are beyond chance among the
images that nothing below explains. Evidence counts little at first, and more with each sweep, so that early mistakes do
not hold each other up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noisette.layers.rows import Units

NOTHING = -1
"""In the place of a colour: the value does not draw there."""

_EVIDENCE = 8.0
"""Log-odds for each image more that a value explains, in the last sweeps."""
_NEIGHBOURS = 1.0
"""Log-odds for a value whose neighbouring pixels all draw, beyond what its unit does there."""
_COLOUR = 0.5
"""Weight of the frequency of a colour. What lies below has the same colour by chance, but images agree on that."""
_CHANCE = 6.0
"""Log-likelihood ratio from which on a colour is beyond chance."""
_DOUBTED = (4, 7)
"""Sweeps before which values let go of pixels whose images disagree: it may be a hole, through which alone something is
seen of what lies below.
"""
_AGREED = 0.9  # share of the images of a value that show its colour; with less they disagree
_RISING, SWEEPS = 10, 12
"""Sweeps in which evidence comes to its weight, and how many there are at most."""


@dataclass(frozen=True)
class Layers:
    """What each value draws.

    Attributes:
        order: The units from the lowest to the topmost.
        colours: (V, H, W) int16, the place of a colour; `NOTHING` where a value does not draw.
        base: (H, W) int16, what is there where no value draws; `NOTHING` where that was never seen.
        exact: Share of the images counted that the layers draw right in every pixel.
        right: Share of their pixels.
    """

    order: tuple[int, ...]
    colours: NDArray[np.int16]
    base: NDArray[np.int16]
    exact: float
    right: float


def fit_layers(
    images: NDArray[np.int16],
    rows: NDArray[np.int64],
    units: Units,
    order: Sequence[int],
    *,
    sweeps: int = SWEEPS,
    begun: Layers | None = None,
) -> Layers:
    """Find what each value draws.

    Args:
        images: (N, H, W), the place of each pixel's colour in a palette.
        rows: (N, U), of `Units.rows`.
        units: What the rows stand for.
        order: The units, from the lowest to the topmost.
        sweeps: Over all units, 1 and up.
        begun: Layers to begin with, such as those of some of the images; then evidence counts fully at once.

    Returns:
        The layers.
    """
    size = images.shape[1:]
    flat = images.reshape(len(images), -1)
    parts = [_Part(rows[:, unit], np.flatnonzero(units.of_values == unit), flat.shape[1]) for unit in order]
    colours = int(flat.max(initial=0)) + 1
    base = np.full(flat.shape[1], NOTHING, np.int16)
    first = 0
    if begun is not None:
        first = _RISING
        base = begun.base.ravel()
        for part in parts:
            part.begin_with(begun.colours.reshape(units.values, -1)[part.values])
    drawn = flat
    for sweep in range(first, first + sweeps):
        if sweep in _DOUBTED:
            for part in parts:
                part.doubt()
        hidden = _hidden(parts, flat.shape)
        if sweep:
            base = np.where((found := _commonest(flat, ~hidden[-1], colours)) >= 0, found, base).astype(np.int16)
        drawn = np.broadcast_to(base, flat.shape)
        before = [part.drawn.copy() for part in parts]
        for part, covered in zip(parts, reversed(hidden[:-1]), strict=True):
            if sweep == 0:
                _begin(part, flat, drawn, covered, colours)
            else:
                _decide(part, flat, drawn, covered, colours, size, min(1.0, (sweep + 1) / _RISING))
            _fill(part, size)
            drawn = part.over(drawn)
        if sweep >= _RISING and all((part.drawn == old).all() for part, old in zip(parts, before, strict=True)):
            break
    table = np.full((units.values, flat.shape[1]), NOTHING, np.int16)
    for part in parts:
        table[part.values] = part.colours[:-1]
    right = drawn == flat
    return Layers(
        tuple(order),
        table.reshape(-1, *size),
        base.reshape(size),
        float(right.all(axis=1).mean()),
        float(right.mean()),
    )


def composed(layers: Layers, rows: NDArray[np.int64]) -> NDArray[np.int16]:
    """Images of layers.

    Args:
        layers: What each value draws.
        rows: (N, U), of `Units.rows`.

    Returns:
        (N, H, W), the place of each pixel's colour; `NOTHING` where no layer draws.
    """
    table = np.concatenate([layers.colours, np.full((1, *layers.base.shape), NOTHING, np.int16)])
    images = np.broadcast_to(layers.base, (len(rows), *layers.base.shape))
    for unit in layers.order:
        layer = table[rows[:, unit]]
        images = np.where(layer >= 0, layer, images)
    return np.ascontiguousarray(images)


class _Part:
    """One unit while it is fitted.

    Attributes:
        values: The places of its values among all.
        rows: (N,), the value of each image among those; the last, one more than there are, where it has none.
        drawn: (S + 1, P), whether each value draws; the last never does.
        colours: (S + 1, P) int16, in which colour.
    """

    def __init__(self, rows: NDArray[np.int64], values: NDArray[np.int64], pixels: int) -> None:
        self.values = values
        places = np.full(int(rows.max(initial=0)) + 2, len(values))
        inside = values[values < len(places)]
        places[inside] = np.arange(len(inside))
        self.rows = places[rows]
        self.drawn = np.zeros((len(values) + 1, pixels), bool)
        self.colours = np.full((len(values) + 1, pixels), NOTHING, np.int16)
        self._doubtful: NDArray[np.bool_] | None = None
        self._sorted = np.argsort(self.rows, kind="stable")
        ordered = self.rows[self._sorted]
        self._starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(rows) else np.zeros(0, int)
        self._present = ordered[self._starts]

    def sums(self, what: NDArray[np.bool_]) -> NDArray[np.float32]:
        """(S, P), in how many images of each value something is true; (N, P)."""
        sums = np.zeros(self.drawn.shape, np.float32)
        sums[self._present] = np.add.reduceat(what[self._sorted], self._starts, axis=0, dtype=np.int32)
        return sums[:-1]

    def over(self, below: NDArray[np.int16]) -> NDArray[np.int16]:
        """(N, P), what is seen with this layer on top."""
        layer = self.colours[self.rows]
        return np.where(layer >= 0, layer, below)

    def begin_with(self, colours: NDArray[np.int16]) -> None:
        self.colours[:-1] = colours
        self.drawn = self.colours >= 0

    def decide(
        self, drawn: NDArray[np.bool_], colours: NDArray[np.integer], doubtful: NDArray[np.bool_] | None = None
    ) -> None:
        self.drawn[:-1] = drawn
        self.colours[:-1] = np.where(drawn, colours, NOTHING)
        self._doubtful = doubtful

    def doubt(self) -> None:
        """Let go of the pixels whose images disagree."""
        if self._doubtful is not None:
            self.drawn[:-1] &= ~self._doubtful
            self.colours[:-1][self._doubtful] = NOTHING


def _hidden(parts: Sequence[_Part], shape: tuple[int, ...]) -> list[NDArray[np.bool_]]:
    """(N, P) each: what covers the topmost layer, the one below, ..., and last what covers the base."""
    covered = np.zeros(shape, bool)
    hidden = [covered]
    for part in reversed(parts):
        covered = covered | part.drawn[part.rows]
        hidden.append(covered)
    return hidden


@dataclass(frozen=True)
class _Counts:
    """How often each value shows each colour at each pixel; those that are never seen are left out.

    Attributes:
        cells: (M,), value times pixels plus pixel, rising.
        colours: (M,).
        counts: (M,), of images.
        starts: Where another cell begins.
    """

    cells: NDArray[np.int64]
    colours: NDArray[np.int64]
    counts: NDArray[np.int64]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, part: _Part, images: NDArray[np.int16], used: NDArray[np.bool_], colours: int) -> _Counts:
        """Count the pixels that are `used`, (N, P)."""
        pixels = images.shape[1]
        used = used & (part.rows < len(part.values))[:, None]
        keys = ((part.rows[:, None] * pixels + np.arange(pixels)) * colours + images)[used]
        keys.sort()
        places = _beginnings(keys)
        cells, shown = np.divmod(keys[places], colours)
        return cls(cells, shown, np.diff(np.r_[places, len(keys)]), _beginnings(cells))

    def most(self, scores: NDArray[Any]) -> NDArray[np.int64]:
        """The place, among the M, of the highest score in each cell; the first of several."""
        if not len(scores):
            return np.zeros(0, np.int64)
        highest = np.maximum.reduceat(scores, self.starts)
        lengths = np.diff(np.r_[self.starts, len(scores)])
        places = np.flatnonzero(scores == np.repeat(highest, lengths))
        return places[_beginnings(self.cells[places])]


def _beginnings(rising: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where another number begins."""
    return np.flatnonzero(np.r_[True, rising[1:] != rising[:-1]][: len(rising)])


def _begin(
    part: _Part, images: NDArray[np.int16], below: NDArray[np.int16], covered: NDArray[np.bool_], colours: int
) -> None:
    """Decide by what is beyond chance among the pixels that nothing below explains."""
    unexplained = images != below
    explained = part.sums(~unexplained & ~covered)
    pixels = images.shape[1]
    found = _Counts.of(part, images, unexplained, colours)
    at = found.cells % pixels
    shown = np.bincount(at * colours + found.colours, found.counts, minlength=pixels * colours)
    whole = np.bincount(at, found.counts, minlength=pixels)
    own = np.bincount(found.cells, found.counts, minlength=explained.size)[found.cells]
    share = (shown[at * colours + found.colours] - found.counts + 0.5) / (whole[at] - own + 4.0)
    surprise = found.counts * (np.log((found.counts + 0.1) / (own + 0.2)) - np.log(share))
    best, hits, beyond = np.zeros(explained.size, np.int64), np.zeros(explained.size), np.zeros(explained.size, bool)
    chosen = found.most(surprise)
    cells = found.cells[chosen]
    best[cells], hits[cells], beyond[cells] = found.colours[chosen], found.counts[chosen], surprise[chosen] > _CHANCE
    part.decide((beyond & (hits > explained.ravel())).reshape(explained.shape), best.reshape(explained.shape))


def _decide(
    part: _Part,
    images: NDArray[np.int16],
    below: NDArray[np.int16],
    covered: NDArray[np.bool_],
    colours: int,
    size: tuple[int, ...],
    weight: float,
) -> None:
    """Decide by what a value explains beyond what lies below, and by what is likely beforehand."""
    seen = ~covered
    explained = part.sums(seen & (images == below))
    visible = part.sums(seen)
    best, hits = np.zeros(explained.shape, np.int64), np.zeros(explained.shape, np.float32)
    found = _Counts.of(part, images, seen, colours)
    chosen = found.most(found.counts)
    best.flat[found.cells[chosen]], hits.flat[found.cells[chosen]] = found.colours[chosen], found.counts[chosen]
    drawn = part.drawn[:-1].astype(np.float32)
    known = (visible > 0).astype(np.float32)  # of a value that is covered there nothing is counted
    others = (drawn * known).sum(axis=0, keepdims=True) - drawn * known
    share = (others + 0.3) / (known.sum(axis=0, keepdims=True) - known + 1.0)
    likely = np.log(share / (1 - share)) + _NEIGHBOURS * (_around(drawn, size) - _around(share, size))
    used = np.bincount(part.colours[part.colours >= 0], minlength=colours) + 0.5
    frequency = np.log(used / used.sum())
    odds = likely + _COLOUR * np.where(visible > 0, frequency[best], 0) + weight * _EVIDENCE * (hits - explained)
    part.decide(odds > 0, np.where(hits > 0, best, NOTHING), hits < _AGREED * visible)


def _commonest(images: NDArray[np.int16], used: NDArray[np.bool_], colours: int) -> NDArray[np.int64]:
    """(P,), the colour that most images show where `used`; `NOTHING` where none is."""
    pixels = images.shape[1]
    places = (np.arange(pixels) * colours + images)[used]
    counts = np.bincount(places, minlength=pixels * colours).reshape(pixels, colours)
    return np.where(counts.any(axis=1), counts.argmax(axis=1), NOTHING)


def _around(maps: NDArray[np.float32], size: tuple[int, ...]) -> NDArray[np.float32]:
    """(S, P), the mean of the pixels above, below, left and right."""
    grid = maps.reshape(-1, *size)
    sums, neighbours = np.zeros_like(grid), np.zeros(size, np.float32)
    for here, there in _steps():
        sums[(slice(None), *here)] += grid[(slice(None), *there)]
        neighbours[here] += 1
    np.divide(sums, np.maximum(neighbours, 1), out=sums)
    return sums.reshape(maps.shape)


def _fill(part: _Part, size: tuple[int, ...]) -> None:
    """Give pixels that draw, and were never seen, the colour of the nearest that were."""
    grid = part.colours.reshape(-1, *size)
    missing = part.drawn.reshape(grid.shape) & (grid < 0)
    while missing.any():
        nearest = np.full_like(grid, NOTHING)
        for here, there in _steps():
            place, source = (slice(None), *here), (slice(None), *there)
            nearest[place] = np.where(nearest[place] < 0, grid[source], nearest[place])
        found = missing & (nearest >= 0)
        if not found.any():
            break
        grid[found] = nearest[found]
        missing &= ~found
    part.drawn &= part.colours >= 0


def _steps() -> list[tuple[tuple[slice, slice], tuple[slice, slice]]]:
    """Pairs of parts of a grid: each pixel, and its neighbour on the left, the right, above and below."""
    whole, first, last = slice(None), slice(None, -1), slice(1, None)
    return [
        ((whole, last), (whole, first)),
        ((whole, first), (whole, last)),
        ((last, whole), (first, whole)),
        ((first, whole), (last, whole)),
    ]
