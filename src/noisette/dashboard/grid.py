"""A grid over any two settings: which values, what each cell is asked for, and drawing them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noisette.config.names import VARIATION
from noisette.dashboard.boxes import Boxes
from noisette.dashboard.settings import scales_of
from noisette.errors import RequestError
from noisette.inference.generator import Generator
from noisette.inference.render import check, draw
from noisette.inference.request import Request
from noisette.sampling.settings import CHURNED, Variation

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
"""What a grid can be over besides attributes, with values to begin with."""


@dataclass(frozen=True)
class Axis:
    """name: a setting, or a choice, group or flag of the boxes. values: as they were written."""

    name: str
    values: tuple[str, ...]

    @property
    def labels(self) -> list[str]:
        return [value if value.startswith("no ") else f"{self.name} {value}" for value in self.values]


def axis_names(boxes: Boxes) -> list[str]:
    """All that a grid of a model can be over."""
    guided = boxes.generator.model.recipe.conditional
    facts = boxes.facts
    return [
        *(name for name in SETTINGS if guided or name not in ("guidance", "exclusion")),
        *facts["choices"],
        *facts["groups"],
        *facts["flags"],
    ]


def usual_values(name: str, boxes: Boxes) -> str:
    """Values to begin with."""
    if name == "guidance":
        low, high = scales_of(boxes.generator)
        return ", ".join(scale for scale in SETTINGS[name].split(", ") if low <= float(scale) <= high)
    if name in SETTINGS:
        return SETTINGS[name]
    facts = boxes.facts
    counts: Mapping[str, int] = facts["choices"].get(name) or facts["groups"].get(name) or {}
    common = sorted(counts, key=lambda each: -counts[each])[:5]
    return ", ".join(common) if common else "yes, no"


def parse_axis(name: str, text: str) -> Axis:
    """Values with commas between. Raises RequestError if there are none."""
    values = tuple(dict.fromkeys(filter(None, (part.strip() for part in text.split(",")))))
    if not values:
        raise RequestError(f"give the values of {name}, with commas between")
    return Axis(name, values)


def cells(
    request: Request, ticked: Mapping[str, str], generator: Generator, across: Axis, down: Axis
) -> list[list[Request | None]]:
    """What each cell is asked for, row by row; None where it cannot be. ticked: what is asked for, by choice, group and
    flag.

    Raises RequestError where no cell can be, or there are too many.
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
            return _cell(alone, dict(ticked), generator, {down.name: row, across.name: column})
        except RequestError as error:
            refused.append(error)
            return None

    table = [[cell(row, column) for column in across.values] for row in down.values]
    if not any(each for row in table for each in row):
        raise refused[0]
    return table


def _cell(request: Request, ticked: dict[str, str], generator: Generator, values: Mapping[str, str]) -> Request:
    for name, value in values.items():
        if name not in SETTINGS:
            ticked[name] = f"no {name}" if value in ("no", "none") else name if value == "yes" else f"{name}={value}"
    asked = ", ".join(ticked.values())
    condition = generator.understand(asked) if asked else None
    changed = request.model_copy(update={"attributes": condition.attributes if condition else None})
    for name, value in sorted(values.items(), key=lambda each: _ORDER.index(each[0]) if each[0] in _ORDER else -1):
        if name == "sampler":
            same = value == changed.sampling.sampler
            other = changed.sampling if same else generator.choices.sampling(value)
            changed = _sampled(changed, sampler=value, eta=other.eta, churn=other.churn)
        elif name == "spacing":
            changed = _sampled(changed, spacing=value)
        elif name in SETTINGS:
            changed = _CHANGES[name](changed, _number(name, value))
            _check_sampler(name, changed)
    _, checked, _ = check(generator, changed)
    generator.choices.check_guidance(checked.guidance, condition.attributes if condition else {}, alone=False)
    if "exclusion" in values and checked.complete:
        raise RequestError(
            "what is open is filled in without what is excluded, however strongly; switch that off to compare strengths"
        )
    return changed.model_copy(update={"sampling": checked})


def _check_sampler(name: str, request: Request) -> None:
    """Raises RequestError where a setting is of other samplers: columns would be equal without a word."""
    of = {"eta": ("ddim",), "churn": tuple(CHURNED)}.get(name)
    if of is not None and request.sampling.sampler not in of:
        raise RequestError(f"{name} is a setting of {' and '.join(of)}; {request.sampling.sampler} has none")


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


def _sampled(request: Request, **changes: Any) -> Request:
    """Without the fitted times, which are others for another number of steps."""
    return request.model_copy(update={"sampling": replace(request.sampling, times=(), **changes)})


def _guided(request: Request, **changes: Any) -> Request:
    return _sampled(request, guidance=replace(request.sampling.guidance, **changes))


def _varied(request: Request, strength: float) -> Request:
    """Around its own seed, towards the one after it."""
    around = request.variation or Variation(request.seeds[0], VARIATION)
    seed = request.seeds[0] if request.variation else request.seeds[0] + 1
    return request.model_copy(update={"seeds": (seed,), "variation": replace(around, strength=strength)})


_CHANGES: dict[str, Callable[[Request, Any], Request]] = {
    "guidance": lambda request, scale: _guided(request, scale=scale),
    "steps": lambda request, steps: _sampled(request, steps=steps),
    "seed": lambda request, seed: request.model_copy(update={"seeds": (seed,)}),
    "eta": lambda request, eta: _sampled(request, eta=eta),
    "churn": lambda request, churn: _sampled(request, churn=churn),
    "variation": _varied,
    "exclusion": lambda request, strength: _guided(
        request, excluded=dict.fromkeys(request.sampling.guidance.excluded, strength)
    ),
}


def draw_cells(
    generator: Generator, table: Table, seen: Callable[[NDArray[np.uint8], float], None]
) -> NDArray[np.uint8]:
    """(R, K, C, H, W). Cells that differ in nothing but seeds and attributes are drawn together.

    seen: the images so far, and the share that is done.
    """
    flat = [request for row in table for request in row]
    there = {place: request for place, request in enumerate(flat) if request is not None}
    batches: list[list[int]] = []
    for place, request in there.items():
        same = next((batch for batch in batches if _alike(there[batch[0]], request)), None)
        if same is None:
            batches.append([place])
        else:
            same.append(place)
    side = generator.model.side
    images = np.full((len(flat), generator.model.recipe.dataset.image_channels, side, side), 255, np.uint8)
    for number, batch in enumerate(batches):

        def progress(done: int, total: int, number: int = number) -> None:
            seen(images.copy(), (number + done / total) / len(batches))

        first = there[batch[0]]
        asked = tuple(there[place].attributes or {} for place in batch)
        together = first.model_copy(
            update={
                "seeds": tuple(there[place].seeds[0] for place in batch),
                "attributes": None if all(there[place].attributes is None for place in batch) else asked,
            }
        )
        images[batch] = draw(generator, together, progress=progress)
    return images.reshape(len(table), len(table[0]), *images.shape[1:])


def _alike(one: Request, other: Request) -> bool:
    asks = (one.attributes is None) == (other.attributes is None)
    return asks and one.sampling == other.sampling and one.variation == other.variation
