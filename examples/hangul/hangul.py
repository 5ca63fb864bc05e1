"""All 11,172 Hangul syllables of GNU Unifont (16x16, 1 bit) as a folder of images with metadata.csv.

A syllable is one of 19 leading consonants, one of 21 vowels and one of 27 closing consonants or none; each part changes
its shape with the others. The font comes from Debian's package, which you install yourself:

    apt install unifont
    python examples/hangul/hangul.py make /usr/share/unifont/unifont.hex hangul
    noisette data inspect hangul
    noisette train hangul --budget 1h
    python examples/hangul/hangul.py check /usr/share/unifont/unifont.hex runs/hangul --hold-out 1172
    python examples/hangul/hangul.py floor /usr/share/unifont/unifont.hex hangul --hold-out 1172

`make --hold-out 1172` keeps so many syllables back, which `check` then asks for; `floor` draws the same without a
network.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

FIRST, COUNT, SIDE = 0xAC00, 11_172, 16
LEADS = "G GG N D DD R M B BB S SS - J JJ C K T P H".split()
VOWELS = "A AE YA YAE EO E YEO YE O WA WAE OE YO U WEO WE WI YU EU YI I".split()
CLOSINGS = "None G GG GS N NJ NH D L LG LM LB LS LT LP LH M B BS S SS NG J C K T P H".split()


def traits(number: int) -> dict[str, str]:
    """The parts of a syllable, by the arithmetic of Unicode."""
    return {
        "lead": LEADS[number // 588],
        "vowel": VOWELS[number % 588 // 28],
        "closing": CLOSINGS[number % 28],
    }


def syllables(font: Path) -> NDArray[np.uint8]:
    """(11172, 16, 16) uint8, 0 paper and 255 ink."""
    images = np.zeros((COUNT, SIDE, SIDE), np.uint8)
    for line in font.read_text(encoding="ascii").splitlines():
        code, _, dots = line.partition(":")
        number = int(code, 16) - FIRST
        if 0 <= number < COUNT and len(dots) == SIDE * SIDE // 4:
            images[number] = np.unpackbits(np.frombuffer(bytes.fromhex(dots), np.uint8)).reshape(SIDE, SIDE) * 255
    return images


def held_out(count: int) -> set[int]:
    """Which syllables are kept back."""
    return set(np.random.default_rng(0).permutation(COUNT)[:count].tolist())


def make(font: Path, out: Path, hold_out: int) -> None:
    """Write a PNG for each syllable, and their parts."""
    out.mkdir()
    kept_back = held_out(hold_out)
    lines = ["file_name,lead,vowel,closing"]
    for number, image in enumerate(syllables(font)):
        if number not in kept_back:
            name = f"{FIRST + number:04X}.png"
            Image.fromarray(image).save(out / name)
            lines.append(f"{name},{','.join(traits(number).values())}")
    (out / "metadata.csv").write_text("\n".join(lines) + "\n")
    print(f"{len(lines) - 1:,} syllables in {out}")


def check(font: Path, run: str, hold_out: int) -> None:
    """Ask a model for the syllables that were kept back, and compare every pixel."""
    import noisette

    numbers = sorted(held_out(hold_out))
    generator = noisette.load(run)
    drawn = generator.generate([traits(number) for number in numbers], seeds=range(len(numbers)), allow_unseen=True)
    _tell(font, numbers, drawn)


def floor(font: Path, folder: str, hold_out: int) -> None:
    """Draw the same syllables without a network, from the images that a training would see, and compare."""
    import noisette
    from noisette.floor.registry import BASELINES, left_out

    numbers = sorted(held_out(hold_out))
    train = noisette.open_dataset(folder).split("train")
    codes = train.schema.encode([traits(number) for number in numbers])
    reasons = left_out(train, conditional=True)
    for name in (name for name in BASELINES if name not in reasons):
        started = time.process_time()
        drawn = BASELINES[name].draw(train, codes, seed=0)
        print(f"{name}, {time.process_time() - started:.1f} s of the processor: ", end="")
        _tell(font, numbers, drawn)


def _tell(font: Path, numbers: list[int], drawn: NDArray[np.uint8]) -> None:
    """Compare every pixel with the right answer."""
    wrong = (drawn[:, 0] != syllables(font)[numbers]).sum(axis=(1, 2))
    print(f"{(wrong == 0).sum()} of {len(numbers)} equal in every pixel ({(wrong == 0).mean():.1%})")
    print(f"pixels right: {1 - wrong.mean() / SIDE**2:.4%}")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    targets = {"out": "the folder to make", "run": "the run to try", "folder": "the folder that `make` made"}
    for verb, target in (("make", "out"), ("check", "run"), ("floor", "folder")):
        sub = verbs.add_parser(verb)
        sub.add_argument("font", type=Path, help="unifont.hex")
        sub.add_argument(target, help=targets[target])
        sub.add_argument("--hold-out", type=int, default=1172, help="syllables that are kept back")
    given = parser.parse_args()
    if given.verb == "make":
        make(given.font, Path(given.out), given.hold_out)
    elif given.verb == "floor":
        floor(given.font, given.folder, given.hold_out)
    else:
        check(given.font, given.run, given.hold_out)


if __name__ == "__main__":
    main()
