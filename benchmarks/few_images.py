"""Some of the punks as a folder of one's own: what a network learns from few, beside what needs none.

The folder has so many images of the train split, and those of the validation split, as PNGs with a table; what is done
with it is what anybody does.

    python benchmarks/few_images.py punks-1000 --count 1000
    noisette train punks-1000 --budget 10m
    noisette evaluate runs/punks-1000 --floor
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from PIL import Image

import noisette


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a new one")
    parser.add_argument("--count", type=int, default=1000, help="images to train on")
    parser.add_argument("--data", default="cryptopunks", help="a data set with train and validation splits")
    asked = parser.parse_args()

    data = noisette.open_dataset(asked.data)
    names = data.schema.names
    asked.folder.mkdir()
    with (asked.folder / "metadata.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["file_name", *names])
        for split, most in (("train", asked.count), ("validation", None)):
            (asked.folder / split).mkdir()
            images = data.split(split)
            for place in range(min(len(images), most or len(images))):
                name = f"{split}/{place}.png"
                Image.fromarray(images.images[place].transpose(1, 2, 0).squeeze()).save(asked.folder / name)
                values = data.schema.decode(images.attributes[place])
                table.writerow(
                    [
                        name,
                        *(
                            ""
                            if each not in values
                            else str(values[each]).lower()
                            if isinstance(values[each], bool)
                            else values[each]
                            for each in names
                        ),
                    ]
                )


if __name__ == "__main__":
    main()
