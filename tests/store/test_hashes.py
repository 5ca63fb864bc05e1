"""Whatever decides a picture is what was written, or is told by name: shipped, own, cached and derived."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from tools.hash_shipped import folders

import noisette
from noisette.config.recipe import load_recipe
from noisette.errors import NoisetteError
from noisette.evaluation.classifier_training import fit_classifier
from noisette.evaluation.classifiers import features_of, find_classifier
from noisette.evaluation.records import Record
from noisette.files import hashes
from noisette.files.hashes import file_sha256, read_hashes, sealed, unsealed
from noisette.inference.loading import planner_of
from noisette.store.locate import locate
from noisette.store.run import Run

HERE = Path(__file__).parent


@pytest.mark.parametrize("size", [0, 1, 1 << 20, (1 << 20) + 1])  # it reads a MiB at a time
def test_the_digest_of_a_file_is_that_of_its_bytes(tmp_path, size):
    content = os.urandom(size)
    (tmp_path / "a").write_bytes(content)
    assert file_sha256(tmp_path / "a") == hashlib.sha256(content).hexdigest()
    with pytest.raises(NoisetteError, match="more than any that noisette makes"):
        file_sha256(tmp_path / "a", most=size - 1)


def test_a_pipe_has_no_digest_and_nobody_waits_for_it(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NoisetteError, match="it is no regular file"):
        file_sha256(tmp_path / "pipe")


def test_environment_is_judged_once_and_seen_when_it_changes(trained, tmp_path, monkeypatch):
    run = Run(shutil.copytree(trained.folder, tmp_path / "r"))
    judged = []
    seen = hashes.unsealed
    monkeypatch.setattr(hashes, "unsealed", lambda values: judged.append(values) or seen(values))
    planner_of(run, run.weights())
    assert len(judged) == 1
    Run(run.folder).write_environment({**run.environment, "device": "another"})
    assert run.environment["device"] == "another"
    flip(run.folder / "environment.json", 0.5)
    with pytest.raises(NoisetteError, match=r"environment\.json is damaged"):
        _ = run.environment


def flip(path, place, bit=0):
    """Change a bit, `place` of the file from its beginning, a share of it."""
    content = bytearray(path.read_bytes())
    content[min(len(content) - 1, int(place * len(content)))] ^= 1 << bit
    path.write_bytes(content)


def planned(name):
    """All of a model but its network."""
    bundle = locate(name)
    return planner_of(bundle, bundle.weights())


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: folder.name)
def test_the_list_is_of_what_ships(folder):
    """Or else `python tools/hash_shipped.py` was forgotten."""
    import hashlib

    decides = {path.name for path in folder.iterdir() if path.suffix in (".json", ".toml", ".safetensors")}
    assert read_hashes(folder) == {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in decides - {"hashes.json"}
    }


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A copy of the models that ship, in their place."""
    home = shutil.copytree(Path(noisette.__file__).parent / "models", tmp_path / "models")
    for module in ("shipped", "locate"):
        monkeypatch.setattr(f"noisette.store.{module}.home", lambda: home)
    return home


@pytest.mark.parametrize("file", [*sorted(read_hashes(Path(noisette.__file__).parent / "models/punks")), "hashes.json"])
def test_a_shipped_file_that_is_damaged_is_named_with_its_mend(shipped, file):
    path = shipped / "punks" / file
    whole = path.read_bytes()
    damages = [(lambda place=place, bit=bit: flip(path, place, bit)) for place in (0, 0.3, 0.9, 1) for bit in (0, 5)]
    for damage in (*damages, lambda: path.write_bytes(whole[: len(whole) // 2]), path.unlink):
        path.write_bytes(whole)
        damage()
        with pytest.raises(NoisetteError) as raised:
            _ = locate("punks").figures if file == "figures.json" else planned("punks")
        assert str(path) in str(raised.value)
        assert "reinstall noisette" in str(raised.value)
        assert "\n" not in str(raised.value)


def test_a_shipped_recipe_that_is_damaged_is_not_trained(tmp_path, monkeypatch):
    home = shutil.copytree(Path(noisette.__file__).parent / "recipes", tmp_path / "recipes")
    monkeypatch.setattr("noisette.config.recipe._home", lambda: home)
    content = (home / "digits.toml").read_text()
    (home / "digits.toml").write_text(content[: content.index("[sampling]")])
    with pytest.raises(NoisetteError, match=r"digits\.toml is damaged: its SHA-256 .* reinstall noisette"):
        load_recipe("digits")


@pytest.fixture
def run(asked, tmp_path):
    return Run(shutil.copytree(asked.folder, tmp_path / "run"))


@pytest.mark.parametrize("file", ["schema.json", "statistics.json", "palette.json", "environment.json"])
def test_a_table_of_an_own_run_that_is_damaged_is_named(run, file):
    path = run.folder / file
    whole = path.read_bytes()
    for place in (0, 0.2, 0.4, 0.6, 0.8, 1):
        path.write_bytes(whole)
        flip(path, place)
        with pytest.raises(NoisetteError, match=f"{file} is damaged.*; .*(copy|anew)"):
            planned(run.folder)
    if file != "environment.json":
        path.unlink()
        with pytest.raises(NoisetteError, match=f"{file} is missing"):
            planned(run.folder)


def test_a_recipe_that_lost_its_end_is_not_drawn_with_defaults(run):
    path = run.folder / "recipe.toml"
    lines = path.read_text().splitlines(keepends=True)
    for length in range(5, len(lines), 7):
        path.write_text("".join(lines[:length]))
        if not "".join(lines[length:]).strip():
            continue
        with pytest.raises(NoisetteError, match=r"recipe\.toml is damaged: it has \d+ of the \d+ settings"):
            planned(run.folder)


def test_a_recipe_that_was_edited_by_hand_gets_a_line(run):
    assert (run.edited, planned(run.folder).notes) == ((), ())
    path = run.folder / "recipe.toml"
    path.write_text(path.read_text().replace("steps = 3\n", "steps = 4\n"))
    planner = planned(run.folder)
    assert run.edited == ("recipe.toml",)
    assert planner.notes == (f"{path} was changed since noisette wrote it; images are drawn as it says now",)
    assert planner.resolve().steps == 4
    run.write_recipe(run.recipe)
    assert (run.edited, planned(run.folder).notes) == ((), ())


@pytest.mark.parametrize("dies_at", [1, 2, 3])
def test_a_death_while_a_recipe_is_written_leaves_no_trace(run, monkeypatch, dies_at):
    from noisette.store import run as module

    before, writes = run.recipe, []

    def write(path, text):
        writes.append(path)
        if len(writes) == dies_at:
            raise OSError("killed here")
        write_text(path, text)

    write_text = module.write_text
    after = before.model_copy(update={"summary": "another"})
    with monkeypatch.context() as patch:
        patch.setattr(module, "write_text", write)
        with pytest.raises(OSError, match="killed here"):
            run.write_recipe(after)
    assert run.recipe == (before if dies_at < 3 else after)
    assert run.edited == ()
    run.write_recipe(after)
    assert (run.recipe, run.edited) == (after, ())


def test_a_run_of_an_older_version_is_opened_without_hashes(tmp_path):
    folder = shutil.copytree(HERE.parent / "data/run-of-0.1", tmp_path / "old")
    assert planned(folder).notes == ()
    (folder / "environment.json").unlink()
    [note] = planned(folder).notes
    assert "environment.json is missing" in note


def test_an_object_that_carries_its_hash_is_told_from_any_other():
    values = {"a": [1, 2.5, {"b": None}], "c": "é\ud800", "2": 1, "10": 2}
    held = json.loads(json.dumps(sealed(values)))
    assert unsealed(held) == values
    assert unsealed(values) == values  # of an older version
    for change in ({"a": []}, {"d": 1}, {"sha256": "0" * 64}, {"sha256": None}):
        with pytest.raises(ValueError, match="SHA-256"):
            unsealed({**held, **change})


@pytest.mark.slow
def test_an_exported_network_that_is_damaged_is_made_anew_with_a_note(run, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("noisette.inference.engine.cache_folder", lambda: tmp_path / "cache")
    images = noisette.load(run.folder).generate("Zombie", seeds=[1])
    [folder] = (tmp_path / "cache/engines").iterdir()
    for file in ("encode.onnx", "estimate.onnx"):
        flip(folder / file, 0.5)
        caplog.clear()
        generator = noisette.load(run.folder)
        assert np.array_equal(generator.generate("Zombie", seeds=[1]), images)
        assert generator.engine.name == "ONNX Runtime"
        assert f"{file} is damaged" in caplog.text
        assert "made anew" in caplog.text
    caplog.clear()
    noisette.load(run.folder).generate("Zombie", seeds=[1])
    assert caplog.text == ""


@pytest.fixture(scope="module")
def sprites():
    return noisette.open_dataset("sprites", size=8, count=200)


@pytest.fixture(scope="module")
def fitted(sprites):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("noisette.evaluation.classifier_training._BATCH", 8)
        return fit_classifier(sprites.split("train"), epochs=1)


@pytest.mark.slow
def test_an_own_classifier_that_is_damaged_is_never_read_with(sprites, fitted, tmp_path, monkeypatch):
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path))
    train = sprites.split("train")
    path = tmp_path / "classifiers" / f"sprites-{train.fingerprint[:16]}.safetensors"
    path.parent.mkdir()
    fitted.save(path)
    whole = path.read_bytes()
    assert find_classifier(train, "sprites").digest == fitted.digest
    for place in (0, 0.001, 0.01, 0.1, 0.5, 0.9, 1):
        path.write_bytes(whole)
        flip(path, place)
        with pytest.raises(NoisetteError, match="classifier"):
            find_classifier(train, "sprites")


@pytest.mark.slow
def test_features_that_are_damaged_are_taken_anew(sprites, fitted, tmp_path, monkeypatch):
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path))
    features = features_of(fitted, sprites)
    [path] = (tmp_path / "features").iterdir()
    whole = path.read_bytes()
    for place in (0, 0.5, 1):
        path.write_bytes(whole)
        flip(path, place)
        assert np.array_equal(features_of(fitted, sprites), features)
        assert path.read_bytes() == whole


def test_a_record_that_is_damaged_is_made_anew(tmp_path):
    record = Record.of(tmp_path / "evaluations", "title", {"seed": 1})
    images = np.random.default_rng(0).integers(0, 256, (3, 4, 8, 8), dtype=np.uint8)
    made = []

    def draw():
        made.append("drawn")
        return images

    def measure(parts):
        made.append("measured")
        return {part: {"share": 0.123456} for part in parts}

    for _ in range(2):
        assert np.array_equal(record.images(draw, images.shape), images)
        assert record.figures("by-1", ["attribute_accuracy"], measure) == {"attribute_accuracy": {"share": 0.123456}}
    assert made == ["drawn", "measured"]
    for name, again in (("drawn.png", "drawn"), ("figures-by-1.json", "measured")):
        path = record.folder / name
        whole = path.read_bytes()
        for place in (0.1, 0.5, 0.6, 0.7, 0.8):
            path.write_bytes(whole)
            flip(path, place)
            made.clear()
            assert np.array_equal(record.images(draw, images.shape), images)
            found = record.figures("by-1", ["attribute_accuracy"], measure)
            assert found == {"attribute_accuracy": {"share": 0.123456}}
            assert made == [again]


def test_a_table_of_presets_that_is_damaged_is_left_with_a_note(tmp_path):
    from noisette.sampling.presets import FILE, read_presets

    from ..sampling.test_presets import table

    whole = table(steps=2).to_json().encode()
    assert read_presets(_written(tmp_path / FILE, whole), "ab")[1] == ()
    for place in range(0, len(whole), 7):
        changed = bytearray(whole)
        changed[place] ^= 1
        found, notes = read_presets(_written(tmp_path / FILE, bytes(changed)), "ab")
        assert found is None or found == table(steps=2)  # a space for a line's end says the same
        assert found is not None or "presets.json is damaged" in notes[0]


def _written(path, content):
    path.write_bytes(content)
    return path.parent
