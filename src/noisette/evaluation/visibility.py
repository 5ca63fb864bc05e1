"""Attributes that the pixels hide: an image cannot be asked for what it would not show, nor a judge blamed for not seeing it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from noisette.data.attributes import AttributeSchema
from noisette.data.dataset import Dataset
from noisette.data.statistics import shown
from noisette.evaluation.obedience import place_names

_FEWEST_TWINS = 3
_HIDDEN = 1 / 3
_FEWEST_IMAGES = 5


@dataclass(frozen=True)
class Covered:
    """A flag that shows in at most `pixels` pixels beside another value, where `usual` are its own; so in `twins` pairs of images."""

    flag: str
    beside: str
    pixels: int
    usual: float
    twins: int


@dataclass(frozen=True)
class Missed:
    """A value that a judge saw in only `recall` of the `images` that have it beside another."""

    value: str
    beside: str
    recall: float
    images: int


def covered(dataset: Dataset) -> list[Covered]:
    """Flags of which another value leaves at most a third to be seen, the most hidden first.

    Taken from twins: images that differ in the one flag alone, so that their pixels tell where it is. Empty where several images
    have the same attributes, for then pixels differ for other reasons too.
    """
    schema, table = dataset.schema, dataset.attributes
    places = {row.tobytes(): place for place, row in enumerate(np.ascontiguousarray(table))}
    if len(places) < len(table):
        return []
    names, there = place_names(schema), shown(schema, table)
    found = []
    for column, attribute in enumerate(schema.attributes):
        if attribute.kind != "flag":
            continue
        worn, differing = _twins(dataset, column, places)
        if len(worn) < _FEWEST_TWINS:
            continue
        usual = float(np.median(differing))
        for place, name in enumerate(names):
            beside = there[worn, place]
            most = int(differing[beside].max(initial=0))
            if name != attribute.name and beside.sum() >= _FEWEST_TWINS and most <= _HIDDEN * usual:
                found.append(Covered(attribute.name, name, most, usual, int(beside.sum())))
    return sorted(found, key=lambda each: (each.pixels, each.flag, each.beside))


def missed(table: NDArray[np.int16], seen: NDArray[np.int16], schema: AttributeSchema) -> list[Missed]:
    """Values that a judge sees in under half of the images, of five or more, that have them beside another; the worst first.

    table, seen: what images have and what the judge read, (N, A) each.
    """
    there, read, names = shown(schema, table).astype(np.float64), shown(schema, seen).astype(np.float64), place_names(schema)
    images, found = there.T @ there, (there * read).T @ there
    return sorted(
        (
            Missed(names[value], names[beside], float(found[value, beside] / images[value, beside]), int(images[value, beside]))
            for value, beside in zip(*np.nonzero((images >= _FEWEST_IMAGES) & (found < images / 2)), strict=True)
            if value != beside
        ),
        key=lambda each: (each.recall, -each.images, each.value, each.beside),
    )


def _twins(dataset: Dataset, column: int, places: dict[bytes, int]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Images that wear the flag and have a twin without it, and in how many pixels the two differ: (T,) each."""
    worn, without = [], []
    for place in np.flatnonzero(dataset.attributes[:, column] == 1):
        row = dataset.attributes[place].copy()
        row[column] = 0
        if (other := places.get(row.tobytes())) is not None:
            worn.append(place)
            without.append(other)
    images = dataset.images
    differing = (images[worn] != images[without]).any(axis=1).sum(axis=(1, 2)) if worn else np.zeros(0)
    return np.array(worn, dtype=np.intp), np.asarray(differing, dtype=np.intp)
