"""A recipe put together: the network, the noise levels and the pixel space that belong to each other."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from noisette.attributes.parsing import attribute_behind, values_behind
from noisette.attributes.schema import UNKNOWN, AttributeSchema
from noisette.config.recipe import Recipe
from noisette.config.sampling import GuidanceSettings
from noisette.data.palette import MOST_COLOURS, Palette
from noisette.data.pixels import OnPalette, PixelSpace, on_background, pixel_space
from noisette.diffusion.condition import Condition
from noisette.diffusion.denoiser import ConditionalDenoiser, Denoiser, clipped
from noisette.diffusion.guidance import classifier_free, emphasising, excluding, guided, within
from noisette.diffusion.masking import hide
from noisette.diffusion.noise import add_noise
from noisette.diffusion.objectives import Classification, Objective, Regression, Unmasking
from noisette.diffusion.schedules import MAX_RESIDUAL_SIGNAL, Level, Schedule, ScheduleError, make_schedule
from noisette.errors import RequestError
from noisette.networks.base import Network, build
from noisette.networks.conditioning import ConditionSpec


@dataclass(frozen=True)
class Model:
    """What a recipe diffuses and how. Weights are not here: `network()` makes fresh ones.

    Attributes:
        recipe: The recipe that it is of.
        schema: The attributes of its data.
        schedule: Its noise levels.
        space: From bytes to what is diffused, and back.
        size: (height, width) of an image in pixels.
        palette: The colours of its data, where they are few.
    """

    recipe: Recipe
    schema: AttributeSchema
    schedule: Schedule
    space: PixelSpace
    size: tuple[int, int]
    palette: Palette | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of a diffused image."""
        return (self.space.channels, *self.size)

    @property
    def masked(self) -> bool:
        """Whether pixels are hidden instead of noised."""
        return self.recipe.diffusion.schedule == "masked"

    @property
    def noisy_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of what the network sees: of a masked image it also sees where it is shown."""
        return (self.space.channels + self.masked, *self.size)

    def noised(self, x0: Tensor, eps: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """The forward process of its schedule.

        Args:
            x0: (B, C, H, W), the clean images.
            eps: (B, C, H, W), unit normal.
            alpha: (B,), 0 to 1.
            sigma: (B,), 0 to 1.

        Returns:
            xt, (B, *noisy_shape).

        Raises:
            RequestError: Pixels of a palette are to be hidden, and the data have none.
        """
        if not self.masked:
            return add_noise(x0, eps, alpha, sigma)
        return hide(x0, alpha, self.order.to(x0.device), self._named.to(x0.device))

    @property
    def objective(self) -> Objective:
        """What the network answers.

        Raises:
            RequestError: It should name colours, and the data have none or too many.
        """
        settings = self.recipe.diffusion
        if settings.target != "palette":
            return Regression(settings.target, settings.weighting, settings.min_snr_gamma)
        return Unmasking(self._named, self.order) if self.masked else Classification(self._named)

    @property
    def _named(self) -> Tensor:
        """(K, C), the colours that the network has to name. Raises RequestError where there are none."""
        if not isinstance(self.space, OnPalette):
            raise RequestError(
                f"diffusion.target: palette needs the colours of the data, at most {MOST_COLOURS:,}, and there are"
                " none: they are more, or palette.json is missing"
            )
        return self.space.colours

    @property
    def colours(self) -> Tensor | None:
        """(K, C), the colours that the network names, as diffused; None where it names none."""
        return self.space.colours if isinstance(self.space, OnPalette) else None

    @property
    def order(self) -> Tensor:
        """(H W,), the pixels in the order in which a masked model draws them; row by row where none was counted."""
        pixels = self.size[0] * self.size[1]
        counted = self.palette.order if self.palette is not None else ()
        return torch.tensor(counted or range(pixels))

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
    def condition_spec(self) -> ConditionSpec:
        """What the network is conditioned on."""
        distilled = self.recipe.distillation
        embed = distilled is not None and distilled.guidance_embed
        if not self.recipe.conditional:
            return ConditionSpec(guidance_embed=embed)
        return ConditionSpec(self.schema.valued, self.schema.units, self.recipe.condition.null, embed)

    @property
    def guidance_embed(self) -> bool:
        """Whether the guidance scale is an input of the network."""
        return self.condition_spec.guidance_embed

    def network(self) -> Network:
        """A network with first weights from torch's global random state."""
        settings = self.recipe.network
        colours = None if isinstance(self.objective, Regression) else self.colours
        outputs = self.space.channels if colours is None else len(colours)
        return build(
            settings.kind, self.noisy_shape, outputs, self.condition_spec, settings.model_dump(exclude={"kind"})
        )

    @property
    def drawn_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of a finished image."""
        lifted = self.colours_learned and self.palette is not None and self.palette.originals is not None
        return (4 if lifted else self.recipe.dataset.image_channels, *self.size)

    def finished(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Drawn images without the background that the data were put on, where their colours tell what they were.

        Args:
            images: (N, C, H, W) uint8, with colours of the palette only, where there is one.

        Returns:
            (N, C or 4, H, W) uint8.
        """
        return images if self.palette is None else self.palette.without_background(images)

    def as_learned(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Finished images as the data are that were learned: on their background.

        Args:
            images: (N, C, H, W) uint8.

        Returns:
            (N, C, H, W) uint8, in the channels of the data.
        """
        background = self.recipe.dataset.background
        return on_background(images, background) if background is not None and images.shape[1] == 4 else images

    def outline(self) -> dict[str, Tensor]:
        """The names, shapes and types of all tensors of a network, without their content: it takes no memory, so that
        what is read can be held against it first.
        """
        with torch.device("meta"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of layers without numbers, where the attributes are not known yet
            return self.network().state_dict()

    @property
    def parameters(self) -> int:
        """How many numbers its network learns and keeps."""
        return sum(tensor.numel() for tensor in self.outline().values())

    def denoiser(
        self, denoise: ConditionalDenoiser, condition: Condition, unconditional: Condition, guidance: GuidanceSettings
    ) -> Denoiser:
        """What a sampler sees.

        Args:
            denoise: The network.
            condition: What each image is asked for.
            unconditional: What guidance leads away from; may be the same object, where nothing is asked.
            guidance: Resolved.

        Returns:
            A denoiser under the condition, guided.
        """
        conditional = self.recipe.conditional
        if self.guidance_embed:
            alone = unconditional is condition
            condition = condition.with_scale(guidance.scale)
            unconditional = condition if alone else unconditional.with_scale(guidance.scale)
            guidance = guidance.model_copy(update={"scale": 1.0})  # learned, so that nothing is left to be led by

        def plain(xt: Tensor, level: Level) -> Tensor:
            return denoise(xt, level, condition if conditional else None)

        if guidance.plain or not conditional:
            return plain
        terms = classifier_free(condition, unconditional, guidance.scale)
        for name, scale in guidance.weights.items():
            terms += emphasising(condition, self._forgetting(condition, name), scale - guidance.scale)
        for name, strength in guidance.negative.items():
            terms += excluding(condition, self._with(condition, name), strength)
        return within(*guidance.interval, guided(denoise, terms, rescale=guidance.rescale), plain)

    def bounded(self, denoise: Denoiser) -> Denoiser:
        """Keep estimates inside the range of the data, outside of any guidance; logits have none.

        Args:
            denoise: The denoiser, guided.

        Returns:
            The denoiser that a sampler is given.
        """
        return denoise if self.masked else clipped(denoise)

    def _forgetting(self, condition: Condition, name: str) -> Condition:
        """The requests without what they say of an attribute, or of a group."""
        its = attribute_behind(name, self.schema)
        members = next((group.members for group in self.schema.groups if its in group.members), (its,))
        forgotten = torch.tensor([attribute in members for attribute in self.schema.names])
        return condition._replace(codes=condition.codes.masked_fill(forgotten.to(condition.codes.device), UNKNOWN))

    def _with(self, condition: Condition, name: str) -> Condition:
        """The requests, and a flag or an option (`Hat=Cap`) besides, in the place of the others of its group."""
        [(attribute, value)] = values_behind([name], self.schema)
        column = self.schema.names.index(attribute)
        units = torch.tensor(self.schema.units)
        codes = condition.codes.clone()
        codes[:, units == units[column]] = 0
        codes[:, column] = self.schema.attributes[column].values.index(value)
        return condition._replace(codes=codes)


def assemble(recipe: Recipe, schema: AttributeSchema | None = None, palette: Palette | None = None) -> Model:
    """The model that a recipe describes.

    Args:
        recipe: The recipe whose network, schedule and pixels they are.
        schema: The attributes of its data; without them a conditional network cannot be made.
        palette: The colours of its data; without them neither can one that names colours.

    Raises:
        RequestError: Its schedule cannot work.
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
    model = Model(recipe, schema or AttributeSchema(), schedule, space, dataset.shape[1:], palette)
    if model.masked and len(model.order) != model.size[0] * model.size[1]:
        height, width = model.size
        raise RequestError(
            f"palette.json: its order is of {len(model.order)} pixels, and the images have {height * width}; restore it"
            " from a copy, or train anew"
        )
    return model
