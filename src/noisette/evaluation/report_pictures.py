"""The pictures of a report: one draw, with what the attribute classifier reads in each image."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from noisette.evaluation.attribute_accuracy import differences
from noisette.evaluation.memorisation import nearest, nearest_images
from noisette.evaluation.setup import EvaluationSetup
from noisette.files.images import sheet

_MOST_CLASSES = 20
_OF_A_CLASS = 10
_SHOWN = 12
_NEIGHBOURS = 8
_SIDE = 96  # pixels on the screen that an image has at least

Images = NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """An image in the page.

    Attributes:
        uri: The PNG itself.
        width: On the screen, in pixels; 0 if the picture says itself.
        text: Under it.
        right: Whether it shows its request; None where nothing was requested.
        faults: How it differs from its request.
    """

    uri: str
    width: int
    text: str = ""
    right: bool | None = None
    faults: str = ""


class DrawnPictures:
    """The images of one draw, arranged for the page."""

    def __init__(self, setup: EvaluationSetup, images: Images) -> None:
        """Read the attributes of the images.

        Args:
            setup: Of the run.
            images: (N, C, H, W) bytes, as the setup draws them.
        """
        self.setup, self.images = setup, images
        self.reference = setup.reference
        self.schema = self.reference.classifier.schema
        self.seen, self.correct = self.reference.read_and_compare(images)

    def classes(self) -> list[tuple[str, list[Picture]]]:
        """The first images of each class, by its name; nothing unless the data have classes and nothing else."""
        if not self._of_classes:
            return []
        codes = self.reference.real.attributes[:, 0]
        named = enumerate(self.schema.attributes[0].values)
        return [
            (
                str(value),
                [self._picture(int(place), text=False) for place in np.flatnonzero(codes == code)[:_OF_A_CLASS]],
            )
            for code, value in named
        ]

    def by_request(self) -> list[tuple[Picture, Picture | None]]:
        """The first requests, not chosen, each beside the one real image that is its answer, where there is but one."""
        if not self.reference.conditional or self._of_classes:
            return []
        one_answer = "pixel_accuracy" not in self.reference.left_out
        return [
            (self._picture(place), picture(self.reference.real.images[place]) if one_answer else None)
            for place in range(min(_SHOWN, len(self.images)))
        ]

    def compared(self, *, right: bool) -> list[Picture]:
        """The first images that show their request, or that do not."""
        if not self.reference.conditional:
            return []
        return [self._picture(int(place)) for place in np.flatnonzero(self.correct == right)[:_SHOWN]]

    def counted(self) -> str:
        """How many images show their request; nothing where nothing was requested."""
        return f"{int(self.correct.sum())} of {len(self.images)} are right" if self.reference.conditional else ""

    def unconditional(self) -> list[Picture]:
        """The first images of a run that takes no requests."""
        if self.reference.conditional:
            return []
        return [self._picture(place) for place in range(min(2 * _SHOWN, len(self.images)))]

    def neighbours(self) -> list[tuple[str, list[tuple[Picture, Picture]]]]:
        """The drawn images that are nearest to a training image, beside it: by pixels, and by features."""
        reference = self.reference
        images = reference.palette.snap(self.images) if reference.palette else self.images
        places, distances = nearest_images(images, reference.train.images)
        by_pixels = self._beside(images, places, distances)
        features = reference.classifier.features(images)
        places, squared = nearest(features, reference.train_features)
        return [
            ("by pixels", by_pixels),
            ("by features", self._beside(images, places, np.sqrt(squared / features.shape[1]))),
        ]

    @property
    def _of_classes(self) -> bool:
        """Whether there is but one thing to request, such as which digit."""
        attributes = self.schema.attributes
        one = len(attributes) == 1 and attributes[0].kind != "flag" and len(attributes[0].values) <= _MOST_CLASSES
        return self.reference.conditional and one

    def _picture(self, place: int, *, text: bool = True) -> Picture:
        if not self.reference.conditional:
            return picture(self.images[place])
        faults = ", ".join(differences(self.reference.visible[place], self.seen[place], self.schema))
        return picture(
            self.images[place],
            self.setup.request_text(place) if text else "",
            right=bool(self.correct[place]),
            faults=faults,
        )

    def _beside(
        self, images: Images, places: NDArray[np.intp], distances: NDArray[np.float64]
    ) -> list[tuple[Picture, Picture]]:
        train = self.reference.train.images
        first = np.argsort(distances, kind="stable")[:_NEIGHBOURS]
        return [
            (picture(images[each], f"distance {distances[each]:.2f}"), picture(train[places[each]])) for each in first
        ]


def picture(image: Images, text: str = "", *, right: bool | None = None, faults: str = "") -> Picture:
    """Put an image into the page as it is; the page enlarges it by a whole factor, without smoothing.

    Args:
        image: (C, H, W) bytes.
        text: Under it.
        right: Whether it shows its request; None where nothing was requested.
        faults: How it differs from its request.

    Returns:
        The picture.
    """
    file = io.BytesIO()
    sheet(image[None]).save(file, format="PNG", optimize=True)
    return Picture(uri(file.getvalue()), image.shape[2] * max(1, -(-_SIDE // image.shape[2])), text, right, faults)


def uri(png: bytes) -> str:
    """Write a PNG as a page can hold it.

    Args:
        png: The file.

    Returns:
        A data URI.
    """
    return "data:image/png;base64," + base64.b64encode(png).decode()
