"""How fast the flagship trains and draws alone, and beside processes that keep a core busy each.

    python benchmarks/beside_other_work.py [--rounds 3] [--seconds 12] [--page docs/results/beside-other-work.md]

Each figure is taken in a process of its own; the rounds go through all cases in turns, and the median of the rounds
is given with the range. How threads wait: `PyTorch's own` way is to spin for milliseconds; `a moment` is some ten
microseconds, always; `asleep` is at once, always (OMP_WAIT_POLICY=PASSIVE); `noisette` is what every verb, the
dashboard and the Python API do: one or the other, by what else runs, and a training under a wall-clock budget takes one
thread meanwhile. Takes 15 minutes. Run it when nothing else runs.

A training step is forward, backward and the optimiser on a batch of 32, in the precision and layout that the
processor has; a drawing is a request with 10 steps.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

WAYS = {
    "PyTorch's own": {"WAY": "own"},
    "a moment": {"WAY": "moment"},
    "asleep": {"WAY": "asleep", "OMP_WAIT_POLICY": "PASSIVE"},
    "noisette": {"WAY": "noisette"},
}
WORK = {"training": "steps/s", "drawing 1": "images/s", "drawing 16": "images/s"}
LOADS = (0, 1, 2)


def main() -> None:
    arguments = _arguments()
    if arguments.measure:
        print(json.dumps(_measure(arguments.measure, arguments.seconds)))
        return
    rates: dict[tuple[str, str, int], list[float]] = {}
    for _ in range(arguments.rounds):
        for work in WORK:
            for way in WAYS:
                if way != "noisette" and work != "training":
                    continue  # ONNX Runtime knows nothing of OpenMP's variables
                for load in LOADS:
                    rates.setdefault((work, way, load), []).append(_in_child(work, way, load, arguments.seconds))
    lines = ["| | alone | beside one busy process | beside two |", "|---|---|---|---|"]
    for work, unit in WORK.items():
        for way in WAYS:
            if (work, way, 0) not in rates:
                continue
            alone = statistics.median(rates[work, way, 0])
            cells = [_cell(rates[work, way, load], alone) for load in LOADS]
            lines.append(f"| {work}, {way} ({unit}) | {' | '.join(cells)} |")
    print("\n".join(lines))
    if arguments.page:
        from pages import machine, write_between

        write_between(arguments.page, "beside_other_work", [*lines, "", f"{arguments.rounds} rounds; {machine()}."])


def _cell(rates: list[float], alone: float) -> str:
    middle = statistics.median(rates)
    return f"{middle:.3g} ({min(rates):.3g} to {max(rates):.3g}), {middle / alone:.0%}"


def _in_child(work: str, way: str, load: int, seconds: float) -> float:
    """The rate of one case, measured by a process of its own."""
    said = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    said |= WAYS[way]
    command = [sys.executable, __file__, "--measure", work, "--seconds", str(seconds)]
    with _busy(load):
        done = subprocess.run(command, env=said, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout))


@contextlib.contextmanager
def _busy(load: int) -> Iterator[None]:
    """So many processes that keep a core busy each."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(load)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def _measure(work: str, seconds: float) -> float:
    """Steps or images a second, after a warm-up in which the load is noticed."""
    held: contextlib.AbstractContextManager[None] = contextlib.nullcontext()
    if os.environ["WAY"] == "own":
        import torch  # before noisette, which says how threads wait

        assert torch
    if os.environ["WAY"] == "noisette":
        from noisette.threads import steady

        held = steady()
    step, images = _training() if work == "training" else _drawing(int(work.split()[1]))
    if os.environ["WAY"] == "noisette" and work == "training":
        step = _giving_way(step)
    with held:
        _run(step, 2.0)
        steps, spent = _run(step, seconds)
    return steps * images / spent


def _giving_way(step: Callable[[], object]) -> Callable[[], object]:
    """As the trainer takes its steps."""
    from noisette.threads import giving_way

    def taken() -> None:
        with giving_way():
            step()

    return taken


def _run(step: Callable[[], object], seconds: float) -> tuple[int, float]:
    start, steps = time.perf_counter(), 0
    while (spent := time.perf_counter() - start) < seconds:
        step()
        steps += 1
    return steps, spent


def _training() -> tuple[Callable[[], object], int]:
    import torch

    from noisette.config.recipe import load_recipe
    from noisette.inference.engine import Inputs
    from noisette.model import assemble
    from noisette.store.locate import locate
    from noisette.training.speed import Settings, has_bfloat16, probe_step

    shipped = locate("punks")
    model = assemble(load_recipe("punks-attributes"), shipped.schema, shipped.palette)
    cpu = torch.device("cpu")
    settings = Settings("bfloat16" if has_bfloat16(cpu) else "float32", "channels-last")
    return probe_step(model, settings, model.recipe.training.batch_size, cpu, Inputs.of(model).condition(1)), 1


def _drawing(images: int) -> tuple[Callable[[], object], int]:
    import noisette

    generator = noisette.load("punks")
    return lambda: generator.generate("Male", seeds=range(images)), images


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--page", type=Path)
    parser.add_argument("--measure", choices=WORK, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
