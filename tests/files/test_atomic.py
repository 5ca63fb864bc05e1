"""A file is whole or not there."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from noisette.files.atomic import file_sha256, write_atomically, write_text


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


@pytest.mark.parametrize("size", [0, 1, 1 << 20, (1 << 20) + 1])  # it reads a MiB at a time
def test_the_digest_of_a_file_is_that_of_its_bytes(tmp_path, size):
    content = os.urandom(size)
    (tmp_path / "a").write_bytes(content)
    assert file_sha256(tmp_path / "a") == hashlib.sha256(content).hexdigest()
