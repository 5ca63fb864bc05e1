"""Time to quality: this project's flagship, diffusers' UNet2DModel and the report's own recipe, on the same punks and
machine.

    python benchmarks/flagship.py [--minutes 60] [--only noisette,diffusers,report] [--out runs/flagship] [--page
    docs/results/flagship.md]

Trains each for so many minutes of wall clock, one after the other, and draws requests of the validation split with the
weights at each mark (5, 10, 20, 40 and 60 minutes). The flagship is trained anew for each mark: any budget ends in a
finished model. Its minutes are those of the whole command, which measures what runs fastest and may compile; the peers'
are of their steps alone, and their points before the last are of a learning rate that has not fallen yet. Peers draw
the first 16 (diffusers, whose network takes four to ten seconds an image) or 96 of the requests, each at two guidance
scales, and the better counts. Each request names one punk with its type, skin tone and all accessories: a judge reads
what was drawn, and the real punk says which pixels are right, after each has gone to the nearest colour of the data.
Whatever is done already is kept, the figures in `--figures`, the runs and the peer's weights at each mark in `--out`,
so a comparison that was stopped goes on where it stood; only diffusers' training begins anew. Run it when nothing else
runs. Needs the extra `peers`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from noisette.threads import wait_briefly

wait_briefly()  # as the command does

import matplotlib.pyplot as plt
import numpy as np
import torch
from numpy.typing import NDArray
from pages import check_marks, machine, write_between
from peers import new_peer, peer_recipe, train_peer
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

import noisette
from noisette.cli.display import drawing, training
from noisette.config.data import open_data
from noisette.data.dataset import Dataset
from noisette.data.palette import palette_of
from noisette.evaluation.attribute_accuracy import attribute_accuracy
from noisette.evaluation.classifier import AttributeClassifier
from noisette.evaluation.classifiers import find_classifier
from noisette.evaluation.pixel_accuracy import pixel_accuracy
from noisette.files.atomic import write_text
from noisette.inference.engine import in_pytorch
from noisette.model import Model
from noisette.sampling.settings import Guidance, Sampling
from noisette.store.run import open_run

NAMES = {
    "noisette": "noisette, each mark a training of its own",
    "diffusers": "diffusers UNet2DModel, its example's recipe",
    "report": "the report's network and recipe",
}
MARKS = (5.0, 10.0, 20.0, 40.0, 60.0)
REPORT = [
    "dataset={name='cryptopunks', background='#638596'}",
    "training.ema=0.0",
]  # at 24x24: cheaper, and its pixels can be compared
FLAGSHIP = Sampling("ddim", 10, 0.0)
PEERS = [Sampling("ddim", 20, 0.0, Guidance(scale)) for scale in (1.0, 3.0)]
PEER_REQUESTS = {"diffusers": 16, "report": 96}
BEFORE_AND_AFTER = 0.5
"""Minutes, at most, of the flagship's command in which it takes no steps."""


class Examiner:
    """Draws requests of the validation split and measures; keeps what it found in a file."""

    def __init__(self, dataset: Dataset, file: Path) -> None:
        self.validation, self.palette = dataset.split("validation"), palette_of(dataset.split("train").images)
        self.judge: AttributeClassifier = find_classifier(dataset.split("train"), "these punks")
        self.file = file
        self.found: dict[str, dict[str, Any]] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}

    def has(self, name: str, minute: float, training: float) -> bool:
        """Whether there are figures of this minute of a training that lasted so many."""
        return bool(self.found.get(name, {}).get(f"{minute:g}", {}).get("training") == training)

    def look(
        self,
        name: str,
        minute: float,
        training: float,
        model: Model,
        network: nn.Module,
        step: int,
        samplings: Sequence[Sampling],
        requests: int,
    ) -> None:
        """Keep the best of what these samplings draw, by the exact set."""
        tried = [
            self._figures(model, network, sampling, requests, f"{name} at {minute:g} min") for sampling in samplings
        ]
        best = max(tried, key=lambda figures: (figures["exact set"], figures["whole"]))
        self.found.setdefault(name, {})[f"{minute:g}"] = {
            "training": training,
            "step": step,
            **best,
            "machine": machine(),
        }
        write_text(self.file, json.dumps(self.found, indent=1) + "\n")
        print(f"{name:20} {minute:4g} min, step {step:6,}: {best}", flush=True)

    def _figures(
        self, model: Model, network: nn.Module, sampling: Sampling, requests: int, what: str
    ) -> dict[str, Any]:
        rows, real = self.validation.attributes[:requests], self.validation.images[:requests]
        started = time.perf_counter()
        with drawing(what), torch.inference_mode():
            images: NDArray[np.uint8] = model.draw(
                in_pytorch(network.eval(), model.objective), range(requests), sampling, rows
            ).numpy()
        spent = time.perf_counter() - started
        seen = attribute_accuracy(rows, self.judge.read(images), self.validation.schema)
        pixels = pixel_accuracy(self.palette.snap(images) if self.palette else images, real)
        return {
            "exact set": seen.exact,
            "recall": seen.recall,
            "whole": pixels.whole,
            "pixels": pixels.pixels,
            "real": attribute_accuracy(rows, self.judge.read(real), self.validation.schema).exact,
            "requests": requests,
            "evaluations": sampling.evaluations * (1 if sampling.guidance.plain else 2),
            "guidance": sampling.guidance.scale,
            "seconds an image": round(spent / requests, 3),
        }


def main() -> None:
    arguments = _arguments()
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    if arguments.page:
        check_marks(arguments.page, "flagship")
    marks = [mark for mark in MARKS if mark <= arguments.minutes] or [arguments.minutes]
    dataset = open_data(peer_recipe())
    examiner = Examiner(dataset, arguments.figures)
    if "noisette" in arguments.only:
        _flagship(examiner, out, marks)
    if "diffusers" in arguments.only:
        _diffusers(examiner, dataset, out, marks)
    if "report" in arguments.only:
        _report(examiner, out, marks)
    if arguments.page:
        write_page(arguments.page, examiner.found)


def _flagship(examiner: Examiner, out: Path, marks: Sequence[float]) -> None:
    for mark in marks:
        if not examiner.has("noisette", mark, mark):
            folder = out / f"noisette-{mark:g}m"
            train_to("punks-attributes", folder, mark - BEFORE_AND_AFTER, [])
            generator = noisette.load(folder)
            examiner.look(
                "noisette",
                mark,
                mark,
                generator.model,
                generator.network,
                generator.step,
                [FLAGSHIP],
                len(examiner.validation),
            )


def _diffusers(examiner: Examiner, dataset: Dataset, out: Path, marks: Sequence[float]) -> None:
    """Train first, draw afterwards: drawing takes the peer longer than training, and may be stopped."""
    missing = [mark for mark in marks if not examiner.has("diffusers", mark, marks[-1])]
    weights = {mark: out / f"diffusers-{mark:g}-of-{marks[-1]:g}m.safetensors" for mark in marks}
    if missing and not weights[marks[-1]].is_file():

        def at_mark(minute: float, network: nn.Module, step: int) -> None:
            save_file(network.state_dict(), weights[minute], {"step": str(step)})
            print(f"diffusers: {minute:g} min, step {step:,}", flush=True)

        train_peer(dataset, marks[-1], marks, at_mark)
    model, network = new_peer(dataset)
    for mark in missing:
        with safe_open(weights[mark], framework="pt") as file:
            network.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118 (it is no mapping)
            step = int(file.metadata()["step"])
        examiner.look("diffusers", mark, marks[-1], model, network.eval(), step, PEERS, PEER_REQUESTS["diffusers"])


def _report(examiner: Examiner, out: Path, marks: Sequence[float]) -> None:
    missing = [mark for mark in marks if not examiner.has("report", mark, marks[-1])]
    if not missing:
        return
    folder = out / f"report-{marks[-1]:g}m"
    if not folder.is_dir() or _far(_nearest(folder, missing)):
        train_to("punks-attributes-report", folder, marks[-1], [*REPORT, *_checkpoints()])
    nearest = _nearest(folder, missing)
    if far := _far(nearest):
        raise SystemExit(f"{folder} has no checkpoint near {', '.join(f'{mark:g}' for mark in far)} minutes")
    for mark, (step, _) in nearest.items():
        generator = noisette.load(folder, step=step)
        examiner.look(
            "report", mark, marks[-1], generator.model, generator.network, step, PEERS, PEER_REQUESTS["report"]
        )


def _checkpoints() -> list[str]:
    """Each of 280 MB. The recipe's own grids, of a thousand guided steps, take longer than half the training."""
    return [
        'training.checkpoint_every="1m"',
        "training.keep=100",
        "samples.every=1000",
        "samples.sampler=ddim",
        "samples.steps=20",
    ]


def train_to(recipe: str, folder: Path, minutes: float, settings: Sequence[str]) -> None:
    """Train into a folder, or go on there; says how long that took, all in all."""
    began = time.monotonic()
    with training(folder.name) as (callback, _):
        if folder.exists():
            noisette.resume(folder, callback=callback)
        else:
            noisette.train(recipe, out=folder, budget=f"{minutes:g}m", settings=settings, callback=callback)
    print(f"{folder}: {(time.monotonic() - began) / 60:.1f} min in all", flush=True)


def _nearest(folder: Path, marks: Sequence[float]) -> dict[float, tuple[int, float]]:
    """For each mark the checkpoint that is nearest, and after how many minutes it was made."""
    run = open_run(folder)
    minutes = {step: run.checkpoint(step)[0].state["elapsed"] / 60 for step in run.steps}  # type: ignore[union-attr]
    if not minutes:
        return dict.fromkeys(marks, (0, 0.0))
    steps = {mark: min(minutes, key=lambda step: abs(minutes[step] - mark)) for mark in marks}
    return {mark: (step, minutes[step]) for mark, step in steps.items()}


def _far(nearest: dict[float, tuple[int, float]]) -> list[float]:
    """The marks that have no checkpoint within half a minute."""
    return [mark for mark, (_, minutes) in nearest.items() if abs(minutes - mark) > 0.5]


def write_page(page: Path, found: dict[str, dict[str, Any]]) -> None:
    """Put the table and the picture of the curves into a page, between its marks."""
    lines = [
        (
            "| | minutes | steps | exact set (real) | whole images right | pixels right | requests | evaluations an"
            " image |"
        ),
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, title in NAMES.items():
        for minute, of in sorted(found.get(name, {}).items(), key=lambda each: float(each[0])):
            guided = f" (guidance {of['guidance']:g})" if of["guidance"] != 1 else ""
            lines.append(
                f"| {title} | {minute} | {of['step']:,} | {of['exact set']:.3f} ({of['real']:.3f}) | {of['whole']:.3f}"
                f" | {of['pixels']:.5f} | {of['requests']} | {of['evaluations']}{guided} |"
            )
    shown = {
        "exact set": "all attributes as asked",
        "whole": "images right to the last pixel",
        "pixels": "pixels right",
    }
    figure, axes = plt.subplots(1, 3, figsize=(13, 4), sharex=True)
    for (name, title), marker in zip(NAMES.items(), "osx", strict=True):  # where lines lie on each other, all are seen
        curve = sorted((float(minute), of) for minute, of in found.get(name, {}).items())
        if not curve:
            continue
        for axis, key in zip(axes, shown, strict=True):
            axis.plot(
                [minute for minute, _ in curve],
                [of[key] for _, of in curve],
                marker=marker,
                fillstyle="none",
                label=title,
            )
            axis.set(xlabel="minutes of two cores", title=shown[key])
            axis.set_ylim(-0.03, 1.03)
            axis.grid(alpha=0.3)
    axes[0].legend(loc="center right", fontsize=8)
    picture = page.parent.parent / "images" / "flagship-curves.png"
    figure.tight_layout()
    figure.savefig(picture, dpi=110)
    machines = dict.fromkeys(of["machine"] for name in NAMES for of in found.get(name, {}).values())
    write_between(
        page,
        "flagship",
        [*lines, "", f"![quality against minutes](../images/{picture.name})", "", "; ".join(machines) + "."],
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/flagship"), help="where runs are kept")
    parser.add_argument(
        "--figures", type=Path, default=Path("docs/results/flagship.json"), help="where figures are kept"
    )
    parser.add_argument("--minutes", type=float, default=60.0, help="of each training")
    parser.add_argument(
        "--only", type=lambda text: text.split(","), default=["noisette", "diffusers", "report"], help="some of them"
    )
    parser.add_argument("--page", type=Path, help="put table and curves into this page")
    arguments = parser.parse_args()
    if arguments.minutes <= BEFORE_AND_AFTER:
        parser.error(f"--minutes must be more than {BEFORE_AND_AFTER:g}")
    return arguments


if __name__ == "__main__":
    main()
