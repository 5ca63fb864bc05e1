"""How data sets of the Hugging Face hub are named: `hf:OWNER/NAME`, with a subset and a revision or without."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from noisette.errors import RequestError
from noisette.text import plain

PREFIX = "hf:"
"""What names of data sets of the hub begin with."""

_PART = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,95}"
_NAME = re.compile(rf"hf:({_PART}(?:/{_PART})?)(?:/({_PART}))?(?:@([A-Za-z0-9_][A-Za-z0-9_./-]{{0,199}}))?")


@dataclass(frozen=True)
class HubName:
    """The name of a data set of the hub.

    Attributes:
        repository: `OWNER/NAME`, or a name alone.
        subset: One of the parts of a data set that has several; empty where it has one, or a usual one.
        revision: A branch, a tag or a commit; empty is the newest.
    """

    repository: str
    subset: str = ""
    revision: str = ""

    def __str__(self) -> str:
        subset = f"/{self.subset}" if self.subset else ""
        return f"{PREFIX}{self.repository}{subset}{f'@{self.revision}' if self.revision else ''}"

    @property
    def short(self) -> str:
        """What the data set is called without its owner."""
        return self.repository.rpartition("/")[2]


def hub_name(written: str | Path) -> HubName | None:
    """The data set of the hub that a name means; None if it means none.

    Args:
        written: `hf:OWNER/NAME`, with `/SUBSET` or `@REVISION` behind it or not.

    Raises:
        RequestError: It begins as one and is none.
    """
    text = written.as_posix() if isinstance(written, Path) else str(written)
    if not text.startswith(PREFIX):
        return None
    match = _NAME.fullmatch(text)
    if match is None or ".." in text or len(match[1]) > 96:
        raise RequestError(
            f'"{plain(text, 120)}" is no name of a data set of the hub; write hf:OWNER/NAME, hf:OWNER/NAME/SUBSET or'
            " hf:OWNER/NAME@REVISION"
        )
    return HubName(match[1], match[2] or "", match[3] or "")


def short_name(path: str | Path) -> str:
    """What a folder of images is called, or a data set of the hub."""
    name = hub_name(path)
    return Path(path).resolve().stem if name is None else name.short
