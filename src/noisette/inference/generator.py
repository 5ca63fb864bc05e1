"""A trained model that draws: `plan` understands a request, `draw` computes it.

Everybody who draws calls exactly these.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from noisette._version import __version__
from noisette.attributes.parsing import ParsedRequest
from noisette.attributes.schema import UNKNOWN, AttributeSchema, Value
from noisette.attributes.statistics import Statistics
from noisette.caller import leaves_torch_alone
from noisette.config.sampling import SamplingSettings
from noisette.data.palette import Palette
from noisette.data.pixels import OnPalette, opaque
from noisette.diffusion.condition import Condition
from noisette.diffusion.denoiser import Denoiser
from noisette.diffusion.noise import ImageNoise, VariedNoise
from noisette.diffusion.samplers import OnStep
from noisette.diffusion.schedules import Level, ScheduleError
from noisette.errors import NoisetteError, RequestError
from noisette.inference.engine import Engine, engine_of, in_pytorch
from noisette.inference.plan import DrawnBy, Plan, Start
from noisette.inference.planner import Codes, Planner, Request
from noisette.model import Model
from noisette.networks.base import Network
from noisette.progress import Progress, silent
from noisette.sampling.functions import levels_of, sampler_of
from noisette.sampling.presets import Presets
from noisette.threads import steady

BATCH = 16
"""Images are evaluated so many at a time. Where an engine computes otherwise for another number, the last ones get
padding that is thrown away: an image must not depend on those beside it."""

Images = NDArray[np.uint8]
"""(N, C, H, W)."""

Preview = Callable[[Images, Images, int], None]
"""Called at each step of each batch with xt and x0_hat as bytes, (B, C, H, W) each, and the number of the step, from 1.
"""


@dataclass(frozen=True, repr=False)
class Generator:
    """A loaded model, ready to draw.

    Attributes:
        planner: What is known of the model without the network.
        model: What is diffused and how.
        network: The network with its averaged weights, in evaluation mode.
        given_engine: What evaluates the network; ONNX Runtime where it can unless given.
        device: Where its network lies.
    """

    planner: Planner
    model: Model
    network: Network
    given_engine: Engine | None = None
    device: torch.device | str = "cpu"

    def __repr__(self) -> str:
        height, width = self.model.size
        return f"Generator({self.name!r}, step {self.step:,}, {width}x{height}, weights {self.weights[:12]})"

    @property
    def name(self) -> str:
        """As `noisette.load` takes it."""
        return self.planner.name

    @property
    def schema(self) -> AttributeSchema:
        """What can be asked for; nothing of a model that was trained without attributes."""
        return self.planner.schema

    @property
    def statistics(self) -> Statistics:
        """How common each value is, and which are seen together."""
        return self.planner.statistics

    @property
    def palette(self) -> Palette | None:
        """The colours of its data, where they are few."""
        return self.planner.palette

    @property
    def presets(self) -> Presets | None:
        """Settings that were found to be enough."""
        return self.planner.presets

    @property
    def step(self) -> int:
        """Of the training."""
        return self.planner.step

    @property
    def weights(self) -> str:
        """The SHA-256 of their file, which says exactly what drew an image."""
        return self.planner.weights

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of it."""
        return self.planner.notes

    @cached_property
    def engine(self) -> Engine:
        """What evaluates the network."""
        return self.given_engine or engine_of(self.model, self.network, self.weights)

    def recorded(self, plan: Plan) -> Plan:
        """A plan as its picture records it.

        Args:
            plan: That this generator draws.

        Returns:
            The plan with what draws it: the versions of noisette and of the engine, and the machine.
        """
        drawn_by = DrawnBy(
            noisette=__version__,
            engine=self.engine.label,
            pytorch=torch.__version__,
            machine=f"{platform.system()} {platform.machine()}",
        )
        return plan.model_copy(update={"drawn_by": drawn_by})

    def with_engine(self, label: str) -> Generator:
        """The same model with the engine that a picture names, where it can be had.

        Args:
            label: As `DrawnBy.engine` has it; any version of that engine will do, and "" is whatever there is.

        Returns:
            A generator; its `engine` says which it really is.
        """
        if not label.startswith("pytorch") or self.given_engine is not None:
            return self
        return replace(self, given_engine=in_pytorch(self.network, self.model.objective))

    def parse(
        self, request: Request, *, only: bool = False, allow_unseen: bool = False, impute: bool = False
    ) -> ParsedRequest:
        """What a request means to this model; see `Planner.parse`.

        Args:
            request: Text such as "Male, no Earring", or a mapping such as {"Earring": False}.
            only: Whether flags that it does not mention are absent.
            allow_unseen: Whether to ask even for what the data never show together.
            impute: Whether what it leaves unspecified will be imputed.

        Returns:
            Its attributes, their codes, and notes for a person.

        Raises:
            RequestError: It cannot be understood, or contradicts itself or the data.
        """
        return self.planner.parse(request, only=only, allow_unseen=allow_unseen, impute=impute)

    def random_request(self, seed: int, *, without: Collection[str] = ()) -> dict[str, Value]:
        """A plausible request, all attributes known, drawn from the statistics of the data.

        Args:
            seed: 0 or more.
            without: Flags or options that it has not.

        Returns:
            Values by name.

        Raises:
            RequestError: The model was trained without attributes, or the seed is none.
        """
        return self.planner.random_request(seed, without=without)

    def random_requests(
        self, seeds: Sequence[int], *, without: Collection[str] = (), unique: bool = False
    ) -> list[dict[str, Value]]:
        """A plausible request for each seed; see `Planner.random_requests`.

        Args:
            seeds: 0 or more, each.
            without: Flags or options that none of them has.
            unique: Whether a request that is there already is drawn anew.

        Returns:
            Values by name, of each.

        Raises:
            RequestError: The model was trained without attributes, a seed is none, or there are not so many different
                requests.

        Examples:
            >>> generator = noisette.load("punks")
            >>> requests = generator.random_requests(range(100), unique=True)
            >>> images = generator.generate(requests, seeds=range(100), steps=1)
        """
        return self.planner.random_requests(seeds, without=without, unique=unique)

    def plan(
        self,
        request: Request | Sequence[Request] | Codes | None = None,
        *,
        seeds: Sequence[int],
        settings: SamplingSettings | None = None,
        preset: str | None = None,
        only: bool = False,
        allow_unseen: bool = False,
        start: Start | None = None,
    ) -> Plan:
        """Understand, check, resolve and impute, once. `draw` then only computes.

        Args:
            request: For all images, or one for each; what it does not mention is unspecified. Or (N, A) codes of a
                table.
            seeds: One for each image, 0 or more, below 2**63.
            settings: Of the drawing; what is left out is as the preset or the recipe says.
            preset: fast, balanced or best.
            only: Whether flags that a request does not mention are absent.
            allow_unseen: Whether to ask even for what the data never show together.
            start: Where the drawing starts; at each image's own noise unless given.

        Returns:
            A plan, with notes for a person.

        Raises:
            RequestError: Settings cannot be, or the model cannot understand a request.

        Examples:
            >>> generator = noisette.load("punks")
            >>> plan = generator.plan("Zombie, Knitted Cap", seeds=[0, 1], preset="fast")
            >>> generator.draw(plan).shape
            (2, 4, 24, 24)
        """
        return self.planner.plan(
            request,
            seeds=seeds,
            settings=settings,
            preset=preset,
            only=only,
            allow_unseen=allow_unseen,
            start=start,
        )

    def replan(self, plan: Plan) -> Plan:
        """Check a plan that comes from elsewhere, such as a picture, as any other; it keeps what was imputed.

        Args:
            plan: From `Plan.from_metadata`, which says nothing of whether this model can draw it.

        Returns:
            A plan of this model.

        Raises:
            RequestError: This model cannot draw it, or it was changed.
        """
        return self.planner.replan(plan)

    def generate(
        self,
        request: Request | Sequence[Request] | None = None,
        *,
        seeds: Sequence[int],
        only: bool = False,
        allow_unseen: bool = False,
        preset: str | None = None,
        variation: tuple[int, float] | None = None,
        preview: Preview | None = None,
        progress: Progress = silent,
        **settings: Any,
    ) -> Images:
        """Draw one image for each seed. An image depends on its own seed and request alone, not on those beside it.

        Args:
            request: For all images, or one for each; what it does not mention is unspecified.
            seeds: 0 or more, below 2**63.
            only: Flags that a request does not mention are absent.
            allow_unseen: Ask even for what the data never show together.
            preset: Settings that were found to be enough: "fast", "balanced" or "best".
            variation: A seed, and how far from its image, 0 to 1, the images go, each towards its own seed's.
            preview: Sees the images at each step.
            progress: Called with the steps taken, over all batches, and the steps there are.
            **settings: Of the drawing, by their names in `noisette.config.sampling.SETTINGS`: sampler, steps, spacing,
                eta, churn, guidance, interval, rescale, weights, negative, impute, palette. What is left out is as the
                preset or the model's recipe says.

        Returns:
            (len(seeds), C, H, W) uint8.

        Raises:
            RequestError: For settings that cannot be, and requests that this model cannot understand.

        Examples:
            >>> generator = noisette.load("punks")
            >>> images = generator.generate("Female, 3D Glasses, no Earring", seeds=range(16), steps=4)
        """
        plan = self.plan(
            request,
            seeds=seeds,
            settings=SamplingSettings.of(**settings),
            preset=preset,
            only=only,
            allow_unseen=allow_unseen,
            start=None if variation is None else Start.of(variation),
        )
        return self.draw(plan, preview=preview, progress=progress)

    @steady()
    @leaves_torch_alone
    def draw(
        self,
        plan: Plan,
        *,
        preview: Preview | None = None,
        progress: Progress = silent,
        on_step: OnStep | None = None,
    ) -> Images:
        """Compute the images of a plan.

        Args:
            plan: A plan of this model.
            preview: Sees the images at each step, as bytes.
            progress: Called with the steps taken, over all batches, and the steps there are.
            on_step: Sees xt, x0_hat, (B, C, H, W) each, and the level, as they are computed.

        Returns:
            (len(plan.seeds), C, H, W) uint8.

        Raises:
            RequestError: The plan is of other weights, or the schedule has too few levels, or two that cannot be told
                apart.
            NoisetteError: The network gives numbers that are not finite.
        """
        settings, seeds = plan.sampling, plan.seeds
        if plan.weights != self.weights:
            raise RequestError(
                f"the plan is of the weights {plan.weights[:12]}, and these are {self.weights[:12]}; see `replan`"
            )
        try:
            levels = levels_of(settings, self.model.schedule)
        except ScheduleError as error:
            raise RequestError(str(error)) from error
        codes = self.planner.codes(plan)
        guidance = settings.guidance
        if settings.impute:  # what is excluded was not imputed: to be led away from it besides would leave its ghost
            guidance = guidance.model_copy(update={"negative": {}})
        sampler = sampler_of(settings, self.model.schedule, self.model.colours, self.model.order)
        steps = settings.steps * batches(len(seeds))
        watch = self._watched(preview, progress, on_step, steps)
        drawn = []
        for number, first in enumerate(range(0, len(seeds), BATCH)):
            batch = list(seeds[first : first + BATCH])
            padding = 0 if self.engine.batch_invariant else BATCH - len(batch)
            condition, unconditional = self._conditions(codes, slice(first, first + BATCH), len(batch), padding)
            estimate = self.model.denoiser(self.engine.denoiser(), condition, unconditional, guidance)
            if self.weights:  # of a file: a network that is still being trained draws what it can
                estimate = _finite(estimate)
            denoise = self.model.bounded(estimate)
            noise = _noise(batch + [0] * padding, plan.start)
            with torch.inference_mode():
                xt = noise.draw(self.model.shape, self.device)
                before = settings.steps * number
                x0 = sampler(denoise, xt, levels, noise=noise, on_step=_without_padding(len(batch), watch(before)))
                drawn.append(self.model.space.decode(x0[: len(batch)]).cpu())
        if self.model.masked:  # whose batches may need fewer steps than they may take
            progress(steps, steps)
        images: Images = torch.cat(drawn).numpy()
        if settings.palette and self.palette is not None:
            images = self.palette.snap(images)
        return self.model.finished(images) if settings.palette or self.model.colours_learned else images

    def _conditions(self, codes: Codes | None, part: slice, count: int, padding: int) -> tuple[Condition, Condition]:
        """What a batch is asked for, and the same without it; one object where nothing is asked."""
        width = len(self.model.schema.attributes)
        whole = torch.full((count + padding, width), UNKNOWN)
        if codes is not None:
            whole[:count] = torch.from_numpy(codes[part].astype(np.int64))
        condition = Condition(whole.to(self.device))
        if codes is None:
            return condition, condition
        return condition, Condition(torch.full_like(condition.codes, UNKNOWN))

    def _watched(
        self, preview: Preview | None, progress: Progress, on_step: OnStep | None, steps: int
    ) -> Callable[[int], OnStep]:
        """What sees the steps of a batch, from how many were before it: a batch may need fewer than it is allowed."""
        space, channels = self.model.space, self.model.shape[0]
        noisy = space.off_palette if isinstance(space, OnPalette) else space.decode

        def shown(pixels: torch.Tensor, *, clean: bool = False) -> Images:
            """What is seen of either, in the channels of what is drawn."""
            images: Images = pixels.cpu().numpy()
            if not self.model.colours_learned or self.palette is None or self.palette.originals is None:
                return images
            return self.model.finished(images) if clean else opaque(images)

        def of_batch(before: int) -> OnStep:
            step = count(1)

            def watch(xt: torch.Tensor, x0: torch.Tensor, level: Level) -> None:
                taken = next(step)
                if on_step is not None:
                    on_step(xt, x0, level)
                if preview is not None:
                    preview(shown(noisy(xt[:, :channels])), shown(space.decode(x0), clean=True), taken)
                progress(before + taken, steps)

            return watch

        return of_batch


def in_memory(
    model: Model,
    network: Network,
    *,
    name: str = "",
    statistics: Statistics | None = None,
    device: torch.device | str = "cpu",
) -> Generator:
    """A generator of a network that is not a file, such as one that is being trained; in PyTorch, where it lies.

    Args:
        model: The model that the network is of.
        network: In evaluation mode.
        name: Of the run.
        statistics: Those of its data, for requests; unknown unless given.
        device: Where it lies.
    """
    planner = planner_in_memory(model, name=name, statistics=statistics)
    return Generator(planner, model, network, in_pytorch(network, model.objective), device)


def planner_in_memory(model: Model, *, name: str = "", statistics: Statistics | None = None) -> Planner:
    """A planner for the networks of a model that are no files; see `in_memory`."""
    return Planner(
        name=name,
        recipe=model.recipe,
        trained_schema=model.schema,
        statistics=statistics or Statistics(images=0, together=()),
        palette=model.palette,
        presets=None,
        weights="",
        step=0,
    )


def batches(images: int) -> int:
    """In how many batches so many images are drawn."""
    return -(-images // BATCH)


def _noise(seeds: Sequence[int], start: Start) -> ImageNoise:
    """All noise of a batch: where its images start, and what a sampler adds."""
    return ImageNoise(seeds) if start.around is None else VariedNoise(seeds, start.around, start.strength)


def _finite(denoise: Denoiser) -> Denoiser:
    """The denoiser, which raises NoisetteError where clipping would make a blank image of what is no number."""

    def checked(xt: torch.Tensor, level: Level) -> torch.Tensor:
        x0 = denoise(xt, level)
        if not bool(torch.isfinite(x0).all()):
            raise NoisetteError(
                "the network gives numbers that are not finite; its weights are damaged, or the training failed"
            )
        return x0

    return checked


def _without_padding(count: int, on_step: OnStep) -> OnStep:
    return lambda xt, x0, level: on_step(xt[:count], x0[:count], level)
