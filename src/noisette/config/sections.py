"""The sections of a recipe, each typed and checked by itself."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import Field, SerializeAsAny, ValidatorFunctionWrapHandler, WrapValidator, create_model, model_validator

from noisette.config.names import MOST_NFE, STRONGEST
from noisette.config.sampling import Section
from noisette.data.description import Description
from noisette.data.sources import SOURCES, find_source, no_source
from noisette.data.sources.base import Options
from noisette.diffusion.registry import ScheduleName, Target, Weighting
from noisette.networks.registry import ConditioningName, Null
from noisette.seeds import END
from noisette.text import brief

FEWEST_IMAGES = 20
"""Of a data set that is trained on: with fewer, a split may have none."""

MOST_OF_ALL = 10**12
"""Steps, epochs, images in a batch: past any use, and what takes them counts in 64 bits."""

_MOST_LEVELS = 100_000
"""Of a discrete schedule; it is a table, and past some thousands nothing differs from a continuous one."""


_WIDEST = 4096
"""Channels of a layer."""
_MOST_RESOLUTIONS = 8
"""Levels of a network, each half as large as the one before."""


class DatasetConfig(Section):
    """What is learned from; always the train split.

    These are the settings that every source has. `dataset_section` adds those of one, as fields beside them.
    """

    name: str = Field(description=" or ".join(SOURCES))
    background: str | None = Field(
        None, description="#rrggbb to put RGBA images on while learning; left out, alpha is learned"
    )
    pixels: Literal["auto", "colours", "premultiplied"] = Field(
        "auto", description="pixel space; auto is premultiplied for RGBA, else colours"
    )
    groups: dict[str, Annotated[list[str], Field(min_length=2)]] | None = Field(
        None, description="flags that exclude each other, by the name of the group; left out, those found in the data"
    )
    hold_out: list[Annotated[list[str], Field(min_length=2, max_length=2)]] = Field(
        [], description="pairs of flags or options that training never shows together, to see how such requests fare"
    )

    @model_validator(mode="after")
    def _can_be_had(self) -> DatasetConfig:
        if self.name not in SOURCES:
            raise ValueError(f"name: {no_source(self.name, folders=False)}")
        known = self.description
        if known.images is not None and known.images < FEWEST_IMAGES:
            raise ValueError(f"name: {self.name} has {known.images} images; training needs at least {FEWEST_IMAGES}")
        if self.background is not None and not re.fullmatch(r"#[0-9a-fA-F]{6}", self.background):
            raise ValueError(f'background: "{brief(self.background)}" is not a colour; write it as #rrggbb')
        if self.background is not None and known.channels != 4:
            raise ValueError(f"background: {self.name} has no alpha to put on one; leave it out")
        has_alpha = known.channels == 4 and self.background is None
        if self.pixels == "premultiplied" and not has_alpha:
            raise ValueError("pixels: premultiplied needs alpha; leave the background out, or use colours")
        if self.pixels == "colours" and has_alpha:
            raise ValueError(
                "pixels: colours would learn colours that nobody sees under alpha 0; use premultiplied, or choose a"
                " background"
            )
        return self

    @property
    def options(self) -> Options:
        """The options that are the source's own."""
        own: type[Options] = find_source(self.name).options
        return own(**self.model_dump(include=set(own.model_fields)))

    @property
    def description(self) -> Description:
        """What the source says of the data, before a background."""
        return find_source(self.name).describe(self.options)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the images as they are trained on."""
        known = self.description
        return 3 if self.background is not None else known.channels, known.height, known.width

    @property
    def image_channels(self) -> int:
        """1 grey, 3 RGB, 4 RGBA, of the images as they are trained on."""
        return self.shape[0]

    @property
    def space(self) -> Literal["colours", "premultiplied"]:
        """The pixel space."""
        if self.pixels != "auto":
            return self.pixels
        return "premultiplied" if self.image_channels == 4 else "colours"


@cache
def dataset_section(name: str) -> type[DatasetConfig]:
    """The section of a recipe for the data of one source, with the options of that source.

    Args:
        name: Of the source.

    Returns:
        A class that has them as fields, or `DatasetConfig` itself if there is no such source.
    """
    if name not in SOURCES:
        return DatasetConfig
    own: dict[str, Any] = {
        option: (field.annotation, field) for option, field in find_source(name).options.model_fields.items()
    }
    return create_model("DatasetConfig", __base__=DatasetConfig, __doc__=DatasetConfig.__doc__, **own)


def _by_source(value: Any, validate: ValidatorFunctionWrapHandler) -> DatasetConfig:
    """The source checks what is its own, and brings it into the form in which it is kept; the section all the rest."""
    if not isinstance(value, Mapping):
        return validate(value)  # type: ignore[no-any-return]
    name = value.get("name")
    if isinstance(name, str) and name in SOURCES:
        source = find_source(name).options
        own = source.model_validate({key: each for key, each in value.items() if key in source.model_fields})
        return dataset_section(name).model_validate({**value, **own.model_dump()})
    # Without a source it is the name that is wrong, and not what some source would take.
    some = {option for each in SOURCES for option in find_source(each).options.model_fields}
    return validate({key: each for key, each in value.items() if key not in some})  # type: ignore[no-any-return]


DatasetSection = Annotated[SerializeAsAny[DatasetConfig], WrapValidator(_by_source)]
"""A `DatasetConfig` with the options of the source that it names."""


class SimpleUNetConfig(Section):
    """The report's network for digits.

    Attributes:
        kind: Its name, simple_unet.
    """

    kind: Literal["simple_unet"] = "simple_unet"
    condition: list[Literal["concat"]] = Field(
        [], description="conditioning mechanisms; this network has one", max_length=1
    )


class ReportUNetConfig(Section):
    """The report's network for punks.

    Attributes:
        kind: Its name, report_unet.
    """

    kind: Literal["report_unet"] = "report_unet"
    condition: list[Literal["add"]] = Field(
        [], description="conditioning mechanisms; this network has one", max_length=1
    )


class UNetConfig(Section):
    """A U-Net for 8 to 64 pixels.

    Attributes:
        kind: Its name, unet.
    """

    kind: Literal["unet"] = "unet"
    patch: int = Field(1, ge=1, le=8, description="pixels along the side of the square seen as one position")
    widths: list[Annotated[int, Field(ge=4, le=_WIDEST)]] = Field(
        [64, 128], description="channels of each level, finest first", max_length=_MOST_RESOLUTIONS
    )
    blocks: int = Field(
        2, ge=1, le=32, description="residual blocks of each level on the way down; one more on the way up"
    )
    attention: list[bool] = Field(
        [False, True], description="whether each level attends over its positions", max_length=_MOST_RESOLUTIONS
    )
    head_width: int = Field(32, ge=4, le=_WIDEST, description="channels of an attention head")
    condition: list[ConditioningName] = Field(
        [],
        description="conditioning mechanisms, any of concat, add, modulate, spatial, layers; or none at all",
    )
    map_channels: int = Field(24, ge=1, le=_WIDEST, description="of the map that each value owns; of spatial only")
    pixel_width: int = Field(
        0, ge=0, le=_WIDEST, description="channels of the last layers, 1x1 at full size; 0 leaves them out"
    )
    pixel_map_channels: int = Field(
        32,
        ge=1,
        le=_WIDEST,
        description="of a second map that each value owns, at full size; of spatial with pixel_width only",
    )
    colour_width: int = Field(
        0, ge=0, le=_WIDEST, description="learned features of each colour, in the place of the colour; of masked only"
    )

    @model_validator(mode="after")
    def _fits(self) -> UNetConfig:
        if not self.widths:
            raise ValueError("widths: there must be at least one level")
        if len(self.attention) != len(self.widths):
            raise ValueError(
                f"attention: has {len(self.attention)} levels, but widths has {len(self.widths)}; give one true or"
                " false for each"
            )
        odd = [
            width
            for width, attend in zip(self.widths, self.attention, strict=True)
            if attend and width > self.head_width and width % self.head_width
        ]
        if odd:
            raise ValueError(
                f"head_width: {self.head_width} does not divide the {odd[0]} channels of a level with attention"
            )
        if any(width % 2 for width in self.widths[:1]):
            raise ValueError("widths: the first must be even: half of it are sines of the time, half cosines")
        if len(set(self.condition)) < len(self.condition):
            raise ValueError(f"condition: {', '.join(self.condition)} names a conditioning mechanism twice")
        if "layers" in self.condition and not self.pixel_width:
            raise ValueError("condition: layers puts an image together pixel by pixel; set pixel_width, 64 say")
        return self


NetworkConfig = Annotated[SimpleUNetConfig | ReportUNetConfig | UNetConfig, Field(discriminator="kind")]

NETWORK_SECTIONS: dict[str, type[Section]] = {
    section.model_fields["kind"].default: section for section in (SimpleUNetConfig, ReportUNetConfig, UNetConfig)
}
"""The section of a recipe for each kind of network, by the names of `noisette.networks.registry.NETWORKS`."""


class ConditionConfig(Section):
    """How requests are learned: what is hidden in training may be left open, or guided, when drawing."""

    drop_all: float = Field(
        0.1, ge=0, lt=1, description="chance that nothing is known of an image; guidance needs some"
    )
    drop_each: float = Field(
        0.15,
        ge=0,
        le=0.5,
        description="chance that an attribute is unknown by itself; how many are differs from image to image",
    )
    null: Null = Field(
        "each", description="each attribute learns what not knowing it means, or one empty vector, as in the report"
    )

    @model_validator(mode="after")
    def _can_tell(self) -> ConditionConfig:
        if self.null == "single" and self.drop_each > 0:
            raise ValueError(
                "drop_each: with null = single one unknown attribute looks like an absent one; use 0, or null = each"
            )
        return self


class DiffusionConfig(Section):
    """Noise levels, what the network predicts, and how errors count.

    Attributes:
        schedule: Name of the noise schedule.
        weighting: Of errors over noise levels.
    """

    schedule: ScheduleName = "cosine"
    steps: int | Literal["continuous"] = Field("continuous", description="T, the number of noise levels, or continuous")
    beta_start: float = Field(1e-4, gt=0, lt=1, description="first beta; of the discrete linear schedules only")
    beta_end: float = Field(0.02, gt=0, lt=1, description="last beta; of the discrete linear schedules only")
    allow_residual_signal: bool = Field(
        False, description="accept a schedule that leaves signal at its last level, with a warning"
    )
    target: Target = Field(
        "velocity",
        description="what the network predicts; palette names the colour of each pixel, of data that have few",
    )
    weighting: Weighting = "plain"
    min_snr_gamma: float = Field(5.0, ge=1, description="largest weight of min-snr and clamped-snr")
    time_power: float = Field(
        1.0,
        ge=1,
        le=10,
        description="times are drawn with density p * t ** (p - 1): 1 evenly, 2 more of the noisy half",
    )

    @model_validator(mode="after")
    def _has_steps(self) -> DiffusionConfig:
        if self.steps != "continuous" and not 1 <= self.steps <= _MOST_LEVELS:
            raise ValueError(f"steps: there must be 1 to {_MOST_LEVELS}, not {self.steps}; or continuous")
        if self.weighting != "plain" and self.target == "palette":
            raise ValueError(
                f"weighting: {self.weighting} weighs squared errors, and a palette target has none; use plain"
            )
        if self.weighting == "clamped-snr" and self.target == "noise":
            raise ValueError(
                "weighting: clamped-snr counts errors of the image where there is nearly none; with a noise target use"
                " min-snr"
            )
        if self.schedule == "masked" and (self.target != "palette" or self.steps != "continuous"):
            raise ValueError(
                "schedule: masked hides pixels, whose colours are then named; set diffusion.target to palette, and"
                " leave diffusion.steps out"
            )
        defaults = type(self).model_fields
        for name in ("beta_start", "beta_end"):
            if self.steps == "continuous" and getattr(self, name) != defaults[name].default:
                raise ValueError(
                    f"{name}: a continuous schedule has no betas; leave it out, or set diffusion.steps to a number"
                )
        return self


class TrainingConfig(Section):
    """How long, how fast, how safely."""

    budget: str | None = Field(
        None, description="wall-clock time such as 90s, 30m or 1h; the learning rate stretches over it"
    )
    epochs: int | None = Field(
        None, ge=1, le=MOST_OF_ALL, description="passes over the train split, instead of a budget"
    )
    steps: int | None = Field(None, ge=1, le=MOST_OF_ALL, description="optimiser steps, instead of a budget")
    batch_size: int = Field(64, ge=1, le=MOST_OF_ALL, description="images in a step, over all processes together")
    learning_rate: float = Field(1e-3, gt=0, description="the highest; reached after the warm-up")
    decay: Literal["cosine", "constant"] = Field("cosine", description="how the learning rate falls over the training")
    warmup: int = Field(100, ge=0, le=MOST_OF_ALL, description="steps over which the learning rate rises from 0")
    optimizer: Literal["adamw", "muon"] = Field(
        "adamw", description="muon is for the matrices inside a network, with adamw for all else"
    )
    weight_decay: float = Field(0.0, ge=0, description="of adamw")
    clip: float = Field(1.0, gt=0, description="largest norm of the gradient")
    ema: float = Field(
        0.999, ge=0, lt=1, description="decay of the averaged weights after their warm-up; 0 keeps no average"
    )
    seed: int = Field(0, ge=0, lt=END, description="of the first weights, the order of the data, the noise")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="auto measures both where the processor has bfloat16"
    )
    layout: Literal["auto", "contiguous", "channels-last"] = Field(
        "auto", description="memory format of the network; auto measures both"
    )
    compile: Literal["auto", "yes", "no"] = Field(
        "auto", description="torch.compile; auto measures it in trainings long enough to earn it back"
    )
    checkpoint_every: str = Field(
        "2m", description="wall-clock time between checkpoints; one is also made with each grid of pictures"
    )
    keep: int = Field(
        2,
        ge=2,
        le=MOST_OF_ALL,
        description="the newest checkpoints that stay; two, so that one may be damaged; more can be compared",
    )

    @model_validator(mode="after")
    def _has_one_length(self) -> TrainingConfig:
        given = [name for name in ("budget", "epochs", "steps") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"budget: give exactly one of budget, epochs and steps, not {' and '.join(given) or 'none'}"
            )
        for name in ("budget", "checkpoint_every"):
            value = getattr(self, name)
            if value is not None:
                try:
                    seconds(value)
                except ValueError as error:
                    raise ValueError(f"{name}: {error}") from None
        return self

    @property
    def checkpoint_seconds(self) -> float:
        """Between checkpoints."""
        return seconds(self.checkpoint_every)


class SamplesConfig(Section):
    """The grids of pictures that a training draws. How they are drawn stands under sampling."""

    count: int = Field(16, ge=1, le=256, description="images in the grid of an epoch; their seeds are 0, 1, 2, ...")
    every: int = Field(1, ge=1, le=MOST_OF_ALL, description="epochs from one grid to the next")
    requests: list[str] = Field(
        [],
        description=(
            "what the images of a grid are asked for, in turn; left out, as the first of the validation split"
        ),
    )


class DistillationConfig(Section):
    """Of a distilled model, which learns from another: `noisette distil`."""

    teacher: str = Field(
        description="the model that is learned from; its weights are in the run folder, teacher.safetensors"
    )
    nfe: int = Field(
        ge=1,
        le=MOST_NFE,
        description="network evaluations for an image: the levels that it learns are evenly spaced in time",
    )
    steps: int = Field(8, ge=1, le=1000, description="of the teacher, from each of these levels down to the image")
    guidance: list[Annotated[float, Field(ge=0, le=STRONGEST)]] = Field(
        [1.0, 1.0],
        min_length=2,
        max_length=2,
        description=(
            "the least and the greatest guidance scale of the teacher that is learned; any between costs one evaluation"
            " a step"
        ),
    )
    guidance_interval: list[float] = Field(
        [0.0, 1.0], min_length=2, max_length=2, description="noise levels at which the teacher is guided"
    )
    guidance_rescale: float = Field(
        0.0, ge=0, le=1, description="how far the spread of the teacher's guided image is brought back"
    )

    @model_validator(mode="after")
    def _from_less_to_more(self) -> DistillationConfig:
        low, high = self.guidance
        if low > high or (low == high != 1):
            raise ValueError(
                "distillation.guidance: the least scale first, and two different ones, or 1 twice for none, not"
                f" {low:g} and {high:g}"
            )
        return self

    @property
    def guidance_embed(self) -> bool:
        """Whether the guidance scale is an input of the network (w-conditioning, Meng et al. 2023)."""
        return self.guidance[0] < self.guidance[1]


def seconds(duration: str) -> float:
    """Seconds of a duration as people write it.

    Args:
        duration: `90s`, `30m`, `1.5h` or a mixture such as `1h30m`.

    Raises:
        ValueError: It is anything else, or no time at all.
    """
    units = {"h": 3600.0, "m": 60.0, "s": 1.0}
    if not re.fullmatch(r"([0-9]+(\.[0-9]+)?[hms])+", duration):
        raise ValueError(f'"{duration}" is not a duration; write 90s, 30m, 1h or 1h30m')
    total = sum(float(number) * units[unit] for number, unit in re.findall(r"([0-9.]+)([hms])", duration))
    if not total > 0 or math.isinf(total):
        raise ValueError(f'"{duration}" leaves no time; write 90s, 30m, 1h or 1h30m')
    return float(total)


def duration(total: float) -> str:
    """Seconds as `seconds` reads them.

    Args:
        total: Above 0; fractions are kept to a tenth, and rounded up.

    Returns:
        Such as `1h30m0.5s`.

    Examples:
        >>> duration(5400.5)
        '1h30m0.5s'
    """
    tenths = math.ceil(total * 10)
    minutes, tenths = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "m"), (tenths / 10, "s"))
    return "".join(f"{number:g}{unit}" for number, unit in parts if number)
