"""Whether images hold together by themselves: a run is asked for little or nothing, and nothing is imputed.

An image is valid if it equals, in every pixel, what the shipped model of the same data draws for the attributes that
the classifier reads in it. Real images of the validation split, measured the same way, are the ceiling.

    python benchmarks/coherence.py runs/punks --count 500
    python benchmarks/coherence.py punks --count 200 --attributes "Zombie"
"""

from __future__ import annotations

import argparse
import json
import time
import tomllib
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import noisette
from noisette.config.data import open_data
from noisette.evaluation.classifiers import features_of, find_classifier
from noisette.evaluation.fidelity import fidelity
from noisette.evaluation.validity import validity
from noisette.files.images import sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--renderer", default="punks", help="draws whole requests right")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--attributes", help="what all images are asked for; nothing unless given")
    parser.add_argument("--set", action="append", default=[], metavar="SETTING=VALUE", help="of the drawing")
    parser.add_argument("--sheet", type=Path, help="a picture of the first 64")
    asked = parser.parse_args()

    generator, renderer = noisette.load(asked.run), noisette.load(asked.renderer)
    data = open_data(renderer.model.recipe)
    train, real = data.split("train"), data.split("validation")
    classifier = find_classifier(train, asked.run)
    assert classifier is not None, "the data of the renderer have no classifier"

    def render(codes: NDArray[np.int16]) -> NDArray[np.uint8]:
        plan = renderer.plan(codes, seeds=range(len(codes)), allow_unseen=True)
        return renderer.model.as_learned(renderer.draw(plan))

    settings = tomllib.loads("\n".join(asked.set))
    if generator.model.recipe.conditional:
        settings.setdefault("impute", False)
    start = time.perf_counter()
    seeds = range(asked.seed, asked.seed + asked.count)
    drawn = generator.model.as_learned(generator.generate(asked.attributes, seeds=seeds, **settings))
    seconds = time.perf_counter() - start

    def measured(images: NDArray[np.uint8]) -> dict[str, float]:
        known = {image.tobytes() for image in train.images}
        features = features_of(classifier, train)
        others = features[np.random.default_rng(0).permutation(len(features))[: max(asked.count, 100)]]
        return {
            **asdict(validity(images, classifier.read(images), render, train.attributes)),
            "copies": float(np.mean([image.tobytes() in known for image in images])),
            "frechet": fidelity(others, classifier.features(images)).frechet if len(images) >= 100 else float("nan"),
        }

    found = {
        "run": asked.run,
        "drawn": {**measured(drawn), "seconds_an_image": seconds / asked.count},
        "real": measured(real.images[: asked.count]),
    }
    print(json.dumps(found, indent=2))
    if asked.sheet is not None:
        sheet(drawn[:64], columns=8, scale=3).save(asked.sheet)


if __name__ == "__main__":
    main()
