"""All figures of a set of images, taken one way for drawn and for real ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from noisette.attributes.schema import UNKNOWN
from noisette.data.dataset import Dataset
from noisette.data.opening import pixel_reader
from noisette.data.palette import Palette
from noisette.evaluation.classification import FEWEST as FEWEST_TO_CLASSIFY
from noisette.evaluation.classification import classification
from noisette.evaluation.exactness import exactness
from noisette.evaluation.fidelity import FEWEST as FEWEST_FOR_DISTANCES
from noisette.evaluation.fidelity import fidelity
from noisette.evaluation.figures import PARTS, Tree
from noisette.evaluation.judge import Judge
from noisette.evaluation.judges import features_of
from noisette.evaluation.memorisation import memorisation, unworn
from noisette.evaluation.obedience import as_asked, by_rarity, obedience, with_new_pairs
from noisette.evaluation.pixelart import pixel_art
from noisette.evaluation.visibility import one_answer

VERSION = 3
"""Raised when a figure is taken another way: what was kept of it is then taken again."""

Images = NDArray[np.uint8]
"""(N, C, H, W)."""

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it, and how much there is."""


def silently(what: str, done: int, total: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True)
class Yardstick:
    """What images are measured against.

    judge: reads their attributes. train: what was trained on. real: the images of the same requests, in the same order.
    hidden: the attributes that these do not show, (N, A), see `visibility.hidden`. asked: whether anything was asked
    for at all. palette: the colours of the data, where they are few.
    """

    judge: Judge
    train: Dataset
    real: Dataset
    hidden: NDArray[np.bool_]
    asked: bool
    palette: Palette | None

    @cached_property
    def left_out(self) -> dict[str, str]:
        """What cannot be measured of images like these, and why."""
        count = len(self.real)
        unasked = None if self.asked else "it was trained without attributes"
        reasons = {
            "obedience": unasked,
            "new_pairs": (
                unasked
                or (None if self._new_pairs.any() else "no request has two values that training never showed together")
            ),
            "exactness": (
                unasked
                or (
                    None
                    if one_answer(self.train)
                    else "images of the same attributes differ, so none is the only right one"
                )
            ),
            "by_pixels": (
                unasked
                or (None if self._pixel_reader else "the pixels of such images do not tell their attributes exactly")
            ),
            "fidelity": _too_few("distances need", FEWEST_FOR_DISTANCES, min(count, len(self._unasked))),
            "classification": unasked or _too_few("the accuracy score needs", FEWEST_TO_CLASSIFY, count),
            "pixel_art": None if self.palette else "its data are grey, or have many colours",
        }
        return {name: reason for name, reason in reasons.items() if reason}

    def measure(self, images: Images, progress: Progress = silently, parts: Sequence[str] = PARTS) -> Tree:
        """Each figure of drawn images of the requests, of these parts; None where it is left out."""
        snapped = self.palette.snap(images) if self.palette else images
        rows = self.real.attributes
        seen = cache(lambda: self.judge.read(images))
        features = cache(lambda: self.judge.features(images))
        on_palette = cache(lambda: self.judge.features(snapped)) if self.palette else features
        ways: dict[str, Callable[[], Tree]] = {
            "obedience": lambda: self._obedience(seen()),
            "new_pairs": lambda: self._of_new_pairs(seen()),
            "exactness": lambda: self._exactness(images, snapped),
            "by_pixels": lambda: self._by_pixels(snapped, seen()),
            "fidelity": lambda: asdict(fidelity(self._others, features())),
            "classification": lambda: asdict(classification(images, self.real, self.hidden)),
            "memorisation": lambda: {
                **asdict(memorisation(snapped, self.train.images, on_palette(), self.train_features)),
                "unworn": unworn(rows, self.train.attributes) if self.asked else None,
            },
            "pixel_art": lambda: asdict(pixel_art(images, self.palette)) if self.palette else {},
        }
        found: Tree = {}
        for number, name in enumerate(parts):
            progress("measuring", number, len(parts))
            found[name] = None if name in self.left_out else ways[name]()
        progress("measuring", len(parts), len(parts))
        return found

    def verdicts(self, images: Images) -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
        """What the judge reads in drawn images, (N, A), and whether each shows all that could be seen of its request,
        (N,).
        """
        seen = self.judge.read(images)
        return seen, as_asked(self.showing, seen)

    @cached_property
    def showing(self) -> NDArray[np.int16]:
        """(N, A): the requests without what the pixels of their real images hide, which is UNKNOWN."""
        return np.where(self.hidden, np.int16(UNKNOWN), self.real.attributes)

    @cached_property
    def train_features(self) -> NDArray[np.float32]:
        """(M, D)."""
        return features_of(self.judge, self.train)

    @cached_property
    def _unasked(self) -> NDArray[np.intp]:
        """The training images that are not those of the requests."""
        own = {image.tobytes() for image in self.real.images}
        return np.array(
            [place for place, image in enumerate(self.train.images) if image.tobytes() not in own], dtype=np.intp
        )

    @cached_property
    def _others(self) -> NDArray[np.float32]:
        """Features of as many real images that are not those of the requests: drawn for the requests of real ones,
        images would be nearer to these than any others could be.
        """
        chosen = np.random.default_rng(0).permutation(self._unasked)[: len(self.real)]
        return np.asarray(self.train_features[chosen])

    @cached_property
    def _new_pairs(self) -> NDArray[np.bool_]:
        return with_new_pairs(self.real.attributes, self.judge.schema, self.train.attributes)

    def _of_new_pairs(self, seen: NDArray[np.int16]) -> Tree:
        right = as_asked(self.showing, seen)[self._new_pairs]
        return {"images": len(right), "exact": float(right.mean())}

    @cached_property
    def _pixel_reader(self) -> Callable[[Images], NDArray[np.int16]] | None:
        return pixel_reader(self.train)

    def _by_pixels(self, snapped: Images, seen: NDArray[np.int16]) -> Tree:
        assert self._pixel_reader is not None, "left out where there is none"
        read = self._pixel_reader(snapped)
        return {
            **asdict(obedience(self.real.attributes, read, self.judge.schema)),
            "judge_agrees": float(as_asked(read, seen).mean()),
        }

    def _obedience(self, seen: NDArray[np.int16]) -> Tree:
        """Of what the pixels can show, but for `exact`, which is of the whole requests."""
        found = asdict(obedience(self.showing, seen, self.judge.schema))
        bands = by_rarity(self.showing, seen, self.judge.schema, self.train.attributes)
        return {
            **found,
            "exact": float(as_asked(self.real.attributes, seen).mean()),
            "visible": found["exact"],
            "by_rarity": {band: asdict(figures) for band, figures in bands.items()},
        }

    def _exactness(self, images: Images, snapped: Images) -> Tree:
        found, on_palette = exactness(images, self.real.images), exactness(snapped, self.real.images)
        return {
            **asdict(found),
            **({f"snapped_{name}": value for name, value in asdict(on_palette).items()} if self.palette else {}),
        }


def _too_few(what: str, fewest: int, count: int) -> str | None:
    return f"{what} at least {fewest} images, not {count}" if count < fewest else None
