"""The one place where the dashboard builds a request, checks it and draws it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noisette.attributes.schema import Value
from noisette.dashboard.services.draw_queue import Report
from noisette.files.images import as_png, sheet
from noisette.inference import render
from noisette.inference.generator import Generator, OnProgress
from noisette.inference.request import Request
from noisette.model import BATCH, batches
from noisette.sampling.resolve import variation_around
from noisette.sampling.settings import CHURNED, Sampling

SAMPLERS_WITH_CHURN = tuple(CHURNED)


@dataclass(frozen=True)
class Picture:
    """The images of a request.

    Args:
        asked: What was asked for, as a person writes it.
        request: What was asked for.
        imputed: The request with the attributes that were imputed.
        images: (N, C, H, W)
        recognised: (N, A), the codes that the attribute classifier sees; None where there is no classifier.
        seconds: How long it took.
    """

    asked: str
    request: Request
    imputed: Request
    images: NDArray[np.uint8]
    recognised: NDArray[np.int16] | None
    seconds: float

    @property
    def png(self) -> bytes:
        """The file that `noisette generate` writes for the same request."""
        placed = self.imputed.placed(self.images.shape[2])
        return as_png(sheet(self.images, columns=placed.columns, scale=placed.scale or 1), placed.as_dict())

    def png_of(self, place: int, scale: int) -> bytes:
        """A file with one of its images, enlarged."""
        alone = self.imputed.alone(place).placed(self.images.shape[2], 1, scale)
        return as_png(sheet(self.images[place][None], scale=scale), alone.as_dict())

    def stem(self, seed: int | None = None) -> str:
        """What a file with the picture, or with the image of one seed, is called, but for its ending."""
        around = f"-near-{self.request.variation.of}" if self.request.variation else ""
        return f"{Path(self.request.run).name}{around}-seed-{self.request.seeds[0] if seed is None else seed}"


def understand(generator: Generator, asked: str) -> tuple[dict[str, Value] | None, tuple[str, ...]]:
    """What a request means to a model.

    Args:
        generator: Of the model.
        asked: As a person writes it; may be empty.

    Returns:
        Its attributes, None of an empty one, and what a person should know of them.

    Raises:
        RequestError: It contradicts itself, or the model does not know it.
    """
    if not asked:
        return None, ()
    condition = generator.understand(asked)
    return dict(condition.values), tuple(condition.notes)


def build(
    generator: Generator,
    run: str,
    asked: str,
    settings: Mapping[str, Any],
    *,
    palette: bool,
    around: tuple[int, float] | None,
) -> tuple[Request, tuple[str, ...]]:
    """A request for the image of seed 0.

    Args:
        generator: Of the model.
        run: What the request calls the model.
        asked: As a person writes it.
        settings: Keyword arguments of `Choices.sampling`; what the sampler does not take is left out.
        palette: Whether each pixel goes to the nearest colour of the data.
        around: The seed that the images vary, and how far from it, 0 to 1.

    Returns:
        The request, and what a person should know of it.

    Raises:
        RequestError: The model cannot draw it.
    """
    attributes, notes = understand(generator, asked)
    sampler = settings["sampler"]
    takes = {"eta": sampler == "ddim", "churn": sampler in SAMPLERS_WITH_CHURN}
    sampling = generator.choices.sampling(
        **{name: value if takes.get(name, True) else None for name, value in settings.items()}
    )
    generator.choices.check_guidance(sampling.guidance, attributes or {})
    request = Request(
        run=run,
        weights=generator.weights,
        step=generator.step,
        seeds=(0,),
        attributes=attributes,
        sampling=sampling,
        palette=generator.palette is not None and palette,
        variation=None if around is None else variation_around(around),
    )
    return request, notes


def check(generator: Generator, request: Request) -> Sampling:
    """Whether a model can draw a request, from wherever it comes.

    Returns:
        The sampling settings as they will be used.

    Raises:
        RequestError: It cannot.
    """
    _, sampling, _ = render.check(generator, request)
    return sampling


def check_cell(generator: Generator, request: Request) -> Request:
    """A request for one of several images that are drawn in one go, checked.

    Raises:
        RequestError: The model cannot draw it.
    """
    sampling = check(generator, request)
    values = request.attributes if isinstance(request.attributes, Mapping) else {}
    generator.choices.check_guidance(sampling.guidance, values, alone=False)
    return request.model_copy(update={"sampling": sampling})


def impute(generator: Generator, request: Request) -> Request:
    """The request with its unspecified attributes imputed, where its settings say so."""
    return render.filled(generator, request)


def draw(generator: Generator, request: Request, progress: OnProgress | None = None) -> NDArray[np.uint8]:
    """The images of a request, (N, C, H, W).

    Raises:
        RequestError: The model cannot draw it.
    """
    return render.draw(generator, request, progress=progress)


def draw_watched(generator: Generator, request: Request, report: Report) -> NDArray[np.uint8]:
    """The images of a request, (N, C, H, W), with previews of them while they become clear.

    Args:
        generator: Of the model.
        request: What is drawn.
        report: Called after each step of each batch.

    Raises:
        RequestError: The model cannot draw it.
        Cancelled: By `report`.
    """
    side, channels = generator.model.side, generator.model.recipe.dataset.image_channels
    so_far = np.zeros((len(request.seeds), channels, side, side), np.uint8)
    steps, taken = request.sampling.steps, 0
    total = steps * batches(len(request.seeds))

    def preview(xt: NDArray[np.uint8], x0: NDArray[np.uint8], number: int) -> None:
        nonlocal taken
        start = taken // steps * BATCH
        so_far[start : start + len(x0)] = x0
        taken += 1
        report(so_far.copy(), taken / total)

    report(None, 0.0)
    return render.draw(generator, request, preview=preview)
