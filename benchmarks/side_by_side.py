"""A picture of requests chosen at random: the real image of each above the one that a model drew.

    python benchmarks/side_by_side.py RUN FILE.png [--split validation] [--count 48] [--seed 0] [--steps N]

Each request specifies all attributes of one image that was not trained on. Beneath each pair stands how many pixels
differ. Which requests, seeds and settings it was stands in the file. Takes seconds.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from noisette.threads import wait_briefly

wait_briefly()  # as the command does

import numpy as np

import noisette
from noisette.config.data import open_data
from noisette.config.sampling import SamplingSettings
from noisette.files.images import labelled_sheet, save_png

COLUMNS = 12


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="a run folder, or a shipped model")
    parser.add_argument("file", type=Path)
    parser.add_argument("--split", default="validation", choices=("validation", "test"))
    parser.add_argument("--count", type=int, default=48)
    parser.add_argument("--seed", type=int, default=0, help="of the choice; image k is drawn from seed k")
    parser.add_argument("--steps", type=int, help="as in the recipe unless given")
    parser.add_argument("--guidance", type=float, help="as in the recipe unless given")
    arguments = parser.parse_args()
    generator = noisette.load(arguments.run)
    if not generator.schema.attributes:
        raise SystemExit(f"{arguments.run} was trained without attributes, so it takes no requests")
    images = open_data(generator.model.recipe).split(arguments.split)
    chosen = np.sort(np.random.default_rng(arguments.seed).choice(len(images), arguments.count, replace=False))
    settings = SamplingSettings.of(steps=arguments.steps, guidance=arguments.guidance)
    plan = generator.plan(images.attributes[chosen], seeds=range(len(chosen)), settings=settings)
    drawn, real = generator.draw(plan), images.images[chosen]
    wrong = (drawn != real).any(axis=1).sum(axis=(1, 2))
    pairs, texts = [], []
    for start in range(0, len(chosen), COLUMNS):
        row = slice(start, start + COLUMNS)
        pairs += [real[row], drawn[row]]
        texts += ["real"] * len(real[row]) + [f"{count} wrong" if count else "equal" for count in wrong[row]]
    facts = {
        "run": generator.name,
        "split": arguments.split,
        "images": chosen.tolist(),
        "sampling": plan.sampling.model_dump(mode="json"),
    }
    save_png(arguments.file, labelled_sheet(np.concatenate(pairs), texts, columns=COLUMNS, scale=3), facts)
    equal = int((wrong == 0).sum())
    print(f"{equal} of {len(chosen)} equal to the last pixel; {wrong.sum()} of {real[:, 0].size} pixels differ")


if __name__ == "__main__":
    main()
