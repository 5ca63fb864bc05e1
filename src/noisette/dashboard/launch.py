"""Starting the dashboard's server."""

from __future__ import annotations

import subprocess
from importlib.util import find_spec
from pathlib import Path

from noisette.children import command, environment
from noisette.errors import NoisetteError, RequestError

_APP = Path(__file__).with_name("app.py")


def launch(runs: Path, *, port: int, address: str, browser: bool) -> None:
    """Serve until interrupted.

    Args:
        runs: The folder of runs.
        port: That it listens at.
        address: That it listens on.
        browser: Whether a browser is opened.

    Raises:
        RequestError: Streamlit is not installed, or cannot work in the current folder.
        NoisetteError: The server ended, which it never does before it is interrupted.
    """
    if find_spec("streamlit") is None:
        raise RequestError("the dashboard needs Streamlit; install it with: pip install 'noisette[dashboard]'")
    here = str(Path.cwd())
    if not _is_utf8(here):
        raise RequestError(
            f"Streamlit cannot serve from {here}, whose name is not UTF-8; start it in another folder, with --runs"
        )
    options = {
        "server.address": address,
        "server.port": str(port),
        "server.headless": "false" if browser else "true",
        "server.showEmailPrompt": "false",  # or the first start waits for an address
        "server.maxUploadSize": "64",
        "client.toolbarMode": "minimal",
        "client.showErrorLinks": "false",
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    server = command("-m", "noisette.dashboard.server", str(_APP), *arguments, "--", "--runs", str(runs))
    # A server of its own process, which does not outlive this one: whatever is raised here, `call` kills it.
    if status := subprocess.call(server, env=environment()):
        raise NoisetteError(f"the dashboard ended with status {status}; what it said is above")
    raise NoisetteError("the dashboard ended by itself; it should serve until Ctrl-C")


def _is_utf8(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
