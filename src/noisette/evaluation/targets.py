"""Where what is measured goes: checked before anything is measured, and before PyTorch is loaded."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from noisette.errors import NoisetteError, RequestError
from noisette.evaluation.records import home_of
from noisette.files.output import Name, OutputFile, check_file, new_folder, output_file
from noisette.files.reading import own_folder, read_object
from noisette.sampling.presets import FILE, read_presets
from noisette.store.locate import locate

SWEEP_FILES = ("sweep.json", "table.csv", "plots.png", "grid.png")
"""The first says which sweep it is, and is written first."""


def report_file(out: Name | None, overwrite: bool) -> OutputFile:
    """Where the page of a report goes. Raises RequestError."""
    what = "the report is a page; name a .html file"
    return output_file(out, Path("report.html"), (".html", ".htm"), what, overwrite=overwrite)


def presets_file(run: Name, out: Name | None, overwrite: bool) -> OutputFile:
    """Where a table of presets goes: into the folder of the run, unless one is there that is in use.

    Raises:
        RequestError: One is in use, or the table cannot go where it was told to.
    """
    bundle = locate(os.fspath(run))
    what = "the table of presets is JSON; name a .json file"
    if out is not None:  # of the files of a run, it may replace no other
        inputs = [path for path in bundle.folder.rglob("*") if path.name != FILE]
        return output_file(out, Path(FILE), (".json",), what, overwrite=overwrite, inputs=inputs)
    path = bundle.presets_file
    idle = read_presets(bundle.folder, bundle.weights().sha256)[0] is None  # damaged, or of other weights
    return output_file(path, path, (".json",), what, overwrite=overwrite or idle)


def sweeps_of(run: Name) -> Path:
    """Find where the sweeps of a run are, for the report to show.

    Args:
        run: A run folder, or a shipped model.

    Returns:
        The folder that has a folder for each sweep.
    """
    home = home_of(os.fspath(run))
    return own_folder(home / "sweeps", home)


def sweep_folder(out: Name, overwrite: bool, facts: Mapping[str, Any]) -> Path:
    """Where a sweep goes: a folder that is new, empty, or of the same sweep, which then goes on.

    Args:
        out: The folder.
        overwrite: Whether another sweep that is there may be replaced.
        facts: What is known of this one.

    Returns:
        Its path.

    Raises:
        RequestError: It cannot go there.
    """
    folder = new_folder(out)
    if not os.path.lexists(folder):
        return folder
    if not folder.is_dir():
        raise RequestError(f"{folder} is a file; name a folder for the sweep")
    same = _is_of(folder, facts)
    for name in SWEEP_FILES:
        check_file(folder / name, overwrite=True)
    if overwrite or same or not any(folder.iterdir()):
        return folder
    if same is None:
        raise RequestError(f"{folder} holds other things; name a new folder for the sweep")
    raise RequestError(f"{folder} holds another sweep; name another folder, or replace it with --overwrite")


_LATER = ("ask", "renderer")
"""Facts that sweeps of earlier versions have not: there they are None."""


def _is_of(folder: Path, facts: Mapping[str, Any]) -> bool | None:
    """Whether the sweep in a folder is the one of these facts; None where there is none."""
    try:
        kept = read_object(folder / SWEEP_FILES[0], inside=folder)
    except NoisetteError:
        return False if os.path.lexists(folder / SWEEP_FILES[0]) else None
    ours = json.loads(json.dumps(facts))
    return all(kept.get(name, value) == value for name, value in ours.items() if name not in _LATER) and all(
        kept.get(name) == ours.get(name) for name in _LATER
    )
