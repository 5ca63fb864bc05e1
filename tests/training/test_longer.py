"""A run that is trained on: so much longer than it has by now."""

from __future__ import annotations

import shutil

import pytest

import noisette
from noisette.cli import main
from noisette.config.recipe import parse_recipe
from noisette.config.sections import duration, seconds
from noisette.errors import NoisetteError, RequestError
from noisette.store.run import open_run
from noisette.training.budget import learning_rate

from ..conftest import TINY
from .helpers import Collecting, Interrupting, final, same


@pytest.fixture
def finished(trained, tmp_path):
    shutil.copytree(trained.folder, tmp_path / "r")
    return open_run(tmp_path / "r")


@pytest.mark.slow
@pytest.mark.parametrize("cut", [21, 28, 33])
def test_a_finished_run_goes_on_and_a_kill_on_the_way_changes_no_bit(finished, tmp_path, cut):
    """At 21 there is no checkpoint yet of what is longer; the recipe alone says that it is."""
    shutil.copytree(finished.folder, tmp_path / "cut")
    whole = noisette.resume(finished.folder, steps=15)
    assert (whole.status["state"], whole.status["step"], whole.recipe.training.steps) == ("finished", 35, 35)
    assert [step for step, _ in whole.scalars("loss")] == list(range(1, 36))
    with pytest.raises(ZeroDivisionError):
        noisette.resume(tmp_path / "cut", steps=15, callback=Interrupting(cut))
    assert open_run(tmp_path / "cut").state != "finished"
    resumed = noisette.resume(tmp_path / "cut")
    same(final(whole)[0], final(resumed)[0])
    assert final(resumed)[1]["updates"] == 35
    assert whole.scalars("loss") == resumed.scalars("loss")
    assert (resumed.samples / "epoch-0004.png").is_file()


@pytest.mark.slow
def test_the_learning_rate_goes_on_as_if_the_run_had_been_planned_so_long(finished):
    peak = finished.recipe.training.learning_rate
    run = noisette.resume(finished.folder, steps=20)
    expected = [learning_rate(peak, step, step / 40, warmup=2, decay="cosine") for step in range(20, 40)]
    assert [rate for _, rate in run.scalars("learning_rate")][20:] == pytest.approx(expected)
    assert expected[0] == pytest.approx(peak / 2)


@pytest.mark.slow
def test_epochs_and_time_are_from_now_on_too(finished, capsys):
    assert main(["resume", str(finished.folder), "--epochs", "2"]) == 0
    assert "going on from step 20" in capsys.readouterr().err
    assert (finished.recipe.training.steps, finished.status["step"]) == (20 + 2 * 9, 38)
    before = final(finished)[1]["elapsed"]
    noisette.resume(finished.folder, budget="0.3s")
    training = finished.recipe.training
    assert (training.steps, training.epochs) == (None, None)
    assert before + 0.3 <= seconds(training.budget) < before + 0.5
    assert finished.status["state"] == "finished"


@pytest.mark.slow
def test_of_a_run_that_is_not_finished_what_was_left_no_longer_counts(tiny, tmp_path):
    with pytest.raises(ZeroDivisionError):
        noisette.train(tiny, out=tmp_path / "r", callback=Interrupting(12))
    run = noisette.resume(tmp_path / "r", steps=3)
    assert (run.status["state"], run.status["step"]) == ("finished", 9 + 3)


def test_a_length_that_cannot_be_changes_nothing(finished, capsys):
    before = {path: path.read_bytes() for path in finished.folder.rglob("*") if path.is_file()}
    for given, message in (
        (["--steps", "0"], "training.steps = 0"),
        (["--epochs", "-1"], "training.epochs = -1"),
        (["--budget", "soon"], '"soon" is not a duration'),
        (["--budget", "1m", "--steps", "2"], "give at most one of budget, epochs and steps"),
    ):
        assert main(["resume", str(finished.folder), *given]) == 2
        assert message in capsys.readouterr().err
    with finished.locked(), pytest.raises(RequestError, match="being trained by another process"):
        noisette.resume(finished.folder, steps=2)
    now = {path: path.read_bytes() for path in finished.folder.rglob("*") if path.is_file() and path.name != ".lock"}
    assert now == {path: content for path, content in before.items() if path.name != ".lock"}


@pytest.mark.slow
def test_a_distilled_run_goes_on_too_and_needs_its_teacher(asked, tmp_path):
    run = noisette.distil(asked.folder, steps=2, out=tmp_path / "r", settings=["training.layout=contiguous"])
    assert noisette.resume(run.folder, steps=2).status["step"] == 4
    recipe = (run.folder / "recipe.toml").read_bytes()
    run.teacher_file.unlink()
    with pytest.raises(NoisetteError, match=r"teacher\.safetensors"):
        noisette.resume(run.folder, steps=2)
    assert (recipe, run.state) == ((run.folder / "recipe.toml").read_bytes(), "finished")


def test_a_duration_is_read_as_it_is_written():
    for total in (0.1, 59.9, 60, 61.5, 3600, 86_399.9):
        assert seconds(duration(total)) == pytest.approx(total)
    assert (duration(600.31), duration(7200)) == ("10m0.4s", "2h")


@pytest.mark.slow
def test_the_shortest_budget_is_enough_for_a_step(tmp_path):
    callback = Collecting()
    recipe = parse_recipe(TINY, source="t", overrides=['training.budget="0.000001s"'])
    run = noisette.train(recipe, out=tmp_path / "r", callback=callback)
    assert (run.status["state"], run.status["step"], len(callback.steps)) == ("finished", 1, 1)
