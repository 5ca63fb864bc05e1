"""Settings of a recipe as text: what stands in a form, as `--set` takes it."""

from __future__ import annotations

import json
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from noisette.errors import RequestError


def kind_of(annotation: Any) -> Any:
    """The type of a setting without what it may be besides: str of `str | None`."""
    if get_origin(annotation) is Annotated:
        return kind_of(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        left = [each for each in get_args(annotation) if each is not type(None)]
        return kind_of(left[0]) if len(left) == 1 else annotation
    return annotation


def written_as_toml(kind: Any, written: str) -> str:
    """What a person wrote into a setting, as TOML; `none` for nothing.

    Args:
        kind: The type of the setting, as `kind_of` gives it.
        written: By the person.
    """
    written = written.strip()
    if not written:
        return "none"
    return as_toml(written) if kind is str or _is_word_of(kind, written) else written


def as_toml(value: Any) -> str:
    """A value as it is written in TOML; `none` for nothing."""
    if value is None:
        return "none"
    if isinstance(value, dict):
        pairs = (f"{json.dumps(name, ensure_ascii=False)} = {as_toml(each)}" for name, each in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False)


def parse_length(unit: str, length: str) -> tuple[str | None, int | None, int | None]:
    """The length of a training as `lengthened` takes it.

    Args:
        unit: `budget`, `epochs` or `steps`.
        length: As a person writes it.

    Returns:
        Budget, epochs and steps, two of them None.

    Raises:
        RequestError: Epochs or steps are no whole number.
    """
    if unit == "budget":
        return length, None, None
    if not length.isdecimal():
        raise RequestError(f"{unit} must be a whole number, not {length}")
    return (None, int(length), None) if unit == "epochs" else (None, None, int(length))


def _is_word_of(kind: Any, written: str) -> bool:
    """Whether a word is what the setting takes besides numbers: `continuous`, or `16x24`."""
    if get_origin(kind) not in (Union, UnionType):
        return False
    words = [word for each in get_args(kind) if get_origin(each) is Literal for word in get_args(each)]
    return written in words or (str in get_args(kind) and not written.isdecimal())
