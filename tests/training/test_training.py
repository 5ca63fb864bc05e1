from __future__ import annotations

import json
import math
import shutil
from functools import partial

import pytest
import torch
from PIL import Image

import noisette
from noisette.config.recipe import load_recipe, parse_recipe
from noisette.data.palette import Palette, palette_of
from noisette.errors import NoisetteError, RequestError, Stopped
from noisette.model import assemble
from noisette.store.run import open_run
from noisette.training.speed import choose
from noisette.training.watcher import Nobody

from ..conftest import CONDITIONAL, TINY


def final(run):
    checkpoint, _ = run.checkpoint()
    return {part: checkpoint.tensors(part) for part in ("network", "average", "optimizer")}, checkpoint.state


def same(one, other):
    for part, tensors in one.items():
        assert tensors.keys() == other[part].keys()
        assert all(torch.equal(tensor, other[part][name]) for name, tensor in tensors.items()), part


class Interrupting(Nobody):
    """Stops a training at a step as a power cut would: without a word."""

    def __init__(self, step):
        self.at = step

    def step(self, moment):
        if moment.step == self.at:
            raise ZeroDivisionError


class Collecting(Nobody):
    def __init__(self):
        self.notes, self.moments, self.grids = [], [], []

    def step(self, moment):
        self.moments.append(moment)

    def note(self, text):
        self.notes.append(text)

    def samples(self, epoch, path):
        self.grids.append((epoch, path.name))


def test_a_network_learns_sprites(tmp_path):
    overrides = ["training.steps=400", "training.learning_rate=3e-3", "samples.every=100"]
    run = noisette.train(parse_recipe(TINY, source="t", overrides=overrides), out=tmp_path / "r")
    losses = [loss for _, loss in run.scalars("loss")]
    assert sum(losses[-20:]) < 0.6 * sum(losses[:20])


def test_a_network_that_names_colours_learns_sprites_and_draws_no_other_colour(tmp_path):
    overrides = [
        "training.steps=300",
        "training.learning_rate=3e-3",
        "samples.every=100",
        'diffusion.target="palette"',
        "network.pixel_width=16",
    ]
    run = noisette.train(parse_recipe(CONDITIONAL, source="t", overrides=overrides), out=tmp_path / "r")
    losses = [loss for _, loss in run.scalars("loss")]
    assert sum(losses[-20:]) < 0.4 * sum(losses[:20])
    images = noisette.load(run.folder).generate("Top Hat", seeds=range(3), guidance=2.0)
    assert run.palette.holds(images).all()


def test_colours_too_many_to_be_named_are_told_before_anything_is_made(tmp_path, monkeypatch):
    monkeypatch.setattr("noisette.training.start.palette_of", partial(palette_of, most=3))
    with pytest.raises(RequestError, match="palette needs the colours of the data"):
        noisette.train(parse_recipe(TINY, source="t", overrides=['diffusion.target="palette"']), out=tmp_path / "r")
    assert not (tmp_path / "r").exists()


def test_another_palette_in_the_place_of_the_trained_one_is_found_out(tmp_path):
    run = noisette.train(parse_recipe(TINY, source="t", overrides=['diffusion.target="palette"']), out=tmp_path / "r")
    colours = run.palette.colours.copy()
    colours[[1, 2]] = colours[[2, 1]]
    (run.folder / "palette.json").write_text(Palette(colours).to_json())
    with pytest.raises(RequestError, match="do not fit the recipe, schema and palette"):
        noisette.load(run.folder)
    with pytest.raises(NoisetteError, match=r"palette\.json is not what the run was trained on"):
        noisette.resume(run.folder)


def test_the_state_of_another_optimiser_is_found_out(tmp_path):
    run = noisette.train(parse_recipe(TINY, source="t", overrides=['training.optimizer="muon"']), out=tmp_path / "r")
    recipe = (run.folder / "recipe.toml").read_text()
    (run.folder / "recipe.toml").write_text(
        recipe.replace('optimizer = "muon"', 'optimizer = "adamw"').replace("steps = 20", "steps = 30")
    )
    with pytest.raises(NoisetteError, match="does not fit the recipe"):
        noisette.resume(run.folder)


def test_a_palette_that_is_gone_is_missed(tmp_path):
    run = noisette.train(parse_recipe(TINY, source="t", overrides=['diffusion.target="palette"']), out=tmp_path / "r")
    (run.folder / "palette.json").unlink()
    with pytest.raises(RequestError, match=r"palette\.json is missing"):
        noisette.load(run.folder)


def test_the_run_folder_tells_the_whole_story(trained):
    assert {path.name for path in trained.folder.iterdir()} >= {
        "recipe.toml", "schema.json", "palette.json", "environment.json", "status.json", "metrics", "samples", "checkpoints",
    }  # fmt: skip
    assert trained.status["state"] == "finished"
    assert trained.status["step"] == 20
    assert trained.environment["packages"]["torch"] == torch.__version__
    assert "Hat" in trained.schema.names
    assert (
        not list(trained.folder.rglob("*.pt"))
        + list(trained.folder.rglob("*.pkl"))
        + list(trained.folder.rglob("*.tmp"))
    )
    assert sorted(path.name for path in trained.samples.iterdir()) == [
        "epoch-0001.png",
        "epoch-0002.png",
        "epoch-0003.png",
    ]
    with Image.open(trained.samples / "epoch-0002.png") as grid:
        assert json.loads(grid.info["noisette"])["seeds"] == [0, 1, 2, 3]


def test_each_step_is_in_the_curves_once(trained):
    for tag in ("loss", "learning_rate", "gradient_norm"):
        assert [step for step, _ in trained.scalars(tag)] == list(range(1, 21))


def test_the_same_recipe_trains_the_same_weights(tiny, trained, tmp_path):
    again = noisette.train(tiny, out=tmp_path / "again")
    same(final(again)[0], final(trained)[0])
    assert again.scalars("loss") == trained.scalars("loss")


@pytest.mark.parametrize("step", [1, 8, 9, 10, 17, 18, 19])
def test_a_training_cut_anywhere_and_resumed_is_the_same_to_the_bit(tiny, trained, tmp_path, step):
    with pytest.raises(ZeroDivisionError):
        noisette.train(tiny, out=tmp_path / "cut", watcher=Interrupting(step))
    resumed = noisette.resume(tmp_path / "cut")
    same(final(resumed)[0], final(trained)[0])
    assert resumed.scalars("loss") == trained.scalars("loss")
    assert final(resumed)[1]["step"] == 20


@pytest.mark.parametrize(
    "change",
    [
        'training.layout="channels-last"',
        'training.precision="bfloat16"',
        "training.ema=0.0",
        'network={kind="simple_unet"}',
        "training.epochs=2",
        'diffusion.target="palette"',
        'training.optimizer="muon"',
    ],
)
def test_every_way_of_computing_is_resumed_to_the_bit(tmp_path, change):
    recipe = parse_recipe(TINY, source="t", overrides=[change])
    whole = noisette.train(recipe, out=tmp_path / "whole")
    with pytest.raises(ZeroDivisionError):
        noisette.train(recipe, out=tmp_path / "cut", watcher=Interrupting(11))
    resumed = noisette.resume(tmp_path / "cut")
    same(final(resumed)[0], final(whole)[0])
    assert resumed.scalars("loss") == whole.scalars("loss")


def test_a_resumed_run_that_is_finished_is_left_alone(trained):
    before = (trained.checkpoints / "manifest.json").read_bytes()
    watcher = Collecting()
    noisette.resume(trained.folder, watcher=watcher)
    assert (trained.checkpoints / "manifest.json").read_bytes() == before
    assert "is finished, at step 20" in watcher.notes[-1]


def test_after_damage_the_training_goes_on_from_the_older_checkpoint_and_says_so(tiny, trained, tmp_path):
    with pytest.raises(ZeroDivisionError):
        noisette.train(tiny, out=tmp_path / "cut", watcher=Interrupting(19))
    (tmp_path / "cut/checkpoints/step-00000018.safetensors").write_bytes(b"not much")
    watcher = Collecting()
    resumed = noisette.resume(tmp_path / "cut", watcher=watcher)
    assert any("step-00000018.safetensors is damaged" in note for note in watcher.notes)
    assert any("going on from step 9" in note for note in watcher.notes)
    same(final(resumed)[0], final(trained)[0])


def test_data_that_changed_are_not_trained_on_unnoticed(tiny, tmp_path):
    with pytest.raises(ZeroDivisionError):
        noisette.train(tiny, out=tmp_path / "cut", watcher=Interrupting(10))
    recipe = tmp_path / "cut/recipe.toml"
    recipe.write_text(recipe.read_text().replace("count = 60", "count = 61"))
    with pytest.raises(RequestError, match=r"not the one that .* was trained on"):
        noisette.resume(tmp_path / "cut")


def test_a_loss_that_is_not_finite_is_skipped_counted_and_soon_ends_the_training(tmp_path):
    recipe = parse_recipe(
        TINY, source="t", overrides=["training.steps=200", "training.learning_rate=1e30", "training.warmup=0"]
    )
    watcher = Collecting()
    with pytest.raises(NoisetteError, match="not finite in the last 5 steps"):
        noisette.train(recipe, out=tmp_path / "r", watcher=watcher)
    run = open_run(tmp_path / "r")
    assert run.status["state"] == "failed"
    assert sum("not finite" in note for note in watcher.notes) >= 5
    assert run.scalars("skipped")
    assert run.checkpoint() == (None, [])


def test_weights_that_blew_up_never_replace_good_ones(tmp_path, monkeypatch):
    """One step an epoch, so a checkpoint after each; from step 6 on the rate is absurd and the weights explode."""
    import noisette.training.trainer as trainer_module

    real = trainer_module.learning_rate
    monkeypatch.setattr(
        trainer_module,
        "learning_rate",
        lambda peak, step, *rest, **named: 1e30 if step >= 5 else real(peak, step, *rest, **named),
    )
    recipe = parse_recipe(TINY, source="t", overrides=["training.batch_size=54", "training.steps=50"])
    with pytest.raises(NoisetteError, match="checkpoints from before are kept"):
        noisette.train(recipe, out=tmp_path / "r")
    checkpoint, notes = open_run(tmp_path / "r").checkpoint()
    assert notes == []
    assert checkpoint.state["step"] == 5
    assert max(tensor.abs().max() for tensor in checkpoint.tensors("network").values()) < 100


def test_a_budget_that_ends_among_bad_losses_is_a_failure(tmp_path):
    recipe = parse_recipe(
        TINY, source="t", overrides=["training.steps=4", "training.learning_rate=1e30", "training.warmup=0"]
    )
    with pytest.raises(NoisetteError, match="the loss was not finite"):
        noisette.train(recipe, out=tmp_path / "r")
    assert open_run(tmp_path / "r").status["state"] == "failed"


def test_a_recipe_that_was_edited_is_not_resumed_into_nonsense(tiny, tmp_path):
    with pytest.raises(ZeroDivisionError):
        noisette.train(tiny, out=tmp_path / "cut", watcher=Interrupting(10))
    recipe = tmp_path / "cut/recipe.toml"
    recipe.write_text(recipe.read_text().replace("    16,\n", "    32,\n", 1))
    with pytest.raises(NoisetteError, match="does not fit the recipe"):
        noisette.resume(tmp_path / "cut")


def test_a_grid_that_a_kill_left_out_is_drawn_on_resume(tiny, tmp_path):
    run = noisette.train(tiny, out=tmp_path / "r")
    (run.samples / "epoch-0003.png").unlink()
    run.write_status(**{**run.status, "state": "running"})
    noisette.resume(tmp_path / "r")
    assert (run.samples / "epoch-0003.png").exists()
    assert run.status["state"] == "finished"


def test_one_bad_batch_does_not_touch_the_weights(tiny, tmp_path, monkeypatch):
    import noisette.training.trainer as trainer_module

    real, calls = trainer_module.add_noise, []

    def once_nan(*given):
        calls.append(1)
        return real(*given) * (math.nan if len(calls) == 7 else 1)

    monkeypatch.setattr(trainer_module, "add_noise", once_nan)
    run = noisette.train(tiny, out=tmp_path / "r")
    assert run.status["state"] == "finished"
    assert run.status["skipped"] == 1
    assert all(torch.isfinite(tensor).all() for tensor in final(run)[0]["average"].values())
    assert math.isnan(dict(run.scalars("loss"))[7])


def test_a_time_budget_ends_in_a_finished_model(tiny, tmp_path):
    recipe = parse_recipe(TINY, source="t", overrides=['training.budget="2s"'])
    run = noisette.train(recipe, out=tmp_path / "r")
    rates = [rate for _, rate in run.scalars("learning_rate")]
    assert run.status["state"] == "finished"
    assert rates[-1] < 0.05 * max(rates)
    assert run.status["seconds"] == pytest.approx(2, abs=1.5)


def test_the_display_sees_progress_time_left_and_the_grids(tiny, tmp_path):
    watcher = Collecting()
    noisette.train(tiny, out=tmp_path / "r", watcher=watcher)
    assert [moment.step for moment in watcher.moments] == list(range(1, 21))
    assert watcher.moments[-1].progress == 1
    assert watcher.moments[-1].remaining == 0
    assert watcher.grids == [(1, "epoch-0001.png"), (2, "epoch-0002.png"), (3, "epoch-0003.png")]


def test_what_was_measured_is_written_down_so_that_resuming_computes_alike(tmp_path):
    auto = [f'training.{name}="auto"' for name in ("layout", "precision", "compile")]
    recipe = parse_recipe(TINY, source="t", overrides=[*auto, "training.steps=2"])
    run = noisette.train(recipe, out=tmp_path / "r")
    resolved = run.recipe.training
    assert resolved.layout in ("contiguous", "channels-last")
    assert (resolved.precision in ("float32", "bfloat16"), resolved.compile) == (True, "no")
    assert len(run.environment["measured_images_per_second"]) >= 2


CHANGES = [
    'training.layout="channels-last"',
    'training.precision="bfloat16"',
    'diffusion.target="noise"',
    'diffusion.weighting="min-snr"',
    "training.ema=0.0",
    'network={kind="unet",widths=[8],attention=[false],blocks=1,patch=2}',
    'network={kind="simple_unet"}',
    'dataset.background="#638596"',
    'diffusion={schedule="linear",steps=1000}',
    'diffusion.target="palette"',
    'training.optimizer="muon"',
    "diffusion.time_power=3",
    "network.pixel_width=8",
]


@pytest.mark.parametrize("change", CHANGES)
def test_every_setting_trains_saves_and_draws(tmp_path, change):
    recipe = parse_recipe(TINY, source="t", overrides=[change, "training.steps=3"])
    run = noisette.train(recipe, out=tmp_path / "r")
    images = noisette.load(run.folder).generate(seeds=[0, 1])
    assert images.shape == (2, 3 if "background" in change else 4, 8, 8)
    assert all(math.isfinite(loss) for _, loss in run.scalars("loss"))


def test_the_reports_own_betas_run_when_allowed_with_a_warning(tmp_path):
    overrides = ['diffusion.schedule="linear"', "diffusion.steps=300", "training.steps=1"]
    with pytest.raises(RequestError, match=r"0.22 of the image is left.*allow_residual_signal"):
        noisette.train(parse_recipe(TINY, source="t", overrides=overrides), out=tmp_path / "r")
    assert not (tmp_path / "r").exists()
    watcher = Collecting()
    allowed = parse_recipe(TINY, source="t", overrides=[*overrides, "diffusion.allow_residual_signal=true"])
    noisette.train(allowed, out=tmp_path / "r", watcher=watcher)
    assert watcher.notes[0].startswith("warning: the schedule leaves 0.22")


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


def test_a_stop_request_saves_and_says_how_to_go_on(tiny, trained, tmp_path):
    import os
    import signal

    class Terminating(Nobody):
        def step(self, moment):
            if moment.step == 5:
                os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Stopped, match="noisette resume") as stopped:
        noisette.train(tiny, out=tmp_path / "r", watcher=Terminating())
    assert stopped.value.exit_status == 75
    assert open_run(tmp_path / "r").status["state"] == "stopped"
    assert open_run(tmp_path / "r").checkpoint()[0].state["step"] == 5
    shutil.copytree(tmp_path / "r", tmp_path / "copy")
    same(final(noisette.resume(tmp_path / "r"))[0], final(trained)[0])

    for file in (tmp_path / "copy/checkpoints").iterdir():
        file.unlink()
    watcher = Collecting()
    resumed = noisette.resume(tmp_path / "copy", watcher=watcher)
    assert any("no checkpoint was kept of the 5 steps" in note for note in watcher.notes)
    same(final(resumed)[0], final(trained)[0])


def test_the_reports_recipes_say_what_the_report_says():
    report, fast, smooth = (load_recipe(name) for name in ("mnist-report", "mnist-fast", "mnist-smooth"))
    assert (report.diffusion.steps, fast.diffusion.steps, smooth.diffusion.steps) == (1000, 300, 1000)
    assert (report.training.learning_rate, smooth.training.learning_rate) == (3e-4, 2e-4)
    assert {recipe.network.kind for recipe in (report, fast, smooth)} == {"simple_unet"}
    assert {recipe.training.epochs for recipe in (report, fast, smooth)} == {100}


def test_where_nothing_compiles_a_training_that_was_to_be_compiled_goes_on_without(tmp_path, monkeypatch):
    def refuse(*arguments, **settings):
        raise RuntimeError("No working C++ compiler found in torch._inductor.config.cpp.cxx\nmore")

    monkeypatch.setattr("torch.compile", refuse)
    watcher = Collecting()
    recipe = parse_recipe(TINY, source="t", overrides=['training.compile="yes"', "training.steps=3"])
    run = noisette.train(recipe, out=tmp_path / "run", watcher=watcher)
    assert any(
        "torch.compile does not work here (No working C++ compiler found in torch._inductor.config.cpp.cxx)" in note
        for note in watcher.notes
    )
    assert run.status["state"] == "finished"


def test_a_long_training_is_compiled_where_that_is_faster_and_not_where_it_cannot_be(monkeypatch):
    """Without the minute that a compilation takes: what comes in its place is faster, or fails."""
    recipe = parse_recipe(TINY, source="t", overrides=['training.compile="auto"'])
    model = assemble(recipe)
    measured = {}

    def rates(config, network, objective, candidates, *arguments):
        if measured["fails"] and any(each.compiled for each in candidates):
            raise RuntimeError("no compiler")
        return {each: 200.0 if each.compiled else 100.0 for each in candidates}

    monkeypatch.setattr("noisette.training.speed._measure", rates)
    for fails, lasts, compiled in ((False, 3600.0, True), (False, 60.0, False), (True, 3600.0, False)):
        measured["fails"] = fails
        settings, told = choose(
            recipe.training,
            model.network(),
            model.objective,
            (3, 8, 8),
            6,
            torch.device("cpu"),
            seconds=lambda rate, lasts=lasts: lasts,
        )
        assert settings.compiled is compiled
        assert (told.get("float32, contiguous, compiled") == 0.0) is fails
