"""Objects in JSON that each describe an image: which one, and with which traits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any

from noisette.data.collections.assembling import Assembly
from noisette.data.collections.entries import Trait
from noisette.data.collections.findings import Findings
from noisette.data.collections.matching import FileNames, stem_of
from noisette.data.collections.metadata import (
    ATTRIBUTES,
    MOST_OF_ALL,
    Element,
    TraitReader,
    attributes_key,
    beginning,
    elements,
    kind_of,
    read_text,
)
from noisette.data.collections.tree import Tree
from noisette.text import brief

_FILES = ("file_name", "filename", "file", "image", "image_file", "image_url", "path")
_IDS = ("edition", "id", "token_id", "tokenId")
_ABOUT = frozenset(
    (*_FILES, *_IDS, "name", "description", "dna", "compiler", "external_url", "animation_url", "background_color")
)
"""What an object says of its image that is no trait of it."""

_FIRST = 20  # elements that tell what a file is


def image_named(record: Mapping[str, Any], names: FileNames, near: str) -> tuple[str, ...]:
    """The images whose file an object names.

    Args:
        record: The object.
        names: Of all images.
        near: Path of the file that it stands in.
    """
    for key in _FILES:
        written = record.get(key)
        if isinstance(written, str) and (found := names.find(written, near)):
            return found
    return ()


def image_meant(element: Element, names: FileNames, near: str) -> tuple[str, ...]:
    """The images that an element means: by its key, the file that it names, its number, or the number in its name.

    Args:
        element: Of a list or an object.
        names: Of all images.
        near: Path of the file that it stands in.
    """
    if isinstance(element.key, str) and (found := names.find_id(element.key, near)):
        return found
    record = element.value if isinstance(element.value, Mapping) else {}
    if found := image_named(record, names, near):
        return found
    for key in (*_IDS, "name"):
        written = record.get(key)
        if isinstance(written, float) and written.is_integer():
            written = int(written)  # as pandas writes numbers of which one is missing
        if isinstance(written, bool) or not isinstance(written, str | int):
            continue
        if found := names.find_id(written, near):
            return found
    files = (record[key] for key in _FILES if isinstance(record.get(key), str))
    return next(filter(None, (names.find_id(stem_of(written), near) for written in files)), ())


def traits_of(said: Any, image: str, reader: TraitReader, findings: Findings) -> tuple[Trait, ...] | None:
    """The traits that metadata of one image say.

    Args:
        said: An object with `attributes`, one whose other keys are the traits, or a list of them.
        image: Whose they are.
        reader: Makes the traits.
        findings: Told if there are none.

    Returns:
        The traits; None if they cannot be read.
    """
    if isinstance(said, list):
        if not any(isinstance(each, Mapping) for each in said) and not all(isinstance(each, str) for each in said):
            other = next(each for each in said if not isinstance(each, str))
            findings.add("metadata", image, f"they are a list with {kind_of(other)} in it, no list of traits")
            return None
        return reader.attributes(said, image)
    if not isinstance(said, Mapping):
        findings.add("metadata", image, f"they are {kind_of(said)}, no object")
        return None
    key = attributes_key(said)
    if key is not None:
        return reader.attributes(said[key], image)
    pairs = [(name, value) for name, value in said.items() if name not in _ABOUT]
    if not pairs:
        findings.add("metadata", image, "they hold no attributes")
        return None
    return reader.pairs(pairs, image)


def tell_twice(keys: Iterable[str], image: str, findings: Findings) -> None:
    """Say which keys stood twice in an object, with different values."""
    for key in keys:
        findings.add("metadata twice", image, f'"{brief(key)}" stands twice in one object')


def describes_images(text: str, names: FileNames, near: str) -> bool:
    """Whether a text in JSON is a list of objects that describe an image each, or an object of such.

    Args:
        text: Of a file, or its beginning.
        names: Of all images.
        near: Path of the file.
    """
    return _describing(_first(text, _FIRST), names, near) > 0


def records_estimated(tree: Tree, name: str, names: FileNames) -> int:
    """About how many images a file of JSON describes, by its beginning."""
    text = beginning(tree, name)
    known = _first(text)
    first = known[:_FIRST]
    if not first:
        return 0
    length = len(known) * max(1, tree.stamps[name].size / len(text))
    return round(length * _describing(first, names, name) / len(first))


def _first(text: str, count: int | None = None) -> list[Element]:
    """So many elements of a text that may be cut off behind them; all that there are unless it is said how many."""
    first: list[Element] = []
    with suppress(ValueError):
        for element in islice(elements(text, tell=_pass_over), count):
            first.append(element)
    return first


def _pass_over(place: int, wrong: str) -> None:
    """Nobody is told of what is only tried."""


def _describing(first: Sequence[Element], names: FileNames, near: str) -> int:
    if any(element.key in ATTRIBUTES for element in first):
        return 0  # it describes one image
    return sum(_describes_one(element, names, near) for element in first)


def _describes_one(element: Element, names: FileNames, near: str) -> bool:
    if isinstance(element.key, str):
        return isinstance(element.value, Mapping | list | str) and bool(names.find_id(element.key, near))
    if not isinstance(element.value, Mapping):
        return False
    return attributes_key(element.value) is not None or bool(image_meant(element, names, near))


def read_records(
    tree: Tree, name: str, names: FileNames, assembly: Assembly, reader: TraitReader, findings: Findings
) -> None:
    """Read a list of objects that describe an image each, or an object of such.

    Args:
        tree: The files.
        name: Of the file.
        names: Of all images.
        assembly: Told what is said of each.
        reader: Makes the traits.
        findings: Told of everything that is wrong.
    """
    assembly.used(name)
    text = read_text(tree, name, findings, most=MOST_OF_ALL)
    if text is None:
        return
    unheard = Findings()  # what is wrong in a second description was told of the first, which counts
    again = TraitReader(unheard)
    try:
        for element in elements(text, tell=lambda place, wrong: findings.add("metadata", f"{name}[{place}]", wrong)):
            if not isinstance(element.value, Mapping | list | str):
                findings.add("metadata", _label(name, element), f"it is {kind_of(element.value)}, no object")
                continue
            image = assembly.match(image_meant(element, names, name), _label(name, element))
            if image is None:
                continue
            first = assembly.described.get(image) is None
            said = [element.value] if isinstance(element.value, str) else element.value
            tell_twice(element.twice, image, findings if first else unheard)
            traits = traits_of(said, image, reader if first else again, findings if first else unheard)
            assembly.describe(image, traits, name)
    except ValueError as error:
        findings.add("metadata", name, str(error))


def _label(name: str, element: Element) -> str:
    if isinstance(element.key, str):
        return f'"{brief(element.key)}" in {name}'
    called = element.value.get("name") if isinstance(element.value, Mapping) else None
    return f'"{brief(called)}" in {name}' if isinstance(called, str) else f"{name}[{element.key}]"
