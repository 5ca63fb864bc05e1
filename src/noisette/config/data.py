"""The data that a recipe names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from noisette.attributes.parsing import values_behind
from noisette.attributes.statistics import shown, value_names
from noisette.config.recipe import Recipe
from noisette.data.dataset import SPLITS, Dataset
from noisette.data.opening import open_dataset
from noisette.data.palette import Palette, palette_of, with_originals
from noisette.data.telling import telling_order
from noisette.errors import RequestError
from noisette.progress import Progress


def open_data(recipe: Recipe, progress: Progress | None = None) -> Dataset:
    """Open the data set that a recipe names, with its groups, and without what it holds out.

    Args:
        recipe: Whose data are wanted.
        progress: Called with the bytes of a download that are there, and all of them.

    Raises:
        RequestError: The images contradict the groups of the recipe.
        NoisetteError: A download failed.
    """
    wanted = recipe.dataset
    dataset = open_dataset(wanted.name, background=wanted.background, progress=progress, **wanted.options.model_dump())
    if wanted.groups is not None:
        dataset = _regrouped(dataset, wanted.groups)
    return held_out(dataset, wanted.hold_out) if wanted.hold_out else dataset


def palette_learned(recipe: Recipe, dataset: Dataset, progress: Progress | None = None) -> Palette | None:
    """The colours of the train split; where it was put on a background what they were before; and of a masked model
    in which order its pixels are drawn.

    Args:
        recipe: Whose data they are.
        dataset: As `open_data` opens it.
        progress: As of `open_data`.

    Returns:
        The palette; None of images with too many colours.
    """
    places = dataset.places("train")
    palette = palette_of(dataset.images, places)
    if palette is None:
        return None
    if recipe.diffusion.schedule == "masked":
        palette = replace(palette, order=telling_order(palette.places(dataset.images[places])))
    if recipe.dataset.background is None:
        return palette
    section = recipe.dataset.model_copy(update={"background": None})
    before = open_data(recipe.model_copy(update={"dataset": section}), progress)
    return with_originals(palette, dataset.images, before.images, places)


def _regrouped(dataset: Dataset, groups: Mapping[str, Sequence[str]]) -> Dataset:
    schema = dataset.schema.with_groups(groups)
    for group in schema.groups:
        columns = [schema.names.index(member) for member in group.members]
        several = np.flatnonzero((dataset.attributes[:, columns] == 1).sum(axis=1) > 1)
        if len(several):
            present = [
                name
                for name, value in schema.decode(dataset.attributes[several[0]]).items()
                if name in group.members and value is True
            ]
            raise RequestError(
                f"dataset.groups: image {several[0]} has both {present[0]} and {present[1]}, so {group.name} cannot be"
                " a group"
            )
    return replace(dataset, schema=schema)


def held_out(dataset: Dataset, pairs: Sequence[Sequence[str]]) -> Dataset:
    """A data set without the images that `shows_held_out`.

    Args:
        dataset: The whole.
        pairs: Names of two flags or options each.

    Raises:
        RequestError: A name stands for nothing.
    """
    return dataset.take(np.flatnonzero(~shows_held_out(dataset, pairs)))


def shows_held_out(dataset: Dataset, pairs: Sequence[Sequence[str]]) -> NDArray[np.bool_]:
    """Which images of the train split show both of a pair of flags or options.

    Args:
        dataset: N images.
        pairs: Names of two flags or options each.

    Returns:
        (N,).

    Raises:
        RequestError: A name stands for nothing.
    """
    there = shown(dataset.schema, dataset.attributes)
    order = value_names(dataset.schema)
    shows = np.zeros(len(dataset), dtype=np.bool_)
    for pair in pairs:
        first, second = (order.index(value) for value in values_behind(pair, dataset.schema))
        shows |= there[:, first] & there[:, second] & (dataset.membership == SPLITS.index("train"))
    return shows
