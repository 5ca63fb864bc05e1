"""Train an attribute classifier and put it into the package, with a card that reports how well it reads real images.

    python tools/ship_classifier.py DATASET NAME [--epochs 24]

Writes src/noisette/classifiers/NAME.safetensors and NAME.md. A classifier that is there already is not trained again if
its data and epochs are the same.

The card's figures are of the test split, which nothing else reads but a final report; the validation split is for
choosing (noisette evaluate --fit-classifier DATASET). The card also tells what happens when a flag is painted out: in
real test images the pixels of the flag, by which it differs from a twin without it, get the commonest colour that they
have in training images of the same choices without it: bare skin, plain background. Takes minutes.
"""

from __future__ import annotations

import argparse
from functools import partial
from importlib import resources
from pathlib import Path

from noisette.threads import wait_briefly

wait_briefly()  # as the command does

import numpy as np
from numpy.typing import NDArray

from noisette.cli.display import stages
from noisette.data.dataset import SPLITS, Dataset
from noisette.evaluation.classifier import AttributeClassifier, load_classifier, trained_on
from noisette.evaluation.classifier_report import classifier_report, describe
from noisette.evaluation.classifiers import fit_and_keep
from noisette.evaluation.occlusion import occluded
from noisette.evaluation.whole_data import data_of
from noisette.files.atomic import write_text
from noisette.store.publish import list_files


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset")
    parser.add_argument("name")
    parser.add_argument("--epochs", type=int, help="as many as it takes unless given")
    arguments = parser.parse_args()
    dataset = data_of(arguments.dataset)
    folder = Path(str(resources.files("noisette"))) / "classifiers"
    folder.mkdir(exist_ok=True)
    path = folder / f"{arguments.name}.safetensors"
    if (
        path.is_file()
        and trained_on(path) == dataset.split("train").fingerprint
        and load_classifier(path).epochs == arguments.epochs
    ):
        classifier = load_classifier(path)
    else:
        with stages() as progress:
            classifier, _ = fit_and_keep(
                dataset.split("train"),
                epochs=arguments.epochs,
                progress=partial(progress, f"an attribute classifier of {dataset.name}"),
            )
        classifier.save(path)
    found = classifier_report(classifier, dataset, "test")
    painted = painted_out(classifier, dataset)
    size = "x".join(map(str, classifier.shape))
    parameters = sum(parameter.numel() for parameter in classifier.network.parameters())
    card = f"""# Attribute classifier: {arguments.name}

Reads the attributes of {size} images of {dataset.name}; {parameters:,} parameters, bfloat16. Trained by
`python tools/ship_classifier.py {arguments.dataset} {arguments.name} --epochs {arguments.epochs}`
on the {len(dataset.split("train")):,} images of the train split; the validation split chose its settings, and the
figures below are of the test split. They are the ceiling of every figure that is taken with it.

It shares nothing with the networks that draw: strided convolutions and dense layers, batch normalisation, no noise
levels, no skips, no attention.

```
{describe(found)}
```
"""
    if painted:
        card += f"""
Painted out: the pixels of a flag in real test images get the commonest colour that they have in training images of the
same type and skin without it: bare skin, plain background.

```
{painted}
```
"""
    write_text(folder / f"{arguments.name}.md", card)
    list_files(folder)
    print(card)
    print(f"{path.stat().st_size:,} bytes")


def painted_out(classifier: AttributeClassifier, dataset: Dataset) -> str:
    """Tell how often a flag that the classifier has seen is gone once it is painted out, and what it reads of the rest.

    There is a line for each flag.
    """
    table, mask = np.ascontiguousarray(dataset.attributes), occluded(dataset)
    places = {row.tobytes(): place for place, row in enumerate(table)}
    train = dataset.membership == SPLITS.index("train")
    known = {image.tobytes() for image in dataset.images[train]}
    choices = [column for column, attribute in enumerate(dataset.schema.attributes) if attribute.kind == "choice"]
    lines, totals, learnt = [], [0, 0], 0
    for column, attribute in enumerate(dataset.schema.attributes):
        if attribute.kind != "flag":
            continue
        painted, originals = [], []
        for place in np.flatnonzero(
            (table[:, column] == 1) & (dataset.membership == SPLITS.index("test")) & ~mask[:, column]
        ):
            row = table[place].copy()
            row[column] = 0
            if (twin := places.get(row.tobytes())) is None:
                continue
            where = (dataset.images[place] != dataset.images[twin]).any(axis=0)
            alike = train & (table[:, column] == 0) & (table[:, choices] == row[choices]).all(axis=1)
            image = dataset.images[place].copy()
            image[:, where] = np.stack(
                [_commonest(pixels) for pixels in dataset.images[alike][:, :, where].transpose(2, 0, 1)], axis=1
            )
            painted.append(image)
            originals.append(dataset.images[place])
        if not painted:
            continue
        before, after = classifier.read(np.stack(originals)), classifier.read(np.stack(painted))
        seen = before[:, column] == 1
        noticed = int((after[seen, column] == 0).sum())
        rest = np.arange(table.shape[1]) != column
        kept = (before[:, rest] == after[:, rest]).mean(axis=1).mean()
        lines.append(
            f"{attribute.name:22} seen in {seen.sum():3} of {len(seen):3}, gone in {noticed:3}; of all else {kept:.3f}"
            " read as before"
        )
        totals = [totals[0] + noticed, totals[1] + int(seen.sum())]
        learnt += sum(image.tobytes() in known for image in painted)
    return (
        "\n".join(
            [
                *lines,
                "",
                f"noticed in {totals[0]} of {totals[1]}; {learnt} of the painted images are equal to a training image",
            ]
        )
        if lines
        else ""
    )


def _commonest(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Of colours, (N, C), the one that comes most often."""
    colours, counts = np.unique(pixels, axis=0, return_counts=True)
    return np.asarray(colours[counts.argmax()])


if __name__ == "__main__":
    main()
