"""Where verbs write: nothing is written over unasked, and what was begun goes on."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import numpy as np
import pytest
from PIL import Image

import noisette
from noisette.cli import app, main
from noisette.cli.paths import FOLDER, NEW_FOLDER, PATH
from noisette.files.images import differing, on_white, read_png, sheet
from noisette.inference.generator import Generator
from noisette.signals import Terminated
from noisette.store.shipped import home


def run(capsys, *arguments):
    status = main([str(argument) for argument in arguments])
    output = capsys.readouterr()
    return status, output.out, output.err


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def refused(capsys, *arguments):
    """The line of a request that is refused before a network is loaded for it."""
    with pytest.MonkeyPatch.context() as patch:
        for module in ("redraw", "loading"):  # what imports the other first
            patch.setattr(f"noisette.inference.{module}.with_network", lambda *_: pytest.fail("the network was loaded"))
        status, out, err = run(capsys, *arguments)
    assert (status, out, err.count("\n")) == (2, "", 1), err
    return err


@pytest.fixture
def drawn(monkeypatch):
    """The seeds that were drawn, in batches."""
    batches, draw = [], Generator.draw

    def watched(self, plan, **options):
        batches.append(list(plan.seeds))
        return draw(self, plan, **options)

    monkeypatch.setattr(Generator, "draw", watched)
    return batches


def commands(group=app, path=()):
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


def parameters():
    for path, command in commands():
        with click.Context(command) as context:
            for parameter in command.get_params(context):
                yield path, parameter


def test_every_path_is_expanded_and_every_output_can_be_written_over_when_asked():
    outputs = set()
    for path, parameter in parameters():
        if parameter.name == "out":
            outputs.add(path)
            assert isinstance(parameter.type, click.Path), path
        elif isinstance(parameter.type, click.Path):
            assert parameter.type in (PATH, FOLDER), (path, parameter.name)
    asked = {path for path, parameter in parameters() if parameter.name == "overwrite"}
    made_new = {path for path, parameter in parameters() if parameter.type is NEW_FOLDER}
    assert outputs - asked == made_new == {("train",), ("distil",), ("collection",)}
    assert len(outputs) == 10


@pytest.mark.parametrize("verb", [path for path, parameter in parameters() if parameter.name == "out"], ids=" ".join)
@pytest.mark.parametrize("name", ["", "none/of/these/a.xyz", "folder.d/a.xyz"])
def test_an_output_that_cannot_be_is_refused_by_every_verb(capsys, tmp_path, monkeypatch, verb, name):
    monkeypatch.chdir(tmp_path)
    Path("folder.d").touch()  # a file
    what = {"train": ["digits"], "data inspect": ["sprites"], "sweep": ["digits", "--over", "steps=1"]}
    first = what.get(" ".join(verb), ["picture.png" if verb == ("regenerate",) else "digits"])
    if verb == ("regenerate",):
        (tmp_path / "picture.png").write_bytes(
            (Path(__file__).parents[1] / "data/pictures-of-0.1/digits-eta.png").read_bytes()
        )
    if verb[0] in ("train", "distil", "sweep", "collection") and name.startswith("none"):
        return  # these make the folders above theirs
    before = set(tmp_path.iterdir())
    refused(capsys, *verb, *first, "--out", name)
    assert set(tmp_path.iterdir()) == before


def test_two_requests_do_not_share_files(capsys, trained, tmp_path):
    draw = ["generate", trained.folder, "--count", 2]
    each, sheet = tmp_path / "each", tmp_path / "a.png"
    assert run(capsys, *draw, "--out", each)[0] == 0
    assert run(capsys, *draw, "--gif", "--out", sheet)[0] == 0
    (tmp_path / "b.gif").write_bytes(b"of somebody else")
    (each / "seed-0007.png").write_bytes(b"of somebody else")
    before = contents(each), sheet.read_bytes()
    assert "is another picture" in refused(capsys, *draw, "--steps", 2, "--out", each)
    assert "is another picture" in refused(capsys, *draw, "--seed", 1, "--scale", 3, "--out", each)
    assert "seed-0007.png exists, and is another picture" in refused(capsys, *draw, "--seed", 7, "--out", each)
    assert "a.png exists" in refused(capsys, *draw, "--out", sheet)
    assert "b.gif exists" in refused(capsys, *draw, "--gif", "--out", tmp_path / "b.png")
    assert "is what is read" in refused(capsys, *draw, "--out", trained.folder)
    assert before == (contents(each), sheet.read_bytes())
    assert run(capsys, *draw, "--steps", 2, "--out", each, "--overwrite")[0] == 0
    assert (each / "seed-0007.png").read_bytes() == b"of somebody else"
    assert read_png(each / "seed-0000.png")[1]["sampling"]["steps"] == 2


def test_an_interrupted_folder_keeps_what_is_there_and_the_same_command_goes_on(
    capsys, trained, tmp_path, drawn, monkeypatch
):
    command = ["generate", trained.folder, "--count", 20, "--gif", "--apng", "--out"]
    assert run(capsys, *command, tmp_path / "whole")[0] == 0
    draw = Generator.draw

    def interrupted(error):
        def stop(self, plan, **options):
            if 16 in plan.seeds:
                raise error
            return draw(self, plan, **options)

        return stop

    for error, expected in ((KeyboardInterrupt(), 130), (Terminated(15), 75), (MemoryError(), 1)):
        folder = tmp_path / f"half-{expected}"
        with monkeypatch.context() as patch:
            patch.setattr(Generator, "draw", interrupted(error))
            found, out, err = run(capsys, *command, folder)
        assert (found, out) == (expected, "")
        assert f"16 of 20 images are in {folder}, and the same command goes on" in err
        half = contents(folder)
        assert len(half) == 16
        drawn.clear()
        status, out, err = run(capsys, *command, folder)
        assert (status, out.split()) == (
            0,
            [
                str(folder / name)
                for name in [*(f"seed-{n:04d}.png" for n in range(20)), "denoising.gif", "denoising.apng"]
            ],
        )
        assert contents(folder) == contents(tmp_path / "whole")
        assert half.items() <= contents(folder).items()
    (folder / "seed-0003.png").unlink()
    (folder / "seed-0018.png").write_bytes(contents(folder)["seed-0018.png"][:-40])  # cut short by something else
    assert "seed-0018.png exists, and is another picture" in refused(capsys, *command, folder)
    (folder / "seed-0018.png").unlink()
    drawn.clear()
    assert run(capsys, *command, folder)[0] == 0
    assert drawn == [[3, 18]]  # what is there is not drawn again
    assert contents(folder) == contents(tmp_path / "whole")
    monkeypatch.setattr("noisette.inference.loading.with_network", lambda *_: pytest.fail("the network was loaded"))
    status, out, _ = run(capsys, *command, folder, "--json")  # nor is a network loaded for it
    told = json.loads(out)
    assert (status, told["files"][-2:]) == (0, [str(folder / "denoising.gif"), str(folder / "denoising.apng")])
    assert told["drawn_by"] == read_png(folder / "seed-0000.png")[1]["drawn_by"]


def test_a_full_disk_says_how_many_images_there_are(capsys, trained, tmp_path, monkeypatch):
    synced, fsync = [], os.fsync

    def full(descriptor):
        synced.append(descriptor)
        if len(synced) > 5:  # a file and its folder are two
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(descriptor)

    command = ["generate", trained.folder, "--count", 5, "--out", tmp_path / "each"]
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        status, _, err = run(capsys, *command)
    assert (status, err.count("\n")) == (1, 1)
    [count] = re.findall(r"No space left on device; (\d) of 5 images are in", err)
    assert sorted(contents(tmp_path / "each")) == [f"seed-000{number}.png" for number in range(int(count))]
    assert 0 < int(count) < 5
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        assert run(capsys, *command[:-1], tmp_path / "none")[0] == 1
    assert not (tmp_path / "none").exists()
    assert run(capsys, *command)[0] == 0
    assert len(contents(tmp_path / "each")) == 5


@pytest.mark.slow
def test_a_command_that_is_told_to_end_keeps_what_is_there(tmp_path):
    command = [
        sys.executable,
        "-m",
        "noisette",
        "generate",
        "digits",
        "--count",
        "200",
        "--steps",
        "40",
        "--out",
        "each",
    ]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    while process.poll() is None and len(list(tmp_path.glob("each/seed-*.png"))) < 16:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    written = sorted(tmp_path.glob("each/*"))
    assert process.returncode == 75, err
    assert f"interrupted; {len(written)} of 200 images are in each, and the same command goes on" in err
    assert 16 <= len(written) < 200
    assert all(path.suffix == ".png" for path in (tmp_path / "each").iterdir())
    for path in written:
        read_png(path)  # whole


def test_a_picture_goes_to_standard_output(capsysbinary, trained, tmp_path):
    command = ["generate", str(trained.folder), "--count", "2", "--out"]
    assert main([*command, str(tmp_path / "a.png")]) == 0
    capsysbinary.readouterr()
    assert main([*command, "-"]) == 0
    output = capsysbinary.readouterr()
    assert output.out == (tmp_path / "a.png").read_bytes()
    assert main(["regenerate", str(tmp_path / "a.png"), "--run", str(trained.folder), "--out", "-"]) == 0
    output = capsysbinary.readouterr()
    assert output.out == (tmp_path / "a.png").read_bytes()
    assert b"identical" in output.err
    assert main(["noising", str(trained.folder), "--frames", "3", "--count", "1", "--out", "-"]) == 0
    with Image.open(io.BytesIO(capsysbinary.readouterr().out)) as animation:
        assert animation.format == "GIF"
    for options, message in ((["--json"], b"--json answers on standard output"), (["--gif"], b"takes one file")):
        assert main([*command, "-", *options]) == 2
        output = capsysbinary.readouterr()
        assert (output.out, message in output.err) == (b"", True)


def test_a_picture_is_never_drawn_over_itself(capsys, trained, tmp_path):
    file = tmp_path / "a.png"
    assert run(capsys, "generate", trained.folder, "--count", 1, "--out", file)[0] == 0
    (tmp_path / "link.png").symlink_to(file)
    before = file.read_bytes()
    for out in (file, tmp_path / "link.png"):
        assert "is what is read" in refused(
            capsys, "regenerate", file, "--run", trained.folder, "--out", out, "--overwrite"
        )
    assert file.read_bytes() == before
    for name in ("a-again.png", "a-again~2.png"):
        status, out, _ = run(capsys, "regenerate", file, "--run", trained.folder, "--json")
        assert (status, json.loads(out)["file"]) == (0, str(tmp_path / name))
    assert "a-again.png exists" in refused(
        capsys, "regenerate", file, "--run", trained.folder, "--out", tmp_path / "a-again.png"
    )


def test_a_home_folder_stands_for_itself_in_every_name(capsys, trained, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "run").symlink_to(trained.folder)
    monkeypatch.chdir(tmp_path)
    status, out, err = run(capsys, "generate", "~/run", "--count", 1, "--out", "~/a.png", "--json")
    assert (status, json.loads(out)["files"]) == (0, [str(tmp_path / "a.png")]), err
    assert run(capsys, "regenerate", "~/a.png", "--run", "~/run", "--out", "~/each.png")[0] == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "each.png", "run"]


def test_a_name_tells_what_it_is(capsys, trained, tmp_path):
    draw = ["generate", trained.folder, "--count", 1, "--out"]
    assert "pictures are PNG" in refused(capsys, *draw, tmp_path / "v1.2")
    assert run(capsys, *draw, f"{tmp_path}/v1.2/")[0] == 0  # a slash says that it is a folder
    assert run(capsys, *draw, tmp_path / "v1.2", "--seed", 5)[0] == 0  # and so does a folder that is there
    assert sorted(contents(tmp_path / "v1.2")) == ["seed-0000.png", "seed-0005.png"]
    (tmp_path / "file").touch()
    assert "is a file" in refused(capsys, *draw, tmp_path / "file")
    (tmp_path / "folder.png").mkdir()
    assert "is a folder" in refused(capsys, *draw, tmp_path / "folder.png")


@pytest.mark.parametrize("palette", [[], ["--palette"]], ids=["as drawn", "on the palette"])
def test_an_animation_ends_in_the_picture_that_is_drawn(capsys, trained, tmp_path, palette):
    options = ["--count", 3, "--columns", 3, "--scale", 2, "--gif", "--apng", *palette, "--out", tmp_path / "a.png"]
    status, out, err = run(capsys, "generate", trained.folder, *options)
    assert (status, out.split()) == (0, [str(tmp_path / f"a{suffix}") for suffix in (".png", ".gif", ".apng")])
    picture = np.asarray(read_png(tmp_path / "a.png")[0])
    with Image.open(tmp_path / "a.apng") as animation:
        animation.seek(animation.n_frames - 1)
        assert np.array_equal(np.asarray(animation)[:, -picture.shape[1] :], picture)
    partly = set(np.unique(picture[..., 3])) - {0, 255}
    assert bool(partly) == ("partly transparent" in err)
    with Image.open(tmp_path / "a.gif") as animation:
        animation.seek(animation.n_frames - 1)
        shown = np.asarray(animation.convert("RGBA"))[:, -picture.shape[1] :]
    expected = np.asarray(on_white(read_png(tmp_path / "a.png")[0]).convert("RGBA")) if partly else picture
    solid = expected[..., 3] == 255
    assert np.array_equal(shown[solid], expected[solid])


@pytest.mark.parametrize(("name", "more"), [("a.gif", ["--palette"]), ("a.png", []), ("a.apng", ["--duration", 45])])
def test_the_images_are_the_frames_of_one_animation(capsys, trained, tmp_path, name, more):
    draw = ["generate", trained.folder, "--count", 3, "--seed", 5, "--scale", 2, "--frames", *more]
    assert run(capsys, *draw, "--out", tmp_path / name)[:2] == (0, f"{tmp_path / name}\n")
    images = noisette.load(trained.folder).generate(seeds=range(5, 8), palette="--palette" in more)
    with Image.open(tmp_path / name) as animation:
        assert animation.n_frames == 3
        for number, image in enumerate(images):
            animation.seek(number)
            assert animation.info["duration"] == (45 if 45 in more else 120)
            assert differing(animation.convert("RGBA"), sheet(image[None], scale=2)) == (0, 0)
    assert "exists" in refused(capsys, *draw, "--out", tmp_path / name)


def test_frames_that_cannot_be_are_refused_in_one_line(capsys, trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    draw = ["generate", trained.folder, "--frames"]
    for options, message in (
        (["--out", "folder"], "name a .gif or .png file"),
        (["--out", "a.jpg"], "name a .gif or .png file"),
        (["--count", 1, "--out", "a.gif"], "ask for more with --count"),
        (["--count", 4096, "--scale", 64, "--out", "a.gif"], "use a smaller --scale or --count"),
        (["--out", "a.gif", "--duration", 125], "--duration 125 is no multiple of 10"),
        (["--out", "a.gif", "--duration", 5], "--duration"),
        (["--atlas", "--columns", 3, "--out", "a.png"], "leave --columns, --atlas out, or --frames"),
        (["--gif", "--apng", "--out", "a.png"], "leave --gif, --apng out, or --frames"),
    ):
        assert message in refused(capsys, *draw, *options)
    assert "goes with --frames or --atlas" in refused(capsys, *draw[:-1], "--duration", 50, "--out", "a.png")
    assert "with --frames" in refused(capsys, *draw[:-1], "--out", "a.gif")
    assert list(tmp_path.iterdir()) == []


def test_what_a_gif_would_change_is_refused_and_nothing_is_written(capsys, trained, tmp_path):
    """An untrained network's images are partly transparent."""
    status, out, err = run(capsys, "generate", trained.folder, "--frames", "--out", tmp_path / "a.gif")
    assert (status, out) == (2, "")
    assert "which no GIF shows; name a .png file with --out, for an animated PNG" in err
    assert list(tmp_path.iterdir()) == []
    assert run(capsys, "generate", trained.folder, "--frames", "--out", tmp_path / "a.png")[0] == 0  # as it says
    with Image.open(tmp_path / "a.png") as animation:
        assert animation.n_frames == 16


def test_an_animation_of_pictures_is_not_drawn_again_as_a_picture(capsys, trained, tmp_path):
    file = tmp_path / "a.png"
    assert run(capsys, "generate", trained.folder, "--count", 2, "--frames", "--out", file)[0] == 0
    assert "shows 2 pictures in turn" in refused(capsys, "regenerate", file)


@pytest.mark.parametrize("name", ["z.png", "z"])
def test_nothing_is_written_among_the_models_that_ship(capsys, name):
    place = home() / "digits" / name
    assert "are not written into" in refused(capsys, "generate", "digits", "--count", "1", "--out", place)
    assert not place.exists()


def test_what_is_no_ordinary_file_is_told_of_standard_output(capsys, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    line = refused(capsys, "generate", "digits", "--count", "1", "--out", tmp_path / "pipe")
    assert "pipe is no ordinary file; name a .png file or a folder, or - for standard output" in line


@pytest.mark.parametrize(
    "words", [["noising", "sprites"], ["regenerate", "{picture}"], ["data", "inspect", "sprites", "--count", "4"]]
)
def test_no_verb_writes_among_the_models_that_ship(capsys, tmp_path, words):
    assert main(["generate", "digits", "--count", "1", "--out", str(tmp_path / "a.png")]) == 0
    suffix = ".gif" if words[0] == "noising" else ".png"
    words = [word.format(picture=tmp_path / "a.png") for word in words]
    capsys.readouterr()
    err = refused(capsys, *words, "--out", home() / "punks" / f"mine{suffix}")
    assert "lies among the models that ship with noisette" in err
    assert not (home() / "punks" / f"mine{suffix}").exists()
