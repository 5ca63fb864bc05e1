"""What a person set of a drawing, checked against what a model can do."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, get_args

import numpy as np

from noisette.attributes.parsing import attribute_behind, places
from noisette.attributes.schema import AttributeSchema, Value
from noisette.config.names import EXCLUSION, STRONGEST, DrawnSpacing, SamplerName
from noisette.config.recipe import Recipe
from noisette.errors import RequestError, nearest
from noisette.sampling.presets import Qualities, Quality, QualityName
from noisette.sampling.settings import CHURNED, Guidance, Sampling, Variation, usual_sampling

_MOST_STEPS = 10_000
"""Of a continuous schedule: far past any use, and a picture cannot ask for an endless drawing."""

_OF_STUDENTS = ("ddim", "lcm")
"""Samplers for a student: they ask for its image at the few levels that it learned, and for nothing between."""


@dataclass(frozen=True)
class Choices:
    """What can be chosen for the drawings of a model.

    name: of the model, for messages. levels: of its schedule; None of a continuous one. schema: what can be asked of
    it. qualities: settings that were found to be enough.
    """

    name: str
    recipe: Recipe
    levels: int | None
    schema: AttributeSchema
    qualities: Qualities | None

    def sampling(
        self,
        sampler: str | None = None,
        steps: int | None = None,
        eta: float | None = None,
        *,
        guidance: float | None = None,
        interval: tuple[float, float] | None = None,
        rescale: float | None = None,
        weights: Mapping[str, float] | None = None,
        excluded: Mapping[str, float] | None = None,
        complete: bool | None = None,
        spacing: str | None = None,
        churn: float | None = None,
        quality: str | None = None,
        times: Sequence[float] | None = None,
    ) -> Sampling:
        """What is given, and what the recipe says for the rest, or else the table of qualities. Raises RequestError
        where it cannot be.

        times: of a fitted spacing, the levels as a picture has them; those of the table unless given.
        """
        usual = usual_sampling(self.recipe.samples)
        if quality is not None:
            enough = self._quality(quality)
            guidance_ = replace(usual.guidance, scale=enough.guidance)
            usual = replace(
                usual,
                sampler=enough.sampler,
                steps=enough.steps,
                spacing=enough.spacing,
                eta=0.0,
                churn=0.0,
                guidance=guidance_,
            )
        name = _one_of("sampler", usual.sampler if sampler is None else sampler, get_args(SamplerName))
        places_ = _one_of("spacing", usual.spacing if spacing is None else spacing, get_args(DrawnSpacing))
        steps = None if steps is None else _whole("steps", steps)
        eta = None if eta is None else _number("eta", eta)
        churn = None if churn is None else _number("churn", churn)
        if eta is not None and name != "ddim":
            raise RequestError(f"eta is a setting of ddim; {name} has none")
        if eta is not None and not 0 <= eta <= 1:
            raise RequestError(f"eta must lie between 0 and 1, not {eta:g}")
        if churn is not None and name not in CHURNED:
            raise RequestError(f"churn is a setting of {' and '.join(CHURNED)}; {name} has none")
        if churn is not None and not 0 <= churn < math.inf:
            raise RequestError(f"churn must be 0 or more, and finite, not {churn:g}")
        count = usual.steps if steps is None else steps
        most = self.levels
        if not 1 <= count <= (most or _MOST_STEPS):
            allowed = f"1 to {most or _MOST_STEPS}" + (", the noise levels of this model" if most else "")
            raise RequestError(f"steps must be {allowed}, not {count}")
        student = self.recipe.distillation
        if student is not None and (name not in _OF_STUDENTS or places_ != "time" or student.evaluations % count):
            learned = f"{student.evaluations} level{'s evenly in time' if student.evaluations > 1 else ''}"
            raise RequestError(
                f"{self.name} is a student of {learned}; draw in as many steps, or a part of them, by"
                f" {' or '.join(_OF_STUDENTS)}"
            )
        guides = Guidance(
            usual.guidance.scale if guidance is None else _number("guidance", guidance),
            usual.guidance.interval if interval is None else _pair(interval),
            usual.guidance.rescale if rescale is None else _number("rescale", rescale),
            self._once("weights", weights, self._weighted),
            self._once("excluded", excluded, self._excluded),
        )
        self._check(guides)
        if complete is not None and not isinstance(complete, bool):
            raise RequestError(f"complete is True or False, not {complete!r}")
        if complete and not self.recipe.conditional:
            raise RequestError(
                f"{self.name} was trained without attributes, so no request can be completed; leave complete out"
            )
        eta = (usual.eta if eta is None else eta) if name == "ddim" else float(name == "ddpm")
        churn = (usual.churn if churn is None else churn) if name in CHURNED else 0.0
        filled = self.recipe.conditional and (usual.complete if complete is None else complete)
        visited = self._fitted(count, times) if places_ == "fitted" else ()
        return Sampling(name, count, eta, guides, filled, places_, churn, visited)  # type: ignore[arg-type]

    def _quality(self, name: str) -> Quality:
        chosen = _one_of("quality", name, get_args(QualityName))
        if self.recipe.distillation is not None:
            raise RequestError(f"{self.name} is a student, which draws as it learned; leave the quality out")
        if self.qualities is None:
            raise RequestError(
                f"{self.name} has no table of qualities for its weights; `noisette tune {self.name}` makes one, or say"
                " --steps"
            )
        return self.qualities.named(chosen)  # type: ignore[arg-type]

    def _fitted(self, count: int, times: Sequence[float] | None) -> tuple[float, ...]:
        if times is None:
            if self.qualities is None:
                raise RequestError(
                    f"{self.name} has no levels fitted to its weights; `noisette tune {self.name}` finds them, or say"
                    " spacing time"
                )
            if count not in self.qualities.fitted:
                raise RequestError(
                    f"fitted levels are there for 1 to {max(self.qualities.fitted)} steps, not {count}; say spacing"
                    " time"
                )
            times = self.qualities.fitted[count]
        descending = (
            len(times) == count and times[0] == 1 and all(later < earlier for earlier, later in pairwise([*times, 0.0]))
        )
        if not descending or not all(self.levels is None or _is_level(time * self.levels) for time in times):
            raise RequestError(
                f"the fitted levels are not {count} of {self.name}; the picture or the table that they are from was"
                " changed"
            )
        return tuple(times)

    @staticmethod
    def _once(what: str, amounts: Mapping[str, float] | None, meaning: Callable[[str], str]) -> dict[str, float]:
        """By what each name stands for. Raises RequestError where two stand for the same."""
        if not isinstance(amounts, Mapping | None):
            raise RequestError(f"{what} map names to numbers, such as {{'Earring': 2}}, not {type(amounts).__name__}")
        found: dict[str, tuple[str, float]] = {}
        for name, amount in (amounts or {}).items():
            if not isinstance(name, str):
                raise RequestError(f"the names in {what} are text, not {name!r}")
            if (meant := meaning(name)) in found:
                raise RequestError(f"{found[meant][0]} and {name} stand for the same; give one of them")
            found[meant] = name, _number(name, amount)
        return {meant: amount for meant, (_, amount) in found.items()}

    def _weighted(self, name: str) -> str:
        """A group is followed as one."""
        attribute = attribute_behind(name, self.schema)
        return next((group.name for group in self.schema.groups if attribute in group.members), attribute)

    def _excluded(self, name: str) -> str:
        """A flag by its name, an option with its choice: Beard=None."""
        [(attribute, value)] = places([name], self.schema)
        return attribute if value is True else f"{attribute}={value}"

    def check_guidance(self, guidance: Guidance, values: Mapping[str, Value], *, alone: bool = True) -> None:
        """Raises RequestError for guidance that works against what is asked for, or, of a request alone, has nothing to
        work on.
        """
        for name in guidance.excluded:
            flag, _, option = name.partition("=")
            if values.get(flag) == (option or True):
                raise RequestError(f"{name} is excluded, and is asked for or follows from what is; drop one")
        mentioned = {self._weighted(name) for name in values}
        for name in guidance.weights if alone else ():
            if name not in mentioned:
                raise RequestError(
                    f"{name} has a weight, but nothing is asked of it; ask for it, or leave the weight out"
                )

    def _check(self, guidance: Guidance) -> None:
        low, high = guidance.interval
        for name, amount in {"guidance": guidance.scale, **guidance.weights}.items():
            if not 0 <= amount <= STRONGEST:
                raise RequestError(
                    f"{name} = {amount:g}: a scale lies between 0 and {STRONGEST:g}, and 1 is the plain request"
                )
        for name, amount in guidance.excluded.items():
            if not 0 <= amount <= STRONGEST:
                raise RequestError(
                    f"{name} = {amount:g}: the strength of an exclusion lies between 0 and {STRONGEST:g}; {EXCLUSION}"
                    " is a start"
                )
        if not 0 <= low <= high <= 1:
            raise RequestError(
                f"guidance works between two noise levels from 0 to 1, the lower first, not {low:g} and {high:g}"
            )
        if not 0 <= guidance.rescale <= 1:
            raise RequestError(f"rescale must lie between 0 and 1, not {guidance.rescale:g}")
        if not self.recipe.conditional and guidance != Guidance():
            raise RequestError(
                f"{self.name} was trained without attributes, so there is nothing to guide by; leave guidance out"
            )
        condition = self.recipe.condition
        student = self.recipe.distillation
        if student is not None and condition.drop_all == 0 and not student.scaled and guidance.scale != 1:
            raise RequestError(
                f"{self.name} is a student of scale 1, not {guidance.scale:g}; distil with --guidance for more"
            )
        if condition.drop_all == 0 and guidance.scale != 1 and not (student is not None and student.scaled):
            raise RequestError(
                f"{self.name} never learned to draw without a request (condition.drop_all = 0), which guidance needs;"
                " use 1"
            )
        if student is not None and student.scaled:
            self._check_learned(guidance, *student.guidance)
        if (
            guidance.weights
            and (condition.null == "single" or condition.drop_each == 0)
            and len(self.schema.attributes) > 1
        ):
            raise RequestError(
                f"{self.name} never learned to forget one attribute (condition.drop_each = 0); leave the weights out"
            )

    def _check_learned(self, guidance: Guidance, low: float, high: float) -> None:
        """Of a student that was told the scale."""
        if not low <= guidance.scale <= high:
            raise RequestError(
                f"{self.name} is a student of scales from {low:g} to {high:g}, not {guidance.scale:g}; distil with"
                " another --guidance"
            )
        if guidance.weights or guidance.rescale or guidance.interval != (0.0, 1.0):
            raise RequestError(
                f"{self.name} is a student that learned guidance by its scale alone; leave weights, interval and"
                " rescale out"
            )


def variation_around(around: tuple[int, float] | None) -> Variation | None:
    """A seed, and how far from its image. Raises RequestError where it cannot be."""
    if around is None:
        return None
    if not isinstance(around, Sequence) or isinstance(around, str) or len(around) != 2:
        raise RequestError(f"a variation is a seed and a strength from 0 to 1, such as (7, 0.3), not {around!r}")
    [seed], strength = whole_seeds([around[0]]), _number("the strength of a variation", around[1])
    if not 0 <= strength <= 1:
        raise RequestError(
            f"the strength of a variation lies between 0, the same image, and 1, any other; not {strength:g}"
        )
    return Variation(seed, strength)


def whole_seeds(seeds: Any) -> list[int]:
    """Raises RequestError for anything but whole numbers that a generator of random numbers takes."""
    if not isinstance(seeds, Sequence | np.ndarray) or isinstance(seeds, str | bytes):
        raise RequestError(
            f"seeds are a sequence of whole numbers, one for each image, such as range(4), not {seeds!r}"
        )
    if not len(seeds):
        raise RequestError("give at least one seed")
    if not all(isinstance(seed, int | np.integer) and 0 <= seed < 2**63 for seed in seeds):
        raise RequestError("a seed must be a whole number, 0 or more, and below 2**63")
    return [int(seed) for seed in seeds]


def _one_of(what: str, name: Any, names: Sequence[str]) -> str:
    if not isinstance(name, str):
        raise RequestError(f"a {what} is a name, not {name!r}")
    if name not in names:
        raise RequestError(f'no {what} "{name}"{nearest(name, names)}; there are {", ".join(names)}')
    return name


def _whole(name: str, value: Any) -> int:
    if not isinstance(value, int | np.integer) or isinstance(value, bool):
        raise RequestError(f"{name} must be a whole number, not {value!r}")
    return int(value)


def _is_level(number: float) -> bool:
    return round(number) >= 1 and abs(number - round(number)) < 1e-6


def _number(name: str, value: Any) -> float:
    if not isinstance(value, int | float | np.integer | np.floating) or isinstance(value, bool):
        raise RequestError(f"{name} must be a number, not {value!r}")
    try:
        return float(value)
    except OverflowError as error:
        raise RequestError(f"{name} is too large") from error


def _pair(interval: Any) -> tuple[float, float]:
    if not isinstance(interval, Sequence) or isinstance(interval, str) or len(interval) != 2:
        raise RequestError(f"interval is two noise levels from 0 to 1, such as (0.2, 0.8), not {interval!r}")
    low, high = (_number("interval", level) for level in interval)
    return low, high
