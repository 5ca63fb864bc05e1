"""Rectangles of a larger picture, which is decoded once for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from noisette.data.collections.entries import RefusedPicture
from noisette.data.collections.pictures import MOST_OF_SHEET, content_of, decoded
from noisette.data.collections.tree import Stamp

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SHEETS = 4
"""That are kept decoded: tiles of one come one after the other."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A rectangle of a sheet, put back where it was cut out of. See `Picture`.

    Attributes:
        path: Of the sheet.
        root: The folder that it must lie in.
        left: Pixels from the left edge of the sheet.
        top: Pixels from its upper edge.
        width: Of the rectangle as it lies on the sheet.
        height: The same.
        turned: Whether it lies there turned by 90 degrees clockwise, as TexturePacker packs.
        canvas: (width, height) of the image that it is part of; that of the rectangle unless given.
        offset: (x, y) of the rectangle on the canvas.
    """

    path: Path
    root: Path
    left: int
    top: int
    width: int
    height: int
    turned: bool = False
    canvas: tuple[int, int] | None = None
    offset: tuple[int, int] = (0, 0)

    def read(self) -> NDArray[np.uint8]:
        """The pixels, (H, W, C) uint8. Raises RefusedPicture."""
        import numpy as np

        whole = sheet_of(self.path, self.root)
        tile = whole[self.top : self.top + self.height, self.left : self.left + self.width]
        if tile.shape[:2] != (self.height, self.width) or not tile.size:
            raise RefusedPicture("unreadable", "it reaches out of its sheet")
        if self.turned:
            tile = np.rot90(tile)
        if self.canvas is None or self.canvas == (tile.shape[1], tile.shape[0]):
            return np.ascontiguousarray(tile)
        across, down = self.offset
        width, height = self.canvas
        if across < 0 or down < 0 or across + tile.shape[1] > width or down + tile.shape[0] > height:
            raise RefusedPicture("unreadable", "it reaches out of the image that it was cut out of")
        canvas = np.zeros((height, width, 4), np.uint8)
        alpha = tile if tile.shape[2] == 4 else _opaque(tile)
        canvas[down : down + tile.shape[0], across : across + tile.shape[1]] = alpha
        return canvas


def sheet_of(path: Path, root: Path) -> NDArray[np.uint8]:
    """A whole sheet, (H, W, C) uint8. Raises RefusedPicture."""
    try:
        facts = path.stat()
    except OSError as error:
        raise RefusedPicture("vanished") from error
    return _decoded(path, root, Stamp(facts.st_size, facts.st_mtime_ns))


@lru_cache(maxsize=_SHEETS)
def _decoded(path: Path, root: Path, stamp: Stamp) -> NDArray[np.uint8]:
    """A sheet, decoded once as long as its file stays the same."""
    whole = decoded(content_of(path, root), most_side=MOST_OF_SHEET)
    whole.flags.writeable = False  # all tiles share it
    return whole


def _opaque(tile: NDArray[np.uint8]) -> NDArray[np.uint8]:
    import numpy as np

    colours = np.broadcast_to(tile, (*tile.shape[:2], 3)) if tile.shape[2] == 1 else tile
    return np.concatenate([colours, np.full((*tile.shape[:2], 1), 255, np.uint8)], axis=2)
