"""Who draws the image of whole attributes right to the pixel, so that others can be held against it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from noisette.config.recipe import Recipe
from noisette.data.dataset import Dataset
from noisette.data.opening import pixel_renderer
from noisette.errors import RequestError
from noisette.evaluation.occlusion import attributes_determine_images
from noisette.evaluation.validity import Render
from noisette.inference.generator import Generator
from noisette.inference.loading import load, planner_of, with_network
from noisette.store.shipped import Shipped, home, shipped_names

EXACT = "the source of the data"


@dataclass(frozen=True)
class Renderer:
    """What draws whole attributes.

    Attributes:
        name: The run or shipped model that draws; `EXACT` where the data are drawn by rule.
        digest: Of what decides its pixels.
        draw: Draws (N, A) codes, without UNKNOWN, as (N, C, H, W) bytes, of the shape of the training images.
    """

    name: str
    digest: str
    draw: Render = field(repr=False)


def find_renderer(train: Dataset, recipe: Recipe, named: str | Path | None = None) -> Renderer | None:
    """Find what draws such images from their attributes.

    Args:
        train: The images that were trained on, whose attributes decide the image.
        recipe: That of the training: a model that ships for the same data will do.
        named: A run or shipped model that is taken instead.

    Returns:
        What was named; else the source of the data where it draws by rule; else a model that ships; None where there is
        none of them.

    Raises:
        RequestError: What was named is no model of such images.
    """
    if named is not None:
        return _of_model(load(named), train)
    if (exact := pixel_renderer(train)) is not None:
        return Renderer(EXACT, "rule", exact)
    if not attributes_determine_images(train):
        return None
    for name in shipped_names():
        bundle = Shipped(home() / name)  # and no run folder that is called so
        if bundle.recipe.conditional and _data_of(bundle.recipe) == _data_of(recipe):
            weights = bundle.weights()
            return _of_model(with_network(planner_of(bundle, weights), weights), train)
    return None


def _data_of(recipe: Recipe) -> dict[str, object]:
    """What says which images a recipe trains on, but for those that it holds out."""
    return recipe.dataset.model_dump(exclude={"hold_out"})


def _of_model(generator: Generator, train: Dataset) -> Renderer:
    model = generator.model
    if not model.recipe.conditional or model.schema.attributes != train.schema.attributes:
        raise RequestError(
            f"{generator.name} takes no requests for the attributes of {train.name}; name a model that does with"
            " --renderer"
        )
    if model.shape != train.images.shape[1:]:
        wide = "x".join(map(str, reversed(model.shape[1:])))
        raise RequestError(
            f"{generator.name} draws images of {wide} pixels and {model.shape[0]} channels, and those of {train.name}"
            " are others; name another model with --renderer"
        )

    def draw(codes: NDArray[np.int16]) -> NDArray[np.uint8]:
        plan = generator.plan(codes, seeds=range(len(codes)), allow_unseen=True)
        return model.as_learned(generator.draw(plan))

    return Renderer(generator.name, generator.weights[:16], draw)
