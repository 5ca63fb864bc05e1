"""The grid of samples after an epoch: the same seeds and requests each time, so that grids show what was learned."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from noisette.attributes.parsing import describe, parse_request
from noisette.attributes.statistics import count
from noisette.config.sampling import SamplingSettings
from noisette.data.dataset import Dataset
from noisette.diffusion.samplers import OnStep
from noisette.files.images import good_scale, labelled_sheet, save_png, sheet
from noisette.inference.generator import Images, in_memory, planner_in_memory
from noisette.model import Model
from noisette.networks.base import Network

_MOST_COLUMNS = 12  # of a grid that has one for each request


def grid_requests(model: Model, dataset: Dataset) -> tuple[NDArray[np.int16], list[str]]:
    """The attributes of the images of each grid: the recipe's requests in turn, or those of the validation split.

    Args:
        model: Of the recipe.
        dataset: All of it.

    Returns:
        The codes, (count, A), and how each row reads.

    Raises:
        RequestError: A request of the recipe cannot be.
    """
    settings = model.recipe.samples
    train = dataset.attributes[dataset.places("train")]
    if settings.requests:
        statistics = count(dataset.schema, train)
        requests = [parse_request(text, dataset.schema, statistics, allow_unseen=True) for text in settings.requests]
        in_turn = [requests[number % len(requests)] for number in range(settings.count)]
        return np.stack([each.codes for each in in_turn]), [
            describe(each.attributes, dataset.schema) for each in in_turn
        ]
    codes = dataset.attributes[dataset.places("validation")]
    codes = (codes if len(codes) else train)[np.arange(settings.count) % max(1, len(codes) or len(train))]
    return codes, [describe(dataset.schema.decode(row), dataset.schema) for row in codes]


class Grid:
    """What a training draws after each epoch."""

    def __init__(self, model: Model, dataset: Dataset, device: torch.device) -> None:
        """Plan the images: what cannot be drawn is told before the training begins.

        Nothing is imputed: a grid shows the network's answer to the requests as they are.

        Args:
            model: Of the recipe, which says how many images, their requests and the sampling settings.
            dataset: All of it; without requests in the recipe, the grid has those of its validation split.
            device: The network's.

        Raises:
            RequestError: A request or a setting of the recipe cannot be.
        """
        self._model, self._device = model, device
        codes, self._texts = grid_requests(model, dataset) if model.recipe.conditional else (None, [])
        self._plan = planner_in_memory(model, name="the recipe").plan(
            codes, seeds=range(model.recipe.samples.count), settings=SamplingSettings.of(impute=False)
        )

    def draw(self, network: Network, on_step: OnStep | None = None) -> Images:
        """Draw the images with a network of the model, whose mode stays what it is.

        Args:
            network: Of the model.
            on_step: Called at each step of the sampler, for each batch; what it raises ends the drawing.

        Returns:
            (count, C, H, W) uint8.
        """
        training = network.training
        generator = in_memory(self._model, network.eval(), device=self._device)
        try:
            return generator.draw(self._plan, on_step=on_step)
        finally:
            network.train(training)

    def save(self, images: Images, path: Path, *, step: int, epoch: int) -> NDArray[np.uint8]:
        """Lay the images out and write the PNG, with what they were drawn from inside.

        Args:
            images: (count, C, H, W), from `draw`.
            path: Of the file.
            step: Steps taken so far.
            epoch: The epoch that ended.

        Returns:
            The picture, (H, W, C).
        """
        requests = len(self._model.recipe.samples.requests)
        one_each = 1 < requests <= _MOST_COLUMNS  # the same request in a column
        columns = requests if one_each else math.ceil(math.sqrt(len(images)))
        scale = good_scale(self._model.size[1], columns)
        picture = (
            labelled_sheet(images, self._texts, columns=columns, scale=scale)
            if self._texts
            else sheet(images, scale=scale)
        )
        facts = {"step": step, "epoch": epoch, "seeds": list(self._plan.seeds), "requests": self._texts}
        facts["sampling"] = self._plan.sampling.model_dump(mode="json")
        save_png(path, picture, facts)
        return np.atleast_3d(np.asarray(picture))
