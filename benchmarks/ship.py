"""Put a trained run into the package, as a model that ships with it.

    python benchmarks/ship.py RUN NAME

Writes src/noisette/models/NAME: averaged weights in bfloat16, the recipe, the schema, the statistics. The card, card.md, is
written by hand beside them.
"""

from __future__ import annotations

import sys
from pathlib import Path

from noisette.shipped import ship
from noisette.training.run import open_run

if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    folder = ship(open_run(Path(sys.argv[1])), sys.argv[2])
    print(*(f"{path.stat().st_size:>9,} {path}" for path in sorted(folder.iterdir())), sep="\n")
