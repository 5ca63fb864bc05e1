"""The reference set: all figures of a set of images, taken one way for drawn images and for real ones."""

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
from noisette.evaluation.attribute_accuracy import attribute_accuracy, by_rarity, has_novel_pair, matches
from noisette.evaluation.classification import FEWEST as FEWEST_TO_CLASSIFY
from noisette.evaluation.classification import classification
from noisette.evaluation.classifier import AttributeClassifier
from noisette.evaluation.classifiers import features_of
from noisette.evaluation.fidelity import FEWEST as FEWEST_FOR_DISTANCES
from noisette.evaluation.fidelity import fidelity
from noisette.evaluation.figures import PARTS, Tree
from noisette.evaluation.memorisation import memorisation, novel_combinations
from noisette.evaluation.occlusion import attributes_determine_images
from noisette.evaluation.pixel_accuracy import pixel_accuracy
from noisette.evaluation.pixel_art import pixel_art
from noisette.evaluation.renderers import Renderer
from noisette.evaluation.validity import validity

NOTHING_ASKED = "nothing is asked for"

VERSION = 3
"""Raised when a figure is taken another way: what was kept of it is then taken again."""

Images = NDArray[np.uint8]
"""(N, C, H, W)."""

EvaluationProgress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it, and how much there is."""


def silently(what: str, done: int, total: int) -> None:
    """A `EvaluationProgress` that shows nothing."""


@dataclass(frozen=True)
class ReferenceSet:
    """What images are measured against.

    Attributes:
        classifier: Reads their attributes.
        train: The images that were trained on.
        real: The real images of the requests, in the same order.
        occluded: (N, A) the attributes that the real images do not show, see `occlusion.occluded`.
        conditional: Whether attributes are requested at all.
        palette: The colours of the data, where they are few.
        brief: (N, A) what is asked for where requests leave attributes open, which are UNKNOWN; None where they are
            whole.
        renderer: Draws whole attributes right to the pixel; None where nothing does.
    """

    classifier: AttributeClassifier
    train: Dataset
    real: Dataset
    occluded: NDArray[np.bool_]
    conditional: bool
    palette: Palette | None
    brief: NDArray[np.int16] | None = None
    renderer: Renderer | None = None

    @property
    def requests(self) -> NDArray[np.int16]:
        """(N, A): what is asked for, of a model that takes requests."""
        return self.real.attributes if self.brief is None else self.brief

    @cached_property
    def left_out(self) -> dict[str, str]:
        """The kinds of figures that cannot be taken of images like these, and why."""
        count = len(self.real)
        unconditional = None if self.conditional else NOTHING_ASKED
        partial = None if self.brief is None else "its requests leave attributes open"
        determined = None if self._determined else "images of the same attributes differ, so none is the only right one"
        whole = "everything is asked for, so pixel accuracy says it" if self.conditional and not partial else None
        reasons = {
            "attribute_accuracy": unconditional,
            "novel_pairs": (
                unconditional
                or (
                    None if self._novel_pairs.any() else "no request has two values that training never showed together"
                )
            ),
            "pixel_accuracy": unconditional or partial or determined,
            "by_pixels": (
                unconditional
                or (None if self._pixel_reader else "the pixels of such images do not tell their attributes exactly")
            ),
            "fidelity": _too_few("distances need", FEWEST_FOR_DISTANCES, min(count, len(self._others_of_train))),
            "validity": (
                determined or whole or (None if self.renderer else "nothing draws such images from their attributes")
            ),
            "classification": (
                unconditional or partial or _too_few("the accuracy score needs", FEWEST_TO_CLASSIFY, count)
            ),
            "pixel_art": None if self.palette else "its data are grey, or have many colours",
        }
        return {name: reason for name, reason in reasons.items() if reason}

    def measure(self, images: Images, progress: EvaluationProgress = silently, parts: Sequence[str] = PARTS) -> Tree:
        """Take the figures of images drawn for the requests.

        Args:
            images: (N, C, H, W) bytes, in the order of `real`.
            progress: Told of each kind of figures.
            parts: The kinds that are wanted, of `PARTS`.

        Returns:
            The figures by kind; None in the place of those that are left out.
        """
        snapped = self.palette.snap(images) if self.palette else images
        novel = self.conditional and self.brief is None
        seen = cache(lambda: self.classifier.read(images))
        features = cache(lambda: self.classifier.features(images))
        on_palette = cache(lambda: self.classifier.features(snapped)) if self.palette else features
        ways: dict[str, Callable[[], Tree]] = {
            "attribute_accuracy": lambda: self._attribute_accuracy(seen()),
            "novel_pairs": lambda: self._of_novel_pairs(seen()),
            "pixel_accuracy": lambda: self._pixel_accuracy(images, snapped),
            "by_pixels": lambda: self._by_pixels(snapped, seen()),
            "validity": lambda: self._validity(snapped, seen()),
            "fidelity": lambda: asdict(fidelity(self._other_features, features())),
            "classification": lambda: asdict(classification(images, self.real, self.occluded)),
            "memorisation": lambda: {
                **asdict(memorisation(snapped, self.train.images, on_palette(), self.train_features)),
                "novel_combinations": novel_combinations(self.requests, self.train.attributes) if novel else None,
            },
            "pixel_art": lambda: asdict(pixel_art(images, self.palette)) if self.palette else {},
        }
        found: Tree = {}
        for number, name in enumerate(parts):
            progress("measuring", number, len(parts))
            found[name] = None if name in self.left_out else ways[name]()
        progress("measuring", len(parts), len(parts))
        return found

    def read_and_compare(self, images: Images) -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
        """Read the attributes of images drawn for the requests.

        Args:
            images: (N, C, H, W) bytes, in the order of `real`.

        Returns:
            (N, A) the codes that the classifier reads, and (N,) whether each image shows all that could be seen of its
            request.
        """
        seen = self.classifier.read(images)
        return seen, matches(self.visible, seen)

    @cached_property
    def visible(self) -> NDArray[np.int16]:
        """(N, A): the requests without what is occluded in their real images, which is UNKNOWN."""
        return np.where(self.occluded, np.int16(UNKNOWN), self.requests)

    @cached_property
    def train_features(self) -> NDArray[np.float32]:
        """(M, D) features of the images that were trained on."""
        return features_of(self.classifier, self.train)

    @cached_property
    def _others_of_train(self) -> NDArray[np.intp]:
        """The training images that are not those of the requests."""
        own = {image.tobytes() for image in self.real.images}
        return np.array(
            [place for place, image in enumerate(self.train.images) if image.tobytes() not in own], dtype=np.intp
        )

    @cached_property
    def _other_features(self) -> NDArray[np.float32]:
        """Features of as many real images that are not those of the requests.

        Images that were drawn for the requests of real ones would be nearer to these than any others could be.
        """
        chosen = np.random.default_rng(0).permutation(self._others_of_train)[: len(self.real)]
        return np.asarray(self.train_features[chosen])

    @cached_property
    def _determined(self) -> bool:
        return attributes_determine_images(self.train)

    @cached_property
    def _pixel_reader(self) -> Callable[[Images], NDArray[np.int16]] | None:
        return pixel_reader(self.train)

    @cached_property
    def _novel_pairs(self) -> NDArray[np.bool_]:
        return has_novel_pair(self.requests, self.classifier.schema, self.train.attributes)

    def _of_novel_pairs(self, seen: NDArray[np.int16]) -> Tree:
        right = matches(self.visible, seen)[self._novel_pairs]
        return {"images": len(right), "exact": float(right.mean())}

    def _by_pixels(self, snapped: Images, seen: NDArray[np.int16]) -> Tree:
        assert self._pixel_reader is not None, "left out where there is none"
        read = self._pixel_reader(snapped)
        return {
            **asdict(attribute_accuracy(self.requests, read, self.classifier.schema)),
            "classifier_agrees": float(matches(read, seen).mean()),
        }

    def _attribute_accuracy(self, seen: NDArray[np.int16]) -> Tree:
        """Of what the pixels can show, but for `exact`, which is of the whole requests."""
        found = asdict(attribute_accuracy(self.visible, seen, self.classifier.schema))
        bands = by_rarity(self.visible, seen, self.classifier.schema, self.train.attributes)
        return {
            **found,
            "exact": float(matches(self.requests, seen).mean()),
            "visible": found["exact"],
            "by_rarity": {band: asdict(figures) for band, figures in bands.items()},
        }

    def _validity(self, snapped: Images, seen: NDArray[np.int16]) -> Tree:
        assert self.renderer is not None, "left out where there is none"
        return asdict(validity(snapped, seen, self.renderer.draw, self.train.attributes))

    def _pixel_accuracy(self, images: Images, snapped: Images) -> Tree:
        found, on_palette = pixel_accuracy(images, self.real.images), pixel_accuracy(snapped, self.real.images)
        return {
            **asdict(found),
            **({f"snapped_{name}": value for name, value in asdict(on_palette).items()} if self.palette else {}),
        }


def _too_few(what: str, fewest: int, count: int) -> str | None:
    return f"{what} at least {fewest} images, not {count}" if count < fewest else None
