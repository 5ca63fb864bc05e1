"""A hub on this machine, which answers as Hugging Face's does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote, urlsplit

COMMITS = {"main": "a" * 40, "refs/convert/parquet": "b" * 40, "v1": "c" * 40}


class FakeHub:
    """Data sets by their name: the files of each revision.

    Attributes:
        repositories: Bytes by path, by revision, by `OWNER/NAME`.
        gated: Names of those that are listed and not handed out.
        asked: Paths of all requests.
        lying: Whether other bytes come than are listed.
        url: Where it is.
    """

    def __init__(self) -> None:
        self.repositories: dict[str, dict[str, dict[str, bytes]]] = {}
        self.gated: set[str] = set()
        self.asked: list[str] = []
        self.lying = False
        self.url = ""

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and content."""
        self.asked.append(path)
        parts = unquote(urlsplit(path).path).strip("/").split("/")
        listing = parts[:2] == ["api", "datasets"]
        repository, rest = ("/".join(parts[2:4]), parts[4:]) if listing else ("/".join(parts[1:3]), parts[3:])
        if repository not in self.repositories:
            return 401, {"X-Error-Code": "RepoNotFound"}, b"{}"
        revisions = self.repositories[repository]
        if repository in self.gated:
            return 403, {"X-Error-Code": "GatedRepo"}, b"{}"
        if listing:
            wanted = "/".join(rest[1:]) or "main"
        else:
            wanted, rest = rest[1], rest[2:]
        revision = next((each for each in revisions if wanted in (each, COMMITS[each])), None)
        if revision is None:
            return 404, {"X-Error-Code": "RevisionNotFound"}, b"{}"
        files = revisions[revision]
        if listing:
            siblings = [
                {
                    "rfilename": name,
                    "size": len(content),
                    "blobId": "0",
                    "lfs": {"size": len(content), "sha256": hashlib.sha256(content).hexdigest(), "pointerSize": 1},
                }
                for name, content in files.items()
            ]
            said = {"id": repository, "sha": COMMITS[revision], "siblings": siblings}
            return 200, {"Content-Type": "application/json"}, json.dumps(said).encode()
        content = files["/".join(rest)]
        headers = {"ETag": f'"{hashlib.sha256(content).hexdigest()}"', "X-Repo-Commit": COMMITS[revision]}
        return 200, headers, content[::-1] if self.lying else content


@contextmanager
def serving(hub: FakeHub) -> Iterator[FakeHub]:
    """Answer on the loopback meanwhile."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self, *, body: bool = True) -> None:
            status, headers, content = hub.answer(self.path)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            if body:
                self.wfile.write(content)

        def do_HEAD(self) -> None:
            self.do_GET(body=False)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
