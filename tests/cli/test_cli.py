from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import click
import pytest

from noisette.cli import app, main
from noisette.config.recipe import recipe_names
from noisette.diffusion.registry import RuleSpacing, SamplerName


def run(capsys, *arguments):
    status = main([str(argument) for argument in arguments])
    output = capsys.readouterr()
    return status, output.out, output.err


def verbs():
    for name, command in app.commands.items():
        yield from ([name, sub] for sub in command.commands) if hasattr(command, "commands") else [[name]]


@pytest.mark.parametrize("verb", [[], ["data"], *verbs()], ids=" ".join)
def test_help_tells_and_needs_no_pytorch(verb):
    code = f"import sys; from noisette.cli import main; status = main({[*verb, '--help']!r}); sys.exit(status or 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Usage: noisette" in done.stdout
    assert "--help" in done.stdout


@pytest.mark.parametrize("verb", ["generate", "evaluate"])
def test_help_names_every_sampler_and_spacing(capsys, verb):
    assert main([verb, "--help"]) == 0
    told = re.split(r"[^a-z0-9-]+", re.sub(r"-\n\s*", "-", capsys.readouterr().out))
    assert set(told) >= {*get_args(SamplerName), *get_args(RuleSpacing)}


def test_importing_noisette_does_not_import_pytorch():
    code = "import sys, noisette; noisette.train if False else None; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_public_names_are_there():
    import noisette

    for name in noisette.__all__:
        assert getattr(noisette, name)
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        noisette.trian  # noqa: B018


def test_recipes_are_a_line_each(capsys):
    status, out, _ = run(capsys, "recipes")
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()] == recipe_names()
    assert {entry["name"] for entry in json.loads(run(capsys, "recipes", "--json")[1])["recipes"]} == set(
        recipe_names()
    )


WRONG = [
    (["trian"], 'no command "trian"; nearest: train'),
    (["data", "fetsh", "mnist"], 'no command "fetsh"; nearest: fetch'),
    (["train"], "Missing argument 'RECIPE'"),
    (["train", "punk"], 'no recipe "punk"; nearest: punks'),
    (["train", "nowhere.toml"], "the recipe: cannot read nowhere.toml"),
    (["train", "punks", "--set", "training.bach_size=3"], "no setting training.bach_size; nearest: batch_size"),
    (["train", "punks", "--set", "training.batch_size=0"], "training.batch_size"),
    (["train", "punks", "--set", "network.widths=[64,64,64,64,64]", "--set", "network.attention=[false,false,false,false,false]"], "network.widths: has 5 levels, but 24 pixels in patches of 2 leave 12, which halves twice; use at most 3"),
    (["train", "punks", "--budget", "soon"], '"soon" is not a duration; write 90s, 30m'),
    (["train", "punks", "--budget", "1m", "--steps", "3"], "at most one of budget, epochs and steps"),
    (["train", "mnist-fast", "--set", "diffusion.schedule=linear"], "0.22 of the image is left"),
    (["train", "mnist-fast", "--set", "diffusion.steps=15", "--set", "samples.steps=5"], "use more steps, or cosine"),
    (["train", "sprites", "--set", "diffusion.steps=10000000000"], "diffusion.steps: there must be 1 to 100000"),
    (["generate", "nowhere"], "no folder nowhere"),
    (["resume", "nowhere"], "no folder nowhere"),
    (["regenerate", "nowhere.png"], "cannot read nowhere.png"),
    (["data", "inspect", "cryptopunk"], 'no data set "cryptopunk"; nearest: cryptopunks'),
    (["data", "inspect", "sprites", "--size", "7"], "sprites can be 8 to 64 pixels wide, not 7"),
    (["data", "inspect", "mnist", "--background", "#000000"], "takes no background"),
    (["data", "fetch", "mnist", "--from", "nowhere.whl"], "no file nowhere.whl"),
    (["data", "fetch", "sprites", "--from", "x"], "needs no file"),
    (["noising", "nowhere"], "no folder nowhere"),
    (["inspect", "sprites"], 'no command "inspect"; nearest: data inspect (see'),
    (["fetsh", "mnist"], 'no command "fetsh"; nearest: data fetch (see'),
    (["train", "punks", "--set", "training.seed=1", "--set", "training.seed=2"], "training.seed=1 and training.seed=2 both set training.seed; give one"),
    (["train", "punks", "--steps", "4", "--set", "training.steps=5"], "both set the length of the training"),
    (["train", "punks", "--set", "training.steps=5", "--budget", "1m"], "both set the length of the training"),
    (["distil", "punks", "--set", "samples.steps=5", "--set", "sampling.steps=6"], "both set sampling.steps"),
    (["generate", "punks", "--attributes", "Female", "--attributes", "Male"], "type is both Female and Male"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "message"), WRONG, ids=[" ".join(arguments)[:40] for arguments, _ in WRONG])
def test_a_wrong_request_gets_one_line_and_status_2(capsys, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    status, out, err = run(capsys, *arguments)
    assert status == 2
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert message in err
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_prints_the_whole_recipe_and_makes_nothing(capsys, tmp_path, monkeypatch):
    from noisette.config.recipe import parse_recipe

    monkeypatch.chdir(tmp_path)
    status, out, _ = run(capsys, "train", "punks", "--budget", "90s", "--dry-run")
    assert status == 0
    assert parse_recipe(out, source="x").training.budget == "90s"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_training_and_drawing_by_command(capsys, tiny_file, tmp_path):
    folder = tmp_path / "run"
    status, out, err = run(capsys, "train", tiny_file, "--out", folder, "--steps", 5, "--json")
    facts = json.loads(out)
    assert (status, facts["state"], facts["step"]) == (0, "finished", 5)
    assert "loss" in err
    status, out, _ = run(capsys, "generate", folder, "--count", 2, "--out", tmp_path / "a.png", "--json")
    facts = json.loads(out)
    assert (status, facts["seeds"], facts["files"]) == (0, [0, 1], [str(tmp_path / "a.png")])
    assert run(capsys, "train", tiny_file, "--out", folder)[0] == 2
    assert run(capsys, "resume", folder)[0] == 0


def test_inspecting_sprites_writes_a_contact_sheet(capsys, tmp_path):
    status, out, _ = run(capsys, "data", "inspect", "sprites", "--count", 50, "--out", tmp_path / "s.png")
    assert status == 0
    assert "50 images, 24x24 RGBA" in out
    assert (tmp_path / "s.png").stat().st_size > 500
    facts = json.loads(
        run(capsys, "data", "inspect", "sprites", "--count", 50, "--out", tmp_path / "t.png", "--json")[1]
    )
    assert facts["splits"] == {"train": 45, "validation": 3, "test": 2}


def test_a_picture_that_cannot_be_written_is_one_line(capsys, trained, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    for out in (blocked / "a.png", tmp_path / "none" / "a.png"):
        status, _, err = run(capsys, "generate", trained.folder, "--count", 1, "--out", out)
        assert (status, err.count("\n")) == (2, 1)
    status, _, err = run(capsys, "generate", trained.folder, "--count", 1, "--out", tmp_path / "a.jpg")
    assert (status, "pictures are PNG" in err) == (2, True)


def test_every_verb_with_an_answer_can_give_it_as_json():
    without = [" ".join(verb) for verb in verbs() if "--json" not in _options(verb)]
    assert without == ["dashboard"]  # which serves, and answers nothing


def _options(verb):
    command = app
    for name in verb:
        command = command.commands[name]
    return {option for parameter in command.params for option in parameter.opts}


def test_the_command_is_installed():
    command = Path(sys.executable).parent / "noisette"
    assert subprocess.run([command, "--version"], capture_output=True, text=True, check=True).stdout.startswith(
        "noisette, version"
    )


def single_options(command=app, words=()):
    """Each option that takes one value, with the words of its verb."""
    if isinstance(command, click.Group):
        for name, verb in command.commands.items():
            yield from single_options(verb, (*words, name))
        return
    with click.Context(command) as context:
        for option in command.get_params(context):
            if isinstance(option, click.Option) and not option.multiple and not option.is_flag:
                yield *words, option.opts[0], max(option.nargs, 1)


@pytest.mark.parametrize("given", list(single_options()), ids=lambda given: " ".join(given[:-1]))
def test_no_option_is_lost_because_it_is_given_twice(capsys, tmp_path, monkeypatch, given):
    monkeypatch.chdir(tmp_path)
    *verb, option, values = given
    status, out, err = run(capsys, *verb, option, *["1"] * values, option, *["2"] * values)
    assert (status, out) == (2, "")
    assert f"{option} is given twice, and only the last would count; give it once" in err
    assert list(tmp_path.iterdir()) == []


def test_of_several_attributes_options_all_are_asked_for(capsys, tmp_path):
    from noisette.files.images import read_png

    for name, asked in (("a", ["Female, 3D Glasses"]), ("b", ["Female", "3D Glasses"])):
        words = [word for each in asked for word in ("--attributes", each)]
        assert run(capsys, "generate", "punks", *words, "--count", "1", "--out", str(tmp_path / f"{name}.png"))[0] == 0
    assert read_png(tmp_path / "a.png")[1] == read_png(tmp_path / "b.png")[1]


def test_sentences_of_ours_are_shown_whole_and_names_of_others_are_not():
    from noisette.cli.common import shown

    sentence = "the classifier reads all attributes right in only 0.31 of the real images, " + "and so on " * 9
    facts = {"notes": [sentence], "left_out": {"fidelity": sentence}, "recipe": {"a": sentence}, "run": "r" * 200}
    cut = {**facts, "run": f"{'r' * 49}...{'r' * 48}"}
    assert shown(facts) == cut
    assert shown({"points": [facts], "split": "test"}) == {"points": [cut], "split": "test"}
