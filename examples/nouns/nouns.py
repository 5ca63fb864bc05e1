"""Nouns (32x32, CC0) as a folder of finished images with ERC-721 metadata, and the right answer for any request.

The layers come from the npm package @nouns/assets, which you fetch yourself:

    npm pack @nouns/assets@0.10.0
    python examples/nouns/nouns.py make nouns-assets-0.10.0.tgz nouns --count 10000
    noisette data inspect nouns
    noisette train nouns --budget 1h
    python examples/nouns/nouns.py check nouns-assets-0.10.0.tgz runs/nouns --count 300
    python examples/nouns/nouns.py floor nouns-assets-0.10.0.tgz nouns --count 300

`floor` draws the same without a network.

The art is in the public domain; the package's code is not used. Its data are runs of colours: of each part one byte for
the palette, four for the bounds (top, right, bottom, left), then pairs of a length and a colour, row by row.
"""

from __future__ import annotations

import argparse
import json
import tarfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    import noisette

SIDE = 32
LAYERS = {"body": "bodies", "accessory": "accessories", "head": "heads", "glasses": "glasses"}
"""Back to front: the trait, and where its parts are in the package."""
BACKGROUNDS = ("cool", "warm")
HELD_BACK = 10**6
"""Seeds from here on are for `check`; `make` uses those below."""


class Layers:
    """The parts of all traits.

    Args:
        package: The file of `npm pack`.

    Attributes:
        options: Of each trait the names of its parts.
    """

    def __init__(self, package: Path) -> None:
        with tarfile.open(package) as archive:
            member = archive.extractfile("package/dist/image-data.json")
            assert member is not None
            data: dict[str, Any] = json.load(member)
        colours = [bytes.fromhex(colour or "000000") for colour in data["palette"]]
        palette = np.array([[*colour, 255] for colour in colours], np.uint8)
        palette[0] = 0  # what is not drawn
        self._parts = {
            trait: [_decoded(part["data"], palette) for part in data["images"][where]]
            for trait, where in LAYERS.items()
        }
        self._backgrounds = [np.array([*bytes.fromhex(colour), 255], np.uint8) for colour in data["bgcolors"]]
        self.options = {
            "background": list(BACKGROUNDS),
            **{
                trait: [part["filename"].partition("-")[2] for part in data["images"][where]]
                for trait, where in LAYERS.items()
            },
        }

    def seeded(self, seed: int) -> dict[str, str]:
        """The traits of a Noun: every part of a trait is as likely as any other."""
        random = np.random.default_rng(seed)
        return {trait: options[random.integers(len(options))] for trait, options in self.options.items()}

    def draw(self, traits: dict[str, str]) -> NDArray[np.uint8]:
        """The Noun of these traits, (32, 32, 4) uint8."""
        image = np.empty((SIDE, SIDE, 4), np.uint8)
        image[:] = self._backgrounds[self.options["background"].index(traits["background"])]
        for trait, parts in self._parts.items():
            part = parts[self.options[trait].index(traits[trait])]
            image = np.where(part[..., 3:] > 0, part, image)
        return image


def _decoded(runs: str, palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The runs of a part as (32, 32, 4) RGBA. The bottom row is within its bounds, the right column is not."""
    content = bytes.fromhex(runs.removeprefix("0x"))
    top, right, bottom, left = content[1:5]
    places = np.repeat(np.frombuffer(content[6::2], np.uint8), np.frombuffer(content[5::2], np.uint8))
    part = np.zeros((SIDE, SIDE), np.uint8)
    if len(places):  # the accessory that is none has no runs
        part[top : bottom + 1, left:right] = places.reshape(-1, right - left)
    return palette[part]


def make(layers: Layers, out: Path, count: int) -> None:
    """Write finished Nouns, all different, as `images/7.png` and `metadata/7.json`."""
    (out / "images").mkdir(parents=True)
    (out / "metadata").mkdir()
    seen: set[tuple[str, ...]] = set()
    seed = 0
    while len(seen) < count:
        traits = layers.seeded(seed)
        seed += 1
        if (key := tuple(traits.values())) in seen:
            continue
        number = len(seen)
        seen.add(key)
        Image.fromarray(layers.draw(traits)).save(out / "images" / f"{number}.png")
        described = {
            "name": f"Noun {number}",
            "image": f"{number}.png",
            "attributes": [{"trait_type": trait, "value": value} for trait, value in traits.items()],
        }
        (out / "metadata" / f"{number}.json").write_text(json.dumps(described))
    print(f"{count:,} Nouns in {out}")


def check(layers: Layers, run: str, count: int) -> None:
    """Ask a model for combinations that no folder of `make` holds, and compare every pixel."""
    import noisette

    generator = noisette.load(run)
    asked = _askable(layers, generator.schema, count)
    drawn = generator.generate(asked, seeds=range(len(asked)), allow_unseen=True)
    _tell(layers, asked, drawn, count)


def floor(layers: Layers, folder: str, count: int) -> None:
    """Draw the same combinations without a network, from the images that a training would see, and compare."""
    import noisette
    from noisette.floor.registry import BASELINES, left_out

    train = noisette.open_dataset(folder).split("train")
    asked = _askable(layers, train.schema, count)
    codes = train.schema.encode(asked)
    reasons = left_out(train, conditional=True)
    for name in (name for name in BASELINES if name not in reasons):
        started = time.process_time()
        drawn = BASELINES[name].draw(train, codes, seed=0)
        print(f"{name}, {time.process_time() - started:.1f} s of the processor: ", end="")
        _tell(layers, asked, drawn, count)


def _askable(layers: Layers, schema: noisette.AttributeSchema, count: int) -> list[dict[str, str]]:
    """Combinations that no folder of `make` holds, without those that have a part that no image shows."""
    options = {attribute.name: attribute.values for attribute in schema.attributes}
    wanted = [layers.seeded(HELD_BACK + number) for number in range(count)]
    return [traits for traits in wanted if all(value in options[trait] for trait, value in traits.items())]


def _tell(layers: Layers, asked: list[dict[str, str]], drawn: NDArray[np.uint8], count: int) -> None:
    """Compare every pixel with the right answer."""
    images = drawn.transpose(0, 2, 3, 1)
    right = np.stack([layers.draw(traits)[..., : images.shape[3]] for traits in asked])
    wrong = (images != right).any(axis=3).sum(axis=(1, 2))
    print(f"{(wrong == 0).sum()} of {count} equal in every pixel ({(wrong == 0).sum() / count:.1%})")
    if len(asked) < count:
        print(f"{count - len(asked)} of them have a part that no image shows, and count as wrong")
    print(f"pixels right of the others: {1 - wrong.mean() / SIDE**2:.4%}; wrong in the median: {_median(wrong):.0f}")


def _median(wrong: NDArray[np.intp]) -> float:
    return float(np.median(wrong[wrong > 0])) if (wrong > 0).any() else 0.0


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    targets = {"out": "the folder to make", "run": "the run to try", "folder": "the folder that `make` made"}
    for verb, target, count in (("make", "out", 10_000), ("check", "run", 300), ("floor", "folder", 300)):
        sub = verbs.add_parser(verb)
        sub.add_argument("package", type=Path, help="the file of `npm pack @nouns/assets@0.10.0`")
        sub.add_argument(target, help=targets[target])
        sub.add_argument("--count", type=int, default=count)
    given = parser.parse_args()
    layers = Layers(given.package)
    if given.verb == "make":
        make(layers, Path(given.out), given.count)
    elif given.verb == "floor":
        floor(layers, given.folder, given.count)
    else:
        check(layers, given.run, given.count)


if __name__ == "__main__":
    main()
