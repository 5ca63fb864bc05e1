"""From a folder to a model: one command, and everything that works for the models that ship works for it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import noisette
from noisette.attributes.schema import AttributeSchema, Flag
from noisette.cli import main
from noisette.config.recipe import load_recipe
from noisette.config.suggestion import recipe_of, recipe_of_folder
from noisette.data.collections.collection import open_collection
from noisette.errors import RequestError
from noisette.training import estimate
from noisette.training.expectation import Speed
from noisette.training.start import _check_labels
from tests.layers.made import COLOURS, codes, drawn, parts

from .avatars import avatar, images, save, token, write_json

SMALL = ["network.widths=[8]", "network.attention=[false]", "network.map_channels=4", "network.pixel_map_channels=2"]
SMALL += ["network.pixel_width=8", "training.compile=no", "training.precision=float32", "training.layout=contiguous"]
SETS = [part for setting in SMALL for part in ("--set", setting)]


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NOISETTE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def folder(cache, tmp_path_factory):
    folder = images(tmp_path_factory.mktemp("data") / "avatars", 120)
    for number in range(120):
        if number != 5:
            write_json(folder / f"{number}.json", token(number))
    return folder


@pytest.fixture(scope="module")
def trained(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "mine"
    assert main(["train", str(folder), "--steps", "4", "--out", str(out), *SETS]) == 0
    return out


def test_the_choices_stand_in_the_recipe_of_the_run_with_their_reasons(trained, folder):
    recipe = load_recipe(str(trained / "recipe.toml"))
    assert recipe.dataset.description.name == "avatars"
    assert (recipe.dataset.shape, recipe.diffusion.target) == ((4, 12, 12), "palette")
    assert recipe.reasons["diffusion.target"].startswith("a pixel has one of ")
    assert "network.widths" not in recipe.reasons  # a person chose them
    assert "training.budget" not in recipe.reasons
    assert all(recipe.reasons.values())
    assert recipe.training.steps == 4


def test_it_draws_what_is_asked_for_with_its_alpha_and_its_colours(trained, tmp_path):
    assert (
        main(
            [
                "generate",
                str(trained),
                "--attributes",
                "Blue, Hat=Crown",
                "--count",
                "1",
                "--out",
                str(tmp_path / "a.png"),
                "--scale",
                "1",
            ]
        )
        == 0
    )
    drawn = np.asarray(Image.open(tmp_path / "a.png").convert("RGBA"))
    assert drawn.shape == (12, 12, 4)
    assert set(map(tuple, drawn.reshape(-1, 4))) <= {
        tuple(colour) for number in range(120) for colour in avatar(number).reshape(-1, 4)
    }


def test_a_run_draws_and_is_evaluated_from_its_own_folder_alone(trained, folder, tmp_path, monkeypatch, capsys):
    """The images may be gone, or on another machine, for all but training and measuring."""
    elsewhere = folder.with_name("moved")
    folder.rename(elsewhere)
    try:
        images_ = noisette.load(trained).generate("Red", seeds=[1])
        assert images_.shape == (1, 4, 12, 12)
        assert main(["resume", str(trained), "--steps", "1"]) == 2
        assert f"no folder {folder}" in capsys.readouterr().err
    finally:
        elsewhere.rename(folder)
    monkeypatch.setattr("noisette.evaluation.classifiers.usual_epochs", lambda images: 1)
    monkeypatch.setattr("noisette.evaluation.classifier_training.FEWEST_IMAGES", 16)
    monkeypatch.setattr("noisette.evaluation.classifier_training._BATCH", 16)
    assert main(["evaluate", str(trained), "--draws", "1", "--steps", "2", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert 0 <= told["real"]["attribute_accuracy"]["exact"] <= 1


def test_training_goes_on_from_the_same_images_alone(trained, folder, tmp_path, capsys):
    run = tmp_path / "copy"
    shutil.copytree(trained, run)
    assert main(["resume", str(run), "--steps", "1"]) == 0
    save(folder / "5.png", avatar(700))
    try:
        capsys.readouterr()
        assert main(["resume", str(run), "--steps", "1"]) == 2
        assert "is not the one that" in capsys.readouterr().err
    finally:
        save(folder / "5.png", avatar(5))


def test_a_name_that_is_a_folder_and_something_else_is_asked_back(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for verb, name in ((["train"], "punks"), (["data", "inspect"], "sprites")):
        images(tmp_path / name, 25)
        assert main([*verb, name]) == 2
        assert f'"{name}" means two things here' in capsys.readouterr().err
    assert main(["data", "inspect", "./sprites", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["images"] == 25


def test_inspect_tells_a_person_and_a_program(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert main(["data", "inspect", str(folder), "--page", "a.html", "--settings", "a.toml", "--out", "a.png"]) == 0
    told = capsys.readouterr().out
    assert "avatars: 120 of 120 images, 12x12 RGBA; PNG files with ERC-721 metadata, one JSON file each" in told
    assert "has no metadata; its traits are unknown" in told
    assert "5.png" in told
    page = (tmp_path / "a.html").read_text()
    assert "<script" not in page
    assert page.count("data:image/png;base64,") > 1
    assert main(["data", "inspect", str(folder), "--json", "--out", "b.png"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {each["kind"]: each["count"] for each in found["findings"]}["no metadata"] == 1
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    shutil.copytree(folder, tmp_path / "again")
    shutil.copy("a.toml", tmp_path / "again" / "collection.toml")
    again = open_collection(tmp_path / "again").dataset
    assert again.fingerprint == open_collection(folder).dataset.fingerprint  # it says how it was understood
    monkeypatch.chdir(folder)
    assert main(["data", "inspect", "."]) == 0
    assert "no contact sheet is written here" in capsys.readouterr().err
    assert main(["data", "inspect", ".", "--out", "sheet.png"]) == 2


def test_what_cannot_be_learned_says_why(tmp_path, cache, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    few = images(tmp_path / "few", 5)
    for number in range(30):
        save(
            tmp_path / "large" / f"{number}.png",
            np.random.default_rng(number).integers(0, 256, (200, 200, 3), np.uint8),
        )
    for folder, message in ((few, "at least 20 are needed"), (tmp_path / "large", 'write size = "')):
        assert main(["train", str(folder), "--dry-run"]) == 2
        assert message in capsys.readouterr().err
        assert main(["data", "inspect", str(folder), "--json"]) == 0
        assert message in json.loads(capsys.readouterr().out)["why_not"]


@pytest.mark.parametrize(("height", "width"), [(8, 8), (17, 23), (28, 28), (32, 128), (128, 96)])
@pytest.mark.parametrize("art", [True, False])
def test_a_recipe_is_found_for_any_size(cache, tmp_path, height, width, art):
    random = np.random.default_rng(0)
    for number in range(30):
        image = random.integers(0, 2 if art else 256, (height, width, 3), np.uint8) * np.uint8(200 if art else 1)
        save(tmp_path / "a" / "xy"[number % 2] / f"{number}.png", image)
    recipe = recipe_of_folder(tmp_path / "a")
    assert recipe.dataset.shape == (3, height, width)
    assert recipe.diffusion.target == ("palette" if art else "image")
    assert recipe.conditional


def test_images_alone_make_an_unconditional_recipe(cache, tmp_path):
    recipe = recipe_of(open_collection(images(tmp_path / "a", 40)))
    assert not recipe.conditional
    assert recipe.diffusion.target == "palette"


def test_a_collection_of_layers_is_drawn_right_after_a_few_steps(cache, tmp_path):
    """What each value draws is counted before the training, so that combinations nobody has seen need hardly any."""
    run = noisette.train(str(in_layers(tmp_path / "parts", 400)), steps=4, out=tmp_path / "run", settings=FEW)
    assert drawn_right(run.folder) > 0.8


def test_a_network_that_begins_with_weights_without_layers_has_them_where_the_images_suit(cache, tmp_path, monkeypatch):
    """Whatever a network begins with, it is no worse than one that begins with nothing."""
    monkeypatch.chdir(tmp_path)
    before = ['network.condition=["modulate"]', "network.pixel_width=0"]
    base = noisette.train(str(in_layers(tmp_path / "a", 100, seed=7)), steps=4, out="base", settings=[*FEW, *before])
    folder = str(in_layers(tmp_path / "parts", 400))
    run = noisette.train(folder, steps=4, out="run", settings=FEW, base=base.folder)
    assert run.recipe.network.condition == ["modulate", "spatial", "layers"]
    assert run.recipe.reasons["network.condition"] == "the images suit spatial and layers, which that model has not"
    assert drawn_right(run.folder) > 0.8
    unconditional = recipe_of_folder(images(tmp_path / "plain", 40))
    assert recipe_of_folder(folder, base=unconditional).network.condition == ["modulate", "spatial", "layers"]
    with monkeypatch.context() as patch:  # images with a choice too many
        patch.setattr("noisette.config.suggestion._MOST_UNITS", 3)
        assert recipe_of_folder(folder, base=run.recipe).network.condition == ["modulate", "spatial"]


def test_few_images_of_a_collection_that_is_known_take_nothing_from_what_was_counted_in_many(cache, tmp_path, capsys):
    base = noisette.train(str(in_layers(tmp_path / "many", 400)), steps=4, out=tmp_path / "base", settings=FEW)
    few = str(in_layers(tmp_path / "few", 40, order=3))
    words = ["train", few, "--steps", "4", *(part for each in FEW for part in ("--set", each))]
    assert main([*words, "--out", str(tmp_path / "alone")]) == 0
    assert drawn_right(tmp_path / "alone") < 0.5
    capsys.readouterr()
    assert main([*words, "--out", str(tmp_path / "run"), "--from", str(base.folder)]) == 0
    assert "layers are those that it begins with" in capsys.readouterr().err
    assert drawn_right(tmp_path / "run") > 0.8
    other = str(in_layers(tmp_path / "other", 40, names="wxyz"))
    assert main(["train", other, *words[2:], "--out", str(tmp_path / "apart"), "--from", str(base.folder)]) == 0
    told = capsys.readouterr().err
    assert "base knows 0 of the " in told
    assert "a training without --from may be as good or better" in told


FEW = [*SMALL, "training.batch_size=16", "sampling.steps=4"]
PARTS = ("sky", "body", "head", "glasses")


def in_layers(folder, count, seed=0, order=1, names="sbhg"):
    """A folder of images put together from parts, which a seed says."""
    folder.mkdir()
    table, wanted = parts(seed), codes(count, seed=order)
    lines = [",".join(["file_name", *PARTS])]
    for number, (row, image) in enumerate(zip(wanted, drawn(table, wanted), strict=True)):
        Image.fromarray(colours_of_parts()[image]).save(folder / f"{number}.png")
        lines.append(",".join([f"{number}.png", *(f"{name}{code}" for name, code in zip(names, row, strict=True))]))
    (folder / "metadata.csv").write_text("\n".join(lines))
    return folder


def drawn_right(run):
    """The share of new combinations of the parts of seed 0 that a run draws right in every pixel."""
    new = codes(40, seed=2)
    requests = [{name: f"{name[0]}{code}" for name, code in zip(PARTS, row, strict=True)} for row in new]
    images = noisette.load(run).generate(requests, seeds=range(40), allow_unseen=True)
    right = colours_of_parts()[drawn(parts(), new)].transpose(0, 3, 1, 2)
    return (np.stack(list(images)) == right).all(axis=(1, 2, 3)).mean()


def colours_of_parts():
    return np.random.default_rng(5).integers(256, size=(COLOURS, 3), dtype=np.uint8)


@pytest.mark.slow
def test_images_without_a_label_are_learned_from_and_not_asked_for(cache, tmp_path, capsys):
    folder = images(tmp_path / "avatars", 200)
    for number in range(0, 200, 2):
        write_json(folder / f"{number}.json", token(number))
    run = noisette.train(str(folder), steps=2, out=tmp_path / "run", settings=[*SMALL, "training.batch_size=8"])
    splits = open_collection(folder).dataset.split("validation")
    unlabelled = int((splits.attributes == -1).all(axis=1).sum())
    assert unlabelled
    assert main(["evaluate", str(run.folder), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["images"], found["unlabelled"]) == (len(splits) - unlabelled, unlabelled)
    note = f"{unlabelled} images of the validation split have no label"
    assert any(note in each for each in found["notes"])
    over = ["sweep", str(run.folder), "--over", "steps=1", "--draws", "1"]
    assert main([*over, "--figure", "exact", "--out", str(tmp_path / "sweep")]) == 0
    assert note in capsys.readouterr().out
    assert main(["evaluate", "--fit-classifier", str(run.folder), "--overwrite", "--classifier-epochs", "1"]) == 0
    assert f"{unlabelled} more have no label" in capsys.readouterr().out


def test_labels_that_are_kept_for_validation_and_test_alone_are_refused(cache, tmp_path):
    folder = images(tmp_path / "avatars", 200)
    whole = open_collection(folder).dataset
    schema = AttributeSchema(attributes=(Flag(name="Cap"),))
    table = np.where(whole.membership == 0, -1, np.arange(len(whole)) % 2).astype(np.int16)[:, None]
    with pytest.raises(RequestError, match="no image of the train split has a label for Cap, .*; label more, or"):
        _check_labels(replace(whole, schema=schema, attributes=table))


def test_an_estimate_says_what_it_leaves_out(folder, tmp_path, capsys, monkeypatch):
    """Measuring the machine and counting layers come before the first step, and are not in the time of a training."""
    monkeypatch.chdir(tmp_path)
    speed = Speed(images_per_second=64.0, by="training")
    monkeypatch.setattr(estimate, "speed_here", lambda recipe, dataset: speed)
    assert main(["data", "inspect", str(folder), "--estimate"]) == 0
    assert "measuring this machine and counting layers comes before the first step, and on top of 30m" in (
        capsys.readouterr().out
    )
