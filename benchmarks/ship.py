"""Put a trained run into the package, as a model that ships with it.

    python benchmarks/ship.py RUN NAME [KEY=VALUE ...]

Writes src/noisette/models/NAME: averaged weights in bfloat16, the recipe, the schema, the statistics. Settings change
the recipe, such as samples.guidance=1.5, the scale at which the model draws when none is given. The card, card.md, is
written by hand beside them.
"""

from __future__ import annotations

import sys
from pathlib import Path

from noisette.store.publish import ship
from noisette.store.run import open_run

if __name__ == "__main__":
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    folder = ship(open_run(Path(sys.argv[1])), sys.argv[2], sys.argv[3:])
    print(*(f"{path.stat().st_size:>9,} {path}" for path in sorted(folder.iterdir())), sep="\n")
