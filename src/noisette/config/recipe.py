"""The recipe: everything that decides a training, typed and checked before any work starts."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError, model_validator

from noisette.config.messages import explain
from noisette.config.migration import migrate, of_its_source, today
from noisette.config.sampling import SETTINGS, GuidanceSettings, SamplingSettings, Section
from noisette.config.sections import (
    NETWORK_SECTIONS,
    ConditionConfig,
    DatasetSection,
    DiffusionConfig,
    DistillationConfig,
    NetworkConfig,
    SamplesConfig,
    TrainingConfig,
    dataset_section,
)
from noisette.data.naming import images_near
from noisette.diffusion.registry import OWNED, SAMPLERS, samplers_for, takers
from noisette.errors import NoisetteError, RequestError, as_nearest, closest, told
from noisette.files.hashes import read_verified
from noisette.files.output import expand
from noisette.files.reading import read_text
from noisette.networks.registry import NETWORKS
from noisette.text import brief, plain

_MOST_TEXT = 2**20
"""Bytes of a recipe; those that ship have some hundreds."""


_NESTED = re.compile(r"""(?<![\w"'-])(?:[\w"'-]{1,40}[ \t]{0,4}\.[ \t]{0,4}){32}""")
_DEEPEST = 6
"""Parts of a setting's name; none has so many."""


class Recipe(Section):
    """A whole experiment: each section is typed and checked by itself, then against the others.

    Attributes:
        dataset: What is learned from.
        network: The network, of one of three kinds.
        diffusion: Noise levels, target and loss.
        condition: How requests are learned.
        training: How long, how fast, how safely.
        sampling: How images are drawn, unless a request says otherwise.
        samples: The grids that a training draws.
        distillation: What a distilled model learns from; None of all others.
        reasons: Why settings are what they are, by their names, where noisette chose them; None where a person did.
    """

    summary: str = Field("", description="one line that says what it trains")
    dataset: DatasetSection
    network: NetworkConfig
    diffusion: DiffusionConfig
    condition: ConditionConfig = ConditionConfig()
    training: TrainingConfig
    sampling: SamplingSettings = SamplingSettings()
    samples: SamplesConfig = SamplesConfig()
    distillation: DistillationConfig | None = None
    reasons: dict[str, str] | None = None

    @property
    def conditional(self) -> bool:
        """Whether it can be asked for anything."""
        return bool(self.network.condition)

    @model_validator(mode="after")
    def _parts_fit(self) -> Recipe:
        if problem := NETWORKS[self.network.kind].problem(self.network, self.dataset.shape[1:]):
            raise ValueError(problem)
        if "layers" in self.network.condition and self.diffusion.target != "palette":
            raise ValueError(
                f"network.condition: layers names colours, and diffusion.target is {self.diffusion.target}; use palette"
            )
        if self.diffusion.target == "palette":
            if not NETWORKS[self.network.kind].palette:
                able = " or ".join(kind for kind, traits in NETWORKS.items() if traits.palette)
                raise ValueError(
                    f"diffusion.target: palette needs network.kind = {able}; {self.network.kind} predicts a number for"
                    " each channel"
                )
            if self.dataset.description.few_colours is False:
                raise ValueError(
                    f"diffusion.target: palette needs colours, and {self.dataset.name} is grey; use velocity"
                )
        masked = self.diffusion.schedule == "masked"
        if masked != bool(getattr(self.network, "colour_width", 0)):
            raise ValueError(
                "network.colour_width: a masked schedule needs features of each colour; use 16"
                if masked
                else "network.colour_width: only a masked schedule gives a network the numbers of colours; use 0"
            )
        self._check_sampling()
        if self.distillation is not None:
            self._check_distilled(self.distillation)
        return self

    def _check_sampling(self) -> None:
        sampling, guidance = self.sampling, self.sampling.guidance
        if sampling.spacing == "fitted" or sampling.times:
            raise ValueError("sampling.spacing: fitted levels are found once a model is trained; name a rule here")
        if sampling.palette and self.dataset.description.few_colours is False:
            raise ValueError(f"sampling.palette: {self.dataset.name} is grey, and has no palette; leave it out")
        for name in ("weights", "negative"):
            if getattr(guidance, name):
                raise ValueError(f"sampling.guidance.{name}: belong to a request; say them when you draw")
        for name in OWNED:
            if SETTINGS[name].of(sampling) and name not in SAMPLERS[sampling.sampler].takes:
                raise ValueError(
                    f"sampling.{name}: a setting of {' and '.join(takers(name))}; {sampling.sampler} has none"
                )
        able = samplers_for(self.diffusion.schedule)
        if sampling.sampler not in able:
            raise ValueError(
                f"sampling.sampler: {sampling.sampler} does not draw with a schedule that is"
                f" {self.diffusion.schedule}; use {' or '.join(able)}"
            )
        if self.diffusion.schedule == "masked" and (sampling.spacing != "time" or guidance.interval != (0.0, 1.0)):
            raise ValueError("sampling: a masked schedule has no noise levels; leave spacing and interval out")
        guides = not guidance.plain or guidance.rescale != 0 or guidance.interval != (0.0, 1.0)
        if not self.conditional and (guides or self.samples.requests or sampling.impute):
            raise ValueError(
                "sampling.guidance: without network.condition there is nothing to ask for; add a conditioning"
                " mechanism, or leave guidance, impute and samples.requests out"
            )
        if self.conditional and guidance.scale != 1 and self.condition.drop_all == 0 and self.distillation is None:
            raise ValueError(
                "condition.drop_all: guidance needs a network that also learned to draw without a request; use 0.1, or"
                " sampling.guidance.scale = 1"
            )
        if self.diffusion.steps != "continuous" and sampling.steps > self.diffusion.steps:
            raise ValueError(
                f"sampling.steps: {sampling.steps} are more than the {self.diffusion.steps} levels of diffusion.steps;"
                " use at most those"
            )

    def _check_distilled(self, distilled: DistillationConfig) -> None:
        sampling, guidance = self.sampling, self.sampling.guidance
        if self.diffusion.schedule == "masked":
            raise ValueError("distillation: a masked model has no noise levels to learn a way between; use another run")
        if (sampling.sampler, sampling.spacing, sampling.steps) != ("ddim", "time", distilled.nfe):
            raise ValueError(
                f"sampling: a distilled model draws as it learned, by ddim in {distilled.nfe} steps evenly in time; "
                "for another number of steps distil with another --nfe"
            )
        low, high = distilled.guidance
        if not low <= guidance.scale <= high:
            raise ValueError(
                f"sampling.guidance: this model learned scales from {low:g} to {high:g}; distil with another --guidance"
                " for more"
            )
        if guidance.rescale != 0 or guidance.interval != (0.0, 1.0):
            raise ValueError(
                "sampling.guidance: a distilled model learned guidance by its scale alone; leave interval and"
                " rescale out"
            )


def recipe_names() -> list[str]:
    """The recipes that ship with the package, sorted."""
    return sorted(file.name.removesuffix(".toml") for file in _home().iterdir() if file.name.endswith(".toml"))


def _home() -> Path:
    return Path(str(resources.files("noisette.recipes")))


def lengthened(budget: str | None, epochs: int | None, steps: int | None) -> list[str]:
    """The override that makes a training last so long.

    Args:
        budget: Wall-clock time such as 90s, 30m or 1h.
        epochs: Passes over the train split.
        steps: Optimiser steps.

    Returns:
        What `load_recipe` takes; nothing if all are None.

    Raises:
        RequestError: More than one is given.
    """
    given = [f"training.{name}={value}" for name, value in (("epochs", epochs), ("steps", steps)) if value is not None]
    given += [f'training.budget="{budget}"'] if budget is not None else []
    if len(given) > 1:
        raise RequestError("give at most one of budget, epochs and steps")
    return given


def load_recipe(name: str, overrides: Sequence[str] = ()) -> Recipe:
    """A recipe by its name, or from a file.

    Args:
        name: One of `recipe_names`, or the path of a TOML file.
        overrides: `KEY=VALUE`, such as `training.batch_size=32`. A value is written as in TOML; a bare word is a
            string, and `none` removes the key. Giving training.budget, .epochs or .steps replaces whichever of them the
            recipe has.

    Raises:
        RequestError: There is no such recipe, or a setting is wrong; the message names it.

    Examples:
        >>> load_recipe("digits", ["training.epochs=3"]).training.epochs
        3
    """
    if not isinstance(name, str | Path):
        raise RequestError(f"a recipe is named by its name or its file, not {told(name)}")
    name = str(name)
    path = expand(name)
    if name in recipe_names():
        text = read_verified(_home(), f"{name}.toml").decode("utf-8")
    elif path.suffix == ".toml":
        try:
            text = read_text(path, most=_MOST_TEXT)
        except NoisetteError as error:
            raise RequestError(brief(f"the recipe: {error}", 400)) from error
    else:
        raise RequestError(_no_recipe(name, path))
    return parse_recipe(text, source=name, overrides=overrides)


def _no_recipe(name: str, path: Path) -> str:
    """What is there in the place of a recipe."""
    shown = plain(name, 80)
    try:
        if (path / "recipe.toml").is_file():
            recipe = path / "recipe.toml"
            return f"{shown} is a run, not a recipe; go on with it by `noisette resume {shown}`, or name its {recipe}"
        if path.is_dir():
            return f"{shown} is a folder, not a recipe; name one of `noisette recipes`, or a .toml file"
        if path.is_file():
            return f"{shown} is no recipe: the name of a recipe's file ends in .toml (see `noisette recipes`)"
    except (OSError, ValueError):  # a name that no file can have
        pass
    near = as_nearest([*images_near(name), *closest(name[:80], recipe_names())])
    return f'no recipe "{shown}"{near} (see `noisette recipes`)'


def parse_recipe(text: str, *, source: str, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe in a TOML text, of this version or the one before.

    Args:
        text: TOML.
        source: What it is called in errors.
        overrides: As of `load_recipe`.

    Raises:
        RequestError: A setting is wrong; the message names it.
    """
    values = migrate(_parsed(text, source))
    given = {_override(values, override) for override in _several(overrides)}
    values = of_its_source(values, given)
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        raise RequestError(explain(error.errors(), _sections(values))) from error
    except UnicodeEncodeError as error:
        raise RequestError(f"{source}: a text in it is no UTF-8") from error


def _parsed(text: str, source: str) -> dict[str, Any]:
    if not isinstance(text, str):
        raise RequestError(f"{source} is not TOML: it is no text, but a {type(text).__name__}")
    if len(text) > _MOST_TEXT:
        raise RequestError(f"{source} is no recipe: it is longer than any")
    if _NESTED.search(text):  # which takes TOML's reader a time that grows with the square of it
        raise RequestError(f"{source} is not TOML: it is too deep")
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # the first also of numbers and dates that cannot be
        why = "it is too deep" if isinstance(error, RecursionError) else brief(str(error), 200)
        raise RequestError(f"{source} is not TOML: {why}") from error


def count_settings(content: bytes) -> int:
    """How many settings the TOML of a recipe has; none if it is no TOML.

    Args:
        content: Of the file.
    """

    def count(values: Any) -> int:
        return sum(map(count, values.values())) if isinstance(values, dict) and values else 1

    try:
        return count(tomllib.loads(content.decode("utf-8")))
    except (ValueError, RecursionError):
        return 0


def dump_recipe(recipe: Recipe) -> str:
    """A recipe as TOML, every setting written out.

    Args:
        recipe: What is written.

    Returns:
        A text that `parse_recipe` takes.
    """
    import tomli_w

    return tomli_w.dumps(recipe.model_dump(exclude_none=True))


def _override(values: dict[str, Any], override: str) -> str:
    """Change one setting; returns its name."""
    if not isinstance(override, str):
        raise RequestError(f"an override is a text KEY=VALUE, such as training.batch_size=32, not {told(override)}")
    key, equals, written = override.partition("=")
    key, written = today(key.strip()), written.strip()
    if not equals or not all(key.split(".")):
        raise RequestError(f'"{brief(override)}" is not KEY=VALUE, such as training.batch_size=32')
    if key.count(".") >= _DEEPEST:
        raise RequestError(f"{brief(key)} lies deeper than any setting")
    *sections, field = key.split(".")
    target = values
    for section in sections:
        target = target.setdefault(section, {})
        if not isinstance(target, dict):
            raise RequestError(f"{brief(key)}: {brief(section)} is a setting, not a section")
    if written == "none":
        target.pop(field, None)
        return key
    if sections == ["training"] and field in ("budget", "epochs", "steps"):
        for other in ("budget", "epochs", "steps"):
            target.pop(other, None)
    try:
        target[field] = tomllib.loads(f"value = {written}")["value"]
    except RecursionError as error:
        raise RequestError(f"{key}: {brief(written)} is nested too deeply") from error
    except ValueError:
        target[field] = written
    return key


def _several(overrides: Sequence[str]) -> Sequence[str]:
    if isinstance(overrides, str) or not isinstance(overrides, Sequence):
        raise RequestError(f"overrides are several texts, such as ['training.batch_size=32'], not {told(overrides)}")
    return overrides


def _sections(values: Mapping[str, Any]) -> dict[tuple[int | str, ...], type[BaseModel]]:
    """By the places that pydantic reports, in which a kind of network is a level of its own."""
    dataset = values.get("dataset")
    return {
        (): Recipe,
        ("dataset",): dataset_section(str(dataset.get("name") if isinstance(dataset, Mapping) else None)),
        **{("network", kind): section for kind, section in NETWORK_SECTIONS.items()},
        ("diffusion",): DiffusionConfig,
        ("condition",): ConditionConfig,
        ("training",): TrainingConfig,
        ("sampling",): SamplingSettings,
        ("sampling", "guidance"): GuidanceSettings,
        ("samples",): SamplesConfig,
        ("distillation",): DistillationConfig,
    }
