"""The study of conditioning: every mechanism at the same training time, and the attribute accuracy of what they draw.

    python benchmarks/conditioning.py [--budget 30m] [--out runs/conditioning] [--only concat,add]
                                      [--page docs/results/conditioning.md]

Trains an attribute classifier on real images and one run for each conditioning mechanism, one after the other; draws
the requests of the validation set at several guidance scales; and writes a page with tables, curves and grids. Whatever
is done already in `--out` is kept, so a study that was stopped goes on where it stood. The page keeps its figures in a
JSON file beside it: `--only` puts in what it measures and leaves the rest.

Takes hours, as many times the budget as there are mechanisms, which is wall-clock time: run it when nothing else runs.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from noisette.threads import wait_briefly

wait_briefly()  # as the command does

import numpy as np
import torch
from conditioning_page import HELD_OUT, PAIR_SCALES, write_page
from numpy.typing import NDArray

import noisette
from noisette.attributes.parsing import describe
from noisette.attributes.statistics import count, shown, value_names
from noisette.cli.display import drawing, training
from noisette.config.data import held_out
from noisette.config.recipe import lengthened, load_recipe
from noisette.config.sampling import SamplingSettings
from noisette.data.dataset import Dataset
from noisette.evaluation.attribute_accuracy import attribute_accuracy
from noisette.evaluation.classifier import AttributeClassifier
from noisette.evaluation.classifier_training import kept_classifier
from noisette.files.atomic import write_text
from noisette.files.hashes import file_sha256
from noisette.files.images import labelled_sheet, save_png
from noisette.inference.generator import Generator
from noisette.legacy import modernise
from noisette.progress import Progress, silent
from noisette.store.locate import locate

BACKGROUND = "#638596"
LITTLE_HIDDEN = "condition.drop_each=0.15"
MECHANISMS: dict[str, tuple[str, list[str]]] = {
    "concat": ("punks-attributes-concat", [LITTLE_HIDDEN]),
    "add": ("punks-attributes-add", [LITTLE_HIDDEN]),
    "modulate": ("punks-attributes-colours", [LITTLE_HIDDEN, 'network.condition=["modulate"]']),
    "spatial": ("punks-attributes-colours", [LITTLE_HIDDEN, 'network.condition=["spatial"]']),
    "modulate + spatial": ("punks-attributes-colours", [LITTLE_HIDDEN]),
    "as shipped": ("punks-attributes-colours", []),  # modulate + spatial, and more of each request hidden
}
PAIRS, PAIRS_OF_ONE = 40, 3
CLASSIFIER_EPOCHS = 24
SCALES = (1.0, 1.5, 2.0, 3.0, 5.0, 8.0)
REQUESTS = 250
GRID_REQUESTS = 8


def main() -> None:
    arguments = _arguments()
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    dataset = noisette.open_dataset("cryptopunks", background=BACKGROUND)
    train, validation = dataset.split("train"), dataset.split("validation")
    before = out / "judge.safetensors"  # of version 0.1
    classifier_file = before if before.is_file() else out / "classifier.safetensors"
    with drawing("the classifier") as progress:
        classifier = kept_classifier(classifier_file, train, epochs=arguments.classifier_epochs, progress=progress)
    by = file_sha256(classifier_file)[:16]
    rows = validation.attributes[: arguments.requests]
    ceiling = asdict(attribute_accuracy(rows, classifier.read(validation.images[: len(rows)]), dataset.schema))
    print(f"classifier on the real images of the {len(rows)} requests: {_figures(ceiling)}", flush=True)
    measured_now: dict[str, Any] = {}
    for mechanism in [name for name in (*MECHANISMS, HELD_OUT) if not arguments.only or name in arguments.only]:
        folder = out / mechanism.replace(" + ", "-").replace(" ", "-")
        recipe, settings = MECHANISMS.get(mechanism, ("punks-attributes-colours", [LITTLE_HIDDEN]))
        pairs: list[list[str]] = []
        if mechanism == HELD_OUT:
            pairs = frequent_pairs(train)
            settings = [*settings, f"dataset.hold_out={json.dumps(pairs)}"]
        trained(folder, recipe, [*settings, *arguments.settings], arguments.budget)
        generator = noisette.load(folder)
        found = measured(folder, generator, classifier, by, rows, arguments.scales, arguments.steps)
        measured_now[mechanism] = {
            **state_of(folder),
            "folder": str(folder),
            "budget": arguments.budget,
            "requests": len(rows),
            "sampler steps": arguments.steps,
            "classifier": ceiling,
            "scales": found,
        }
        if pairs:
            measured_now[mechanism]["pairs"] = unseen_pairs(
                folder, generator, classifier, by, dataset, pairs, arguments.steps
            )
        for scale, figures in found.items():
            print(f"{mechanism:40} scale {scale:>4}: {_figures(figures)}", flush=True)
        grid(folder, generator, validation, arguments.scales, arguments.steps)
        if arguments.page:
            write_page(arguments.page, (*MECHANISMS, HELD_OUT), measured_now)


def trained(folder: Path, recipe: str, settings: Sequence[str], budget: str) -> None:
    """A run that is finished: made, gone on with, or already there."""
    with training(folder.name) as (callback, _):
        if not folder.exists():
            noisette.train(recipe, out=folder, budget=budget, settings=settings, callback=callback)
            return
        this, kept = load_recipe(recipe, [*lengthened(budget, None, None), *settings]), locate(folder).recipe
        fastest = kept.training.model_dump(include={"precision", "layout", "compile"})  # as was measured then
        if this.model_copy(update={"training": this.training.model_copy(update=fastest)}) != kept:
            raise SystemExit(
                f"{folder} holds a run of another budget or other settings; choose another --out, or remove it"
            )
        noisette.resume(folder, callback=callback)


def measured(
    folder: Path,
    generator: Generator,
    classifier: AttributeClassifier,
    by: str,
    rows: NDArray[np.int16],
    scales: Sequence[float],
    steps: int,
) -> dict[str, Any]:
    """Attribute accuracy at each scale; what was measured with these weights and this classifier is kept."""
    return {
        f"{scale:g}": _accuracy(folder, "validation", generator, classifier, by, rows, scale, steps) for scale in scales
    }


def _accuracy(
    folder: Path,
    name: str,
    generator: Generator,
    classifier: AttributeClassifier,
    by: str,
    rows: NDArray[np.int16],
    scale: float,
    steps: int,
) -> dict[str, Any]:
    file, before = folder / "attribute_accuracy.json", folder / "obedience.json"  # the second of version 0.1
    there = next((each for each in (file, before) if each.is_file()), None)
    kept = modernise(json.loads(there.read_text(encoding="utf-8"))) if there else {}
    # "judge" as in version 0.1: what was measured then is not measured again
    key = f"{name}, {len(rows)} requests, {steps} steps, scale {scale:g}, weights {generator.weights[:16]}, judge {by}"
    if key not in kept:
        with drawing(f"{folder.name}, scale {scale:g}") as progress:
            started = time.perf_counter()
            images = _drawn(generator, rows, scale, steps, progress)
            spent = time.perf_counter() - started
        kept[key] = {
            **asdict(attribute_accuracy(rows, classifier.read(images), classifier.schema)),
            "seconds": round(spent, 1),
        }
        write_text(file, json.dumps(kept, indent=1) + "\n")
    return dict(kept[key])


def _drawn(
    generator: Generator, rows: NDArray[np.int16], scale: float, steps: int, progress: Progress = silent
) -> NDArray[np.uint8]:
    settings = SamplingSettings.of(sampler="ddim", steps=steps, eta=0.0, guidance=scale)
    return generator.draw(generator.plan(rows, seeds=range(len(rows)), settings=settings), progress=progress)


def frequent_pairs(train: Dataset) -> list[list[str]]:
    """The commonest pairs of accessories, none of which is in more than a few of them, or it would hardly be seen at
    all.
    """
    statistics, names = count(train.schema, train.attributes), value_names(train.schema)
    flags = [place for place, (_, value) in enumerate(names) if value is True]
    order = sorted(((statistics.together[a][b], a, b) for a in flags for b in flags if a < b), reverse=True)
    chosen: list[list[str]] = []
    for _, first, second in order:
        pair = [names[first][0], names[second][0]]
        if all(sum(name in other for other in chosen) < PAIRS_OF_ONE for name in pair):
            chosen.append(pair)
        if len(chosen) == PAIRS:
            break
    return chosen


def unseen_pairs(
    folder: Path,
    generator: Generator,
    classifier: AttributeClassifier,
    by: str,
    dataset: Dataset,
    pairs: list[list[str]],
    steps: int,
) -> dict[str, Any]:
    """Requests with a pair that was never trained together, drawn by that run and by the shipped model, which trained
    on all of them.

    Beside them requests of the validation split without such a pair, drawn by the same two. The real images of the
    first were removed from this run's training, but not from the classifier's: what it reads in them is no figure of
    unseen images.
    """
    names = value_names(dataset.schema)
    there = shown(dataset.schema, dataset.attributes)
    places = [[names.index((name, True)) for name in pair] for pair in pairs]
    has_pair = np.any([there[:, first] & there[:, second] for first, second in places], axis=0)
    random = np.random.default_rng(0)
    with_pair = np.sort(random.permutation(np.flatnonzero(has_pair & (dataset.membership != 2)))[:REQUESTS])
    without = np.flatnonzero(~has_pair & (dataset.membership == 1))[:REQUESTS]
    found: dict[str, Any] = {"pairs": pairs, "images_removed": len(dataset) - len(held_out(dataset, pairs))}
    for title, chosen in (("with such a pair", with_pair), ("without", without)):
        rows = dataset.attributes[chosen]
        found[title] = {
            "real": asdict(attribute_accuracy(rows, classifier.read(dataset.images[chosen]), dataset.schema))
        }
        for who, drawer in (("never saw the pairs", generator), ("trained on all", noisette.load("punks"))):
            found[title][who] = {
                f"{scale:g}": _accuracy(folder, f"{title}, {who}", drawer, classifier, by, rows, scale, steps)
                for scale in PAIR_SCALES
            }
    rows = dataset.attributes[with_pair]
    columns = [[dataset.schema.names.index(name) for name in pair] for pair in pairs]
    requested = np.stack([(rows[:, pair] == 1).all(axis=1) for pair in columns], axis=1)  # (N, pairs)
    seen = classifier.read(_drawn(generator, rows, 1.0, steps))
    both = np.stack([(seen[:, pair] == 1).all(axis=1) for pair in columns], axis=1)
    found["pairs_drawn"] = {"asked": int(requested.sum()), "both_seen": int((requested & both).sum())}
    return found


def grid(folder: Path, generator: Generator, validation: Dataset, scales: Sequence[float], steps: int) -> None:
    """Eight requests by all scales, one seed each.

    The real punks are not shown beside them: they are not ours to publish.
    """
    path = folder / "scales.png"
    chosen = np.arange(GRID_REQUESTS) * 31 + 7
    rows = validation.attributes[chosen]
    blank = np.full_like(validation.images[chosen], 255)  # over the request
    columns = [blank, *(_drawn(generator, rows, scale, steps) for scale in scales)]
    images = np.stack(columns, axis=1).reshape(-1, *validation.images.shape[1:])
    texts = [
        text
        for row in rows
        for text in (
            describe(validation.schema.decode(row), validation.schema),
            *(f"scale {scale:g}" for scale in scales),
        )
    ]
    save_png(path, labelled_sheet(images, texts, columns=1 + len(scales), scale=4), {"weights": generator.weights})


def state_of(folder: Path) -> dict[str, Any]:
    """How long it was trained, and where."""
    bundle = locate(folder)
    status, environment = bundle.status, bundle.environment
    return {
        "steps": status["step"],
        "batch": bundle.recipe.training.batch_size,
        "seconds": status["seconds"],
        "loss": status["loss"],
        "date": environment["started"][:10],
        "cores": environment["cores"],
        "torch": environment["packages"]["torch"],
    }


def _figures(found: dict[str, Any]) -> str:
    return f"exact set {found['exact']:.3f}, recall {found['recall']:.3f}, precision {found['precision']:.3f}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--out", type=Path, default=Path("runs/conditioning"), help="where runs, classifier and results are kept"
    )
    parser.add_argument("--budget", default="30m", help="training time of each mechanism, such as 30m")
    parser.add_argument(
        "--only", type=lambda text: text.split(","), help=f"some of: {', '.join((*MECHANISMS, HELD_OUT))}"
    )
    parser.add_argument("--requests", type=int, default=REQUESTS, help="of the validation set")
    parser.add_argument("--scales", type=lambda text: [float(part) for part in text.split(",")], default=list(SCALES))
    parser.add_argument("--steps", type=int, default=25, help="of DDIM")
    parser.add_argument("--classifier-epochs", type=int, default=CLASSIFIER_EPOCHS)
    parser.add_argument(
        "--set",
        dest="settings",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change a setting of all recipes",
    )
    parser.add_argument("--page", type=Path, help="put tables and pictures into this page")
    return parser.parse_args()


if __name__ == "__main__":
    torch.manual_seed(0)
    main()
