"""An X/Y grid over any two settings: which values, the plan of each cell, and drawing them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noisette.attributes.names import parts_of, quoted
from noisette.config.names import VARIATION
from noisette.config.sampling import SETTINGS, SWEPT, SamplingSettings, Setting
from noisette.dashboard.services.draw_queue import Report
from noisette.dashboard.services.open_model import OpenModel
from noisette.dashboard.services.options import limits, settable
from noisette.diffusion.registry import OWNED, SAMPLERS, takers
from noisette.errors import RequestError
from noisette.inference.generator import Generator
from noisette.inference.plan import Plan, Start, alike, joined

Table = Sequence[Sequence[Plan | None]]
"""The plan of each cell, row by row; None where it cannot be."""

MOST_CELLS, MOST_STEPS = 100, 1000

_OWN = {"seed": "0, 1, 2", "variation": "0, 0.1, 0.2, 0.4, 1", "exclusion": "0, 0.2, 0.4, 0.8"}
"""What a grid can be over besides settings and attributes, with its values at first; an exclusion has a strength."""
_AT_FIRST = {
    "sampler": "ddim, dpmpp-2m, unipc, ddpm",
    "steps": "1, 2, 5, 10, 25",
    "spacing": "time, log-snr, karras",
    "churn": "0, 5, 20",
    "guidance": "1, 1.5, 2.5, 4",
    **_OWN,
}
"""Values that show much; those of other settings follow from their limits."""

_COMPARED = ("1", "1.5", "2.5", "4", "6")
"""Guidance scales that are shown side by side."""
_COMPARED_SEEDS = 4


@dataclass(frozen=True)
class Axis:
    """One direction of a grid.

    Attributes:
        name: A setting, or a choice, a group or a flag of the model.
        values: As a person writes them.
    """

    name: str
    values: tuple[str, ...]

    @property
    def labels(self) -> list[str]:
        """What stands beside each row, or over each column."""
        return [value if value.startswith("no ") else f"{self.name} {value}" for value in self.values]


def axis_names(model: OpenModel) -> list[str]:
    """All that a grid of a model can be over."""
    generator, facts = model.generator, model.facts
    return [
        *(name for name in SWEPT if settable(name, generator)),
        *(name for name in _OWN if name != "exclusion" or settable("negative", generator)),
        *facts["choices"],
        *facts["groups"],
        *facts["flags"],
    ]


def default_values(name: str, model: OpenModel) -> str:
    """The values of an axis at first, as a person would write them."""
    if name == "guidance":
        return ", ".join(_offered(_AT_FIRST[name].split(", "), model))
    if name in _AT_FIRST:
        return _AT_FIRST[name]
    if name in SWEPT:
        return ", ".join(_values_of(SWEPT[name]))
    counts: Mapping[str, int] = model.facts["choices"].get(name) or model.facts["groups"].get(name) or {}
    common = sorted(counts, key=lambda each: -counts[each])[:5]
    return ", ".join(map(quoted, common)) if common else "yes, no"


def guidance_axes(plan: Plan, model: OpenModel) -> tuple[Axis, Axis]:
    """The grid that shows what guidance does: the first seeds of a plan at several scales."""
    seeds = tuple(map(str, plan.seeds[:_COMPARED_SEEDS]))
    return Axis("guidance", _offered(_COMPARED, model)), Axis("seed", seeds)


def parse_axis(name: str, text: str) -> Axis:
    """An axis from what a person wrote, with commas between the values.

    Raises:
        RequestError: There are no values.
    """
    values = tuple(dict.fromkeys(parts_of(text)))
    if not values:
        raise RequestError(f"give the values of {name}, with commas between")
    return Axis(name, values)


def plan_grid(
    plan: Plan, selected: Mapping[str, str], generator: Generator, across: Axis, down: Axis
) -> list[list[Plan | None]]:
    """A plan for each cell.

    Args:
        plan: What all cells have in common; of its seeds the first.
        selected: What is asked for by choice, group and flag, as a person writes it.
        generator: Of the model.
        across: The columns.
        down: The rows.

    Returns:
        The plans row by row; None where a cell cannot be.

    Raises:
        RequestError: No cell can be, or there are too many.
    """
    if across.name == down.name:
        raise RequestError(f"both axes are {across.name}; choose another for one of them")
    if len(across.values) * len(down.values) > MOST_CELLS:
        raise RequestError(
            f"{len(across.values) * len(down.values)} cells are too many; a grid has at most {MOST_CELLS}"
        )
    refused: list[RequestError] = []

    def cell(row: str, column: str) -> Plan | None:
        try:
            return _cell(plan, selected, generator, {down.name: row, across.name: column})
        except RequestError as error:
            refused.append(error)
            return None

    table = [[cell(row, column) for column in across.values] for row in down.values]
    if not any(each for row in table for each in row):
        raise refused[0]
    return table


def draw_grid(generator: Generator, table: Table, report: Report) -> NDArray[np.uint8]:
    """Draw all cells; those that differ in nothing but seeds and attributes are drawn together.

    Args:
        generator: Of the model.
        table: R rows of K cells.
        report: Called with the images so far, (R * K, C, H, W), white where there are none yet.

    Returns:
        (R, K, C, H, W)
    """
    flat = [plan for row in table for plan in row]
    cells = {place: plan for place, plan in enumerate(flat) if plan is not None}
    batches: list[list[int]] = []
    for place, plan in cells.items():
        same = next((batch for batch in batches if alike(cells[batch[0]], plan)), None)
        if same is None:
            batches.append([place])
        else:
            same.append(place)
    images = np.full((len(flat), *generator.model.drawn_shape), 255, np.uint8)
    for number, batch in enumerate(batches):

        def progress(done: int, total: int, number: int = number) -> None:
            report(images.copy(), (number + done / total) / len(batches))

        images[batch] = generator.draw(joined([cells[place] for place in batch]), progress=progress)
    return images.reshape(len(table), len(table[0]), *images.shape[1:])


def _offered(scales: Sequence[str], model: OpenModel) -> tuple[str, ...]:
    """Those of some guidance scales that a model can take."""
    low, high = limits("guidance", model.generator)
    return tuple(scale for scale in scales if (low or 0) <= float(scale) <= (high or 0))


def _values_of(setting: Setting) -> tuple[str, ...]:
    """All names, or the least, the middle and the greatest number."""
    low, high = setting.limits
    if setting.choices:
        return setting.choices
    if low is None or high is None:
        return (f"{setting.field.get_default():g}",)
    return tuple(f"{setting.kind(value):g}" for value in (low, (low + high) / 2, high))


def _cell(plan: Plan, selected: Mapping[str, str], generator: Generator, values: Mapping[str, str]) -> Plan:
    asked = dict(selected)
    for name, value in values.items():
        if name not in SWEPT and name not in _OWN:
            asked[name] = f"{quoted(name)}={value}"
    settings = _settings(plan.sampling, values)
    seed, start = _seed_and_start(plan, values)
    if "exclusion" in values and settings.impute:
        raise RequestError(
            "unspecified attributes are imputed without the negative ones, however strong they are; switch imputation"
            " off to compare strengths"
        )
    # One request of several: a weight may be of what another cell asks for.
    request = [", ".join(asked.values())] if asked else None
    return generator.plan(request, seeds=[seed], settings=settings, start=start).alone(0)


def _settings(sampling: SamplingSettings, values: Mapping[str, str]) -> SamplingSettings:
    """The settings of a cell. What another sampler, or another number of steps, has of its own is as the model says."""
    given = sampling.flat()
    del given["times"]
    if values.get("sampler", sampling.sampler) != sampling.sampler:
        for name in OWNED:
            del given[name]
    for name, value in values.items():
        if name in SWEPT:
            given[name] = value if SWEPT[name].choices else _number(name, value)
        elif name == "exclusion":
            given["negative"] = dict.fromkeys(sampling.guidance.negative, _number(name, value))
    settings = SamplingSettings.of(**given)
    for name in OWNED:  # refused even where it is without effect: columns would be equal without a word
        if name in values and name not in SAMPLERS[settings.sampler].takes:
            raise RequestError(f"{name} is a setting of {' and '.join(takers(name))}; {settings.sampler} has none")
    return settings


def _seed_and_start(plan: Plan, values: Mapping[str, str]) -> tuple[Any, Start]:
    """Where a cell starts. A variation is around the seed of its cell, towards the one after it."""
    seed, start = plan.seeds[0], plan.start
    if "seed" in values:
        seed = int(_number("seed", values["seed"]))
    if "variation" in values:
        strength = _number("variation", values["variation"])
        if start.around is None:
            seed, start = seed + 1, Start.of((seed, VARIATION))
        start = Start.of((start.around, strength))
    return seed, start


def _number(name: str, value: str) -> float | int:
    kind = int if name == "seed" or (name in SETTINGS and SETTINGS[name].kind is int) else float
    try:
        number = kind(value)
    except ValueError as error:
        raise RequestError(f"{name} cannot be {value}; give numbers, with commas between") from error
    if name == "steps" and number > MOST_STEPS:
        raise RequestError(f"a grid is drawn in at most {MOST_STEPS} steps, not {value}")
    return number
