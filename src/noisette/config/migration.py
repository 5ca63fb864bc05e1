"""Recipes of the version before, read as this one has them. What stands here goes with the version after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from noisette.data.sources import SOURCES, find_source
from noisette.diffusion.registry import SAMPLERS

_ONCE_EVERYWHERE = ("size", "count", "seed")
"""Options that every recipe wrote out, whether or not its source had them."""

_SAMPLING = ("sampler", "steps", "spacing", "eta", "churn")
_GUIDANCE = {"guidance": "scale", "guidance_interval": "interval", "guidance_rescale": "rescale"}


def migrate(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a recipe with the keys of today; nobody need be told.

    Args:
        values: As they stand in TOML, with mistakes or without. What is no old key stays, and is judged later.

    Returns:
        The values to validate.
    """
    return _distillation(_samples(_dataset(values)))


def _dataset(values: Mapping[str, Any]) -> dict[str, Any]:
    """Without options that the source never had."""
    dataset = values.get("dataset")
    if not isinstance(dataset, Mapping) or not isinstance(name := dataset.get("name"), str) or name not in SOURCES:
        return dict(values)
    own = find_source(name).options.model_fields
    return {
        **values,
        "dataset": {key: value for key, value in dataset.items() if key in own or key not in _ONCE_EVERYWHERE},
    }


def _samples(values: dict[str, Any]) -> dict[str, Any]:
    """How a picture is drawn stood under samples, beside how many there are."""
    samples, sampling = values.get("samples"), values.get("sampling", {})
    if not isinstance(samples, Mapping) or not isinstance(sampling, Mapping):
        return values
    left, moved = dict(samples), dict(sampling)
    for name in _SAMPLING:
        if name in left:
            moved[name] = left.pop(name)
    if "complete" in left:
        moved["impute"] = left.pop("complete")
    guidance = {new: left.pop(old) for old, new in _GUIDANCE.items() if old in left}
    known = moved.get("guidance", {})
    if guidance and isinstance(known, Mapping):
        moved["guidance"] = {**known, **guidance}
    sampler = SAMPLERS.get(str(moved.get("sampler", "ddim")))
    for name in ("eta", "churn"):  # once written out for every sampler
        if name in samples and sampler is not None and name not in sampler.takes:
            moved.pop(name, None)
    return {**values, "samples": left, **({"sampling": moved} if moved else {})}


def _distillation(values: dict[str, Any]) -> dict[str, Any]:
    """Network evaluations are NFE."""
    distillation = values.get("distillation")
    if not isinstance(distillation, Mapping) or "evaluations" not in distillation:
        return values
    renamed = {("nfe" if key == "evaluations" else key): value for key, value in distillation.items()}
    return {**values, "distillation": renamed}
