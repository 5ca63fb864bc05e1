"""Looking at a data set: what it holds, in figures and as a contact sheet."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from noisette.attributes.schema import UNKNOWN
from noisette.data.dataset import SPLITS, Dataset
from noisette.data.description import MODES
from noisette.data.palette import as_colours, as_numbers
from noisette.files.images import sheet

_CONTACT_IMAGES = 100


def facts(dataset: Dataset) -> dict[str, Any]:
    """Counts, sizes, palette and attribute table of a data set.

    Args:
        dataset: With all that is to be counted.

    Returns:
        What JSON can hold.
    """
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
        if attribute.kind != "flag":
            row["counts"] = {option: int((column == code).sum()) for code, option in enumerate(attribute.options)}
        else:
            row["count"] = int((column == 1).sum())
        rows.append(row)
    return rows


def describe(found: Mapping[str, Any]) -> str:
    """What a data set holds, for a person to read.

    Args:
        found: What `facts` gave; `official`, where there is one, is what a comparison with an official file gave.

    Returns:
        Lines of text.
    """
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
    choices = [row for row in found["attributes"] if row["kind"] != "flag"]
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
    """The first hundred images of a data set, ten in a row, enlarged by a whole factor."""
    images = dataset.images[:_CONTACT_IMAGES]
    return sheet(images, columns=10, scale=max(1, 64 // dataset.size[1]))
