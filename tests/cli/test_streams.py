"""The work is done, and the answer can be read, whatever standard output and standard error are."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from noisette.cli import app
from noisette.cli.streams import Outlet

INSPECT = ["data", "inspect", "sprites", "--count", "50"]


def started(folder, arguments, redirected="", **variables):
    """What `noisette ARGUMENTS` leaves in a folder, started by a shell with redirections."""
    quoted = " ".join(f"'{argument}'" for argument in arguments)
    command = f"cd '{folder}' && {sys.executable} -P -m noisette {quoted} {redirected}"
    environment = {**os.environ, **variables}
    return subprocess.run(os.fsencode(command), shell=True, capture_output=True, env=environment, check=False)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8:strict", "utf-16"])
def test_an_answer_can_be_read_in_every_encoding(tmp_path, encoding):
    folder = tmp_path / os.fsdecode(b"caf\xe9 \xe2\x82\xac")  # not UTF-8, and with a euro sign
    folder.mkdir()
    done = started(folder, [*INSPECT, "--out", "sch\u00f6n \u263a.png"], PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "50 images" in done.stdout.decode(encoding.partition(":")[0])
    assert [path.name for path in folder.iterdir()] == ["sch\u00f6n \u263a.png"]


def test_json_is_ascii_and_names_every_file_exactly(tmp_path):
    name = os.fsdecode(b"caf\xe9 \xe2\x98\xba.png")
    done = started(tmp_path, [*INSPECT, "--json", "--out", name], PYTHONIOENCODING="ascii:strict")
    told = json.loads(done.stdout.decode("ascii"))
    assert os.fsencode(told["contact_sheet"]) == os.fsencode(name)
    assert (tmp_path / name).is_file()


@pytest.mark.parametrize(
    ("redirected", "told"),
    [
        (">/dev/full", b"note: all is done, but the answer could not be written: No space left on device\n"),
        (">&-", b""),
        ("2>&-", b""),
        (">&- 2>&- <&-", b""),
        ("| true", b""),
        ("2>/dev/full", b""),
        (">/dev/full 2>/dev/full", b""),
    ],
)
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_what_nobody_can_read_is_done_all_the_same(tmp_path, redirected, told):
    done = started(tmp_path, INSPECT, redirected)
    assert (done.returncode, done.stderr) == (0, told)
    assert (tmp_path / "sprites-contact-sheet.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("redirected", "status", "told"),
    [
        (">/dev/full", 1, b"error: cannot write to standard output: No space left on device\n"),
        (">&-", 2, b"error: standard output is closed; name a file with --out\n"),
        ("| true", 0, b""),
    ],
)
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_file_that_standard_output_does_not_take_is_an_error(tmp_path, redirected, status, told):
    done = started(tmp_path, [*INSPECT, "--out", "-"], redirected)
    errors = b"".join(line for line in done.stderr.splitlines(keepends=True) if line.startswith((b"error", b"note")))
    assert (done.returncode, errors) == (status, told)


def test_a_refusal_keeps_its_status_when_nobody_can_read_it(tmp_path):
    assert started(tmp_path, ["data", "inspect", "nothing"], "2>/dev/full").returncode == 2


def test_no_file_takes_the_number_of_a_closed_stream(tmp_path):
    """Else what a library writes to standard error would go into the first file that is opened."""
    code = "import os; from noisette.cli import main; main(['--version']); print(os.open('file', os.O_CREAT))"
    done = subprocess.run(
        f'{sys.executable} -c "{code}" >&- 2>&-; echo $?', shell=True, cwd=tmp_path, capture_output=True, check=True
    )
    assert done.stdout == b"0\n"


@pytest.mark.parametrize("verb", [[], *([name] for name in app.commands)], ids=" ".join)
def test_help_is_ascii(verb, capsys):
    """Click writes help by itself, as UTF-8 where the encoding is ASCII."""
    from noisette.cli import main

    assert main([*verb, "--help"]) == 0
    assert capsys.readouterr().out.isascii()


class Full(io.RawIOBase):
    """It takes three bytes."""

    def __init__(self):
        self.taken = b""

    def writable(self):
        return True

    def write(self, data):
        if len(self.taken) == 3:
            raise OSError(28, "No space left on device")
        self.taken += bytes(data[:1])
        return 1


def test_an_outlet_drops_what_cannot_be_written_and_remembers_why():
    raw = Full()
    outlet = Outlet(raw)
    with io.TextIOWrapper(io.BufferedWriter(outlet), encoding="utf-8") as stream:
        stream.write("whole")
        stream.flush()
        stream.write("more")
    assert raw.taken == b"who"
    assert outlet.error.errno == 28


def test_an_outlet_waits_for_a_pipe_that_does_not():
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    reader = subprocess.Popen(["sh", "-c", "sleep 0.2; wc -c"], stdin=reading, stdout=subprocess.PIPE)
    os.close(reading)
    with os.fdopen(writing, "wb", buffering=0) as raw, io.BufferedWriter(Outlet(raw)) as stream:
        stream.write(b"x" * 1_000_000)
    assert int(reader.communicate(timeout=30)[0]) == 1_000_000
