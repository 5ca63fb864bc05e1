"""A file is whole or not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from noisette.files import atomic
from noisette.files.atomic import make_folder, write_atomically, write_folder_atomically, write_text


def test_a_writer_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def fail(temporary: Path) -> None:
        temporary.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, fail)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(tmp_path / "new.txt", fail)
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]
    assert path.read_text() == "old"


def test_a_file_is_replaced_and_readable_as_any_other(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    write_text(path, "neu: ü")
    (tmp_path / "plain").touch()
    assert path.read_bytes() == "neu: ü".encode()
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.txt", "plain"]


@pytest.mark.skipif(os.name != "posix", reason="the permissions of POSIX")
@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600)])
def test_the_umask_of_the_user_says_who_may_read_a_file(tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        write_text(tmp_path / "a.txt", "text")
        assert os.umask(mask) == mask
    finally:
        os.umask(before)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == mode


def test_until_it_is_whole_a_reader_sees_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    seen = []

    def write(temporary: Path) -> None:
        temporary.write_text("new")
        seen.append(path.read_text())

    write_atomically(path, write)
    assert seen == ["old"]
    assert path.read_text() == "new"


def test_a_file_that_is_open_elsewhere_keeps_its_content_there(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with path.open() as reader:
        write_text(path, "new")
        assert reader.read() == "old"


def test_a_folder_that_is_not_there_is_an_error_and_not_made(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_text(tmp_path / "none" / "a.txt", "text")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_filled_is_not_there_and_one_that_was_there_stays(tmp_path):
    def fail(temporary: Path) -> None:
        (temporary / "half").touch()
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_folder_atomically(tmp_path / "new", fail)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "mine").touch()
    with pytest.raises(OSError, match=r"not empty|exists"):
        write_folder_atomically(tmp_path / "old", lambda temporary: (temporary / "other").touch())
    assert [str(path.relative_to(tmp_path)) for path in sorted(tmp_path.rglob("*"))] == ["old", "old/mine"]


@pytest.fixture
def flushed(monkeypatch):
    """What was flushed to the disk and renamed, in this order."""
    seen = []
    monkeypatch.setattr(atomic, "sync", lambda path: seen.append(path.name))
    rename = os.rename

    def renamed(self: Path, target: Path) -> None:
        seen.append(f"-> {target.name}")
        rename(self, target)

    monkeypatch.setattr(Path, "replace", renamed)
    monkeypatch.setattr(Path, "rename", renamed)
    return seen


def test_data_are_flushed_before_a_name_and_the_name_before_success_is_told(tmp_path, flushed):
    write_text(tmp_path / "a.txt", "text")
    assert flushed[1:] == ["-> a.txt", tmp_path.name]
    assert flushed[0].startswith(".a.txt.")


def test_all_of_a_folder_is_flushed_before_its_name(tmp_path, flushed):
    def fill(temporary: Path) -> None:
        (temporary / "sub").mkdir()
        (temporary / "sub" / "a").touch()
        (temporary / "b").touch()

    write_folder_atomically(tmp_path / "new", fill)
    temporary, *after = flushed[-3:]
    assert (sorted(flushed[:-3]), after) == (["a", "b", "sub"], ["-> new", tmp_path.name])
    assert temporary.startswith(".new.")


def test_the_names_of_new_folders_are_flushed_each_in_the_one_above(tmp_path, flushed):
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    assert sorted(flushed) == sorted(["a", tmp_path.name])
    make_folder(tmp_path / "a" / "b")
    assert len(flushed) == 2


def test_what_a_killed_process_left_long_ago_goes_and_nothing_else(tmp_path):
    def die(temporary: Path) -> None:
        kept.append(temporary)
        raise KeyboardInterrupt

    kept: list[Path] = []
    for write in (write_atomically, write_folder_atomically):
        with pytest.raises(KeyboardInterrupt):
            write(tmp_path / "a", die)
    file, folder = kept
    young = file.with_name(f".young{file.suffix}")
    for path in (file, young, tmp_path / ".other.tmp"):
        path.touch()
    folder.mkdir()
    (folder / "part").touch()
    for path in (file, folder, tmp_path / ".other.tmp"):
        os.utime(path, (0, 0))
    atomic._sweep.cache_clear()
    write_text(tmp_path / "b", "text")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".other.tmp", young.name, "b"]


def test_a_name_as_long_as_names_can_be_is_written(tmp_path):
    write_text(tmp_path / ("n" * 255), "text")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["text"]
