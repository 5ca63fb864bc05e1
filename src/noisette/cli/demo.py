"""`make demo`: pictures as asked for at once, then from nothing to two networks that draw, in five minutes.

Asks the models that ship with the package, trains two recipes and draws from them as asked for, and says where
everything is. It does what a person would type, through the command line.
"""

from __future__ import annotations

import shlex
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import click

from noisette.cli import main as noisette

_FOLDER = Path("runs")


@dataclass(frozen=True)
class _Picture:
    """A picture that the demo draws.

    Attributes:
        model: a model that ships, or the run that was just trained.
        request: what is asked for; nothing of a network that was trained without attributes.
        count: images.
        file: that is written.
    """

    model: str
    request: str
    count: int
    file: Path

    @property
    def command(self) -> list[str]:
        asked = ["--attributes", self.request] if self.request else []
        return ["generate", self.model, *asked, "--count", str(self.count), "--out", str(self.file), "--overwrite"]


_SHIPPED = (
    _Picture("punks", "Female, 3D Glasses, Earring", 16, _FOLDER / "demo-asked-punks.png"),
    _Picture("digits", "7", 16, _FOLDER / "demo-asked-digits.png"),
)
_TRAINED = (
    ("punks-attributes", "2m", _Picture("runs/demo-punks", "Male, Mohawk, Big Shades", 16, _FOLDER / "demo-punks.png")),
    ("mnist", "1m", _Picture("runs/demo-digits", "", 64, _FOLDER / "demo-digits.png")),
)


def main() -> int:
    """Run the demo in the current folder; returns an exit status."""
    started = time.monotonic()
    _FOLDER.mkdir(exist_ok=True)
    for picture in _SHIPPED:
        _title(f"{picture.model} ships with the package: asking for {picture.request}")
        if status := _run(picture.command):
            return status
    for recipe, budget, picture in _TRAINED:
        _title(f"training `{recipe}` from nothing, for {budget} on this machine")
        shutil.rmtree(picture.model, ignore_errors=True)
        if status := _run(["train", recipe, "--out", picture.model, "--budget", budget]) or _run(picture.command):
            return status
    click.secho(f"\ndone in {time.monotonic() - started:.0f} s", bold=True)
    for picture in (*_SHIPPED, *(last for *_, last in _TRAINED)):
        click.echo(f"  {picture.model:<17} {picture.request or 'nothing asked for':<28} {picture.file}")
    click.echo(f"  curves in a browser: {Path(sys.executable).parent / 'tensorboard'} --logdir {_FOLDER}")
    click.echo("  more: make dashboard, noisette generate punks --random, noisette attributes punks, noisette --help")
    return 0


def _title(text: str) -> None:
    click.secho(f"\n{text}", bold=True, err=True)


def _run(command: list[str]) -> int:
    click.secho(f"$ noisette {shlex.join(command)}", dim=True, err=True)
    return noisette(command)


if __name__ == "__main__":
    raise SystemExit(main())
