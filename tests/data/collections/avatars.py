"""Folders of images for tests: small, and different from each other in every pixel that matters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

COLOURS = {"Red": (200, 30, 30), "Green": (30, 200, 30), "Blue": (30, 30, 200)}
HATS = {"None": None, "Cap": (250, 250, 10), "Crown": (10, 250, 250)}


def picture(number: int, body: str = "Red", hat: str = "None", side: int = 12) -> np.ndarray:
    """An RGBA avatar, (side, side, 4): its number stands in the corner, so that no two are alike."""
    image = np.zeros((side, side, 4), np.uint8)
    image[4:, 2:10] = (*COLOURS[body], 255)
    if HATS[hat] is not None:
        image[1:4, 3:9] = (*HATS[hat], 255)
    for bit in range(10):
        image[11, bit] = (255, 255, 255, 255) if number >> bit & 1 else (0, 0, 0, 255)
    return image


def traits(number: int) -> dict[str, str]:
    """What the avatar of a number has."""
    return {"Body": list(COLOURS)[number % 3], "Hat": list(HATS)[number // 3 % 3]}


def avatar(number: int, side: int = 12) -> np.ndarray:
    its = traits(number)
    return picture(number, its["Body"], its["Hat"], side)


def save(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(path)


def images(folder: Path, count: int, suffix: str = ".png") -> Path:
    """So many avatars, called by their numbers."""
    for number in range(count):
        save(folder / f"{number}{suffix}", avatar(number))
    return folder


def token(number: int) -> dict[str, Any]:
    """ERC-721 metadata of an avatar."""
    return {
        "name": f"Avatar #{number}",
        "image": f"ipfs://somewhere/{number}.png",
        "attributes": [{"trait_type": name, "value": value} for name, value in traits(number).items()],
    }


def write_json(path: Path, said: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(said), encoding="utf-8")


def kinds(collection) -> dict[str, int]:
    """How often each kind of finding was made."""
    return {each.kind: each.count for each in collection.findings}
