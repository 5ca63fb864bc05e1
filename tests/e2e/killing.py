"""Kill a training at random moments, resume it each time, and compare it with one that nobody touched.

python -m tests.e2e.killing --kills 20 --seed 0
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from noisette.store.checkpoint import kept_steps
from noisette.store.run import Run, open_run

from ..conftest import TINY

NOISETTE = [sys.executable, "-m", "noisette"]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def command(verb: str, recipe: Path, folder: Path) -> list[str]:
    return (
        [*NOISETTE, "train", str(recipe), "--out", str(folder)]
        if verb == "train"
        else [*NOISETTE, "resume", str(folder)]
    )


def write_recipe(folder: Path, *, steps: int, layout: str = "channels-last") -> Path:
    """A recipe of `steps` steps that saves several times a second."""
    text = (
        TINY.replace('"contiguous"', f'"{layout}"')
        .replace("steps = 20", f'steps = {steps}\ncheckpoint_every = "0.2s"')
        .replace("count = 60", "count = 600")
    )
    path = folder / "tiny.toml"
    path.write_text(text)
    return path


def killed(recipe: Path, folder: Path, *, kills: int, seed: int, number: int = signal.SIGKILL) -> list[str]:
    """Start the training, send `number` at a random moment, resume, and so on; then let it finish. What each life reached."""
    chance, lives = random.Random(seed), []
    for _ in range(kills):
        verb = "resume" if (folder / "recipe.toml").exists() else "train"
        before = saved_step(folder)
        process = subprocess.Popen(
            command(verb, recipe, folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT
        )
        limit = time.monotonic() + 60
        early = chance.random() < 0.15  # before the training itself has begun
        while not early and saved_step(folder) <= before and process.poll() is None and time.monotonic() < limit:
            time.sleep(0.02)
        time.sleep(chance.uniform(0, 1.5))
        process.send_signal(number)
        status = process.wait()
        lives.append(f"{verb} from step {before}, saved {saved_step(folder)}, status {status}")
        if open_run_state(folder) == "finished":
            break
    verb = "resume" if (folder / "recipe.toml").exists() else "train"
    subprocess.run(
        command(verb, recipe, folder), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT
    )
    return lives


def saved_step(folder: Path) -> int:
    """The newest step that the manifest names: a checkpoint's file stands a moment before that, and may be lost."""
    return max(kept_steps(folder / "checkpoints"), default=0)


def open_run_state(folder: Path) -> str:
    return str(Run(folder).status["state"]) if (folder / "status.json").exists() else "none"


def differences(one: Run, other: Run) -> list[str]:
    """What differs between two finished runs: weights, average, optimiser, loss history. Empty if nothing, to the bit."""
    found = []
    (mine, _), (theirs, _) = one.checkpoint(), other.checkpoint()
    assert mine is not None
    assert theirs is not None
    if mine.entry.step != theirs.entry.step:
        found.append(f"step {mine.entry.step} and {theirs.entry.step}")
    for part in ("network", "average", "optimizer"):
        a, b = mine.tensors(part), theirs.tensors(part)
        if a.keys() != b.keys() or not all(torch.equal(a[name], b[name]) for name in a):
            found.append(part)
    for tag in ("loss", "learning_rate", "gradient_norm"):
        if one.scalars(tag) != other.scalars(tag):
            found.append(f"curve of {tag}")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--signal", choices=["KILL", "TERM", "INT"], default="KILL")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recipe = write_recipe(folder, steps=options.steps)
        subprocess.run(
            command("train", recipe, folder / "whole"),
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=ENVIRONMENT,
        )
        for life in killed(
            recipe,
            folder / "cut",
            kills=options.kills,
            seed=options.seed,
            number=signal.Signals[f"SIG{options.signal}"],
        ):
            print(life)
        whole, cut = open_run(folder / "whole"), open_run(folder / "cut")
        found = differences(whole, cut)
        steps = [step for step, _ in cut.scalars("loss")]
        print(
            f"loss history: {len(steps)} steps, {steps[0]} to {steps[-1]}, each once: {steps == list(range(1, options.steps + 1))}"
        )
        print(f"differences from the uninterrupted run: {', '.join(found) or 'none'}")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
