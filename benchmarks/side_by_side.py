"""A picture of requests chosen by lot: the real image of each above the one that a run or shipped model drew.

    python benchmarks/side_by_side.py RUN FILE.png [--split validation] [--count 48] [--seed 0] [--steps N] [--guidance
    W]

Each request names type, skin tone and all accessories of one image that was not trained on. Beneath each pair stands
how many pixels differ. The lot, the seeds and the settings stand in the file.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from noisette.threads import wait_briefly

wait_briefly()  # as the command does

import numpy as np

import noisette
from noisette.config.data import open_data
from noisette.files.images import labelled_sheet, save_png

COLUMNS = 12


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="a run folder, or a shipped model")
    parser.add_argument("file", type=Path)
    parser.add_argument("--split", default="validation", choices=("validation", "test"))
    parser.add_argument("--count", type=int, default=48)
    parser.add_argument("--seed", type=int, default=0, help="of the lot; image k is drawn from seed k")
    parser.add_argument("--steps", type=int, help="as in the recipe unless given")
    parser.add_argument("--guidance", type=float, help="as in the recipe unless given")
    arguments = parser.parse_args()
    generator = noisette.load(arguments.run)
    asked = open_data(generator.model.recipe).split(arguments.split)
    lot = np.sort(np.random.default_rng(arguments.seed).choice(len(asked), arguments.count, replace=False))
    sampling = generator.choices.sampling(steps=arguments.steps, guidance=arguments.guidance)
    drawn, real = generator.draw(asked.attributes[lot], range(len(lot)), sampling), asked.images[lot]
    wrong = (drawn != real).any(axis=1).sum(axis=(1, 2))
    pairs, texts = [], []
    for start in range(0, len(lot), COLUMNS):
        row = slice(start, start + COLUMNS)
        pairs += [real[row], drawn[row]]
        texts += ["real"] * len(real[row]) + [f"{count} wrong" if count else "equal" for count in wrong[row]]
    facts = {"run": generator.name, "split": arguments.split, "lot": lot.tolist(), "sampling": asdict(sampling)}
    save_png(arguments.file, labelled_sheet(np.concatenate(pairs), texts, columns=COLUMNS, scale=3), facts)
    print(
        f"{(wrong == 0).sum()} of {len(lot)} equal to the last pixel; {wrong.sum()} of {real[:, 0].size} pixels differ"
    )


if __name__ == "__main__":
    main()
