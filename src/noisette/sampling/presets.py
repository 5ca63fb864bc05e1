"""A table of three presets: settings that an evaluation found to be enough.

`noisette tune` writes it beside the weights.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from noisette.config.sampling import SamplingSettings
from noisette.legacy import modernise

PresetName = Literal["fast", "balanced", "best"]
FILE = "presets.json"
OLD_FILE = "quality.json"
"""Of the version before; read where there is no other."""


class Preset(BaseModel):
    """Settings, and what was measured with them.

    Attributes:
        settings: Settings of a drawing; what is not among them is as the recipe says.
        nfe: Network evaluations for an image; a guided pair counts twice.
        figures: By their path.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    settings: SamplingSettings
    nfe: int = Field(ge=1)
    figures: dict[str, float]

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

    weights: str
    requests: str
    fast: Preset
    balanced: Preset
    best: Preset
    fitted: dict[int, tuple[float, ...]] = Field(min_length=1)

    def to_json(self) -> str:
        """Write the table down: of each preset the settings that were given, and no others, so that the recipe says the
        rest.

        Returns:
            JSON.
        """
        return self.model_dump_json(indent=2, exclude_unset=True) + "\n"

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
        found = Presets.model_validate_json(json.dumps(modernise(json.loads(path.read_text(encoding="utf-8")))))
    except (ValueError, OSError):  # no text, no JSON, or no table
        return None, (f"{path} is damaged, or of another version; `noisette tune {folder}` makes it anew",)
    return (found if found.weights == weights else None), ()
