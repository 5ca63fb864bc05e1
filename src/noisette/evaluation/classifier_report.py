"""A report on an attribute classifier: how well it reads real images that it never saw, and what no classifier could.

No figure that is taken with a classifier can exceed this.
"""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from noisette.attributes.schema import UNKNOWN
from noisette.data.dataset import Dataset
from noisette.errors import RequestError
from noisette.evaluation.attribute_accuracy import attribute_accuracy, matches
from noisette.evaluation.classifier import AttributeClassifier
from noisette.evaluation.figures import Tree
from noisette.evaluation.occlusion import missed_beside, occluded, occluded_beside
from noisette.evaluation.whole_data import check_split


def classifier_report(classifier: AttributeClassifier, dataset: Dataset, split: str) -> Tree:
    """Measure a classifier on real images.

    Args:
        classifier: Of these data.
        dataset: All of the data.
        split: The images that are read.

    Returns:
        The figures value by value, and what the pixels occlude; what JSON can hold.

    Raises:
        RequestError: There is no split of that name, or no image of it has a label.
    """
    check_split(split)
    mask, places = occluded(dataset), dataset.places(split)
    labelled = places[(dataset.attributes[places] != UNKNOWN).any(axis=1)]  # the others could only count as right
    if len(places) and not len(labelled):
        raise RequestError(f"no image of the {split} split of {dataset.name} has a label; label some, or name another")
    real = dataset.take(labelled)
    seen = classifier.read(real.images)
    visible = np.where(mask[labelled], np.int16(UNKNOWN), real.attributes)
    return {
        "dataset": dataset.name,
        "split": split,
        "epochs": classifier.epochs,
        "weights": classifier.digest,
        "images": len(real),
        "unlabelled": len(places) - len(labelled),
        "exact": float(matches(real.attributes, seen).mean()),
        "visible": asdict(attribute_accuracy(visible, seen, dataset.schema)),
        "missed": [asdict(pair) for pair in missed_beside(visible, seen, dataset.schema)],
        "occluded_images": int(mask.any(axis=1).sum()),
        "all_images": len(dataset),
        "occluded": {
            name: int(count) for name, count in zip(dataset.schema.names, mask.sum(axis=0), strict=True) if count
        },
        "occluded_beside": [asdict(pair) for pair in occluded_beside(dataset, mask)],
    }


def describe(found: Tree) -> str:
    """Write the report for a person to read.

    Args:
        found: What `classifier_report` returned.

    Returns:
        Lines of text.
    """
    visible = found["visible"]
    width = max(map(len, visible["by_value"]))
    left_out = f"; {found['unlabelled']:,} more have no label" if found["unlabelled"] else ""
    lines = [
        (
            f"attribute classifier of {found['dataset']}, {found['epochs']} passes, on {found['images']} real images of"
            f" the {found['split']} split{left_out}"
        ),
        (
            f"all attributes right in {found['exact']:.4f}; of what the pixels show: {visible['exact']:.4f}, "
            f"recall {visible['recall']:.4f}, precision {visible['precision']:.4f}"
        ),
        "",
        f"{'':{width}}{'shown':>8}{'recall':>8}{'precision':>11}",
        *(
            f"{name:{width}}{of['requested']:>8}{_text(of['recall']):>8}{_text(of['precision']):>11}"
            for name, of in visible["by_value"].items()
        ),
    ]
    if found["occluded"]:
        lines += ["", f"occluded in {found['occluded_images']:,} of all {found['all_images']:,} images:"]
        for name, count in sorted(found["occluded"].items(), key=lambda each: -each[1]):
            beside = ", ".join(
                f"{pair['beside']} ({pair['share']:.0%})" for pair in found["occluded_beside"] if pair["value"] == name
            )
            lines.append(f"  {name} in {count}" + (f", above all beside {beside}" if beside else ""))
    if found["missed"]:
        lines += ["", "shown, but not seen by this classifier in at least half of the images:"]
        lines += [
            f"  {pair['value']} beside {pair['beside']}: {pair['share']:.0%} of {pair['images']}"
            for pair in found["missed"]
        ]
    return "\n".join(lines)


def _text(share: float | None) -> str:
    return "-" if share is None else f"{share:.3f}"
