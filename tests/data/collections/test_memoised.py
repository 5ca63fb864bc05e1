"""`noisette data inspect FOLDER` a second time: the same answer, without reading, until anything is otherwise."""

from __future__ import annotations

import pytest

from noisette.cli import main
from noisette.data.collections import collection as module
from noisette.data.collections.collection import open_collection

from .avatars import avatar, images, save, token, write_json

COUNT = 30


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    folder = images(tmp_path / "a", COUNT)
    for number in range(COUNT):
        write_json(folder / f"{number}.json", token(number))
    return folder


@pytest.fixture
def inspected(capsys, tmp_path):
    """What an inspection answers, and its contact sheet."""

    def inspect(*arguments):
        assert main(["data", "inspect", "a", "--out", "sheet.png", "--overwrite", *arguments]) == 0
        return capsys.readouterr().out, (tmp_path / "sheet.png").read_bytes()

    return inspect


@pytest.fixture
def read(monkeypatch):
    """Grows each time that a collection is opened."""
    opened, open_ = [], open_collection

    def counting(*arguments, **settings):
        opened.append(arguments)
        return open_(*arguments, **settings)

    monkeypatch.setattr(module, "open_collection", counting)
    return opened


def test_the_second_answer_is_the_first_without_opening_anything(folder, inspected, read):
    first, as_json = inspected(), inspected("--json")
    assert len(read) == 1
    assert inspected() == first
    assert inspected("--json") == as_json
    assert len(read) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: save(folder / "3.png", avatar(500)),
        lambda folder: write_json(folder / "3.json", token(4)),
        lambda folder: (folder / "3.png").unlink(),
        lambda folder: (folder / "notes.txt").write_text("new"),
        lambda folder: (folder / "collection.toml").write_text("exclude = ['3.png']"),
    ],
    ids=["an image", "metadata", "one less", "one more", "settings"],
)
def test_one_thing_that_is_otherwise_is_noticed(folder, inspected, read, tmp_path, monkeypatch, change):
    inspected()
    change(folder)
    answer = inspected()
    assert len(read) == 2
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path / "fresh"))
    assert inspected() == answer


def test_what_is_damaged_is_made_anew(folder, inspected, read, tmp_path):
    first = inspected()
    [kept] = (tmp_path / "cache").rglob("inspection.json")
    kept.write_bytes(kept.read_bytes().replace(b'"images": 30', b'"images": 31'))
    assert inspected() == first
    assert len(read) == 2
