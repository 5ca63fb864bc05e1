"""Recipes of the version before, read as this one has them. What stands here goes with the version after."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from noisette.data.sources import SOURCES, find_source
from noisette.diffusion.registry import SAMPLERS

_ONCE_EVERYWHERE = ("size", "count", "seed")
"""Options that every recipe wrote out, whether or not its source had them."""

_RENAMED = {
    **{f"samples.{name}": f"sampling.{name}" for name in ("sampler", "steps", "spacing", "eta", "churn")},
    "samples.complete": "sampling.impute",
    "samples.guidance": "sampling.guidance.scale",
    "samples.guidance_interval": "sampling.guidance.interval",
    "samples.guidance_rescale": "sampling.guidance.rescale",
    "distillation.evaluations": "distillation.nfe",
}


def today(key: str) -> str:
    """The name of a setting today, such as sampling.steps for samples.steps; any other name as it is."""
    return _RENAMED.get(key, key)


def migrate(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a recipe's file with the keys of today; nobody need be told. Where a file has both, today's count.

    Args:
        values: As they stand in TOML, with mistakes or without. What is no old key stays, and is judged later.

    Returns:
        The values under the keys of today.
    """
    found = {name: dict(section) if isinstance(section, Mapping) else section for name, section in values.items()}
    samples = found.get("samples")
    written = set(samples) if isinstance(samples, dict) else set()
    for old, new in _RENAMED.items():
        section, _, name = old.partition(".")
        *sections, last = new.split(".")
        left, place = found.get(section), found
        if not isinstance(left, dict) or name not in left:
            continue
        for each in sections:
            place = place.setdefault(each, {}) if isinstance(place, dict) else place
        if isinstance(place, dict):
            place.setdefault(last, left.pop(name))
            left.pop(name, None)
    sampling = found.get("sampling")
    if isinstance(sampling, dict) and (sampler := SAMPLERS.get(str(sampling.get("sampler", "ddim")))):
        for name in {"eta", "churn"} & written - set(sampler.takes):  # once written out for every sampler
            sampling.pop(name, None)
    return found


def of_its_source(values: Mapping[str, Any], given: Collection[str]) -> dict[str, Any]:
    """The values without the options of another source that a file wrote out.

    Args:
        values: Under the keys of today.
        given: Settings that a person gave besides, such as dataset.count; these stay, and are judged.

    Returns:
        The values to validate.
    """
    dataset = values.get("dataset")
    if not isinstance(dataset, Mapping) or not isinstance(name := dataset.get("name"), str) or name not in SOURCES:
        return dict(values)
    own = find_source(name).options.model_fields
    return {
        **values,
        "dataset": {
            key: value
            for key, value in dataset.items()
            if key in own or key not in _ONCE_EVERYWHERE or f"dataset.{key}" in given
        },
    }
