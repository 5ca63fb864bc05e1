"""Attribute accuracy of a model by guidance scale: requests are drawn, and an attribute classifier reads the images.

    python benchmarks/attribute_accuracy.py RUN --classifier FILE [--count 1000] [--known 0.1] [--scales 1,1.5,2]
    python benchmarks/attribute_accuracy.py RUN --classifier FILE --briefly [--count 24] [--scales 1,1.5,3]

The requests are those of the validation split; a model of one choice (digits) draws each of its options in turn. With
--known, so much of each request is specified. With --briefly, a few requests as people write them are drawn, each from
--count seeds, and the table also tells how many of the images differ, and how many are copies of training images.

The classifier is trained on the train split and kept in FILE. What it reads in real validation images is the ceiling,
and is printed beside. Takes minutes, most of them for the classifier where FILE is not there yet.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from noisette.threads import wait_briefly

wait_briefly()  # as the command does

import numpy as np

import noisette
from noisette.cli.display import drawing
from noisette.config.data import open_data
from noisette.config.sampling import SamplingSettings
from noisette.data.dataset import Dataset
from noisette.data.palette import palette_of
from noisette.evaluation.attribute_accuracy import attribute_accuracy
from noisette.evaluation.classifier import AttributeClassifier
from noisette.evaluation.classifier_training import kept_classifier
from noisette.evaluation.pixel_accuracy import pixel_accuracy
from noisette.inference.generator import Generator

BRIEF = (
    ("no hair", False),
    ("Male, no hair, no beard", False),
    ("Female, Light, no hair", False),
    ("Earring", True),
    ("Male, Earring", True),
    ("Male, Medium, Earring", True),
    ("Cigarette", True),
    ("Female", True),
    ("no Earring", False),
)
"""Requests for punks as people write them, and whether all other flags are absent."""


FIRST_SEED = 100


def main() -> None:
    arguments = _arguments()
    generator = noisette.load(arguments.run)
    if not generator.schema.attributes:
        raise SystemExit(f"{arguments.run} was trained without attributes, so it takes no requests")
    dataset = open_data(generator.model.recipe)
    with drawing("the classifier") as progress:
        classifier = kept_classifier(
            arguments.classifier, dataset.split("train"), epochs=arguments.classifier_epochs, progress=progress
        )
    if arguments.briefly:
        _briefly(generator, classifier, dataset, arguments)
        return
    validation = dataset.split("validation")
    real = asdict(attribute_accuracy(validation.attributes, classifier.read(validation.images), dataset.schema))
    one_choice = len(dataset.schema.attributes) == 1
    if one_choice:
        rows = (np.arange(arguments.count) % len(dataset.schema.attributes[0].options)).astype(np.int16)[:, None]
    elif arguments.count > len(validation):
        raise SystemExit(f"there are only {len(validation)} images to take requests from; use a smaller --count")
    else:
        rows = validation.attributes[: arguments.count]
    if arguments.known < 1:
        rows = _partly(rows, dataset.schema.units, arguments.known)
    results: dict[str, Any] = {
        "run": arguments.run,
        "steps": arguments.steps,
        "classifier": {"validation": real},
        "scales": {},
    }
    _say("classifier on all real validation images", real)
    if not one_choice:
        same = asdict(attribute_accuracy(rows, classifier.read(validation.images[: len(rows)]), dataset.schema))
        results["classifier"]["same requests"] = same
        _say(f"classifier on the real images of the {len(rows)} requests", same)
    for scale in arguments.scales:
        started = time.perf_counter()
        with drawing(f"scale {scale:g}") as progress:
            plan = generator.plan(rows, seeds=range(len(rows)), settings=_settings(arguments, scale))
            images = generator.draw(plan, progress=progress)
        found = asdict(attribute_accuracy(rows, classifier.read(images), dataset.schema))
        found["milliseconds_per_image"] = round(1000 * (time.perf_counter() - started) / len(rows), 1)
        found["pixels"] = (
            _pixels(images, validation.images[: len(rows)], dataset)
            if not one_choice and arguments.known == 1
            else None
        )
        results["scales"][f"{scale:g}"] = found
        imputed = ", unspecified attributes imputed" if plan.imputed else ""
        _say(
            f"{generator.name}, {plan.sampling.steps} steps of {plan.sampling.sampler}, scale {scale:g}{imputed}", found
        )
    if arguments.json:
        print(json.dumps(results, indent=2))


def _briefly(
    generator: Generator, classifier: AttributeClassifier, dataset: Dataset, arguments: argparse.Namespace
) -> None:
    """Print a Markdown table of the brief requests and scales: how many images are right, different, or copies.

    In brackets: how many real validation images are right, and how many of these are equal to a training image.
    """
    train, validation = dataset.split("train").images, dataset.split("validation")
    known = {image.tobytes() for image in train}
    print("| request | scale | right | different | copies | (real) |\n|---|---|---|---|---|---|", flush=True)
    for text, only in BRIEF:
        row = generator.parse(text, only=only).codes
        rows = np.repeat(row[None], arguments.count, axis=0)
        alike = validation.images[((validation.attributes == row) | (row < 0)).all(axis=1)]
        real = f"{sum(image.tobytes() in known for image in alike)} of {len(alike)}"
        for scale in arguments.scales:
            seeds = range(FIRST_SEED, FIRST_SEED + arguments.count)
            images = generator.draw(generator.plan(text, seeds=seeds, settings=_settings(arguments, scale), only=only))
            exact = attribute_accuracy(rows, classifier.read(images), generator.schema).exact
            drawn = [image.tobytes() for image in images]
            copies = sum(image in known for image in drawn)
            name = f"{text}{' --only' if only else ''}"
            print(
                f"| {name} | {scale:g} | {exact:.2f} | {len(set(drawn))} of {len(drawn)} | {copies} | ({real}) |",
                flush=True,
            )


def _settings(arguments: argparse.Namespace, scale: float) -> SamplingSettings:
    return SamplingSettings.of(
        steps=arguments.steps, guidance=scale, interval=arguments.interval, rescale=arguments.rescale
    )


def _partly(rows: np.ndarray[Any, Any], units: tuple[int, ...], share: float) -> np.ndarray[Any, Any]:
    """The rows with this share of the attributes, and of the groups as a whole, specified; at least one of each row."""
    chances = np.random.default_rng(0).random(rows.shape)[:, np.array(units)]
    kept = (chances < share) | (chances == chances.min(axis=1, keepdims=True))
    return np.where(kept, rows, np.int16(-1))


def _pixels(images: np.ndarray[Any, Any], real: np.ndarray[Any, Any], dataset: Dataset) -> dict[str, float]:
    """Beside the real image of the same request: pixels equal after going to the nearest colour of the data, and whole
    images.
    """
    palette = palette_of(dataset.split("train").images)
    found = pixel_accuracy(palette.snap(images) if palette else images, real)
    return {"equal": round(found.pixels, 4), "whole_images": round(found.whole, 4)}


def _say(title: str, found: dict[str, Any]) -> None:
    pixels = f", pixels {found['pixels']}" if found.get("pixels") else ""
    speed = f", {found['milliseconds_per_image']} ms an image" if "milliseconds_per_image" in found else ""
    figures = f"exact set {found['exact']:.4f}, recall {found['recall']:.4f}, precision {found['precision']:.4f}"
    print(f"{title} ({found['images']}): {figures}{pixels}{speed}", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="a run folder, or a shipped model")
    parser.add_argument("--count", type=int, default=1000, help="requests")
    parser.add_argument("--briefly", action="store_true", help="a few short requests instead, each from --count seeds")
    parser.add_argument(
        "--known",
        type=float,
        default=1.0,
        help="share of the attributes and groups that a request specifies",
    )
    parser.add_argument(
        "--scales", type=lambda text: [float(part) for part in text.split(",")], default=[1.0, 1.5, 2.0]
    )
    parser.add_argument(
        "--interval",
        type=float,
        nargs=2,
        metavar=("LOW", "HIGH"),
        help="noise levels (sigma) between which guidance works",
    )
    parser.add_argument("--rescale", type=float, help="0 to 1, of guidance")
    parser.add_argument("--steps", type=int, help="as in the recipe unless given")
    parser.add_argument("--classifier", type=Path, required=True, help="its file, made if there is none")
    parser.add_argument("--classifier-epochs", type=int, default=24)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
