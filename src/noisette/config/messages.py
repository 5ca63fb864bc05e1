"""Why a recipe was refused, in one line that says what would be right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from noisette.errors import written
from noisette.files.invalid import no_setting, wanted
from noisette.networks.registry import NETWORKS

Sections = Mapping[tuple[int | str, ...], type[BaseModel]]
"""By the places that pydantic reports, in which a kind of network is a level of its own."""

_LENGTHS = {"hold_out": "a pair has two", "groups": "a group has two or more"}


def explain(errors: Sequence[ErrorDetails], sections: Sections) -> str:
    """A failed validation in one line: one field, what is wrong, what would be right.

    Args:
        errors: What pydantic found, one or more.
        sections: Of the recipe.

    Returns:
        The line.
    """
    error = min(
        errors, key=lambda each: each["type"] != "extra_forbidden"
    )  # a misspelt name explains why another is missing
    place, wrong = error["loc"], error["input"]
    field = _dotted(place)
    match error["type"]:
        case "value_error":  # ours, which begins with the field's own name where a whole section was checked
            said = error["msg"].removeprefix("Value error, ")
            whole = place in sections and place[:1] != ("sampling",)
            said = f"{field}{'.' if whole else ': '}{said}" if field else said
        case "extra_forbidden":
            section = str(place[-2]) if place[:-1] else "a recipe"
            said = no_setting(field, sections[place[:-1]].model_fields, section)
        case "missing" | "too_short" | "too_long" | "tuple_type" if place[:3] == ("sampling", "guidance", "interval"):
            said = "sampling.guidance.interval: give two noise levels from 0 to 1, such as [0.2, 0.8]"
        case "missing" if len(place) == 1:
            said = f"{field} is missing; add a section [{field}]"
        case "missing":
            said = f"{field} is missing; give {sections[place[:-1]].model_fields[str(place[-1])].description}"
        case "union_tag_not_found":
            said = f"{field}.kind is missing; give {' or '.join(NETWORKS)}"
        case "union_tag_invalid":
            said = f"{field}.kind = {written(wrong['kind'])}: must be {' or '.join(NETWORKS)}"
        case "model_type" | "model_attributes_type":
            said = f"{field} = {written(wrong)}: must be a section [{field}]"
        case "too_short" | "too_long" if place[:1] == ("dataset",) and len(place) > 2:
            said = f"{'.'.join(map(str, place))} = {written(wrong)}: has {len(wrong)} names; {_LENGTHS[str(place[1])]}"
        case _:
            of_field = [each for each in errors if _dotted(each["loc"]) == field]  # several of a union
            said = f"{field} = {written(wrong)}: must be {wanted(of_field)}"
    return " ".join(said.split())


def _dotted(place: tuple[int | str, ...]) -> str:
    """The field at a place that pydantic reports, without kinds of network and members of unions."""
    if place[:1] == ("network",):
        place = ("network", *place[2:])
    deepest = 3 if place[:2] == ("sampling", "guidance") else 2
    return ".".join(str(part) for level, part in enumerate(place) if level < deepest or isinstance(part, int))
