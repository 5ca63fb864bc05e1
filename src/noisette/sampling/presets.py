"""A table of three qualities: settings that an evaluation found to be enough.

`noisette tune` writes it beside the weights.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from noisette.config.names import DrawnSpacing, SamplerName

QualityName = Literal["fast", "balanced", "best"]
FILE = "quality.json"


class Quality(BaseModel):
    """Settings, and what was measured with them: evaluations of the network for an image, figures by their path."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sampler: SamplerName
    steps: int = Field(ge=1)
    spacing: DrawnSpacing
    guidance: float = Field(ge=0)
    evaluations: int = Field(ge=1)
    figures: dict[str, float]


class Qualities(BaseModel):
    """weights: the SHA-256 of those that were measured.

    requests: on how many, of which split. fitted: times to visit, by their number.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights: str
    requests: str
    fast: Quality
    balanced: Quality
    best: Quality
    fitted: dict[int, tuple[float, ...]] = Field(min_length=1)

    def named(self, name: QualityName) -> Quality:
        found: Quality = getattr(self, name)
        return found


def read_qualities(folder: Path, weights: str) -> tuple[Qualities | None, tuple[str, ...]]:
    """The table in a folder, if there is one and it is of these weights; and what a person should know of it."""
    path = folder / FILE
    if not path.is_file():
        return None, ()
    try:
        found = Qualities.model_validate_json(path.read_text(encoding="utf-8"))
    except (ValidationError, UnicodeDecodeError, OSError):
        return None, (f"{path} is damaged, or of another version; `noisette tune {folder}` makes it anew",)
    return (found if found.weights == weights else None), ()
