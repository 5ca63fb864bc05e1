"""What pydantic finds wrong, said in our words and in one line: where, what is there, and what must be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from noisette.errors import nearest, written

Place = tuple[int | str, ...]
"""Keys and numbers that lead to a value, outermost first."""

_WORDS = {
    "a valid integer": "a whole number",
    "a valid number": "a number",
    "a valid string": "a text",
    "a valid list": "a list",
    "a valid tuple": "a list",
    "a valid dictionary": "a section of names and values",
    "a valid boolean": "true or false",
}
_MUST = "Input should be "
_SENTENCES = {"Extra inputs are not permitted": "there is no such key", "Field required": "it is missing"}
_ASIDE = re.compile(r"(?:, unable|, got| or instance of) .*$")
_OTHER_KIND = re.compile(r"_(?:type|parsing|error|from_float)$")


def in_short(failed: ValidationError) -> str:
    """The first thing that is wrong, in a few words; nothing of a file's own content but the names of its parts."""
    first = failed.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))[:80]
    said = first["msg"].removeprefix("Value error, ").removesuffix(".")
    if said.startswith(_MUST):
        said = f"must be {_in_words(said)}"
    said = _SENTENCES.get(said, said)
    return f"{place}: {said}" if place else said


def explain(failed: ValidationError, model: type[BaseModel], said: Mapping[str, Any]) -> str:
    """A failed validation in one line: one key, what is wrong, what would be right.

    Args:
        failed: By pydantic.
        model: What was asked for.
        said: What was given instead.
    """
    found = [(_place(each["loc"], said), each) for each in failed.errors(include_url=False)]
    place, error = min(found, key=lambda each: (each[1]["type"] != "extra_forbidden", -len(each[0])))
    key = ".".join(map(str, place))
    match error["type"]:
        case "extra_forbidden":
            section = str(place[-2]) if len(place) > 1 else "the file"
            return no_setting(key, _keys(model, place[:-1]), section)
        case "value_error":
            return f"{key}: {error['msg'].removeprefix('Value error, ')}"
        case "too_short" | "too_long":
            least, most = error["ctx"].get("min_length"), error["ctx"].get("max_length")
            bound = f"{least} at least" if most is None else f"{most} at most"
            return f"{key} = {written(error['input'])}: the list is of {error['ctx']['actual_length']}; give {bound}"
    return f"{key} = {written(error['input'])}: must be {wanted(each for at, each in found if at == place)}"


def no_setting(key: str, taken: Iterable[str], section: str) -> str:
    """That there is no such setting, with the nearest that there are.

    Args:
        key: It, with the sections that it stands in, divided by dots.
        taken: The settings that there are in that section.
        section: What the section is called where all of them are told.
    """
    known = list(taken)
    return f"no setting {key}" + (nearest(key.rpartition(".")[2], known) or f"; {section} takes {', '.join(known)}")


def wanted(errors: Iterable[ErrorDetails]) -> str:
    """What a value must be, of all that pydantic says about it: several where it may be of several kinds.

    Where it is of one of these, and only too large or too small, the others are not meant.
    """
    all_ = list(errors)
    errors = [each for each in all_ if not _OTHER_KIND.search(each["type"])] or all_
    return " or ".join(dict.fromkeys(_in_words(each["msg"]) for each in errors))


def _in_words(said: str) -> str:
    bare = _ASIDE.sub("", said.removeprefix(_MUST))
    return _WORDS.get(bare, bare)


def _place(reported: Sequence[int | str], said: Any) -> Place:
    """Where a value stands in what was given, without the kinds that pydantic tried for it."""
    place: list[int | str] = []
    part: Any
    for part in reported:
        is_there = part in said if isinstance(said, Mapping) else isinstance(said, list) and isinstance(part, int)
        if is_there:
            said = said[part]
            place.append(part)
    return tuple(place)


def _keys(model: type[BaseModel], place: Place) -> Iterable[str]:
    """The settings that there are at a place."""
    kind: Any = model
    for part in place:
        is_model = isinstance(kind, type) and issubclass(kind, BaseModel)
        kind = kind.model_fields[str(part)].annotation if is_model else get_args(kind)[-1]
    return list(kind.model_fields)
