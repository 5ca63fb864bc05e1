"""Sprite sheets with a regular grid: how large a tile is stands in `collection.toml`, or in the sheet's name."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from noisette.data.collections.entries import Entry, Listing, RefusedPicture
from noisette.data.collections.findings import Findings
from noisette.data.collections.layouts.common import tell_rest
from noisette.data.collections.settings import CollectionSettings, width_and_height
from noisette.data.collections.tiles import Tile, sheet_of
from noisette.data.collections.tree import Tree
from noisette.errors import RequestError
from noisette.text import plain

_IN_NAME = re.compile(r"(?<!\d)(\d{1,3})x(\d{1,3})(?!\d)")
_MOST_TILES = 1_000_000
_FEWEST = 4
"""Tiles of a sheet; an image of one size that names it is no sheet."""


class _Sheet:
    def claims(self, tree: Tree, settings: CollectionSettings) -> bool:
        """Every image is a sheet: settings say how large a tile is, or each name does, and the image is larger."""
        images = tree.images
        if settings.tile:
            return bool(images)
        return (
            0 < len(images) <= _MOST_TILES
            and all(_size_in(name) is not None for name in images)
            and any(_holds_several(tree, name) for name in images[:1])
        )

    def read(self, tree: Tree, settings: CollectionSettings, findings: Findings) -> Listing:
        entries: list[Entry] = []
        for name in tree.images:
            size = width_and_height(settings.tile) if settings.tile else _size_in(name)
            if size is None:
                findings.add("other size", name, "its name says no size of a tile")
                continue
            try:
                whole = sheet_of(tree.path(name), tree.root)
            except RefusedPicture as refused:
                findings.add(refused.kind, name, refused.detail)
                continue
            width, height = size
            if whole.shape[0] % height or whole.shape[1] % width:
                rest = f"{whole.shape[1]}x{whole.shape[0]} is no whole number of {width}x{height}"
                findings.add("rest of a sheet", name, rest)
            across, down = whole.shape[1] // width, whole.shape[0] // height
            for number in range(across * down):
                left, top = number % across * width, number // across * height
                label = f"{name}#{number}"
                tile = whole[top : top + height, left : left + width]
                if (tile == tile[:1, :1]).all():
                    findings.add("empty tile", label)
                    continue
                entries.append(Entry(label, Tile(tree.path(name), tree.root, left, top, width, height), ()))
        if not entries:
            raise RequestError(f"there is no sheet in {plain(str(tree.root), 200)}; set tile in collection.toml")
        tell_rest(tree, tree.images, findings)
        return Listing("sprite sheets", entries)


def _size_in(name: str) -> tuple[int, int] | None:
    """The width and height that the name of a file ends with, such as `heroes_16x16.png`."""
    found = list(_IN_NAME.finditer(PurePosixPath(name).stem))
    if not found or found[-1].end() != len(PurePosixPath(name).stem):
        return None
    width, height = int(found[-1][1]), int(found[-1][2])
    return (width, height) if width and height else None


def _holds_several(tree: Tree, name: str) -> bool:
    try:
        whole = sheet_of(tree.path(name), tree.root)
    except RefusedPicture:
        return False
    width, height = _size_in(name) or (1, 1)
    return bool((whole.shape[1] // width) * (whole.shape[0] // height) >= _FEWEST)


LAYOUT = _Sheet()
