"""The verdict on a run, from the command line."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import noisette
from noisette.cli import main
from noisette.config.recipe import parse_recipe
from noisette.data.palette import palette_of
from noisette.data.sources.sprites import sprites
from noisette.evaluation.evaluate import describe, evaluate, verdict
from noisette.evaluation.figures import find, mean_and_spread
from noisette.evaluation.judge import fit_judge
from noisette.evaluation.judges import find_judge, fit_and_keep
from noisette.evaluation.measure import Yardstick
from noisette.evaluation.trial import put_on_trial

from ..conftest import CONDITIONAL, TINY
from .test_fidelity import by_eigenvalues

MANY = ["dataset.count=2800", "training.steps=2", "samples.every=100"]
DATA = sprites(2800, 8)


@pytest.fixture(scope="module", autouse=True)
def kept(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NOISETTE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def drawer(tmp_path_factory):
    return noisette.train(
        parse_recipe(CONDITIONAL, source="t", overrides=MANY), out=tmp_path_factory.mktemp("runs") / "drawer"
    ).folder


@pytest.fixture(scope="module")
def judge(kept):
    fit_and_keep(DATA.split("train"), epochs=4)
    return find_judge(DATA.split("train"), "sprites")


@pytest.fixture(scope="module")
def yardstick(judge):
    real = DATA.split("validation")
    return Yardstick(
        judge, DATA.split("train"), real, np.zeros_like(real.attributes, dtype=bool), True, palette_of(DATA.images)
    )


def run(capsys, *arguments):
    status = main([str(argument) for argument in arguments])
    output = capsys.readouterr()
    return status, output.out, output.err


def test_without_a_judge_it_says_how_to_train_one(capsys, drawer, monkeypatch, tmp_path):
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path))
    status, _, err = run(capsys, "evaluate", drawer)
    assert (status, err.count("\n")) == (2, 1)
    assert f"train one, in a few minutes: noisette evaluate --fit-judge {drawer}" in err
    status, out, err = run(capsys, "evaluate", "--fit-judge", drawer, "--judge-epochs", 1, "--json")
    assert status == 0, err
    told = json.loads(out)
    assert (told["split"], told["images"], told["epochs"]) == ("validation", 140, 1)
    assert "Hat=Top Hat" in told["visible"]["by_value"]
    assert told["hidden"] == {}  # sprites are made so
    assert run(capsys, "evaluate", drawer, "--draws", 1, "--steps", 1)[0] == 0


def test_a_judge_that_is_trained_tells_how_well_it_reads(capsys, drawer, monkeypatch, tmp_path):
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path))
    status, out, _ = run(capsys, "evaluate", "--fit-judge", drawer, "--judge-epochs", 2, "--split", "test")
    assert status == 0
    assert "judge of sprites, 2 passes, on 140 real images of the test split" in out
    assert "precision" in out


def test_the_verdict_of_a_hardly_trained_run_is_bad(capsys, drawer, judge):
    status, out, _ = run(capsys, "evaluate", drawer, "--json", "--draws", 2)
    assert status == 0
    found = json.loads(out)
    drawn, real = found["drawn"], found["real"]
    assert drawn["obedience"]["exact"] < 0.05 < real["obedience"]["exact"]
    assert drawn["fidelity"]["frechet"] > 2 * real["fidelity"]["frechet"]
    assert drawn["classification"]["score"] < real["classification"]["score"]
    assert (real["pixel_art"]["in_palette"], real["memorisation"]["copies"] > 0) == (
        1,
        True,
    )  # sprites as small as these repeat
    assert drawn["by_pixels"]["exact"] < 0.05
    assert drawn["memorisation"]["copies"] == 0
    assert found["left_out"].keys() == {"new_pairs"}
    assert real["by_pixels"]["exact"] == 1
    assert (
        real["by_pixels"]["judge_agrees"] == real["obedience"]["exact"]
    )  # where the judge is wrong, the pixels are right
    assert drawn["exactness"]["snapped_whole"] == 0
    assert found["spread"]["fidelity"]["frechet"] > 0
    assert (found["images"], found["split"], found["sampling"]["steps"], found["averaged"]) == (
        140,
        "validation",
        3,
        True,
    )
    assert found["first_seeds"] == [0, 140]
    told = run(capsys, "evaluate", drawer, "--draws", 2)[1]
    for title in (
        "all attributes as asked",
        "Fréchet distance",
        "exact copies of training images",
        "most often missed",
    ):
        assert title in told


def test_real_images_get_the_best_verdict(perfect):
    assert perfect["obedience.recall"] > 0.5  # its judge trained for four passes
    assert perfect["by_pixels.exact"] == 1
    assert perfect["pixel_art.in_palette"] == 1


def leaves(tree, path=""):
    """Each number with its path."""
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{path}{name}.")
        elif value is not None:
            yield f"{path}{name}", value


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


def copied(images):
    return DATA.split("train").images[: len(images)]


@pytest.fixture(scope="module")
def perfect(yardstick):
    """As if a perfect model had drawn them."""
    return dict(leaves(yardstick.measure(yardstick.real.images)))


OBEYED = ["obedience.exact", "obedience.recall", "obedience.precision", "by_pixels.exact", "classification.score"]
NEAR = ["fidelity.frechet", "fidelity.coverage", "fidelity.density"]
LOOKS = ["pixel_art.in_palette", "pixel_art.stray", "pixel_art.colours"]
LOWER_IS_BETTER = ("fidelity.frechet", "fidelity.kernel", "pixel_art.stray", "pixel_art.colours", "memorisation.copies")
WORSE = {  # the figures that each damage must make worse, and those that it must leave alone
    noisy: ([*OBEYED, *NEAR, "fidelity.kernel", *LOOKS], []),
    blurred: ([*OBEYED, *NEAR, "fidelity.kernel", *LOOKS], []),
    of_others: (OBEYED, [*NEAR, *LOOKS, "memorisation.copies"]),
    repeated: (
        [
            "obedience.exact",
            "obedience.recall",
            "by_pixels.exact",
            "classification.score",
            "fidelity.frechet",
            "fidelity.coverage",
        ],
        LOOKS[:1],
    ),
    copied: ([*OBEYED, "memorisation.copies"], LOOKS[:1]),
}


@pytest.mark.parametrize("damage", WORSE, ids=lambda damage: damage.__name__)
def test_figures_move_the_right_way_on_known_damage(yardstick, perfect, damage):
    damaged = dict(leaves(yardstick.measure(damage(yardstick.real.images))))
    worse, alike = WORSE[damage]
    for name in worse:
        assert (damaged[name] > perfect[name]) if name in LOWER_IS_BETTER else (damaged[name] < perfect[name]), name
    for name in alike:
        assert damaged[name] == pytest.approx(perfect[name], abs=1e-3), name
    assert (damaged["memorisation.copies"] == 1) == (damage is copied)
    assert (damaged["memorisation.feature_distance"] < 1e-3) == (damage is copied)


def test_the_frechet_distance_is_that_of_another_computation_on_the_same_features(yardstick, perfect):
    features = yardstick.judge.features(yardstick.real.images)
    assert perfect["fidelity.frechet"] == pytest.approx(by_eigenvalues(yardstick._others, features), abs=1e-3)


def test_what_was_measured_is_not_measured_again(drawer, judge, monkeypatch):
    first = evaluate(drawer, count=120, draws=2, steps=2)
    with monkeypatch.context() as patch:
        patch.setattr("noisette.inference.generator.Generator.draw", lambda *_, **__: pytest.fail("it drew again"))
        patch.setattr(Yardstick, "measure", lambda *_: pytest.fail("it measured again"))
        assert evaluate(drawer, count=120, draws=2, steps=2) == first
    records = list((drawer / "evaluations").glob("validation-120-seed-*-ddim-2-guidance-2-*"))
    assert len(records) == 2
    with Image.open(records[0] / "drawn.png") as picture:
        assert picture.size == (25 * 8, 5 * 8)


@pytest.mark.parametrize("file", ["drawn.png", "figures-*.json"])
def test_a_record_that_was_cut_short_is_made_again(drawer, judge, file):
    first = evaluate(drawer, count=121, draws=1, steps=2)
    [path] = (drawer / "evaluations").glob(f"validation-121-*/{file}")
    path.write_bytes(path.read_bytes()[:60])
    for figures in path.parent.glob("figures-*.json"):
        figures.write_text(figures.read_text()[:60])
    assert evaluate(drawer, count=121, draws=1, steps=2) == first
    with Image.open(path.parent / "drawn.png") as picture:
        picture.load()  # whole


def test_a_kept_drawing_is_what_was_drawn(drawer, judge):
    trial = put_on_trial(drawer, count=28)
    sampling = trial.generator.choices.sampling(steps=2)
    first = trial.draw(sampling, 5)
    assert np.array_equal(put_on_trial(drawer, count=28).draw(sampling, 5), first)
    assert np.array_equal(first[3], trial.generator.draw(trial.yardstick.real.attributes[3:4], [8], sampling)[0])


def test_figures_of_another_shape_are_taken_again(drawer, judge):
    first = evaluate(drawer, count=123, draws=1, steps=1)
    [path] = (drawer / "evaluations").glob("validation-123-*/figures-*.json")
    path.write_text("{}")
    assert evaluate(drawer, count=123, draws=1, steps=1) == first


def test_what_a_person_should_know_is_told(capsys, drawer, judge, tmp_path):
    """An older checkpoint in the place of a damaged one; a judge that can hardly read."""
    folder = noisette.train(
        parse_recipe(CONDITIONAL, source="t", overrides=[*MANY, "training.steps=430", "samples.every=1"]),
        out=tmp_path / "r",
    ).folder
    newest = max((folder / "checkpoints").glob("step-*.safetensors"))
    newest.write_bytes(newest.read_bytes()[:1000])
    out = run(capsys, "evaluate", folder, "--draws", 1, "--count", 5, "--steps", 1)[1]
    assert "is damaged" in out
    assert "using an older one" in out
    trial = put_on_trial(drawer, count=20)
    blind = replace(
        trial, yardstick=replace(trial.yardstick, judge=fit_judge(DATA.split("train").take(np.arange(64)), epochs=1))
    )
    [note] = verdict(blind, trial.generator.choices.sampling(steps=1), draws=1)["notes"]
    assert "so figures by it say little" in note


def test_a_damaged_judge_is_not_called_missing(capsys, drawer, monkeypatch, tmp_path):
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path))
    _, path = fit_and_keep(DATA.split("train").take(np.arange(64)), epochs=1)
    path.rename(path.with_name(f"sprites-{DATA.split('train').fingerprint[:16]}.safetensors"))
    [path] = (tmp_path / "judges").iterdir()
    path.write_bytes(path.read_bytes()[:200])
    status, _, err = run(capsys, "evaluate", drawer)
    assert (status, err.count("\n")) == (1, 1)
    assert "is damaged; remove it, or train it again" in err


def test_who_interrupts_is_told_that_nothing_is_lost(capsys, drawer, judge, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("noisette.inference.generator.Generator.draw", interrupted)
    status, _, err = run(capsys, "evaluate", drawer, "--count", 7)
    assert (status, err) == (130, "interrupted; what was drawn and measured is kept, and the same command goes on\n")


def test_parts_that_were_measured_are_not_measured_again(drawer, judge, monkeypatch):
    trial = put_on_trial(drawer, count=124)
    sampling = trial.generator.choices.sampling(steps=2)
    taken: list[str] = []
    measure = Yardstick.measure

    def told(yardstick, images, progress, parts):
        taken.extend(parts)
        return measure(yardstick, images, progress, parts)

    monkeypatch.setattr(Yardstick, "measure", told)
    few = trial.figures(sampling, 0, parts=("obedience", "exactness"))
    assert taken == list(few) == ["obedience", "exactness"]
    taken.clear()
    more = trial.figures(sampling, 0, parts=("exactness", "fidelity"))
    assert taken == ["fidelity"]
    assert more["exactness"] == few["exactness"]


def test_another_judge_measures_what_was_drawn_before(drawer, judge, monkeypatch, tmp_path):
    evaluate(drawer, count=126, draws=1, steps=2)
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path))
    other, _ = fit_and_keep(DATA.split("train"), epochs=1)
    monkeypatch.setattr("noisette.inference.generator.Generator.draw", lambda *_, **__: pytest.fail("it drew again"))
    assert evaluate(drawer, count=126, draws=1, steps=2)["judge"]["weights"] == other.digest != judge.digest


def test_a_run_without_attributes_is_measured_by_what_is_left(capsys, judge, tmp_path):
    folder = noisette.train(parse_recipe(TINY, source="t", overrides=MANY), out=tmp_path / "r").folder
    found = json.loads(run(capsys, "evaluate", folder, "--draws", 1, "--json")[1])
    assert found["drawn"]["obedience"] is None
    assert found["spread"] is None
    assert found["left_out"]["obedience"] == "it was trained without attributes"
    assert math.isfinite(found["drawn"]["fidelity"]["frechet"])


def test_pairs_that_were_kept_out_of_the_training_can_be_asked_for(judge, tmp_path):
    first, second = DATA.schema.names[1], DATA.schema.names[2]
    pair = [[DATA.schema.attributes[1].values[1], DATA.schema.attributes[2].values[1]]]
    pair = [
        [
            f"{name}={value}" if isinstance(value, str) else name
            for name, value in zip((first, second), pair[0], strict=True)
        ]
    ]
    folder = noisette.train(
        parse_recipe(CONDITIONAL, source="t", overrides=[*MANY, f"dataset.hold_out={json.dumps(pair)}"]),
        out=tmp_path / "r",
    ).folder
    trial = put_on_trial(folder, split="held-out")
    assert 0 < trial.count < 500
    assert (trial.yardstick.real.attributes[:, [1, 2]] == 1).all()
    assert not (trial.yardstick.train.attributes[:, [1, 2]] == 1).all(axis=1).any()
    found = evaluate(folder, split="held-out", draws=1)
    assert found["drawn"]["new_pairs"]["images"] == trial.count
    assert "new_pairs" not in found["left_out"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--count", 141], "the validation split of sprites has 140 images; use a --count of at most that"),
        (["--split", "tset"], 'no split "tset"; nearest: test'),
        (["--split", "held-out"], "so it has no held-out images"),
        (["--judge-epochs", 3], "--judge-epochs goes with --fit-judge"),
        (["--fit-judge", "sprites"], "name the run to evaluate, or the data set"),
        (["--draws", 0], "0 is not in the range"),
        (["--steps", 0], "steps must be"),
        (["--checkpoint", 1], "no checkpoint of step 1 is kept"),
    ],
)
def test_what_cannot_be_evaluated(capsys, drawer, judge, options, message):
    status, out, err = run(capsys, "evaluate", drawer, *options)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert message in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--split", "held-out"], 'no split "held-out"'),
        (["--steps", 3], "--steps is of an evaluation"),
        (["--count", 3], "--count is of an evaluation"),
    ],
)
def test_a_judge_is_not_trained_in_vain(capsys, monkeypatch, options, message):
    monkeypatch.setattr("noisette.evaluation.judges.fit_judge", lambda *_, **__: pytest.fail("it trained"))
    status, _, err = run(capsys, "evaluate", "--fit-judge", "sprites", *options)
    assert (status, err.count("\n")) == (2, 1)
    assert message in err


def test_a_judge_that_was_trained_here_goes_before_the_one_that_ships(monkeypatch, tmp_path, judge):
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path))
    monkeypatch.setattr("noisette.evaluation.judges._shipped", lambda: tmp_path)
    few = DATA.split("train").take(np.arange(400))
    shipped = fit_judge(few, epochs=2)
    shipped.save(tmp_path / "a.safetensors")
    assert find_judge(few, "x").digest == shipped.digest
    mine, _ = fit_and_keep(few, epochs=1)
    assert find_judge(few, "x").digest == mine.digest != shipped.digest


def test_what_the_pixels_hide_counts_against_nobody(yardstick):
    """As if nobody could see what the judge misses in the real images."""
    real, seen = yardstick.real, yardstick.judge.read(yardstick.real.images)
    seeing = replace(yardstick, hidden=seen != real.attributes)
    found = seeing.measure(real.images)["obedience"]
    assert (found["visible"], found["recall"], found["precision"]) == (1, 1, 1)
    assert found["exact"] == (seen == real.attributes).all(axis=1).mean() < 1
    assert seeing.verdicts(real.images)[1].all()


def test_the_real_figures_of_one_run_are_not_those_of_another(drawer, judge, tmp_path):
    """A run from before palettes were kept is measured like the rest."""
    shutil.copytree(drawer, tmp_path / "old", ignore=lambda *_: ["palette.json", "evaluations"])
    assert (
        evaluate(tmp_path / "old", count=122, draws=1, steps=1)["real"]
        == evaluate(drawer, count=122, draws=1, steps=1)["real"]
    )


def test_one_image_is_described_too(drawer, judge):
    trial = put_on_trial(drawer, count=1)
    told = describe(verdict(trial, trial.generator.choices.sampling(steps=1), draws=2))
    assert "1 images of the validation split" in told


def test_on_the_train_split_the_judge_is_no_ceiling_and_distances_are_to_others(drawer, judge):
    trial = put_on_trial(drawer, split="train", count=200)
    assert "no ceiling" in trial.notes[0]
    own = {image.tobytes() for image in trial.yardstick.real.images}
    assert not own & {image.tobytes() for image in trial.yardstick.train.images[trial.yardstick._unasked]}


def test_a_judge_of_what_there_is_not(capsys):
    status, _, err = run(capsys, "evaluate", "--fit-judge", "cryptopunk")
    assert (status, err.count("\n")) == (2, 1)
    assert "cryptopunks" in err


def test_a_run_without_a_checkpoint(capsys, drawer, judge, tmp_path):
    (tmp_path / "bare").mkdir()
    for file in drawer.iterdir():
        if file.is_file():
            (tmp_path / "bare" / file.name).write_bytes(file.read_bytes())
    status, _, err = run(capsys, "evaluate", tmp_path / "bare")
    assert (status, err.count("\n")) == (2, 1)
    assert "has no checkpoint yet" in err


def test_data_that_changed_since_the_training(capsys, judge, tmp_path):
    folder = noisette.train(parse_recipe(CONDITIONAL, source="t", overrides=MANY), out=tmp_path / "r").folder
    recipe = folder / "recipe.toml"
    recipe.write_text(recipe.read_text().replace("count = 2800", "count = 2801"))
    status, _, err = run(capsys, "evaluate", folder)
    assert (status, err.count("\n")) == (2, 1)
    assert "is not the one that" in err
    assert "SHA-256" in err


def test_a_judge_of_other_images_is_refused(drawer, kept):
    other, _ = fit_and_keep(sprites(400, 8).split("train"), epochs=1)
    with pytest.raises(noisette.RequestError, match="the judge was trained on other images"):
        evaluate(drawer, judge=other)


def test_few_images_leave_figures_out(capsys, drawer, judge):
    found = json.loads(run(capsys, "evaluate", drawer, "--count", 20, "--draws", 1, "--json")[1])
    assert found["left_out"]["fidelity"] == "distances need at least 100 images, not 20"
    assert found["left_out"]["classification"] == "the accuracy score needs at least 128 images, not 20"
    assert found["drawn"]["obedience"]["images"] == 20


def test_mean_and_spread_by_hand():
    mean, spread = mean_and_spread([{"a": {"b": 1.0, "c": 2}, "d": None}, {"a": {"b": 3.0, "c": None}, "d": None}])
    assert mean == {"a": {"b": 2.0, "c": 2}, "d": None}
    assert spread == {"a": {"b": pytest.approx(math.sqrt(2)), "c": None}, "d": None}
    assert (find(mean, "a.b"), find(mean, "a.x.y"), find(None, "a")) == (2.0, None, None)
    assert mean_and_spread([{"a": 1.0}])[1] is None
