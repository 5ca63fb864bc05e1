"""A sprite sheet with the JSON that Aseprite writes beside it, hash or array; TexturePacker's is the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from noisette.data.collections.entries import Entry, Listing, Trait
from noisette.data.collections.findings import Findings
from noisette.data.collections.layouts.common import tell_rest
from noisette.data.collections.metadata import read_json, read_text
from noisette.data.collections.settings import CollectionSettings
from noisette.data.collections.tiles import Tile
from noisette.data.collections.tree import Tree
from noisette.errors import RequestError
from noisette.files.reading import MOST_TEXT, in_short
from noisette.text import plain

_MOST_FILES = 64
_Side = Annotated[int, Field(ge=0, le=2**16)]


class _Box(BaseModel):
    model_config = ConfigDict(frozen=True)

    x: _Side = 0
    y: _Side = 0
    w: Annotated[int, Field(ge=1, le=2**16)]
    h: Annotated[int, Field(ge=1, le=2**16)]


class _Size(BaseModel):
    model_config = ConfigDict(frozen=True)

    w: Annotated[int, Field(ge=1, le=4096)]
    h: Annotated[int, Field(ge=1, le=4096)]


class _Frame(BaseModel):
    model_config = ConfigDict(frozen=True)

    frame: _Box
    rotated: bool = False
    trimmed: bool = False
    spriteSourceSize: _Box | None = None  # noqa: N815  (as Aseprite writes it)
    sourceSize: _Size | None = None  # noqa: N815


class _Aseprite:
    def claims(self, tree: Tree, settings: CollectionSettings) -> bool:
        return bool(tree.images) and any(self._sheets(tree, Findings()))

    def read(self, tree: Tree, settings: CollectionSettings, findings: Findings) -> Listing:
        entries: list[Entry] = []
        known: set[str] = set()
        for name, said in self._sheets(tree, findings):
            known.add(name)
            image = _image_of(tree, name, said)
            if image is None:
                findings.add("no image", name)
                continue
            known.add(image)
            tags = _tags(said)
            for number, (label, written) in enumerate(_frames(said)):
                called = f"{image}: {label or number}"
                try:
                    frame = _Frame.model_validate(written)
                except ValidationError as error:
                    findings.add("metadata", called, in_short(error))
                    continue
                traits = tuple(Trait("tag", tag) for tag, first, last in tags if first <= number <= last)
                entries.append(Entry(called, _tile(tree, image, frame), traits))
        if not entries:
            raise RequestError(f"no JSON in {plain(str(tree.root), 200)} tells where the images of a sheet lie")
        tell_rest(tree, known, findings)
        return Listing("sprite sheets with Aseprite's JSON", entries)

    def _sheets(self, tree: Tree, findings: Findings) -> Iterator[tuple[str, dict[str, Any]]]:
        names = tree.of(".json")
        for name in names if len(names) <= _MOST_FILES else []:
            text = read_text(tree, name, findings, most=MOST_TEXT)
            try:
                said = None if text is None else read_json(text).value
            except ValueError as error:
                findings.add("metadata", name, str(error))
                continue
            if isinstance(said, dict) and isinstance(said.get("frames"), dict | list) and said["frames"]:
                yield name, said


def _image_of(tree: Tree, name: str, said: dict[str, Any]) -> str | None:
    """The sheet that a JSON speaks of, by its name alone: the one that it names, or the one that is called as it is."""
    meta = said.get("meta")
    named = meta.get("image") if isinstance(meta, dict) else None
    wanted = PurePosixPath(named.replace("\\", "/")).name if isinstance(named, str) else ""
    folder, stem = PurePosixPath(name).parent, PurePosixPath(name).stem
    near = [image for image in tree.images if PurePosixPath(image).parent == folder]
    by_name = [image for image in near if PurePosixPath(image).name == wanted]
    return next(iter([*by_name, *(image for image in near if PurePosixPath(image).stem == stem)]), None)


def _frames(said: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    frames = said["frames"]
    if isinstance(frames, dict):
        yield from frames.items()
        return
    for frame in frames:
        label = frame.get("filename") if isinstance(frame, dict) else None
        yield label if isinstance(label, str) else "", frame


def _tags(said: dict[str, Any]) -> list[tuple[str, int, int]]:
    meta = said.get("meta")
    tags = meta.get("frameTags") if isinstance(meta, dict) else None
    found = []
    for tag in tags if isinstance(tags, list) else []:
        if isinstance(tag, dict) and isinstance(tag.get("name"), str):
            first, last = tag.get("from"), tag.get("to")
            if isinstance(first, int) and isinstance(last, int):
                found.append((tag["name"], first, last))
    return found


def _tile(tree: Tree, image: str, frame: _Frame) -> Tile:
    box, canvas, offset = frame.frame, None, (0, 0)
    width, height = (box.h, box.w) if frame.rotated else (box.w, box.h)
    if frame.sourceSize is not None and frame.spriteSourceSize is not None:
        canvas = (frame.sourceSize.w, frame.sourceSize.h)
        offset = (frame.spriteSourceSize.x, frame.spriteSourceSize.y)
    return Tile(tree.path(image), tree.root, box.x, box.y, width, height, frame.rotated, canvas, offset)


LAYOUT = _Aseprite()
