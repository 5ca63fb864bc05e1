"""The floor beside a run: baselines in the same tables, measured the same way, made once."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

import noisette
from noisette.cli import main
from noisette.config.recipe import parse_recipe
from noisette.data.sources.sprites import sprites
from noisette.evaluation.classifiers import fit_and_keep
from noisette.evaluation.evaluate import evaluate
from noisette.evaluation.floor import beaten, floor_of
from noisette.evaluation.reference import ReferenceSet
from noisette.evaluation.setup import prepare
from noisette.evaluation.tables import describe, rows
from noisette.floor.registry import BASELINES

from ..conftest import CONDITIONAL, TINY

pytest.importorskip("sklearn")

MANY = ["dataset.count=2800", "training.steps=2", "samples.every=100"]
OPTIONS = ["--draws", 1, "--steps", 1, "--count", 110]


@pytest.fixture(scope="module", autouse=True)
def kept(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NOISETTE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def classifier(kept):
    return fit_and_keep(sprites(2800, 8).split("train"), epochs=1)[0]


@pytest.fixture(scope="module")
def drawer(classifier, tmp_path_factory):
    return noisette.train(
        parse_recipe(CONDITIONAL, source="t", overrides=MANY), out=tmp_path_factory.mktemp("runs") / "drawer"
    ).folder


def run(capsys, *arguments):
    status = main([str(argument) for argument in arguments])
    output = capsys.readouterr()
    assert status == 0, output.err
    return output.out


def test_baselines_stand_beside_the_model_with_their_seconds(capsys, drawer):
    found = json.loads(run(capsys, "evaluate", drawer, *OPTIONS, "--floor", "--json"))
    assert list(found["floor"]) == ["nearest", "trees", "layers"]
    assert found["no_floor"] == dict.fromkeys(["resampled", "marginal", "chain"], "it takes requests")
    assert found["training_seconds"] > 0
    for its in found["floor"].values():
        assert its["seconds"] >= 0
        assert its["processor_seconds"] >= 0
        assert its.keys() - {"seconds", "processor_seconds"} == found["drawn"].keys()
        assert its["by_pixels"]["exact"] > found["drawn"]["by_pixels"]["exact"]  # two steps of training beat nothing
    assert found["floor"]["nearest"]["memorisation"]["copies"] == 1
    assert found["notes"][0].startswith("the floor (nearest) beats the model in all attributes correct")
    assert [note for note in found["notes"] if "exact match on the palette" in note]
    table = run(capsys, "evaluate", drawer, *OPTIONS, "--floor")
    [head] = [line for line in table.splitlines() if line.split()[:3] == ["drawn", "spread", "real"]]
    assert head.split() == ["drawn", "spread", "real", "nearest", "trees", "layers"]
    [seconds] = [line for line in table.splitlines() if line.startswith("seconds of training or counting")]
    assert len(seconds.split()) == 9
    [processor] = [line for line in table.splitlines() if line.startswith("seconds of the processor")]
    assert len(processor.split()) == 7  # of a training nobody counts them
    assert "trees: a decision tree for each pixel" in table
    assert "left out: resampled, marginal, chain, for it takes requests" in table


def test_without_asking_there_is_no_floor(capsys, drawer, monkeypatch):
    monkeypatch.setattr("noisette.evaluation.evaluate.floor_of", lambda *_: pytest.fail("it made one"))
    found = json.loads(run(capsys, "evaluate", drawer, *OPTIONS, "--json"))
    assert not {"floor", "no_floor", "training_seconds"} & found.keys()
    assert all(row.floor == () for row in rows(found))


def test_runs_on_the_same_data_share_a_floor(drawer, tmp_path, monkeypatch):
    first = evaluate(drawer, count=112, draws=1, steps=1, floor=True)
    other = noisette.train(
        parse_recipe(CONDITIONAL, source="t", overrides=[*MANY, "training.seed=3"]), out=tmp_path / "other"
    ).folder
    for name, baseline in BASELINES.items():
        drawn_again = replace(baseline, draw=lambda *_: pytest.fail("it was made again"))
        monkeypatch.setitem(BASELINES, name, drawn_again)
    assert evaluate(other, count=112, draws=1, steps=1, floor=True)["floor"] == first["floor"]
    monkeypatch.setattr(ReferenceSet, "measure", lambda *_: pytest.fail("it was measured again"))
    assert evaluate(drawer, count=112, draws=1, steps=1, floor=True) == first


def test_another_version_of_a_baseline_is_made_anew(drawer, monkeypatch):
    evaluate(drawer, count=113, draws=1, steps=1, floor=True)
    changed = replace(BASELINES["trees"], version=99, draw=lambda train, codes, *_: train.images[: len(codes)])
    monkeypatch.setitem(BASELINES, "trees", changed)
    found = evaluate(drawer, count=113, draws=1, steps=1, floor=True)["floor"]["trees"]
    assert found["memorisation"]["copies"] == 1


def test_a_baseline_is_measured_as_real_images_are(drawer, monkeypatch):
    """One that knows the answers has the figures of the real images."""
    setup = prepare(drawer, count=114)
    knows = replace(BASELINES["nearest"], version=100, draw=lambda *_: setup.reference.real.images)
    monkeypatch.setitem(BASELINES, "nearest", knows)
    found = evaluate(drawer, count=114, draws=1, steps=1, floor=True)
    its = found["floor"]["nearest"]
    assert {name: its[name] for name in found["real"]} == found["real"]


def test_a_run_without_requests_is_held_against_lots(classifier, tmp_path):
    folder = noisette.train(parse_recipe(TINY, source="t", overrides=MANY), out=tmp_path / "r").folder
    found = evaluate(folder, draws=1, count=120, floor=True)
    assert list(found["floor"]) == ["resampled", "marginal", "chain"]
    assert found["no_floor"]["trees"] == "nothing is requested"
    assert found["floor"]["resampled"]["fidelity"]["frechet"] < found["floor"]["marginal"]["fidelity"]["frechet"]
    assert found["floor"]["resampled"]["memorisation"]["copies"] == 1
    assert found["floor"]["marginal"]["pixel_art"]["in_palette"] == 1
    isolated = {name: of["pixel_art"]["isolated"] for name, of in (*found["floor"].items(), ("real", found["real"]))}
    assert abs(isolated["chain"] - isolated["real"]) < abs(isolated["marginal"] - isolated["real"]) / 2
    assert re.match(
        r"the floor \(resampled\) beats the model in valid to the pixel.*Fréchet distance", found["notes"][0]
    )
    assert "left out: " in describe(found)


def test_the_report_has_the_same_columns(capsys, drawer, tmp_path):
    page = tmp_path / "page.html"
    run(capsys, "report", drawer, "--count", 110, "--draws", 1, "--floor", "--out", page)
    text = page.read_text(encoding="utf-8")
    assert '<th class="number">trees</th>' in text
    assert "seconds of training or counting" in text
    assert "Without a network: nearest, the training image nearest by attributes" in text
    assert f"noisette evaluate {drawer} --count 110 --split validation --seed 0 --draws 1 --floor" in text
    run(capsys, "report", drawer, "--count", 110, "--draws", 1, "--out", page, "--overwrite")
    assert "Without a network" not in page.read_text(encoding="utf-8")


def test_a_classifier_has_no_floor(capsys):
    assert main(["evaluate", "--fit-classifier", "sprites", "--floor"]) == 2
    assert "--floor is of an evaluation" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("drawn", "theirs", "told"),
    [
        (0.9, 0.918, ["the floor (trees) beats the model in exact match on the palette: 0.918, drawn 0.900"]),
        (0.9184, 0.9176, []),  # the same in a table
        (0.99, 0.918, []),
    ],
)
def test_a_note_says_what_the_floor_is_better_at(drawn, theirs, told):
    drawn, theirs = ({"pixel_accuracy": {"snapped_whole": value}} for value in (drawn, theirs))
    assert beaten(drawn, {"trees": theirs}, real={"pixel_accuracy": {"snapped_whole": 1.0}}) == told


def test_a_smaller_distance_is_better_down_to_that_of_real_images():
    great, small, real = ({"fidelity": {"frechet": value}} for value in (4.0, 2.0, 3.0))
    assert "Fréchet distance: 2.000, drawn 4.000" in beaten(great, {"resampled": small}, real)[0]
    assert beaten(small, {"resampled": great}, real) == []
    assert beaten(real, {"resampled": small}, real) == []  # nothing is better than real images


def test_a_model_that_is_as_right_as_real_images_is_not_beaten():
    drawn, theirs = ({"attribute_accuracy": {"exact": value}} for value in (0.938, 0.940))
    assert beaten(drawn, {"trees": theirs}, real=drawn) == []
    assert beaten(drawn, {"trees": theirs}, real=theirs) != []


def test_the_seconds_of_a_drawing_are_kept_with_it(drawer):
    setup = prepare(drawer, count=115)
    first = floor_of(setup, parts=("pixel_accuracy",))
    assert np.isfinite([its["seconds"] for its in first["floor"].values()]).all()
    assert floor_of(setup, parts=("pixel_accuracy",)) == first
