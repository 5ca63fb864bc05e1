"""How well a judge reads real images that it never saw, which no figure taken with it can exceed; and what no judge could see."""

from __future__ import annotations

from dataclasses import asdict

from noisette.data.dataset import Dataset
from noisette.evaluation.figures import Tree
from noisette.evaluation.judge import Judge
from noisette.evaluation.obedience import obedience
from noisette.evaluation.visibility import covered, missed


def examine(judge: Judge, dataset: Dataset, split: str) -> Tree:
    """Its figures on a split, value by value, and what the pixels hide; what JSON can hold."""
    real = dataset.split(split)
    seen = judge.read(real.images)
    return {
        "dataset": dataset.name,
        "split": split,
        "epochs": judge.epochs,
        "weights": judge.digest,
        **asdict(obedience(real.attributes, seen, dataset.schema)),
        "covered": [asdict(each) for each in covered(dataset)],
        "missed": [asdict(each) for each in missed(real.attributes, seen, dataset.schema)],
    }


def describe(found: Tree) -> str:
    """The same for a person to read."""
    width = max(map(len, found["by_value"]))
    lines = [
        f"judge of {found['dataset']}, {found['epochs']} passes, on {found['images']} real images of the {found['split']} split:",
        f"all attributes right in {found['exact']:.4f}, recall {found['recall']:.4f}, precision {found['precision']:.4f}",
        "",
        f"{'':{width}}{'images':>8}{'recall':>8}{'precision':>11}",
        *(f"{name:{width}}{of['asked']:>8}{of['recall']:>8.3f}{of['precision']:>11.3f}" for name, of in found["by_value"].items()),
    ]
    if found["covered"]:
        lines += ["", "hidden by the pixels: at most a third is left of"]
        lines += [
            f"  {each['flag']} beside {each['beside']}: at most {each['pixels']} of {each['usual']:g} pixels, in {each['twins']} pairs of images"
            for each in found["covered"]
        ]
    if found["missed"]:
        lines += ["", "seen in under half of the images:"]
        lines += [f"  {each['value']} beside {each['beside']}: {each['recall']:.2f} of {each['images']}" for each in found["missed"]]
    return "\n".join(lines)
