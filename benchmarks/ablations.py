"""Ablations of the flagship: trainings of a few minutes that differ from it in one setting.

    python benchmarks/ablations.py [--minutes 5] [--only NAME ...] [--seeds 1] [--page docs/results/flagship.md]

Each is trained for so many minutes of steps, without compilation, so that all begin alike; then the requests of the
validation split are drawn in 10 steps, and measured as in time_to_quality.py. Whatever is done already is kept in
`--results`, so ablations that were stopped go on where they stood. Takes hours. Run it when nothing else runs.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from noisette.threads import wait_briefly

wait_briefly()  # as the command does

from evaluator import FLAGSHIP, Evaluator, train_to
from pages import check_marks, write_between

import noisette
from noisette.config.data import open_data
from noisette.config.recipe import load_recipe

ABLATIONS: dict[str, list[str]] = {
    "as it is": [],
    "AdamW for all": ['training.optimizer="adamw"'],
    "AdamW for all, twice the rate": ['training.optimizer="adamw"', "training.learning_rate=6e-3"],
    "AdamW for all, half the rate": ['training.optimizer="adamw"', "training.learning_rate=1.5e-3"],
    "twice the rate": ["training.learning_rate=6e-3"],
    "half the rate": ["training.learning_rate=1.5e-3"],
    "batches of 16": ["training.batch_size=16"],
    "batches of 64": ["training.batch_size=64"],
    "times drawn evenly": ["diffusion.time_power=1"],
    "times drawn by t cubed": ["diffusion.time_power=4"],
    "no layers for pixels": ["network.pixel_width=0"],
    "maps at full size of one channel": ["network.pixel_map_channels=1"],
    "maps at 12x12 of one channel": ["network.map_channels=1"],
    "modulate alone": ['network.condition=["modulate"]'],
    "spatial alone": ['network.condition=["spatial"]'],
    "half the widths": ["network.widths=[16, 32]"],
    "twice the widths": ["network.widths=[64, 128]"],
    "attention at 6x6": ["network.attention=[false, true]"],
    "no patches": ["network.patch=1"],
    "patches of 4": ["network.patch=4"],
    "hidden twice as often": ["condition.drop_all=0.1", "condition.drop_each=0.25"],
    "a shorter average": ["training.ema=0.99"],
    "velocity of colours": ['diffusion.target="velocity"'],
    "image of colours": ['diffusion.target="image"', 'diffusion.weighting="clamped-snr"'],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument(
        "--only", action="append", choices=list(ABLATIONS), metavar="NAME", help="one of them; may be repeated"
    )
    parser.add_argument("--seeds", type=int, default=1, help="trainings of each")
    parser.add_argument("--out", type=Path, default=Path("runs/ablations"), help="where runs are kept")
    parser.add_argument(
        "--results", type=Path, default=Path("docs/results/flagship-ablations.json"), help="where results are kept"
    )
    parser.add_argument("--page", type=Path, help="put the table into this page")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    if arguments.page:
        check_marks(arguments.page, "ablations")
    evaluator = Evaluator(open_data(load_recipe("punks-attributes")), arguments.results)
    for name in arguments.only or ABLATIONS:
        for seed in range(arguments.seeds):
            title = name if seed == 0 else f"{name}, seed {seed}"
            if not evaluator.has(title, arguments.minutes, arguments.minutes):
                folder = arguments.out / f"{title.replace(' ', '-').replace(',', '')}-{arguments.minutes:g}m"
                settings = [*ABLATIONS[name], f"training.seed={seed}", 'training.compile="no"', "samples.every=1000"]
                train_to("punks-attributes", folder, arguments.minutes, settings)
                trained = noisette.load(folder)
                evaluator.measure(
                    title,
                    arguments.minutes,
                    arguments.minutes,
                    trained.model,
                    trained.network,
                    trained.step,
                    [FLAGSHIP],
                    len(evaluator.validation),
                )
    if arguments.page:
        write_between(arguments.page, "ablations", table(evaluator))


def table(evaluator: Evaluator) -> list[str]:
    """A row for each training, the best first."""
    lines = [
        "| what differs | minutes | steps | whole images right | pixels right | exact set (real) |",
        "|---|---|---|---|---|---|",
    ]
    rows = [
        (of["whole"], title, minutes, of)
        for title, results in evaluator.results.items()
        for minutes, of in results.items()
    ]
    for _, title, minutes, of in sorted(rows, key=lambda row: -row[0]):
        lines.append(
            f"| {title} | {minutes} | {of['step']:,} | {of['whole']:.3f} | {of['pixels']:.5f} | {of['exact set']:.3f}"
            f" ({of['real']:.3f}) |"
        )
    return [*lines, "", "; ".join(dict.fromkeys(of["machine"] for *_, of in rows)) + "."]


if __name__ == "__main__":
    main()
