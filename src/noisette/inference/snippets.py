"""A plan as what a person types for the same picture: on the command line, and in Python."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from noisette.config.sampling import SETTINGS, SamplingSettings
from noisette.inference.plan import Plan

_ALWAYS = ("sampler", "steps")
"""Settings that are told even where they are the usual ones: who reads them wants to change them first."""


def options_of(settings: SamplingSettings, usual: SamplingSettings, *, asked: bool) -> list[str]:
    """The options of the command line that make `settings` of a model whose usual ones are `usual`.

    Args:
        settings: resolved.
        usual: resolved, of the same sampler.
        asked: whether anything is asked for, so that a guidance scale tells something.
    """
    parts: list[str] = []
    for name, value in _told(settings, usual, asked=asked).items():
        setting = SETTINGS[name]
        if setting.kind is bool:
            yes, _, no = setting.option.partition("/")
            parts += [yes if value else no] if no or value else []
        elif isinstance(value, Mapping):
            parts += [part for key, amount in value.items() for part in (setting.option, f"{key}={short(amount)}")]
        elif isinstance(value, tuple):
            parts += [setting.option, *map(short, value)]
        else:
            parts += [setting.option, value if isinstance(value, str) else short(value)]
    return parts


def command(request: str, plan: Plan, usual: SamplingSettings) -> str:
    """What draws the same picture from the command line.

    Args:
        request: as a person writes it; empty where nothing is asked.
        plan: of the picture, with seeds that follow each other.
        usual: resolved settings of the model under the sampler of the plan.
    """
    parts = ["noisette", "generate", plan.run, *(["--attributes", request] if request else [])]
    parts += ["--seed", str(plan.seeds[0]), "--count", str(len(plan.seeds))]
    parts += options_of(plan.sampling, usual, asked=bool(request))
    if plan.start.around is not None:
        parts += ["--vary", f"{plan.start.around}={short(plan.start.strength)}"]
    return shlex.join(parts)


def python(request: str, plan: Plan, usual: SamplingSettings) -> str:
    """What draws the same images in Python, (N, C, H, W) bytes. The arguments are those of `command`."""
    given: dict[str, Any] = _told(plan.sampling, usual, asked=bool(request))
    if plan.start.around is not None:
        given["variation"] = (plan.start.around, plan.start.strength)
    first = plan.seeds[0]
    seeds = f"seeds=range({first}, {first + len(plan.seeds)})"
    options = [seeds, *(f"{name}={each!r}" for name, each in given.items())]
    what = f"{request!r}, " if request else ""
    return (
        f"import noisette\n\ngenerator = noisette.load({plan.run!r})\n"
        f"images = generator.generate({what}{', '.join(options)})"
    )


def _told(settings: SamplingSettings, usual: SamplingSettings, *, asked: bool) -> dict[str, Any]:
    """By their flat names, the settings that differ from the usual ones, and those that are always told."""
    ours, theirs = settings.flat(), usual.flat()
    always = (*_ALWAYS, *(["guidance"] if asked else []))
    shown = [name for name in ours if name in always or ours[name] != theirs[name]]
    told = {name: ours[name] for name in shown if SETTINGS[name].option}
    if not asked:
        told.pop("guidance", None)
    return told


def short(number: float) -> str:
    """A number as a person types it: as short as it can be without becoming another."""
    return repr(float(number)).removesuffix(".0")
