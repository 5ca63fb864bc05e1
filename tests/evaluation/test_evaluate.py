"""The verdict on a run, from the command line."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import noisette
from noisette.cli import main
from noisette.config import parse_recipe
from noisette.data.sprites import sprites
from noisette.evaluation.evaluate import measure
from noisette.evaluation.judges import find_judge, fit_and_keep

from ..conftest import CONDITIONAL, TINY

MANY = ["dataset.count=2400", "training.steps=2", "samples.every=100"]


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NOISETTE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def drawer(tmp_path_factory):
    return noisette.train(parse_recipe(CONDITIONAL, source="t", overrides=MANY), out=tmp_path_factory.mktemp("runs") / "drawer").folder


@pytest.fixture(scope="module")
def judge(cache, drawer):
    fit_and_keep(sprites(2400, 8).split("train"), epochs=4)
    return find_judge(sprites(2400, 8).split("train"))


def run(capsys, *arguments):
    status = main([str(argument) for argument in arguments])
    output = capsys.readouterr()
    return status, output.out, output.err


def test_without_a_judge_it_says_how_to_train_one(capsys, drawer, monkeypatch, tmp_path):
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path))
    status, _, err = run(capsys, "evaluate", drawer, "--count", 100)
    assert (status, err.count("\n")) == (2, 1)
    assert "train one, in a few minutes, with --fit-judge" in err
    status, out, err = run(capsys, "evaluate", drawer, "--count", 100, "--steps", 1, "--fit-judge", "--judge-epochs", 1)
    assert status == 0, err
    assert "judge: " in err
    assert run(capsys, "evaluate", drawer, "--count", 100, "--steps", 1)[1] == out  # the same tomorrow


def test_the_verdict_of_a_hardly_trained_run_is_bad(capsys, drawer, judge):
    status, out, _ = run(capsys, "evaluate", drawer, "--count", 120, "--json")
    assert status == 0
    found = json.loads(out)
    figures = found["figures"]
    assert figures["obedience"]["drawn"]["exact"] < 0.05 < figures["obedience"]["real"]["exact"]
    assert figures["fidelity"]["drawn"]["frechet"] > 2 * figures["fidelity"]["real"]["frechet"]
    assert figures["pixel_art"]["real"]["in_palette"] == 1
    assert figures["by_pixels"]["exact"] < 0.05
    assert figures["memorisation"]["drawn"]["copies"] == 0
    assert found["left_out"].keys() == {"exactness"}
    assert (found["images"], found["split"], found["sampling"]["steps"], found["averaged"]) == (120, "validation", 3, True)
    told = run(capsys, "evaluate", drawer, "--count", 120)[1]
    for title in ("all attributes as asked", "Fréchet distance", "exact copies of training images", "left out: exactness"):
        assert title in told


def test_real_images_get_the_best_verdict(drawer, judge):
    """As if a perfect model had drawn them."""
    data = sprites(2400, 8)
    real = data.split("validation")
    found = measure(real.images, real, data.split("train"), real.attributes, noisette.load(drawer), judge)["figures"]
    assert found["obedience"]["drawn"] == found["obedience"]["real"]
    assert found["obedience"]["drawn"]["recall"] > 0.5  # its judge trained for four passes
    assert found["by_pixels"]["exact"] == 1
    assert found["fidelity"]["drawn"] == found["fidelity"]["real"]


def noisy(images):
    return np.clip(images + np.random.default_rng(0).integers(-150, 151, images.shape), 0, 255).astype(np.uint8)


def blurred(images):
    padded = np.pad(images.astype(float), ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    shifts = [padded[:, :, down : down + 8, right : right + 8] for down in range(3) for right in range(3)]
    return np.mean(shifts, axis=0).astype(np.uint8)


def of_others(images):
    return np.roll(images, 1, axis=0)


def repeated(images):
    return np.repeat(images[:1], len(images), axis=0)


WORSE = {  # the figures that each damage must make worse, and that it must leave alone
    noisy: (["exact", "frechet", "coverage", "in_palette", "stray"], []),
    blurred: (["exact", "frechet", "coverage", "in_palette", "stray"], []),
    of_others: (["exact", "recall", "precision"], ["frechet", "coverage", "density", "in_palette", "stray"]),
    repeated: (["exact", "recall", "frechet", "coverage"], ["in_palette"]),
}


@pytest.mark.parametrize("damage", WORSE, ids=lambda damage: damage.__name__)
def test_figures_move_the_right_way_on_known_damage(drawer, judge, damage):
    data = sprites(2400, 8)
    real, train, generator = data.split("validation"), data.split("train"), noisette.load(drawer)
    perfect, damaged = (
        {key: figure for part in ("obedience", "fidelity", "pixel_art") for key, figure in found["figures"][part]["drawn"].items()}
        for found in (measure(images, real, train, real.attributes, generator, judge) for images in (real.images, damage(real.images)))
    )
    worse, alike = WORSE[damage]
    for name in worse:
        lower_is_better = name in ("frechet", "kernel", "stray")
        assert (damaged[name] > perfect[name]) if lower_is_better else (damaged[name] < perfect[name]), name
    for name in alike:
        assert damaged[name] == pytest.approx(perfect[name], abs=1e-3), name


def test_copies_of_the_training_set_are_told(drawer, judge):
    data = sprites(2400, 8)
    copied = data.split("train").take(np.arange(120))
    found = measure(copied.images, data.split("validation"), data.split("train"), data.split("validation").attributes, noisette.load(drawer), judge)
    assert found["figures"]["memorisation"]["drawn"]["copies"] == 1
    assert found["figures"]["obedience"]["drawn"]["exact"] < 0.1


def test_a_run_without_attributes_is_measured_by_what_is_left(capsys, cache, judge, tmp_path):
    folder = noisette.train(parse_recipe(TINY, source="t", overrides=MANY), out=tmp_path / "r").folder
    found = json.loads(run(capsys, "evaluate", folder, "--count", 100, "--json")[1])
    assert found["figures"]["obedience"] is None
    assert found["left_out"]["obedience"] == "it was trained without attributes"
    assert math.isfinite(found["figures"]["fidelity"]["drawn"]["frechet"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--count", 121], "the validation split of sprites has 120 images; use a --count of at most that"),
        (["--split", "tset"], 'no split "tset"'),
        (["--judge-epochs", 3], "--judge-epochs goes with --fit-judge"),
        (["--steps", 0], "steps must be"),
    ],
)
def test_what_cannot_be_evaluated(capsys, drawer, judge, options, message):
    status, out, err = run(capsys, "evaluate", drawer, *(options if "--count" in options else [*options, "--count", 100]))
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert message in err


def test_few_images_leave_figures_out(capsys, drawer, judge):
    found = json.loads(run(capsys, "evaluate", drawer, "--count", 20, "--json")[1])
    assert found["left_out"]["fidelity"] == "distances need at least 100 images, not 20"
    assert found["figures"]["obedience"]["drawn"]["images"] == 20
