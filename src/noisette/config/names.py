"""Limits and usual values that recipes, drawings and their help share; nothing here loads PyTorch.

The names that there are to choose from stand beside what they name: `noisette.diffusion.registry`,
`noisette.networks.registry`, `noisette.data.sources`.
"""

from __future__ import annotations

from math import sqrt

MOST_NFE = 16
"""Network evaluations for an image of a distilled model; more are no shortcut."""

STRONGEST = 100.0
"""Scale of guidance, far past any use."""

EXCLUSION = 0.3
"""A strength that keeps a flag away from a picture; one much larger draws what is not there as its negative."""

VARIATION = 0.2
"""How far variations go from an image, 0 to 1, that are near it and yet differ."""

MOST_CHURN = sqrt(2) - 1
"""Of a step: no more noise than that is added and taken away again (Karras et al. 2022)."""
