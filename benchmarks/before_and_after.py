"""Two versions of noisette side by side, such as the release before and this checkout.

    python benchmarks/before_and_after.py BEFORE AFTER [--rounds 9] [--trainings 3] [--steps 300] [--only help,warm]

BEFORE and AFTER are Python interpreters, each of an environment in which one of the versions is installed. The two take
turns, and change places in every round, so that a machine whose speed drifts treats both alike:

- cold, a new process each: `noisette --help`, a request that is refused, and one punk. Files are in the machine's
  memory, and the network was exported, by a round before that does not count.
- warm, in one process that has loaded the model: one punk and a grid of 16, the median of 50 each.
- training: --steps steps of the flagship's recipe and of `sprites`; images/s as status.json has them at the end.
  Precision and layout are fixed, so that both versions compute the same; change them with --set.

Prints a Markdown table: medians over the rounds, and the ratio of after to before, with the least and the greatest
ratio of a single round as its spread. Takes minutes. Run it when nothing else runs.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

# Nothing of noisette is imported here: each version runs in processes of its own, and only what both have is used.

WARM = """
import json, statistics, sys, time
from noisette.threads import wait_briefly
wait_briefly()  # as the command does
import noisette
repeats, generator = int(sys.argv[1]), noisette.load("punks")
def median(images):
    spent = []
    for number in range(repeats + 3):  # the first are warm-up
        started = time.perf_counter()
        generator.generate("Female, Earring", seeds=range(number, number + images), steps=10)
        spent.append(1000 * (time.perf_counter() - started))
    return statistics.median(spent[3:])
print(json.dumps([median(1), median(16)]))
"""
TRAINING = [
    "training.compile=no",
    "training.precision=float32",
    "training.layout=channels-last",
    "samples.every=100000",
]
REFUSED = 2
"""The exit status of a request that is wrong."""


class Failed(Exception):
    """A version did not do what is measured."""


@dataclass(frozen=True)
class Measurement:
    """Something that is measured of each version.

    Attributes:
        name: for --only.
        titles: of the rows of the table; a figure for each.
        run: takes the interpreter, and gives the figures.
        training: whether it is one, of which there are fewer rounds.
    """

    name: str
    titles: tuple[str, ...]
    run: Callable[[str], Sequence[float]]
    training: bool = False


def cold(arguments: Sequence[str], status: int, python: str) -> list[float]:
    """Milliseconds of a command in a new process, which must end with this exit status."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        run(python, ["-m", "noisette", *arguments], folder, status)
        return [1000 * (time.perf_counter() - started)]


def warm(repeats: int, python: str) -> list[float]:
    """Median milliseconds of one image and of a grid, in a process that has drawn before."""
    with tempfile.TemporaryDirectory() as folder:
        found: list[float] = json.loads(run(python, ["-c", WARM, str(repeats)], folder).splitlines()[-1])
        return found


def trained(recipe: str, steps: int, settings: Sequence[str], python: str) -> list[float]:
    """Images/s of a training at its end."""
    with tempfile.TemporaryDirectory() as folder:
        options = [f"--set={setting}" for setting in (*TRAINING, *settings)]
        run(python, ["-m", "noisette", "train", recipe, "--steps", str(steps), "--out", "run", *options], folder)
        status = json.loads((Path(folder) / "run" / "status.json").read_text(encoding="utf-8"))
        return [float(status["images_per_second"])]


def run(python: str, arguments: Sequence[str], folder: str, status: int = 0) -> str:
    """What a process of a version prints; nothing but its own environment decides which version that is."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run(
        [python, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != status:
        last = "\n".join(done.stderr.strip().splitlines()[-5:])
        raise Failed(f"{python} {' '.join(arguments[:4])} ... ended with {done.returncode}, not {status}:\n{last}")
    return done.stdout


def in_turns(
    measurement: Measurement, versions: tuple[str, str], rounds: int, told: Callable[[str], None]
) -> tuple[list[Sequence[float]], list[Sequence[float]]]:
    """The figures of each round, before and after; a round before that does not count, but of trainings."""
    found: tuple[list[Sequence[float]], list[Sequence[float]]] = ([], [])
    for number in range(0 if measurement.training else -1, rounds):
        for place in (0, 1) if number % 2 == 0 else (1, 0):
            figures = measurement.run(versions[place])
            if number >= 0:
                found[place].append(figures)
        told(f"{measurement.name}: round {number + 1} of {rounds}")
    return found


def row(title: str, before: Sequence[float], after: Sequence[float]) -> str:
    """A row of the table. before, after: a figure for each round, taken next to each other."""
    ratios = [there / here for here, there in zip(before, after, strict=True)]
    medians = f"{statistics.median(before):,.1f} | {statistics.median(after):,.1f}"
    return f"| {title} | {medians} | {statistics.median(ratios):.2f} | {min(ratios):.2f} to {max(ratios):.2f} |"


def measurements(arguments: argparse.Namespace) -> list[Measurement]:
    """All that there are."""
    refused = ["generate", "punks", "--attributes", "Top Hatt"]
    drawn = ["generate", "punks", "--count", "1"]
    training = [
        Measurement(
            name,
            (f"training, {recipe} (images/s)",),
            partial(trained, recipe, arguments.steps, arguments.settings),
            training=True,
        )
        for name, recipe in (("flagship", "punks-attributes"), ("sprites", "sprites"))
    ]
    return [
        Measurement("help", ("cold, `noisette --help` (ms)",), partial(cold, ["--help"], 0)),
        Measurement("refused", ("cold, a refused request (ms)",), partial(cold, refused, REFUSED)),
        Measurement("drawn", ("cold, one punk (ms)",), partial(cold, drawn, 0)),
        Measurement("warm", ("warm, one punk (ms)", "warm, 16 punks (ms)"), partial(warm, arguments.repeats)),
        *training,
    ]


def main() -> None:
    arguments = _arguments()
    chosen = measurements(arguments)
    if unknown := set(arguments.only or ()) - {each.name for each in chosen}:
        raise SystemExit(f"no {', '.join(sorted(unknown))}; there are {', '.join(each.name for each in chosen)}")
    lines = ["| what | before | after | after / before | spread |", "|---|---|---|---|---|"]
    print("\n".join(lines), flush=True)
    for each in chosen:
        if arguments.only and each.name not in arguments.only:
            continue
        rounds = arguments.trainings if each.training else arguments.rounds
        try:
            before, after = in_turns(
                each, (arguments.before, arguments.after), rounds, partial(print, file=sys.stderr, flush=True)
            )
        except Failed as error:
            raise SystemExit(f"error: {error}") from error
        for title, *figures in zip(each.titles, zip(*before, strict=True), zip(*after, strict=True), strict=True):
            print(row(title, *figures), flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", help="a Python interpreter, such as ../release/.venv/bin/python")
    parser.add_argument("after", help="another one, such as .venv/bin/python")
    parser.add_argument("--rounds", type=int, default=9, help="of all but trainings")
    parser.add_argument("--repeats", type=int, default=50, help="drawings in a warm process, of each size")
    parser.add_argument("--trainings", type=int, default=3, help="rounds of each training")
    parser.add_argument("--steps", type=int, default=300, help="of a training")
    parser.add_argument("--only", type=lambda text: text.split(","), help="help,refused,drawn,warm,flagship,sprites")
    parser.add_argument(
        "--set",
        dest="settings",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a setting of all trainings, that both versions know",
    )
    arguments = parser.parse_args()
    for name in ("before", "after"):
        if not Path(getattr(arguments, name)).is_file():
            parser.error(f"no interpreter {getattr(arguments, name)}")
        setattr(arguments, name, os.path.abspath(getattr(arguments, name)))  # noqa: PTH100 (not resolved: a link is how an environment begins)
    return arguments


if __name__ == "__main__":
    main()
