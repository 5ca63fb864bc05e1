"""Looking at a data set: what it holds, in figures and as a contact sheet."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from noisette.attributes.schema import UNKNOWN, Choice
from noisette.data.dataset import MODES, SPLITS, Dataset
from noisette.data.palette import as_colours, as_numbers
from noisette.errors import RequestError
from noisette.files.atomic import file_sha256
from noisette.files.images import sheet

OFFICIAL_PUNKS = "ac39af4793119ee46bbff351d8cb6b5f23da60222126add4268e261199a2921b"
"""SHA-256 of punks.png, 2400x2400, as the Ethereum contract of 2017 holds it."""
_CONTACT_IMAGES = 100


def facts(dataset: Dataset) -> dict[str, Any]:
    """Counts, sizes, palette and attribute table of a data set, as JSON can hold them."""
    height, width = dataset.size
    pixels = dataset.images.transpose(0, 2, 3, 1)  # (N, H, W, C)
    colours, counts = _colours(dataset.images)
    order = counts.argsort()[::-1][:8]
    found: dict[str, Any] = {
        "name": dataset.name,
        "images": len(dataset),
        "height": height,
        "width": width,
        "mode": MODES[dataset.channels],
        "splits": {name: int((dataset.membership == number).sum()) for number, name in enumerate(SPLITS)},
        "pixels_sha256": sha256(np.ascontiguousarray(pixels).data).hexdigest(),
        "colours": len(colours),
        "commonest_colours": {
            colours[index].tobytes().hex(): round(float(counts[index] / counts.sum()), 4) for index in order
        },
    }
    if dataset.channels == 4:
        alphas, shares = np.unique(pixels[..., 3], return_counts=True)
        found["alpha"] = {
            str(alpha): round(float(share / shares.sum()), 4) for alpha, share in zip(alphas, shares, strict=True)
        }
    found["attributes"] = _attributes(dataset)
    return found


def _colours(images: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.intp]]:
    """The different colours in (N, C, H, W), as (K, C), and how many pixels have each, (K,)."""
    numbers, counts = np.unique(as_numbers(images), return_counts=True)
    return as_colours(numbers, images.shape[1]), counts


def _attributes(dataset: Dataset) -> list[dict[str, Any]]:
    rows = []
    for attribute, column in zip(dataset.schema.attributes, dataset.attributes.T, strict=True):
        row: dict[str, Any] = {
            "name": attribute.name,
            "kind": attribute.kind,
            "unknown": int((column == UNKNOWN).sum()),
        }
        if isinstance(attribute, Choice):
            row["counts"] = {option: int((column == code).sum()) for code, option in enumerate(attribute.options)}
        else:
            row["count"] = int((column == 1).sum())
        rows.append(row)
    return rows


def describe(found: Mapping[str, Any]) -> str:
    """`facts` for a person to read."""
    lines = [
        f"{found['name']}: {found['images']:,} images, {found['width']}x{found['height']} {found['mode']}",
        "splits       " + ", ".join(f"{name} {count:,}" for name, count in found["splits"].items()),
        f"pixels       SHA-256 {found['pixels_sha256']}",
        f"colours      {found['colours']}; commonest: "
        + ", ".join(f"{colour} {share:.1%}" for colour, share in found["commonest_colours"].items()),
    ]
    if "alpha" in found:
        lines.append("alpha        " + ", ".join(f"{alpha}: {share:.1%}" for alpha, share in found["alpha"].items()))
    if "official" in found:
        lines.append(f"official     {found['official']}")
    choices = [row for row in found["attributes"] if row["kind"] == "choice"]
    flags = sorted((row for row in found["attributes"] if row["kind"] == "flag"), key=lambda row: -row["count"])
    for row in choices:
        lines.append(
            f"{row['name']:<12} " + ", ".join(f"{option} {count:,}" for option, count in row["counts"].items())
        )
    if flags:
        lines.append(f"{len(flags)} flags")
        width = max(len(row["name"]) for row in flags) + 8
        cells = [f"{row['name']} {row['count']:,}" for row in flags]
        lines += [
            "  " + "".join(cell.ljust(width) for cell in cells[start : start + 4]).rstrip()
            for start in range(0, len(cells), 4)
        ]
    return "\n".join(lines)


def contact_sheet(dataset: Dataset) -> Image.Image:
    """The first hundred images."""
    images = dataset.images[:_CONTACT_IMAGES]
    return sheet(images, columns=10, scale=max(1, 64 // dataset.size[1]))


def compare_with_official(dataset: Dataset, path: Path) -> str:
    """Whether the punks are those of the official image, cut up, in every byte.

    Raises RequestError if the file is not that image, or if the data set is not all the punks, or put on a background.
    """
    if dataset.name != "cryptopunks" or len(dataset) != 10_000:
        raise RequestError(
            f"only all 10,000 punks can be compared with the official image, not {len(dataset):,} of {dataset.name}"
        )
    if dataset.channels != 4 or dataset.size != (24, 24):
        raise RequestError(
            "the official image has alpha and punks of 24 pixels; leave --background and --size out to compare"
        )
    if not path.is_file():
        raise RequestError(f"no file {path}; give a copy of the official punks.png")
    try:
        found = file_sha256(path)
        if found != OFFICIAL_PUNKS:
            raise RequestError(f"{path} is not the official image: its SHA-256 is {found}, not {OFFICIAL_PUNKS}")
        with Image.open(path, formats=["PNG"]) as image:
            whole = np.asarray(image.convert("RGBA"))  # (2400, 2400, 4)
    except OSError as error:
        raise RequestError(f"cannot read {path}: {error.strerror or error}") from error
    cut = whole.reshape(100, 24, 100, 24, 4).transpose(0, 2, 1, 3, 4).reshape(10_000, 24, 24, 4)
    wrong = int((cut != dataset.images.transpose(0, 2, 3, 1)).any(axis=(1, 2, 3)).sum())
    if wrong == 0:
        return "identical in every byte"
    return "1 punk differs" if wrong == 1 else f"{wrong:,} punks differ"
