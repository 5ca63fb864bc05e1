"""What the settings of a drawing can be for a model: their ranges, presets, and what they are at first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from noisette.config.names import EXCLUSION, VARIATION, DrawnSpacing, SpacingName
from noisette.inference.generator import Generator
from noisette.sampling.presets import QualityName

MOST_IMAGES = 64
MOST_SEED = 2**53 - 1  # what a browser counts to exactly
MOST_EXCLUSION = 2.0
_MOST_STEPS = 1000
_MOST_GUIDANCE = 20.0
_STEPS = {"draft": 5, "good": 10, "best": 25}
"""What stands in for presets of the model: see docs/results/evaluation.md, where five steps of a deterministic sampler
are as good as more.
"""


def most_steps(generator: Generator) -> int:
    """The most steps that are offered."""
    return min(_MOST_STEPS, generator.model.schedule.steps or _MOST_STEPS)


def spacings(generator: Generator) -> tuple[str, ...]:
    """The spacings that are offered: `fitted` where the model has a schedule that was optimised for it."""
    return get_args(DrawnSpacing) if generator.qualities else get_args(SpacingName)


def guidance_range(generator: Generator) -> tuple[float, float]:
    """The least and the greatest guidance scale that is offered."""
    distilled = generator.model.recipe.distillation
    return (
        (distilled.guidance[0], distilled.guidance[1])
        if distilled is not None and distilled.scaled
        else (0.0, _MOST_GUIDANCE)
    )


def presets(generator: Generator) -> dict[str, dict[str, Any]]:
    """The settings of each preset: from the table of the model, or else so many steps."""
    table, most = generator.qualities, most_steps(generator)
    if (distilled := generator.model.recipe.distillation) is not None:
        return {"best": {"sampler": "ddim", "steps": distilled.evaluations, "spacing": "time"}}
    if table is None:
        return {name: {"steps": min(steps, most)} for name, steps in _STEPS.items()}
    each = {name: table.named(name) for name in get_args(QualityName)}
    return {
        name: {
            "sampler": preset.sampler,
            "steps": min(preset.steps, most),
            "spacing": preset.spacing,
            "eta": 0.0,
            "churn": 0.0,
            "guidance": preset.guidance,
        }
        for name, preset in each.items()
    }


def default_preset(generator: Generator) -> str:
    """The preset in the middle."""
    names = list(presets(generator))
    return names[len(names) // 2]


def default_settings(generator: Generator) -> dict[str, Any]:
    """All settings as they are at first."""
    defaults = generator.choices.sampling()
    return {
        "seed": 0,
        "count": 4,
        "interval": defaults.guidance.interval,
        "rescale": defaults.guidance.rescale,
        "strength": EXCLUSION,
        "palette": True,
        "distance": VARIATION,
        "guidance": defaults.guidance.scale,
        "weights": "",
        "complete": defaults.complete,
        **default_sampler(generator),
    }


def default_sampler(generator: Generator) -> dict[str, Any]:
    """The settings that a preset sets, as they are at first."""
    defaults = generator.choices.sampling()
    by_recipe = defaults.sampler != "ddim" and generator.qualities is None
    return {
        "sampler": defaults.sampler,
        "spacing": defaults.spacing,
        "eta": defaults.eta if defaults.sampler == "ddim" else 0.0,
        "churn": defaults.churn,
        **(
            {"steps": min(defaults.steps, most_steps(generator))}
            if by_recipe
            else presets(generator)[default_preset(generator)]
        ),
    }


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
