"""A table of three presets: settings that an evaluation found to be enough.

`noisette tune` writes it beside the weights.
"""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from noisette.config.sampling import SamplingSettings
from noisette.errors import NoisetteError
from noisette.files.hashes import sealed, unsealed
from noisette.files.reading import as_model, read_object
from noisette.legacy import modernise

PresetName = Literal["fast", "balanced", "best"]
FILE = "presets.json"
OLD_FILE = "quality.json"
"""Of the version before; read where there is no other."""

_MOST_STEPS = 100_000
"""Network evaluations for an image, and times of a schedule."""


class Preset(BaseModel):
    """Settings, and what was measured with them.

    Attributes:
        settings: Settings of a drawing; what is not among them is as the recipe says.
        nfe: Network evaluations for an image; a guided pair counts twice.
        figures: By their path.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    settings: SamplingSettings
    nfe: int = Field(ge=1, le=_MOST_STEPS)
    figures: dict[str, Annotated[float, Field(allow_inf_nan=False)]] = Field(max_length=100)

    @model_validator(mode="before")
    @classmethod
    def _of_the_version_before(cls, values: Any) -> Any:
        if not isinstance(values, dict) or "settings" in values:
            return values
        left = dict(values)
        guidance = {"scale": left.pop("guidance")} if "guidance" in left else {}
        settings = {name: left.pop(name) for name in ("sampler", "steps", "spacing") if name in left}
        if "evaluations" in left:
            left["nfe"] = left.pop("evaluations")
        return {**left, "settings": {**settings, "guidance": guidance}}


class Presets(BaseModel):
    """The table.

    Attributes:
        weights: The SHA-256 of those that were measured.
        requests: On how many, of which split.
        fast: Within two points of the best.
        balanced: Within one point.
        best: Within 0.4 points.
        fitted: The optimised step schedules, times in (0, 1] by their number.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights: str = Field(max_length=200)
    requests: str = Field(max_length=1000)
    fast: Preset
    balanced: Preset
    best: Preset
    fitted: dict[int, Annotated[tuple[float, ...], Field(max_length=_MOST_STEPS)]] = Field(
        min_length=1, max_length=1000
    )

    @model_validator(mode="after")
    def _can_be_visited(self) -> Presets:
        for steps, times in self.fitted.items():
            if len(times) != steps or not all(1 >= time > 0 for time in times):
                raise ValueError(f"fitted: {steps} steps need as many times above 0, and at most 1")
            if any(before <= after for before, after in pairwise(times)):
                raise ValueError("fitted: times go from the noisiest down")
        return self

    def to_json(self) -> str:
        """Write the table down: of each preset the settings that were given, and no others, so that the recipe says the
        rest.

        Returns:
            JSON, with its own hash inside.
        """
        return json.dumps(sealed(self.model_dump(mode="json", exclude_unset=True)), indent=2) + "\n"

    def named(self, name: PresetName) -> Preset:
        """The preset of a name.

        Args:
            name: fast, balanced or best.

        Returns:
            The preset.
        """
        found: Preset = getattr(self, name)
        return found


def read_presets(folder: Path, weights: str) -> tuple[Presets | None, tuple[str, ...]]:
    """The table in a folder, if there is one and it is of these weights; and what a person should know of it.

    Args:
        folder: The folder of a model.
        weights: The SHA-256 of its weights.
    """
    path = next((folder / name for name in (FILE, OLD_FILE) if (folder / name).is_file()), None)
    if path is None:
        return None, ()
    try:
        found = as_model(Presets, modernise(unsealed(read_object(path, inside=folder))), path)
    except (ValueError, NoisetteError):  # of another hash, no JSON, or no table
        return None, (f"{path} is damaged, or of another version; `noisette tune {folder}` makes it anew",)
    return (found if found.weights == weights else None), ()
