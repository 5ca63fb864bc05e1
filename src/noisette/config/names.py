"""Names and limits that recipes, drawings and their help share; nothing here loads PyTorch."""

from __future__ import annotations

from typing import Literal

SamplerName = Literal[
    "ddim", "ddpm", "euler", "heun", "dpmpp-2m", "dpmpp-2m-sde", "dpmpp-3m-sde", "unipc", "deis", "lcm"
]

SpacingName = Literal["time", "log-snr", "karras"]

DrawnSpacing = Literal[SpacingName, "fitted"]
"""Those by rule, which a recipe may name, and levels that are found once a model is trained."""

MOST_EVALUATIONS = 16
"""Of a student; more are no shortcut."""

STRONGEST = 100.0
"""Scale of guidance, far past any use."""

EXCLUSION = 0.3
"""A strength that keeps a flag away from a picture; one much larger draws what is not there as its negative."""

VARIATION = 0.2
"""How far variations go from an image, 0 to 1, that are near it and yet differ."""
