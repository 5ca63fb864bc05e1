"""The data sets that can be opened by name."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from noisette.errors import RequestError, nearest

if TYPE_CHECKING:
    from noisette.data.dataset import Dataset
    from noisette.data.fetch import Archive
    from noisette.progress import Progress


@dataclass(frozen=True)
class Entry:
    """What is said of a data set before it is opened."""

    summary: str
    size: int  # pixels along a side, unless asked otherwise
    sizes: range  # that can be asked for
    channels: int

    @property
    def span(self) -> str:
        """The sizes in words."""
        if self.sizes.step > 1:
            return " or ".join(map(str, self.sizes))
        return f"{self.sizes.start} to {self.sizes.stop - 1}"


CATALOGUE = {
    "mnist": Entry("70,000 handwritten digits, grey", 28, range(8, 29), 1),
    "cryptopunks": Entry(
        "10,000 pixel-art faces with a type, a skin tone and 87 accessories, RGBA", 24, range(24, 33, 8), 4
    ),
    "sprites": Entry("synthetic avatars drawn from layers, RGBA; any number, no network needed", 24, range(8, 65), 4),
}


def entry(name: str) -> Entry:
    """What is known of the named data set. Raises RequestError for another name."""
    if name not in CATALOGUE:
        raise RequestError(f'no data set "{name}"{nearest(name, CATALOGUE)}; there are {", ".join(CATALOGUE)}')
    return CATALOGUE[name]


def archive_of(name: str) -> Archive | None:
    """The download behind the named data set, or None for one that is made here.

    Raises RequestError for another name.
    """
    from noisette.data.sources import cryptopunks, mnist

    archives = {"mnist": mnist.ARCHIVE, "cryptopunks": cryptopunks.ARCHIVE}
    entry(name)
    return archives.get(name)


def open_dataset(
    name: str,
    *,
    size: int | None = None,
    background: str | None = None,
    count: int = 10_000,
    seed: int = 0,
    progress: Progress | None = None,
) -> Dataset:
    """Open `mnist`, `cryptopunks` or `sprites`; what is not in the cache is fetched and verified.

    size: pixels along a side. background: `#rrggbb` to put RGBA images on, which leaves RGB. count, seed: of the
    synthetic sprites. progress: called with the bytes fetched and the bytes there are.

    Raises RequestError for what cannot be had, NoisetteError if a download fails.
    """
    from noisette.data.pixels import on_background
    from noisette.data.sources import cryptopunks, mnist, sprites
    from noisette.progress import silent

    known = entry(name)
    if size is not None and size not in known.sizes:
        raise RequestError(f"{name} can be {known.span} pixels wide, not {size}")
    if background is not None and not re.fullmatch(r"#[0-9a-fA-F]{6}", background):
        raise RequestError(
            f'the background "{background}" is not a colour; write it as #rrggbb, for example {cryptopunks.BACKGROUND}'
        )
    if background is not None and known.channels != 4:
        raise RequestError(f"{name} has no alpha, so it takes no background; leave it out")
    open_it: dict[str, Callable[[], Dataset]] = {
        "mnist": lambda: mnist.mnist(size=size or known.size, progress=progress or silent),
        "cryptopunks": lambda: cryptopunks.cryptopunks(size=size or known.size, progress=progress or silent),
        "sprites": lambda: sprites.sprites(count, size=size or known.size, seed=seed),
    }
    dataset = open_it[name]()
    return dataset if background is None else dataset.with_images(lambda images: on_background(images, background))


def adopt_copy(name: str, source: Path) -> Path:
    """Put a local copy of the data set's archive into the cache. Raises RequestError if it is not that file."""
    from noisette.data.fetch import adopt

    archive = archive_of(name)
    if archive is None:
        raise RequestError(f"{name} is made here and needs no file")
    return adopt(archive, source)
