"""From what a person set of a drawing to all of it, checked against what a model can do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, get_args

from noisette.attributes.names import quoted
from noisette.attributes.parsing import attribute_behind, name_of, values_behind
from noisette.attributes.schema import AttributeSchema, Value
from noisette.config.names import MOST_CHURN
from noisette.config.recipe import Recipe
from noisette.config.sampling import SETTINGS, GuidanceSettings, SamplingSettings, merged
from noisette.diffusion.registry import OWNED, SAMPLERS, most_steps, samplers_for, takers
from noisette.errors import RequestError, nearest, told
from noisette.sampling.presets import Preset, PresetName, Presets
from noisette.text import brief


@dataclass(frozen=True)
class Capabilities:
    """What decides which settings a model can be drawn with.

    Attributes:
        name: Of the model, for messages.
        recipe: The recipe that it was trained by.
        schema: What can be asked of it.
        presets: The table of settings that were found to be enough, if there is one for its weights.
        palette: Whether it knows the colours of its data.
    """

    name: str
    recipe: Recipe
    schema: AttributeSchema
    presets: Presets | None
    palette: bool

    @property
    def levels(self) -> int | None:
        """Of its schedule; None of a continuous one."""
        steps = self.recipe.diffusion.steps
        return None if steps == "continuous" else steps


def resolve(settings: SamplingSettings, model: Capabilities, preset: str | None = None) -> SamplingSettings:
    """Every setting: what was given, or else what the preset says, or else the recipe.

    Args:
        settings: What was given of them.
        model: The model that shall draw.
        preset: fast, balanced or best.

    Returns:
        Settings with nothing left out, names of attributes as the schema has them.

    Raises:
        RequestError: Where they cannot be. What is resolved already is never refused, and stays as it is.
    """
    usual = model.recipe.sampling
    if preset is not None:
        nothing = {name: SETTINGS[name].field.default for name in OWNED}
        usual = merged(usual.changed(**nothing), _preset(preset, model).settings)
    whole = merged(usual, settings)
    _check_sampler(whole, model)
    traits = SAMPLERS[whole.sampler]
    own: dict[str, Any] = {}
    for name in OWNED:
        if name not in traits.takes:
            own[name] = traits.fixed.get(name, SETTINGS[name].field.default)
            if SETTINGS[name].given(settings) and SETTINGS[name].of(settings) != own[name]:
                raise RequestError(f"{name} is a setting of {' and '.join(takers(name))}; {whole.sampler} has none")
    _check_steps(whole, model)
    guidance = whole.guidance.model_copy(
        update={
            "weights": _once(whole.guidance.weights, lambda name: _weighted(name, model.schema)),
            "negative": _once(whole.guidance.negative, lambda name: _negative(name, model.schema)),
        }
    )
    _check_guidance(guidance, model)
    if settings.impute and SETTINGS["impute"].given(settings) and not model.recipe.conditional:
        raise RequestError(f"{model.name} was trained without attributes, so none can be imputed; leave impute out")
    if whole.palette and not model.palette:
        raise RequestError(
            f"{model.name} knows no palette: its data are grey, or have too many colours; leave the palette out"
        )
    own["impute"] = model.recipe.conditional and whole.impute
    own["times"] = _times(whole, model)
    resolved = whole.model_copy(update={**own, "guidance": guidance})
    return SamplingSettings.model_construct(_fields_set=set(SamplingSettings.model_fields), **dict(resolved))


def without_effect(given: SamplingSettings, whole: SamplingSettings, model: Capabilities, *, asked: bool) -> list[str]:
    """What was given and changes nothing, with what else was: a person who looks for the difference should know.

    Args:
        given: What was given.
        whole: The same, resolved.
        model: The model that shall draw.
        asked: Whether something is asked of an image, or imputed.

    Returns:
        A sentence for each reason.
    """
    usual, notes = model.recipe.sampling, []

    def ineffective(names: Sequence[str], why: str) -> None:
        changed = [name for name in names if SETTINGS[name].given(given)]
        changed = [name for name in changed if SETTINGS[name].of(given) != SETTINGS[name].of(usual)]
        if changed:
            notes.append(f"{why}, so {' and '.join(changed)} change{'s' if len(changed) == 1 else ''} nothing")

    churn = tuple(name for name in ("churn",) if whole.steps == 2)
    if whole.steps == 1:
        ineffective(("sampler", "spacing", *OWNED), "one step is the network's estimate from pure noise by any sampler")
    ineffective(churn, "churn cannot make pure noise noisier, and the last step takes none")
    if whole.churn > (most := whole.steps * MOST_CHURN):
        notes.append(f"in {whole.steps} steps churn is at most {most:.2g}, so more changes nothing")
    distilled = model.recipe.distillation
    embedded = distilled is not None and distilled.guidance_embed
    if whole.guidance.plain:
        ineffective(("interval", "rescale"), "guidance of scale 1 is the plain request")
    elif not asked and not embedded:
        ineffective(("guidance",), "nothing is asked for that guidance could follow")
    return notes


def nfe(settings: SamplingSettings, recipe: Recipe) -> int:
    """Network evaluations (NFE) for an image; a guided pair counts twice.

    Args:
        settings: Resolved.
        recipe: Of the model; a guidance-distilled one needs no pair.

    Returns:
        1 and up.
    """
    distilled = recipe.distillation
    embedded = distilled is not None and distilled.guidance_embed
    guidance = settings.guidance.model_copy(update={"scale": 1.0}) if embedded else settings.guidance
    return SAMPLERS[settings.sampler].nfe(settings.steps) * (1 if guidance.plain else 2)


def check_attributes(
    guidance: GuidanceSettings, attributes: Mapping[str, Value], schema: AttributeSchema, *, one: bool = True
) -> None:
    """Refuse guidance that works against what is asked for.

    Args:
        guidance: Resolved.
        attributes: What is asked for, by name.
        schema: Of the model.
        one: Whether this is the only request, so that guidance must have something to work on.

    Raises:
        RequestError: What is excluded is asked for, or a weight is of nothing that is.
    """
    for name in guidance.negative:
        [(attribute, value)] = values_behind([name], schema)
        if attributes.get(attribute) == value:
            raise RequestError(f"{name} is excluded, and is asked for or follows from what is; drop one")
    weights = guidance.weights if one else {}
    mentioned = {_weighted(quoted(name), schema) for name in attributes} if weights else set()
    for name in weights:
        if name not in mentioned:
            raise RequestError(f"{name} has a weight, but nothing is asked of it; ask for it, or leave the weight out")


def _preset(name: str, model: Capabilities) -> Preset:
    if not isinstance(name, str):
        raise RequestError(f"a preset is a name, not {told(name)}")
    if name not in get_args(PresetName):
        known = get_args(PresetName)
        raise RequestError(f'no preset "{brief(name)}"{nearest(name, known)}; there are {", ".join(known)}')
    if model.recipe.distillation is not None:
        raise RequestError(f"{model.name} is a distilled model, which draws as it learned; leave the preset out")
    if model.presets is None:
        raise RequestError(
            f"{model.name} has no table of presets for its weights; `noisette tune {model.name}` makes one, or say"
            " --steps"
        )
    return model.presets.named(name)  # type: ignore[arg-type]


def _check_sampler(settings: SamplingSettings, model: Capabilities) -> None:
    schedule = model.recipe.diffusion.schedule
    able = samplers_for(schedule)
    if settings.sampler not in able:
        hides = "hides pixels" if schedule == "masked" else "noises pixels"
        raise RequestError(f"{model.name} {hides}, and {settings.sampler} does not; draw by {' or '.join(able)}")
    if schedule == "masked" and (settings.spacing != "time" or settings.guidance.interval != (0.0, 1.0)):
        raise RequestError(
            f"{model.name} hides pixels, so it has no noise levels to space or to guide between; leave spacing and"
            " interval out"
        )


def _check_steps(settings: SamplingSettings, model: Capabilities) -> None:
    levels = model.levels
    most = most_steps(model.recipe.diffusion.schedule, levels)
    if not 1 <= settings.steps <= most:
        allowed = f"1 to {most}" + (", the noise levels of this model" if levels else "")
        raise RequestError(f"steps must be {allowed}, not {settings.steps}")
    distilled = model.recipe.distillation
    if distilled is None:
        return
    able = [name for name, traits in SAMPLERS.items() if traits.distilled]
    if settings.sampler not in able or settings.spacing != "time" or distilled.nfe % settings.steps:
        learned = f"{distilled.nfe} level{'s evenly in time' if distilled.nfe > 1 else ''}"
        raise RequestError(
            f"{model.name} is distilled to {learned}; draw in as many steps, or a part of them, by {' or '.join(able)}"
        )


def _check_guidance(guidance: GuidanceSettings, model: Capabilities) -> None:
    if not model.recipe.conditional and guidance != GuidanceSettings():
        raise RequestError(
            f"{model.name} was trained without attributes, so there is nothing to guide by; leave guidance out"
        )
    condition, distilled = model.recipe.condition, model.recipe.distillation
    embedded = distilled is not None and distilled.guidance_embed
    if distilled is not None and condition.drop_all == 0 and not embedded and guidance.scale != 1:
        raise RequestError(
            f"{model.name} is distilled at scale 1, not {guidance.scale:g}; distil with --guidance for more"
        )
    if condition.drop_all == 0 and guidance.scale != 1 and not embedded:
        raise RequestError(
            f"{model.name} never learned to draw without a request (condition.drop_all = 0), which guidance needs;"
            " use 1"
        )
    if distilled is not None and embedded:
        low, high = distilled.guidance
        if not low <= guidance.scale <= high:
            raise RequestError(
                f"{model.name} is distilled at scales from {low:g} to {high:g}, not {guidance.scale:g}; distil with"
                " another --guidance"
            )
        if guidance.weights or guidance.rescale or guidance.interval != (0.0, 1.0):
            raise RequestError(
                f"{model.name} learned guidance by its scale alone; leave weights, interval and rescale out"
            )
    if (
        guidance.weights
        and (condition.null == "single" or condition.drop_each == 0)
        and len(model.schema.attributes) > 1
    ):
        raise RequestError(
            f"{model.name} never learned to forget one attribute (condition.drop_each = 0); leave the weights out"
        )


def _times(settings: SamplingSettings, model: Capabilities) -> tuple[float, ...]:
    """Of an optimised step schedule: those that were given, as a picture has them, or else those of the table."""
    if settings.spacing != "fitted":
        return ()
    count, times, levels = settings.steps, settings.times, model.levels
    if not times:
        if model.presets is None:
            raise RequestError(
                f"{model.name} has no levels fitted to its weights; `noisette tune {model.name}` finds them, or say"
                " spacing time"
            )
        if count not in model.presets.fitted:
            raise RequestError(
                f"fitted levels are there for 1 to {max(model.presets.fitted)} steps, not {count}; say spacing time"
            )
        times = model.presets.fitted[count]
    descending = (
        len(times) == count and times[0] == 1 and all(later < earlier for earlier, later in pairwise([*times, 0.0]))
    )
    if not descending or not all(levels is None or _is_level(time * levels) for time in times):
        raise RequestError(
            f"the fitted levels are not {count} of {model.name}; the picture or the table that they are from was"
            " changed"
        )
    return tuple(times)


def _is_level(number: float) -> bool:
    return round(number) >= 1 and abs(number - round(number)) < 1e-6


def _once(amounts: Mapping[str, float], meaning: Callable[[str], str]) -> dict[str, float]:
    """By what each name stands for. Raises RequestError where two stand for the same."""
    found: dict[str, tuple[str, float]] = {}
    for name, amount in amounts.items():
        if (meant := meaning(name)) in found:
            raise RequestError(f"{found[meant][0]} and {name} stand for the same; give one of them")
        found[meant] = name, amount
    return {meant: amount for meant, (_, amount) in found.items()}


def _weighted(name: str, schema: AttributeSchema) -> str:
    """A group is followed as one."""
    attribute = attribute_behind(name, schema)
    return quoted(next((group.name for group in schema.groups if attribute in group.members), attribute))


def _negative(name: str, schema: AttributeSchema) -> str:
    """A flag by its name, an option with its choice: Beard=None."""
    [(attribute, value)] = values_behind([name], schema)
    return name_of(attribute, value, schema)
