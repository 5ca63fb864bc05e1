"""From a picture back to everything that was set when it was drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from noisette.attributes.schema import Value
from noisette.config.names import EXCLUSION, VARIATION
from noisette.dashboard.services.drawing import understand
from noisette.dashboard.services.options import (
    MOST_EXCLUSION,
    MOST_IMAGES,
    MOST_SEED,
    guidance_range,
    most_steps,
)
from noisette.dashboard.services.snippets import short
from noisette.dashboard.services.translation import Message
from noisette.errors import RequestError
from noisette.files.images import parse_png
from noisette.inference.generator import Generator
from noisette.inference.request import Request, request_in


@dataclass(frozen=True)
class Restored:
    """What a picture says of how it was drawn, as the page takes it.

    Args:
        attributes: To select, without those that follow from the rest.
        excluded: Negative attributes to select.
        settings: By their names; see `default_settings`.
        lost: What the page cannot have as the picture had it.
    """

    attributes: dict[str, Value]
    excluded: list[str]
    settings: dict[str, Any]
    lost: list[Message]


def read_picture(content: bytes, name: str) -> tuple[Request, dict[str, list[str]]]:
    """The request that a PNG carries, checked as if an enemy had sent it.

    Args:
        content: Of the file.
        name: What errors call it.

    Returns:
        The request, and of an X/Y grid what is `across` and what is `down`: a name and its values.

    Raises:
        RequestError: It is no picture that was made here.
    """
    _, said = parse_png(content, name)
    axes = {key: said[key] for key in ("across", "down") if _is_axis(said.get(key))}
    return request_in(said["request"] if isinstance(said.get("request"), Mapping) else said, name), axes


def restored(request: Request, generator: Generator) -> Restored:
    """What the page takes of a request that was drawn before; the values are within what the page offers."""
    sampling, lost = request.sampling, []
    asked = request.attributes
    if isinstance(asked, tuple):
        lost.append(Message("each of its images has a request of its own; that of the first is ticked"))
        asked = asked[0]
    first = request.seeds[0]
    if request.seeds != tuple(range(first, first + len(request.seeds))) or len(request.seeds) > MOST_IMAGES:
        lost.append(Message("its seeds do not follow each other, or are many; it begins with the first"))
    strengths = list(sampling.guidance.excluded.values())
    if len(set(strengths)) > 1:
        lost.append(Message("its negative attributes differ in strength; all take the first"))
    strength = strengths[0] if strengths else EXCLUSION
    spacing, table = sampling.spacing, generator.qualities
    fitted = table.fitted.get(sampling.steps) if table else None
    if spacing == "fitted" and fitted != sampling.times:
        lost.append(Message("its timesteps were optimised by another tuning; others are taken"))
        spacing = spacing if fitted else generator.choices.sampling().spacing
    steps, (_, guidance) = most_steps(generator), guidance_range(generator)
    for what, value, most in (
        (Message("Seed"), first, MOST_SEED),
        (Message("Steps"), sampling.steps, steps),
        (Message("Guidance"), sampling.guidance.scale, guidance),
        (Message("Strength of negative attributes"), strength, MOST_EXCLUSION),
    ):
        if value > most:
            values = {"what": what, "value": f"{value:g}", "most": f"{most:g}"}
            lost.append(Message("{what} was {value}, and can be {most} here", values))
    low, high = sampling.guidance.interval
    settings = {
        "seed": min(first, MOST_SEED),
        "count": min(len(request.seeds), MOST_IMAGES),
        "steps": min(sampling.steps, steps),
        "sampler": sampling.sampler,
        "spacing": spacing,
        "eta": sampling.eta if sampling.sampler == "ddim" else 0.0,
        "churn": sampling.churn,
        "guidance": min(sampling.guidance.scale, guidance),
        "interval": (low, high),
        "rescale": sampling.guidance.rescale,
        "strength": min(strength, MOST_EXCLUSION),
        "weights": ", ".join(f"{name}={short(scale)}" for name, scale in sampling.guidance.weights.items()),
        "palette": request.palette,
        "around": request.variation.of if request.variation else None,
        "distance": request.variation.strength if request.variation else VARIATION,
        "complete": sampling.complete,
    }
    return Restored(_without_implied(asked or {}, generator), list(sampling.guidance.excluded), settings, lost)


def differences(request: Request, asked: str, generator: Generator) -> list[Message]:
    """What will differ when a request is drawn from the page.

    Args:
        request: Of the picture.
        asked: What the attribute form says once the picture is restored.
        generator: Of the model.
    """
    found = []
    try:
        if asked and isinstance(request.attributes, dict) and understand(generator, asked)[0] != request.attributes:
            found.append(Message("not all that it asks for can be ticked"))
    except RequestError as error:
        found.append(Message("it cannot be drawn here: {why}", {"why": error}))
    if generator.weights != request.weights:
        found.append(
            Message(
                "its settings are back, but other weights drew it, at step {step}; the picture will differ",
                {"step": request.step},
            )
        )
    return found


def _is_axis(written: Any) -> bool:
    return isinstance(written, list) and len(written) > 1 and all(isinstance(part, str) for part in written)


def _without_implied(values: Mapping[str, Value], generator: Generator) -> dict[str, Value]:
    """Without the choices that follow from the rest, so that a request comes back as it was ticked."""
    kept = dict(values)
    for name, value in values.items():
        rest = {other: its for other, its in kept.items() if other != name}
        if not isinstance(value, str) or not rest:
            continue
        try:
            if generator.understand(rest).values == dict(values):
                kept = rest
        except RequestError:
            continue
    return kept
