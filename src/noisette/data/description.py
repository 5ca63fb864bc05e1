"""What is known of a data set before it is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from noisette.attributes.schema import AttributeSchema

MODES = {1: "grey", 3: "RGB", 4: "RGBA"}
"""What images of so many channels are called."""


@dataclass(frozen=True)
class Description:
    """What a source says of its data set; nothing is loaded to know it.

    Attributes:
        name: Of the data set.
        channels: 1 grey, 3 RGB, 4 RGBA, before the images are put on a background.
        height: Pixels.
        width: Pixels.
        images: How many there are; None where only loading tells.
        schema: The attributes; None where only loading tells.
        how: How the images were read or made, in words.
    """

    name: str
    channels: int
    height: int
    width: int
    images: int | None
    schema: AttributeSchema | None
    how: str

    @property
    def mode(self) -> str:
        """What the channels are: grey, RGB or RGBA."""
        return MODES[self.channels]
