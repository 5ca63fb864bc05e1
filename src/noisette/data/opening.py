"""Data sets by name."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from noisette.data.sources import SOURCES, find_source
from noisette.errors import RequestError, written

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from noisette.data.dataset import Dataset
    from noisette.data.description import Description
    from noisette.data.sources.base import Archive
    from noisette.progress import Progress


def open_dataset(
    name: str, *, background: str | None = None, progress: Progress | None = None, **options: object
) -> Dataset:
    """Open a data set; what is not in the cache is fetched and verified.

    Args:
        name: One of `noisette.data.sources.SOURCES`.
        background: `#rrggbb` to put RGBA images on, which leaves RGB.
        progress: Called with the bytes fetched and the bytes there are.
        options: The source's own, such as `size`; None is its default.

    Returns:
        The data set, with all its splits.

    Raises:
        RequestError: There is no such data set, or it cannot be had like this.
        NoisetteError: A download failed.

    Examples:
        >>> open_dataset("sprites", size=16, count=100).images.shape
        (100, 4, 16, 16)
    """
    from noisette.data.pixels import on_background
    from noisette.progress import silent

    source = find_source(name)
    chosen = source.read_options(_given(options))
    if background is not None and not (isinstance(background, str) and re.fullmatch(r"#[0-9a-fA-F]{6}", background)):
        raise RequestError(
            f"the background {written(background)} is not a colour; write it as #rrggbb, for example"
            f" {source.background}"
        )
    if background is not None and source.describe(chosen).channels != 4:
        raise RequestError(f"{name} has no alpha, so it takes no background; leave it out")
    try:
        dataset = source.open(chosen, progress or silent)
    except ValidationError as error:  # of the schema: names that a request could not tell apart
        raise RequestError(f"{name}: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from error
    return dataset if background is None else dataset.with_images(lambda images: on_background(images, background))


def describe(name: str, **options: object) -> Description:
    """What is known of a data set before it is opened: channels, size, attributes. Nothing is loaded.

    Args:
        name: One of `noisette.data.sources.SOURCES`.
        options: The source's own, such as `size`; None is its default.

    Raises:
        RequestError: There is no such data set, or it cannot be had like this.
    """
    source = find_source(name)
    return source.describe(source.read_options(_given(options)))


def archive_of(name: str) -> Archive | None:
    """The download behind a data set, or None of one that is made here.

    Raises:
        RequestError: There is no such data set.
    """
    return find_source(name).archive


def adopt_copy(name: str, source: Path) -> Path:
    """Put a local copy of a data set's archive into the cache.

    Args:
        name: Of the data set.
        source: The copy.

    Returns:
        Where it is in the cache.

    Raises:
        RequestError: The copy is not that file, or the data set needs none.
    """
    from noisette.data.fetch import adopt

    archive = archive_of(name)
    if archive is None:
        raise RequestError(f"{name} is made here and needs no file")
    return adopt(archive, source)


def pixel_reader(dataset: Dataset) -> Callable[[NDArray[np.uint8]], NDArray[np.int16]] | None:
    """What reads the attributes off the pixels of such images, exactly; None where pixels do not tell.

    Args:
        dataset: Images as their source opens them. On a background they cannot be read.

    Returns:
        A function from images, (N, C, H, W) uint8, to a table, (N, A) int16, with UNKNOWN for what they do not show.
    """
    if dataset.name not in SOURCES:
        return None
    source = find_source(dataset.name)
    as_opened = source.describe(source.options()).channels
    return source.read if dataset.channels == as_opened else None


def _given(options: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in options.items() if value is not None}
