"""What was drawn and measured is kept, so that no figure is paid for twice and a sweep goes on where it was stopped.

    RUN/evaluations/validation-500-seed-0-ddim-25-guidance-1.5-1f0c.../
        request.json               what was drawn: weights, data, sampling, seeds
        drawn.png                  the images, as they came, in rows of 25
        figures-JUDGE.json         what was measured, by which judge

For a model that ships with the package, the same in the cache folder.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from noisette.evaluation.figures import PARTS, Tree, mean_and_spread
from noisette.files.atomic import write_atomically, write_text
from noisette.files.cache import cache_folder
from noisette.files.images import sheet
from noisette.store.shipped import means_shipped

_COLUMNS = 25


def home_of(run: str) -> Path:
    """Where what is measured of a run is kept: in its folder; of a shipped model, in one of its own in the cache
    folder.
    """
    return cache_folder() / "models" / run if means_shipped(run) else Path(run)


@dataclass(frozen=True)
class Record:
    """One draw. folder: of its own. facts: all that decides what is drawn, as JSON can hold it."""

    folder: Path
    facts: dict[str, Any]

    @classmethod
    def of(cls, records: Path, title: str, facts: dict[str, Any]) -> Record:
        """The record of these facts, begun or not. title: of its folder, for people."""
        digest = sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]
        return cls(records / f"{title}-{digest}", facts)

    def images(self, draw: Callable[[], NDArray[np.uint8]], shape: tuple[int, int, int, int]) -> NDArray[np.uint8]:
        """The images that were kept, or else those that `draw` makes, which then are. shape: theirs, (N, C, H, W)."""
        kept = _read(self.folder / "drawn.png", shape)
        if kept is not None:
            return kept
        images = draw()
        self._begin()
        picture = sheet(images, columns=_COLUMNS, gap=0)
        write_atomically(
            self.folder / "drawn.png", lambda temporary: picture.save(temporary, format="PNG", optimize=True)
        )
        return images

    def _begin(self) -> None:
        """The folder, with the facts inside."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / "request.json").is_file():
            write_text(self.folder / "request.json", json.dumps(self.facts, indent=2, ensure_ascii=False) + "\n")

    def figures(self, by: str, parts: Sequence[str], measure: Callable[[Sequence[str]], Tree]) -> Tree:
        """These parts of the figures that were kept under the name `by`; those that are missing `measure` takes, and
        then they are kept.
        """
        path = self.folder / f"figures-{by}.json"
        kept: Tree = {}
        with contextlib.suppress(OSError, ValueError):  # never taken, or cut short
            read = json.loads(path.read_text(encoding="utf-8"))
            kept = read if isinstance(read, dict) else {}
        if missing := [part for part in parts if part not in kept]:
            kept |= measure(missing)
            self._begin()
            write_text(path, json.dumps(kept, indent=2, ensure_ascii=False) + "\n")
        return {part: kept[part] for part in parts}


@dataclass(frozen=True)
class Measured:
    """What was measured of a run under the same settings. facts: what decided what was drawn, but for the seeds. by:
    the judge.

    mean, spread: over so many draws; spread is None of a single one. real: of the real images, where it was kept
    beside.
    """

    facts: Tree
    by: str
    draws: int
    mean: Tree
    spread: Tree | None
    real: Tree | None

    @property
    def title(self) -> str:
        sampling = self.facts["sampling"]
        guidance = sampling["guidance"]["scale"]
        told = f"{self.facts['split']} {self.facts['images']} · {sampling['sampler']} {sampling['steps']}"
        told += f" · {sampling['spacing']}" if sampling.get("spacing", "time") != "time" else ""
        told += f" · churn {sampling['churn']:g}" if sampling.get("churn") else ""
        told += f" · guidance {guidance:g}" if guidance != 1 else ""
        return told + ("" if set(PARTS) <= self.mean.keys() else f" · {', '.join(self.mean)} alone")


_SHOWN = ("weights", "requests", "split", "images", "sampling")


def measured(run: str) -> list[Measured]:
    """All that was kept of a run's or a shipped model's figures; what is damaged is passed over."""
    found: dict[str, tuple[Tree, str, list[Tree]]] = {}
    folders = (home_of(run) / "evaluations").glob("*/figures-*.json")
    for path in sorted(folders):
        by = path.stem.removeprefix("figures-")
        try:
            facts = json.loads((path.parent / "request.json").read_text(encoding="utf-8"))
            figures = json.loads(path.read_text(encoding="utf-8"))
            facts.pop("first_seed")
            if not {*_SHOWN} <= facts.keys() or not isinstance(figures, dict):
                continue
            key = json.dumps([facts, by, sorted(figures)], sort_keys=True)
            found.setdefault(key, (facts, by, []))[2].append(figures)
        except (OSError, ValueError, LookupError, AttributeError):
            continue
    return [
        Measured(facts, by, len(trees), *mean_and_spread(trees), _real(facts, by))
        for facts, by, trees in found.values()
    ]


def _real(facts: Tree, by: str) -> Tree | None:
    """The figures of the real images whose requests were drawn."""
    for path in (cache_folder() / "real").glob(f"*/figures-{by}.json"):
        try:
            its = json.loads((path.parent / "request.json").read_text(encoding="utf-8"))
            if its["real"] == facts["requests"]:
                found: Tree = json.loads(path.read_text(encoding="utf-8"))
                return found
        except (OSError, ValueError, LookupError, TypeError):
            continue
    return None


def _read(path: Path, shape: tuple[int, int, int, int]) -> NDArray[np.uint8] | None:
    count, channels, height, width = shape
    columns = min(_COLUMNS, count)
    try:
        with Image.open(path, formats=["PNG"]) as picture:
            pixels = np.array(picture)
    except (OSError, SyntaxError):  # Pillow raises the second for a PNG that is cut short
        return None
    rows = -(-count // columns)
    if pixels.reshape(*pixels.shape[:2], -1).shape != (rows * height, columns * width, channels):
        return None
    cells = pixels.reshape(rows, height, columns, width, channels).transpose(0, 2, 4, 1, 3)
    return np.ascontiguousarray(cells.reshape(rows * columns, channels, height, width)[:count])
