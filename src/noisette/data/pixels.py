"""Pixel spaces: from bytes to what is diffused, and back.

A pixel space is the only thing that knows what the channels of a diffused image mean; networks and samplers see a
number of channels and a range of values.
"""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from noisette.data.description import MODES
from noisette.data.palette import Palette
from noisette.errors import RequestError

SpaceName = Literal["colours", "premultiplied"]


class PixelSpace(Protocol):
    """From bytes to what is diffused, and back."""

    @property
    def channels(self) -> int:
        """Channels of the diffused image."""

    def encode(self, images: Tensor) -> Tensor:
        """Turn bytes into what is diffused.

        Args:
            images: (B, C, H, W) uint8.

        Returns:
            (B, channels, H, W) float32, in [-1, 1].
        """

    def decode(self, x0: Tensor) -> Tensor:
        """Turn what is diffused into bytes, rounded half up; values outside the range are clipped.

        Args:
            x0: (B, channels, H, W), in [-1, 1].

        Returns:
            (B, C, H, W) uint8.
        """


class Colours:
    """Each byte on its own, 0 to -1 and 255 to 1: for grey and RGB.

    Args:
        image_channels: 1 or 3.
    """

    def __init__(self, image_channels: int) -> None:
        self.channels = image_channels

    def encode(self, images: Tensor) -> Tensor:
        return images.float() / 127.5 - 1

    def decode(self, x0: Tensor) -> Tensor:
        return (x0 * 127.5 + 127.5 + 0.5).floor().clamp(0, 255).to(torch.uint8)


class Premultiplied:
    """RGBA with each colour multiplied by its alpha, so that nothing is learned of colours that cannot be seen.

    Decoding gives colour 0 where alpha is 0; any other pixel comes back to the byte.
    """

    channels = 4

    def encode(self, images: Tensor) -> Tensor:
        unit = images.float() / 255
        colour, alpha = unit[:, :3], unit[:, 3:]
        return torch.cat([colour * alpha, alpha], dim=1) * 2 - 1

    def decode(self, x0: Tensor) -> Tensor:
        unit = ((x0 + 1) / 2).clamp(0, 1)
        alpha = (unit[:, 3:] * 255 + 0.5).floor() / 255
        colour = torch.where(alpha > 0, unit[:, :3] / alpha.clamp(min=1 / 255), 0.0).clamp(0, 1)
        return (torch.cat([colour, alpha], dim=1) * 255 + 0.5).floor().to(torch.uint8)


class OnPalette:
    """Another space, of images that have only the colours of a palette: each pixel decodes to the nearest of them.

    Args:
        space: The other space.
        palette: The colours.

    Attributes:
        off_palette: Decodes as the other space does, for what is no image yet.
        fingerprint: Of the palette.
    """

    def __init__(self, space: PixelSpace, palette: Palette) -> None:
        self.channels = space.channels
        self.encode = space.encode
        self.off_palette, self.fingerprint = space.decode, palette.fingerprint
        self._palette = palette

    @property
    def colours(self) -> Tensor:
        """(K, channels), as diffused."""
        return self.encode(torch.from_numpy(self._palette.colours)[:, :, None, None]).flatten(1)

    def decode(self, x0: Tensor) -> Tensor:
        return torch.from_numpy(self._palette.snap(self.off_palette(x0).cpu().numpy()))


def pixel_space(name: SpaceName, image_channels: int) -> PixelSpace:
    """The named space.

    Args:
        name: Colours or premultiplied.
        image_channels: Of the images, 1, 3 or 4.

    Raises:
        RequestError: They do not fit.
    """
    if name == "premultiplied":
        if image_channels != 4:
            raise RequestError(
                f"pixels = premultiplied needs images with alpha, and these are {MODES[image_channels]}; use colours"
            )
        return Premultiplied()
    if image_channels == 4:
        raise RequestError(
            "pixels = colours would learn colours that nobody sees under alpha 0; use premultiplied, or choose a"
            " background"
        )
    return Colours(image_channels)


def opaque(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """RGB images as RGBA ones that hide all behind them.

    Args:
        images: (N, 3, H, W) uint8.

    Returns:
        (N, 4, H, W) uint8.
    """
    return np.concatenate([images, np.full_like(images[:, :1], 255)], axis=1)


def on_background(images: NDArray[np.uint8], background: str) -> NDArray[np.uint8]:
    """Put images over a flat colour, rounded half up.

    Args:
        images: (N, 4, H, W) uint8, RGBA.
        background: `#rrggbb`.

    Returns:
        (N, 3, H, W) uint8, RGB.
    """
    behind = np.array(list(bytes.fromhex(background.removeprefix("#"))), dtype=np.uint32)[None, :, None, None]
    alpha = images[:, 3:].astype(np.uint32)
    return ((images[:, :3] * alpha + behind * (255 - alpha) + 127) // 255).astype(np.uint8)
