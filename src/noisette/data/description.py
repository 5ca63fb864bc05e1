"""What is known of a data set before it is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from noisette.attributes.schema import AttributeSchema

MODES = {1: "grey", 3: "RGB", 4: "RGBA"}
"""What images of so many channels are called."""


EVERY, VALIDATION, TEST = 20, 3, 13
"""Of a data set without splits of its own: one image in each run of so many goes to validation, one to test, by the
remainder of its index.
"""


def trained_by_index(count: int) -> int:
    """How many of `count` images `noisette.data.dataset.split_by_index` leaves for training."""
    return count - sum(len(range(remainder, count, EVERY)) for remainder in (VALIDATION, TEST))


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
        trained: How many of them are for training; None where only loading tells.
        few_colours: Whether they have so few that there is a palette of them; None where only loading tells.
    """

    name: str
    channels: int
    height: int
    width: int
    images: int | None
    schema: AttributeSchema | None
    how: str
    trained: int | None = None
    few_colours: bool | None = None

    @property
    def mode(self) -> str:
        """What the channels are: grey, RGB or RGBA."""
        return MODES[self.channels]
