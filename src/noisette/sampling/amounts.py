"""NAME=NUMBER as people write it: attributes with a scale of their own, and things to keep away from."""

from __future__ import annotations

from collections.abc import Iterable

from noisette.attributes.names import parts_of
from noisette.attributes.parsing import names_something
from noisette.attributes.schema import AttributeSchema
from noisette.errors import RequestError
from noisette.text import brief


def amounts(written: Iterable[str], schema: AttributeSchema, *, called: str, usual: float | None) -> dict[str, float]:
    """Numbers by the names that they are of.

    An equal sign may belong to the name: `digit=7` is a thing to keep away from, and `digit=7=0.5` says how strongly.
    What the schema knows as a whole is a name.

    Args:
        written: NAME=NUMBER each; NAME alone where there is a usual number.
        schema: What can be named.
        called: What errors call it, such as --exclude.
        usual: The number of a name alone; None where a number must be given, as names are then of attributes alone.

    Returns:
        The numbers by name, as `GuidanceSettings` take them.

    Raises:
        RequestError: A number is missing, or a name stands there twice.

    Examples:
        >>> amounts(["digit=7"], schema, called="--exclude", usual=0.3)  # doctest: +SKIP
        {'digit=7': 0.3}
    """
    found: dict[str, float] = {}
    for text in written:
        name, number = _divided(text)
        if usual is not None and (number is None or names_something(text, schema)):
            name, number = text.strip(), usual
        if number is None:
            raise RequestError(f'{called} "{brief(text)}" is not NAME=NUMBER')
        if name in found:
            raise RequestError(f"{called} names {brief(name)} twice; give it once")
        found[name] = number
    return found


def listed_amounts(text: str, schema: AttributeSchema, *, called: str, usual: float | None) -> dict[str, float]:
    """The same of a text with commas between; see `amounts`."""
    return amounts(parts_of(text), schema, called=called, usual=usual)


def _divided(text: str) -> tuple[str, float | None]:
    """At the last equal sign; no number where there is none behind it."""
    name, equals, number = text.rpartition("=")
    try:
        return (name.strip(), float(number)) if equals and name.strip() else (text.strip(), None)
    except ValueError:
        return text.strip(), None
