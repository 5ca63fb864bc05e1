"""The JSON that tells where the images of a sheet lie, as Aseprite writes it (hash): what game engines read."""

from __future__ import annotations

import json
from collections.abc import Sequence

from noisette._version import __version__


def atlas(
    picture: str,
    names: Sequence[str],
    size: tuple[int, int],
    *,
    columns: int,
    scale: int,
    gap: int,
    milliseconds: int,
    true_colour: bool,
) -> bytes:
    """Write where each image of a sheet lies.

    Args:
        picture: The name of the sheet's file.
        names: Of the images, in their order on the sheet.
        size: (height, width) of an image in pixels, before it is enlarged.
        columns: Images in a row.
        scale: Whole factor by which the sheet is enlarged.
        gap: Pixels between images, before they are enlarged.
        milliseconds: How long each image stays where they are played in turn.
        true_colour: Whether the sheet keeps red, green and blue; indices and greys are "I8", as Aseprite has it.

    Returns:
        JSON.
    """
    height, width = (side * scale for side in size)
    down, across = (side + gap * scale for side in (height, width))
    whole = {"x": 0, "y": 0, "w": width, "h": height}
    frames = {
        name: {
            "frame": {"x": place % columns * across, "y": place // columns * down, "w": width, "h": height},
            "rotated": False,
            "trimmed": False,
            "spriteSourceSize": whole,
            "sourceSize": {"w": width, "h": height},
            "duration": milliseconds,
        }
        for place, name in enumerate(names)
    }
    rows = -(-len(names) // columns)
    meta = {
        "app": "noisette",
        "version": __version__,
        "image": picture,
        "format": "RGBA8888" if true_colour else "I8",
        "size": {"w": min(columns, len(names)) * across - gap * scale, "h": rows * down - gap * scale},
        "scale": "1",
    }
    return (json.dumps({"frames": frames, "meta": meta}, indent=1) + "\n").encode()
