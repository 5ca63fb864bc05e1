"""What was drawn and measured is kept, so that no figure is paid for twice and a sweep goes on where it was stopped.

    RUN/evaluations/validation-500-seed-0-ddim-25-guidance-1.5-1f0c.../
        request.json               what was drawn: weights, data, sampling, seeds
        drawn.png                  the images, as they came, in rows of 25, with the seconds that they took
        figures-CLASSIFIER.json    what was measured, with which attribute classifier

For a model that ships with the package, the same in the cache folder, and there too for what has nothing to do with a
run: real images, under real/, and baselines, under floor/. A folder is found by a hash of its request.json,
so the keys of that file stay as they are.
"""

from __future__ import annotations

import contextlib
import io
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from noisette.config.sampling import in_words
from noisette.errors import NoisetteError
from noisette.evaluation.figures import PARTS, Tree, mean_and_spread
from noisette.files.atomic import make_folder, write_atomically, write_text
from noisette.files.cache import cache_folder
from noisette.files.hashes import SEAL, content_sha256, read_sealed, sealed
from noisette.files.images import sheet
from noisette.files.output import expand
from noisette.files.reading import own_folder, read_bytes, read_object
from noisette.legacy import modernise
from noisette.store.locate import find

_COLUMNS = 25
_MOST_BYTES = 2**28  # of the images of one draw
_TAKEN = "noisette_seconds"


def home_of(run: str) -> Path:
    """Find where what is measured of a run is kept.

    Args:
        run: A run folder, or a shipped model.

    Returns:
        The folder of the run; of a shipped model, one of its own in the cache folder.
    """
    bundle = find(run)
    return bundle.records if bundle is not None else expand(run)


@dataclass(frozen=True)
class Record:
    """What is kept of one draw.

    Attributes:
        folder: Its own.
        facts: All that decides what is drawn, as JSON can hold it.
    """

    folder: Path
    facts: dict[str, Any]

    @classmethod
    def of(cls, records: Path, title: str, facts: dict[str, Any]) -> Record:
        """Find the record of some facts, whether anything is kept in it or not.

        Args:
            records: The folder of all records.
            title: Of the record's folder, for people.
            facts: All that decides what is drawn, as JSON can hold it.

        Returns:
            The record.
        """
        digest = sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]
        return cls(records / f"{title}-{digest}", facts)

    def images(self, draw: Callable[[], NDArray[np.uint8]], shape: tuple[int, int, int, int]) -> NDArray[np.uint8]:
        """Read the images that were kept, or else draw them and keep them.

        Args:
            draw: Makes the images.
            shape: (N, C, H, W) of the images.

        Returns:
            (N, C, H, W) bytes.
        """
        kept = _read_images(self.folder / "drawn.png", shape)
        if kept is not None:
            return kept
        clock, processor = time.monotonic(), time.process_time()
        images = draw()
        taken = time.monotonic() - clock, time.process_time() - processor
        self._begin()
        picture = sheet(images, columns=_COLUMNS, gap=0)
        info = PngInfo()
        info.add_text(SEAL, content_sha256(images.tobytes()))
        info.add_text(_TAKEN, json.dumps([round(seconds, 3) for seconds in taken]))
        write_atomically(
            self.folder / "drawn.png",
            lambda temporary: picture.save(temporary, format="PNG", optimize=True, pnginfo=info),
        )
        return images

    @property
    def taken(self) -> tuple[float, float] | None:
        """Seconds of the clock, and of the processor, that the kept images took; None where nobody knows.

        Beside other work the first say little.
        """
        path = self.folder / "drawn.png"
        try:
            content = read_bytes(path, most=_MOST_BYTES, inside=path.parent.parent.parent)
            with Image.open(io.BytesIO(content), formats=["PNG"]) as picture:
                clock, processor = (float(seconds) for seconds in json.loads(picture.info[_TAKEN]))
        except (NoisetteError, OSError, SyntaxError, ValueError, LookupError, TypeError):
            return None
        return (clock, processor) if 0 <= clock < inf and 0 <= processor < inf else None

    def _begin(self) -> None:
        """Make the folder, with the facts inside."""
        own_folder(self.folder.parent, self.folder.parent.parent)  # a link would lead into what is another's
        make_folder(own_folder(self.folder, self.folder.parent))
        if not (self.folder / "request.json").is_file():
            write_text(self.folder / "request.json", json.dumps(self.facts, indent=2) + "\n")

    def figures(self, by: str, parts: Sequence[str], measure: Callable[[Sequence[str]], Tree]) -> Tree:
        """Read the figures that were kept; measure those that are missing, and keep them.

        Args:
            by: Names the classifier, and the version of the figures.
            parts: The kinds of figures that are wanted, of `PARTS`.
            measure: Takes the kinds that are missing, and gives their figures.

        Returns:
            The figures by kind.
        """
        path = self.folder / f"figures-{by}.json"
        kept: Tree = {}
        with contextlib.suppress(NoisetteError):  # never taken, or damaged: taken anew
            kept = _read_figures(path)
        if missing := [part for part in parts if part not in kept]:
            kept |= measure(missing)
            self._begin()
            write_text(path, json.dumps(sealed(kept), indent=2) + "\n")
        return {part: kept[part] for part in parts}


@dataclass(frozen=True)
class Measured:
    """What was measured of a run under the same settings.

    Attributes:
        facts: What decided what was drawn, but for the seeds.
        by: Names the classifier, and the version of the figures.
        draws: How many there are.
        mean: Figures, the mean over the draws.
        spread: Their standard deviation over the draws; None of a single draw.
        real: Figures of the real images of the requests, where they were kept.
    """

    facts: Tree
    by: str
    draws: int
    mean: Tree
    spread: Tree | None
    real: Tree | None

    @property
    def title(self) -> str:
        """Split, number of images and sampling settings, for a person to read."""
        sampling = modernise({"sampling": self.facts["sampling"]})["sampling"]
        asked = [] if (ask := self.facts.get("ask")) is None else [f"{ask or 'nothing'} asked"]
        told = " · ".join([f"{self.facts['split']} {self.facts['images']}", *asked, *in_words(sampling).values()])
        if set(PARTS) <= self.mean.keys():
            return told
        return f"{told} · {', '.join(part.replace('_', ' ') for part in self.mean)} alone"


_NEEDED = ("weights", "requests", "split", "images", "sampling")


def measured(run: str) -> list[Measured]:
    """Read all figures that were kept of a run; what is damaged is passed over.

    Args:
        run: A run folder, or a shipped model.

    Returns:
        One entry for all draws under the same settings.
    """
    found: dict[str, tuple[Tree, str, list[Tree]]] = {}
    folders = (home_of(run) / "evaluations").glob("*/figures-*.json")
    for path in sorted(folders):
        by = path.stem.removeprefix("figures-")
        try:
            facts = _read_facts(path.parent)
            figures = _read_figures(path)
            facts.pop("first_seed")
            if not {*_NEEDED} <= facts.keys():
                continue
            key = json.dumps([facts, by, sorted(figures)], sort_keys=True)
            found.setdefault(key, (facts, by, []))[2].append(figures)
        except (NoisetteError, ValueError, LookupError, AttributeError, TypeError):
            continue
    return [
        Measured(facts, by, len(trees), *mean_and_spread(trees), _real(facts, by))
        for facts, by, trees in found.values()
    ]


def _real(facts: Tree, by: str) -> Tree | None:
    """The figures of the real images whose requests were drawn."""
    for path in (cache_folder() / "real").glob(f"*/figures-{by}.json"):
        try:
            its = _read_facts(path.parent)
            if its["real"] == facts["requests"] and its.get("ask") == facts.get("ask"):
                return _read_figures(path)
        except (NoisetteError, LookupError):
            continue
    return None


def _read_facts(folder: Path) -> Tree:
    return read_object(folder / "request.json", inside=folder.parent.parent)


def _read_figures(path: Path) -> Tree:
    found: Tree = modernise(read_sealed(path, inside=path.parent.parent.parent, mend="it is taken anew"))
    if set(PARTS) - {"validity"} <= found.keys():  # of an earlier version, which left it out
        found.setdefault("validity", None)
    return found


def _read_images(path: Path, shape: tuple[int, int, int, int]) -> NDArray[np.uint8] | None:
    count, channels, height, width = shape
    columns = min(_COLUMNS, count)
    rows = -(-count // columns)
    try:
        content = read_bytes(path, most=_MOST_BYTES, inside=path.parent.parent.parent)
        with Image.open(io.BytesIO(content), formats=["PNG"]) as picture:
            if picture.size != (columns * width, rows * height):
                return None
            pixels, seal = np.array(picture), picture.info.get(SEAL)
    except (NoisetteError, OSError, SyntaxError, ValueError):  # Pillow raises all kinds for a PNG that is damaged
        return None
    if pixels.reshape(*pixels.shape[:2], -1).shape != (rows * height, columns * width, channels):
        return None
    cells = pixels.reshape(rows, height, columns, width, channels).transpose(0, 2, 4, 1, 3)
    images = np.ascontiguousarray(cells.reshape(rows * columns, channels, height, width)[:count])
    # One of an older version does not say what it should be.
    return images if seal is None or seal == content_sha256(images.tobytes()) else None
