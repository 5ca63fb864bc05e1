"""Data sets by name, and folders in their place."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from noisette.data.hub.names import hub_name
from noisette.data.naming import is_run, may_hold_images
from noisette.data.sources import SOURCES, find_source
from noisette.errors import RequestError, written
from noisette.files.output import expand
from noisette.text import plain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from noisette.data.dataset import Dataset
    from noisette.data.description import Description
    from noisette.data.sources.base import Archive, Source
    from noisette.progress import Progress


def open_dataset(
    name: str, *, background: str | None = None, progress: Progress | None = None, **options: object
) -> Dataset:
    """Open a data set; what is not in the cache is fetched and verified.

    Args:
        name: One of `noisette.data.sources.SOURCES`, the path of a folder, or `hf:OWNER/NAME`, of the hub.
        background: `#rrggbb` to put RGBA images on, which leaves RGB.
        progress: Called with the bytes fetched and the bytes there are, or with the images read of a folder.
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

    source, meant = _source_of(name)
    chosen = source.read_options({**meant, **_given(options)})
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
        name: One of `noisette.data.sources.SOURCES`, the path of a folder, or `hf:OWNER/NAME`, of the hub.
        options: The source's own, such as `size`; None is its default.

    Raises:
        RequestError: There is no such data set, or it cannot be had like this.
    """
    source, meant = _source_of(name)
    return source.describe(source.read_options({**meant, **_given(options)}))


def folder_meant(name: str | Path, others: Collection[str]) -> Path | None:
    """The folder of images, or the file of many, that a person means by a name.

    Args:
        name: As it was given.
        others: Names that mean something else where no folder is meant.

    Returns:
        Its path, or the name of a data set of the hub; None if it is one of the others, or nothing that is there.

    Raises:
        RequestError: It is both.
    """
    if hub_name(name) is not None:
        return Path(name)
    path = expand(str(name))
    if not may_hold_images(path):
        return None
    if str(name) in others:
        raise RequestError(
            f'"{name}" means two things here: the folder, and what noisette calls so; write ./{name} for the folder, or'
            " go to another folder for the other"
        )
    return path.absolute() if hub_name(path) is not None else path  # ./hf:x, which is a folder


def _source_of(name: str) -> tuple[Source[Any], dict[str, object]]:
    """The source of a name, and the options that the name says by itself."""
    if isinstance(name, str | Path) and hub_name(name) is not None:
        return find_source("folder"), {"path": str(name)}
    if isinstance(name, str | Path) and name not in SOURCES and str(name).strip():
        path = expand(str(name))
        if is_run(path):
            raise RequestError(f"{plain(str(path), 200)} is a run, and no folder of images")
        if may_hold_images(path):
            return find_source("folder"), {"path": str(path)}
    return find_source(name), {}


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
    if dataset.name not in SOURCES:  # as no folder is called: see `noisette.data.collections.collection`
        return None
    source = find_source(dataset.name)
    as_opened = source.describe(source.options()).channels
    return source.read if dataset.channels == as_opened else None


def pixel_renderer(dataset: Dataset) -> Callable[[NDArray[np.int16]], NDArray[np.uint8]] | None:
    """What draws such images from their attributes, exactly; None where no rule does.

    Args:
        dataset: Images as their source opens them.

    Returns:
        A function from a table, (N, A) int16 without UNKNOWN, to images, (N, C, H, W) uint8.
    """
    if dataset.name not in SOURCES:
        return None
    source = find_source(dataset.name)
    if source.draw is None or dataset.channels != source.describe(source.options()).channels:
        return None
    return partial(source.draw, size=dataset.size)


def _given(options: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in options.items() if value is not None}
