"""The grid of a sprite sheet: where its tiles lie, with lines between them or without."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

FEWEST = 4
"""Tiles of a sheet; what has fewer is an image."""

_SMALLEST = 8  # pixels of a tile that is guessed
_LARGEST = 256
_THICKEST = 4  # pixels of a line between tiles; what is wider is the background of the tiles
_SAME = (
    0.5  # of the pixels at the edges of tiles; if so many have the colour of the lines, it is that of the background
)


@dataclass(frozen=True)
class Steps:
    """Where tiles lie along one side of a sheet.

    Attributes:
        first: The first pixel of the first tile.
        size: Pixels of a tile.
        step: Pixels from one tile to the next: more than `size` where there are lines between them.
        count: Of tiles.
    """

    first: int
    size: int
    step: int
    count: int

    @property
    def places(self) -> range:
        """The first pixel of each tile."""
        return range(self.first, self.first + self.step * self.count, self.step)

    def fills(self, length: int) -> bool:
        """Whether the tiles are all that there is on a side of so many pixels, but for a line at its end."""
        between = self.step - self.size
        return length - (self.first + self.step * self.count - between) <= between


@dataclass(frozen=True)
class Grid:
    """Where the tiles of a sheet lie, across and down it."""

    across: Steps
    down: Steps

    def tiles(self) -> Iterator[tuple[int, int]]:
        """(left, top) of each tile, row by row."""
        return ((left, top) for top in self.down.places for left in self.across.places)


class _Lines:
    """The columns of a sheet, or its rows.

    Args:
        pixels: (L, M, C) uint8, the lines first.
    """

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        self.pixels = pixels
        self.flat = (pixels == pixels[:, :1]).all(axis=(1, 2))
        """(L,), which lines are of one colour."""

    def __len__(self) -> int:
        return len(self.flat)

    def ruled(self, places: NDArray[np.intp]) -> bool:
        """Whether all these lines are of one colour, and of the same."""
        colours = self.pixels[places, 0]
        return bool(self.flat[places].all() and (colours == colours[:1]).all())

    def drawn(self, steps: Steps) -> bool:
        """Whether the lines between tiles are more than their background: most of what they touch has other colours.

        Transparent lines are background where the side is as long as whole tiles with a line each.
        """
        colour = self.pixels[steps.first + steps.size, 0]
        if len(colour) == 4 and colour[3] == 0 and len(self) % steps.step == 0:
            return False
        ends = [place + end for place in steps.places for end in (0, steps.size - 1)]
        return bool((self.pixels[ends] == colour).all(axis=2).mean() < _SAME)


def grid_with(sheet: NDArray[np.uint8], width: int, height: int) -> Grid:
    """The grid of a sheet whose tiles have a size that is known. Lines between them are left out.

    Args:
        sheet: (H, W, C) uint8.
        width: Of a tile.
        height: The same.

    Returns:
        Tiles from the upper left corner on; what is left over on the right and below is no tile.
    """
    sides = zip(_both_ways(sheet), (width, height), strict=True)
    across, down = (_steps_with(lines, size) for lines, size in sides)
    return Grid(across, down)


def grid_found(sheet: NDArray[np.uint8]) -> Grid | None:
    """The grid that can be seen on a sheet: lines of one colour between tiles, or nothing where two tiles meet.

    Lines that look like the background of the tiles belong to them, where the sheet can be divided so. Of several grids
    the finest of square tiles counts, else the finest.

    Args:
        sheet: (H, W, C) uint8.

    Returns:
        The grid; None where none is seen, or one of fewer than `FEWEST` tiles with something on them.
    """
    columns, rows = _both_ways(sheet)
    grid = _drawn_grid(columns, rows) or _open_grid(columns, rows) or _ruled_grid(columns, rows)
    return grid if grid is not None and _shows_several(sheet, grid) else None


def fills(grid: Grid, sheet: NDArray[np.uint8]) -> bool:
    """Whether nothing is left over on a sheet, (H, W, C)."""
    return grid.across.fills(sheet.shape[1]) and grid.down.fills(sheet.shape[0])


def is_empty(tile: NDArray[np.uint8]) -> bool:
    """Whether a tile is of one colour, or transparent throughout, whatever is hidden under that."""
    return bool((tile == tile[:1, :1]).all()) or (tile.shape[2] == 4 and not tile[..., 3].any())


def _both_ways(sheet: NDArray[np.uint8]) -> tuple[_Lines, _Lines]:
    """Columns and rows, with nothing hidden under transparent pixels."""
    if sheet.shape[2] == 4:
        sheet = np.where(sheet[..., 3:] == 0, np.uint8(0), sheet)
    return _Lines(sheet.transpose(1, 0, 2)), _Lines(sheet)


def _steps_with(lines: _Lines, size: int) -> Steps:
    ruled = _between_lines(lines, size)
    if ruled is not None and (len(lines) % size or lines.drawn(ruled)):
        return ruled
    return Steps(0, size, size, len(lines) // size)


def _between_lines(lines: _Lines, size: int) -> Steps | None:
    """Tiles of a known size with lines of one colour and one thickness between them, at the edges too or not."""
    for thick in range(1, _THICKEST + 1):
        for first in (0, thick):
            count, rest = divmod(len(lines) - first + thick, size + thick)
            steps = Steps(first, size, size + thick, count)
            if count > 1 and rest in (0, thick) and lines.ruled(_outside(steps, len(lines))):
                return steps
    return None


def _outside(steps: Steps, length: int) -> NDArray[np.intp]:
    """The lines that belong to no tile."""
    places = np.arange(length)
    inside = (places >= steps.first) & ((places - steps.first) % steps.step < steps.size)
    return np.flatnonzero(~(inside & (places < steps.first + steps.step * steps.count)))


def _drawn_grid(columns: _Lines, rows: _Lines) -> Grid | None:
    """A grid of lines in both directions that are more than background."""
    across, down = _ruled_steps(columns), _ruled_steps(rows)
    if across is None or down is None or not (columns.drawn(across) and rows.drawn(down)):
        return None
    return Grid(across, down)


def _ruled_grid(columns: _Lines, rows: _Lines) -> Grid | None:
    """A grid of lines in both directions, or in one along a strip of tiles."""
    across, down = (_ruled_steps(lines) or _undivided(lines) for lines in (columns, rows))
    return Grid(across, down) if across is not None and down is not None else None


def _undivided(lines: _Lines) -> Steps | None:
    return Steps(0, len(lines), len(lines), 1) if len(lines) <= _LARGEST else None


def _ruled_steps(lines: _Lines) -> Steps | None:
    """Tiles that are all of one size, with lines of one colour and thickness between them."""
    sizes = {len(list(run)) for flat, run in groupby(lines.flat.tolist()) if not flat}
    size = sizes.pop() if len(sizes) == 1 else 0
    return _between_lines(lines, size) if _SMALLEST <= size <= _LARGEST else None


def _open_grid(columns: _Lines, rows: _Lines) -> Grid | None:
    """A grid of tiles that meet where at least one of the two has nothing but its background."""
    widths, heights = _open_sizes(columns), _open_sizes(rows)
    squares = [(size, size) for size in widths if size in heights]
    finest = [(width, height) for width in widths[:1] for height in heights[:1]]
    for width, height in squares + finest:
        across, down = len(columns) // width, len(rows) // height
        if across * down >= FEWEST:
            return Grid(Steps(0, width, width, across), Steps(0, height, height, down))
    return None


def _open_sizes(lines: _Lines) -> list[int]:
    """The sizes by which a side can be divided, the smallest first, so that no tile runs into the next."""
    length = len(lines)
    open_at = lines.flat[1:] | lines.flat[:-1]
    return [
        size
        for size in range(_SMALLEST, min(length, _LARGEST) + 1)
        if length % size == 0 and open_at[size - 1 : length - 1 : size].all()
    ]


def _shows_several(sheet: NDArray[np.uint8], grid: Grid) -> bool:
    shown = 0
    for left, top in grid.tiles():
        shown += not is_empty(sheet[top : top + grid.down.size, left : left + grid.across.size])
        if shown == FEWEST:
            return True
    return False
