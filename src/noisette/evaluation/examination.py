"""How well a judge reads real images that it never saw, which no figure taken with it can exceed; and what no judge
could see.
"""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from noisette.attributes.schema import UNKNOWN
from noisette.data.dataset import SPLITS, Dataset
from noisette.errors import RequestError, nearest
from noisette.evaluation.figures import Tree
from noisette.evaluation.judge import Judge
from noisette.evaluation.obedience import as_asked, obedience
from noisette.evaluation.visibility import hidden, hidden_beside, missed_beside


def check_split(split: str) -> None:
    """Raises RequestError for another than the splits of a data set."""
    if split not in SPLITS:
        raise RequestError(f'no split "{split}"{nearest(split, SPLITS)}; there are {", ".join(SPLITS)}')


def examine(judge: Judge, dataset: Dataset, split: str) -> Tree:
    """Its figures on a split, value by value, and what the pixels hide; what JSON can hold.

    Raises RequestError for another split.
    """
    check_split(split)
    mask, real = hidden(dataset), dataset.split(split)
    seen = judge.read(real.images)
    showing = np.where(mask[dataset.membership == SPLITS.index(split)], np.int16(UNKNOWN), real.attributes)
    return {
        "dataset": dataset.name,
        "split": split,
        "epochs": judge.epochs,
        "weights": judge.digest,
        "images": len(real),
        "exact": float(as_asked(real.attributes, seen).mean()),
        "visible": asdict(obedience(showing, seen, dataset.schema)),
        "missed": [asdict(pair) for pair in missed_beside(showing, seen, dataset.schema)],
        "hidden_images": int(mask.any(axis=1).sum()),
        "all_images": len(dataset),
        "hidden": {
            name: int(count) for name, count in zip(dataset.schema.names, mask.sum(axis=0), strict=True) if count
        },
        "hidden_beside": [asdict(pair) for pair in hidden_beside(dataset, mask)],
    }


def describe(found: Tree) -> str:
    """The same for a person to read."""
    visible = found["visible"]
    width = max(map(len, visible["by_value"]))
    lines = [
        (
            f"judge of {found['dataset']}, {found['epochs']} passes, on {found['images']} real images of the"
            f" {found['split']} split"
        ),
        (
            f"all attributes right in {found['exact']:.4f}; of what the pixels show: {visible['exact']:.4f}, "
            f"recall {visible['recall']:.4f}, precision {visible['precision']:.4f}"
        ),
        "",
        f"{'':{width}}{'shown':>8}{'recall':>8}{'precision':>11}",
        *(
            f"{name:{width}}{of['asked']:>8}{_text(of['recall']):>8}{_text(of['precision']):>11}"
            for name, of in visible["by_value"].items()
        ),
    ]
    if found["hidden"]:
        lines += ["", f"hidden by the pixels in {found['hidden_images']:,} of all {found['all_images']:,} images:"]
        for name, count in sorted(found["hidden"].items(), key=lambda each: -each[1]):
            beside = ", ".join(
                f"{pair['beside']} ({pair['share']:.0%})" for pair in found["hidden_beside"] if pair["value"] == name
            )
            lines.append(f"  {name} in {count}" + (f", above all beside {beside}" if beside else ""))
    if found["missed"]:
        lines += ["", "shown, but not seen by this judge in at least half of the images:"]
        lines += [
            f"  {pair['value']} beside {pair['beside']}: {pair['share']:.0%} of {pair['images']}"
            for pair in found["missed"]
        ]
    return "\n".join(lines)


def _text(share: float | None) -> str:
    return "-" if share is None else f"{share:.3f}"
