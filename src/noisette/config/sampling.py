"""How an image is drawn: one typed settings object, written once.

The same object is a section of a recipe, an entry of the table of presets, what a PNG carries, a line of a sweep; the
options of the command line and the form of the dashboard are derived from its fields. A field that was not given is
"as the model says": see `merged` and `noisette.sampling.resolve`.

A new setting is one field here, with its help, and the function that uses it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from noisette.config.names import EXCLUSION, STRONGEST
from noisette.diffusion.registry import MOST_STEPS, SamplerName, Spacing, takers
from noisette.errors import RequestError, nearest, told
from noisette.text import brief

Settings = TypeVar("Settings", bound=BaseModel)


def as_python(value: Any) -> Any:
    """A number of NumPy as one of Python: strict types take no others."""
    return value.item() if type(value).__module__ == "numpy" and hasattr(value, "item") else value


def as_tuple(value: Any) -> Any:
    """A list, as files have it, or an array as a tuple; nothing else, or something endless would be read."""
    value = as_python(value.tolist() if type(value).__module__ == "numpy" else value)
    return tuple(value) if isinstance(value, list) else value


Whole = Annotated[int, BeforeValidator(as_python)]
Number = Annotated[float, BeforeValidator(as_python)]
Amounts = dict[str, Number]


class Section(BaseModel):
    """A part of a recipe: nothing unknown in it, nothing converted, nothing infinite."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class GuidanceSettings(Section):
    """How strongly a request is followed (Ho and Salimans 2022).

    Attributes:
        scale: 1 is the plain request, at one network evaluation a step.
        interval: The noise levels, sigma from 0 to 1, between which guidance works (Kynkäänniemi et al. 2024).
        rescale: 0 to 1, how far the spread of a guided image is brought back (Lin et al. 2024).
        weights: Attributes or groups with a scale of their own, by name.
        negative: Flags or options to keep away from, by name, and how strongly.
    """

    scale: Number = Field(
        1.0,
        ge=0,
        le=STRONGEST,
        description=(
            "Guidance scale. 1 disables guidance and halves the cost. Distilled models take any scale at the same cost."
        ),
        json_schema_extra={"name": "guidance"},
    )
    interval: Annotated[tuple[Number, Number], BeforeValidator(as_tuple)] = Field(
        (0.0, 1.0),
        description="Noise levels, sigma from 0 to 1, between which guidance works.",
        json_schema_extra={"option": "--guidance-interval", "metavar": "LOW HIGH"},
    )
    rescale: Number = Field(
        0.0,
        ge=0,
        le=1,
        description="How far the contrast that guidance adds is taken back, 0 to 1.",
        json_schema_extra={"option": "--guidance-rescale"},
    )
    weights: Amounts = Field(
        {},
        description="A guidance scale of its own for one attribute; may be repeated.",
        json_schema_extra={"option": "--weight", "metavar": "NAME=SCALE"},
    )
    negative: Amounts = Field(
        {},
        description=f"Keep away from a flag or an option; {EXCLUSION:g} unless given; may be repeated.",
        json_schema_extra={"option": "--exclude", "metavar": "NAME[=STRENGTH]", "usual": EXCLUSION},
    )

    @model_validator(mode="after")
    def _in_range(self) -> GuidanceSettings:
        low, high = self.interval
        if not 0 <= low <= high <= 1:
            raise ValueError(
                f"guidance works between two noise levels from 0 to 1, the lower first, not {low:g} and {high:g}"
            )
        for name, amount in self.weights.items():
            if not 0 <= amount <= STRONGEST:
                raise ValueError(
                    f"{brief(name)} = {amount:g}: a scale lies between 0 and {STRONGEST:g}, and 1 is the plain request"
                )
        for name, amount in self.negative.items():
            if not 0 <= amount <= STRONGEST:
                raise ValueError(
                    f"{brief(name)} = {amount:g}: the strength of an exclusion lies between 0 and {STRONGEST:g};"
                    f" {EXCLUSION:g} is a start"
                )
        return self

    @property
    def plain(self) -> bool:
        """Whether the request is taken as it is, at one network evaluation a step."""
        return self.scale == 1 and not self.weights and not self.negative


class SamplingSettings(Section):
    """How an image is drawn. A field that was not given is as the preset or the model's recipe says.

    Attributes:
        sampler: A name of `noisette.diffusion.registry.SAMPLERS`.
        steps: Noise levels that are visited, 1 and up.
        spacing: Which noise levels; `fitted` are those of an optimised step schedule, in `times`.
        eta: Of ddim, how much of the noise is fresh, 0 to 1.
        churn: Of euler and heun, noise that is added and taken away again, over all steps (S_churn of Karras et al.
            2022).
        guidance: How strongly the request is followed.
        impute: Whether unspecified attributes are first drawn from what the data have together, by the seed of the
            image.
        palette: Whether each pixel goes to the nearest colour of the data at the end.
        times: In (0, 1], the levels of an optimised step schedule, one for each step; empty where a rule spaces them.

    Examples:
        >>> SamplingSettings.of(steps=10, guidance=2).guidance.scale
        2.0
    """

    sampler: SamplerName = Field("ddim", description="How the steps are taken.", json_schema_extra={"told": "{}"})
    steps: Whole = Field(
        25,
        ge=1,
        description="Steps for an image; each costs one network evaluation, two by heun or with guidance.",
        json_schema_extra={"told": "{} steps"},
    )
    spacing: Spacing = Field(
        "time",
        description="The noise levels that the steps visit; fitted as `noisette tune` found them; heun in few steps"
        " needs log-snr or karras.",
        json_schema_extra={"told": "spaced by {}"},
    )
    eta: Number = Field(0.0, ge=0, le=1, description="Of ddim: 0 deterministic, 1 as random as ddpm.")
    churn: Number = Field(
        0.0, ge=0, description="Of euler and heun: noise that is added and taken away again, 0 for none."
    )
    guidance: GuidanceSettings = GuidanceSettings()
    impute: bool = Field(
        False,
        description="Draw unspecified attributes from what the data have together, for each image by its seed; or leave"
        " them to the network.",
        json_schema_extra={
            "option": "--impute/--leave-open",
            "old": "--complete",
            "told": "unspecified attributes imputed",
        },
    )
    palette: bool = Field(
        False,
        description="Only colours of the data: each pixel goes to the nearest.",
        json_schema_extra={"option": "--palette/--no-palette", "told": "on the palette"},
    )
    times: Annotated[tuple[Number, ...], BeforeValidator(as_tuple)] = Field(
        (), max_length=MOST_STEPS, json_schema_extra={"option": ""}
    )

    @classmethod
    def of(cls, **given: Any) -> SamplingSettings:
        """Make settings from flat names.

        Args:
            **given: Such as steps=10 or guidance=2; see `SETTINGS`. What is None counts as not given.

        Returns:
            The settings, of which only these are given.

        Raises:
            RequestError: An unknown name, or a value that cannot be, in one line.
        """
        values: dict[str, Any] = {}
        for name, value in given.items():
            if name not in SETTINGS:
                raise RequestError(
                    f'no setting "{brief(name)}"{nearest(name, SETTINGS)}; there are {", ".join(SETTINGS)}'
                )
            if value is not None:
                *sections, last = SETTINGS[name].path
                place = values
                for section in sections:
                    place = place.setdefault(section, {})
                place[last] = value
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise RequestError(_explain(error.errors()[0])) from error

    def flat(self, *, given: bool = False) -> dict[str, Any]:
        """The values by their flat names.

        Args:
            given: Whether only those are wanted that were given.

        Returns:
            Values by name.
        """
        return {name: setting.of(self) for name, setting in SETTINGS.items() if not given or setting.given(self)}

    def changed(self, **changes: Any) -> SamplingSettings:
        """The same settings with other values.

        Args:
            **changes: By their flat names; what is None stays.

        Returns:
            New settings.

        Raises:
            RequestError: An unknown name, or a value that cannot be, in one line.
        """
        return merged(self, SamplingSettings.of(**changes))


@dataclass(frozen=True)
class Setting:
    """One setting of a drawing, as options, forms, sweeps and sessions know it.

    Attributes:
        name: Its flat name, such as steps, guidance or interval.
        path: To it through the settings, such as (guidance, scale).
        field: Its default, limits and help.
    """

    name: str
    path: tuple[str, ...]
    field: FieldInfo

    def of(self, settings: SamplingSettings) -> Any:
        """Its value.

        Args:
            settings: The settings whose value is wanted.

        Returns:
            The value.
        """
        value: Any = settings
        for name in self.path:
            value = getattr(value, name)
        return value

    def given(self, settings: SamplingSettings) -> bool:
        """Whether it was given, or is as the model says.

        Args:
            settings: The settings that are looked at.

        Returns:
            True where it was given.
        """
        here: Any = settings
        for name in self.path:
            if name not in here.model_fields_set:
                return False
            here = getattr(here, name)
        return True

    @property
    def help(self) -> str:
        """What it does, in a sentence; the help of the command line and of forms."""
        return self.field.description or ""

    @property
    def option(self) -> str:
        """Of the command line: --steps; `--yes/--no` of some that are true or false. Empty where there is none."""
        return str(self.extra.get("option", f"--{self.name.replace('_', '-')}"))

    @property
    def kind(self) -> Any:
        """Its type without annotations: int, float, bool, a Literal, a tuple or dict."""
        kind = self.field.annotation
        return get_args(kind)[0] if get_origin(kind) is Annotated else kind

    @property
    def choices(self) -> tuple[str, ...]:
        """The names that there are to choose from; none of any other kind of setting."""
        return get_args(self.kind) if get_origin(self.kind) is Literal else ()

    @property
    def limits(self) -> tuple[float | None, float | None]:
        """The least and the greatest value, None where there is no limit."""
        least = next((each.ge for each in self.field.metadata if hasattr(each, "ge")), None)
        most = next((each.le for each in self.field.metadata if hasattr(each, "le")), None)
        return least, most

    @property
    def extra(self) -> Mapping[str, Any]:
        """How it is written elsewhere: option, metavar, usual."""
        extra = self.field.json_schema_extra
        return extra if isinstance(extra, dict) else {}


def _settings(kind: type[BaseModel], path: tuple[str, ...] = ()) -> list[Setting]:
    found: list[Setting] = []
    for name, field in kind.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            found += _settings(inner, (*path, name))
        else:
            extra = field.json_schema_extra
            found.append(
                Setting(str((extra if isinstance(extra, dict) else {}).get("name", name)), (*path, name), field)
            )
    return found


SETTINGS: dict[str, Setting] = {setting.name: setting for setting in _settings(SamplingSettings)}
"""All settings of a drawing by their flat names, in their order."""

SWEPT = {name: setting for name, setting in SETTINGS.items() if setting.kind in (int, float) or setting.choices}
"""Those that sweeps and grids go over: a number, or one of several names."""


def in_words(values: Mapping[str, Any], *, always: Sequence[str] = ("sampler", "steps")) -> dict[str, str]:
    """Settings as JSON has them, each in a few words.

    Args:
        values: Settings of this version or the one before; what is missing has its default.
        always: Flat names that are told even at their defaults; of the others those that differ from them.

    Returns:
        The words, by flat name.
    """
    found: dict[str, str] = {}
    for name, setting in SETTINGS.items():
        value: Any = values
        for part in setting.path:
            value = value.get(part) if isinstance(value, Mapping) else None
        value = setting.field.get_default() if value is None else value
        same = list(value) == list(setting.field.get_default()) if isinstance(value, list | tuple) else None
        usual = same if same is not None else value == setting.field.get_default()
        foreign = takers(name) and values.get("sampler") not in takers(name)
        if (not usual and not foreign and setting.option) or name in always:
            said = f"{value:g}" if isinstance(value, float) else str(value)
            if isinstance(value, Mapping):
                said = ", ".join(f"{key} {amount:g}" for key, amount in value.items())
            found[name] = str(setting.extra.get("told", f"{name} {{}}")).format(said)
    return found


def merged(base: Settings, over: Settings) -> Settings:
    """One settings object over another: `base` with what was given in `over`.

    Args:
        base: What holds where `over` says nothing.
        over: What was given; a field that was not given is as in `base`, in sections too.

    Returns:
        A new object.

    Examples:
        >>> merged(SamplingSettings(steps=10), SamplingSettings(eta=0.5)).steps
        10
    """
    update: dict[str, Any] = {}
    for name in over.model_fields_set:
        mine, value = getattr(base, name), getattr(over, name)
        update[name] = merged(mine, value) if isinstance(value, BaseModel) else value
    return base.model_copy(update=update)


def _explain(error: ErrorDetails) -> str:
    """A failed validation in one line, by the flat name."""
    place, value = tuple(map(str, error["loc"])), error["input"]
    setting = next((each for each in SETTINGS.values() if each.path == place[: len(each.path)]), None)
    if error["type"] == "value_error":
        return error["msg"].removeprefix("Value error, ")
    if error["type"] == "model_type":  # a part that was given as a whole
        return f"{'.'.join(place)} are settings by name, not {told(value)}"
    name = setting.name if setting else ".".join(place)
    match error["type"]:
        case "literal_error" if isinstance(value, str):
            known = get_args(setting.kind) if setting else ()
            return f'no {name} "{brief(value)}"{nearest(value, known)}; there are {", ".join(known)}'
        case "literal_error":
            return f"a {name} is a name, not {told(value)}"
        case "int_type" | "int_from_float":
            return f"{name} must be a whole number, not {told(value)}"
        case "float_type" if isinstance(value, int) and not isinstance(value, bool):
            return f"{name} is too large for a number"
        case "float_type" if len(place) > 1 and setting and len(place) > len(setting.path):
            whose = brief(place[-1]) if setting.kind is not tuple and get_origin(setting.kind) is dict else name
            return f"{whose if whose != '[key]' else name} must be a number, not {told(value)}"
        case "float_type":
            return f"{name} must be a number, not {told(value)}"
        case "bool_type":
            return f"{name} is True or False, not {told(value)}"
        case _ if setting and setting.name == "times":
            return f"the times of fitted levels are numbers, one for each step, not {told(value)}"
        case "tuple_type" | "missing" | "too_long" | "too_short":
            return f"{name} is two noise levels from 0 to 1, such as (0.2, 0.8), not {told(value)}"
        case "dict_type":
            return f"{name} map names to numbers, such as {{'Earring': 2}}, not {type(value).__name__}"
        case "string_type":
            return f"the names in {name} are text, not {told(value)}"
        case "greater_than_equal" | "less_than_equal" | "finite_number":
            least, most = setting.limits if setting else (None, None)
            if least is None:
                return f"{name} must be finite numbers, not {told(value)}"
            if most is None:
                finite = "" if setting and setting.kind is int else ", and finite"
                return f"{name} must be {least:g} or more{finite}, not {_short(value)}"
            return f"{name} must lie between {least:g} and {most:g}, not {_short(value)}"
        case _:
            return f"{name} cannot be {told(value)}: {error['msg']}"


def _short(value: float) -> str:
    return f"{value:g}" if isinstance(value, float) else told(value)
