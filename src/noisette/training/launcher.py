"""What torchrun, `accelerate launch` and other launchers say through environment variables, read at this one place.

A launcher starts several processes and tells each its number. What else it says, of precision, accumulation or
compilation, is not followed: the recipe decides how a training computes. Nothing here loads PyTorch.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from noisette.errors import RequestError

_NUMBERS = ("WORLD_SIZE", "RANK", "LOCAL_RANK")
_MEETING_PLACE = ("MASTER_ADDR", "MASTER_PORT")
_OF_MPI = re.compile(r"(OMPI_COMM_WORLD|MV2_COMM_WORLD|PMI|MPI)_[A-Z_]+")
_SIZES_OF_MPI = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE")
_ON_CPU = "ACCELERATE_USE_CPU"
_OF_ACCELERATE = re.compile(r"ACCELERATE_[A-Z0-9_]+|FORK_LAUNCHED")

_YES, _NO = ("1", "true", "yes", "y", "t", "on"), ("", "0", "false", "no", "n", "f", "off")
_SETS_NOTHING = {*_NO, "none", "default"}  # `accelerate launch` writes these where nobody asked for anything
_INSTEAD = {
    "ACCELERATE_MIXED_PRECISION": "training.precision",
    "ACCELERATE_GRADIENT_ACCUMULATION_STEPS": "training.batch_size",
    "ACCELERATE_GRADIENT_CLIPPING": "training.clip",
    "ACCELERATE_DYNAMO_BACKEND": "training.compile",
    "ACCELERATE_TORCH_DEVICE": f"the variable {_ON_CPU}",
}
"""What decides in the place of a variable that is not followed."""

_DECIDING = (
    "ATEN_CPU_CAPABILITY",
    "CUBLAS_WORKSPACE_CONFIG",
    "DNNL_DEFAULT_FPMATH_MODE",
    "DNNL_MAX_CPU_ISA",
    "MKL_CBWR",
    "MKL_ENABLE_INSTRUCTIONS",
    "NVIDIA_TF32_OVERRIDE",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "ONEDNN_MAX_CPU_ISA",
    "TORCHDYNAMO_DISABLE",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
    "TORCH_COMPILE_DISABLE",
)
"""Variables by which the libraries below PyTorch compute other bits."""


@dataclass(frozen=True)
class Launch:
    """One of the processes that train together; alone unless a launcher started it.

    Attributes:
        processes: How many there are.
        rank: Which of them this is, from 0.
        local_rank: Which of those on this machine.
        on_cpu: Whether to train on the processor, though there may be a GPU.
        not_followed: Variables of Accelerate that ask for something else than the recipe.
        half_started: Whether there is a place to meet others at, but no others: `accelerate launch` starts one process
            where there is no GPU, however many were asked for.
    """

    processes: int = 1
    rank: int = 0
    local_rank: int = 0
    on_cpu: bool = False
    not_followed: tuple[str, ...] = ()
    half_started: bool = False

    @property
    def first(self) -> bool:
        """Whether this process speaks for all."""
        return self.rank == 0

    @property
    def notes(self) -> list[str]:
        """What a person should know of it, a line each."""
        named = [f"{name} (set {_INSTEAD[name]})" if name in _INSTEAD else name for name in self.not_followed]
        alone = "one process trains, since MASTER_ADDR is set but WORLD_SIZE is not; torchrun starts several"
        return [
            *([alone] if self.half_started else []),
            *([f"{self.processes} processes share each batch"] if self.processes > 1 else []),
            *([f"not followed, since the recipe decides how a training computes: {', '.join(named)}"] if named else []),
        ]


def read_launch(environment: Mapping[str, str] | None = None) -> Launch:
    """Read which of several processes this is.

    Args:
        environment: Its variables; those of this process unless given.

    Raises:
        RequestError: The variables are half of what a launcher sets, or contradict each other.
    """
    given = {name: value for name, value in (os.environ if environment is None else environment).items() if value}
    on_cpu = _flag(given, _ON_CPU)
    asking = (name for name in given if name != _ON_CPU and _OF_ACCELERATE.fullmatch(name))
    not_followed = tuple(sorted(name for name in asking if not _sets_nothing(name, given[name])))
    numbers = {name: _number(name, given[name]) for name in _NUMBERS if name in given}
    if not numbers:
        _refuse_mpi(given)
        return Launch(on_cpu=on_cpu, not_followed=not_followed, half_started="MASTER_ADDR" in given)
    if numbers == {"WORLD_SIZE": 1}:
        return Launch(on_cpu=on_cpu, not_followed=not_followed)
    needed = _NUMBERS if numbers.get("WORLD_SIZE") == 1 else (*_NUMBERS, *_MEETING_PLACE)
    if missing := [name for name in needed if name not in given]:
        raise RequestError(
            f"{', '.join(numbers)} {'is' if len(numbers) == 1 else 'are'} set, but {', '.join(missing)}"
            f" {'is' if len(missing) == 1 else 'are'} not, and a launcher sets them all; start several processes with"
            f" `torchrun --nproc-per-node 2 -m noisette ...`, or unset {' '.join(numbers)}"
        )
    processes, rank, local_rank = (numbers[name] for name in _NUMBERS)
    local = _number("LOCAL_WORLD_SIZE", given["LOCAL_WORLD_SIZE"]) if "LOCAL_WORLD_SIZE" in given else processes
    if not (rank < processes and local_rank < local <= processes):
        raise RequestError(
            f"RANK {rank} and LOCAL_RANK {local_rank} cannot be of WORLD_SIZE {processes} and LOCAL_WORLD_SIZE {local}"
            " processes; start them with `torchrun --nproc-per-node 2 -m noisette ...`"
        )
    if processes > 1 and not 1 <= _number("MASTER_PORT", given["MASTER_PORT"]) <= 65535:
        raise RequestError(f"MASTER_PORT is {given['MASTER_PORT']!r:.40}, but ports go from 1 to 65535")
    return Launch(processes, rank, local_rank, on_cpu, not_followed)


@contextmanager
def settings_hidden(launch: Launch) -> Iterator[None]:
    """Hide from Accelerate what is not followed, and from a process that is alone that a launcher started it; what
    Accelerate writes into the environment goes again.
    """
    numbers = (*_NUMBERS, "LOCAL_WORLD_SIZE", *_MEETING_PLACE)
    before = {
        name: os.environ.get(name)
        for name in {*os.environ, *numbers}
        if name in numbers or _OF_ACCELERATE.fullmatch(name) or _OF_MPI.fullmatch(name)
    }
    for name in before:
        if launch.processes == 1 or name not in numbers:
            os.environ.pop(name, None)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def deciding_variables() -> dict[str, str]:
    """The variables that are set by which the libraries below PyTorch compute other bits."""
    return {name: os.environ[name] for name in _DECIDING if os.environ.get(name)}


def _refuse_mpi(given: Mapping[str, str]) -> None:
    for name in _SIZES_OF_MPI:
        if name in given and _number(name, given[name]) > 1:
            raise RequestError(
                f"{name} is {given[name]}, but processes of MPI would each train alone; start them with"
                " `torchrun --nproc-per-node 2 -m noisette ...`"
            )


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise RequestError(
            f"{name} is {text!r:.40}, which is not a count; a launcher such as torchrun sets it, or unset it"
        )
    return int(text)


def _flag(given: Mapping[str, str], name: str) -> bool:
    text = given.get(name, "").strip().casefold()
    if text not in (*_YES, *_NO):
        raise RequestError(f"{name} is {given[name]!r:.40}; set it to true or to false")
    return text in _YES


def _sets_nothing(name: str, value: str) -> bool:
    one = name == "ACCELERATE_GRADIENT_ACCUMULATION_STEPS" and value.strip() == "1"
    detail = name.startswith("ACCELERATE_DYNAMO_") and name != "ACCELERATE_DYNAMO_BACKEND"  # of a compilation
    return one or detail or value.strip().casefold() in _SETS_NOTHING
