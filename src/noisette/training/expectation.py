"""How long a training is expected to take, how long it took, and what the next one learns from that.

Speeds are kept in the cache by the shape of what is computed. A training counts for more than a measurement of some
seconds: it has drawn its grids and saved its checkpoints, beside whatever else ran.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Annotated, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field

from noisette.errors import NoisetteError
from noisette.files.atomic import write_text
from noisette.files.cache import cache_folder, locked
from noisette.files.hashes import read_sealed, sealed
from noisette.model import Model
from noisette.store.standing import MOST_SECONDS, MOST_STEPS, Expected
from noisette.training.budget import Budget

_FILE = "speeds.json"
_MOST_KEPT = 500  # shapes
_TELLING = 60.0
"""Seconds of a training from which on it says how fast the next one will be: a shorter one mostly begins and ends."""

By = Literal["measurement", "training"]


class Speed(BaseModel):
    """How fast a training is on this machine.

    Attributes:
        images_per_second: By the whole of it.
        by: What tells so: a measurement of some seconds, or a training.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    images_per_second: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    by: By


@dataclass(frozen=True)
class Taken:
    """What a training took.

    Attributes:
        steps: Of the optimiser.
        seconds: Of wall clock.
    """

    steps: int
    seconds: float


def key_of(model: Model, device: str, processes: int = 1) -> str:
    """What trainings have in common that are equally fast here: the shape of the network, the batch, the machine."""
    recipe, training = model.recipe, model.recipe.training
    values = sum(len(attribute.values) for attribute in model.schema.attributes)
    said = {
        "network": recipe.network.model_dump(mode="json"),
        "image": model.noisy_shape,
        "target": recipe.diffusion.target,
        "values": values,
        "training": training.model_dump(
            mode="json", include={"batch_size", "optimizer", "precision", "layout", "compile", "ema"}
        ),
        "machine": [platform.machine(), os.cpu_count(), torch.get_num_threads(), device, processes, torch.__version__],
    }
    shape = "x".join(map(str, model.shape))
    called = f"{recipe.network.kind} {shape}, {values} values, batch {training.batch_size}"
    return f"{called} {blake2b(json.dumps(said, sort_keys=True).encode(), digest_size=8).hexdigest()}"


def known_speeds() -> dict[str, Speed]:
    """What is kept of this machine, by `key_of`; nothing where it is damaged, since it is only measured again."""
    path = cache_folder() / _FILE
    try:
        said = read_sealed(path, inside=cache_folder(), mend="it is made anew")
        return {key: Speed.model_validate(speed) for key, speed in said["speeds"].items()}
    except (NoisetteError, OSError, ValueError, KeyError, AttributeError):
        return {}


def with_speed(known: Mapping[str, Speed], key: str, speed: Speed) -> dict[str, Speed]:
    """What is known with one more speed, the newest last; no measurement takes the place of a training."""
    if speed.by == "measurement" and key in known and known[key].by == "training":
        return dict(known)
    rest = {name: each for name, each in known.items() if name != key}
    return dict([*rest.items(), (key, speed)][-_MOST_KEPT:])


def keep_speed(key: str, speed: Speed) -> None:
    """Keep a speed for the next estimate; without a cache that can be written nothing is kept."""
    path = cache_folder() / _FILE
    try:
        with locked(path):
            speeds = with_speed(known_speeds(), key, speed)
            kept = {name: each.model_dump() for name, each in speeds.items()}
            write_text(path, json.dumps(sealed({"speeds": kept}), indent=1) + "\n")
    except (NoisetteError, OSError):
        return


def expected(speed: Speed, budget: Budget, batch: int) -> Expected:
    """What a training of a length is expected to take.

    Args:
        speed: How fast it should be.
        budget: Its length.
        batch: Images in a step.
    """
    rate = speed.images_per_second / batch
    steps = budget.steps if budget.steps is not None else int(rate * (budget.seconds or 0.0))
    seconds = budget.seconds if budget.seconds is not None else steps / rate
    return Expected(
        images_per_second=speed.images_per_second,
        by=speed.by,
        steps=min(steps, MOST_STEPS),
        seconds=min(seconds, MOST_SECONDS),
    )


def compared(before: Expected, taken: Taken, budget: Budget) -> str | None:
    """What was expected of a training and what it took, in a line.

    Args:
        before: What was expected.
        taken: What it took.
        budget: Its length at the end; under one of time it took that, and more or fewer steps.

    Returns:
        The line; None of a training that was made longer meanwhile.

    Examples:
        >>> before = Expected(images_per_second=32.0, by="training", steps=1500, seconds=1500.0)
        >>> compared(before, Taken(1500, 1860.0), Budget(steps=1500))
        'expected 25 min, took 31 min, both from the first step on'
        >>> compared(before, Taken(1210, 1500.0), Budget(seconds=1500.0))
        'expected 1,500 steps in 25 min, took 1,210'
    """
    if budget not in (Budget(steps=before.steps), Budget(seconds=before.seconds)):
        return None
    if budget.seconds is not None:
        return f"expected {before.steps:,} steps in {_minutes(before.seconds)}, took {taken.steps:,}"
    return f"expected {_minutes(before.seconds)}, took {_minutes(taken.seconds)}, both from the first step on"


def learned(taken: Taken, batch: int) -> Speed | None:
    """How fast the next such training will be; None where this one was too short to tell.

    Args:
        taken: What it took.
        batch: Images in a step.
    """
    if taken.seconds < _TELLING or not taken.steps:
        return None
    return Speed(images_per_second=taken.steps * batch / taken.seconds, by="training")


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"
