"""A person's own folder of images, in any of the layouts that `noisette.data.collections` knows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator

from noisette.data.collections.settings import width_and_height
from noisette.data.description import MODES, Description
from noisette.data.hub.names import hub_name
from noisette.data.sources.base import Options, Source
from noisette.errors import RequestError
from noisette.text import plain

if TYPE_CHECKING:
    from noisette.data.dataset import Dataset
    from noisette.progress import Progress

NAME = "folder"


class FolderOptions(Options):
    """Which folder, and what its images are: with size and mode it is known without looking into the folder."""

    path: str = Field("", description="the folder, or a file that holds many images; hf:OWNER/NAME of the hub")
    size: str = Field("", description="width x height of its images, such as 24x24; looked up if left out")
    mode: Literal["", "grey", "RGB", "RGBA"] = Field("", description="their colours; looked up if left out")

    @field_validator("size")
    @classmethod
    def _is_a_size(cls, size: str) -> str:
        if size and width_and_height(size) is None:
            raise ValueError(f'the size "{plain(size, 40)}" is not width x height, such as 16x24')
        return size


def _describe(options: FolderOptions) -> Description:
    if not options.path:
        raise RequestError("dataset.path: which folder? Name the one that holds the images")
    name = options.path if hub_name(options.path) is not None else Path(options.path).name
    if options.size and options.mode:
        width, height = width_and_height(options.size) or (0, 0)
        channels = next(channels for channels, mode in MODES.items() if mode == options.mode)
        return Description(name, channels, height, width, None, None, "from a folder")
    from noisette.data.collections.collection import open_collection

    collection = open_collection(options.path)
    dataset = collection.dataset
    trained = int((dataset.membership == 0).sum())
    return Description(name, dataset.channels, *dataset.size, len(dataset), dataset.schema, collection.how, trained)


def _open(options: FolderOptions, progress: Progress) -> Dataset:
    from noisette.data.collections.collection import open_collection

    dataset = open_collection(options.path, progress=progress).dataset
    height, width = dataset.size
    found = f"{width}x{height} {MODES[dataset.channels]}"
    wanted = f"{options.size or f'{width}x{height}'} {options.mode or MODES[dataset.channels]}"
    if found != wanted:
        raise RequestError(
            f"the images in {plain(options.path, 200)} are {found} by now, not {wanted}; train anew, or restore them"
        )
    return dataset


SOURCE = Source(
    name=NAME,
    summary="your own images: a folder, a zip, a sprite sheet, an array",
    options=FolderOptions,
    describe=_describe,
    open=_open,
)
