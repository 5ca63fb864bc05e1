"""What a collection is and what is wrong with it, in figures, and as a page with the pictures."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noisette.attributes.schema import UNKNOWN
from noisette.attributes.statistics import shown
from noisette.data.collections.collection import Collection
from noisette.data.collections.findings import KINDS
from noisette.data.dataset import SPLITS, Dataset
from noisette.data.description import MODES
from noisette.data.palette import as_colours, as_numbers, palette_of
from noisette.files.images import sheet
from noisette.text import plain

_SAMPLE = 2000  # images that colours and alignment are taken from
_MOST_COLOURS = 4096
_RIDGE = 3.0
_MOST_PICTURES = 24  # of a finding, on a page


def facts(collection: Collection) -> dict[str, Any]:
    """Everything that is known of a collection.

    Args:
        collection: Of a folder.

    Returns:
        What JSON can hold.
    """
    dataset, shape = collection.dataset, collection.shape
    sample = dataset.images[np.linspace(0, len(dataset) - 1, min(len(dataset), _SAMPLE)).astype(int)]
    numbers, counts = np.unique(as_numbers(sample), return_counts=True)
    order = counts.argsort()[::-1][:8]
    commonest = as_colours(numbers[order], dataset.channels)
    found: dict[str, Any] = {
        "name": dataset.name,
        "folder": collection.origin or str(collection.root),
        "files": str(collection.root),
        "layout": collection.layout,
        "how": collection.how,
        "found": collection.found,
        "images": len(dataset),
        "height": shape.height,
        "width": shape.width,
        "mode": MODES[shape.channels],
        "enlarged_by": shape.enlarged.factor,
        "splits": {name: int((dataset.membership == number).sum()) for number, name in enumerate(SPLITS)},
        "colours": _count_colours(dataset),
        "colours_at_most": _MOST_COLOURS,
        "colours_of_an_image": _colours_of_one(sample),
        "commonest_colours": {
            colour.tobytes().hex(): round(float(count / counts.sum()), 4)
            for colour, count in zip(commonest, counts[order], strict=True)
        },
        "attributes": [_attribute(dataset, column) for column in range(len(dataset.schema.attributes))],
        "groups": {group.name: list(group.members) for group in dataset.schema.groups},
        "decided_by_attributes": decided_by_attributes(dataset),
        "findings": [
            {
                "kind": each.kind,
                "severity": KINDS[each.kind].severity,
                **dict(zip(("title", "advice"), KINDS[each.kind].says(each.count), strict=True)),
                "count": each.count,
                "names": each.names,
            }
            for each in collection.findings
        ],
    }
    if shape.channels == 4:
        found["transparent"] = round(float((sample[:, 3] == 0).mean()), 4)
        found["half_transparent"] = round(float(((sample[:, 3] > 0) & (sample[:, 3] < 255)).mean()), 4)
    return found


def decided_by_attributes(dataset: Dataset) -> float | None:
    """How much of a pixel the attributes decide: the share of its variance that a linear map from them explains in
    images that it was not fitted to. Near 1 for sprites that are laid over each other in one place; near 0 where the
    labels say little of where things are.

    Args:
        dataset: With attributes.

    Returns:
        0 to 1; None where there are no attributes, or too few images.
    """
    there = shown(dataset.schema, dataset.attributes)
    if not there.shape[1] or len(dataset) < 40:
        return None
    chosen = np.linspace(0, len(dataset) - 1, min(len(dataset), _SAMPLE)).astype(int)
    features = np.concatenate([there[chosen], np.ones((len(chosen), 1))], axis=1).astype(np.float64)
    pixels = dataset.images[chosen].reshape(len(chosen), -1).astype(np.float64)
    fitted = np.arange(len(chosen)) % 5 != 0
    one, two = features[fitted], features[~fitted]
    weights = np.linalg.solve(
        one.T @ one + _RIDGE * np.eye(one.shape[1]), one.T @ (pixels[fitted] - pixels.mean(axis=0))
    )
    rest = pixels[~fitted] - pixels.mean(axis=0)
    left, all_ = ((rest - two @ weights) ** 2).sum(), (rest**2).sum()
    return round(float(np.clip(1 - left / all_, 0, 1)), 4) if all_ > 0 else None


def _count_colours(dataset: Dataset) -> int | None:
    """Of all images together; None where they are more than `_MOST_COLOURS`."""
    if dataset.channels == 1:
        return len(np.unique(dataset.images))
    palette = palette_of(dataset.images, most=_MOST_COLOURS)
    return None if palette is None else len(palette.colours)


def _colours_of_one(images: NDArray[np.uint8]) -> int | None:
    if not len(images):
        return None
    return int(np.median([len(np.unique(numbers)) for numbers in as_numbers(images)]))


def _attribute(dataset: Dataset, column: int) -> dict[str, Any]:
    attribute, codes = dataset.schema.attributes[column], dataset.attributes[:, column]
    row: dict[str, Any] = {
        "name": attribute.name,
        "kind": attribute.kind,
        "unknown": int((codes == UNKNOWN).sum()),
    }
    counts = np.bincount(codes[codes >= 0], minlength=len(attribute.values))
    if attribute.kind == "flag":
        row["count"] = int(counts[1])
    else:
        row["counts"] = dict(zip(attribute.options, counts.tolist(), strict=True))
    return row


def page(collection: Collection, found: Mapping[str, Any]) -> str:
    """What a collection is, as an HTML page of one file, with the pictures behind each finding.

    Args:
        collection: Of a folder.
        found: What `facts` gave, its texts made plain.

    Returns:
        HTML; nothing in it is fetched or run.
    """
    from jinja2 import Environment, select_autoescape

    template = resources.files("noisette.data.collections").joinpath("inspection.html.j2").read_text(encoding="utf-8")
    environment = Environment(autoescape=select_autoescape(default=True, default_for_string=True))
    places = {plain(name): place for place, name in enumerate(collection.names)}
    pictures = {
        each["kind"]: [
            (name, _inline(collection.dataset, places[image]))
            for name in each["names"][: 8 * _MOST_PICTURES]
            if (image := _image_of(name, places)) is not None
        ][:_MOST_PICTURES]
        for each in found["findings"]
    }
    count = min(len(collection.dataset), 100)
    whole = (
        _as_png(sheet(collection.dataset.images[:count], columns=10, scale=_scale(collection.dataset))) if count else ""
    )
    return environment.from_string(template).render(found=found, pictures=pictures, sheet=whole)


def _image_of(name: str, places: Mapping[str, int]) -> str | None:
    """The image that a finding names: its name is followed by a detail in brackets, where there is one."""
    return next((each for each in (name, name.rpartition(" (")[0]) if each in places), None)


def _scale(dataset: Dataset) -> int:
    return max(1, 64 // dataset.size[1])


def _inline(dataset: Dataset, place: int) -> str:
    return _as_png(sheet(dataset.images[place : place + 1], scale=_scale(dataset)))


def _as_png(picture: Any) -> str:
    content = io.BytesIO()
    picture.save(content, "PNG")
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()
