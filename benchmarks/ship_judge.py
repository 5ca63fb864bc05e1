"""Train a judge and put it into the package, with a card that says how well it reads real images that it never saw.

    python benchmarks/ship_judge.py DATASET NAME [--epochs 24]

Writes src/noisette/judges/NAME.safetensors and NAME.md. The card's figures are of the test split, which nothing else
reads but a final report; the validation split is for choosing (noisette evaluate --fit-judge DATASET). Also painted
out: in real test images the pixels of a flag, which a twin without it tells, get the commonest colour that they have in
training images of the same choices without it: bare skin, plain background.
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
from noisette.evaluation.examination import describe, examine
from noisette.evaluation.judge import Judge, load_judge, trained_on
from noisette.evaluation.judges import EPOCHS, data_of, fit_and_keep
from noisette.evaluation.visibility import hidden
from noisette.files.atomic import write_text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset")
    parser.add_argument("name")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    arguments = parser.parse_args()
    dataset = data_of(arguments.dataset)
    folder = Path(str(resources.files("noisette"))) / "judges"
    folder.mkdir(exist_ok=True)
    path = folder / f"{arguments.name}.safetensors"
    if (
        path.is_file()
        and trained_on(path) == dataset.split("train").fingerprint
        and load_judge(path).epochs == arguments.epochs
    ):
        judge = load_judge(path)
    else:
        with stages() as progress:
            judge, _ = fit_and_keep(
                dataset.split("train"),
                epochs=arguments.epochs,
                progress=partial(progress, f"a judge of {dataset.name}"),
            )
        judge.save(path)
    examined = examine(judge, dataset, "test")
    painted = painted_out(judge, dataset)
    size = "x".join(map(str, judge.shape))
    parameters = sum(parameter.numel() for parameter in judge.network.parameters())
    card = f"""# Judge: {arguments.name}

Reads the attributes of {size} images of {dataset.name}; {parameters:,} parameters, bfloat16. Trained by
`python benchmarks/ship_judge.py {arguments.dataset} {arguments.name} --epochs {arguments.epochs}`
on the {len(dataset.split("train")):,} images of the train split; the validation split chose its settings, and the
figures below are of the test split. They are the ceiling of every figure that is taken with it.

It shares nothing with the networks that draw: strided convolutions and dense layers, batch normalisation, no noise
levels, no skips, no attention.

```
{describe(examined)}
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
    print(card)
    print(f"{path.stat().st_size:,} bytes")


def painted_out(judge: Judge, dataset: Dataset) -> str:
    """How often the judge, having seen a flag, no longer does once it is painted out, and what it says of the rest; a
    line for each flag.
    """
    table, mask = np.ascontiguousarray(dataset.attributes), hidden(dataset)
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
        before, after = judge.read(np.stack(originals)), judge.read(np.stack(painted))
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
