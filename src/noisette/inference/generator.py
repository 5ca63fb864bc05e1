"""A trained model that answers requests."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from noisette.attributes.imputation import Completion
from noisette.attributes.parsing import Condition, places, understand
from noisette.attributes.schema import UNKNOWN, AttributeSchema, Value
from noisette.attributes.statistics import Statistics
from noisette.data.palette import MOST_COLOURS, Palette
from noisette.data.pixels import OnPalette
from noisette.diffusion.samplers import OnStep, ignore
from noisette.errors import RequestError
from noisette.inference.engine import Engine
from noisette.model import Model, batches
from noisette.sampling.presets import Qualities
from noisette.sampling.resolve import Choices, variation_around, whole_seeds
from noisette.sampling.settings import Sampling, Variation

Preview = Callable[[NDArray[np.uint8], NDArray[np.uint8], int], None]
"""Called at each step of each batch with xt and x0_hat as bytes, (B, C, H, W) each, and the number of the step, from 1.
"""

OnProgress = Callable[[int, int], None]
"""Called after each step with the steps taken, over all batches, and the steps there are."""


Asked = str | Mapping[str, Any]
"""A request such as "Male, Big Shades, no Earring", or {"type": "Female", "Earring": False}."""


@dataclass(frozen=True, repr=False)
class Generator:
    """A loaded run or shipped model: its averaged weights, ready to draw.

    name: the folder of the run, or the name of the model. palette: the colours of its data, where they are few. step:
    of the training. weights: the SHA-256 of their file, which says exactly what drew an image. qualities: settings that
    were found to be enough.
    """

    name: str
    model: Model
    network: nn.Module
    statistics: Statistics
    palette: Palette | None
    step: int
    weights: str
    notes: tuple[str, ...] = ()
    qualities: Qualities | None = None

    def __repr__(self) -> str:
        return (
            f"Generator({self.name!r}, step {self.step:,}, {self.model.side}x{self.model.side}, weights"
            f" {self.weights[:12]})"
        )

    @property
    def schema(self) -> AttributeSchema:
        """What can be asked for; nothing of a run that was trained without attributes."""
        return self.model.schema if self.model.recipe.conditional else AttributeSchema()

    @cached_property
    def choices(self) -> Choices:
        """What can be set of a drawing."""
        return Choices(self.name, self.model.recipe, self.model.schedule.steps, self.schema, self.qualities)

    def understand(
        self, request: Asked, *, only: bool = False, allow_unseen: bool = False, complete: bool = False
    ) -> Condition:
        """What a request means to this model; see `noisette.attributes.parsing.understand`.

        complete: whether what it leaves open will be filled in.
        """
        if not self.model.recipe.conditional:
            asked = ", ".join(map(str, request)) if isinstance(request, Mapping) else str(request)
            raise RequestError(
                f"{self.name} was trained without attributes, so it cannot be asked for {asked or 'any'}"
            )
        condition = understand(request, self.schema, self.statistics, only=only, allow_unseen=allow_unseen)
        if (
            self.model.recipe.condition.drop_each == 0
            and UNKNOWN in condition.row
            and condition.values
            and not complete
        ):
            note = (
                f"{self.name} was only trained on whole requests (condition.drop_each = 0): what is not mentioned may"
                " come out as absent, unless it is filled in (--complete)"
            )
            condition = replace(condition, notes=(*condition.notes, note))
        return condition

    def random_request(self, seed: int, *, without: Collection[str] = ()) -> dict[str, Value]:
        """A plausible request, all attributes known, drawn from the statistics of the data.

        seed: 0 or more. without: flags or options it has not.
        """
        if not isinstance(seed, int | np.integer) or seed < 0:
            raise RequestError(f"a seed must be a whole number, 0 or more, not {seed!r}")
        if not self.model.recipe.conditional:
            raise RequestError(f"{self.name} was trained without attributes, so no request can be drawn")
        return self._completion.random_request(int(seed), without=places(without, self.schema))

    @cached_property
    def engine(self) -> Engine:
        """See `Model.engine`."""
        return self.model.engine(self.network, self.weights)

    @cached_property
    def _completion(self) -> Completion:
        return Completion(self.schema, self.statistics)

    def generate(
        self,
        request: Asked | Sequence[Asked] | None = None,
        *,
        seeds: Sequence[int],
        only: bool = False,
        allow_unseen: bool = False,
        sampler: str | None = None,
        steps: int | None = None,
        eta: float | None = None,
        guidance: float | None = None,
        interval: tuple[float, float] | None = None,
        rescale: float | None = None,
        weights: Mapping[str, float] | None = None,
        excluded: Mapping[str, float] | None = None,
        complete: bool | None = None,
        spacing: str | None = None,
        churn: float | None = None,
        quality: str | None = None,
        variation: tuple[int, float] | None = None,
        palette: bool = False,
        preview: Preview | None = None,
        progress: OnProgress | None = None,
    ) -> NDArray[np.uint8]:
        """Draw one image for each seed: (len(seeds), C, H, W) uint8.

        An image depends on its own seed and request alone, not on those beside it.

        request: for all images, or one for each; what it does not mention is open. only: but flags it does not mention
        are absent. allow_unseen: ask for what the data never show together. seeds: 0 or more, below 2**63. sampler,
        steps, spacing, eta, churn, guidance (a scale, 1 is plain; another costs two evaluations a step, in one batch,
        but of a student), interval, rescale: as in the run's recipe unless given, or as the table of `quality` ("fast",
        "balanced" or "best") says. weights: attributes with another scale than the rest. excluded: flags or options to
        keep away from, and how strongly where they are left open (0.3 is a start). complete: what a request leaves open
        is first drawn from what the data have together, by the seed of the image, or else is left to the network; as in
        the recipe. variation: a seed, and how far from its image, 0 to 1, the images go, each towards its own seed's.
        palette: each pixel goes to the nearest colour of the data. preview, progress: see each step, before that.

        Raises RequestError for settings that cannot be, and for requests that this model cannot understand.
        """
        chosen = self.choices.sampling(
            sampler,
            steps,
            eta,
            guidance=guidance,
            interval=interval,
            rescale=rescale,
            weights=weights,
            excluded=excluded,
            complete=complete,
            spacing=spacing,
            churn=churn,
            quality=quality,
        )
        rows = None
        if request is not None:
            seeds = whole_seeds(seeds)
            alone = isinstance(request, str | Mapping) or not isinstance(request, Sequence)
            requests: list[Any] = [request] if alone else list(request)
            asked = [
                self.understand(each, only=only, allow_unseen=allow_unseen, complete=chosen.complete)
                for each in requests
            ]
            for each in asked:
                self.choices.check_guidance(chosen.guidance, each.values, alone=alone)
            if not alone and len(asked) != len(seeds):
                raise RequestError(
                    f"there are {len(asked)} requests for {len(seeds)} seeds; give one for each, or one for all"
                )
            rows = np.stack([each.row for each in (asked * len(seeds) if alone else asked)])
        else:
            if only:
                raise RequestError("only goes with a request: but for what it mentions, nothing is worn")
            self.choices.check_guidance(chosen.guidance, {})
        return self.draw(
            rows,
            seeds,
            chosen,
            variation=variation_around(variation),
            palette=palette,
            preview=preview,
            progress=progress,
        )

    def draw(
        self,
        rows: NDArray[np.int16] | None,
        seeds: Sequence[int],
        sampling: Sampling,
        *,
        variation: Variation | None = None,
        palette: bool = False,
        preview: Preview | None = None,
        progress: OnProgress | None = None,
    ) -> NDArray[np.uint8]:
        """The same from rows of an attribute table, (len(seeds), A); None asks for nothing at all.

        What they leave open is `completed` first.
        """
        seeds = whole_seeds(seeds)
        rows = self.completed(rows, seeds, sampling, variation=variation)
        if (
            sampling.complete
        ):  # without what is excluded: to push away from it besides would leave its ghost on the background
            sampling = replace(sampling, guidance=replace(sampling.guidance, excluded={}))
        if rows is None and self.model.recipe.conditional and self.model.recipe.condition.drop_all == 0:
            raise RequestError(
                f"{self.name} never learned to draw without a request (condition.drop_all = 0); ask for something"
            )
        if palette and self.palette is None:
            raise RequestError(
                f"{self.name} knows no palette: its data are grey, or have more than {MOST_COLOURS:,} colours; leave"
                " the palette out"
            )
        watched = self._watched(preview, progress, sampling.steps, len(seeds))
        images = self.model.draw(self.engine, seeds, sampling, rows, variation=variation, on_step=watched).numpy()
        return self.palette.snap(images) if palette and self.palette else images

    def completed(
        self,
        rows: NDArray[np.int16] | None,
        seeds: Sequence[int],
        sampling: Sampling,
        *,
        variation: Variation | None = None,
    ) -> NDArray[np.int16] | None:
        """What is drawn for these rows, (len(seeds), A): where the sampling says so, with nothing left open.

        What is filled in is each image's by its seed; of a variation in part as the image has it that it is around.
        """
        if not sampling.complete:
            return rows
        if rows is None:
            rows = np.full((len(seeds), len(self.schema.attributes)), UNKNOWN, dtype=np.int16)
        without = places(sampling.guidance.excluded, self.schema)

        def fill(row: NDArray[np.int16], seed: int) -> NDArray[np.int16]:
            return self._completion.fill(row, np.random.default_rng([seed, 0]), without=without)

        def kept(row: NDArray[np.int16], seed: int, around: Variation) -> NDArray[np.int16]:
            return self._completion.keep(
                row, fill(row, around.of), 1 - around.strength, np.random.default_rng([seed, 1])
            )

        if variation is not None:
            rows = np.stack([kept(row, seed, variation) for row, seed in zip(rows, seeds, strict=True)])
        return np.stack([fill(row, seed) for row, seed in zip(rows, seeds, strict=True)])

    def _watched(self, preview: Preview | None, progress: OnProgress | None, steps: int, images: int) -> OnStep:
        if preview is None and progress is None:
            return ignore
        space, taken = self.model.space, 0
        noisy = space.off_palette if isinstance(space, OnPalette) else space.decode

        def on_step(xt: torch.Tensor, x0: torch.Tensor, level: object) -> None:
            nonlocal taken
            if preview is not None:
                preview(noisy(xt).cpu().numpy(), space.decode(x0).cpu().numpy(), taken % steps + 1)
            taken += 1
            if progress is not None:
                progress(taken, steps * batches(images))

        return on_step
