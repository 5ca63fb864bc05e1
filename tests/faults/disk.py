"""A disk that loses its power: what may be left of the operations of a trace.

POSIX promises little. Data are there when their file was synced after they were written. A name is there, or gone, when
its folder was synced after the change. All else may have reached the disk, or a part of it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .shim import Operation


@dataclass
class File:
    """Data: those that are safe, and what was done to them since."""

    safe: bytes = b""
    since: list[tuple[int, bytes | None]] = field(default_factory=list)  # (offset, data), or (size, None)

    def whole(self) -> bytes:
        return _applied(self.safe, self.since)

    def sync(self) -> None:
        self.safe, self.since = self.whole(), []


@dataclass
class Folder:
    """Names: those that are safe, and what was done to them since. A change sets several names at once, or removes them
    (None).
    """

    safe: dict[str, File | Folder] = field(default_factory=dict)
    since: list[dict[str, File | Folder | None]] = field(default_factory=list)

    def now(self) -> dict[str, File | Folder]:
        return _named(self.safe, self.since)

    def sync(self) -> None:
        self.safe, self.since = self.now(), []


class Disk:
    """A folder as it stands on a disk."""

    def __init__(self, root: Path) -> None:
        """As it is now, and safe."""
        self._root, self._inodes = root, {}
        self.top = self._read(root)

    def _read(self, path: Path) -> Folder:
        folder = Folder()
        self._inodes[path.stat().st_ino] = folder
        for each in path.iterdir():
            if each.is_dir():
                folder.safe[each.name] = self._read(each)
            else:
                folder.safe[each.name] = file = File(each.read_bytes())
                self._inodes[each.stat().st_ino] = file
        return folder

    def apply(self, operation: Operation) -> None:
        """Do an operation of a trace, in its order."""
        do = operation
        if do.kind in ("create", "mkdir"):
            self._inodes[do.inode] = made = File() if do.kind == "create" else Folder()
            folder, name = self._place(do.path)
            folder.since.append({name: made})
        elif do.kind == "write":
            self._inodes[do.inode].since.append((do.offset, do.data))
        elif do.kind == "resize":
            self._inodes[do.inode].since.append((do.offset, None))
        elif do.kind == "sync":
            self._inodes[do.inode].sync()
        elif do.kind == "unlink":
            folder, name = self._place(do.path)
            folder.since.append({name: None})
        elif do.kind in ("rename", "link"):
            folder, name = self._place(do.path)
            target, other = self._place(do.other)
            moved = folder.now()[name]
            gone = {name: None} if do.kind == "rename" else {}
            if target is folder:
                folder.since.append({**gone, other: moved})
            else:  # the model has no change of two folders at once; a move between them may lose or double a name
                target.since.append({other: moved})
                folder.since.append(gone)
        elif do.kind != "mark":
            raise ValueError(f"a trace holds {do.kind}")

    def _place(self, path: str) -> tuple[Folder, str]:
        parts = Path(path).relative_to(self._root).parts
        folder = self.top
        for part in parts[:-1]:
            found = folder.now()[part]
            assert isinstance(found, Folder)
            folder = found
        return folder, parts[-1]

    def after_power_loss(self, chance: random.Random, *, in_order: bool) -> dict[str, bytes | None]:
        """What is found when the power is back: content by relative path, None of a folder.

        Args:
            chance: Decides what was lost.
            in_order: Whether changes of names in a folder reach the disk in the order in which they were made, as those
                of a journal do; else each by itself.
        """
        careless = chance.choice([0.0, 0.5, 1.0])  # how much of what was not synced is lost
        return _left(self.top, chance, careless, in_order, "")

    def content(self) -> dict[str, bytes | None]:
        """What is found when the power was never lost."""
        return _left(self.top, random.Random(0), 0.0, True, "")


def _left(
    folder: Folder, chance: random.Random, careless: float, in_order: bool, prefix: str
) -> dict[str, bytes | None]:
    changes = folder.since
    if in_order:
        changes = changes[: chance.randint(0, len(changes)) if chance.random() < careless else len(changes)]
    else:
        changes = [change for change in changes if chance.random() >= careless / 2]
    found: dict[str, bytes | None] = {}
    for name, each in sorted(_named(folder.safe, changes).items()):
        if isinstance(each, Folder):
            found[prefix + name] = None
            found |= _left(each, chance, careless, in_order, f"{prefix}{name}/")
        else:
            found[prefix + name] = _torn(each, chance) if chance.random() < careless else each.whole()
    return found


def _torn(file: File, chance: random.Random) -> bytes:
    """A file of whose last writes not all reached the disk."""
    if not file.since:
        return file.safe
    kind = chance.choice(["none", "zeros", "cut", "some"])
    if kind == "none":
        return file.safe
    if kind == "zeros":  # its size is written, the blocks are not
        return _applied(file.safe, [(at, data if data is None else bytes(len(data))) for at, data in file.since])
    if kind == "cut":
        whole = file.whole()
        return whole[: chance.randint(min(len(file.safe), len(whole)), len(whole))]
    return _applied(file.safe, [each for each in file.since if chance.random() < 0.5])


def _applied(content: bytes, changes: Sequence[tuple[int, bytes | None]]) -> bytes:
    now = bytearray(content)
    for place, data in changes:
        end = place + len(data or b"")
        if len(now) < end:
            now.extend(bytes(end - len(now)))
        if data is None:
            del now[place:]
        else:
            now[place:end] = data
    return bytes(now)


def _named(
    safe: dict[str, File | Folder], changes: Sequence[dict[str, File | Folder | None]]
) -> dict[str, File | Folder]:
    names: dict[str, File | Folder | None] = {**safe}
    for change in changes:
        names |= change
    return {name: each for name, each in names.items() if each is not None}


def write(content: dict[str, bytes | None], folder: Path) -> None:
    """Lay out what was found in an empty folder."""
    for name, data in content.items():
        path = folder / name
        if data is None:
            path.mkdir()
        else:
            path.write_bytes(data)
