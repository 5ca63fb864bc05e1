"""Attributes that an image has and its pixels do not show, such as an earring under long hair.

An image cannot be blamed for what it could not show, nor a classifier for not seeing it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from noisette.attributes.schema import AttributeSchema
from noisette.attributes.statistics import shown
from noisette.data.dataset import Dataset
from noisette.evaluation.attribute_accuracy import value_labels

_FEWEST = 5
"""Images that a pair of values needs to be told."""


@dataclass(frozen=True)
class Pair:
    """A value beside another.

    Attributes:
        value: Label of the value that is not seen.
        beside: Label of the other value.
        share: Of the images that have both, the share in which the first is not seen, 0 to 1.
        images: How many images have both.
    """

    value: str
    beside: str
    share: float
    images: int


def occluded(dataset: Dataset) -> NDArray[np.bool_]:
    """Find the flags that an image has and does not show, from the images alone.

    Where a flag paints is learnt from twins: images that differ in it alone. A flag is occluded in an image if another
    image without it has the same pixels in all those places, the same choices, and the same of all other flags that
    paint there. Where images of the same attributes differ, nothing is known to be occluded: their pixels have other
    reasons too.

    Args:
        dataset: N images with A attributes; all splits, for each image may be the twin of another.

    Returns:
        (N, A) whether an attribute is occluded; always False of choices.
    """
    schema, table = dataset.schema, np.ascontiguousarray(dataset.attributes)
    found = np.zeros(table.shape, dtype=np.bool_)
    if not attributes_determine_images(dataset):
        return found
    places = {row.tobytes(): place for place, row in enumerate(table)}
    painted = {
        column: _painted(dataset, column, places)
        for column, attribute in enumerate(schema.attributes)
        if attribute.kind == "flag"
    }
    choices = [column for column, attribute in enumerate(schema.attributes) if attribute.kind != "flag"]
    for column, where in painted.items():
        if not where.any():
            continue
        others = [other for other, there in painted.items() if other != column and (there & where).any()]
        values, pixels = (
            np.ascontiguousarray(table[:, [*choices, *others]]),
            np.ascontiguousarray(dataset.images[:, :, where]),
        )
        keys = [values[place].tobytes() + pixels[place].tobytes() for place in range(len(table))]
        without = {keys[place] for place in np.flatnonzero(table[:, column] == 0)}
        for place in np.flatnonzero(table[:, column] == 1):
            found[place, column] = keys[place] in without
    return found


def attributes_determine_images(dataset: Dataset) -> bool:
    """Tell whether a request has one right answer.

    Args:
        dataset: Images with attributes.

    Returns:
        Whether images with equal attributes are equal.
    """
    answers: dict[bytes, bytes] = {}
    rows = np.ascontiguousarray(dataset.attributes)
    return all(
        answers.setdefault(row.tobytes(), image.tobytes()) == image.tobytes()
        for row, image in zip(rows, dataset.images, strict=True)
    )


def occluded_beside(dataset: Dataset, mask: NDArray[np.bool_]) -> list[Pair]:
    """Find what occludes what.

    Args:
        dataset: N images with A attributes.
        mask: (N, A) of `occluded`.

    Returns:
        The flags that are occluded in at least half of the images that have them beside another value.
    """
    return _pairs(dataset.attributes, np.where(mask, dataset.attributes, np.int16(-1)), dataset.schema)


def missed_beside(table: NDArray[np.int16], seen: NDArray[np.int16], schema: AttributeSchema) -> list[Pair]:
    """Find what a classifier overlooks beside what.

    Args:
        table: (N, A) codes that images have; UNKNOWN ones do not count.
        seen: (N, A) codes that the classifier reads.
        schema: What the codes mean.

    Returns:
        The values that are not seen in at least half of the images that have them beside another value.
    """
    return _pairs(table, np.where((table >= 0) & (table != seen), table, np.int16(-1)), schema)


def _pairs(table: NDArray[np.int16], of: NDArray[np.int16], schema: AttributeSchema) -> list[Pair]:
    """Values that at least half of the rows of `table` that have them, beside another, have in `of` too.

    The pairs of a value come together, the most frequent first.
    """
    there, those, labels = (
        shown(schema, table).astype(np.float64),
        shown(schema, of).astype(np.float64),
        value_labels(schema),
    )
    images, counted = there.T @ there, (there * those).T @ there
    chosen = zip(*np.nonzero((images >= _FEWEST) & (counted >= images / 2)), strict=True)
    pairs = [
        Pair(
            labels[value], labels[other], float(counted[value, other] / images[value, other]), int(images[value, other])
        )
        for value, other in chosen
        if value != other
    ]
    return sorted(pairs, key=lambda pair: (pair.value, -pair.share, -pair.images, pair.beside))


def _painted(dataset: Dataset, column: int, places: Mapping[bytes, int]) -> NDArray[np.bool_]:
    """(H, W): where an image that has the flag differs from its twin without it, in any pair of twins."""
    where = np.zeros(dataset.size, dtype=np.bool_)
    for place in np.flatnonzero(dataset.attributes[:, column] == 1):
        row = dataset.attributes[place].copy()
        row[column] = 0
        if (other := places.get(row.tobytes())) is not None:
            where |= (dataset.images[place] != dataset.images[other]).any(axis=0)
    return where
