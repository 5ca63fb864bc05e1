"""One shape for all images of a collection: how large, of how many channels, reduced by which factor."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from noisette.data.collections.findings import Findings
from noisette.data.collections.ingest import Ingested
from noisette.data.collections.scale import Enlargement, common, fits, reduced_size
from noisette.data.collections.settings import CollectionSettings, width_and_height
from noisette.data.description import MODES
from noisette.errors import RequestError
from noisette.files.room import check_disk


@dataclass(frozen=True)
class Shape:
    """What all images are brought to.

    Attributes:
        height: Pixels.
        width: Pixels.
        channels: 1 grey, 3 RGB, 4 RGBA.
        enlarged: The blocks of pixel art that are reduced to a pixel each; of factor 1 where nothing is.
        resize: What is done with images of another size; see `CollectionSettings`.
    """

    height: int
    width: int
    channels: int
    enlarged: Enlargement
    resize: Literal["none", "pad", "area", "nearest"]


def decide(ingested: Ingested, settings: CollectionSettings) -> Shape:
    """The shape that most images have, unless the settings say another.

    Args:
        ingested: Pictures that were read, at least one.
        settings: What `collection.toml` says.

    Raises:
        RequestError: The settings ask for less than the images have.
    """
    records = ingested.records
    factors, lefts, tops = (records[part] for part in ("factor", "left", "top"))
    enlarged = common(factors, lefts, tops) if settings.reduce is None else Enlargement(settings.reduce)
    if settings.size:
        width, height = width_and_height(settings.size) or (0, 0)
    else:
        sizes = Counter(zip(records["height"].tolist(), records["width"].tolist(), strict=True))
        height, width = reduced_size(enlarged, *min(sizes, key=lambda each: (-sizes[each], each)))
    return Shape(height, width, _channels(records, settings), enlarged, settings.resize)


def shaped(ingested: Ingested, shape: Shape, file: Path, findings: Findings) -> NDArray[np.intp]:
    """Write all images that can be brought to a shape into an array on the disk.

    Args:
        ingested: Pictures that were read.
        shape: Of the array.
        file: Is written: `.npy`, (N, C, H, W) uint8.
        findings: Told of what is left out, reduced or resized.

    Returns:
        (N,), which records they are of.

    Raises:
        NoisetteError: There is no room for the array on the disk.
    """
    records, enlarged = ingested.records, shape.enlarged
    on_grid = fits(enlarged, records["factor"], records["left"], records["top"])
    sizes = [
        reduced_size(enlarged, height, width)
        for height, width in zip(records["height"].tolist(), records["width"].tolist(), strict=True)
    ]
    places = np.flatnonzero([whole and _can_be_had(size, shape) for whole, size in zip(on_grid, sizes, strict=True)])
    target = (len(places), shape.channels, shape.height, shape.width)
    check_disk(file.parent, prod(target), "the images of this folder")
    taken = set(places.tolist())
    with file.open("wb") as out:  # and not as a mapping, which ends the process where the disk is full
        head = {"descr": "|u1", "fortran_order": False, "shape": target}
        np.lib.format.write_array_header_1_0(out, head)
        for place, record in enumerate(records):
            name = ingested.entries[int(record["entry"])].name
            if place not in taken:
                height, width = sizes[place]
                if on_grid[place]:
                    findings.add("other size", name, f"{width}x{height}")
                else:
                    findings.add("off grid", name, f"not by {enlarged.factor}")
                continue
            image = ingested.picture(record, enlarged)
            if enlarged.factor > 1:
                findings.add("enlarged", name, f"by {enlarged.factor}")
            if image.shape[:2] != (shape.height, shape.width):
                image = _resized(image, shape)
                findings.add("resized", name)
            out.write(np.ascontiguousarray(_with_channels(image, shape.channels).transpose(2, 0, 1)).data)
    return places


def _can_be_had(size: tuple[int, int], shape: Shape) -> bool:
    """Whether an image of such a size is brought to the shape."""
    height, width = size
    if size == (shape.height, shape.width) or shape.resize in ("area", "nearest"):
        return True
    return shape.resize == "pad" and height <= shape.height and width <= shape.width


def _resized(image: NDArray[np.uint8], shape: Shape) -> NDArray[np.uint8]:
    """As large as fits into the shape, centred on transparency."""
    from PIL import Image

    height, width = image.shape[:2]
    if shape.resize != "pad":
        part = min(shape.height / height, shape.width / width)
        height, width = max(1, round(height * part)), max(1, round(width * part))
        by = Image.Resampling.BOX if shape.resize == "area" else Image.Resampling.NEAREST
        seen = _with_channels(image, 4)
        # Weighted by their alpha, or what is hidden under transparency would bleed out of it.
        premultiplied = Image.fromarray(seen, "RGBA").convert("RGBa").resize((width, height), by).convert("RGBA")
        image = np.asarray(premultiplied)
    canvas = np.zeros((shape.height, shape.width, 4), np.uint8)
    top, left = (shape.height - height) // 2, (shape.width - width) // 2
    canvas[top : top + height, left : left + width] = _with_channels(image, 4)
    return canvas


def _with_channels(image: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """(H, W, C) with other channels: grey of what is grey, and without an alpha that is opaque throughout."""
    there = image.shape[2]
    if there == channels:
        return image
    if channels == 1:
        return image[..., :1]
    colours = np.broadcast_to(image[..., :1], (*image.shape[:2], 3)) if there == 1 else image[..., :3]
    if channels == 3:
        return colours
    return np.concatenate([colours, np.full((*image.shape[:2], 1), 255, np.uint8)], axis=2)


def _channels(records: NDArray[np.void], settings: CollectionSettings) -> int:
    needed = 4 if records["alpha"].any() else 3 if records["colour"].any() else 1
    if settings.resize == "pad":
        needed = 4
    wanted = {mode: channels for channels, mode in MODES.items()}.get(settings.mode, needed)
    if wanted < needed:
        raise RequestError(
            f"collection.toml: mode = {settings.mode} would lose what the images have, which is {MODES[needed]}; leave"
            " it out, or save them as they are meant"
        )
    return wanted
