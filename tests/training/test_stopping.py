"""A training that is asked to stop."""

from __future__ import annotations

import errno
import os
import shutil
import signal

import pytest

import noisette
from noisette.cli import main
from noisette.config.recipe import parse_recipe
from noisette.diffusion.samplers import ignore
from noisette.errors import NoisetteError, Stopped
from noisette.store.run import open_run
from noisette.training.callback import NullCallback
from noisette.training.grids import Grid

from ..conftest import TINY
from .helpers import Collecting, Interrupting, final, same


@pytest.mark.slow
def test_a_stop_request_saves_and_says_how_to_go_on(tiny, trained, tmp_path):
    class Terminating(NullCallback):
        def on_step(self, info):
            if info.step == 5:
                os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Stopped, match="noisette resume") as stopped:
        noisette.train(tiny, out=tmp_path / "r", callback=Terminating())
    assert stopped.value.exit_status == 75
    assert open_run(tmp_path / "r").status["state"] == "stopped"
    assert open_run(tmp_path / "r").checkpoint()[0].state["step"] == 5
    shutil.copytree(tmp_path / "r", tmp_path / "copy")
    same(final(noisette.resume(tmp_path / "r"))[0], final(trained)[0])

    for file in (tmp_path / "copy/checkpoints").iterdir():
        file.unlink()
    callback = Collecting()
    resumed = noisette.resume(tmp_path / "copy", callback=callback)
    assert any("no checkpoint was kept of the 5 steps" in note for note in callback.notes)
    same(final(resumed)[0], final(trained)[0])


def send(number):
    os.kill(os.getpid(), number)


class Signalling(NullCallback):
    """Sends a signal after a step."""

    def __init__(self, step, *numbers):
        self.at, self.numbers = step, numbers

    def on_step(self, info):
        if info.step == self.at:
            for number in self.numbers:
                send(number)


def counting_steps(monkeypatch, at, act):
    """Have `act` called at a step of the sampler, counted over all grids; returns the list of the steps so far."""
    draw, steps = Grid.draw, []

    def counted(grid, network, on_step=ignore):
        def look(xt, x0, level):
            steps.append(level)
            if len(steps) == at:
                act()
            on_step(xt, x0, level)

        return draw(grid, network, look)

    monkeypatch.setattr(Grid, "draw", counted)
    return steps


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "status", "grid", "step"),
    [(signal.SIGTERM, 75, 2, 18), (signal.SIGINT, 130, 2, 18), (signal.SIGTERM, 75, 3, 20)],
)
def test_a_stop_in_a_grid_is_served_within_a_step_of_the_sampler(
    tmp_path, trained, monkeypatch, number, status, grid, step
):
    """The first grids are after steps 9 and 18, the last one after the last step, 20; each has three steps."""
    recipe = trained.recipe
    with monkeypatch.context() as patch:
        steps = counting_steps(patch, 3 * (grid - 1) + 2, lambda: send(number))
        with pytest.raises(Stopped, match=rf"stopped at step {step}; resume with `noisette resume") as stopped:
            noisette.train(recipe, out=tmp_path / "r", callback=(callback := Collecting()))
    assert (stopped.value.exit_status, len(steps)) == (status, 3 * (grid - 1) + 2)
    run = open_run(tmp_path / "r")
    assert (run.state, final(run)[1]["step"]) == ("stopped", step)
    assert len(callback.grids) == grid - 1
    resumed = noisette.resume(run.folder, callback=(callback := Collecting()))
    same(final(resumed)[0], final(trained)[0])
    assert callback.grids[0] == (grid, f"epoch-{grid:04d}.png")
    for path in trained.samples.iterdir():
        assert (run.samples / path.name).read_bytes() == path.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "cannot write to .*: No space left on device"),
        (MemoryError(), "the memory is not enough for a step or a grid of"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "the memory is not enough"),
    ],
    ids=["disk", "memory", "PyTorch's memory"],
)
def test_a_grid_that_fails_loses_nothing_that_was_learned(trained, tmp_path, monkeypatch, error, message):
    def fail():
        raise error

    with monkeypatch.context() as patch:
        counting_steps(patch, 5, fail)
        with pytest.raises(NoisetteError, match=message):
            noisette.train(trained.recipe, out=tmp_path / "r")
    assert final(open_run(tmp_path / "r"))[1]["step"] == 18
    resumed = noisette.resume(tmp_path / "r")
    same(final(resumed)[0], final(trained)[0])
    assert (resumed.samples / "epoch-0002.png").read_bytes() == (trained.samples / "epoch-0002.png").read_bytes()


@pytest.mark.slow
def test_a_second_interrupt_ends_it_at_once_and_all_checkpoints_stay(trained, tmp_path):
    with pytest.raises(Stopped, match="stopped at once; all checkpoints so far are whole") as stopped:
        noisette.train(trained.recipe, out=tmp_path / "r", callback=Signalling(12, signal.SIGINT, signal.SIGINT))
    assert stopped.value.exit_status == 130
    run = open_run(tmp_path / "r")
    assert (run.state, final(run)[1]["step"]) == ("stopped", 9)
    same(final(noisette.resume(run.folder))[0], final(trained)[0])


@pytest.mark.slow
def test_a_stop_while_the_first_step_compiles_does_not_wait_for_that(trained, tmp_path, monkeypatch):
    recipe = trained.recipe.model_copy(
        update={"training": trained.recipe.training.model_copy(update={"compile": "yes"})}
    )

    def compiling(what, **settings):
        def first(*arguments):
            send(signal.SIGTERM)
            pytest.fail("it was not stopped")

        return first

    with monkeypatch.context() as patch:
        patch.setattr("torch.compile", compiling)
        patch.setattr("noisette.training.start.why_not_compiled", lambda: None)
        patch.setattr("accelerate.Accelerator.prepare", lambda self, *parts: parts)
        with pytest.raises(Stopped, match="stopped at once"):
            noisette.train(recipe, out=tmp_path / "r")
    assert open_run(tmp_path / "r").state == "stopped"


def test_a_stop_before_there_is_a_run_leaves_nothing(tiny_file, tmp_path, monkeypatch, capsys):
    for number, status in ((signal.SIGTERM, 75), (signal.SIGINT, 130)):
        for where in ("start.open_data", "start._choose", "start.count"):
            with monkeypatch.context() as patch:
                patch.setattr(f"noisette.training.{where}", lambda *given, number=number: send(number))
                assert main(["train", str(tiny_file), "--out", str(tmp_path / "r")]) == status
            assert "it had not begun to learn" in capsys.readouterr().err
            assert [path.name for path in tmp_path.iterdir()] == ["tiny.toml"]


def test_a_stop_while_the_folder_is_made_leaves_nothing(tiny_file, tmp_path, monkeypatch):
    monkeypatch.setattr("noisette.store.run.Run.write_status", lambda self, **values: send(signal.SIGTERM))
    assert main(["train", str(tiny_file), "--out", str(tmp_path / "r")]) == 75
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.toml"]


def test_a_stop_before_a_run_goes_on_is_told_and_changes_nothing(tiny, tmp_path, monkeypatch, capsys):
    with pytest.raises(ZeroDivisionError):
        noisette.train(tiny, out=tmp_path / "r", callback=Interrupting(10))
    for where in ("open_data", "Trainer"):
        with monkeypatch.context() as patch:
            patch.setattr(f"noisette.training.start.{where}", lambda *given: send(signal.SIGTERM))
            assert main(["resume", str(tmp_path / "r")]) == 75
        assert "resume with `noisette resume" in capsys.readouterr().err
        assert (open_run(tmp_path / "r").state, final(open_run(tmp_path / "r"))[1]["step"]) == ("stopped", 9)


def test_a_measurement_that_is_ended_says_that_it_goes_on(monkeypatch, capsys):
    for number, status in ((signal.SIGTERM, 75), (signal.SIGINT, 130)):
        monkeypatch.setattr("noisette.evaluation.evaluate.prepare", lambda *given, number=number, **named: send(number))
        assert main(["evaluate", "punks"]) == status
        assert "and the same command goes on" in capsys.readouterr().err


def test_signals_are_handled_as_before_when_a_training_ends(tmp_path):
    def mine(number, frame):
        raise AssertionError

    recipe = parse_recipe(TINY, source="t", overrides=["training.steps=1"])
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = {number: signal.signal(number, mine) for number in numbers}
    try:
        noisette.train(recipe, out=tmp_path / "r")
        main(["recipes"])
        with pytest.raises(Stopped):
            noisette.train(trained_longer(recipe), out=tmp_path / "s", callback=Signalling(2, signal.SIGTERM))
        assert [signal.getsignal(number) for number in numbers] == 3 * [mine]
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def trained_longer(recipe):
    return recipe.model_copy(update={"training": recipe.training.model_copy(update={"steps": 30})})
