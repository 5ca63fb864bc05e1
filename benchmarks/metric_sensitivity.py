"""Whether the metrics move the right way: real images, whole and damaged, measured as if a model had drawn them.

    python benchmarks/metric_sensitivity.py [RUN] [--count 500]

The images are those of the validation split. RUN says which data, requests and attribute classifier: punks unless
given. Prints a Markdown table, a column for each kind of damage. Takes minutes.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

from noisette.threads import wait_briefly

wait_briefly()  # as the command does

import numpy as np
from numpy.typing import NDArray

from noisette.evaluation.figures import FIGURES, find
from noisette.evaluation.reference import ReferenceSet
from noisette.evaluation.setup import prepare

Images = NDArray[np.uint8]


def noisy(images: Images, amount: int) -> Images:
    """With whole numbers up to `amount` added or taken."""
    off = np.random.default_rng(0).integers(-amount, amount + 1, images.shape)
    return np.asarray(np.clip(images + off, 0, 255), dtype=np.uint8)


def blurred(images: Images) -> Images:
    """Each pixel the mean of nine."""
    height, width = images.shape[2:]
    padded = np.pad(images.astype(float), ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    shifts = [padded[:, :, down : down + height, right : right + width] for down in range(3) for right in range(3)]
    return np.asarray(np.mean(shifts, axis=0), dtype=np.uint8)


def damages(reference: ReferenceSet) -> dict[str, Callable[[Images], Images]]:
    """What is done to the real images, by name."""
    return {
        "whole": lambda images: images,
        "noise of 8": lambda images: noisy(images, 8),
        "noise of 60": lambda images: noisy(images, 60),
        "blur": blurred,
        "labels exchanged": lambda images: np.roll(images, 1, axis=0),
        "copies of the training set": lambda images: reference.train.images[: len(images)],
        "one image repeated": lambda images: np.repeat(images[:1], len(images), axis=0),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="?", default="punks")
    parser.add_argument("--count", type=int)
    arguments = parser.parse_args()
    reference = prepare(arguments.run, count=arguments.count).reference
    found = {name: reference.measure(damage(reference.real.images)) for name, damage in damages(reference).items()}
    print("| | " + " | ".join(found) + " |")
    print("|---" * (len(found) + 1) + "|")
    for figure in FIGURES:
        values = [find(tree, figure.path) for tree in found.values()]
        if values[0] is not None:
            print(f"| {figure.title} | " + " | ".join(f"{value:.3f}" for value in values) + " |")


if __name__ == "__main__":
    main()
