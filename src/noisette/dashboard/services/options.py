"""What the settings of a drawing can be for a model: which it has, choices, limits, and what they are at first.

Settings go by their flat names in `noisette.config.sampling.SETTINGS`, and their values are as widgets have them: what
maps names to numbers is a text. The page has a few of its own besides: seed, count, strength, around, distance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args, get_origin

from noisette.config.names import EXCLUSION, VARIATION
from noisette.config.sampling import SETTINGS, SamplingSettings, Setting
from noisette.diffusion.registry import OWNED, SAMPLERS, samplers_for
from noisette.inference.generator import Generator
from noisette.inference.snippets import short
from noisette.sampling.amounts import listed_amounts
from noisette.sampling.presets import PresetName

MOST_IMAGES = 64
MOST_SEED = 2**53 - 1  # what a browser counts to exactly
MOST_STRENGTH = 2.0  # of negative attributes
_MOST_STEPS = 1000
_MOST_GUIDANCE = 20.0
_STEPS = {"draft": 5, "good": 10, "best": 25}
"""What stands in for presets of the model: see docs/results/evaluation.md, where five steps of a deterministic sampler
are as good as more.
"""
_OF_SAMPLER = ("sampler", "steps", "spacing", *OWNED)
"""Settings that a preset sets even where it does not name them."""

FORM = {name: setting for name, setting in SETTINGS.items() if setting.option and name != "negative"}
"""The settings that have a widget of their own; negative attributes are chosen in the attribute form."""


def title(setting: Setting) -> str:
    """What a setting is called above its widget, in English: Guidance rescale."""
    return " ".join(setting.path).replace("_", " ").capitalize()


def settable(name: str, generator: Generator) -> bool:
    """Whether a model can be drawn with different values of a setting."""
    recipe, of_guidance = generator.model.recipe, SETTINGS[name].path[0] == "guidance"
    if not SETTINGS[name].option:
        return False
    if name == "palette":
        return generator.palette is not None
    if name == "interval" and generator.model.masked:  # it has no noise levels
        return False
    if (of_guidance or name == "impute") and not recipe.conditional:
        return False
    scale_alone = generator.model.guidance_embed  # it has learned guidance by its scale alone
    return not (scale_alone and of_guidance and name not in ("guidance", "negative"))


def takes(sampler: str, name: str) -> bool:
    """Whether a sampler takes a setting; only some settings are of some samplers alone."""
    return name not in OWNED or name in SAMPLERS[sampler].takes


def choices(name: str, generator: Generator) -> tuple[str, ...]:
    """The names that are offered; `fitted` where the model has step schedules that were optimised for it."""
    schedule = generator.model.recipe.diffusion.schedule
    if name == "sampler":
        return samplers_for(schedule)
    if name == "spacing" and schedule == "masked":
        return ("time",)
    return tuple(each for each in SETTINGS[name].choices if each != "fitted" or generator.presets is not None)


def limits(name: str, generator: Generator) -> tuple[float | None, float | None]:
    """The least and the greatest value that is offered, None where there is no limit."""
    setting = SETTINGS[name]
    if name == "steps":
        return 1, min(_MOST_STEPS, generator.model.schedule.steps or _MOST_STEPS)
    if name == "guidance":
        distilled = generator.model.recipe.distillation
        if distilled is not None and distilled.guidance_embed:
            return distilled.guidance[0], distilled.guidance[1]
        return 0.0, _MOST_GUIDANCE
    if get_origin(setting.kind) is tuple:  # an interval is at first as wide as it can be
        low, high = setting.field.get_default()
        return low, high
    return setting.limits


def within(name: str, value: Any, generator: Generator) -> Any:
    """The nearest to a value that is offered; of names the model's own."""
    setting = SETTINGS[name]
    if setting.choices:
        return value if value in choices(name, generator) else setting.of(generator.planner.resolve())
    if setting.kind not in (int, float):
        return value
    low, high = limits(name, generator)
    value = value if low is None else max(value, low)
    return setting.kind(value if high is None else min(value, high))


def as_shown(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of settings as their widgets have them; those without one are left out."""
    return {
        name: ", ".join(f"{key}={short(amount)}" for key, amount in value.items())
        if isinstance(value, Mapping)
        else tuple(value)
        if isinstance(value, list | tuple)
        else value
        for name, value in values.items()
        if name in FORM
    }


def sampling_settings(
    shown: Mapping[str, Any], generator: Generator, *, negative: Sequence[str], guided: bool
) -> SamplingSettings:
    """What was set of a drawing; what a model or its sampler does not take is left out.

    Args:
        shown: The values of the widgets by the names of `FORM`, and `strength`.
        generator: Of the model.
        negative: Flags and options to keep away from.
        guided: Whether something is asked for that guidance can lead to; else its scale is as the model says.

    Raises:
        RequestError: A value cannot be.
    """
    given = {
        name: listed_amounts(shown[name], generator.schema, called=name, usual=setting.extra.get("usual"))
        if get_origin(setting.kind) is dict
        else shown[name]
        for name, setting in FORM.items()
        if settable(name, generator) and takes(shown["sampler"], name)
    }
    if not guided:
        given.pop("guidance", None)
    if settable("negative", generator):
        given["negative"] = dict.fromkeys(negative, shown["strength"])
    return SamplingSettings.of(**given)


def presets(generator: Generator) -> dict[str, dict[str, Any]]:
    """The settings of each preset: from the table of the model, or else so many steps."""
    table, recipe = generator.presets, generator.model.recipe
    if recipe.distillation is not None:  # it draws as it learned
        learned = recipe.sampling.flat()
        return {"best": {name: learned[name] for name in ("sampler", "steps", "spacing")}}
    if table is None:
        return {name: {"steps": within("steps", steps, generator)} for name, steps in _STEPS.items()}
    found = {}
    for preset in get_args(PresetName):
        given = {**dict.fromkeys(OWNED, 0.0), **table.named(preset).settings.flat(given=True)}
        found[preset] = {name: within(name, value, generator) for name, value in as_shown(given).items()}
    return found


def default_preset(generator: Generator) -> str:
    """The preset in the middle."""
    names = list(presets(generator))
    return names[len(names) // 2]


def default_settings(generator: Generator) -> dict[str, Any]:
    """All settings as they are at first: as the model says, by the preset in the middle, in colours of its data."""
    return {
        "seed": 0,
        "count": 4,
        "strength": EXCLUSION,
        "distance": VARIATION,
        **as_shown(generator.planner.resolve().flat()),
        "palette": True,
        **default_sampler(generator),
    }


def default_sampler(generator: Generator) -> dict[str, Any]:
    """The settings that a preset sets, as they are at first."""
    usual = generator.planner.resolve().flat()
    found = {name: usual[name] if takes(usual["sampler"], name) else 0.0 for name in _OF_SAMPLER}
    by_recipe = usual["sampler"] != SETTINGS["sampler"].field.get_default() and generator.presets is None
    if by_recipe:
        return {**found, "steps": within("steps", usual["steps"], generator)}
    return {**found, **presets(generator)[default_preset(generator)]}


def matching_preset(generator: Generator, settings: Mapping[str, Any], chosen: str | None) -> str | None:
    """The preset that the settings are; of several that are the same, the one that was chosen.

    Returns:
        None where they are none.
    """
    offered = presets(generator)
    for name in (chosen, default_preset(generator), *offered):
        if name in offered and all(settings[setting] == value for setting, value in offered[name].items()):
            return name
    return None
