"""The registry of data sources: each is a module with one object, `SOURCE`, and a line here.

A module is imported when its source is named, and imports NumPy when it opens it, so that recipes are read, and wrong
ones refused, at once.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from noisette.data.collections.tree import IMAGES
from noisette.data.naming import images_near
from noisette.data.sources.base import Source
from noisette.errors import RequestError, as_nearest, closest, told
from noisette.text import plain

SOURCES = {
    "mnist": "noisette.data.sources.mnist",
    "cryptopunks": "noisette.data.sources.cryptopunks",
    "sprites": "noisette.data.sources.sprites",
    "folder": "noisette.data.sources.folder",
}
"""The module of each source, by its name."""


def find_source(name: str) -> Source[Any]:
    """The source of a name.

    Args:
        name: One of `SOURCES`.

    Raises:
        RequestError: There is none of that name; the message has the nearest.
    """
    if not isinstance(name, str):
        raise RequestError(f"a data set is named by a text, not {told(name)}")
    if name not in SOURCES:
        raise RequestError(no_source(name))
    source: Source[Any] = import_module(SOURCES[name]).SOURCE
    return source


def no_source(name: str, *, folders: bool = True) -> str:
    """Why a name that is not in `SOURCES` and no folder is refused, with the nearest of those that are.

    Args:
        name: As it was given.
        folders: Whether it might have been that of a folder, as in a recipe it is not.
    """
    if name.lower().endswith(IMAGES):
        return (
            f"{plain(name, 200)} is one image, or none; name a folder of images, or a sprite sheet that says the size"
            " of its tiles at the end of its name, such as sheet-16x16.png"
        )
    if "/" in name or name.startswith((".", "~")):
        return f"no folder {plain(name, 200)}{as_nearest(images_near(name))}"
    there = ", ".join(each for each in SOURCES if each != "folder")
    near = as_nearest([*(images_near(name) if folders else []), *closest(name[:80], SOURCES)])
    return f'no data set "{plain(name, 80)}"{near}; there are {there}, and any folder of images'
