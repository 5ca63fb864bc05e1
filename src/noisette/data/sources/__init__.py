"""The registry of data sources: each is a module with one object, `SOURCE`, and a line here.

A module is imported when its source is named, and imports NumPy when it opens it, so that recipes are read, and wrong
ones refused, at once.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from noisette.data.sources.base import Source
from noisette.errors import RequestError, nearest, told
from noisette.text import plain

SOURCES = {
    "mnist": "noisette.data.sources.mnist",
    "cryptopunks": "noisette.data.sources.cryptopunks",
    "sprites": "noisette.data.sources.sprites",
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


def no_source(name: str) -> str:
    """Why a name that is not in `SOURCES` is refused, with the nearest of those that are."""
    return f'no data set "{plain(name, 80)}"{nearest(name[:80], SOURCES)}; there are {", ".join(SOURCES)}'
