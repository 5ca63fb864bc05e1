"""The data that a recipe names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from noisette.attributes.parsing import places
from noisette.attributes.statistics import shown, value_names
from noisette.config.recipe import Recipe
from noisette.data.dataset import SPLITS, Dataset
from noisette.data.opening import open_dataset
from noisette.errors import RequestError
from noisette.progress import Progress


def open_data(recipe: Recipe, progress: Progress | None = None) -> Dataset:
    """The data set that a recipe names, with its groups. Raises RequestError if images contradict them."""
    wanted = recipe.dataset
    dataset = open_dataset(
        wanted.name,
        size=wanted.size,
        background=wanted.background,
        count=wanted.count,
        seed=wanted.seed,
        progress=progress,
    )
    if wanted.groups is not None:
        dataset = _regrouped(dataset, wanted.groups)
    return held_out(dataset, wanted.hold_out) if wanted.hold_out else dataset


def _regrouped(dataset: Dataset, groups: Mapping[str, Sequence[str]]) -> Dataset:
    schema = dataset.schema.with_groups(groups)
    for group in schema.groups:
        columns = [schema.names.index(member) for member in group.members]
        several = np.flatnonzero((dataset.attributes[:, columns] == 1).sum(axis=1) > 1)
        if len(several):
            worn = [
                name
                for name, value in schema.decode(dataset.attributes[several[0]]).items()
                if name in group.members and value is True
            ]
            raise RequestError(
                f"dataset.groups: image {several[0]} has both {worn[0]} and {worn[1]}, so {group.name} cannot be a"
                " group"
            )
    return replace(dataset, schema=schema)


def held_out(dataset: Dataset, pairs: Sequence[Sequence[str]]) -> Dataset:
    """The data set without the images of its train split that show both of a pair of flags or options."""
    return dataset.take(np.flatnonzero(~shows_held_out(dataset, pairs)))


def shows_held_out(dataset: Dataset, pairs: Sequence[Sequence[str]]) -> NDArray[np.bool_]:
    """(N,): the images of the train split that show both of a pair of flags or options."""
    there = shown(dataset.schema, dataset.attributes)
    order = value_names(dataset.schema)
    shows = np.zeros(len(dataset), dtype=np.bool_)
    for pair in pairs:
        first, second = (order.index(place) for place in places(pair, dataset.schema))
        shows |= there[:, first] & there[:, second] & (dataset.membership == SPLITS.index("train"))
    return shows
