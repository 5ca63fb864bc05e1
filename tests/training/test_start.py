"""What is checked before a training begins or goes on, and what is noted."""

from __future__ import annotations

import os
import shutil
import signal
from functools import partial

import pytest

import noisette
from noisette.config.recipe import parse_recipe
from noisette.data.palette import Palette, palette_of
from noisette.errors import NoisetteError, RequestError, Stopped
from noisette.store.run import open_run

from ..conftest import CONDITIONAL, TINY
from ..store.forging import tree
from .helpers import Collecting, Interrupting, final, same


def test_colours_too_many_to_be_named_are_told_before_anything_is_made(tmp_path, monkeypatch):
    monkeypatch.setattr("noisette.config.data.palette_of", partial(palette_of, most=3))
    with pytest.raises(RequestError, match="palette needs the colours of the data"):
        noisette.train(parse_recipe(TINY, source="t", overrides=['diffusion.target="palette"']), out=tmp_path / "r")
    assert not (tmp_path / "r").exists()


@pytest.mark.slow
def test_another_palette_in_the_place_of_the_trained_one_is_found_out(tmp_path):
    run = noisette.train(parse_recipe(TINY, source="t", overrides=['diffusion.target="palette"']), out=tmp_path / "r")
    colours, whole = run.palette.colours, (run.folder / "palette.json").read_text()
    (run.folder / "palette.json").write_text(Palette(colours[1:]).to_json())
    with pytest.raises(
        NoisetteError, match=r"palette\.json is damaged: its SHA-256 .* `noisette resume .* makes it anew"
    ):
        noisette.load(run.folder)
    callback = Collecting()
    noisette.resume(run.folder, callback=callback)
    assert callback.notes[0] == f"{run.folder}/palette.json was damaged, and was made anew from the data"
    assert (run.folder / "palette.json").read_text() == whole
    colours = colours.copy()
    colours[1, 0] += 1
    (run.folder / "palette.json").write_text(Palette(colours).to_json())
    run.write_environment(run.environment)  # as a forger would
    with pytest.raises(RequestError, match="do not fit the recipe, schema and palette"):
        noisette.load(run.folder)
    with pytest.raises(NoisetteError, match=r"palette\.json is not what the run was trained on"):
        noisette.resume(run.folder)


@pytest.mark.slow
def test_a_palette_that_is_gone_is_missed(tmp_path):
    run = noisette.train(parse_recipe(TINY, source="t", overrides=['diffusion.target="palette"']), out=tmp_path / "r")
    (run.folder / "palette.json").unlink()
    with pytest.raises(NoisetteError, match=r"palette\.json is missing; `noisette resume .* makes it anew"):
        noisette.load(run.folder)


@pytest.mark.slow
def test_a_resumed_run_that_is_finished_is_left_alone(trained):
    before = (trained.checkpoints / "manifest.json").read_bytes()
    callback = Collecting()
    noisette.resume(trained.folder, callback=callback)
    assert (trained.checkpoints / "manifest.json").read_bytes() == before
    assert "is finished, at step 20" in callback.notes[-1]


@pytest.mark.slow
def test_after_damage_the_training_goes_on_from_the_older_checkpoint_and_says_so(tiny, trained, tmp_path):
    with pytest.raises(ZeroDivisionError):
        noisette.train(tiny, out=tmp_path / "cut", callback=Interrupting(19))
    (tmp_path / "cut/checkpoints/step-00000018.safetensors").write_bytes(b"not much")
    callback = Collecting()
    resumed = noisette.resume(tmp_path / "cut", callback=callback)
    assert any("step-00000018.safetensors is damaged" in note for note in callback.notes)
    assert any("going on from step 9" in note for note in callback.notes)
    same(final(resumed)[0], final(trained)[0])


def test_data_that_changed_are_not_trained_on_unnoticed(tiny, tmp_path):
    with pytest.raises(ZeroDivisionError):
        noisette.train(tiny, out=tmp_path / "cut", callback=Interrupting(10))
    recipe = tmp_path / "cut/recipe.toml"
    recipe.write_text(recipe.read_text().replace("count = 60", "count = 61"))
    with pytest.raises(RequestError, match=r"not the one that .* was trained on"):
        noisette.resume(tmp_path / "cut")


@pytest.mark.slow
def test_what_was_measured_is_written_down_so_that_resuming_computes_alike(tmp_path):
    auto = [f'training.{name}="auto"' for name in ("layout", "precision", "compile")]
    recipe = parse_recipe(TINY, source="t", overrides=[*auto, "training.steps=2"])
    run = noisette.train(recipe, out=tmp_path / "r")
    resolved = run.recipe.training
    assert resolved.layout in ("contiguous", "channels-last")
    assert (resolved.precision in ("float32", "bfloat16"), resolved.compile) == (True, "no")
    assert len(run.environment["measured_images_per_second"]) >= 2


def test_the_reports_own_betas_run_when_allowed_with_a_warning(tmp_path):
    overrides = ['diffusion.schedule="linear"', "diffusion.steps=300", "training.steps=1"]
    with pytest.raises(RequestError, match=r"0.22 of the image is left.*allow_residual_signal"):
        noisette.train(parse_recipe(TINY, source="t", overrides=overrides), out=tmp_path / "r")
    assert not (tmp_path / "r").exists()
    callback = Collecting()
    allowed = parse_recipe(TINY, source="t", overrides=[*overrides, "diffusion.allow_residual_signal=true"])
    noisette.train(allowed, out=tmp_path / "r", callback=callback)
    assert callback.notes[0].startswith("warning: the schedule leaves 0.22")


def test_a_folder_that_exists_is_never_written_over(tiny, tmp_path):
    (tmp_path / "r").mkdir()
    (tmp_path / "r/mine.txt").write_text("precious")
    with pytest.raises(RequestError, match="exists; choose another place"):
        noisette.train(tiny, out=tmp_path / "r")
    assert [path.name for path in (tmp_path / "r").iterdir()] == ["mine.txt"]


def test_a_batch_larger_than_the_data_is_refused_before_anything_is_made(tmp_path):
    with pytest.raises(RequestError, match=r"training.batch_size = 100 is more than the 54 images"):
        noisette.train(parse_recipe(TINY, source="t", overrides=["training.batch_size=100"]), out=tmp_path / "r")
    assert list(tmp_path.iterdir()) == []


def test_two_trainings_cannot_share_a_folder(trained):
    with trained.locked(), pytest.raises(RequestError, match="being trained by another process"):
        noisette.resume(trained.folder)


def test_a_run_that_another_process_trains_is_not_written_into(trained, tmp_path, monkeypatch):
    run = open_run(shutil.copytree(trained.folder, tmp_path / "r"))
    (run.folder / "statistics.json").write_text("{}")
    run.write_status(**{**run.status, "state": "running"})
    before = tree(tmp_path)
    with run.locked():
        with pytest.raises(RequestError, match="being trained by another process"):
            noisette.resume(run.folder)
        assert tree(tmp_path) == before
        monkeypatch.setattr("noisette.training.start._only_one", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        with pytest.raises(Stopped):
            noisette.resume(run.folder)
        assert tree(tmp_path) == before


def test_where_nothing_compiles_a_training_that_was_to_be_compiled_goes_on_without(tmp_path, monkeypatch):
    def refuse(*arguments, **settings):
        raise RuntimeError("No working C++ compiler found in torch._inductor.config.cpp.cxx\nmore")

    monkeypatch.setattr("torch.compile", refuse)
    callback = Collecting()
    recipe = parse_recipe(TINY, source="t", overrides=['training.compile="yes"', "training.steps=3"])
    run = noisette.train(recipe, out=tmp_path / "run", callback=callback)
    assert any(
        "torch.compile does not work here (No working C++ compiler found in torch._inductor.config.cpp.cxx)" in note
        for note in callback.notes
    )
    assert run.status["state"] == "finished"


def test_what_a_grid_cannot_draw_is_refused_before_anything_is_written(tmp_path):
    recipe = parse_recipe(CONDITIONAL.replace('"Zombie, Top Hat"', '"Zombie, Top Hatt"'), source="t")
    with pytest.raises(RequestError, match="Top Hat"):
        noisette.train(recipe, out=tmp_path / "run")
    assert list(tmp_path.iterdir()) == []
