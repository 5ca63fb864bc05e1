"""Sweeps and the report, from the command line, over a run that hardly learned."""

from __future__ import annotations

import csv
import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image

import noisette
from noisette.cli import main
from noisette.config.recipe import parse_recipe
from noisette.data.sources.sprites import sprites
from noisette.evaluation.axes import chosen_figures, parse_axis
from noisette.evaluation.classifiers import fit_and_keep
from noisette.store.run import open_run

from ..conftest import CONDITIONAL, TINY

SMALL = ["dataset.count=1000", "training.steps=6", 'training.checkpoint_every="1s"', "samples.every=100"]


@pytest.fixture(scope="module", autouse=True)
def kept(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NOISETTE_CACHE", str(tmp_path_factory.mktemp("cache")))
        fit_and_keep(sprites(1000, 8).split("train"), epochs=2)
        yield


@pytest.fixture(scope="module")
def drawer(tmp_path_factory):
    return noisette.train(
        parse_recipe(CONDITIONAL, source="t", overrides=SMALL), out=tmp_path_factory.mktemp("runs") / "drawer"
    ).folder


def run(capsys, *arguments):
    status = main([str(argument) for argument in arguments])
    output = capsys.readouterr()
    return status, output.out, output.err


def test_a_sweep_is_a_table_plots_and_a_grid(capsys, drawer):
    status, out, err = run(capsys, "sweep", drawer, "--over", "guidance=1,2,4", "--over", "steps=1,2", "--count", 20)
    assert status == 0, err
    [folder] = (drawer / "sweeps").glob("guidance-steps-*")
    with (folder / "table.csv").open() as file:
        table = list(csv.DictReader(file))
    assert [(row["guidance"], row["steps"]) for row in table] == [
        (g, s) for g in ("1.0", "2.0", "4.0") for s in ("1", "2")
    ]
    assert {(row["sampler"], row["split"], row["images"], row["averaged weights"]) for row in table} == {
        ("ddim", "validation", "20", "True")
    }
    assert all(
        0 <= float(row["attribute_accuracy.exact"]) <= 1 and row["fidelity.frechet"] == "" for row in table
    )  # too few for distances
    assert {row["attribute_accuracy.exact real"] for row in table} == {table[0]["attribute_accuracy.exact real"]}
    assert re.search(r"^ +4\.0 +2 ", out, re.M), out
    assert "real images" in out
    with Image.open(folder / "plots.png") as plots:
        assert min(plots.size) > 200
    with Image.open(folder / "grid.png") as grid:
        pixels = np.asarray(grid.convert("RGB"))
    assert (pixels == 255).all(axis=2).mean() > 0.1  # texts and gaps on white
    assert len(json.loads((folder / "sweep.json").read_text())["points"]) == 6


def test_a_sweep_that_was_stopped_goes_on(capsys, drawer, monkeypatch):
    drawn = []
    draw = noisette.load(drawer).__class__.draw

    def until_the_second(self, *arguments, **options):
        drawn.append(arguments)
        if len(drawn) == 2:
            raise KeyboardInterrupt
        return draw(self, *arguments, **options)

    monkeypatch.setattr("noisette.inference.generator.Generator.draw", until_the_second)
    options = ("sweep", drawer, "--over", "seed=100,200,300", "--count", 10, "--json")
    assert run(capsys, *options)[0] == 130
    status, out, _ = run(capsys, *options)
    assert status == 0
    assert len(drawn) == 2 + 2  # the first point was kept
    assert [point["first_seeds"] for point in json.loads(out)["points"]] == [[100], [200], [300]]


@pytest.mark.slow
def test_checkpoints_that_are_kept_can_be_compared(capsys, tmp_path):
    overrides = [
        *SMALL,
        "dataset.count=240",
        "training.steps=108",
        "training.keep=5",
        'training.checkpoint_every="1h"',
        "samples.every=1",
    ]
    folder = noisette.train(parse_recipe(CONDITIONAL, source="t", overrides=overrides), out=tmp_path / "r").folder
    steps = open_run(folder).steps
    assert steps == [36, 72, 108]  # one with each grid
    assert noisette.load(folder, step=steps[0]).step == steps[0]
    fit_and_keep(sprites(240, 8).split("train"), epochs=1)
    status, out, err = run(capsys, "sweep", folder, "--over", "checkpoint=all", "--figure", "exact", "--json")
    assert status == 0, err
    assert [point["step"] for point in json.loads(out)["points"]] == steps


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--over", "guidence=1"], '"guidence" cannot be swept; nearest: guidance'),
        (["--over", "guidance"], "write for example guidance=1,1.5,2"),
        (["--over", "guidance=1,x"], "guidance takes numbers with commas between them"),
        (["--over", "steps=5,5"], "names a value twice"),
        (["--over", "steps=5", "--over", "steps=6"], "--over names steps twice"),
        (["--over", "guidance=1,-1"], "guidance must lie between 0 and"),
        (["--over", "checkpoint=7,8"], "no checkpoint of step 7 is kept"),
        (["--over", "guidance=1", "--figure", "exakt"], 'no figure "exakt"; nearest: exact'),
        (
            ["--over", "guidance=1", "--figure", "frechet"],
            "nothing to plot: fidelity is left out, for distances need at least 100 images",
        ),
        (["--over", "seed=0,40"], "share images; keep seeds 50 apart"),
        (["--over", "seed=0,-1"], "a seed must be a whole number, 0 or more"),
    ],
)
def test_what_cannot_be_swept(capsys, drawer, tmp_path, options, message):
    status, out, err = run(capsys, "sweep", drawer, *options, "--out", tmp_path / "s")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert message in err
    assert not (tmp_path / "s").exists()


def test_a_shipped_model_has_no_checkpoints_to_compare(capsys):
    status, _, err = run(capsys, "sweep", "punks", "--over", "checkpoint=all")
    assert (status, err.count("\n")) == (2, 1)
    assert "ships with its last weights alone" in err


def test_another_sweep_of_the_same_settings_stands_beside(capsys, drawer):
    for count in (8, 9):
        assert run(capsys, "sweep", drawer, "--over", "eta=0,1", "--count", count)[0] == 0
    assert len(list((drawer / "sweeps").glob("eta-*"))) == 2


def test_a_sweep_is_not_written_among_other_things(capsys, drawer, tmp_path):
    (tmp_path / "thesis.doc").touch()
    status, _, err = run(capsys, "sweep", drawer, "--over", "steps=1", "--count", 5, "--out", tmp_path)
    assert (status, err.count("\n")) == (2, 1)
    assert "holds other things" in err


@pytest.mark.slow
def test_a_damaged_checkpoint_is_named(capsys, tmp_path):
    folder = noisette.train(
        parse_recipe(CONDITIONAL, source="t", overrides=[*SMALL, "dataset.count=240", "training.steps=40"]),
        out=tmp_path / "r",
    ).folder
    newest = folder / "checkpoints" / "step-00000040.safetensors"
    newest.write_bytes(newest.read_bytes()[:1000])
    status, _, err = run(capsys, "evaluate", folder, "--checkpoint", 40)
    assert (status, err.count("\n")) == (1, 1)
    assert "the checkpoint step-00000040.safetensors is damaged" in err


def test_a_sweep_is_not_written_over_another(capsys, drawer, tmp_path):
    options = ["sweep", drawer, "--count", 8, "--out", tmp_path / "s", "--over"]
    assert run(capsys, *options, "eta=0,1")[0] == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "s").iterdir()}
    assert sorted(before) == ["grid.png", "plots.png", "sweep.json", "table.csv"]
    for other in (["steps=1,2"], ["eta=0,1", "--draws", 2], ["eta=0,1", "--figure", "exact"]):
        status, out, err = run(capsys, *options, *other)
        assert (status, out, "holds another sweep" in err) == (2, "", True), err
    assert {path.name: path.read_bytes() for path in (tmp_path / "s").iterdir()} == before
    (tmp_path / "s" / "grid.png").unlink()
    assert run(capsys, *options, "eta=0,1")[0] == 0  # the same goes on
    assert (tmp_path / "s" / "grid.png").read_bytes() == before["grid.png"]
    assert run(capsys, *options, "steps=1,2", "--overwrite")[0] == 0
    assert "steps" in json.loads((tmp_path / "s" / "sweep.json").read_text())["over"]


def test_axes_and_figures_by_name():
    assert parse_axis("guidance=1, 1.5", "x") == ("guidance", [1.0, 1.5])
    assert parse_axis("sampler=ddim,ddpm", "x") == ("sampler", ["ddim", "ddpm"])
    assert [figure.path for figure in chosen_figures(["frechet", "attribute_accuracy.exact"])] == [
        "fidelity.frechet",
        "attribute_accuracy.exact",
    ]
    assert chosen_figures(["exact"])[0].path == "attribute_accuracy.exact"


@pytest.mark.slow
def test_the_report_is_one_file_with_everything(capsys, tmp_path):
    drawer = noisette.train(parse_recipe(CONDITIONAL, source="t", overrides=SMALL), out=tmp_path / "a$^$b").folder
    plain = noisette.train(parse_recipe(TINY, source="t", overrides=SMALL), out=tmp_path / "<plain>").folder
    run(capsys, "sweep", drawer, "--over", "guidance=1,2", "--count", 12)
    for name, text in (("half", '{"over":'), ("old", '{"over": {}, "points": [], "plotted": []}'), ("other", "[]")):
        (drawer / "sweeps" / name).mkdir()
        (drawer / "sweeps" / name / "sweep.json").write_text(text)
    status, out, err = run(capsys, "report", drawer, plain, "--out", tmp_path / "r.html", "--count", 30, "--draws", 2)
    assert status == 0, err
    page = (tmp_path / "r.html").read_text()
    assert out.strip() == str(tmp_path / "r.html")
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page)  # nothing from elsewhere
    assert "<script" not in page
    assert "&lt;plain&gt;" in page
    assert "<plain>" not in page
    for part in (
        "Losses",
        "By request",
        "Right and wrong",
        "How common, how well",
        "Nearest training images",
        "Sweep",
        "Made with",
    ):
        assert f"<h3>{part}</h3>" in page, part
    assert page.count("<svg") == 2  # the losses and the one sweep that is whole
    assert "guidance: 1.0, 2.0" in page
    assert "left out: fidelity, for distances need at least 100 images, not 30" in page
    assert (
        "left out: attribute accuracy, novel pairs, pixel accuracy, by pixels, classification, for nothing is asked for"
        in page
    )
    for command in (
        f"noisette evaluate '{drawer}' --count 30",
        f"noisette sweep '{drawer}' --over guidance=1.0,2.0 --count 12",
        "--out",
    ):
        assert command.replace("'", "&#39;") in page, command
    assert "image-rendering: pixelated" in page


def test_the_report_of_digits_has_rows_of_classes_and_that_of_a_shipped_model_no_losses(capsys, drawer, tmp_path):
    page_of = {}
    for name in ("digits",):
        assert run(capsys, "report", name, "--out", tmp_path / "r.html", "--count", 24, "--draws", 1)[0] == 0
        page_of[name] = (tmp_path / "r.html").read_text()
    assert "<h3>By class</h3>" in page_of["digits"]
    assert "<h3>Losses</h3>" not in page_of["digits"]
    assert "By request" not in page_of["digits"]


def test_a_run_that_cannot_be_measured_is_shown_with_the_reason(capsys, drawer, monkeypatch, tmp_path):
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path))
    monkeypatch.setattr("noisette.evaluation.classifier_training.FEWEST_IMAGES", 10**6)
    monkeypatch.setattr("noisette.evaluation.classifier_training._BATCH", 10**6)  # no classifier can be trained
    status, out, err = run(capsys, "report", drawer, "--out", tmp_path / "r.html", "--json")
    assert status == 0
    assert "was not measured: a classifier needs at least" in err
    assert len(json.loads(out)["not_measured"]) == 1
    page = (tmp_path / "r.html").read_text()
    assert "Not measured: a classifier needs at least" in page
    (tmp_path / "classifiers").mkdir(exist_ok=True)
    for name in ("environment.json", "metrics", "checkpoints"):
        folder = tmp_path / "without" / name
        shutil.copytree(drawer, folder, ignore=lambda *_, name=name: [name, "evaluations"])
        assert run(capsys, "report", folder, "--out", tmp_path / "r2.html", "--overwrite")[0] == 0, name
    folder = shutil.copytree(drawer, tmp_path / "damaged", ignore=lambda *_: ["evaluations"])
    (folder / "recipe.toml").write_text("[")
    assert run(capsys, "report", folder, drawer, "--out", tmp_path / "r3.html")[0] == 0
    assert "recipe.toml is damaged" in (tmp_path / "r3.html").read_text()
    assert "<svg" in page


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        (["nowhere"], "no folder nowhere"),
        (["{drawer}", "{drawer}"], "a run is named twice"),
        (["{drawer}", "--out", "no/folder/r.html"], "make it first"),
        (["{drawer}", "--out", "recipe.toml"], "name a .html file"),
    ],
)
def test_what_cannot_be_reported(capsys, drawer, monkeypatch, tmp_path, runs, message):
    monkeypatch.chdir(tmp_path)
    status, _, err = run(capsys, "report", *(each.format(drawer=drawer) for each in runs))
    assert (status, err.count("\n")) == (2, 1)
    assert message in err
    assert not (tmp_path / "report.html").exists()


def test_a_sweep_over_fewer_images_than_wanted_says_so_and_goes_on_as_any(capsys, drawer, tmp_path):
    words = ["sweep", drawer, "--over", "eta=0,1", "--count", 51, "--out", tmp_path / "s"]
    for _ in range(2):
        status, out, err = run(capsys, *words)
        assert (status, err) == (0, "")
        assert "note: the validation split gives 50 images, so a draw has these, not 51\n" in out
    assert json.loads((tmp_path / "s" / "sweep.json").read_text())["count"] == 50
