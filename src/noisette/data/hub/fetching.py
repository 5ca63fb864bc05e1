"""Data sets of the hub in the cache, each commit in a folder of its own."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from noisette.data.collections.columnar import HOW_TO_INSTALL, is_installed
from noisette.data.hub.failures import UnreachableError, endpoint, host, in_one_line
from noisette.data.hub.listing import COMMIT, HubFile, listed
from noisette.data.hub.names import PREFIX, HubName
from noisette.errors import NoisetteError, RequestError
from noisette.files.atomic import make_folder, write_text
from noisette.files.cache import HINT, cache_folder, locked
from noisette.files.hashes import file_sha256
from noisette.files.reading import read_text
from noisette.progress import Progress, silent
from noisette.text import plain

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fetched:
    """A data set of the hub that lies in the cache.

    Attributes:
        name: With its commit, so that it means the same files for ever.
        folder: Where they are.
    """

    name: HubName
    folder: Path


def fetch_from_hub(name: HubName, *, progress: Progress = silent) -> Fetched:
    """Fetch a data set of the hub into the cache, unless it is there.

    Args:
        name: What is wanted.
        progress: Called with the files fetched and those there are.

    Returns:
        Where it is. Without an answer of the hub that is what the name meant the last time.

    Raises:
        RequestError: There is no such data set, it cannot be had, or the extra is not installed.
        NoisetteError: The hub gives no answer, or the cache cannot be written.
    """
    if COMMIT.fullmatch(name.revision) and (folder := _folder(name)).is_dir():
        return Fetched(name, folder)
    if not is_installed() or find_spec("huggingface_hub") is None:
        raise RequestError(f"{name} needs Hugging Face's library; {HOW_TO_INSTALL}")
    try:
        with in_one_line(name):
            commit, files = listed(name, endpoint())
    except UnreachableError:
        if (last := _last(name)) is None:
            raise
        _LOG.warning("the hub gives no answer; %s is taken as it was fetched last", name)
        return last
    pinned = replace(name, revision=commit)
    folder = _folder(pinned)
    with locked(folder):
        if not folder.is_dir():
            _LOG.info("fetching %s from %s", pinned, host())
            with in_one_line(name), _without_bars():
                _download(pinned, files, folder, progress)
        try:
            write_text(_note(name), commit)
        except OSError as error:
            raise NoisetteError(f"cannot write {_note(name)}: {error.strerror or error}; {HINT}") from error
    return Fetched(pinned, folder)


def _home() -> Path:
    return cache_folder() / "hub"


def _folder(pinned: HubName) -> Path:
    subset = f"--{pinned.subset}" if pinned.subset else ""
    return _home() / f"{pinned.repository.replace('/', '--')}{subset}@{pinned.revision[:16]}"


def _note(name: HubName) -> Path:
    """The file that says which commit a name meant the last time."""
    return _home() / (re.sub(r"[/@]", "--", str(name).removeprefix(PREFIX))[:200] + ".commit")


def _last(name: HubName) -> Fetched | None:
    try:
        commit = read_text(_note(name), most=100)
    except NoisetteError:
        return None
    pinned = replace(name, revision=commit)
    known = COMMIT.fullmatch(commit) is not None and _folder(pinned).is_dir()
    return Fetched(pinned, _folder(pinned)) if known else None


def _download(pinned: HubName, files: Sequence[HubFile], folder: Path, progress: Progress) -> None:
    """Fetch files one by one into a folder beside, which is moved into place when all are there."""
    from huggingface_hub import hf_hub_download

    partial = folder.with_name(f"{folder.name}.part")  # what is there stays, so that the same command goes on
    make_folder(partial)
    for number, file in enumerate(files):
        progress(number, len(files))
        path = hf_hub_download(
            pinned.repository,
            file.path,
            repo_type="dataset",
            revision=pinned.revision,
            local_dir=partial,
            endpoint=endpoint(),
            library_name="noisette",
        )
        if file.sha256 and (found := file_sha256(Path(path))) != file.sha256:
            Path(path).unlink()
            raise NoisetteError(
                f"{pinned}: {plain(file.path, 100)} was refused: its SHA-256 is {found}, not {file.sha256}"
            )
    progress(len(files), len(files))
    partial.rename(folder)


@contextmanager
def _without_bars() -> Iterator[None]:
    """The library draws no bars of its own meanwhile."""
    from huggingface_hub import utils

    silenced = not utils.are_progress_bars_disabled()
    if silenced:
        utils.disable_progress_bars()
    try:
        yield
    finally:
        if silenced:
            utils.enable_progress_bars()
