"""Folders of images with metadata, made for a test, and what a layout reads in them."""

import io
import json
from pathlib import Path

from PIL import Image

from noisette.data.collections.entries import Listing
from noisette.data.collections.findings import Findings
from noisette.data.collections.layouts import LAYOUTS, Layout
from noisette.data.collections.settings import CollectionSettings
from noisette.data.collections.tree import scan

IMAGE = object()
"""Stands for a small PNG."""

OF_METADATA = ("erc721", "hashlips", "imagefolder", "table", "classes", "images")


def folder(root: Path, files: dict[str, object]) -> Path:
    """Write files: `IMAGE`, text, bytes, or what JSON can hold."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is IMAGE:
            path.write_bytes(png(len(name)))
        elif isinstance(content, bytes):
            path.write_bytes(content)
        else:
            text = content if isinstance(content, str) else json.dumps(content)
            path.write_text(text, encoding="utf-8", newline="")
    return root


def images(*names: str) -> dict[str, object]:
    return dict.fromkeys(names, IMAGE)


def png(shade: int) -> bytes:
    file = io.BytesIO()
    Image.new("L", (2, 2), shade % 256).save(file, "PNG")
    return file.getvalue()


def token(**traits: object) -> dict[str, object]:
    """Metadata as ERC-721 has them."""
    return {"attributes": [{"trait_type": name, "value": value} for name, value in traits.items()]}


def layout(name: str) -> Layout:
    from importlib import import_module

    return import_module(f"noisette.data.collections.layouts.{name}").LAYOUT


def claimed(root: Path) -> str | None:
    """The first layout of metadata that takes a folder for its own."""
    tree = scan(root, Findings())
    names = (name for name in LAYOUTS if name in OF_METADATA)
    return next((name for name in names if layout(name).claims(tree, CollectionSettings())), None)


def read(root: Path, name: str, **settings: object) -> tuple[Listing, dict[str, list[str]]]:
    """What a layout lists in a folder that it claims, and the names of all findings by their kind."""
    findings = Findings()
    tree, chosen = scan(root, findings), CollectionSettings(**settings)
    assert layout(name).claims(tree, chosen)
    listing = layout(name).read(tree, chosen, findings)
    return listing, {each.kind: each.names for each in findings.all()}


def said(listing: Listing) -> dict[str, list[tuple[str, object]] | None]:
    """The traits of each image as (name, value), by the image's name."""
    return {
        entry.name: None if entry.traits is None else [(trait.name, trait.value) for trait in entry.traits]
        for entry in listing.entries
    }
