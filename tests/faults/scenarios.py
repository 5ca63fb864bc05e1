"""Commands whose files are to survive, what must be true of these after a fault, and how to go on."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import torch
from PIL import Image

import noisette
from noisette.cli import main
from noisette.data import fetch, opening
from noisette.data.sources.base import Archive
from noisette.files.images import read_png
from noisette.store.run import open_run
from noisette.training import trainer
from noisette.training.callback import NullCallback

from ..conftest import CONDITIONAL

RECIPE = CONDITIONAL.replace("count = 60", "count = 120").replace("batch_size = 6", "batch_size = 12")
"""Two epochs of nine steps, and two steps more: three checkpoints, of which two are kept."""
RUN = "runs/tiny"
CONTENT = bytes(range(256)) * 200
ARCHIVE = Archive("tiny-data", "tiny-data-1.0.tar.gz", sha256(CONTENT).hexdigest(), len(CONTENT))

Problems = list[str]


@dataclass(frozen=True)
class Scenario:
    """A command in a folder of its own, which is its current folder; its cache is below it too.

    Attributes:
        command: As a person writes it.
        before: Makes what is there before.
        whole: What is wrong with what is there now: the old state and the new one are right, nothing else.
        done: Whether the new state is there.
        finished: What is wrong with the new state, given what an unharmed command left; empty if nothing.
        onward: What a person does after a fault.
        run: The folder of a training, whose checkpoints are told to a trace when they are saved.
    """

    command: list[str]
    before: Callable[[], None]
    whole: Callable[[], Problems]
    done: Callable[[], bool]
    finished: Callable[[Path], Problems]
    onward: Callable[[], list[str]]
    run: str | None = None


def _recipe() -> None:
    Path("tiny.toml").write_text(RECIPE)


class _PowerCut(NullCallback):
    def on_step(self, info):
        if info.step == 12:
            raise ZeroDivisionError


def _half_trained() -> None:
    _recipe()
    with contextlib.suppress(ZeroDivisionError):
        noisette.train("tiny.toml", out=RUN, callback=_PowerCut())


def _trained() -> None:
    _recipe()
    noisette.train("tiny.toml", out=RUN)


def _drawn() -> None:
    """With its engine in the cache, and a picture."""
    _trained()
    assert main(["generate", RUN, "--count", "4", "--out", "sheet.png"]) == 0


def _measurable() -> None:
    """With an attribute classifier."""
    _drawn()
    assert main(["evaluate", "--fit-classifier", "tiny.toml", "--classifier-epochs", "1"]) == 0


# ---- what is checked ----


def _run_whole(folder: str = RUN) -> Problems:
    """A run that is there can be read, and its checkpoints are what its manifest says."""
    if not Path(folder).exists():
        return []
    found = []
    try:
        run = open_run(Path(folder))
        _ = (run.recipe, run.schema, run.statistics, run.palette, run.environment["dataset"], run.status["state"])
        if run.recipe.distillation is not None:
            _ = run.teacher
        checkpoint, notes = run.checkpoint()
        found += notes
        curve = run.scalars("loss")
        if checkpoint is not None and [step for step, _ in curve][: checkpoint.entry.step] != list(
            range(1, checkpoint.entry.step + 1)
        ):
            found.append(f"a checkpoint of step {checkpoint.entry.step}, and a curve of {len(curve)} points")
    except noisette.NoisetteError as error:
        found.append(str(error))
    for path in (Path(folder) / "samples").glob("*.png"):
        found += _picture_whole(str(path))
    return found


def _run_finished(reference: Path, folder: str = RUN) -> Problems:
    found = _run_whole(folder)
    run, theirs = open_run(Path(folder)), open_run(reference / folder)
    if run.status["state"] != "finished":
        found.append(f"the run is {run.status['state']}")
    [(mine, _), (its, _)] = run.checkpoint(), theirs.checkpoint()
    for part in ("network", "average", "optimizer"):
        one, other = mine.tensors(part), its.tensors(part)
        if one.keys() != other.keys() or not all(torch.equal(one[name], other[name]) for name in one):
            found.append(f"other {part}")
    if run.scalars("loss") != theirs.scalars("loss"):
        found.append("another curve of the loss")
    names = [
        sorted(path.name for path in (each / "samples").iterdir() if path.suffix == ".png")
        for each in (run.folder, theirs.folder)
    ]
    if names[0] != names[1]:
        found.append(f"grids {names[0]}, not {names[1]}")
    return found


def _picture_whole(name: str) -> Problems:
    if not Path(name).exists():
        return []
    try:
        read_png(Path(name))
    except noisette.NoisetteError as error:
        return [str(error)]
    return []


def _same_pictures(reference: Path, names: list[str]) -> Problems:
    found = []
    for name in names:
        with Image.open(name) as mine, Image.open(reference / name) as its:
            if mine.tobytes() != its.tobytes():
                found.append(f"{name} is another picture")
    return found


def _engines_whole() -> Problems:
    """Whatever stands in the cache under an engine's name can be loaded."""
    import onnxruntime

    found = []
    for folder in Path("cache/engines").glob("[!.]*"):
        for name in ("encode.onnx", "estimate.onnx"):
            try:
                onnxruntime.InferenceSession(str(folder / name), providers=["CPUExecutionProvider"])
            except Exception as error:
                found.append(f"{folder}/{name}: {error}"[:200])
    return found


def _text_whole(name: str, end: str) -> Problems:
    path = Path(name)
    return [f"{name} is cut short"] if path.exists() and not path.read_text().rstrip().endswith(end) else []


def _figures(folder: Path) -> dict[str, object]:
    found = {}
    for path in sorted((folder / RUN / "evaluations").glob("*/figures-*.json")):
        found[f"{path.parent.name}/{path.name}"] = json.loads(path.read_text())
    return found


def _records_finished(reference: Path) -> Problems:
    return [] if _figures(Path()) == _figures(reference) != {} else ["other figures"]


def _records_whole() -> Problems:
    """None is half there. Those of a cut file would be measured again, but a disk in order leaves none."""
    found = []
    for path in Path().glob("**/figures-*.json"):
        with contextlib.suppress(ValueError):
            json.loads(path.read_text())
            continue
        found.append(f"{path} is damaged")
    return found


def _page(name: str) -> str:
    """The page without when it was written."""
    return re.sub(r"20\d\d-\d\d-\d\d \d\d:\d\d", "", Path(name).read_text())


def _archive() -> None:
    Path("index").mkdir()
    Path("index", ARCHIVE.filename).write_bytes(CONTENT)


def _fetched() -> Path:
    return Path("cache", ARCHIVE.filename)


def of_small_archive() -> None:
    """The archive of the punks is a small one here, and pip finds it in a folder."""
    opening.archive_of = lambda name: ARCHIVE  # type: ignore[assignment]
    fetch._pip_settings = lambda: {"find-links": "index", "no-index": "1"}


def telling_of_checkpoints(tell: Callable[[str], None]) -> None:
    """Tell of each checkpoint, by its step, once the training believes that it is saved."""
    save = trainer.save_checkpoint

    def told(*arguments, **settings):
        entry = save(*arguments, **settings)
        tell(str(entry.step))
        return entry

    trainer.save_checkpoint = told


def lost(folder: str, promised: int) -> Problems:
    """What is wrong with the checkpoints of a run, one of which was saved."""
    if not Path(folder).exists():
        return [f"the run is gone, and step {promised} was saved"]
    with contextlib.suppress(noisette.NoisetteError):
        checkpoint, _ = open_run(Path(folder)).checkpoint()
        if checkpoint is not None and checkpoint.entry.step >= promised:
            return []
    return [f"step {promised} was saved, and is lost"]


def _resume_or(command: list[str], folder: str = RUN) -> Callable[[], list[str]]:
    return lambda: ["resume", folder] if Path(folder).exists() else command


def _state(folder: str) -> bool:
    return Path(folder, "status.json").is_file() and open_run(Path(folder)).status["state"] == "finished"


_TRAIN = ["train", "tiny.toml", "--out", RUN]
_GENERATE = ["generate", RUN, "--count", "4", "--out"]
_SIX = ["--count", "6", "--draws", "1"]
_CHOSEN = ("precision=float32", "layout=contiguous", "compile=no")  # else the clock chooses, each time anew
_SET = [word for each in _CHOSEN for word in ("--set", f"training.{each}")]
_DISTIL = ["distil", RUN, "--nfe", "2", "--steps", "12", *_SET, "--out", "runs/student"]
_SWEEP = ["sweep", RUN, "--over", "guidance=1,2", *_SIX, "--out", "swept"]
_PICTURES = [f"pictures/seed-{seed:04d}.png" for seed in range(4)]


def _file(
    command: list[str],
    before: Callable[[], None],
    names: list[str],
    whole: Callable[[], Problems],
    finished: Callable[[Path], Problems],
) -> Scenario:
    """A command that makes files and can simply be given again."""
    return Scenario(
        command, before, whole, lambda: all(Path(name).exists() for name in names), finished, lambda: command
    )


SCENARIOS = {
    "train": Scenario(_TRAIN, _recipe, _run_whole, lambda: _state(RUN), _run_finished, _resume_or(_TRAIN), RUN),
    "resume": Scenario(
        ["resume", RUN], _half_trained, _run_whole, lambda: _state(RUN), _run_finished, lambda: ["resume", RUN], RUN
    ),
    "distil": Scenario(
        _DISTIL,
        _drawn,
        lambda: _run_whole("runs/student"),
        lambda: _state("runs/student"),
        lambda reference: _run_finished(reference, "runs/student"),
        _resume_or(_DISTIL, "runs/student"),
        "runs/student",
    ),
    "export": _file(
        [*_GENERATE, "sheet.png"],
        _trained,
        ["sheet.png"],
        lambda: _engines_whole() + _picture_whole("sheet.png"),
        lambda reference: _same_pictures(reference, ["sheet.png"]) + _engines_whole(),
    ),
    "generate": _file(
        [*_GENERATE, "pictures", "--gif"],
        _drawn,
        [*_PICTURES, "pictures/denoising.gif"],
        lambda: [problem for name in _PICTURES for problem in _picture_whole(name)],
        lambda reference: _same_pictures(reference, [*_PICTURES, "pictures/denoising.gif"]),
    ),
    "regenerate": _file(
        ["regenerate", "sheet.png"],
        _drawn,
        ["sheet-again.png"],
        lambda: _picture_whole("sheet.png") + _picture_whole("sheet-again.png"),
        lambda reference: _same_pictures(reference, ["sheet.png", "sheet-again.png"]),
    ),
    "report": _file(
        ["report", RUN, *_SIX, "--out", "page.html"],
        _measurable,
        ["page.html"],
        lambda: _text_whole("page.html", "</html>") + _records_whole(),
        lambda reference: (
            _records_finished(reference)
            + ([] if _page("page.html") == _page(str(reference / "page.html")) else ["another page"])
        ),
    ),
    "sweep": _file(
        _SWEEP,
        _measurable,
        [f"swept/{name}" for name in ("sweep.json", "table.csv", "plots.png", "grid.png")],
        lambda: _text_whole("swept/sweep.json", "}") + _records_whole(),
        lambda reference: (
            _records_finished(reference)
            + [
                f"another {name}"
                for name in ("sweep.json", "table.csv", "plots.png", "grid.png")
                if Path("swept", name).read_bytes() != (reference / "swept" / name).read_bytes()
            ]
        ),
    ),
    "fit": _file(
        ["evaluate", "--fit-classifier", "tiny.toml", "--classifier-epochs", "1"],
        _recipe,
        ["cache/classifiers"],
        lambda: [],
        lambda reference: (
            []
            if [path.read_bytes() for path in Path("cache/classifiers").glob("[!.]*")]
            == [path.read_bytes() for path in (reference / "cache/classifiers").glob("[!.]*")]
            else ["another classifier"]
        ),
    ),
    "fetch": _file(
        ["data", "fetch", "cryptopunks"],
        _archive,
        [str(_fetched())],
        lambda: [] if not _fetched().exists() or _fetched().read_bytes() == CONTENT else ["a damaged archive"],
        lambda reference: [] if _fetched().read_bytes() == CONTENT else ["a damaged archive"],
    ),
    "inspect": _file(
        ["data", "inspect", "sprites", "--count", "30", "--out", "sheet.png"],
        lambda: None,
        ["sheet.png"],
        lambda: _picture_whole("sheet.png"),
        lambda reference: _same_pictures(reference, ["sheet.png"]),
    ),
    "noising": _file(
        ["noising", "tiny.toml", "--count", "2", "--frames", "3", "--out", "noise.gif"],
        _recipe,
        ["noise.gif"],
        lambda: [],
        lambda reference: _same_pictures(reference, ["noise.gif"]),
    ),
}
