"""Images with a JSON file each, as ERC-721 has it and OpenSea reads it: beside them, or in a folder of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from noisette.data.collections.assembling import Assembly, tells_enough
from noisette.data.collections.entries import Listing
from noisette.data.collections.findings import Findings
from noisette.data.collections.matching import FileNames, base_of, stem_of
from noisette.data.collections.metadata import (
    Element,
    TraitReader,
    attributes_key,
    beginning,
    read_json,
    read_text,
)
from noisette.data.collections.records import (
    describes_images,
    image_meant,
    image_named,
    read_records,
    tell_twice,
    traits_of,
)
from noisette.data.collections.settings import CollectionSettings
from noisette.data.collections.tree import Tree
from noisette.errors import RequestError
from noisette.text import plain

_TRIED = 5  # files whose content tells whether they are metadata


class Erc721:
    """A file of JSON for each image."""

    def claims(self, tree: Tree, settings: CollectionSettings) -> bool:
        """Whether enough images have a file of JSON, and those that are tried look like metadata."""
        images, files = FileNames(tree.images), _files(tree)
        names = FileNames(files)
        own = [
            found[0]
            for image in tree.images
            if (found := names.beside(image)) and (len(found) == 1 or _is_only(image, images, found[0]))
        ]
        if tells_enough(len(own), len(tree.images)):
            return _most(_is_metadata(_tried(tree, name), images, name) for name in _spread(own))
        return tells_enough(len(files), len(tree.images)) and _most(
            isinstance(said := _tried(tree, name), Mapping) and bool(image_named(said, images, name))
            for name in _spread(files)
        )

    def read(self, tree: Tree, settings: CollectionSettings, findings: Findings) -> Listing:
        """See `Layout.read`."""
        assembly, files = Assembly(tree, findings), _files(tree)
        images, names = FileNames(assembly.images), FileNames(files)
        reader, taken = TraitReader(findings), set[str]()
        words: dict[str, str] = {}  # by image, the file that names no trait
        for image in assembly.images:
            found = [name for name in names.beside(image) if not _is_other_text(tree, name)]
            if len(found) > 1 and not _is_only(image, images, found[0]):
                findings.add("no metadata", image, "it is not clear which file describes it")
                assembly.unknown(image)
                continue
            for name in found:
                taken.add(name)
                if _describe(tree, name, image, assembly, images, reader, findings):
                    words[image] = name
        if len(words) * 2 < len(taken):
            for image, name in words.items():
                findings.add("metadata", image, f"{name} is a list of texts, where others name their traits")
                assembly.forget(image)
        for name in files:
            if name not in taken and not _is_other_text(tree, name):
                _read_unmatched(tree, name, assembly, images, reader, findings)
        if all(traits is None for traits in assembly.described.values()):
            raise RequestError(f"no image in {plain(str(tree.root), 200)} has a JSON file that can be read")
        return assembly.listing("with ERC-721 metadata, one JSON file each")


LAYOUT = Erc721()


def _files(tree: Tree) -> list[str]:
    """What may be JSON by its name: `7.json`, and `7` without suffix."""
    return [path for path in tree.files if path.lower().endswith(".json") or _has_no_suffix(path)]


def _is_only(image: str, images: FileNames, near: str) -> bool:
    """Whether no other image as near to a file of metadata has the same name: several such files then describe it."""
    return images.find(stem_of(image), near) == (image,)


def _has_no_suffix(path: str) -> bool:
    return "." not in base_of(path)


def _is_other_text(tree: Tree, name: str) -> bool:
    """Whether a file without suffix is no JSON, such as a README."""
    return _has_no_suffix(name) and beginning(tree, name, 64).lstrip()[:1] not in ("{", "[")


def _spread(names: Sequence[str]) -> list[str]:
    """A few of many names, from everywhere."""
    return [names[number * len(names) // _TRIED] for number in range(_TRIED)] if len(names) > _TRIED else list(names)


def _most(answers: Iterable[bool]) -> bool:
    known = list(answers)
    return any(known) and sum(known) * 2 >= len(known)


def _tried(tree: Tree, name: str) -> Any:
    try:
        return read_json(beginning(tree, name)).value
    except ValueError:
        return None


def _is_metadata(said: Any, images: FileNames, near: str) -> bool:
    if isinstance(said, list):
        return bool(said) and all(isinstance(each, str) or _is_trait(each) for each in said)
    return isinstance(said, Mapping) and (attributes_key(said) is not None or bool(image_named(said, images, near)))


def _is_trait(said: Any) -> bool:
    return isinstance(said, Mapping) and "value" in said


def _describe(
    tree: Tree,
    name: str,
    image: str,
    assembly: Assembly,
    images: FileNames,
    reader: TraitReader,
    findings: Findings,
) -> bool:
    """What the file of an image's own name says of it; whether that is a list of texts and nothing else."""
    assembly.used(name)
    text = read_text(tree, name, findings, subject=image)
    said = None if text is None else _said(text, name, image, findings)
    if said is None:
        assembly.unknown(image)
        return False
    tell_twice(said.twice, image, findings)
    other = image_named(said.value, images, name) if isinstance(said.value, Mapping) else ()
    if len(other) == 1 and stem_of(other[0]) != stem_of(image):
        findings.add("other image", image, f"{name} names {other[0]}")
    assembly.describe(image, traits_of(said.value, image, reader, findings), name)
    return isinstance(said.value, list) and bool(said.value) and all(isinstance(each, str) for each in said.value)


def _said(text: str, name: str, subject: str, findings: Findings) -> Element | None:
    try:
        return read_json(text)
    except ValueError as error:
        findings.add("metadata", subject, str(error) if subject == name else f"{name}: {error}")
        return None


def _read_unmatched(
    tree: Tree, name: str, assembly: Assembly, images: FileNames, reader: TraitReader, findings: Findings
) -> None:
    """A file that no image is named after: it may describe many, or name one, or be no metadata."""
    if describes_images(beginning(tree, name), images, name):
        read_records(tree, name, images, assembly, reader, findings)
        return
    text = read_text(tree, name, findings)
    said = None if text is None else _said(text, name, name, findings)
    if said is None:
        assembly.used(name)
        return
    if not _is_metadata(said.value, images, name):
        return
    assembly.used(name)
    image = assembly.match(image_meant(said, images, name), name)
    if image is not None:
        tell_twice(said.twice, image, findings)
        assembly.describe(image, traits_of(said.value, image, reader, findings), name)
