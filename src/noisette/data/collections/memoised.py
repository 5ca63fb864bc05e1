"""The finished inspection of a folder, beside its collection in the cache: who asks again is answered after one look.

No pixel is read and no array verified for it, so it is known by all that a look shows: it is another one as soon as any
file has another stamp, the settings or our own code are others, or a person names the folder otherwise.
"""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noisette.data.collections.places import code, digest, home, place_of
from noisette.data.collections.tree import Look
from noisette.errors import NoisetteError
from noisette.files.atomic import write_text
from noisette.files.hashes import read_sealed, sealed
from noisette.files.reading import read_bytes
from noisette.files.room import used

_FILE = "inspection.json"
_SETTINGS = "collection.toml"
_MOST_SHEET = 2**22
"""Bytes of a contact sheet that is kept; one of photographs may be larger, and is made each time."""


@dataclass(frozen=True)
class Inspection:
    """What an inspection says.

    Attributes:
        found: What JSON can hold.
        sheet: The contact sheet, a PNG; empty where there are no images.
    """

    found: dict[str, Any]
    sheet: bytes


def read_inspection(given: Path, seen: Look) -> Inspection | None:
    """The inspection that was made when a folder showed the same.

    Args:
        given: The folder that a person named.
        seen: What is in it now.

    Returns:
        It; None where there is none, or where it is damaged.
    """
    key = _key(given, seen)
    for file in home().glob(f"{place_of(given)}-*/{_FILE}"):
        with suppress(NoisetteError, ValueError, KeyError, TypeError):
            said = read_sealed(file, inside=home(), mend="it is made anew")
            if said["key"] == key:
                used(file.parent)
                return Inspection(said["found"], base64.b64decode(said["sheet"]))
    return None


def write_inspection(kept: Path, given: Path, seen: Look, inspection: Inspection) -> None:
    """Keep an inspection for the next time.

    Args:
        kept: Folder of the cache with the collection.
        given: The folder that a person named.
        seen: What was in it before it was read.
        inspection: What it says.
    """
    if len(inspection.sheet) > _MOST_SHEET:
        return
    said = {"key": _key(given, seen), "found": inspection.found, "sheet": base64.b64encode(inspection.sheet).decode()}
    with suppress(OSError):  # it is only made again then
        write_text(kept / _FILE, json.dumps(sealed(said)))


def _key(given: Path, seen: Look) -> str:
    settings = (given if given.is_dir() else given.parent) / _SETTINGS
    try:
        said = read_bytes(settings).hex() if settings.is_file() else ""
    except NoisetteError:
        said = "unreadable"
    return digest(code(), str(given), seen.digest, said)
