"""What there is to choose from, by name, with what each choice takes and costs. Nothing here loads PyTorch.

A new sampler is a function beside the others and one entry of `SAMPLERS`: recipes, the command line, the dashboard and
sweeps read their names, helps and limits from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

ScheduleName = Literal["linear", "linear-scaled", "cosine", "sigmoid", "masked"]
RegressionTarget = Literal["noise", "image", "velocity"]
Target = Literal[RegressionTarget, "palette"]
Weighting = Literal["plain", "min-snr", "clamped-snr"]
RuleSpacing = Literal["time", "log-snr", "karras"]
"""Which noise levels the steps visit, by a rule, so that a recipe may name it before anything is trained."""
Spacing = Literal[RuleSpacing, "fitted"]
"""And those of an optimised step schedule, which is found for a trained model."""


def _once_a_step(steps: int) -> int:
    return steps


def _twice_but_last(steps: int) -> int:
    return 2 * steps - 1


@dataclass(frozen=True)
class SamplerTraits:
    """What is said of a sampler before it is loaded.

    Attributes:
        function: Where it is, as module:name; a `noisette.diffusion.samplers.Sampler`.
        summary: What it is, in a line.
        takes: Settings of a drawing that are its own, such as eta.
        fixed: Settings that it has by its nature, and that nobody can change.
        stochastic: Whether it adds fresh noise whatever the settings are.
        nfe: From the number of steps to the network evaluations for an image.
        distilled: Whether it asks for images at its levels alone, and so can draw with a distilled model.
        masked: Whether it shows hidden pixels: so it draws with models of the masked schedule, as no other can.
    """

    function: str
    summary: str
    takes: tuple[str, ...] = ()
    fixed: Mapping[str, float] = field(default_factory=dict)
    stochastic: bool = False
    nfe: Callable[[int], int] = _once_a_step
    distilled: bool = False
    masked: bool = False


_ONE, _MANY = "noisette.diffusion.samplers", "noisette.diffusion.multistep"

SAMPLERS: dict[str, SamplerTraits] = {
    "ddim": SamplerTraits(f"{_ONE}:ddim", "DDIM (Song et al. 2021)", takes=("eta",), distilled=True),
    "ddpm": SamplerTraits(f"{_ONE}:ddpm", "ancestral (Ho et al. 2020)", fixed={"eta": 1.0}, stochastic=True),
    "euler": SamplerTraits(f"{_ONE}:euler", "Euler (Karras et al. 2022)", takes=("churn",)),
    "heun": SamplerTraits(f"{_ONE}:heun", "Heun (Karras et al. 2022)", takes=("churn",), nfe=_twice_but_last),
    "dpmpp-2m": SamplerTraits(f"{_MANY}:dpmpp_2m", "DPM-Solver++ 2M (Lu et al. 2022)"),
    "dpmpp-2m-sde": SamplerTraits(f"{_MANY}:dpmpp_2m_sde", "the same with fresh noise", stochastic=True),
    "dpmpp-3m-sde": SamplerTraits(
        f"{_MANY}:dpmpp_3m_sde", "through three estimates, with fresh noise", stochastic=True
    ),
    "unipc": SamplerTraits(f"{_MANY}:unipc", "UniPC (Zhao et al. 2023)"),
    "deis": SamplerTraits(f"{_MANY}:deis", "DEIS (Zhang and Chen 2023)"),
    "lcm": SamplerTraits(f"{_ONE}:lcm", "for distilled models (Song et al. 2023)", stochastic=True, distilled=True),
    "unmask": SamplerTraits(
        "noisette.diffusion.unmasking:unmask",
        "for masked models, pixel after pixel (Ben-Hamu et al. 2025)",
        stochastic=True,
        masked=True,
    ),
}
"""The samplers, in the order in which they are listed."""

if TYPE_CHECKING:
    SamplerName = str
else:
    SamplerName = Literal[tuple(SAMPLERS)]  # derived, so that no list of them is written twice


def takers(setting: str) -> tuple[str, ...]:
    """The samplers that take a setting of their own.

    Args:
        setting: Such as churn.

    Returns:
        Their names.
    """
    return tuple(name for name, traits in SAMPLERS.items() if setting in traits.takes)


def samplers_for(schedule: str) -> tuple[str, ...]:
    """The samplers that draw with models of a schedule.

    Args:
        schedule: Its name.

    Returns:
        Their names, the usual one first.
    """
    return tuple(name for name, traits in SAMPLERS.items() if traits.masked == (schedule == "masked"))


MOST_STEPS = 10_000
"""Steps on a continuous schedule: far past any use, and a picture cannot ask for an endless drawing."""

_MOST_STEPS = {"cosine": 2_800}
"""Of continuous schedules that are clipped where hardly any image is left: in more steps the first two would have the
same noise, as far as numbers can tell.
"""


def most_steps(schedule: str, levels: int | None) -> int:
    """In how many steps a sampler can visit a schedule at most.

    Args:
        schedule: Its name.
        levels: T of a discrete schedule, None of a continuous one.

    Returns:
        1 and up.
    """
    return levels or _MOST_STEPS.get(schedule, MOST_STEPS)


OWNED = tuple(dict.fromkeys(setting for traits in SAMPLERS.values() for setting in traits.takes))
"""The settings that some samplers have and others have not; 0 is without effect."""
