"""A plan: everything that decides a set of images, as it travels inside their PNG."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from noisette._version import __version__
from noisette.attributes.schema import Value
from noisette.config.sampling import SamplingSettings, as_python
from noisette.errors import RequestError, told
from noisette.inference.kinds import other_kind
from noisette.seeds import END, whole_seed
from noisette.store.naming import name_of
from noisette.text import plain

MOST_RECORDED = 4096
"""Images whose plan is read from a file; more are taken for a trap."""
_MOST_ABSENT = 1000 * MOST_RECORDED
"""Absent flags, over all images, that are told by their names alone."""

Attributes = dict[str, Value]


class Start(BaseModel):
    """Where a drawing starts: at the noise of an image's own seed, or on the way to it from that of another.

    All noise of the image lies on that way, what a sampler adds as well as the start: at strength 0 it is the image of
    the other seed, at 1 that of its own, by every sampler.

    Attributes:
        around: The other seed, 0 or more and below 2**63; None to start at the own one.
        strength: 0 to 1, how far from the image of that seed; what is imputed differs in about as large a share.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    around: int | None = Field(None, ge=0, lt=END)
    strength: float = Field(1.0, ge=0, le=1)

    @classmethod
    def of(cls, variation: Any) -> Start:
        """Make one from a variation.

        Args:
            variation: A seed and a strength from 0 to 1, such as (7, 0.3).

        Returns:
            The start.

        Raises:
            RequestError: It is no variation.
        """
        if not isinstance(variation, Sequence) or isinstance(variation, str) or len(variation) != 2:
            raise RequestError(
                f"a variation is a seed and a strength from 0 to 1, such as (7, 0.3), not {told(variation)}"
            )
        seed, strength = whole_seed(variation[0]), as_python(variation[1])
        if isinstance(strength, bool) or not isinstance(strength, int | float):
            raise RequestError(f"the strength of a variation must be a number, not {told(strength)}")
        if not 0 <= strength <= 1:
            raise RequestError(
                f"the strength of a variation lies between 0, the same image, and 1, any other; not {told(strength)}"
            )
        return cls(around=seed, strength=float(strength))


class DrawnBy(BaseModel):
    """What drew a picture, besides its weights: another version, engine or machine may round otherwise.

    Attributes:
        noisette: Its version.
        engine: What evaluated the network, with its version, such as "onnxruntime 1.29.0" or "pytorch 2.13.0".
        pytorch: The version of PyTorch, which draws the noise and takes the steps whatever the engine.
        machine: The system and the kind of processor, such as "Linux x86_64".
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    noisette: str = Field("", max_length=100)
    engine: str = Field("", max_length=100)
    pytorch: str = Field("", max_length=100)
    machine: str = Field("", max_length=100)


class Plan(BaseModel):
    """What is drawn, understood, checked, resolved and imputed: drawing only computes.

    Attributes:
        run: The model, as `noisette.load` takes it.
        weights: The SHA-256 of the file that draws.
        step: Of the training, at which the weights were made.
        seeds: One for each image.
        attributes: What is asked for, by name, of all images or of each; None where nothing is.
        imputed: All attributes of each image, where some were unspecified and imputed.
        sampling: Resolved settings.
        start: Where the drawing starts.
        columns: Images in a row of the sheet.
        scale: Whole factor by which the sheet is enlarged.
        drawn_by: What drew the picture; None of a plan that was not drawn, or not by a version that tells.
        notes: What a person should know; not part of the file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    run: str
    weights: str
    step: int
    seeds: tuple[int, ...] = Field(min_length=1)
    attributes: Attributes | tuple[Attributes, ...] | None = None
    imputed: tuple[Attributes, ...] | None = None
    sampling: SamplingSettings
    start: Start = Start()
    columns: int | None = Field(None, ge=1)
    scale: int | None = Field(None, ge=1, le=64)
    drawn_by: DrawnBy | None = None
    notes: tuple[str, ...] = Field((), exclude=True)

    @model_validator(mode="after")
    def _needs_no_table(self) -> Plan:
        if (self.sampling.spacing == "fitted") != bool(self.sampling.times):
            raise ValueError("fitted levels stand in sampling.times, and no others do")
        return self

    @classmethod
    def from_metadata(cls, said: Mapping[str, Any], file: str = "the picture") -> Plan:
        """Read the plan that a picture carries, of this version or the one before.

        It is checked by the model that draws it, see `Planner.replan`.

        Args:
            said: What `metadata` returned.
            file: What errors call it.

        Returns:
            The plan.

        Raises:
            RequestError: It is none.
        """
        try:
            plan = cls.model_validate(_with_absent(_modernised(said)))
            if len(plan.seeds) > MOST_RECORDED:
                raise ValueError(f"it has {len(plan.seeds)} seeds, and the most is {MOST_RECORDED}")
        except (ValidationError, ValueError, TypeError, LookupError, AttributeError) as error:
            raise RequestError(_why_not(said, file, error)) from error
        return plan

    def metadata(self) -> dict[str, Any]:
        """What a picture carries. It travels, so of the run's folder it tells the name alone.

        Returns:
            What JSON can hold, without what is the same for all; `from_metadata` reads it.
        """
        said = self.facts()
        said["run"] = name_of(self.run)
        if isinstance(self.attributes, tuple) and (absent := _absent_somewhere(self.attributes)):
            said["attributes"] = [
                {name: value for name, value in each.items() if value is not False or name not in absent}
                for each in self.attributes
            ]
            said["absent"] = sorted(absent)
        return said

    def facts(self) -> dict[str, Any]:
        """All of it, as the person who drew it is told.

        Returns:
            What JSON can hold.
        """
        said = self.model_dump(mode="json", exclude_none=True)
        if self.start == Start():
            del said["start"]
        return said

    def placed(self, size: tuple[int, int], columns: int | None = None, scale: int | None = None) -> Plan:
        """Say where its images stand on a sheet.

        Args:
            size: (height, width) of an image in pixels.
            columns: Images in a row; as square as possible unless given.
            scale: A whole factor; to some 600 pixels unless given.

        Returns:
            The plan with these.
        """
        from noisette.files.images import good_scale  # it loads Pillow, which a refused request does not wait for

        across = min(columns or math.ceil(math.sqrt(len(self.seeds))), len(self.seeds))
        return self.model_copy(update={"columns": across, "scale": scale or good_scale(size[1], across)})

    def alone(self, place: int) -> Plan:
        """The plan of one of its images.

        Args:
            place: Number of the image, from 0.

        Returns:
            A plan of one image, the same as it is in the whole.
        """
        part = self.part([place])
        one = part.attributes[0] if isinstance(part.attributes, tuple) else part.attributes
        return part.model_copy(update={"attributes": one})

    def part(self, places: Sequence[int]) -> Plan:
        """The plan of some of its images.

        Args:
            places: Numbers of the images, from 0; at least one.

        Returns:
            A plan of these, each the same as it is in the whole.
        """
        each = self.attributes
        attributes = tuple(each[place] for place in places) if isinstance(each, tuple) else each
        imputed = None if self.imputed is None else tuple(self.imputed[place] for place in places)
        seeds = tuple(self.seeds[place] for place in places)
        update = {"seeds": seeds, "attributes": attributes, "imputed": imputed}
        return self.model_copy(update={**update, "columns": None, "scale": None})

    def draws_as(self, other: Plan) -> bool:
        """Whether it makes the same picture, whatever the model is called there.

        Args:
            other: Such as the plan that a picture carries.

        Returns:
            Whether weights, seeds, attributes, settings and the places on the sheet are the same.
        """
        what = {"weights", "seeds", "attributes", "imputed", "sampling", "start", "columns", "scale"}
        return self.model_dump(mode="json", include=what) == other.model_dump(mode="json", include=what)


def joined(plans: Sequence[Plan]) -> Plan:
    """Plans that differ in nothing but seeds and attributes, as one."""
    first = plans[0]
    attributes = tuple(each for plan in plans for each in _each(plan))
    nothing = all(plan.attributes is None for plan in plans)
    imputed = None if first.imputed is None else tuple(each for plan in plans for each in plan.imputed or ())
    seeds = tuple(seed for plan in plans for seed in plan.seeds)
    return first.model_copy(update={"seeds": seeds, "attributes": None if nothing else attributes, "imputed": imputed})


def alike(one: Plan, other: Plan) -> bool:
    """Whether they can be `joined`."""
    asks = (one.attributes is None) == (other.attributes is None) and (one.imputed is None) == (other.imputed is None)
    return asks and one.sampling == other.sampling and one.start == other.start


def _each(plan: Plan) -> tuple[Attributes, ...]:
    if isinstance(plan.attributes, tuple):
        return plan.attributes
    return (plan.attributes or {},) * len(plan.seeds)


def _absent_somewhere(attributes: Sequence[Attributes]) -> set[str]:
    """The flags that are absent in some images and unspecified in none, so that their names tell enough."""
    known = set.intersection(*map(set, attributes))
    absent = {name for name in known if any(each[name] is False for each in attributes)}
    return absent if len(absent) * len(attributes) <= _MOST_ABSENT else set()


def _with_absent(values: dict[str, Any]) -> dict[str, Any]:
    """What is absent written out for each image again. Raises ValueError for what `Plan.metadata` does not write."""
    if "absent" not in values:
        return values
    absent, attributes = values["absent"], values.get("attributes")
    if not isinstance(absent, list) or not isinstance(attributes, list):
        raise ValueError("absent goes with a list of attributes")
    if not all(isinstance(name, str) for name in absent):
        raise ValueError("absent should be a list of names")
    attributes = [_object(each, "attributes should be a list of objects") for each in attributes]
    if len(absent) * len(attributes) > _MOST_ABSENT:
        raise ValueError("absent names too many flags")
    whole = [{**each, **{name: False for name in absent if name not in each}} for each in attributes]
    return {**{name: value for name, value in values.items() if name != "absent"}, "attributes": whole}


def _why_not(said: Mapping[str, Any], file: str, error: Exception) -> str:
    """Why what a picture says is no plan, and what then."""
    if (other := other_kind(said)) is not None:
        return f"{file} is {other}"
    wrong = error.errors() if isinstance(error, ValidationError) else []
    fields = [".".join(map(str, each["loc"])) for each in wrong]
    if (made_by := _newer(said)) is not None:
        unknown = f" and does not know {plain(fields[0], 60)}" if fields else ""
        return (
            f"{file} was made by noisette {made_by}; this is {__version__}{unknown}: upgrade noisette to draw it again"
        )
    if "seeds" not in said or "weights" not in said:
        return f"{file} does not say how to draw it again; only pictures made by `noisette generate` do"
    what = f"{fields[0]}: {wrong[0]['msg']}" if wrong else str(error) or type(error).__name__
    return f"{file} does not say how to draw it again: what it says was changed ({plain(what, 200)})"


def _newer(said: Mapping[str, Any]) -> str | None:
    """The version of noisette that made a picture, where it is newer than this one."""
    drawn_by = said.get("drawn_by")
    version = drawn_by.get("noisette") if isinstance(drawn_by, Mapping) else None
    if not isinstance(version, str) or not re.fullmatch(r"\d+(\.\d+)*\S{0,20}", version[:60]):
        return None
    return version[:60] if _numbers(version[:60]) > _numbers(__version__) else None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _modernised(said: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of today in the place of those of the version before."""
    values = dict(said)
    if "filled" in values:
        values["imputed"] = values.pop("filled")
    if "variation" in values:
        shape = "variation should be an object with of and strength"
        variation = _object(values.pop("variation"), shape)
        if not {"of", "strength"} <= variation.keys():
            raise ValueError(shape)
        values["start"] = {"around": variation["of"], "strength": variation["strength"]}
    sampling = _object(values.get("sampling"), "sampling should be an object")
    if "complete" in sampling:
        sampling["impute"] = sampling.pop("complete")
    if "palette" in values:
        sampling["palette"] = values.pop("palette")
    guidance = _object(sampling.get("guidance", {}), "sampling.guidance should be an object")
    if "excluded" in guidance:
        guidance["negative"] = guidance.pop("excluded")
    values["sampling"] = {**sampling, "guidance": guidance}
    return values


def _object(value: Any, otherwise: str) -> dict[str, Any]:
    """A value as an object. Raises ValueError, with what it should be, if it is none."""
    if not isinstance(value, Mapping):
        raise ValueError(otherwise)
    return dict(value)


def with_old_keys(said: Mapping[str, Any]) -> dict[str, Any]:
    """`Plan.metadata` with the keys of the version before beside those of today, for the programs that read them."""
    values = dict(said)
    if "imputed" in values:
        values["filled"] = values["imputed"]
    if "start" in values:
        values["variation"] = {"of": values["start"]["around"], "strength": values["start"]["strength"]}
    sampling = values["sampling"]
    guidance = {**sampling["guidance"], "excluded": sampling["guidance"]["negative"]}
    values["sampling"] = {**sampling, "complete": sampling["impute"], "guidance": guidance}
    return {**values, "palette": sampling["palette"]}
