"""Sprite sheets with a regular grid: the size of a tile stands in `collection.toml` or in their names, or is seen."""

from __future__ import annotations

import re
from collections.abc import Iterator

from noisette.data.collections.entries import Entry, Listing, RefusedPicture
from noisette.data.collections.findings import HOW_TO_SAY_TILE, Findings
from noisette.data.collections.grid import FEWEST, Grid, fills, grid_found, grid_with, is_empty
from noisette.data.collections.layouts.common import tell_rest
from noisette.data.collections.matching import stem_of
from noisette.data.collections.scale import blocks_of
from noisette.data.collections.settings import CollectionSettings, width_and_height
from noisette.data.collections.tiles import Tile, sheet_of
from noisette.data.collections.tree import Tree
from noisette.errors import RequestError
from noisette.text import plain

_IN_NAME = re.compile(r"(?<![0-9])([1-9][0-9]{0,2})x([1-9][0-9]{0,2})$", re.IGNORECASE)
_LOOKED_AT = 4  # images whose pixels are asked for a grid; more of them are images themselves


class Sheet:
    """Images that hold many images each."""

    def claims(self, tree: Tree, settings: CollectionSettings) -> bool:
        """Whether settings or all names say how large a tile is, and there are several; or a grid is seen on each."""
        images = tree.images
        if settings.tile:
            return bool(images)
        if images and all(_size_in(name) for name in images):
            return _holds_several(tree, images[0])
        return 0 < len(images) <= _LOOKED_AT and all(_grid_seen(tree, name) for name in images)

    def read(self, tree: Tree, settings: CollectionSettings, findings: Findings) -> Listing:
        """See `Layout.read`."""
        entries: list[Entry] = []
        sizes: set[str] = set()
        for name in tree.images:
            for grid, entry in _tiles(tree, name, settings, findings):
                sizes.add(f"{grid.across.size}x{grid.down.size}")
                entries.append(entry)
        if not entries:
            raise RequestError(f"no tiles are found on the sheets in {plain(str(tree.root), 200)}; {HOW_TO_SAY_TILE}")
        tell_rest(tree, tree.images, findings)
        return Listing(f"sprite sheets with tiles of {' and '.join(sorted(sizes))} pixels", entries, tree.images)


LAYOUT = Sheet()


def _tiles(tree: Tree, name: str, settings: CollectionSettings, findings: Findings) -> Iterator[tuple[Grid, Entry]]:
    """The tiles of a sheet with something on them, row by row."""
    try:
        whole = sheet_of(tree.path(name), tree.root)
    except RefusedPicture as refused:
        findings.add(refused.kind, name, refused.detail)
        return
    size = width_and_height(settings.tile) if settings.tile else _size_in(name)
    grid = grid_with(whole, *size) if size else grid_found(whole)
    if grid is None:
        findings.add("no grid", name)
        return
    if size and not fills(grid, whole):
        rest = f"{whole.shape[1]}x{whole.shape[0]} is no whole number of {size[0]}x{size[1]}"
        findings.add("rest of a sheet", name, rest)
    width, height = grid.across.size, grid.down.size
    for number, (left, top) in enumerate(grid.tiles()):
        if is_empty(whole[top : top + height, left : left + width]):
            findings.add("empty tile", f"{name}#{number}")
        else:
            yield grid, Entry(f"{name}#{number}", Tile(tree.path(name), tree.root, left, top, width, height), ())


def _size_in(name: str) -> tuple[int, int] | None:
    """The width and height that the name of a file ends with, such as `heroes_16x16.png`."""
    found = _IN_NAME.search(stem_of(name))
    return (int(found[1]), int(found[2])) if found else None


def _holds_several(tree: Tree, name: str) -> bool:
    """Whether an image has several times the size that its name says, and is not one of that size that was enlarged."""
    size = _size_in(name)
    try:
        whole = sheet_of(tree.path(name), tree.root)
    except RefusedPicture:
        return False
    if size is None or (whole.shape[0] // size[1]) * (whole.shape[1] // size[0]) < FEWEST:
        return False
    factor = blocks_of(whole).factor
    return whole.shape[:2] != (size[1] * factor, size[0] * factor)


def _grid_seen(tree: Tree, name: str) -> bool:
    try:
        return grid_found(sheet_of(tree.path(name), tree.root)) is not None
    except RefusedPicture:
        return False
