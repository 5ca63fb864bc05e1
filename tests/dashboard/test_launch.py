from __future__ import annotations

import os
import signal
import subprocess

import pytest

from noisette.cli import main
from noisette.dashboard import launch


@pytest.fixture
def called(monkeypatch):
    """The servers that were started; each serves until Ctrl-C."""
    calls = []

    def call(command, env):
        calls.append(command)
        raise KeyboardInterrupt

    monkeypatch.setattr(launch.subprocess, "call", call)
    return calls


def test_it_listens_on_this_machine_alone_unless_told(called):
    assert main(["dashboard", "--no-browser", "--runs", "mine"]) == 130
    [command] = called
    assert command[1:4] == ["-P", "-m", "noisette.dashboard.server"]
    assert command[command.index("--server.address") + 1] == "127.0.0.1"
    assert command[command.index("--server.headless") + 1] == "true"
    assert command[command.index("--server.showEmailPrompt") + 1] == "false"
    assert command[-2:] == ["--runs", "mine"]
    assert main(["dashboard", "--address", "0.0.0.0", "--port", "9000"]) == 130
    assert called[1][called[1].index("--server.address") + 1] == "0.0.0.0"


def test_a_server_does_not_outlive_a_command_that_is_ended(monkeypatch, capsys):
    """SIGTERM ends the command as any other verb, and the server with it."""
    children = []

    class Ended(subprocess.Popen):
        """Its wait is where the signal arrives."""

        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            children.append(self)

        def wait(self, timeout=None):
            if len(children) == 1 and not hasattr(self, "told"):
                self.told = True
                os.kill(os.getpid(), signal.SIGTERM)
            return super().wait(timeout)

    monkeypatch.setattr(subprocess, "Popen", Ended)
    monkeypatch.setattr(launch, "command", lambda *arguments: ["sleep", "60"])
    assert main(["dashboard"]) == 75
    assert capsys.readouterr().err.strip() == "terminated"
    assert children[0].returncode == -signal.SIGKILL


@pytest.mark.parametrize(("status", "told"), [(0, "ended by itself"), (3, "ended with status 3")])
def test_a_server_that_ends_never_ends_in_silence(monkeypatch, capsys, status, told):
    monkeypatch.setattr(launch.subprocess, "call", lambda command, env: status)
    assert main(["dashboard"]) == 1
    err = capsys.readouterr().err
    assert told in err
    assert err.count("\n") == 1


def test_a_folder_that_streamlit_cannot_name_is_refused(monkeypatch, capsys, called, tmp_path):
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert main(["dashboard"]) == 2
    assert r"caf\xe9, whose name is not UTF-8; start it in another folder" in capsys.readouterr().err
    assert called == []


def test_without_streamlit_it_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(launch, "find_spec", lambda name: None)
    assert main(["dashboard"]) == 2
    assert "pip install 'noisette[dashboard]'" in capsys.readouterr().err


@pytest.mark.parametrize("options", [["--port", "0"], ["--port", "x"]])
def test_what_cannot_be_served(capsys, options):
    assert main(["dashboard", *options]) == 2
    assert capsys.readouterr().err.count("\n") == 1
