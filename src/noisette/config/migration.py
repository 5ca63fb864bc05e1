"""Recipes of the version before, read as those of today. To be removed with the next version."""

from __future__ import annotations

from typing import Any

_SAMPLING = ("sampler", "steps", "spacing", "eta", "churn")
_GUIDANCE = {"guidance": "scale", "guidance_interval": "interval", "guidance_rescale": "rescale"}


def migrate(values: dict[str, Any]) -> dict[str, Any]:
    """A recipe's values, as TOML has them, with the keys of today. What is no old key stays, and is judged later."""
    return _distillation(_samples(values))


def _samples(values: dict[str, Any]) -> dict[str, Any]:
    """How a picture is drawn stood under samples, beside how many there are."""
    samples = values.get("samples")
    if not isinstance(samples, dict):
        return values
    left, sampling = dict(samples), dict(values.get("sampling") or {})
    for name in _SAMPLING:
        if name in left:
            sampling[name] = left.pop(name)
    if "complete" in left:
        sampling["impute"] = left.pop("complete")
    guidance = {new: left.pop(old) for old, new in _GUIDANCE.items() if old in left}
    if guidance:
        sampling["guidance"] = {**(sampling.get("guidance") or {}), **guidance}
    for name, taken in (("eta", "ddim"), ("churn", "euler heun")):  # written out for every sampler
        if name in sampling and sampling.get("sampler", "ddim") not in taken.split():
            del sampling[name]
    return {**values, "samples": left, **({"sampling": sampling} if sampling else {})}


def _distillation(values: dict[str, Any]) -> dict[str, Any]:
    distillation = values.get("distillation")
    if not isinstance(distillation, dict) or "evaluations" not in distillation:
        return values
    renamed = {("nfe" if key == "evaluations" else key): value for key, value in distillation.items()}
    return {**values, "distillation": renamed}
