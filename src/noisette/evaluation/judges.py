"""Where judges are kept: those that ship with the package, and those that were trained on this machine."""

from __future__ import annotations

import shlex
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from noisette.attributes.schema import AttributeSchema
from noisette.config.data import open_data
from noisette.config.recipe import Recipe, load_recipe, recipe_names
from noisette.data.dataset import Dataset
from noisette.data.sources import SOURCES
from noisette.errors import NoisetteError, RequestError, nearest
from noisette.evaluation.judge import FEATURES, Judge, Progress, fit_judge, load_judge, trained_on
from noisette.files.atomic import write_atomically
from noisette.files.cache import cache_folder
from noisette.store.run import open_run
from noisette.store.shipped import means_shipped, open_shipped, shipped_names

EPOCHS = 24
"""Passes over the train split."""


def data_of(name: str) -> Dataset:
    """What a judge is trained on: the data of a run, a shipped model or a recipe, or a data set as the recipes have it.

    Raises RequestError if there is none of that name.
    """
    if means_shipped(name):
        return open_whole(open_shipped(name).recipe)
    if (Path(name) / "recipe.toml").is_file():
        return open_whole(open_run(Path(name)).recipe)
    recipes = {each: load_recipe(each) for each in recipe_names()}
    if Path(name).suffix == ".toml":
        recipes[name] = load_recipe(name)
    for each, recipe in recipes.items():
        if name in (each, recipe.dataset.name):
            return open_whole(recipe)
    known = dict.fromkeys((*SOURCES, *recipes, *shipped_names()))
    raise RequestError(
        f'no data set, run or recipe "{name}"{nearest(name, known)}; there are {", ".join(SOURCES)} and what'
        " `noisette recipes` lists"
    )


def open_whole(recipe: Recipe) -> Dataset:
    """The data of a recipe with what it holds out: a judge learns from all there is."""
    return open_data(recipe.model_copy(update={"dataset": recipe.dataset.model_copy(update={"hold_out": []})}))


def find_judge(train: Dataset, wanted_by: str) -> Judge:
    """The judge for a train split: trained here, or else shipped.

    Raises RequestError, saying how to train one, if there is none.
    """
    if _kept(train).is_file() and trained_on(_kept(train)) is None:
        raise NoisetteError(
            f"the judge {_kept(train)} is damaged; remove it, or train it again: noisette evaluate --fit-judge"
            f" {shlex.quote(wanted_by)}"
        )
    for path in (_kept(train), *sorted(_shipped().glob("*.safetensors"))):
        if path.is_file() and trained_on(path) == train.fingerprint:
            return load_judge(path)
    raise RequestError(
        f"there is no judge for the data of {wanted_by} yet; train one, in a few minutes: noisette evaluate --fit-judge"
        f" {shlex.quote(wanted_by)}"
    )


def find_reader(schema: AttributeSchema, shape: tuple[int, int, int]) -> Judge | None:
    """A judge that reads such attributes in images of such a shape, (C, H, W), to tell what a picture shows; None if
    there is none.

    To measure, take `find_judge`, which also knows what it learned from.
    """
    kept = (cache_folder() / "judges").glob("*.safetensors")
    for path in (*sorted(kept), *sorted(_shipped().glob("*.safetensors"))):
        try:
            judge = load_judge(path)
        except NoisetteError:
            continue
        if judge.schema.attributes == schema.attributes and judge.shape == shape:
            return judge
    return None


def fit_and_keep(train: Dataset, *, epochs: int = EPOCHS, progress: Progress | None = None) -> tuple[Judge, Path]:
    """Train a judge on a train split and keep it in the cache folder, in the place of one that is there."""
    judge, path = fit_judge(train, epochs=epochs, progress=progress), _kept(train)
    path.parent.mkdir(parents=True, exist_ok=True)
    judge.save(path)
    return judge, path


def features_of(judge: Judge, dataset: Dataset) -> NDArray[np.float32]:
    """What the judge makes of all images of a data set, (N, D); kept in the cache folder, for they are asked for again
    and again.
    """
    path = cache_folder() / "features" / f"{dataset.name}-{dataset.fingerprint[:16]}-{judge.digest}-{FEATURES}.npy"
    try:
        kept: NDArray[np.float32] = np.load(path, allow_pickle=False)
        if kept.ndim == 2 and len(kept) == len(dataset):
            return kept
    except (OSError, ValueError, EOFError):
        pass  # never kept, or cut short
    features = judge.features(dataset.images)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda temporary: _save(temporary, features))
    return features


def _save(path: Path, features: NDArray[np.float32]) -> None:
    with path.open("wb") as file:  # np.save would add a suffix to a name
        np.save(file, features)


def _kept(train: Dataset) -> Path:
    return cache_folder() / "judges" / f"{train.name}-{train.fingerprint[:16]}.safetensors"


def _shipped() -> Path:
    return Path(str(resources.files("noisette"))) / "judges"
