"""Write down the hashes of all that ships and decides a picture or a figure: models, classifiers and recipes.

    python tools/hash_shipped.py

To be called whenever one of these files has changed, by hand or by another tool; a test tells when it was forgotten.
"""

from __future__ import annotations

import argparse
from importlib import resources
from pathlib import Path

from noisette.files.hashes import FILE
from noisette.store.publish import list_files
from noisette.store.shipped import home


def folders() -> list[Path]:
    """All that are checked when they are opened."""
    package = Path(str(resources.files("noisette")))
    return [*sorted(path for path in home().iterdir() if path.is_dir()), package / "classifiers", package / "recipes"]


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    for folder in folders():
        list_files(folder)
        print(folder / FILE)


if __name__ == "__main__":
    main()
