"""The loop: it learns, takes the same steps again, and survives losses that are not finite."""

from __future__ import annotations

import json
import math

import pytest
import torch
from PIL import Image

import noisette
from noisette.config.recipe import parse_recipe
from noisette.errors import NoisetteError
from noisette.store.run import open_run

from ..conftest import CONDITIONAL, TINY
from .helpers import Collecting, Interrupting, final, same


@pytest.mark.slow
def test_a_network_learns_sprites(tmp_path):
    overrides = ["training.steps=400", "training.learning_rate=3e-3", "samples.every=100"]
    run = noisette.train(parse_recipe(TINY, source="t", overrides=overrides), out=tmp_path / "r")
    losses = [loss for _, loss in run.scalars("loss")]
    assert sum(losses[-20:]) < 0.6 * sum(losses[:20])


@pytest.mark.slow
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


@pytest.mark.slow
def test_the_loss_of_validation_images_stands_beside_each_grid_and_falls_as_the_network_learns(tmp_path):
    overrides = ["dataset.count=400", "training.steps=150", "training.learning_rate=3e-3", "samples.every=1"]
    run = noisette.train(parse_recipe(CONDITIONAL, source="t", overrides=overrides), out=tmp_path / "r")
    curve = run.scalars("validation_loss")
    assert [step for step, _ in curve] == [60, 120, 150]
    assert curve[-1][1] < curve[0][1]
    assert run.status["validation_loss"] == pytest.approx(curve[-1][1])


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
        + list(trained.folder.rglob("*tmp"))
    )
    assert sorted(path.name for path in trained.samples.iterdir()) == [
        "epoch-0001.png",
        "epoch-0002.png",
        "epoch-0003.png",
    ]
    with Image.open(trained.samples / "epoch-0002.png") as grid:
        assert json.loads(grid.info["noisette"])["seeds"] == [0, 1, 2, 3]


@pytest.mark.slow
def test_the_same_recipe_trains_the_same_weights(tiny, trained, tmp_path):
    again = noisette.train(tiny, out=tmp_path / "again")
    same(final(again)[0], final(trained)[0])
    assert again.scalars("loss") == trained.scalars("loss")


@pytest.mark.slow
@pytest.mark.parametrize("step", [1, 8, 9, 10, 17, 18, 19])
def test_a_training_cut_anywhere_and_resumed_is_the_same_to_the_bit(tiny, trained, tmp_path, step):
    with pytest.raises(ZeroDivisionError):
        noisette.train(tiny, out=tmp_path / "cut", callback=Interrupting(step))
    resumed = noisette.resume(tmp_path / "cut")
    same(final(resumed)[0], final(trained)[0])
    assert resumed.scalars("loss") == trained.scalars("loss")
    assert resumed.scalars("validation_loss") == trained.scalars("validation_loss") != []
    assert final(resumed)[1]["step"] == 20


@pytest.mark.slow
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
        noisette.train(recipe, out=tmp_path / "cut", callback=Interrupting(11))
    resumed = noisette.resume(tmp_path / "cut")
    same(final(resumed)[0], final(whole)[0])
    assert resumed.scalars("loss") == whole.scalars("loss")


def test_a_loss_that_is_not_finite_is_skipped_counted_and_soon_ends_the_training(tmp_path):
    recipe = parse_recipe(
        TINY, source="t", overrides=["training.steps=200", "training.learning_rate=1e30", "training.warmup=0"]
    )
    callback = Collecting()
    with pytest.raises(NoisetteError, match="not finite in the last 5 steps"):
        noisette.train(recipe, out=tmp_path / "r", callback=callback)
    run = open_run(tmp_path / "r")
    assert run.status["state"] == "failed"
    assert sum("not finite" in note for note in callback.notes) >= 5
    assert run.scalars("skipped")
    assert run.checkpoint() == (None, [])


@pytest.mark.slow
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


@pytest.mark.slow
def test_one_bad_batch_does_not_touch_the_weights(tiny, tmp_path, monkeypatch):
    import noisette.model as model_module

    real, calls = model_module.add_noise, []

    def once_nan(*given):
        calls.append(1)
        return real(*given) * (math.nan if len(calls) == 7 else 1)

    monkeypatch.setattr(model_module, "add_noise", once_nan)
    run = noisette.train(tiny, out=tmp_path / "r")
    assert run.status["state"] == "finished"
    assert run.status["skipped"] == 1
    assert all(torch.isfinite(tensor).all() for tensor in final(run)[0]["average"].values())
    assert math.isnan(dict(run.scalars("loss"))[7])


@pytest.mark.slow
def test_a_time_budget_ends_in_a_finished_model(tiny, tmp_path):
    recipe = parse_recipe(TINY, source="t", overrides=['training.budget="5s"'])
    run = noisette.train(recipe, out=tmp_path / "r")
    rates = [rate for _, rate in run.scalars("learning_rate")]
    assert run.status["state"] == "finished"
    assert rates[-1] < 0.05 * max(rates)
    assert run.status["seconds"] == pytest.approx(5, abs=1.5)


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


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_every_setting_trains_saves_and_draws(tmp_path, change):
    recipe = parse_recipe(TINY, source="t", overrides=[change, "training.steps=3"])
    run = noisette.train(recipe, out=tmp_path / "r")
    images = noisette.load(run.folder).generate(seeds=[0, 1])
    assert images.shape == (2, 3 if "background" in change else 4, 8, 8)
    assert all(math.isfinite(loss) for _, loss in run.scalars("loss"))
