"""`collection.toml`: how a folder is read, where that should be otherwise than it is understood by itself."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from noisette.attributes.schema import shown_number
from noisette.files.toml import read_toml
from noisette.text import brief

if TYPE_CHECKING:
    from noisette.data.collections.collection import Collection

FILE = "collection.toml"


class TraitSettings(BaseModel):
    """How one trait is understood.

    Attributes:
        kind: What it becomes; auto decides by its values.
        ranges: Upper bounds of the ranges of a number, ascending, each inclusive; what is above the last is a range
            too. Dates are days such as 2024-01-31.
        rename: What it is called instead.
        values: What values are called instead, by how they are written; two may become one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["auto", "choice", "flags", "number", "date", "ignore"] = "auto"
    ranges: tuple[float | str, ...] = ()
    rename: str = ""
    values: dict[str, str] = {}


class CollectionSettings(BaseModel):
    """All that `collection.toml` can say; each is found out where it is left out.

    Attributes:
        layout: Name of the layout, one of `noisette.data.collections.layouts.LAYOUTS`.
        size: Width x height of the images as they are learned, such as 24x24; those of another size are left out.
        resize: What is done with images of another size: none leaves them out, pad centres them on transparency,
            area and nearest resize.
        tile: Width x height of the images on a sprite sheet.
        reduce: Whole factor by which enlarged pixel art is reduced; 1 keeps images as they are.
        mode: What is kept of colours: grey, RGB or RGBA.
        image: Name of the column that holds the images, in Parquet and Arrow files.
        separator: What stands between the names in a cell of a CSV.
        exclude: Patterns of files that are not read, such as `drafts/*`.
        traits: By name of the trait.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    layout: str = ""
    size: str = ""
    resize: Literal["none", "pad", "area", "nearest"] = "none"
    tile: str = ""
    reduce: int | None = Field(None, ge=1, le=64)
    mode: Literal["", "grey", "RGB", "RGBA"] = ""
    image: str = ""
    separator: str = ""
    exclude: tuple[str, ...] = ()
    traits: dict[str, TraitSettings] = {}

    @field_validator("size", "tile")
    @classmethod
    def _is_a_size(cls, written: str) -> str:
        if written and width_and_height(written) is None:
            raise ValueError(f'"{brief(written)}" is no width x height, such as 24x24')
        return written


def width_and_height(written: str) -> tuple[int, int] | None:
    """The two numbers of a size such as `24x32`, or `24` for a square; None of anything else."""
    match = re.fullmatch(r"([1-9][0-9]{0,4})(?:\s*[xX]\s*([1-9][0-9]{0,4}))?", written.strip())
    return (int(match[1]), int(match[2] or match[1])) if match else None


def dump_settings(collection: Collection) -> str:
    """How a collection was understood, as the text of a `collection.toml` that says the same.

    Args:
        collection: Of a folder.
    """
    import tomli_w

    shape = collection.shape
    said: dict[str, Any] = {
        "layout": collection.layout,
        "size": f"{shape.width}x{shape.height}",
        "resize": shape.resize,
        "reduce": shape.enlarged.factor,
        "traits": {},
    }
    for attribute in collection.dataset.schema.attributes:
        if attribute.kind == "choice":
            said["traits"][attribute.name] = {"kind": "choice"}
        elif attribute.kind == "range":
            edges = [shown_number(edge, "date") if attribute.unit == "date" else edge for edge in attribute.edges]
            said["traits"][attribute.name] = {"kind": attribute.unit, "ranges": edges}
    for finding in collection.findings:
        if finding.kind in ("constant", "unique", "too many"):
            said["traits"] |= {name.partition(" (")[0]: {"kind": "ignore"} for name in finding.names}
    return "# How noisette understands this folder; change what should be otherwise.\n" + tomli_w.dumps(said)


def read_settings(folder: Path) -> CollectionSettings:
    """What the `collection.toml` of a folder says; nothing where there is none.

    Args:
        folder: Of the images.

    Raises:
        RequestError: It says what cannot be.
    """
    path = folder / FILE
    if not path.is_file():
        return CollectionSettings()
    return read_toml(CollectionSettings, path)
