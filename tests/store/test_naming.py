"""What is told of a name under which there is no run blames what is wrong with it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from noisette.cli import main
from noisette.errors import RequestError
from noisette.store.locate import find, locate
from noisette.store.naming import name_of

OLD = Path(__file__).parents[1] / "data" / "run-of-0.1"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(OLD, tmp_path / "runs" / "mine")
    (tmp_path / "a.png").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "empty").mkdir()
    return tmp_path


LONG = "x" * 5000
TOLD = {
    "": "a name of a file or folder is empty",
    "nowhere": "no folder nowhere, and no model of that name",
    LONG: "no folder xxx.*[.]{3}xxx.*, and no model of that name",
    "a\0b": "has a NUL character in it",
    "a\x1b[31mb": r"no folder a\\x1b\[31mb",
    "a.png": "a.png is a file, not a run; `noisette regenerate a.png`",
    "notes.txt": "notes.txt is a file, not a run; a run is the folder",
    "notes.txt/x": "no folder notes.txt/x",
    "runs": "runs is a folder of runs, not a run; name one of them, such as runs/mine",
    "runs/mine/checkpoints": "in runs/mine/checkpoints, but in the folder above it: name runs/mine",
    "runs/mine/recipe.toml": "is a file, not a run; its run is runs/mine",
    "mine": "no folder mine; name the run in runs/, runs/mine",
    "empty": "no run .* in empty; a run is the folder that `noisette train` made",
    "punks-attributes": "punks-attributes is a recipe.*`noisette train punks-attributes` makes one",
    "cryptopunks": "cryptopunks is a data set, not a run",
    "punk": "nearest: punks",
}


@pytest.mark.parametrize("name", TOLD, ids=lambda name: repr(name[:20]))
def test_what_is_no_run_is_told_as_what_it_is(name, here):
    with pytest.raises(RequestError, match=TOLD[name]) as told:
        locate(name)
    assert len(str(told.value)) < 400
    assert find(name) is None


VERBS = (
    ["generate"],
    ["attributes"],
    ["evaluate"],
    ["sweep", "--over", "steps=1,2"],
    ["tune"],
    ["report"],
    ["noising"],
    ["resume"],
    ["distil"],
)


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb[0])
def test_every_verb_tells_it_in_a_line_and_leaves_nothing(verb, here, capsys):
    before = sorted(here.rglob("*"))
    for name in ("nowhere", LONG, "a.png", "runs"):
        assert main([*verb, name]) == 2
        error = capsys.readouterr().err
        told = {"nowhere": "no folder nowhere", LONG: "no folder xxx", "a.png": "is a file", "runs": "a folder of runs"}
        assert told[name] in error
        assert error.count("\n") == 1
        assert len(error) < 500
    assert sorted(here.rglob("*")) == before


RECIPES = {
    "runs/mine": "runs/mine is a run, not a recipe; go on with it by `noisette resume runs/mine`",
    "runs": "runs is a folder, not a recipe",
    "a.png": "a.png is no recipe: the name of a recipe's file ends in .toml",
    "none.toml": "the recipe: cannot read none.toml: No such file",
    LONG: 'no recipe "xxx',
    f"{LONG}.toml": r"the recipe: cannot read xxx.*\.\.\.xxx",
    "runs/mine/checkpoints.toml": "the recipe: cannot read runs/mine/checkpoints.toml",
}


@pytest.mark.parametrize("name", RECIPES, ids=lambda name: repr(name[:30]))
def test_what_is_no_recipe_is_told_as_what_it_is(name, here, capsys):
    assert main(["train", name]) == 2
    error = capsys.readouterr().err
    assert re.search(RECIPES[name], error), error
    assert (error.count("\n"), len(error) < 500) == (1, True)


def test_what_is_no_data_set_is_told_in_short(capsys, here):
    for verb in ("fetch", "inspect"):
        assert main(["data", verb, LONG]) == 2
        assert len(capsys.readouterr().err) < 300


PICTURES = {
    "runs/mine": "runs/mine is a folder, not a picture",
    "none.png": "cannot read none.png: No such file or directory",
    "a.png": "a.png is empty",
    "runs/mine/recipe.toml": "is no picture that noisette makes: it is not a PNG",
    f"{LONG}.png": "cannot read xxx",
}


@pytest.mark.parametrize("name", PICTURES, ids=lambda name: repr(name[:30]))
def test_what_is_no_picture_is_told_as_what_it_is(name, here, capsys):
    assert main(["regenerate", name]) == 2
    error = capsys.readouterr().err
    assert PICTURES[name] in error
    assert (error.count("\n"), len(error) < 500) == (1, True)


@pytest.mark.parametrize(
    ("run", "name"),
    [("punks", "punks"), ("/home/eu/runs/mine", "mine"), ("runs/mine/", "mine"), (r"C:\Users\eu\runs\mine", "mine")],
)
def test_the_name_of_a_run_is_the_last_part_of_its_path(run, name):
    assert name_of(run) == name


def test_the_current_folder_has_a_name_too(here, monkeypatch):
    monkeypatch.chdir(here / "runs" / "mine")
    assert name_of(".") == "mine"


@pytest.fixture
def avatars(here):
    """A folder of images and its run, and another run elsewhere."""
    (here / "avatars").mkdir()
    shutil.copytree(OLD, here / "runs" / "avatars")
    shutil.copytree(OLD, here / "kept" / "heroes")
    return here


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("attributes runs/avatrs", "no folder runs/avatrs, .*; nearest: runs/avatars; there are"),
        ("evaluate avatar", "no folder avatar, .*; nearest: runs/avatars; there are"),
        ("generate avatars", r"no run \(.*\) in avatars; name the run in runs/, runs/avatars"),
        ("resume kept/heros", "no folder kept/heros; nearest: kept/heroes; a run is"),
        ("train avatar", 'no recipe "avatar"; nearest: avatars '),
        ("train avatars --from runs/avatar --out x", "nearest: runs/avatars"),
        ("data inspect avatrs", 'no data set "avatrs"; nearest: avatars; there are'),
        ("data inspect ./avatrs", "no folder ./avatrs; nearest: avatars\n"),
        ("evaluate --fit-classifier runs/avatrs", 'no data set, run or recipe "runs/avatrs"; nearest: runs/avatars'),
        ("generate zzzz", "no folder zzzz, and no model of that name ships with noisette; there are"),
    ],
)
def test_a_mistyped_path_gets_the_nearest_that_is_there(words, told, avatars, capsys):
    before = sorted(avatars.rglob("*"))
    assert main(words.split()) == 2
    error = capsys.readouterr().err
    assert re.search(told, error), error
    assert error.count("\n") == 1
    assert sorted(avatars.rglob("*")) == before
