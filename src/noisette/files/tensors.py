"""Writing safetensors whole, and reading those that somebody else may have made: the head first, and no tensor that no
network has.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from noisette.errors import NoisetteError
from noisette.files.atomic import write_atomically
from noisette.files.invalid import in_short
from noisette.files.reading import MEND, MOST_TEXT, DamagedError, open_file, parse_json

if TYPE_CHECKING:
    from torch import Tensor

MOST_BYTES = 16 * 2**30
"""Of a file of tensors."""

_LENGTH = 8  # bytes before the head, which say how long it is
_BYTES = {"F32": 4, "BF16": 2, "F16": 2, "I64": 8, "I16": 2}
"""Of a number of each type that networks have; the last is what a normalisation counts."""


class _Tensor(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    dtype: Annotated[str, Field(max_length=10)]
    shape: Annotated[list[Annotated[int, Field(ge=0, le=2**40)]], Field(max_length=8)]
    data_offsets: Annotated[list[Annotated[int, Field(ge=0, le=MOST_BYTES)]], Field(min_length=2, max_length=2)]


_TENSORS: TypeAdapter[dict[str, _Tensor]] = TypeAdapter(dict[str, _Tensor])
_METADATA: TypeAdapter[dict[str, str]] = TypeAdapter(dict[str, str])


@dataclass(frozen=True)
class Head:
    """What a file of tensors says of them; PyTorch is not loaded for it.

    Attributes:
        path: Of the file.
        inside: The folder that it lies in.
        kinds: Of each tensor its type, as safetensors call it, and its shape.
        places: Of each tensor its first byte in the file, and the byte after its last.
        metadata: Texts by name.
        mend: What a person should do where it is damaged.
    """

    path: Path
    inside: Path
    kinds: Mapping[str, tuple[str, tuple[int, ...]]]
    places: Mapping[str, tuple[int, int]]
    metadata: Mapping[str, str]
    mend: str

    def tensors(self, prefix: str = "") -> dict[str, Tensor]:
        """Read tensors of numbers that networks have.

        Args:
            prefix: Of their names in the file, which is left out; all unless given.

        Returns:
            Tensors by their names, all finite.

        Raises:
            DamagedError: One is of another type, or not finite.
        """
        import torch  # not before: who lists runs must not wait for it

        types = {
            "F32": torch.float32,
            "F16": torch.float16,
            "BF16": torch.bfloat16,
            "I64": torch.int64,
            "I16": torch.int16,
        }
        found: dict[str, Tensor] = {}
        try:
            with open_file(self.path, most=MOST_BYTES, inside=self.inside) as file:
                for name in (name for name in self.kinds if name.startswith(prefix)):
                    kind, shape = self.kinds[name]
                    if kind not in types:
                        raise self._damaged(f"{name} is of type {kind}, which no weights are")
                    start, end = self.places[name]
                    file.seek(start)
                    content = bytearray(file.read(end - start))
                    if len(content) < end - start:
                        raise self._damaged("it is cut short")
                    numbers = (
                        torch.frombuffer(content, dtype=types[kind]) if content else torch.empty(0, dtype=types[kind])
                    )
                    found[name.removeprefix(prefix)] = numbers.reshape(shape)
        except OSError as error:
            raise NoisetteError(f"cannot read {self.path}: {error.strerror or error}") from error
        for name, tensor in found.items():
            if not bool(torch.isfinite(tensor).all()):
                raise self._damaged(f"{name} has numbers that are not finite")
        return found

    def _damaged(self, why: str) -> DamagedError:
        return DamagedError(f"{self.path} is damaged: {why}; {self.mend}")


def read_head(path: Path, *, inside: Path, mend: str = MEND) -> Head:
    """What a file says of its tensors.

    Args:
        path: Of the file.
        inside: The folder that it must lie in.
        mend: What a person should do where it is damaged.

    Raises:
        AbsentError: There is no such file.
        DamagedError: It is no safetensors file.
        NoisetteError: It cannot be read.
    """
    try:
        with open_file(path, most=MOST_BYTES, inside=inside) as file:
            length = int.from_bytes(file.read(_LENGTH), "little")
            if not 2 <= length <= MOST_TEXT:
                raise ValueError("its head is too long, or there is none")
            head = parse_json(file.read(length).decode("utf-8"))
            size = os.fstat(file.fileno()).st_size
        if not isinstance(head, dict):
            raise ValueError("its head is no object")
        metadata = _METADATA.validate_python(head.pop("__metadata__", None) or {}, strict=True)
        kinds = _TENSORS.validate_python(head)
        places = _places(kinds, first=_LENGTH + length, size=size)
    except ValidationError as error:
        raise DamagedError(f"{path} is damaged: {in_short(error)}; {mend}") from error
    except ValueError as error:
        raise DamagedError(f"{path} is damaged: {_told(error)}; {mend}") from error
    except OSError as error:
        raise NoisetteError(f"cannot read {path}: {error.strerror or error}") from error
    said = {name: (each.dtype, tuple(each.shape)) for name, each in kinds.items()}
    return Head(path, inside, said, places, metadata, mend)


def _places(kinds: Mapping[str, _Tensor], *, first: int, size: int) -> dict[str, tuple[int, int]]:
    """Where each tensor stands in a file of so many bytes, whose first tensor begins at `first`. Raises ValueError if
    they do not follow each other to its end, or have not the bytes of their shapes.
    """
    end = 0
    for name, each in sorted(kinds.items(), key=lambda item: item[1].data_offsets):
        start, stop = each.data_offsets
        if start != end or stop < start:
            raise ValueError(f"{name} stands where it cannot")
        if each.dtype in _BYTES and math.prod(each.shape) * _BYTES[each.dtype] != stop - start:
            raise ValueError(f"{name} has not the bytes of its shape")
        end = stop
    if first + end != size:
        raise ValueError("it has more or fewer bytes than its tensors")
    return {name: (first + each.data_offsets[0], first + each.data_offsets[1]) for name, each in kinds.items()}


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Write a safetensors file, whole or not at all. Raises OSError where the disk refuses.

    The library's own `save_file` would leave temporary files of another name behind when it is killed.
    """
    from safetensors.torch import save  # not before: who lists runs must not wait for PyTorch

    data = save({name: tensor.contiguous() for name, tensor in tensors.items()}, dict(metadata or {}))
    write_atomically(path, lambda temporary: temporary.write_bytes(data))


def unlike(tensors: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> str | None:
    """How tensors differ from those of a network, in names, shapes or kinds of numbers; None if they do not.

    Args:
        tensors: As they were read.
        wanted: Those of the network, which may be without content, on PyTorch's device `meta`.
    """
    if missing := sorted(wanted.keys() - tensors.keys()):
        return f"{missing[0]} is missing"
    if strange := sorted(tensors.keys() - wanted.keys()):
        return f"the network has no {strange[0]}"
    for name, tensor in tensors.items():
        if tensor.shape != wanted[name].shape:
            return f"{name} is {_shape(tensor)}, and that of the network {_shape(wanted[name])}"
        if tensor.dtype.is_floating_point != wanted[name].dtype.is_floating_point:
            return f"{name} is of another type"
    return None


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a number"


def _told(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
