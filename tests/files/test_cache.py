"""Where the user's cache is, and that one process at a time writes a file of it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from noisette.errors import NoisetteError
from noisette.files.cache import cache_folder, locked


def test_the_variable_says_where_the_cache_is(monkeypatch, tmp_path):
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path / "elsewhere"))
    assert cache_folder() == tmp_path / "elsewhere"


def test_the_variable_may_begin_with_a_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NOISETTE_CACHE", "~/mine")
    assert cache_folder() == tmp_path / "mine"


@pytest.mark.parametrize("value", [None, ""])
def test_without_it_the_cache_is_among_those_of_the_user(monkeypatch, tmp_path, value):
    monkeypatch.delenv("NOISETTE_CACHE", raising=False)
    if value is not None:
        monkeypatch.setenv("NOISETTE_CACHE", value)
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(tmp_path / "users" / name))
    assert cache_folder() == tmp_path / "users" / "noisette"


def test_saying_where_it_is_makes_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path / "elsewhere"))
    cache_folder()
    assert list(tmp_path.iterdir()) == []


def test_the_folders_of_what_is_written_are_made(tmp_path):
    path = tmp_path / "deep" / "deeper" / "weights"
    with locked(path):
        path.write_text("whole")
    assert path.read_text() == "whole"


COUNT = """
import sys
from pathlib import Path
from noisette.files.cache import locked

path = Path(sys.argv[1])
for _ in range(200):
    with locked(path):
        path.write_text(str(int(path.read_text()) + 1))
"""


def test_no_two_processes_write_the_same_file_at_once(tmp_path):
    path = tmp_path / "count"
    path.write_text("0")
    processes = [subprocess.Popen([sys.executable, "-c", COUNT, str(path)]) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    assert path.read_text() == "400"


def test_who_fails_lets_the_next_one_in(tmp_path):
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "a"):
        _ = 1 / 0
    with locked(tmp_path / "a"):
        pass


def test_a_cache_that_cannot_be_written_is_one_line_that_names_the_variable(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(NoisetteError) as caught, locked(tmp_path / "file" / "a"):
        raise AssertionError("nobody may write there")
    assert str(caught.value).startswith(f"cannot write {tmp_path / 'file' / 'a'}: ")
    assert "set NOISETTE_CACHE to a folder with room that can be written" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_full_disk_while_writing_is_the_same_line(tmp_path):
    line = "cannot write .*: No space left on device; set NOISETTE_CACHE"
    with pytest.raises(NoisetteError, match=line), locked(tmp_path / "a"):
        raise OSError(28, "No space left on device")


def dangling(folder):
    (folder / "cache").symlink_to("/nowhere/at/all")
    return folder / "cache"


def loop(folder):
    (folder / "cache").symlink_to(folder / "cache")
    return folder / "cache"


@pytest.mark.parametrize(
    "place", [dangling, loop, lambda folder: folder / ("n" * 300), lambda _: "/proc/noisette", lambda _: "/dev/null/x"]
)
def test_no_library_is_sent_to_a_cache_that_cannot_be_made(tmp_path, place):
    """PyTorch makes its folder where it is imported, and cannot be imported where it cannot be made."""
    names = ("TORCHINDUCTOR_CACHE_DIR", "MPLCONFIGDIR")
    kept = {name: value for name, value in os.environ.items() if name not in names}
    home = {"HOME": str(tmp_path), "NOISETTE_CACHE": str(place(tmp_path))}
    code = f"import os, noisette; print([name for name in {names!r} if name in os.environ])"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**kept, **home}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")


def test_libraries_keep_in_the_cache_what_they_keep(tmp_path):
    kept = {name: value for name, value in os.environ.items() if name != "TORCHINDUCTOR_CACHE_DIR"}
    code = "import os, noisette; print(os.environ['TORCHINDUCTOR_CACHE_DIR'])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**kept, "NOISETTE_CACHE": str(tmp_path / "deep" / "cache")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{tmp_path / 'deep' / 'cache' / 'inductor'}\n"
    assert list((tmp_path / "deep" / "cache" / "inductor").iterdir()) == []
