"""Several processes of one training, started as a person would, on a machine without a GPU."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from noisette.store.run import open_run

from .killing import NOISETTE, command, saved_step, write_recipe

BARE = {name: value for name, value in os.environ.items() if not name.startswith(("ACCELERATE_", "OMP_", "MASTER_"))}
TORCHRUN = [str(Path(sys.executable).parent / "torchrun"), "--standalone", "--nproc-per-node", "2", "-m", "noisette"]


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    return write_recipe(tmp_path_factory.mktemp("recipe"), steps=30)


@pytest.fixture(scope="module")
def alone(recipe, tmp_path_factory):
    """The losses of one process."""
    folder = tmp_path_factory.mktemp("runs") / "one"
    subprocess.run(command("train", recipe, folder), check=True, capture_output=True, env=BARE)
    return dict(open_run(folder).scalars("loss"))


def test_two_processes_train_what_one_would(recipe, alone, tmp_path):
    """The same batches, the same noise, so the same losses up to the order of sums."""
    arguments = ["train", str(recipe), "--out", str(tmp_path / "two"), "--json"]
    done = subprocess.run([*TORCHRUN, *arguments], capture_output=True, text=True, env=BARE, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout)["state"] == "finished"
    assert done.stderr.count("2 processes share each batch") == 1
    run = open_run(tmp_path / "two")
    assert run.environment["processes"] == 2
    assert run.environment["device"].startswith("cpu")
    assert dict(run.scalars("loss")) == pytest.approx(alone, rel=1e-3)


@pytest.mark.parametrize("dead", [0, 1])
def test_one_that_dies_ends_the_other_with_a_line(dead, tmp_path):
    recipe, folder = write_recipe(tmp_path, steps=100_000), tmp_path / "r"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    numbers = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": "1"}
    started = [
        subprocess.Popen(
            [*NOISETTE, "train", str(recipe), "--out", str(folder)],
            env={**BARE, **numbers, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in (0, 1)
    ]
    try:
        while saved_step(folder) == 0 and all(process.poll() is None for process in started):
            time.sleep(0.02)
        started[dead].send_signal(signal.SIGKILL)
        _, said = started[1 - dead].communicate(timeout=60)
    finally:
        for process in started:
            process.kill()
            process.communicate()
    assert started[1 - dead].returncode == 1, said
    assert said.splitlines()[-1].startswith("error: another process of this training ended")
    assert "Traceback" not in said
    checkpoint, notes = open_run(folder).checkpoint()
    assert (checkpoint.state["step"] > 0, notes) == (True, [])
