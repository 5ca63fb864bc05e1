"""Real processes, killed, stopped and starved."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest

from noisette.store.run import open_run

from .killing import ENVIRONMENT, command, differences, killed, saved_step, write_recipe

STEPS = 250


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    return write_recipe(tmp_path_factory.mktemp("recipe"), steps=STEPS)


@pytest.fixture(scope="module")
def whole(recipe, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "whole"
    subprocess.run(command("train", recipe, folder), check=True, capture_output=True, env=ENVIRONMENT)
    return open_run(folder)


def test_a_training_killed_at_random_moments_ends_as_if_nothing_had_happened(recipe, whole, tmp_path):
    killed(recipe, tmp_path / "cut", kills=3, seed=int(time.time()))
    cut = open_run(tmp_path / "cut")
    assert differences(whole, cut) == []
    assert [step for step, _ in cut.scalars("loss")] == list(range(1, STEPS + 1))


def _hearing_signals():
    """Whoever runs the tests under nohup, or in the background of a script, has them ignored."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 75), (signal.SIGHUP, 75), (signal.SIGINT, 130)])
def test_a_stopped_training_saves_says_how_to_go_on_and_goes_on_exactly(recipe, whole, tmp_path, number, status):
    folder = tmp_path / "cut"
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": ENVIRONMENT}
    process = subprocess.Popen(command("train", recipe, folder), **pipes, preexec_fn=_hearing_signals)  # noqa: PLW1509  (it only sets signals)
    while saved_step(folder) == 0 and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == status, err
    assert out == ""
    assert err.splitlines()[-1].endswith(f"resume with `noisette resume {folder}`")
    assert "Traceback" not in err
    assert open_run(folder).status["state"] == "stopped"
    assert open_run(folder).checkpoint()[0].state["step"] == open_run(folder).status["step"]
    subprocess.run(command("resume", recipe, folder), check=True, capture_output=True, env=ENVIRONMENT)
    assert differences(whole, open_run(folder)) == []


@pytest.mark.skipif(
    os.geteuid() != 0 or sys.platform != "linux", reason="making a small disk needs root on Linux; CI has it"
)
def test_a_full_disk_ends_the_training_in_one_line_and_loses_nothing(recipe, whole, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], check=True)
    try:
        process = subprocess.Popen(
            command("train", recipe, disk / "r"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT,
        )
        while saved_step(disk / "r") == 0 and process.poll() is None:
            time.sleep(0.02)
        with contextlib.suppress(OSError), (disk / "ballast").open("wb", buffering=0) as ballast:
            while True:
                ballast.write(bytes(4096))
        _, err = process.communicate(timeout=120)
        assert process.returncode == 1, err
        assert "Traceback" not in err
        last = err.splitlines()[-1]
        assert last.startswith(f"error: cannot write to {disk / 'r'}: ")
        assert "all checkpoints so far are whole" in last
        checkpoint, notes = open_run(disk / "r").checkpoint()
        assert (checkpoint.state["step"] > 0, notes) == (True, [])
        (disk / "ballast").unlink()
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        subprocess.run(command("resume", recipe, disk / "r"), check=True, capture_output=True, env=ENVIRONMENT)
        assert differences(whole, open_run(disk / "r")) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.skipif(
    os.geteuid() != 0 or sys.platform != "linux", reason="a folder that root cannot write needs a mount; CI has it"
)
def test_a_read_only_folder_is_one_line(recipe, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(disk)], check=True)
    try:
        done = subprocess.run(
            command("train", recipe, disk / "r"), capture_output=True, text=True, env=ENVIRONMENT, check=False
        )
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    assert done.returncode == 2
    line = f"error: cannot write into the folder {disk}; choose another place with --out"
    assert done.stderr.splitlines()[-1] == line
    assert "Traceback" not in done.stderr
