"""A picture remembers what drew it, wherever it and its run have gone; and what differs is blamed on what differs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import noisette
from noisette.cli import main
from noisette.errors import NoisetteError, RequestError
from noisette.files.hashes import read_hashes
from noisette.files.images import as_png, read_png, save_png, sheet
from noisette.inference.loading import planner_of
from noisette.inference.plan import Plan
from noisette.inference.redraw import remember
from noisette.store.locate import locate
from noisette.store.publish import ship
from noisette.store.run import Run
from noisette.store.shipped import Shipped


def run(capsys, *arguments):
    status = main([str(argument) for argument in arguments])
    output = capsys.readouterr()
    return status, output.out, output.err


@pytest.fixture(scope="module")
def generator(trained):
    return noisette.load(trained.folder)


@pytest.fixture(scope="module")
def picture(generator):
    """Of two images, and what it says."""
    plan = generator.recorded(generator.plan(seeds=[3, 4])).placed((8, 8), 2, 2)
    return sheet(generator.draw(plan), columns=2, scale=2), plan.metadata()


@pytest.fixture
def file(picture, tmp_path):
    """Four folders down, so that the runs of other tests are not around it."""
    folder = tmp_path / "1" / "2" / "3" / "4"
    folder.mkdir(parents=True)
    save_png(folder / "a.png", *picture)
    return folder / "a.png"


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A current folder with no run in or around it."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def test_a_picture_that_was_saved_anew_without_loss_is_identical(capsys, trained, picture, tmp_path, elsewhere):
    """With other colours where nothing is seen, and its text behind the pixels."""
    pixels = np.array(picture[0])
    pixels[pixels[..., 3] == 0] = (1, 2, 3, 0)
    info = PngInfo()
    info.add(b"tEXt", b"noisette\0" + json.dumps(picture[1], indent=1).encode(), after_idat=True)
    Image.fromarray(pixels).save(tmp_path / "a.png", pnginfo=info)
    status, out, err = run(capsys, "regenerate", tmp_path / "a.png", "--run", trained.folder, "--json")
    assert (status, json.loads(out)["identical"]) == (0, True), err


def test_what_it_says_names_versions_and_no_path(picture, trained):
    said = picture[1]
    assert said["run"] == trained.folder.name
    assert str(trained.folder.parent) not in json.dumps(said)
    assert said["drawn_by"]["noisette"] == noisette.__version__
    name, version = said["drawn_by"]["engine"].split()
    assert name in ("onnxruntime", "pytorch")
    assert version[0].isdigit()


@pytest.mark.parametrize("place", ["runs/a/mine", "mine", "a/runs/mine", "."])
def test_a_run_is_found_by_its_weights_around_the_picture(place, file, trained, elsewhere):
    home = file.parent / place
    pictures = file.parent / "a" / "pictures"
    pictures.mkdir(parents=True)
    shutil.copytree(trained.folder, home, dirs_exist_ok=True)
    moved = Path(shutil.move(file, (file.parent if place.startswith("runs") else pictures) / "b.png"))
    if place.startswith("runs"):  # too deep: only what lies in runs/ itself is a run
        with pytest.raises(RequestError, match="which no run beside the picture"):
            remember(moved)
    else:
        assert remember(moved).weights.path.resolve().is_relative_to(home.resolve())


def test_a_run_is_found_in_the_current_folder(file, trained, tmp_path, monkeypatch):
    shutil.copytree(trained.folder, tmp_path / "project" / "runs" / "other-name")
    (tmp_path / "pictures" / "a" / "b" / "c" / "d").mkdir(parents=True)
    moved = Path(shutil.move(file, tmp_path / "pictures" / "a" / "b" / "c" / "d" / "a.png"))
    monkeypatch.chdir(tmp_path / "project")
    assert remember(moved).planner.name == "runs/other-name"


def test_of_runs_of_one_name_the_weights_decide(file, trained, asked, elsewhere):
    shutil.copytree(asked.folder, file.parent / trained.folder.name)
    with pytest.raises(RequestError, match=f"of step 20, but .*{trained.folder.name} keeps those of step .* alone"):
        remember(file)
    shutil.copytree(trained.folder, elsewhere / trained.folder.name)
    assert remember(file).weights.sha256 == trained.weights().sha256


def test_an_older_checkpoint_that_is_kept_draws_its_pictures(capsys, trained, tmp_path, elsewhere):
    older, newest = trained.steps[-2:]
    generator = noisette.load(trained.folder, step=older)
    plan = generator.recorded(generator.plan(seeds=[5])).placed((8, 8), 1, 1)
    save_png(tmp_path / "old.png", sheet(generator.draw(plan)), plan.metadata())
    status, out, err = run(capsys, "regenerate", tmp_path / "old.png", "--run", trained.folder, "--json")
    assert (status, json.loads(out)["step"]) == (0, older), err
    assert older < newest == noisette.load(trained.folder).step


def test_weights_that_are_damaged_are_told_as_that(file, trained, elsewhere):
    copy = shutil.copytree(trained.folder, elsewhere / "mine")
    newest = next((copy / "checkpoints").glob("*20.safetensors"))
    newest.write_bytes(newest.read_bytes()[:-1] + b"?")
    with pytest.raises(NoisetteError, match="was drawn by weights that are damaged: mine: .*; restore it from a copy$"):
        remember(file)


@pytest.fixture
def shipped(picture, trained, tmp_path, monkeypatch):
    """The folder of a model that ships, and a picture that says it was drawn by it."""
    for module in ("shipped", "locate"):
        monkeypatch.setattr(f"noisette.store.{module}.home", lambda: tmp_path / "models")
    folder = ship(trained, tmp_path / "models" / "ours")
    said = {**picture[1], "run": "ours", "weights": read_hashes(folder)["weights.safetensors"]}
    save_png(tmp_path / "ours.png", picture[0], said)
    return folder, tmp_path / "ours.png"


@pytest.mark.parametrize("name", ["weights.safetensors", "hashes.json"])
def test_a_model_that_ships_and_is_damaged_is_told_as_that(name, shipped, elsewhere):
    folder, drawn = shipped
    assert remember(drawn).weights.sha256 == remember(drawn).said.weights
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    with pytest.raises(NoisetteError, match=f"{name} is damaged: .*; reinstall noisette: [^;]*") as told:
        remember(drawn)
    assert "has others" not in str(told.value)
    assert "restore" not in str(told.value)


def test_no_weights_are_hashed_for_a_picture_of_others(file, shipped, elsewhere, monkeypatch):
    monkeypatch.setattr(Shipped, "weights", lambda *_: pytest.fail("it was hashed"))
    with pytest.raises(RequestError, match="say where it is with --run"):
        remember(file)


def test_nothing_is_looked_for_behind_what_drew_a_picture(file, trained, elsewhere, monkeypatch):
    copy = shutil.copytree(trained.folder, elsewhere / "mine")

    def around(*_):
        yield Run(copy)
        pytest.fail("it looked further")

    monkeypatch.setattr("noisette.inference.redraw.around", around)
    assert remember(file).weights.path.is_relative_to(copy)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nowhere", "^no folder nowhere"),
        ("notes.txt", "is a file, not a run"),
        ("", "name of a file or folder is empty"),
    ],
)
def test_a_run_that_is_named_and_not_there_is_told_by_its_own_name(name, told, file, elsewhere):
    (elsewhere / "notes.txt").write_text("x")
    with pytest.raises(RequestError, match=told):
        remember(file, Path(name) if name else "")


def test_a_run_that_is_named_is_the_only_one_that_is_asked(file, trained, asked, elsewhere):
    shutil.copytree(trained.folder, elsewhere / "mine")
    with pytest.raises(RequestError, match=f"of step 20 of the run {trained.folder.name}, but .*keeps those of step"):
        remember(file, asked.folder)


def test_nothing_of_a_picture_of_before_is_lost_to_its_path(capsys, picture, trained, tmp_path, elsewhere):
    said = {name: value for name, value in picture[1].items() if name != "drawn_by"}
    save_png(tmp_path / "a.png", picture[0], {**said, "run": str(trained.folder)})
    assert run(capsys, "regenerate", tmp_path / "a.png")[0] == 0


def test_json_tells_that_a_picture_differs(capsys, picture, trained, tmp_path):
    image = picture[0].copy()
    image.putpixel((0, 0), (1, 2, 3, 255))
    save_png(tmp_path / "a.png", image, picture[1])
    status, out, err = run(capsys, "regenerate", tmp_path / "a.png", "--run", trained.folder, "--json")
    facts = json.loads(out)
    assert (status, facts["identical"], err.count("\n")) == (1, False, 1)
    assert facts["difference"].startswith("1 of ")
    assert "the picture was changed after it was drawn" in err


@pytest.mark.parametrize(
    ("change", "blamed"),
    [
        ({"engine": "pytorch 1.0"}, r"engine pytorch 1\.0 then, pytorch .* now"),
        ({"noisette": "0.0.1"}, r"noisette 0\.0\.1 then, .* now"),
        ({"machine": "Plan9 vax"}, "machine Plan9 vax then"),
        (None, "it does not say what drew it"),
    ],
)
def test_what_differs_is_blamed(capsys, change, blamed, picture, trained, tmp_path):
    image, said = picture[0].copy(), dict(picture[1])
    image.putpixel((0, 0), (1, 2, 3, 255))
    drawn_by = said.pop("drawn_by")
    if change is not None:
        said["drawn_by"] = {**drawn_by, "engine": "pytorch 9", **change}
    save_png(tmp_path / "a.png", image, said)
    status, _, err = run(capsys, "regenerate", tmp_path / "a.png", "--run", trained.folder)
    assert status == 1
    assert "then" not in blamed or "what draws it is not what it was" in err
    import re

    assert re.search(blamed, err), err


def test_a_cropped_picture_is_told_as_that(capsys, picture, trained, tmp_path):
    save_png(tmp_path / "a.png", picture[0].crop((0, 0, 5, 6)), picture[1])
    status, _, err = run(capsys, "regenerate", tmp_path / "a.png", "--run", trained.folder)
    assert (status, "it has 5x6 pixels and was drawn with 34x16" in err) == (1, True), err


def test_without_onnx_runtime_it_is_told_and_remembered_and_drawn_so_again(
    capsys, trained, tmp_path, monkeypatch, caplog
):
    """A cache that cannot be written, a PyTorch that exports otherwise: PyTorch draws, and draws again where it could be
    ONNX Runtime."""
    blocked = tmp_path / "a file"
    blocked.write_text("no folder")
    with monkeypatch.context() as without:
        without.setenv("NOISETTE_CACHE", str(blocked / "cache"))
        status, out, _ = run(capsys, "generate", trained.folder, "--count", 2, "--out", tmp_path / "a.png", "--json")
    assert (status, json.loads(out)["drawn_by"]["engine"].split()[0]) == (0, "pytorch")
    assert "set NOISETTE_CACHE to a folder" in caplog.text
    assert noisette.load(trained.folder).engine.name == "ONNX Runtime"
    status, out, err = run(capsys, "regenerate", tmp_path / "a.png", "--run", trained.folder, "--json")
    facts = json.loads(out)
    assert (status, facts["identical"], facts["drawn_by"]["engine"].split()[0]) == (0, True, "pytorch"), err


def test_an_export_that_fails_is_told_with_its_reason(trained, tmp_path, monkeypatch, caplog):
    def refuse(*arguments, **settings):
        raise RuntimeError("no such operator")

    monkeypatch.setattr("torch.onnx.export", refuse)
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path / "cache"))
    engine = noisette.load(trained.folder).engine
    assert engine.name == "PyTorch"
    assert "cannot export it (RuntimeError: no such operator)" in engine.note
    assert engine.note in caplog.text


def test_an_engine_that_cannot_be_had_is_told(capsys, file, trained, tmp_path, monkeypatch):
    image, said = read_png(file)
    save_png(file, image, {**said, "drawn_by": {**said["drawn_by"], "engine": "onnxruntime 1.20.0"}})
    monkeypatch.setattr("noisette.inference.engine.cache_folder", lambda: file / "cache")
    _, _, err = run(capsys, "regenerate", file, "--run", trained.folder)
    assert "was drawn by onnxruntime 1.20.0, and pytorch" in err


def test_a_picture_of_a_newer_version_is_told_as_that(picture):
    said = {**picture[1], "sharpness": 3}
    newer = {**said, "drawn_by": {**said["drawn_by"], "noisette": "99.1.0"}}
    with pytest.raises(
        RequestError, match=r"was made by noisette 99\.1\.0; this is .* and does not know sharpness: upgrade"
    ):
        Plan.from_metadata(newer, "a.png")
    with pytest.raises(RequestError, match=r"was changed \(sharpness"):
        Plan.from_metadata(said, "a.png")
    del newer["sharpness"]
    assert Plan.from_metadata(newer).drawn_by.noisette == "99.1.0"  # it knows nothing that we do not


OTHERS = {
    "an X/Y grid": {"request": {"run": "punks"}, "across": ["guidance", "1", "2"], "down": ["seed", "0"]},
    "a training drew at step 7": {"step": 7, "epoch": 1, "seeds": [0], "requests": [], "sampling": {}},
    "the grid of a sweep over steps": {"sweep": {"steps": [1, 2]}, "run": "punks"},
    "a contact sheet of mnist": {"dataset": "mnist", "sha256": "00"},
    "a contact sheet of sprites": {"dataset": "sprites", "folder": "00", "pixels_sha256": "00"},
}


@pytest.mark.parametrize("what", OTHERS)
def test_another_picture_of_ours_is_told_as_what_it_is(capsys, what, tmp_path):
    (tmp_path / "a.png").write_bytes(as_png(Image.new("L", (2, 2)), OTHERS[what]))
    status, out, err = run(capsys, "regenerate", tmp_path / "a.png")
    assert (status, out, what in err) == (2, "", True), err


def test_the_grids_of_a_training_are_known(trained):
    with pytest.raises(RequestError, match="a training drew at step 20"):
        remember(trained.thumbnail)


def test_a_thousand_random_requests_take_no_room():
    bundle = locate("punks")
    planner = planner_of(bundle, bundle.weights())
    requests = [planner.random_request(seed) for seed in range(100)]
    plan = planner.plan(requests, seeds=range(100))
    said = json.loads(json.dumps(plan.metadata()))
    assert len(json.dumps(said)) < 0.2 * len(json.dumps(plan.facts()))
    again = Plan.from_metadata(said)
    assert again == plan.model_copy(update={"notes": ()})
    assert Plan.from_metadata(json.loads(json.dumps(plan.facts()))) == again  # as version 0.2.0 wrote it
    assert np.array_equal(planner.codes(again), planner.codes(plan))


def test_what_is_absent_is_not_what_is_unspecified(asked):
    planner = planner_of(asked, asked.weights())
    plan = planner.plan(["Earring", "no Earring, Blush", "no Earring, no Blush"], seeds=[1, 2, 3])
    said = plan.metadata()
    assert said["absent"] == ["Earring"]
    assert [list(each) for each in said["attributes"]] == [["Earring"], ["Blush"], ["Blush"]]
    again = plan.model_copy(update={"notes": (), "run": asked.folder.name})
    assert Plan.from_metadata(json.loads(json.dumps(said))) == again


@pytest.mark.parametrize(
    "change",
    [{"absent": "Earring"}, {"absent": [["x"]]}, {"attributes": {}}, {"absent": ["x"] * 2_000_000}, {"absent": [3]}],
)
def test_a_list_of_absent_flags_that_was_changed_is_refused(change, asked):
    planner = planner_of(asked, asked.weights())
    said = planner.plan(["Earring", "no Earring", "no Earring"], seeds=[1, 2, 3]).metadata()
    with pytest.raises(RequestError, match="^[^\n]+$"):
        planner.replan(Plan.from_metadata({**said, **change}))
