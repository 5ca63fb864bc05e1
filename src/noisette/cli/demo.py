"""`make demo`: digits and punks as asked for, then from nothing to a network that draws, in a few minutes.

Asks the models that ship with the package, trains two recipes for two minutes each, draws from them and says where
everything is. It does what a person would type, through the command line.
"""

from __future__ import annotations

import shlex
import shutil
import sys
import time
from pathlib import Path

import click

from noisette.cli import main as noisette

_BUDGET = "2m"
_PARTS = (("digits", "mnist", "64"), ("punks", "punks-small", "16"))
_ASKED = (("digits", "7", "16"), ("punks", "Female, 3D Glasses, Earring", "16"))


def main() -> int:
    """Run the demo in the current folder; returns an exit status."""
    started = time.monotonic()
    Path("runs").mkdir(exist_ok=True)
    for model, request, count in _ASKED:
        click.secho(f"\n{model} that ship with the package: asking for {request}", bold=True, err=True)
        picture = Path("runs") / f"demo-asked-{model}.png"
        if status := _run(["generate", model, "--attributes", request, "--count", count, "--out", str(picture)]):
            return status
    for title, recipe, count in _PARTS:
        run, picture = Path("runs") / f"demo-{title}", Path("runs") / f"demo-{title}.png"
        click.secho(f"\n{title}: training `{recipe}` for {_BUDGET} on this machine", bold=True, err=True)
        shutil.rmtree(run, ignore_errors=True)
        for command in (
            ["train", recipe, "--out", str(run), "--budget", _BUDGET],
            ["generate", str(run), "--count", count, "--out", str(picture)],
        ):
            if status := _run(command):
                return status
    click.secho(f"\ndone in {time.monotonic() - started:.0f} s", bold=True)
    for model, request, _ in _ASKED:
        click.echo(f"  {model:<7} asked for {request!r}: runs/demo-asked-{model}.png")
    for title, _, _ in _PARTS:
        click.echo(
            f"  {title:<7} picture runs/demo-{title}.png   run folder runs/demo-{title}   curves"
            f" runs/demo-{title}/metrics"
        )
    click.echo(f"  curves in a browser: {Path(sys.executable).parent / 'tensorboard'} --logdir runs")
    click.echo(
        "  more: noisette generate punks --random, noisette attributes punks, noisette train punks-attributes, noisette"
        " --help"
    )
    return 0


def _run(command: list[str]) -> int:
    click.secho(f"$ noisette {shlex.join(command)}", dim=True, err=True)
    return noisette(command)


if __name__ == "__main__":
    raise SystemExit(main())
