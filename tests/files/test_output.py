"""Nothing is written over unasked, whatever it is called and whoever else writes at the same time."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from noisette.errors import NoisetteError, RequestError
from noisette.files.output import expand, new_folder, output_file

PNG = ((".png",), "pictures are PNG; name a .png file")


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("links", [True, False], ids=["with hard links", "without"])
def test_several_commands_at_once_never_take_the_same_name(tmp_path, monkeypatch, links):
    def no_links(*_, **__):
        raise OSError(errno.EPERM, "no links here")

    if not links:
        monkeypatch.setattr(os, "link", no_links)
    (tmp_path / "a.gif").write_bytes(b"mine")
    targets = [output_file(None, tmp_path / "a.png", *PNG, beside=[".gif"]) for _ in range(8)]
    ready, written = threading.Barrier(8), {}

    def write(number):
        ready.wait()
        written[number] = targets[number].write(b"%d" % number, {".gif": b"gif %d" % number})

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(path.name for paths in written.values() for path in paths) == sorted(
        f"a~{number}.{suffix}" for number in range(2, 10) for suffix in ("png", "gif")
    )
    for number, (picture, film) in written.items():
        assert picture.stem == film.stem
        assert (picture.read_bytes(), film.read_bytes()) == (b"%d" % number, b"gif %d" % number)
    assert len(files(tmp_path)) == 17  # and nothing temporary
    assert (tmp_path / "a.gif").read_bytes() == b"mine"


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_of_two_files_none_stays_where_one_cannot_be_written(tmp_path, monkeypatch, named, error):
    """Else the same command, given again, would find the first."""

    def full(path, data, write=Path.write_bytes):
        if data == b"film":
            raise error
        return write(path, data)

    def target():
        return output_file(tmp_path / "a.png" if named else None, tmp_path / "a.png", *PNG, beside=[".gif"])

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises((NoisetteError, KeyboardInterrupt)):
        target().write(b"picture", {".gif": b"film"})
    monkeypatch.undo()
    assert files(tmp_path) == {}
    assert [path.name for path in target().write(b"picture", {".gif": b"film"})] == ["a.png", "a.gif"]


@pytest.mark.parametrize("links", [True, False], ids=["with hard links", "without"])
def test_a_named_file_that_somebody_made_meanwhile_is_theirs(tmp_path, monkeypatch, links):
    def no_links(*_, **__):
        raise OSError(errno.ENOTSUP, "no links here")

    if not links:
        monkeypatch.setattr(os, "link", no_links)
    target = output_file(tmp_path / "a.png", Path(), *PNG)
    (tmp_path / "a.png").write_bytes(b"theirs")
    with pytest.raises(RequestError, match=r"a\.png exists by now"):
        target.write(b"ours")
    assert files(tmp_path) == {"a.png": b"theirs"}


@pytest.mark.parametrize("beside", [(), (".gif",)], ids=["it", "what is beside it"])
def test_what_exists_is_refused_unless_it_may_be_written_over(tmp_path, beside):
    (tmp_path / ("a.gif" if beside else "a.png")).write_bytes(b"old")
    with pytest.raises(RequestError, match="exists; choose another name, or replace it with --overwrite"):
        output_file(tmp_path / "a.png", Path(), *PNG, beside=beside)
    target = output_file(tmp_path / "a.png", Path(), *PNG, beside=beside, overwrite=True)
    target.write(b"new", {".gif": b"new"} if beside else {})
    assert set(files(tmp_path).values()) == {b"new"}


@pytest.mark.parametrize("link", [os.symlink, os.link], ids=["symbolic", "hard"])
def test_what_is_read_is_not_written_by_any_name(tmp_path, link):
    (tmp_path / "in.png").write_bytes(b"old")
    link(tmp_path / "in.png", tmp_path / "out.png")
    for name in ("in.png", "out.png", "../" + tmp_path.name + "/in.png"):
        with pytest.raises(RequestError, match="is what is read"):
            output_file(tmp_path / name, Path(), *PNG, overwrite=True, inputs=[tmp_path / "in.png"])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "is empty"),
        (" ", "is empty"),
        ("a\0.png", "NUL"),
        ("a.jpg", "pictures are PNG"),
        ("none/a.png", "make it first"),
        ("file/a.png", "is no folder"),
        ("folder.png", "it is a folder"),
        ("pipe.png", "no ordinary file"),
        ("lost.png", "exists"),
        ("long" * 100 + ".png", "its name is too long"),
        (3, "by text or a path"),
    ],
)
def test_what_cannot_be_is_refused_before_the_work(tmp_path, monkeypatch, name, message):
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    Path("folder.png").mkdir()
    os.mkfifo("pipe.png")
    Path("lost.png").symlink_to("nowhere")
    with pytest.raises(RequestError, match=message):
        output_file(name, Path("a.png"), *PNG)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_refused_before_the_work(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(RequestError, match="cannot write into the folder"):
        output_file(tmp_path / "a.png", Path(), *PNG)


def test_a_disk_that_is_full_leaves_nothing(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for name in (None, tmp_path / "b.png"):
        with pytest.raises(NoisetteError, match=r"cannot write .*\.png: No space left on device"):
            output_file(name, tmp_path / "a.png", *PNG).write(b"data")
    assert files(tmp_path) == {}


def test_a_long_name_that_nobody_chose_is_cut(tmp_path):
    [path] = output_file(None, tmp_path / ("ü" * 200 + ".png"), *PNG).write(b"data")
    assert path.read_bytes() == b"data"
    assert path.name.startswith("ü" * 100)


def test_a_home_folder_is_expanded_as_shells_do(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert expand("~/a.png") == expand(Path("~/a.png")) == tmp_path / "a.png"
    assert expand("~nobody-of-this-name/a.png") == Path("~nobody-of-this-name/a.png")
    assert expand("a~2.png") == Path("a~2.png")
    monkeypatch.chdir(tmp_path)
    for here in ("./~", "./~/a.png", "./~root"):  # is what it says, however often it is expanded
        assert expand(expand(here)) == expand(here) == tmp_path / here
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(os.path, "expanduser", lambda text: text)  # of a user whom the system does not know
    with pytest.raises(RequestError, match="set HOME"):
        expand("~/a.png")


def test_a_folder_can_be_made_with_those_above_it(tmp_path):
    (tmp_path / "file").touch()
    assert new_folder(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    for name, message in ((tmp_path / "file" / "b", "is no folder"), ("-", "standard output"), ("", "is empty")):
        with pytest.raises(RequestError, match=message):
            new_folder(name)
