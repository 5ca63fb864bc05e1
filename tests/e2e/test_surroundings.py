"""Every verb of the command, in surroundings that are not those of a developer.

All verbs run in one process, since PyTorch is loaded once then: what a verb leaves or asks is left or asked in any case.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest

import noisette
from noisette.cli import app

from ..conftest import CONDITIONAL

VERBS = [
    ["recipes"],
    ["data", "fetch", "sprites"],
    ["data", "inspect", "sprites", "--count", "50", "--out", "sheet.png"],
    ["train", "tiny.toml", "--dry-run"],
    ["train", "tiny.toml", "--out", "runs/a", "--steps", "3"],
    ["train", "tiny.toml", "--out", "runs/b", "--steps", "3", "--queue", "--json"],
    ["resume", "runs/a"],
    ["distil", "runs/a", "--nfe", "1", "--steps", "2", "--out", "runs/d"],
    ["attributes", "runs/a", "--all"],
    ["generate", "runs/a", "--count", "2", "--out", "a.png", "--gif"],
    ["generate", "digits", "--count", "1", "--steps", "1", "--out", "digit.png", "--json"],
    ["regenerate", "a.png", "--out", "again.png"],
    ["collection", "runs/a", "--count", "2", "--out", "new"],
    ["noising", "runs/a", "--count", "1", "--frames", "2", "--out", "noising.gif"],
    ["evaluate", "--fit-classifier", "runs/a", "--classifier-epochs", "1"],
    ["evaluate", "runs/a", "--draws", "1", "--count", "8"],
    ["sweep", "runs/a", "--over", "steps=1,2", "--count", "8", "--out", "sweep"],
    ["tune", "runs/a", "--count", "2"],
    ["report", "runs/a", "--draws", "1", "--count", "8", "--out", "report.html"],
    ["generate", "nowhere"],
]
EXPECTED = [0] * (len(VERBS) - 1) + [2]
OUTPUTS = {
    "a.gif",
    "a.png",
    "again.png",
    "digit.png",
    "new",
    "noising.gif",
    "report.html",
    "runs",
    "sheet.png",
    "sweep",
    "tiny.toml",
}

RUN_ALL = """
import contextlib, io, json, sys
from noisette.cli import main
found = []
for verb in json.loads(sys.argv[1]):
    told = io.StringIO()
    with contextlib.redirect_stderr(told):
        status = main(verb)
    found.append([status, told.getvalue()])
open(sys.argv[2], "w").write(json.dumps(found))
"""


@pytest.fixture
def place(tmp_path):
    return made(tmp_path)


def made(above):
    """A folder to work in, whose name is not UTF-8."""
    folder = above / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    (folder / "tiny.toml").write_text(CONDITIONAL.replace("count = 60", "count = 300"))
    (above / "tmp").mkdir()
    return folder


def surroundings(tmp_path, **variables):
    """The variables of a person who has set none, in a home folder of their own."""
    kept = ("PATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "OMP_NUM_THREADS")
    return {
        **{name: value for name, value in os.environ.items() if name in kept},
        "PYTHONPATH": str(Path(noisette.__file__).parents[1]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": str(tmp_path / "tmp"),
        **variables,
    }


def run_all(place, environment, before=()):
    """What each verb ended with, and what it said on standard error."""
    found = place.parent / "tmp" / "found.json"
    command = [*before, sys.executable, "-c", RUN_ALL, json.dumps(VERBS), str(found)]
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    statuses, told = zip(*json.loads(found.read_text()), strict=True)
    found.unlink()
    return list(statuses), list(told), done


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def strace(log):
    """The words that trace who is talked to and what is written; none where a process may not be traced."""
    tried = (
        subprocess.run(["strace", "-f", "-e", "trace=none", "true"], capture_output=True, check=False)
        if shutil.which("strace")
        else None
    )
    if tried is None or tried.returncode:
        return []
    calls = "trace=connect,sendto,sendmsg,sendmmsg,open,openat,creat"
    return [
        "strace",
        "-f",
        "--seccomp-bpf",
        "-qq",
        "-y",
        "-s",
        "200",
        "-e",
        calls,
        "-e",
        "status=!failed",
        "-e",
        "signal=none",
        "-o",
        str(log),
    ]


def talked_to(log):
    """The calls that talk to another machine, or ask a name server, wherever it is."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if "AF_INET" in line]
    near = re.compile(r'sin6?_port=htons\((?!53\)).*(inet_addr\("127\.|inet_pton\(AF_INET6, "::1")')
    return [line for line in lines if not near.search(line)]


def written(log):
    """The files that were opened to be written."""
    found = re.findall(
        r'(?:open|openat|creat)\(.*?"([^"]*)", [^)]*(?:O_WRONLY|O_RDWR|O_CREAT)', log.read_text(errors="replace")
    )
    return {path.encode("latin-1").decode("unicode_escape").encode("latin-1") for path in found}


def test_no_verb_talks_to_anybody_or_leaves_a_file_outside_the_cache_and_the_outputs(place, tmp_path):
    home, log = tmp_path / "home", tmp_path / "trace"
    home.mkdir()
    tracing = strace(log)
    environment = surroundings(tmp_path, HOME=str(home), PYTHONIOENCODING="ascii:strict")
    statuses, told, done = run_all(place, environment, tracing)
    assert statuses == EXPECTED, told
    assert done.stdout.isascii()
    assert {path.name for path in place.iterdir()} == OUTPUTS
    assert [path for path in files(home) if not path.startswith(".cache/noisette/")] == []
    assert files(tmp_path / "tmp") == []
    if tracing:
        assert log.stat().st_size > 10_000
        assert talked_to(log) == []
        ours = tuple(os.fsencode(folder) for folder in (place, home / ".cache/noisette", tmp_path / "tmp"))
        assert {
            path for path in written(log) if path.startswith(b"/") and not path.startswith((*ours, b"/dev/", b"/proc/"))
        } == set()


def test_every_verb_is_tried():
    tried = {verb[0] for verb in VERBS}
    assert tried | {"dashboard"} == set(app.commands)


def test_without_a_home_every_verb_works_or_says_what_to_set(place, tmp_path):
    check_without_home(place, surroundings(tmp_path, HOME="/dev/null"))


SOMEBODY = ["setpriv", "--reuid", "54321", "--regid", "54321", "--clear-groups"]


def test_an_unknown_user_without_a_home_works_too():
    if not shutil.which("setpriv") or subprocess.run([*SOMEBODY, sys.executable, "-c", ""], check=False).returncode:
        pytest.skip("nobody else can be become here")
    with tempfile.TemporaryDirectory() as folder:  # pytest's own are for its user alone
        Path(folder).chmod(0o777)
        place = made(Path(folder))
        place.chmod(0o777)
        (Path(folder) / "tmp").chmod(0o777)
        check_without_home(place, surroundings(Path(folder)), SOMEBODY)


def check_without_home(place, environment, before=()):
    statuses, told, _ = run_all(place, environment, before)
    for verb, status, expected, said in zip(VERBS, statuses, EXPECTED, told, strict=True):
        assert "Traceback" not in said, (verb, said)
        if status != expected:
            assert "NOISETTE_CACHE" in said or "train one" in said, (verb, said)
            assert said.count("\n") == 1, (verb, said)
    by_verb = dict(zip(map(" ".join, VERBS), zip(statuses, told, strict=True), strict=True))
    trained = by_verb["train tiny.toml --out runs/a --steps 3"]
    assert trained[0] == 0
    assert "set NOISETTE_CACHE" in trained[1]
    assert {path.name for path in place.iterdir()} <= OUTPUTS


def test_the_dashboard_talks_to_nobody_and_leaves_no_file(tmp_path):
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect

    home, place, log = tmp_path / "home", tmp_path / "work", tmp_path / "trace"
    for folder in (home, place, tmp_path / "tmp"):
        folder.mkdir()
    tracing = strace(log)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        *tracing,
        sys.executable,
        "-P",
        "-m",
        "noisette",
        "dashboard",
        "--no-browser",
        "--address",
        "0.0.0.0",
        "--port",
        str(port),
    ]
    environment = surroundings(tmp_path, HOME=str(home))
    with (tmp_path / "said").open("wb") as said:
        server = subprocess.Popen(command, cwd=place, env=environment, stdout=said, stderr=said, start_new_session=True)
    try:
        address = f"127.0.0.1:{port}"
        _until(lambda: urllib.request.urlopen(f"http://{address}/_stcore/health", timeout=2).close() or True)
        with pytest.raises(InvalidStatus):
            connect(f"ws://{address}/_stcore/stream", origin="http://elsewhere.example").close()
        from streamlit.proto.BackMsg_pb2 import BackMsg
        from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

        with connect(f"ws://{address}/_stcore/stream", origin=f"http://{address}", max_size=None) as page:
            message = BackMsg()
            message.rerun_script.query_string = ""
            page.send(message.SerializeToString())
            told = [ForwardMsg.FromString(page.recv(timeout=60))]
            while told[-1].WhichOneof("type") != "script_finished":
                told.append(ForwardMsg.FromString(page.recv(timeout=60)))
        [new] = [each.new_session for each in told if each.WhichOneof("type") == "new_session"][:1]
        assert not new.config.gather_usage_stats
    finally:
        os.killpg(server.pid, signal.SIGINT)
        server.wait(timeout=60)
    assert [path for path in files(home) if not path.startswith(".cache/noisette/")] == []
    assert files(place) == files(tmp_path / "tmp") == []
    if tracing:
        assert log.stat().st_size > 10_000
        assert talked_to(log) == []


def _until(true):
    for _ in range(600):
        try:
            if true():
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail("it never became true")
