"""The run folder: everything about one training, readable while it is written and without any code.

recipe.toml        every setting, as it was resolved
schema.json        the attributes of the data, and which exclude each other
statistics.json    how common each value is, which are seen together, and a fingerprint of each row of attributes
palette.json       the colours of the data, where they are few
environment.json   versions, machine, command; SHA-256 of the data, of the recipe, of the tables and of the teacher
status.json        where the training stands
metrics/           TensorBoard events
samples/           a grid every so many epochs
checkpoints/       safetensors and a manifest with hashes
presets.json       which settings were found to be enough, after `noisette tune`
teacher.safetensors   of a distilled run, the weights that it learns from

A recipe that a person edited is followed, with a note, but one in which settings are missing is refused: it would draw
with defaults. A table that is not what was written is refused, and made anew by `noisette resume`.
"""

from __future__ import annotations

import json
import os
import platform
import shlex
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from noisette._version import __version__
from noisette.attributes.schema import AttributeSchema
from noisette.attributes.statistics import Statistics
from noisette.config.recipe import Recipe, count_settings, dump_recipe
from noisette.data.dataset import Dataset
from noisette.data.palette import Palette
from noisette.errors import NoisetteError, RequestError
from noisette.files.atomic import make_folder, write_folder_atomically, write_text
from noisette.files.hashes import content_sha256, file_sha256, read_sealed_model, sealed, verify
from noisette.files.reading import (
    MEND,
    AbsentError,
    DamagedError,
    is_own_file,
    own_folder,
    read_bytes,
    read_model,
)
from noisette.files.tensors import MOST_BYTES, read_head, save_tensors
from noisette.sampling.presets import FILE as PRESETS
from noisette.store.bundle import Bundle, Weights
from noisette.store.checkpoint import Checkpoint, kept_steps, latest_checkpoint, step_of
from noisette.store.events import EventReader
from noisette.store.naming import is_run, why_no_run
from noisette.store.standing import Environment, Expected, Status

if TYPE_CHECKING:
    from torch import Tensor

_TEACHER = "teacher.safetensors"
_RECIPE, _ENVIRONMENT, _STATUS = "recipe.toml", "environment.json", "status.json"
TABLES = ("schema.json", "statistics.json", "palette.json")
"""What follows from the data, and can be made anew from them. They and the recipe are under hashes in environment.json.
"""


@dataclass(frozen=True)
class Run(Bundle):
    """A run folder: a bundle with checkpoints, curves, samples and status.

    Examples:
        >>> run = noisette.resume("runs/mine")  # doctest: +SKIP
        >>> run.status["state"], run.scalars("loss")[-1]  # doctest: +SKIP
        ('finished', (4000, 0.021))
    """

    @property
    def checkpoints(self) -> Path:
        """The folder of its checkpoints."""
        return own_folder(self.folder / "checkpoints", self.folder)

    @property
    def metrics(self) -> Path:
        """The folder of its curves, TensorBoard events."""
        return own_folder(self.folder / "metrics", self.folder)

    @property
    def samples(self) -> Path:
        """The folder of the grids that it drew while it learned."""
        return own_folder(self.folder / "samples", self.folder)

    @property
    def name(self) -> str:
        return str(self.folder)

    @property
    def title(self) -> str:
        return f"{self.folder.parent.name}/{self.folder.name}"  # never that of a shipped model

    @property
    def state(self) -> str:
        return str(self.status["state"])

    def weights(self, step: int | None = None) -> Weights:
        checkpoint, notes = self.checkpoint(step)
        if checkpoint is None:
            raise RequestError(f"{self.folder} has no checkpoint yet; train on with {resume_command(self.folder)}")
        part = "average" if self.recipe.training.ema > 0 else "network"
        return Weights(
            path=checkpoint.path,
            step=checkpoint.entry.step,
            sha256=checkpoint.entry.sha256,
            learned=checkpoint.state,
            notes=tuple(f"{note}; using an older one" for note in notes),
            tensors=partial(checkpoint.tensors, part),
        )

    def step_of(self, sha256: str) -> int | None:
        return step_of(self.checkpoints, sha256)

    @property
    def records(self) -> Path:
        return self.folder

    @property
    def presets_file(self) -> Path:
        return self.folder / PRESETS

    @property
    def grids(self) -> list[Path]:
        """The grids that it drew while it learned, in their order."""
        return [path for path in sorted(self.samples.glob("*.png")) if is_own_file(path, self.folder)]

    @property
    def thumbnail(self) -> Path | None:
        newest = sorted(self.samples.glob("*.png"), reverse=True)
        return next((path for path in newest if is_own_file(path, self.folder)), None)

    @property
    def environment(self) -> dict[str, Any]:
        return self._told.model_dump(exclude_unset=True)

    @property
    def expected(self) -> Expected | None:
        """What it was expected to take when it began; None where nothing was known."""
        return self._told.expected

    @property
    def _told(self) -> Environment:
        return read_sealed_model(Environment, self.folder / _ENVIRONMENT, inside=self.folder, mend=MEND)

    @property
    def status(self) -> dict[str, Any]:
        """`state`, step, epoch, progress, seconds, loss, validation_loss, images_per_second, skipped; when it was
        written, by whom.
        """
        return read_model(Status, self.folder / _STATUS, inside=self.folder).model_dump()

    def mend(self, name: str) -> str:
        if name not in TABLES or name not in self._written:
            return MEND
        return f"`noisette resume {shlex.quote(str(self.folder))}` makes it anew"

    @property
    def edited(self) -> tuple[str, ...]:
        content = read_bytes(self.folder / _RECIPE, inside=self.folder)
        known = self._written.get(_RECIPE)
        return () if known is None or content_sha256(content) in known else (_RECIPE,)

    @property
    def notes(self) -> tuple[str, ...]:
        missing = not os.path.lexists(self.folder / _ENVIRONMENT)
        gone = f"{self.folder / _ENVIRONMENT} is missing, so nothing tells whether the other files are as they were"
        return (*super().notes, *([gone] if missing else []))

    @property
    def _written(self) -> Mapping[str, Sequence[str]]:
        """The SHA-256 of what was written, by its name; nothing of a run of an older version."""
        return self._told.files if os.path.lexists(self.folder / _ENVIRONMENT) else {}

    def _known(self) -> Collection[str]:
        return self._written

    def damaged_tables(self) -> list[str]:
        """The tables that are not what was written; none of a run of an older version, which does not tell.

        Raises:
            NoisetteError: One is no file, or leads out of the folder: that is no damage.
        """
        return [name for name, known in self._written.items() if name in TABLES and self._hash_of(name) not in known]

    def restore_table(self, name: str, text: str) -> None:
        """Write a table of `TABLES` as it was.

        Args:
            name: Of the table.
            text: Made anew from the data.

        Raises:
            NoisetteError: It is not what was written when the run was made.
        """
        if content_sha256(text.encode()) not in self._written.get(name, ()):
            raise DamagedError(f"{self.folder / name} is damaged, and the data do not give it again as it was; {MEND}")
        write_text(self.folder / name, text)

    def _hash_of(self, name: str) -> str | None:
        try:
            return content_sha256(read_bytes(self.folder / name, inside=self.folder))
        except AbsentError:
            return None

    def _verify(self, name: str, content: bytes) -> None:
        known = self._written.get(name)
        if known is None or content_sha256(content) in known:
            return
        if name != _RECIPE:
            raise DamagedError(
                f"{self.folder / name} is damaged: its SHA-256 is not the one in {_ENVIRONMENT}; {self.mend(name)}"
            )
        there, written = count_settings(content), self._told.recipe_settings
        if there < written:  # a person who edits it changes values; what is cut off would be drawn with defaults
            raise DamagedError(
                f"{self.folder / name} is damaged: it has {there} of the {written} settings that were written; {MEND}"
            )

    @property
    def teacher_file(self) -> Path:
        """Of a run that begins with another's weights: one with a distillation, or one that was begun from a model."""
        return self.folder / _TEACHER

    @property
    def begins_with_weights(self) -> bool:
        """Whether its first weights are kept, and not drawn from its seed."""
        return self.recipe.distillation is not None or self._told.teacher_sha256 is not None

    @property
    def teacher(self) -> dict[str, Tensor]:
        """The weights that a run begins with, by the names of the network's parameters.

        Raises:
            NoisetteError: They are not there, or damaged.
        """
        known = self._told.teacher_sha256
        verify(
            self.teacher_file,
            file_sha256(self.teacher_file, inside=self.folder, most=MOST_BYTES),
            known,
            by=_ENVIRONMENT,
            mend="restore it from a copy",
        )
        return read_head(self.teacher_file, inside=self.folder).tensors()

    def checkpoint(self, step: int | None = None) -> tuple[Checkpoint | None, list[str]]:
        """The newest checkpoint that is whole.

        Args:
            step: Of the only one that will do; the newest unless given.

        Returns:
            The checkpoint, or None if none was ever made; and a note for each newer one that is damaged.

        Raises:
            RequestError: The checkpoint of that step is not kept.
            NoisetteError: There were checkpoints and all are damaged.
        """
        return latest_checkpoint(self.checkpoints, step)

    @property
    def steps(self) -> list[int]:
        """Those of the checkpoints that are kept, in their order."""
        return kept_steps(self.checkpoints)

    def scalars(self, tag: str) -> list[tuple[int, float]]:
        """A curve of the training; what was trained again after a restart appears once.

        Args:
            tag: Such as `loss`.

        Returns:
            (step, value) of each point; none if it was never written.
        """
        curve = EventReader(self.metrics).curves().get(tag)
        return [] if curve is None else list(zip(curve.steps.tolist(), curve.values.tolist(), strict=True))

    def check_data(self, dataset: Dataset) -> None:
        """Refuse data that are not those that the run was trained on.

        Args:
            dataset: The data.

        Raises:
            RequestError: They are others.
            NoisetteError: The run no longer says what it was trained on.
        """
        known = self._told.dataset
        if known is None:
            raise NoisetteError(
                f"{self.folder}/environment.json is damaged: it no longer says what the run was trained on; restore it"
                " from a copy"
            )
        if known.sha256 != dataset.fingerprint:
            raise RequestError(
                f"the data set {dataset.name} is not the one that {self.folder} was trained on (its SHA-256 differs);"
                " train anew"
            )

    def write_status(self, **values: Any) -> None:
        """Write status.json, with the time and the process.

        Args:
            **values: What JSON can hold.
        """
        write_text(
            self.folder / _STATUS,
            json.dumps({**values, "pid": os.getpid(), "updated": time.time()}, indent=2) + "\n",
        )

    def write_recipe(self, recipe: Recipe) -> None:
        """Write recipe.toml, every setting written out.

        Args:
            recipe: The recipe.
        """
        text = dump_recipe(recipe)
        if _RECIPE not in self._written:
            write_text(self.folder / _RECIPE, text)  # of an older version, which kept no hashes
            return
        facts = {**self.environment, "recipe_settings": count_settings(text.encode())}
        known, there = facts["files"][_RECIPE], content_sha256(read_bytes(self.folder / _RECIPE, inside=self.folder))
        now, before = content_sha256(text.encode()), there if there in known else known[0]
        # Both are right while the file is replaced, so that a death in between leaves nothing that looks edited.
        for write, hashes in ((True, [before, now]), (False, [now])):
            self._write_environment({**facts, "files": {**facts["files"], _RECIPE: hashes}})
            if write:
                write_text(self.folder / _RECIPE, text)

    def write_environment(self, facts: Mapping[str, Any]) -> None:
        """Write environment.json, with the hashes of the tables and of the recipe that are there.

        Args:
            facts: What it says besides.
        """
        recipe = (self.folder / _RECIPE).read_bytes()
        there = [name for name in (_RECIPE, *TABLES) if (self.folder / name).is_file()]
        files = {name: [file_sha256(self.folder / name)] for name in there}
        self._write_environment({**facts, "files": files, "recipe_settings": count_settings(recipe)})

    def _write_environment(self, facts: Mapping[str, Any]) -> None:
        write_text(self.folder / _ENVIRONMENT, json.dumps(sealed(facts), indent=2) + "\n")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the right to train in this folder.

        Raises:
            RequestError: Another process has it.
            NoisetteError: What is written would not lie in the folder.
        """
        path = self.folder / ".lock"
        if os.path.lexists(path) and not (path.is_file() and not path.is_symlink() and path.stat().st_nlink == 1):
            raise NoisetteError(f"{path} is no file of this folder alone; {_why_shared(path)}")
        _ = self.checkpoints, self.metrics, self.samples  # each lies in the folder, or nothing is written
        lock = FileLock(path)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise RequestError(
                f"{self.folder} is being trained by another process; wait for it, or stop it first"
            ) from error
        try:
            yield
        finally:
            lock.release()


def create_run(
    folder: Path,
    recipe: Recipe,
    schema: AttributeSchema,
    statistics: Statistics,
    palette: Palette | None,
    facts: Mapping[str, Any],
    teacher: Mapping[str, Tensor] | None = None,
) -> Run:
    """Make a new run folder, whole or not at all.

    Args:
        folder: That is made.
        recipe: Resolved.
        schema: The attributes of the data.
        statistics: Of the train split.
        palette: Its colours, where they are few.
        facts: Added to what environment.json says.
        teacher: Weights that are learned from, of a distilled model.

    Raises:
        RequestError: The folder exists.
        NoisetteError: It cannot be written.
    """
    check_new(folder)

    def fill(temporary: Path) -> None:
        made = Run(temporary)
        made.write_recipe(recipe)
        for name, text in table_texts(schema, statistics, palette).items():
            write_text(temporary / name, text)
        learned_from = {}
        if teacher is not None:
            save_tensors(made.teacher_file, teacher)
            learned_from = {"teacher_sha256": file_sha256(made.teacher_file)}
        made.write_environment({**_environment(), **facts, **learned_from})
        made.write_status(
            state="new", step=0, epoch=0, progress=0.0, seconds=0.0, loss=None, images_per_second=0.0, skipped=0
        )
        for sub in (made.checkpoints, made.metrics, made.samples):
            sub.mkdir()

    try:
        make_folder(folder.parent)
        write_folder_atomically(folder, fill)
    except OSError as error:
        raise NoisetteError(f"cannot make {folder}: {error.strerror or error}") from error
    return Run(folder)


def table_texts(schema: AttributeSchema, statistics: Statistics, palette: Palette | None) -> dict[str, str]:
    """The tables of a run as they are written, by the names of their files."""
    texts = {
        "schema.json": schema.model_dump_json(indent=2) + "\n",
        "statistics.json": statistics.model_dump_json() + "\n",
    }
    return texts if palette is None else {**texts, "palette.json": palette.to_json()}


def check_new(folder: Path) -> None:
    """Raises RequestError if a run cannot be made at `folder` because something is there."""
    if os.path.lexists(folder):
        resumed = f", or go on with {resume_command(folder)}" if (folder / "recipe.toml").is_file() else ""
        raise RequestError(f"{folder} exists; choose another place with --out{resumed}")


def resume_command(folder: Path) -> str:
    """How a run is gone on with, to be typed as it stands between the backticks."""
    return f"`noisette resume {shlex.quote(str(folder))}`"


def open_run(folder: Path) -> Run:
    """The run in an existing folder. Raises RequestError if there is none."""
    if not is_run(folder):
        raise RequestError(why_no_run(str(folder)))
    return Run(folder)


def _why_shared(path: Path) -> str:
    """What makes a file that of another place too, and how to mend it."""
    if path.is_file() and not path.is_symlink():
        return "it is a hard link, as in a copy by links: copy the folder with `cp -r`, and go on in that copy"
    return "remove it"


def _environment() -> dict[str, Any]:
    program = Path(sys.argv[0]).name
    packages = ("torch", "accelerate", "numpy", "safetensors", "pillow")
    return {
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "command": ["noisette" if program == "__main__.py" else program, *sys.argv[1:]],
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "packages": {"noisette": __version__, **{name: version(name) for name in packages}},
    }
