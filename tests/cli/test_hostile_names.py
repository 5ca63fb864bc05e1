"""Names that would move a cursor, colour a terminal, begin a formula or a script: they are shown, and do nothing."""

from __future__ import annotations

import os
import shutil

import pytest
from rich.console import Console

from noisette.attributes.facts import attribute_facts, describe_attributes
from noisette.attributes.schema import AttributeSchema, Flag
from noisette.attributes.statistics import Statistics
from noisette.cli import common, display, main
from noisette.text import plain_tree

HOSTILE = "\x1b[31m[red][/x]\r\u202e$x^{$ <b>&amp;|`\x9b2J\n:bomb: \u0007"
NOT_UTF8 = os.fsdecode(b"caf\xe9")


def run(capsys, *arguments):
    status = main([str(argument) for argument in arguments])
    output = capsys.readouterr()
    return status, output.out, output.err


def harmless(text):
    return all(letter.isprintable() or letter == "\n" for letter in text)


@pytest.fixture
def folder(asked, tmp_path):
    return shutil.copytree(asked.folder, tmp_path / HOSTILE)


def test_no_verb_lets_a_name_into_the_terminal(capsys, folder, tmp_path, monkeypatch):
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    picture = tmp_path / f"{HOSTILE}.png"
    tried = [
        (0, ["attributes", folder]),
        (0, ["resume", folder]),
        (0, ["generate", folder, "--count", 1, "--out", picture]),
        (0, ["generate", folder, "--count", 1, "--out", tmp_path / "a.png", "--attributes", "Zombie"]),
        (2, ["generate", folder, "--attributes", HOSTILE]),
        (2, ["generate", folder, "--sampler", HOSTILE]),
        (0, ["regenerate", picture, "--out", tmp_path / "again.png"]),
        (2, ["regenerate", folder]),
        (0, ["generate", shutil.copytree(folder, tmp_path / NOT_UTF8)]),
        (0, ["train", "sprites", "--dry-run", "--out", tmp_path / NOT_UTF8 / "run"]),
        (0, ["noising", folder, "--count", 1, "--frames", 2]),
        (2, ["evaluate", folder]),
        (2, ["sweep", folder, "--over", f"{HOSTILE}=1"]),
        (2, ["tune", folder]),
        (0, ["report", folder, "--out", tmp_path / "r.html"]),
        (2, ["train", HOSTILE]),
        (2, ["train", "punks", "--set", f"{HOSTILE}=1"]),
        (2, ["train", "punks", "--set", f"training.budget={HOSTILE}"]),
        (2, ["data", "inspect", HOSTILE]),
        (2, ["data", "fetch", HOSTILE]),
        (2, [HOSTILE]),
        (2, ["generate", f"--{HOSTILE}"]),
    ]
    for expected, arguments in tried:
        status, out, err = run(capsys, *arguments)
        assert (status, harmless(out + err)) == (expected, True), (arguments, out, err)
        assert err.count("\n") <= 2 + 3 * (arguments[0] == "resume"), err


def test_a_name_of_thousands_of_letters_leaves_a_message_that_can_be_read(capsys):
    status, _, err = run(capsys, "train", "x" * 5000)
    assert status == 2
    assert len(err) < 1100
    assert err.startswith('error: no recipe "xxx')
    assert err.rstrip().endswith("(see `noisette recipes`)")


def test_names_in_a_table_are_plain_and_short():
    schema = AttributeSchema(attributes=(Flag(name=HOSTILE), Flag(name="y" * 3000)))
    statistics = Statistics(images=5, together=[[3, 0], [0, 2]])
    facts = attribute_facts(schema, statistics)
    told = describe_attributes(plain_tree(facts, 100), everything=True)
    assert harmless(told)
    assert max(map(len, told.splitlines())) < 300


@pytest.mark.parametrize("terminal", [True, False])
def test_live_lines_and_logs_show_names_as_they_are(monkeypatch, capsys, terminal):
    monkeypatch.setattr(display, "Console", lambda stderr: Console(stderr=stderr, force_terminal=terminal, width=200))
    monkeypatch.setattr(display, "_LOG_EVERY", -1.0)
    with display.stages() as stage:
        stage(HOSTILE, 1, 2)
    with display.drawing(HOSTILE) as progress:
        progress(1, 2)
    with display.training(HOSTILE) as (callback, _):
        callback.on_note(HOSTILE)
    err = capsys.readouterr().err
    assert "[red][/x]" in err
    assert ":bomb:" in err
    assert "\u202e" not in err
    assert "\x1b[31m[red]" not in err
    assert "\x9b" not in err


def test_what_is_told_is_one_line(capsys):
    common.tell(HOSTILE)
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert harmless(err)
