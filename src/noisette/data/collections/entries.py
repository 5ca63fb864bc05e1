"""What a layout finds in a folder: pictures, each with a name and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Raw = str | int | float | bool | None
"""A value as metadata say it; None is a trait that is said not to be there."""


class RefusedPicture(Exception):
    """A picture that cannot be taken as it is.

    Args:
        kind: The kind of finding that it is; see `noisette.data.collections.findings.KINDS`.
        detail: What there is, in a few words, such as "16 bits a channel"; empty where the kind says it all.
    """

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind, self.detail = kind, detail


class Picture(Protocol):
    """Where the pixels of one image are. It holds no pixels itself, and can be sent to another process.

    Its pixels are kept from one reading to the next if it is a frozen dataclass with the `path` of the one file that
    they come from, and plain values besides.
    """

    def read(self) -> NDArray[np.uint8]:
        """The pixels.

        Returns:
            (H, W, C) uint8, C = 1 grey, 3 RGB, 4 RGBA, as the file has them: nothing is resized or put on a background.

        Raises:
            RefusedPicture: It cannot be read, or is more or other than one still image of 8 bits a channel.
        """


@dataclass(frozen=True, slots=True)
class Trait:
    """One thing that metadata say of an image.

    Attributes:
        name: Of the trait, such as `Hat`; `attribute` where a value stands alone, as a word of a list.
        value: As it was written.
        display: ERC-721's `display_type` (`number`, `boost_number`, `boost_percentage`, `date`), or empty.
    """

    name: str
    value: Raw
    display: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One image.

    Attributes:
        name: What it is called in findings: the path of its file from the folder on, with `#3` or `:3` where a file
            holds several.
        picture: Where its pixels are.
        traits: What is said of it; None where nothing is known of it, which is not the same as an empty tuple.
    """

    name: str
    picture: Picture
    traits: tuple[Trait, ...] | None = None


@dataclass(frozen=True)
class Listing:
    """What a layout found.

    Attributes:
        how: How the folder was understood, in words, such as "PNG files with ERC-721 metadata, one JSON file each".
        entries: The images, in an order that does not depend on the file system.
        files: Paths of all files that were looked at, from the folder on: what must be the same for the listing to be.
        splits: Where the layout itself divides the images (`train`, `test`): the split of each entry, by name; empty of
            all others, which are divided by their content.
    """

    how: str
    entries: Sequence[Entry]
    files: Sequence[str] = ()
    splits: Mapping[str, str] = field(default_factory=dict)
