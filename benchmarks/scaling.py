"""How the cost of a training scales with width, image size, batch size, threads and number of images.

    python benchmarks/scaling.py [--seconds 20] [--only width,size,batch,threads,images]
                                 [--page docs/results/flagship.md]

Each row is a training of the flagship's recipe on synthetic sprites, in a process of its own. One setting changes; the
others are as the head of the table has them. Images/s are those of the second half of the time; memory is the most that
the process ever held, with Python and PyTorch. Takes minutes. Run it when nothing else runs.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from noisette.threads import wait_briefly

wait_briefly()  # as the command does

from pages import check_marks, machine, write_between

BASE = {"width": 32, "size": 24, "batch": 32, "threads": 2, "images": 10_000}
VALUES: dict[str, list[int]] = {
    "width": [16, 32, 64, 128],
    "size": [16, 24, 32, 48, 64],
    "batch": [8, 16, 32, 64, 128],
    "threads": [1, 2],
    "images": [10_000, 100_000, 1_000_000],
}
SMALLER = {"images": {"size": 16}}  # a million of 24x24 in four channels are 2.3 GB by themselves


def measured(seconds: float, row: dict[str, int]) -> dict[str, Any]:
    """One training in a process of its own."""
    command = [sys.executable, __file__, "--child", json.dumps({**row, "seconds": seconds})]
    environment = {**os.environ, "OMP_NUM_THREADS": str(row["threads"])}
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def child(row: dict[str, Any]) -> None:
    """The training itself; its figures as JSON on standard output."""
    import noisette
    from noisette.config.recipe import load_recipe
    from noisette.training.callback import NullCallback, StepInfo

    began, passed = time.monotonic(), []

    class Counting(NullCallback):
        def on_step(self, info: StepInfo) -> None:
            passed.append((info.elapsed, info.step))

    settings = [
        f"dataset={{name='sprites', size={row['size']}, count={row['images']}}}",
        f"network.widths=[{row['width']}, {2 * row['width']}]",
        f"training.batch_size={row['batch']}",
        f'training.budget="{row["seconds"]:g}s"',
        "samples.every=100000",
        "sampling.steps=1",
        "samples.requests=[]",
    ]
    with tempfile.TemporaryDirectory() as folder:
        noisette.train(load_recipe("punks-attributes", settings), out=Path(folder) / "run", callback=Counting())
    half = [(elapsed, step) for elapsed, step in passed if elapsed > row["seconds"] / 2]
    rate = (half[-1][1] - half[0][1]) * row["batch"] / (half[-1][0] - half[0][0])
    ready = time.monotonic() - began - row["seconds"]
    print(
        json.dumps({"rate": rate, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "ready": ready})
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each training")
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(VALUES), help="what is varied")
    parser.add_argument("--page", type=Path, help="put the tables into this page")
    parser.add_argument("--child", type=json.loads, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child)
        return
    if arguments.page:
        check_marks(arguments.page, "scaling")
    lines: list[str] = []
    for what in arguments.only:
        rest = ", ".join(
            f"{name} {value:,}" for name, value in {**BASE, **SMALLER.get(what, {})}.items() if name != what
        )
        lines += [
            f"| {what} (else {rest}) | images/s | memory (MB) | before and after the training (s) |",
            "|---|---|---|---|",
        ]
        for value in VALUES[what]:
            row = {**BASE, **SMALLER.get(what, {}), what: value}
            found = measured(arguments.seconds, row)
            lines.append(f"| {value:,} | {found['rate']:.0f} | {found['memory']:.0f} | {found['ready']:.0f} |")
            print(lines[-1], flush=True)
        lines.append("")
    if arguments.page:
        write_between(arguments.page, "scaling", [*lines, f"{machine()}."])


if __name__ == "__main__":
    main()
