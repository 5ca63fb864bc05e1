"""From a picture back to everything that was set when it was drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from noisette.attributes.schema import Value
from noisette.config.names import EXCLUSION, VARIATION
from noisette.config.sampling import SETTINGS
from noisette.dashboard.services.options import (
    FORM,
    MOST_IMAGES,
    MOST_SEED,
    MOST_STRENGTH,
    as_shown,
    takes,
    title,
    within,
)
from noisette.dashboard.services.translation import Message
from noisette.errors import RequestError
from noisette.files.images import parse_png
from noisette.inference.generator import Generator
from noisette.inference.plan import Plan


@dataclass(frozen=True)
class Restored:
    """What a picture says of how it was drawn, as the page takes it.

    Attributes:
        attributes: To select, without those that follow from the rest.
        negative: Negative attributes to select.
        settings: By their names; see `default_settings`.
        lost: What the page cannot have as the picture had it.
    """

    attributes: dict[str, Value]
    negative: list[str]
    settings: dict[str, Any]
    lost: list[Message]


def read_picture(content: bytes, name: str) -> tuple[Plan, dict[str, list[str]]]:
    """The plan that a PNG carries, checked as if an enemy had sent it.

    Args:
        content: Of the file.
        name: What errors call it.

    Returns:
        The plan, and of an X/Y grid what is `across` and what is `down`: a name and its values.

    Raises:
        RequestError: It is no picture that was made here.
    """
    _, said = parse_png(content, name)
    axes = {key: said[key] for key in ("across", "down") if _is_axis(said.get(key))}
    return Plan.from_metadata(said["request"] if isinstance(said.get("request"), Mapping) else said, name), axes


def restored(plan: Plan, generator: Generator) -> Restored:
    """What the page takes of a plan that was drawn before; the values are within what the page offers."""
    lost: list[Message] = []
    attributes = plan.attributes
    if isinstance(attributes, tuple):
        lost.append(Message("each of its images has a request of its own; that of the first is ticked"))
        attributes = attributes[0]
    first = plan.seeds[0]
    if plan.seeds != tuple(range(first, first + len(plan.seeds))) or len(plan.seeds) > MOST_IMAGES:
        lost.append(Message("its seeds do not follow each other, or are many; it begins with the first"))
    negative = plan.sampling.guidance.negative
    strengths = list(negative.values())
    if len(set(strengths)) > 1:
        lost.append(Message("its negative attributes differ in strength; all take the first"))
    strength = strengths[0] if strengths else EXCLUSION
    settings = _settings(plan, generator, lost)
    around = plan.start.around
    settings |= {
        "seed": _at_most(Message("Seed"), first, MOST_SEED, lost),
        "count": min(len(plan.seeds), MOST_IMAGES),
        "strength": _at_most(Message("Strength of negative attributes"), strength, MOST_STRENGTH, lost),
        "around": around,
        "distance": VARIATION if around is None else plan.start.strength,
    }
    return Restored(_without_implied(attributes or {}, generator), list(negative), settings, lost)


def differences(plan: Plan, request: str, generator: Generator) -> list[Message]:
    """What will differ when a plan is drawn from the page.

    Args:
        plan: Of the picture.
        request: What the attribute form says once the picture is restored.
        generator: Of the model.
    """
    found = []
    try:
        if request and isinstance(plan.attributes, dict) and generator.parse(request).attributes != plan.attributes:
            found.append(Message("not all that it asks for can be ticked"))
    except RequestError as error:
        found.append(Message("it cannot be drawn here: {why}", {"why": error}))
    if generator.weights != plan.weights:
        found.append(
            Message(
                "its settings are back, but other weights drew it, at step {step}; the picture will differ",
                {"step": plan.step},
            )
        )
    return found


def _settings(plan: Plan, generator: Generator, lost: list[Message]) -> dict[str, Any]:
    """The settings that have a widget, each within what is offered."""
    sampling, table = plan.sampling, generator.presets
    fitted = table.fitted.get(sampling.steps) if table else None
    if sampling.spacing == "fitted" and fitted != sampling.times:
        lost.append(Message("its timesteps were optimised by another tuning; others are taken"))
        if not fitted:
            sampling = sampling.changed(spacing=generator.planner.resolve().spacing)
    found = {}
    for name, setting in FORM.items():
        value = setting.of(sampling) if takes(sampling.sampler, name) else setting.field.get_default()
        found[name] = within(name, value, generator)
        if setting.kind in (int, float) and found[name] != value:
            _tell(Message(title(SETTINGS[name])), value, found[name], lost)
    return as_shown(found)


def _at_most(what: Message, value: Any, most: Any, lost: list[Message]) -> Any:
    if value > most:
        _tell(what, value, most, lost)
    return min(value, most)


def _tell(what: Message, value: float, kept: float, lost: list[Message]) -> None:
    values = {"what": what, "value": f"{value:g}", "most": f"{kept:g}"}
    lost.append(Message("{what} was {value}, and can be {most} here", values))


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
            if generator.parse(rest).attributes == dict(values):
                kept = rest
        except RequestError:
            continue
    return kept
