"""A recipe put together: the network, the noise levels and the pixel space that belong to each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from noisette.attributes.schema import UNKNOWN, AttributeSchema
from noisette.config.recipe import Recipe
from noisette.config.sections import ReportUNetConfig, SimpleUNetConfig
from noisette.data.palette import MOST_COLOURS, Palette
from noisette.data.pixels import OnPalette, PixelSpace, pixel_space
from noisette.diffusion.denoiser import ConditionalDenoiser, Denoiser, clipped, remembered
from noisette.diffusion.guidance import classifier_free, emphasising, excluding, guided, within
from noisette.diffusion.noise import ImageNoise, between
from noisette.diffusion.objectives import Classification, Objective, Regression
from noisette.diffusion.samplers import OnStep, ignore
from noisette.diffusion.schedules import MAX_RESIDUAL_SIGNAL, Level, Schedule, ScheduleError, make_schedule
from noisette.errors import RequestError
from noisette.inference.engine import Engine, in_onnxruntime, in_pytorch
from noisette.networks.conditioning import HUNDREDTHS
from noisette.networks.report_unet import ReportUNet
from noisette.networks.simple_unet import SimpleUNet
from noisette.networks.unet import UNet
from noisette.sampling.settings import Guidance, Sampling, Variation, levels_of, sampler_of

BATCH = 16
"""Images are evaluated so many at a time. Where an engine computes otherwise for another number, the last ones get
company that is thrown away: an image must not depend on those beside it.
"""


@dataclass(frozen=True)
class Model:
    """What a recipe diffuses and how. Weights are not here: `network()` makes fresh ones."""

    recipe: Recipe
    schema: AttributeSchema
    schedule: Schedule
    space: PixelSpace
    side: int

    @property
    def objective(self) -> Objective:
        """What the network answers.

        Raises RequestError where it should name colours, and the data have none or too many.
        """
        settings = self.recipe.diffusion
        if settings.target != "palette":
            return Regression(settings.target, settings.weighting, settings.min_snr_gamma)
        if not isinstance(self.space, OnPalette):
            raise RequestError(
                f"diffusion.target: palette needs the colours of the data, at most {MOST_COLOURS:,}, and there are"
                " none: they are more, or palette.json is missing"
            )
        return Classification(self.space.colours)

    @property
    def colours_learned(self) -> str:
        """Fingerprint of the palette whose colours the network names; empty if it names none."""
        return self.space.fingerprint if isinstance(self.space, OnPalette) else ""

    @property
    def warning(self) -> str | None:
        """What a person should know before training, or None."""
        left = self.schedule.residual_signal
        if left <= MAX_RESIDUAL_SIGNAL:
            return None
        return (
            f"the schedule leaves {left**0.5:.2f} of the image at its last level, but sampling starts from pure noise: "
            "expect washed-out or tinted pictures (schedule = linear-scaled mends it)"
        )

    @property
    def scaled(self) -> bool:
        """Whether the network is a student that is shown the scale of guidance beside each request."""
        return self.recipe.distillation is not None and self.recipe.distillation.scaled

    @property
    def columns(self) -> int:
        """Of what the network is shown of a request; 0 where nothing can be asked."""
        return len(self.schema.attributes) + self.scaled if self.recipe.conditional else 0

    def evaluations(self, sampling: Sampling) -> int:
        """Of the network, for an image; a guided pair counts twice."""
        guidance = replace(sampling.guidance, scale=1.0) if self.scaled else sampling.guidance
        return sampling.evaluations * (1 if guidance.plain else 2)

    def network(self) -> nn.Module:
        """A network with first weights from torch's global random state."""
        settings = self.recipe.network
        valued, units = (self.schema.valued, self.schema.units) if settings.condition else ((), ())
        null = self.recipe.condition.null
        if isinstance(settings, SimpleUNetConfig):
            return SimpleUNet(self.space.channels, valued=valued, units=units, null=null, scaled=self.scaled)
        if isinstance(settings, ReportUNetConfig):
            return ReportUNet(self.space.channels, valued=valued, units=units, null=null, scaled=self.scaled)
        objective = self.objective
        outputs = len(objective.colours) if isinstance(objective, Classification) else self.space.channels
        return UNet(
            self.space.channels,
            self.side,
            outputs=outputs,
            valued=valued,
            units=units,
            null=null,
            scaled=self.scaled,
            **settings.model_dump(exclude={"kind"}),
        )

    def engine(self, network: nn.Module, weights: str) -> Engine:
        """What evaluates a network of this model on the CPU: ONNX Runtime where it can, else PyTorch.

        weights: the SHA-256 of the file that they are from, which is what an exported network is found again by.
        """
        facts = {
            "weights": weights,
            "averaged": self.recipe.training.ema > 0,
            "network": self.recipe.network.model_dump(),
            "diffusion": self.recipe.diffusion.model_dump(),
            "condition": self.recipe.condition.null,
            "schema": self.schema.fingerprint,
            "palette": self.colours_learned,
        }
        shape = (self.space.channels, self.side, self.side)
        try:
            return in_onnxruntime(network, self.objective, shape, self.columns, facts)
        # an exporter has as many errors as there are operations; what it cannot have is drawn all the same, and `name`
        # tells
        except Exception:
            return in_pytorch(network, self.objective)

    def draw(
        self,
        engine: Engine,
        seeds: Sequence[int],
        sampling: Sampling,
        rows: NDArray[np.int16] | None = None,
        *,
        variation: Variation | None = None,
        device: torch.device | str = "cpu",
        on_step: OnStep = ignore,
    ) -> Tensor:
        """(len(seeds), C, H, W) uint8, one image for each seed, the same on any number of seeds.

        engine: of a network of this model, that is in evaluation mode. rows: (len(seeds), A), what each image is asked
        for; of a conditional model only, nothing unless given. variation: around another seed's image. Raises
        RequestError where the schedule has too few levels, or two that it should visit cannot be told apart.
        """
        try:
            levels = levels_of(sampling, self.schedule)
        except ScheduleError as error:
            raise RequestError(str(error)) from error
        shape = (self.space.channels, self.side, self.side)
        codes = (
            torch.full((len(seeds), len(self.schema.attributes)), UNKNOWN)
            if rows is None
            else torch.from_numpy(rows.astype(np.int64))
        )
        sampler, drawn = sampler_of(sampling, self.schedule), []
        for start in range(0, len(seeds), BATCH):
            batch = list(seeds[start : start + BATCH])
            company = 0 if engine.alone else BATCH - len(batch)
            asked = torch.cat([codes[start : start + BATCH], torch.full((company, codes.shape[1]), UNKNOWN)]).to(device)
            nothing = asked if rows is None else torch.full_like(asked, UNKNOWN)
            denoise = clipped(self.denoiser(engine.denoiser(), asked, nothing, sampling.guidance))
            noise = ImageNoise(batch + [0] * company)
            first = noise.draw(shape, device)
            if variation is not None:
                first = between(ImageNoise([variation.of] * len(first)).draw(shape, device), first, variation.strength)
            seen = _without(len(batch), on_step)
            with torch.inference_mode():
                x0 = sampler(denoise, first, levels, noise=noise, on_step=seen)
                drawn.append(self.space.decode(x0[: len(batch)]).cpu())
        return torch.cat(drawn)

    def denoiser(self, denoise: ConditionalDenoiser, asked: Tensor, nothing: Tensor, guidance: Guidance) -> Denoiser:
        """What a sampler sees.

        Under the requests `asked`, (B, A), guided away from `nothing`, which may be the same.
        """
        conditional = self.recipe.conditional
        if self.scaled:
            denoise, guidance = _told_the_scale(denoise, guidance.scale), replace(guidance, scale=1.0)

        def plain(xt: Tensor, level: Level) -> Tensor:
            return denoise(xt, level, asked if conditional else None)

        if guidance.plain or not conditional:
            return plain
        terms = classifier_free(asked, nothing, guidance.scale)
        for name, scale in guidance.weights.items():
            terms += emphasising(asked, self._forgetting(asked, name), scale - guidance.scale)
        for name, strength in guidance.excluded.items():
            terms += excluding(asked, self._with(asked, name), strength)
        return within(*guidance.interval, guided(denoise, terms, rescale=guidance.rescale), plain)

    def _forgetting(self, asked: Tensor, name: str) -> Tensor:
        """The requests without what they say of an attribute, or of a group."""
        members = next((group.members for group in self.schema.groups if group.name == name), (name,))
        forgotten = torch.tensor([attribute in members for attribute in self.schema.names])
        return asked.masked_fill(forgotten.to(asked.device), UNKNOWN)

    def _with(self, asked: Tensor, name: str) -> Tensor:
        """The requests, and a flag or an option (`Hat=Cap`) besides, in the place of the others of its group."""
        flag, _, option = name.partition("=")
        column = self.schema.names.index(flag)
        units = torch.tensor(self.schema.units)
        changed = asked.clone()
        changed[:, units == units[column]] = 0
        changed[:, column] = self.schema.attributes[column].options.index(option) if option else 1
        return changed


def batches(images: int) -> int:
    """In how many batches so many images are drawn."""
    return -(-images // BATCH)


def assemble(recipe: Recipe, schema: AttributeSchema | None = None, palette: Palette | None = None) -> Model:
    """The model that a recipe describes, for the attributes and colours of its data. Raises RequestError where its
    schedule cannot work.

    Without a schema it has noise levels and pixels, but a conditional network cannot be made; nor one that names
    colours without a palette.
    """
    diffusion = recipe.diffusion
    try:
        schedule = make_schedule(
            diffusion.schedule,
            None if diffusion.steps == "continuous" else diffusion.steps,
            beta_start=diffusion.beta_start,
            beta_end=diffusion.beta_end,
            allow_residual_signal=diffusion.allow_residual_signal,
        )
    except ScheduleError as error:
        raise RequestError(f"diffusion.schedule: {error}") from error
    dataset = recipe.dataset
    space = pixel_space(dataset.space, dataset.image_channels)
    if palette is not None and diffusion.target == "palette":
        space = OnPalette(space, palette)
    return Model(recipe, schema or AttributeSchema(), schedule, space, dataset.side)


def with_scale(codes: Tensor, scale: float) -> Tensor:
    """Requests, (B, A), as a student is shown them, (B, A + 1): with the scale of guidance at their end."""
    return torch.cat([codes, torch.full_like(codes[:, :1], round(HUNDREDTHS * scale))], dim=1)


def _told_the_scale(denoise: ConditionalDenoiser, scale: float) -> ConditionalDenoiser:
    shown = remembered(lambda codes: None if codes is None else with_scale(codes, scale))
    return lambda xt, level, codes: denoise(xt, level, shown(codes))


def _without(count: int, on_step: OnStep) -> OnStep:
    """`on_step` without the images that only keep company."""
    return lambda xt, x0, level: on_step(xt[:count], x0[:count], level)
