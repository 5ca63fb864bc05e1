"""Which files of a data set of the hub are fetched: those that a layout reads, and no script.

A data set that is a script is fetched as the Parquet files that the hub itself makes of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from noisette.data.collections.columnar import SUFFIXES
from noisette.data.collections.layouts.common import split_in
from noisette.data.collections.tree import IMAGES
from noisette.data.hub.names import HubName
from noisette.errors import NoisetteError, RequestError, nearest
from noisette.text import plain

MOST_BYTES = 16 * 2**30
"""Of all files that are fetched."""
MOST_FILES = 20_000

_CONVERTED = "refs/convert/parquet"
"""The branch in which the hub keeps data sets as Parquet files, whatever they are made of."""
_READABLE = (*SUFFIXES, *IMAGES, ".json", ".jsonl", ".csv", ".tsv", ".tar", ".npy", ".npz", "ubyte", "ubyte.gz")
_FEW_IMAGES = 20  # beside tables: they illustrate the text about them
COMMIT = re.compile(r"[0-9a-f]{40}")
_TIMEOUT = 30.0  # seconds without an answer


@dataclass(frozen=True)
class HubFile:
    """A file of a data set of the hub.

    Attributes:
        path: From its root on.
        size: Bytes.
        sha256: Of its content; empty where the hub does not say it.
    """

    path: str
    size: int
    sha256: str


def listed(name: HubName, endpoint: str | None) -> tuple[str, list[HubFile]]:
    """The commit that a name means, and the files of it that are fetched.

    Args:
        name: Of the data set.
        endpoint: Where the hub is; the usual one if None.

    Raises:
        RequestError: There is nothing in it that can be read, more than is taken, or no such subset.
    """
    from huggingface_hub import errors

    commit, there = _files_of(name, name.revision, endpoint)
    chosen = _chosen(there)
    if not any(each.path.lower().endswith(SUFFIXES) for each in chosen) and not name.revision:
        try:
            commit, chosen = _files_of(name, _CONVERTED, endpoint)
            chosen = _chosen(chosen)
        except errors.RevisionNotFoundError:  # the hub does not convert all of them
            pass
    files = _of_subset(name, chosen)
    if not files:
        raise RequestError(f"{name} has no files that can be read: Parquet, Arrow, images or their arrays")
    size = sum(each.size for each in files)
    if size > MOST_BYTES or len(files) > MOST_FILES:
        raise RequestError(
            f"{name} has {len(files):,} files of {size / 2**30:,.1f} GiB, and {MOST_FILES:,} of"
            f" {MOST_BYTES / 2**30:.0f} GiB at most are fetched; download the part that you want, and name its folder"
        )
    return commit, files


def _files_of(name: HubName, revision: str, endpoint: str | None) -> tuple[str, list[HubFile]]:
    from huggingface_hub import HfApi

    api = HfApi(endpoint=endpoint, library_name="noisette")
    info = api.dataset_info(name.repository, revision=revision or None, files_metadata=True, timeout=_TIMEOUT)
    if not COMMIT.fullmatch(info.sha or ""):
        raise NoisetteError(f"the hub does not say which commit of {name} it has")
    return str(info.sha), [_file(each) for each in info.siblings or () if _is_inside(each.rfilename)]


def _file(said: Any) -> HubFile:
    return HubFile(said.rfilename, max(0, said.size or 0), getattr(said.lfs, "sha256", None) or "")


def _is_inside(path: str) -> bool:
    """Whether the name of a file leads nowhere else."""
    parts = path.split("/")
    return all(part and not part.startswith(".") for part in parts) and re.search(r"[\\:\0]", path) is None


def _chosen(files: Sequence[HubFile]) -> list[HubFile]:
    """Those that are read: tables where there are any and no images beside them, else all of a kind that is known."""
    tables = [each for each in files if each.path.lower().endswith(SUFFIXES)]
    images = sum(each.path.lower().endswith(IMAGES) for each in files)
    if tables and images <= _FEW_IMAGES:
        about = ("state.json", "dataset_info.json")
        return [each for each in files if each in tables or PurePosixPath(each.path).name in about]
    return [each for each in files if each.path.lower().endswith(_READABLE)]


def _of_subset(name: HubName, files: Sequence[HubFile]) -> list[HubFile]:
    """Those of the subset that is named, or of the only one, or of the usual one."""
    subsets: dict[str, list[HubFile]] = {}
    for each in files:
        subsets.setdefault(_subset(each.path), []).append(each)
    if name.subset:
        inside = [each for each in files if each.path.startswith(f"{name.subset}/")]
        if not inside:
            there = plain(", ".join(sorted(filter(None, subsets))[:20]) or "none", 300)
            near = nearest(name.subset, subsets)
            raise RequestError(f'hf:{name.repository} has no subset "{name.subset}"{near}; there are {there}')
        return inside
    of_tables = {subset for subset, its in subsets.items() if any(each.path.lower().endswith(SUFFIXES) for each in its)}
    if len(of_tables) < 2:
        return list(files)
    usual = next((subset for subset in ("", "default") if subset in of_tables), None)
    if usual is None:
        there = ", ".join(sorted(of_tables)[:20])
        raise RequestError(f"{name} has several subsets; name one, as hf:{name.repository}/SUBSET: {plain(there, 300)}")
    return subsets[usual]


def _subset(path: str) -> str:
    """The subset that a file belongs to: its outermost folder, if that says no split."""
    outermost, slash, _ = path.partition("/")
    return outermost if slash and outermost.lower() != "data" and not split_in(outermost) else ""
