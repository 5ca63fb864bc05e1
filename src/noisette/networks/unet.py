"""A U-Net for images from 8 to 64 pixels (Ronneberger et al. 2015; Ho et al. 2020), lean enough for two cores."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from noisette.diffusion.condition import Condition
from noisette.networks.base import Network
from noisette.networks.conditioning import ConditionSpec, Encoded, Features, Maps, Vector
from noisette.networks.layers import Sketch, mixed
from noisette.networks.registry import ConditioningName, padded


class UNet(Network):
    """Residual blocks on each level, halved between levels, joined by concatenated skips; time by scale and shift.

    Each position also gets a learned vector of its own: sprites and digits are aligned, and convolutions alone learn
    only slowly where in the image they are.

    A condition comes in by any of these:

    - `concat`: a vector beside the time, before its layers.
    - `add`: a vector added to the embedding of the time.
    - `modulate`: a vector beside that embedding, so that each block reads it for its scale and shift (FiLM, Perez et
      al. 2018; AdaGN, Dhariwal and Nichol 2021).
    - `spatial`: maps beside the image, one for each value.
    - `layers`: a sketch beside the image, put together from layers that were counted, which is mixed into the
      prediction; see `Sketch`. Of predictions of colours with a `PixelHead` only.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        outputs: int,
        spec: ConditionSpec,
        *,
        widths: Sequence[int] = (64, 128),
        blocks: int = 2,
        attention: Sequence[bool] = (False, True),
        patch: int = 1,
        head_width: int = 32,
        condition: Sequence[ConditioningName] = (),
        map_channels: int = 24,
        pixel_width: int = 0,
        pixel_map_channels: int = 32,
        colour_width: int = 0,
    ) -> None:
        """Make one with random weights.

        Args:
            shape: (C, H, W) of a diffused image. Where H or W is no multiple of patch * 2 ** (len(widths) - 1) it gets
                an empty margin at the bottom or on the right, which is cut off again.
            outputs: Channels of its prediction.
            spec: What it is conditioned on.
            widths: Channels of each level, finest first.
            blocks: Residual blocks of each level on the way down; one more on the way up.
            attention: Whether each level attends over its positions.
            patch: Pixels along the side of the square that the entrance turns into one position; 2 makes everything
                inside four times cheaper.
            head_width: Channels of an attention head.
            condition: Conditioning mechanisms, see above; none makes an unconditional network.
            map_channels: Of the maps of `spatial`.
            pixel_width: If not 0, the prediction is put together at full size, by 1x1 layers of this width: see
                `PixelHead`.
            pixel_map_channels: Of the maps of `PixelHead` at full size.
            colour_width: If not 0, an image is one of hidden pixels: its last channel is the number of each pixel's
                colour, 0 where it is hidden, and the network reads so many learned features of these numbers alone.
        """
        super().__init__()
        if len(attention) != len(widths):
            raise ValueError(f"{len(widths)} levels need as many attention flags, not {len(attention)}")
        channels = colour_width or shape[0]
        self.table = nn.Embedding(outputs + 1, colour_width) if colour_width else None
        rows, columns = (padded(side, levels=len(widths), patch=patch) for side in shape[1:])
        self.margin = (0, columns - shape[2], 0, rows - shape[1])
        self.patch = patch
        embedding = 4 * widths[0]
        inside = (rows // patch, columns // patch)
        self.features = Features(spec) if condition else None
        features = self.features.width if self.features else 0
        self.concat = Vector(features, widths[0]) if "concat" in condition else None
        self.add = Vector(features, embedding) if "add" in condition else None
        self.modulate = Vector(features, embedding) if "modulate" in condition else None
        self.maps = Maps(features, map_channels, inside) if "spatial" in condition else None
        self.sketch = Sketch(spec, (shape[1], shape[2]), self.margin, outputs) if "layers" in condition else None
        self.fourier = Fourier(widths[0])
        self.time = nn.Sequential(
            nn.Linear(widths[0] * (2 if self.concat else 1), embedding), nn.SiLU(), nn.Linear(embedding, embedding)
        )
        seen = channels + (self.sketch.channels if self.sketch else 0)
        self.enter = nn.Conv2d(seen * patch**2 + (map_channels if self.maps else 0), widths[0], 3, padding=1)
        self.positions = nn.Parameter(torch.zeros(1, widths[0], *inside))

        def stage(width_in: int, width: int, attend: bool) -> Stage:
            return Stage(width_in, width, embedding * (2 if self.modulate else 1), head_width if attend else None)

        self.down = nn.ModuleList()
        skips = [widths[0]]
        width = widths[0]
        for level, (level_width, attend) in enumerate(zip(widths, attention, strict=True)):
            for _ in range(blocks):
                self.down.append(stage(width, level_width, attend))
                width = level_width
                skips.append(width)
            if level < len(widths) - 1:
                self.down.append(Halve(width))
                skips.append(width)
        self.middle = nn.ModuleList([stage(width, width, attention[-1]), stage(width, width, False)])
        self.up = nn.ModuleList()
        for level, (level_width, attend) in reversed(list(enumerate(zip(widths, attention, strict=True)))):
            for _ in range(blocks + 1):
                self.up.append(stage(width + skips.pop(), level_width, attend))
                width = level_width
            if level > 0:
                self.up.append(Double(width))
        self.pixels: PixelHead | None = None
        self.leave: nn.Sequential | None = None
        if pixel_width:
            maps = Maps(features, pixel_map_channels, (rows, columns)) if "spatial" in condition else None
            self.pixels = PixelHead(
                (channels, rows, columns),
                width,
                pixel_width,
                outputs,
                patch,
                embedding * (2 if self.modulate else 1),
                maps,
                self.sketch.channels if self.sketch else 0,
            )
        else:
            self.leave = nn.Sequential(
                norm(width), nn.SiLU(), zeroed(nn.Conv2d(width, outputs * patch**2, 3, padding=1))
            )

        self.ends = ("enter", "pixels.around", "pixels.answer") if self.pixels else ("enter", "leave.2")

    def encode_condition(self, condition: Condition | None) -> Encoded:
        if self.features is None:
            return ()
        assert condition is not None
        features = self.features(condition)
        encoded = tuple(mechanism(features) for mechanism in self._conditioning() if mechanism is not None)
        return encoded if self.sketch is None else (*encoded, *self.sketch(condition))

    def predict(self, xt: Tensor, times: Tensor, *encoded: Tensor) -> Tensor:
        if not any(self.margin):
            return self._predict(xt, times, *encoded)
        rows, columns = xt.shape[2:]
        return self._predict(F.pad(xt, self.margin), times, *encoded)[..., :rows, :columns]

    def _predict(self, xt: Tensor, times: Tensor, *encoded: Tensor) -> Tensor:
        """The prediction for images that can be halved as often as it takes."""
        given = iter(encoded)
        concat, add, modulate, maps, pixel_maps = (
            None if mechanism is None else next(given) for mechanism in self._conditioning()
        )
        sketch: tuple[Tensor, Tensor, Tensor] | None = None
        if self.sketch is not None:
            drawn, odds, planes = given
            sketch = drawn, odds, planes
        if self.table is not None:
            xt = self.table(xt[:, -1].long()).permute(0, 3, 1, 2)
        seen = xt if sketch is None else torch.cat([xt, sketch[2]], dim=1)
        patches, embedding = F.pixel_unshuffle(seen, self.patch), self.fourier(times)
        if concat is not None:
            embedding = torch.cat([embedding, concat], dim=1)
        embedding = self.time(embedding)  # (B, E)
        if add is not None:
            embedding = embedding + add
        embedding = F.silu(embedding)
        if modulate is not None:
            embedding = torch.cat([embedding, F.silu(modulate)], dim=1)  # (B, 2 E)
        if maps is not None:
            patches = torch.cat([patches, maps], dim=1)
        h = self.enter(patches) + self.positions
        skips = [h]
        for module in self.down:
            h = module(h, embedding)
            skips.append(h)
        for module in self.middle:
            h = module(h, embedding)
        for module in self.up:
            h = module(torch.cat([h, skips.pop()], dim=1) if isinstance(module, Stage) else h, embedding)
        if self.pixels is not None:
            prediction: Tensor = self.pixels(h, xt, embedding, pixel_maps, sketch)
            return prediction
        assert self.leave is not None
        return F.pixel_shuffle(self.leave(h), self.patch)

    def _conditioning(self) -> tuple[nn.Module | None, ...]:
        """The mechanisms on features, in the order of what `encode_condition` returns before the sketch."""
        return self.concat, self.add, self.modulate, self.maps, self.pixels.maps if self.pixels else None


class PixelHead(nn.Module):
    """Puts the prediction together at full size.

    At each pixel it reads the features of its position, the noisy pixels around, a place of its own and what is asked
    of it. What an attribute draws has its place to the pixel, and which of two lies on top is decided there. So each
    value owns a map at full size as well, and they meet in a small network that is the same for all pixels: 1x1 layers,
    after one look at the noisy pixels around.

    Args:
        shape: (C, H, W) of a diffused image.
        width_in: Channels of the features of a position.
        width: Channels of its own layers.
        outputs: Channels of the prediction.
        patch: Pixels along the side of a position.
        embedding: Numbers in the embedding of the time and the request.
        maps: Those of the request at full size; None where there are none.
        sketched: Channels of the planes of a sketch; 0 where there is none.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        width_in: int,
        width: int,
        outputs: int,
        patch: int,
        embedding: int,
        maps: Maps | None,
        sketched: int = 0,
    ) -> None:
        super().__init__()
        self.features = nn.Sequential(
            norm(width_in), nn.SiLU(), nn.Conv2d(width_in, width * patch**2, 1), nn.PixelShuffle(patch)
        )
        self.around = nn.Conv2d(shape[0], width, 3, padding=1)
        self.positions = nn.Parameter(torch.zeros(1, width, *shape[1:]))
        self.maps = maps
        self.asked = nn.Conv2d(maps.shape[0], width, 1) if maps else None
        self.sketched = nn.Conv2d(sketched, width, 3, padding=1) if sketched else None
        self.mix = nn.Sequential(norm(width), nn.SiLU(), nn.Conv2d(width, width, 1))
        self.norm = norm(width)
        self.modulate = nn.Linear(embedding, 2 * width)
        self.answer = zeroed(nn.Conv2d(width, outputs, 1))
        self.trust = zeroed(nn.Conv2d(width, 1, 1)) if sketched else None

    def forward(
        self,
        h: Tensor,
        xt: Tensor,
        embedding: Tensor,
        maps: Tensor | None,
        sketch: tuple[Tensor, Tensor, Tensor] | None = None,
    ) -> Tensor:
        """Predict.

        Args:
            h: (B, width_in, H / patch, W / patch), features of the positions.
            xt: (B, C, H, W), the noisy images.
            embedding: (B, embedding), of the time and the request.
            maps: What `self.maps` gives for the request; None where there are none.
            sketch: What `Sketch` gives for the request; None where there is none.

        Returns:
            (B, outputs, H, W).
        """
        pixels = self.features(h) + self.around(xt) + self.positions
        if self.asked is not None:
            pixels = pixels + self.asked(maps)
        if self.sketched is not None and sketch is not None:
            pixels = pixels + self.sketched(sketch[2])
        pixels = pixels + self.mix(pixels)
        scale, shift = self.modulate(embedding)[:, :, None, None].chunk(2, dim=1)  # each (B, width, 1, 1)
        pixels = F.silu(self.norm(pixels)) * (1 + scale) + shift
        answer: Tensor = self.answer(pixels)
        if self.trust is None or sketch is None:
            return answer
        drawn, odds, _ = sketch
        # What was counted is where the network begins, and it learns where to trust it more or less.
        return mixed(answer.float(), drawn, odds + self.trust(pixels)[:, 0].float())


class Stage(nn.Module):
    """A residual block that its embedding (of the time, and of a request) scales and shifts, with attention after it
    where `head_width` is given.
    """

    def __init__(self, width_in: int, width: int, embedding: int, head_width: int | None) -> None:
        super().__init__()
        self.norm1 = norm(width_in)
        self.conv1 = nn.Conv2d(width_in, width, 3, padding=1)
        self.modulate = nn.Linear(embedding, 2 * width)
        self.norm2 = norm(width)
        self.conv2 = zeroed(nn.Conv2d(width, width, 3, padding=1))
        self.skip = nn.Identity() if width_in == width else nn.Conv2d(width_in, width, 1)
        self.attention = None if head_width is None else Attention(width, head_width)

    def forward(self, h: Tensor, embedding: Tensor) -> Tensor:
        scale, shift = self.modulate(embedding)[:, :, None, None].chunk(2, dim=1)  # each (B, width, 1, 1)
        inner = self.conv1(F.silu(self.norm1(h)))
        inner = self.conv2(F.silu(self.norm2(inner) * (1 + scale) + shift))
        out: Tensor = self.skip(h) + inner
        return out if self.attention is None else self.attention(out)


class Attention(nn.Module):
    """Self-attention over the positions of a feature map."""

    def __init__(self, width: int, head_width: int) -> None:
        super().__init__()
        self.heads = max(1, width // head_width)
        self.norm = norm(width)
        self.qkv = nn.Conv2d(width, 3 * width, 1)
        self.leave = zeroed(nn.Conv2d(width, width, 1))

    def forward(self, h: Tensor) -> Tensor:
        batch, width, rows, columns = h.shape
        qkv = self.qkv(self.norm(h)).flatten(2).view(batch, 3, self.heads, width // self.heads, rows * columns)
        query, key, value = qkv.transpose(-1, -2).unbind(1)  # each (B, heads, positions, width / heads)
        mixed = F.scaled_dot_product_attention(query, key, value)
        out: Tensor = h + self.leave(mixed.transpose(-1, -2).reshape(batch, width, rows, columns))
        return out


class Halve(nn.Module):
    """Half the height and width, by a convolution with stride 2."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, stride=2, padding=1)

    def forward(self, h: Tensor, embedding: Tensor) -> Tensor:
        out: Tensor = self.conv(h)
        return out


class Double(nn.Module):
    """Twice the height and width: nearest neighbours, then a convolution."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, h: Tensor, embedding: Tensor) -> Tensor:
        out: Tensor = self.conv(F.interpolate(h, scale_factor=2.0, mode="nearest"))
        return out


class Fourier(nn.Module):
    """Sine and cosine features of the time, (B,) -> (B, width); periods from 1e-3 to 10 in units of the whole time."""

    frequencies: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        periods = torch.logspace(-3, 1, width // 2)
        self.register_buffer("frequencies", 2 * math.pi / periods, persistent=False)

    def forward(self, times: Tensor) -> Tensor:
        phases = times[:, None] * self.frequencies
        return torch.cat([phases.sin(), phases.cos()], dim=1)


def norm(width: int) -> nn.GroupNorm:
    """GroupNorm with the most groups, up to 32, that have at least 4 channels each and divide the width."""
    groups = max(count for count in range(1, 33) if width % count == 0 and (count == 1 or width // count >= 4))
    return nn.GroupNorm(groups, width, eps=1e-5)


def zeroed(layer: nn.Conv2d) -> nn.Conv2d:
    """`layer` with all weights 0, so that the block around it starts as the identity."""
    nn.init.zeros_(layer.weight)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer
