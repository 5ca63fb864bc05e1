"""What `--from` is worth for a small folder: combinations never seen, right in every pixel, with it and without.

A collection of 24x24 creatures is made here of four traits that overlap, so that the right answer to every combination
is known. Some are learned from, with the same number of steps each time; asked for are others, of values that were
seen.

    python benchmarks/from_trained.py from-trained --images 30 100 --steps 5 60 300
"""

from __future__ import annotations

import argparse
import json
import time
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import noisette

SIDE = 24
TRAITS = {
    "Body": ("Clay", "Moss", "Slate", "Plum", "Sand", "Snow"),
    "Eyes": ("Round", "Narrow", "Shut", "Wide", "Starry"),
    "Mouth": ("Smiling", "Frowning", "Open", "Beak", "Whiskers"),
    "Hat": ("None", "Helm", "Bow", "Horns", "Leaf", "Ribbon"),
}
BOXES = {"Body": (6, 4, 24, 20), "Eyes": (9, 6, 13, 18), "Mouth": (15, 7, 20, 17), "Hat": (1, 5, 11, 19)}
"""(top, left, bottom, right) of what a trait draws: a hat reaches over the eyes, and both lie on the body."""
SKY = (90, 120, 150)


def parts(seed: int = 0) -> dict[tuple[str, str], NDArray[np.uint8]]:
    """What each value draws, (SIDE, SIDE, 4), transparent elsewhere."""
    random = np.random.default_rng(seed)
    colours = random.integers(0, 256, (24, 3), dtype=np.uint8)
    made = {}
    for trait, values in TRAITS.items():
        top, left, bottom, right = BOXES[trait]
        for value in values:
            part = np.zeros((SIDE, SIDE, 4), np.uint8)
            if value != "None":
                half = np.zeros((bottom - top, (right - left) // 2, 4), np.uint8)
                half[...] = (*random.choice(colours), 255)
                half[random.random(half.shape[:2]) < 0.25] = (*random.choice(colours), 255)
                half[random.random(half.shape[:2]) < (0.05 if trait == "Body" else 0.3)] = 0
                part[top:bottom, left:right] = np.concatenate([half, half[:, ::-1]], axis=1)
            made[trait, value] = part
    return made


def picture(drawn: dict[tuple[str, str], NDArray[np.uint8]], combination: dict[str, str]) -> NDArray[np.uint8]:
    """The creature of a combination, (3, SIDE, SIDE)."""
    image = np.empty((SIDE, SIDE, 3), np.uint8)
    image[...] = SKY
    for trait, value in combination.items():
        part = drawn[trait, value]
        image = np.where(part[..., 3:] > 0, part[..., :3], image)
    return image.transpose(2, 0, 1)


def combinations(seed: int = 1) -> list[dict[str, str]]:
    """All of them, in random order."""
    grid = np.stack(np.meshgrid(*(np.arange(len(values)) for values in TRAITS.values())), axis=-1).reshape(-1, 4)
    order = np.random.default_rng(seed).permutation(len(grid))
    return [
        {trait: TRAITS[trait][code] for trait, code in zip(TRAITS, row, strict=True)} for row in grid[order].tolist()
    ]


def make_folder(folder: Path, chosen: list[dict[str, str]]) -> Path:
    """A folder of creatures with ERC-721 metadata."""
    folder.mkdir(parents=True)
    drawn = parts()
    for number, combination in enumerate(chosen):
        Image.fromarray(picture(drawn, combination).transpose(1, 2, 0)).save(folder / f"{number}.png")
        traits = [{"trait_type": trait, "value": value} for trait, value in combination.items()]
        (folder / f"{number}.json").write_text(json.dumps({"attributes": traits}))
    return folder


def exact(run: Path, learned: list[dict[str, str]], others: list[dict[str, str]], count: int) -> tuple[float, float]:
    """Shares of other combinations whose picture is right in every pixel, and of their pixels that are right."""
    there = {trait: {each[trait] for each in learned} for trait in TRAITS}
    asked = [each for each in others if all(each[trait] in values for trait, values in there.items())][:count]
    drawn = parts()
    right = np.stack([picture(drawn, each) for each in asked])
    generator = noisette.load(run)
    known = set(generator.schema.names)
    requests = [{name: value for name, value in each.items() if name in known} for each in asked]
    images = generator.generate(requests, seeds=range(len(asked)), allow_unseen=True)[:, :3]
    same = (images == right).all(axis=1)
    return float(same.all(axis=(1, 2)).mean()), float(same.mean())


def main() -> None:
    """Train and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where folders and runs are made; it must not be there yet")
    parser.add_argument("--images", type=int, nargs="+", default=[30, 100])
    parser.add_argument("--steps", type=int, nargs="+", default=[5, 60, 300])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="of the trainings")
    parser.add_argument("--base", default="punks")
    parser.add_argument("--first", type=int, default=0, help="of all combinations; others come before, as of a base")
    parser.add_argument("--count", type=int, default=200, help="combinations asked for")
    chosen = parser.parse_args()
    print("images  steps  seed  from     exact  pixels  seconds", flush=True)
    for images in chosen.images:
        learned = combinations()[chosen.first : chosen.first + images]
        folder = make_folder(chosen.folder / f"creatures-{images}", learned)
        for steps, seed, base in product(chosen.steps, chosen.seeds, (None, chosen.base)):
            out = chosen.folder / "runs" / f"{images}-{steps}-{seed}-{Path(base).name if base else 'nothing'}"
            started = time.monotonic()
            settings = ["training.compile=no", "training.precision=float32", "training.layout=contiguous"]
            settings.append(f"training.seed={seed}")
            noisette.train(str(folder), out=out, steps=steps, base=base, settings=settings)
            taken = time.monotonic() - started
            whole, pixels = exact(out, learned, combinations()[chosen.first + images :], chosen.count)
            begun = Path(base).name if base else "-"
            row = f"{images:6}  {steps:5}  {seed:4}  {begun:7}  {whole:.3f}  {pixels:.4f}  {taken:.0f}"
            print(row, flush=True)


if __name__ == "__main__":
    main()
