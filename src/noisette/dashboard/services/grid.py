"""An X/Y grid over any two settings: which values, what each cell is asked for, and drawing them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noisette.config.names import VARIATION
from noisette.dashboard.services.draw_queue import Report
from noisette.dashboard.services.drawing import SAMPLERS_WITH_CHURN, check_cell, draw, understand
from noisette.dashboard.services.open_model import OpenModel
from noisette.dashboard.services.options import guidance_range
from noisette.errors import RequestError
from noisette.inference.generator import Generator
from noisette.inference.request import Request
from noisette.sampling.settings import Variation

Table = Sequence[Sequence[Request | None]]
"""What each cell is asked for, row by row; None where it cannot be."""

MOST_CELLS, MOST_STEPS = 100, 1000
SETTINGS = {
    "guidance": "1, 1.5, 2.5, 4",
    "steps": "1, 2, 5, 10, 25",
    "seed": "0, 1, 2",
    "sampler": "ddim, dpmpp-2m, unipc, ddpm",
    "spacing": "time, log-snr, karras",
    "eta": "0, 0.5, 1",
    "churn": "0, 5, 20",
    "variation": "0, 0.1, 0.2, 0.4, 1",
    "exclusion": "0, 0.2, 0.4, 0.8",
}
"""What a grid can be over besides attributes, with its values at first."""

_COMPARED = ("1", "1.5", "2.5", "4", "6")
"""Guidance scales that are shown side by side."""
_COMPARED_SEEDS = 4


@dataclass(frozen=True)
class Axis:
    """One direction of a grid.

    Args:
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
    conditional, facts = model.generator.model.recipe.conditional, model.facts
    return [
        *(name for name in SETTINGS if conditional or name not in ("guidance", "exclusion")),
        *facts["choices"],
        *facts["groups"],
        *facts["flags"],
    ]


def default_values(name: str, model: OpenModel) -> str:
    """The values of an axis at first, as a person would write them."""
    if name == "guidance":
        return ", ".join(_offered(SETTINGS[name].split(", "), model))
    if name in SETTINGS:
        return SETTINGS[name]
    counts: Mapping[str, int] = model.facts["choices"].get(name) or model.facts["groups"].get(name) or {}
    common = sorted(counts, key=lambda each: -counts[each])[:5]
    return ", ".join(common) if common else "yes, no"


def guidance_axes(request: Request, model: OpenModel) -> tuple[Axis, Axis]:
    """The grid that shows what guidance does: the first seeds of a request at several scales."""
    seeds = tuple(map(str, request.seeds[:_COMPARED_SEEDS]))
    return Axis("guidance", _offered(_COMPARED, model)), Axis("seed", seeds)


def parse_axis(name: str, text: str) -> Axis:
    """An axis from what a person wrote, with commas between the values.

    Raises:
        RequestError: There are no values.
    """
    values = tuple(dict.fromkeys(filter(None, (part.strip() for part in text.split(",")))))
    if not values:
        raise RequestError(f"give the values of {name}, with commas between")
    return Axis(name, values)


def plan_grid(
    request: Request, selected: Mapping[str, str], generator: Generator, across: Axis, down: Axis
) -> list[list[Request | None]]:
    """What each cell is asked for.

    Args:
        request: What all cells have in common; of its seeds the first.
        selected: What is asked for by choice, group and flag, as a person writes it.
        generator: Of the model.
        across: The columns.
        down: The rows.

    Returns:
        The requests row by row; None where a cell cannot be.

    Raises:
        RequestError: No cell can be, or there are too many.
    """
    if across.name == down.name:
        raise RequestError(f"both axes are {across.name}; choose another for one of them")
    if len(across.values) * len(down.values) > MOST_CELLS:
        raise RequestError(
            f"{len(across.values) * len(down.values)} cells are too many; a grid has at most {MOST_CELLS}"
        )
    alone = request.alone(0)
    refused: list[RequestError] = []

    def cell(row: str, column: str) -> Request | None:
        try:
            return _cell(alone, dict(selected), generator, {down.name: row, across.name: column})
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
    flat = [request for row in table for request in row]
    cells = {place: request for place, request in enumerate(flat) if request is not None}
    batches: list[list[int]] = []
    for place, request in cells.items():
        same = next((batch for batch in batches if _alike(cells[batch[0]], request)), None)
        if same is None:
            batches.append([place])
        else:
            same.append(place)
    side = generator.model.side
    images = np.full((len(flat), generator.model.recipe.dataset.image_channels, side, side), 255, np.uint8)
    for number, batch in enumerate(batches):

        def progress(done: int, total: int, number: int = number) -> None:
            report(images.copy(), (number + done / total) / len(batches))

        images[batch] = draw(generator, _together([cells[place] for place in batch]), progress)
    return images.reshape(len(table), len(table[0]), *images.shape[1:])


def _offered(scales: Sequence[str], model: OpenModel) -> tuple[str, ...]:
    """Those of some guidance scales that a model can take."""
    low, high = guidance_range(model.generator)
    return tuple(scale for scale in scales if low <= float(scale) <= high)


def _cell(request: Request, selected: dict[str, str], generator: Generator, values: Mapping[str, str]) -> Request:
    for name, value in values.items():
        if name not in SETTINGS:
            selected[name] = f"no {name}" if value in ("no", "none") else name if value == "yes" else f"{name}={value}"
    attributes, _ = understand(generator, ", ".join(selected.values()))
    changed = request.model_copy(update={"attributes": attributes})
    for name, value in sorted(values.items(), key=lambda each: _ORDER.index(each[0]) if each[0] in _ORDER else -1):
        if name == "sampler":
            same = value == changed.sampling.sampler
            other = changed.sampling if same else generator.choices.sampling(value)
            changed = _with_sampling(changed, sampler=value, eta=other.eta, churn=other.churn)
        elif name == "spacing":
            changed = _with_sampling(changed, spacing=value)
        elif name in SETTINGS:
            changed = _CHANGES[name](changed, _number(name, value))
            _check_sampler_takes(name, changed)
    checked = check_cell(generator, changed)
    if "exclusion" in values and checked.sampling.complete:
        raise RequestError(
            "what is left open is filled in without the negative attributes, however strong they are; switch that off"
            " to compare strengths"
        )
    return checked


def _check_sampler_takes(name: str, request: Request) -> None:
    """Refuse a setting that belongs to other samplers: columns would be equal without a word."""
    owners = {"eta": ("ddim",), "churn": SAMPLERS_WITH_CHURN}.get(name)
    if owners is not None and request.sampling.sampler not in owners:
        raise RequestError(f"{name} is a setting of {' and '.join(owners)}; {request.sampling.sampler} has none")


_ORDER = ("seed", "sampler", "eta", "churn", "variation")
"""Which is changed before which: a variation is around the seed of its cell."""


def _number(name: str, value: str) -> float | int:
    try:
        number = int(value) if name in ("steps", "seed") else float(value)
    except ValueError as error:
        raise RequestError(f"{name} cannot be {value}; give numbers, with commas between") from error
    if name == "steps" and number > MOST_STEPS:
        raise RequestError(f"a grid is drawn in at most {MOST_STEPS} steps, not {value}")
    return number


def _with_sampling(request: Request, **changes: Any) -> Request:
    """Without the optimised timesteps, which are others for another number of steps."""
    return request.model_copy(update={"sampling": replace(request.sampling, times=(), **changes)})


def _with_guidance(request: Request, **changes: Any) -> Request:
    return _with_sampling(request, guidance=replace(request.sampling.guidance, **changes))


def _with_variation(request: Request, strength: float) -> Request:
    """Around its own seed, towards the one after it."""
    around = request.variation or Variation(request.seeds[0], VARIATION)
    seed = request.seeds[0] if request.variation else request.seeds[0] + 1
    return request.model_copy(update={"seeds": (seed,), "variation": replace(around, strength=strength)})


_CHANGES: dict[str, Callable[[Request, Any], Request]] = {
    "guidance": lambda request, scale: _with_guidance(request, scale=scale),
    "steps": lambda request, steps: _with_sampling(request, steps=steps),
    "seed": lambda request, seed: request.model_copy(update={"seeds": (seed,)}),
    "eta": lambda request, eta: _with_sampling(request, eta=eta),
    "churn": lambda request, churn: _with_sampling(request, churn=churn),
    "variation": _with_variation,
    "exclusion": lambda request, strength: _with_guidance(
        request, excluded=dict.fromkeys(request.sampling.guidance.excluded, strength)
    ),
}


def _together(requests: Sequence[Request]) -> Request:
    """One request for what differs in nothing but seeds and attributes."""
    all_open = all(request.attributes is None for request in requests)
    return requests[0].model_copy(
        update={
            "seeds": tuple(request.seeds[0] for request in requests),
            "attributes": None if all_open else tuple(request.attributes or {} for request in requests),
        }
    )


def _alike(one: Request, other: Request) -> bool:
    asks = (one.attributes is None) == (other.attributes is None)
    return asks and one.sampling == other.sampling and one.variation == other.variation
