"""Time to quality: the flagship, diffusers' UNet2DModel and the report's own recipe, on the same punks and machine.

    python benchmarks/time_to_quality.py [--minutes 60] [--only noisette,diffusers,report] [--out runs/flagship]
                                         [--page docs/results/flagship.md]

Trains each for so many minutes of wall clock, one after the other, and draws requests of the validation split with the
weights at each mark (5, 10, 20, 40 and 60 minutes). Takes hours. Run it when nothing else runs. Needs the extra
`peers`.

- The flagship is trained anew for each mark: any budget ends in a finished model. Its minutes are those of the whole
  command, which measures what runs fastest and may compile.
- The minutes of the others are those of their steps alone, and their points before the last are of a learning rate that
  has not fallen yet.
- The flagship draws all requests. diffusers draws the first 16, as its network takes four to ten seconds an image, and
  the report's 96; each at two guidance scales, and the better counts.

Each request specifies all attributes of one punk; see evaluator.py for the metrics. Whatever is done already is kept,
the results in `--results`, the runs and diffusers' weights at each mark in `--out`, so a comparison that was stopped
goes on where it stood; only diffusers' training begins anew.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from noisette.threads import wait_briefly

wait_briefly()  # as the command does

import matplotlib.pyplot as plt
from diffusers_unet import new_peer, peer_recipe, train_peer
from evaluator import FLAGSHIP, Evaluator, plain, train_to
from pages import check_marks, write_between
from safetensors import safe_open
from safetensors.torch import save_file

import noisette
from noisette.config.data import open_data
from noisette.data.dataset import Dataset
from noisette.networks.base import Network
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
PEERS = [plain(20, guidance) for guidance in (1.0, 3.0)]
PEER_REQUESTS = {"diffusers": 16, "report": 96}
BEFORE_AND_AFTER = 0.5
"""Minutes, at most, of the flagship's command in which it takes no steps."""


def main() -> None:
    arguments = _arguments()
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    if arguments.page:
        check_marks(arguments.page, "time_to_quality")
    marks = [mark for mark in MARKS if mark <= arguments.minutes] or [arguments.minutes]
    dataset = open_data(peer_recipe())
    evaluator = Evaluator(dataset, arguments.results)
    if "noisette" in arguments.only:
        _flagship(evaluator, out, marks)
    if "diffusers" in arguments.only:
        _diffusers(evaluator, dataset, out, marks)
    if "report" in arguments.only:
        _report(evaluator, out, marks)
    if arguments.page:
        write_page(arguments.page, evaluator.results)


def _flagship(evaluator: Evaluator, out: Path, marks: Sequence[float]) -> None:
    for mark in marks:
        if not evaluator.has("noisette", mark, mark):
            folder = out / f"noisette-{mark:g}m"
            train_to("punks-attributes", folder, mark - BEFORE_AND_AFTER, [])
            trained = noisette.load(folder)
            evaluator.measure(
                "noisette",
                mark,
                mark,
                trained.model,
                trained.network,
                trained.step,
                [FLAGSHIP],
                len(evaluator.validation),
            )


def _diffusers(evaluator: Evaluator, dataset: Dataset, out: Path, marks: Sequence[float]) -> None:
    """Train first, draw afterwards: drawing takes this network longer than training, and may be stopped."""
    missing = [mark for mark in marks if not evaluator.has("diffusers", mark, marks[-1])]
    weights = {mark: out / f"diffusers-{mark:g}-of-{marks[-1]:g}m.safetensors" for mark in marks}
    if missing and not weights[marks[-1]].is_file():

        def at_mark(minute: float, network: Network, step: int) -> None:
            save_file(network.state_dict(), weights[minute], {"step": str(step)})
            print(f"diffusers: {minute:g} min, step {step:,}", flush=True)

        train_peer(dataset, marks[-1], marks, at_mark)
    model, network = new_peer(dataset)
    for mark in missing:
        with safe_open(weights[mark], framework="pt") as file:
            network.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118 (it is no mapping)
            step = int(file.metadata()["step"])
        evaluator.measure("diffusers", mark, marks[-1], model, network, step, PEERS, PEER_REQUESTS["diffusers"])


def _report(evaluator: Evaluator, out: Path, marks: Sequence[float]) -> None:
    missing = [mark for mark in marks if not evaluator.has("report", mark, marks[-1])]
    if not missing:
        return
    folder = out / f"report-{marks[-1]:g}m"
    if not folder.is_dir() or _far(_nearest(folder, missing)):
        train_to("punks-attributes-report", folder, marks[-1], [*REPORT, *_checkpoints()])
    nearest = _nearest(folder, missing)
    if far := _far(nearest):
        raise SystemExit(f"{folder} has no checkpoint near {', '.join(f'{mark:g}' for mark in far)} minutes")
    for mark, (step, _) in nearest.items():
        trained = noisette.load(folder, step=step)
        evaluator.measure(
            "report", mark, marks[-1], trained.model, trained.network, trained.step, PEERS, PEER_REQUESTS["report"]
        )


def _checkpoints() -> list[str]:
    """Each of 280 MB. The recipe's own grids, of a thousand guided steps, take longer than half the training."""
    return [
        'training.checkpoint_every="1m"',
        "training.keep=100",
        "samples.every=1000",
        "sampling.sampler=ddim",
        "sampling.steps=20",
    ]


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


def write_page(page: Path, results: dict[str, dict[str, Any]]) -> None:
    """Put the table and the picture of the curves into a page, between its marks."""
    lines = [
        "| | minutes | steps | exact set (real) | whole images right | pixels right | requests | NFE |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, title in NAMES.items():
        for minute, of in sorted(results.get(name, {}).items(), key=lambda each: float(each[0])):
            guided = f" (guidance {of['guidance']:g})" if of["guidance"] != 1 else ""
            lines.append(
                f"| {title} | {minute} | {of['step']:,} | {of['exact set']:.3f} ({of['real']:.3f}) | {of['whole']:.3f}"
                f" | {of['pixels']:.5f} | {of['requests']} | {of['nfe']}{guided} |"
            )
    picture = page.parent.parent / "images" / "flagship-curves.png"
    plot(picture, results)
    machines = dict.fromkeys(of["machine"] for name in NAMES for of in results.get(name, {}).values())
    write_between(
        page,
        "time_to_quality",
        [*lines, "", f"![quality against minutes](../images/{picture.name})", "", "; ".join(machines) + "."],
    )


def plot(path: Path, results: dict[str, dict[str, Any]]) -> None:
    """Each metric against the minutes of training."""
    titles = {
        "exact set": "all attributes right",
        "whole": "images right to the last pixel",
        "pixels": "pixels right",
    }
    figure, axes = plt.subplots(1, 3, figsize=(13, 4), sharex=True)
    for (name, title), marker in zip(NAMES.items(), "osx", strict=True):  # where lines lie on each other, all are seen
        curve = sorted((float(minute), of) for minute, of in results.get(name, {}).items())
        if not curve:
            continue
        for axis, (key, metric) in zip(axes, titles.items(), strict=True):
            minutes, values = [minute for minute, _ in curve], [of[key] for _, of in curve]
            axis.plot(minutes, values, marker=marker, fillstyle="none", label=title)
            axis.set(xlabel="minutes of two cores", title=metric)
            axis.set_ylim(-0.03, 1.03)
            axis.grid(alpha=0.3)
    axes[0].legend(loc="center right", fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/flagship"), help="where runs are kept")
    parser.add_argument(
        "--results", type=Path, default=Path("docs/results/flagship.json"), help="where results are kept"
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
