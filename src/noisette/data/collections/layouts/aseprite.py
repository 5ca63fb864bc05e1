"""A sprite sheet with the JSON that Aseprite writes beside it, hash or array; TexturePacker's is the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from noisette.data.collections.entries import Entry, Listing, Trait
from noisette.data.collections.findings import Findings
from noisette.data.collections.layouts.common import tell_rest
from noisette.data.collections.matching import FileNames
from noisette.data.collections.metadata import MOST_OF_ONE, TraitReader, beginning, read_json, read_text
from noisette.data.collections.pictures import MOST_OF_SHEET, MOST_SIDE
from noisette.data.collections.settings import CollectionSettings
from noisette.data.collections.tiles import Tile
from noisette.data.collections.tree import Tree
from noisette.errors import RequestError
from noisette.files.invalid import in_short
from noisette.text import brief, plain

_TRIED = 8  # JSON files that are looked into for frames; a folder may hold one for each of a million images
_MOST_TAGS = 1000
_FRAMES = re.compile(r'"frames"\s*:\s*[\[{].*"frame"\s*:\s*\{', re.DOTALL)

_Place = Annotated[int, Field(ge=0, le=MOST_OF_SHEET)]


class _Offset(BaseModel):
    model_config = ConfigDict(frozen=True)

    x: _Place
    y: _Place


class _Box(_Offset):
    w: Annotated[int, Field(ge=1, le=MOST_SIDE)]
    h: Annotated[int, Field(ge=1, le=MOST_SIDE)]


class _Size(BaseModel):
    model_config = ConfigDict(frozen=True)

    w: Annotated[int, Field(ge=1, le=MOST_SIDE)]
    h: Annotated[int, Field(ge=1, le=MOST_SIDE)]


class _Frame(BaseModel):
    model_config = ConfigDict(frozen=True)

    frame: _Box
    rotated: bool = False
    spriteSourceSize: _Offset | None = None  # noqa: N815  (as Aseprite writes it)
    sourceSize: _Size | None = None  # noqa: N815


class Aseprite:
    """Sheets whose tiles stand in a JSON file of `frames`."""

    def claims(self, tree: Tree, settings: CollectionSettings) -> bool:
        """Whether one of the first JSON files has frames."""
        first = tree.of(".json")[:_TRIED] if tree.images else []
        return any(_FRAMES.search(beginning(tree, name, 2**16)) for name in first)

    def read(self, tree: Tree, settings: CollectionSettings, findings: Findings) -> Listing:
        """See `Layout.read`."""
        names, reader = FileNames(tree.images), TraitReader(findings)
        entries: list[Entry] = []
        known: list[str] = []
        for name in tree.of(".json"):
            said = _sheet_of(tree, name, findings)
            if said is None:
                continue
            known.append(name)
            images = _images_of(said, names, name)
            if len(images) != 1:
                findings.add("no image", name, "several images are called so" if images else "its sheet is not there")
                continue
            known += images
            entries += _entries(tree, images[0], said, reader, findings)
        if not entries:
            raise RequestError(f"no JSON in {plain(str(tree.root), 200)} tells where the images of a sheet lie")
        tell_rest(tree, known, findings)
        return Listing("sprite sheets with the JSON of Aseprite or TexturePacker", entries, known)


LAYOUT = Aseprite()


def _sheet_of(tree: Tree, name: str, findings: Findings) -> dict[str, Any] | None:
    """What the JSON of a sheet says; None if it is none, which is a finding where it cannot be read."""
    text = read_text(tree, name, findings, most=MOST_OF_ONE)
    if text is None:
        return None
    try:
        said = read_json(text).value
    except ValueError as error:
        findings.add("metadata", name, str(error))
        return None
    return said if isinstance(said, dict) and isinstance(said.get("frames"), dict | list) else None


def _images_of(said: dict[str, Any], names: FileNames, near: str) -> tuple[str, ...]:
    """The sheets that a JSON may speak of: the one that it names, or the one that is called as it is."""
    meta = said.get("meta")
    named = meta.get("image") if isinstance(meta, dict) else None
    return (names.find(named, near) if isinstance(named, str) else ()) or names.find(near.rpartition(".")[0], near)


def _entries(tree: Tree, image: str, said: dict[str, Any], reader: TraitReader, findings: Findings) -> Iterator[Entry]:
    tags = _tags(said, image, reader, findings)
    for number, (label, written) in enumerate(_frames(said)):
        called = f"{image}: {brief(label, 200)}" if label else f"{image}#{number}"
        try:
            frame = _Frame.model_validate(written)
        except ValidationError as error:
            findings.add("metadata", called, in_short(error))
            continue
        yield Entry(called, _tile(tree, image, frame), tuple(tag for tag, place in tags if number in place))


def _frames(said: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    frames = said["frames"]
    if isinstance(frames, dict):
        yield from frames.items()
        return
    for frame in frames:
        label = frame.get("filename") if isinstance(frame, dict) else None
        yield label if isinstance(label, str) else "", frame


def _tags(said: dict[str, Any], image: str, reader: TraitReader, findings: Findings) -> list[tuple[Trait, range]]:
    """The tags of a sheet, each a trait of the frames in its range."""
    meta = said.get("meta")
    written = meta.get("frameTags") if isinstance(meta, dict) else None
    found = []
    for tag in written[:_MOST_TAGS] if isinstance(written, list) else []:
        first, last = (tag.get("from"), tag.get("to")) if isinstance(tag, dict) else (None, None)
        if not (isinstance(first, int) and isinstance(last, int)):
            findings.add("trait", image, "a tag that does not say from which frame to which it goes")
        elif (trait := reader.trait("tag", tag.get("name"), image)) is not None:
            found.append((trait, range(first, last + 1)))
    return found


def _tile(tree: Tree, image: str, frame: _Frame) -> Tile:
    """Where a frame lies. Its width and height are those before it was turned, and its place those of the corner."""
    box, canvas, offset = frame.frame, None, (0, 0)
    width, height = (box.h, box.w) if frame.rotated else (box.w, box.h)
    if frame.sourceSize is not None and frame.spriteSourceSize is not None:
        canvas = (frame.sourceSize.w, frame.sourceSize.h)
        offset = (frame.spriteSourceSize.x, frame.spriteSourceSize.y)
    return Tile(tree.path(image), tree.root, box.x, box.y, width, height, frame.rotated, canvas, offset)
