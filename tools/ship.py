"""Put a trained run into the package, as a model that ships with it.

    python tools/ship.py RUN NAME [KEY=VALUE ...]

Writes src/noisette/models/NAME: averaged weights in bfloat16, recipe, schema, statistics and palette. Settings change
the recipe, such as sampling.guidance.scale=1.5, the scale at which the model draws when none is given. The card,
card.md, is written by hand beside them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from noisette.store.publish import ship
from noisette.store.run import open_run
from noisette.store.shipped import home


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="a run folder")
    parser.add_argument("name", help="of the model that ships")
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE", help="changes of the recipe")
    arguments = parser.parse_args()
    folder = ship(open_run(arguments.run), home() / arguments.name, arguments.settings)
    print(*(f"{path.stat().st_size:>9,} {path}" for path in sorted(folder.iterdir())), sep="\n")


if __name__ == "__main__":
    main()
