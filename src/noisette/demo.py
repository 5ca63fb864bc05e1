"""`make demo`: from nothing to digits and punks that a network drew, in a few minutes.

Trains two recipes for two minutes each, draws from them and says where everything is. It does what a person would type,
through the command line.
"""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

import click

from noisette.cli import main as noisette

_BUDGET = "2m"
_PARTS = (("digits", "mnist", "64"), ("punks", "punks-small", "16"))


def main() -> int:
    """Run the demo in the current folder; returns an exit status."""
    started = time.monotonic()
    for title, recipe, count in _PARTS:
        run, picture = Path("runs") / f"demo-{title}", Path("runs") / f"demo-{title}.png"
        click.secho(f"\n{title}: training `{recipe}` for {_BUDGET} on this machine", bold=True, err=True)
        shutil.rmtree(run, ignore_errors=True)
        for command in (
            ["train", recipe, "--out", str(run), "--budget", _BUDGET],
            ["generate", str(run), "--count", count, "--out", str(picture)],
        ):
            click.secho(f"$ noisette {' '.join(command)}", dim=True, err=True)
            if status := noisette(command):
                return status
    click.secho(f"\ndone in {time.monotonic() - started:.0f} s", bold=True)
    for title, _, _ in _PARTS:
        click.echo(f"  {title:<7} picture runs/demo-{title}.png   run folder runs/demo-{title}   curves runs/demo-{title}/metrics")
    click.echo(f"  curves in a browser: {Path(sys.executable).parent / 'tensorboard'} --logdir runs")
    click.echo("  more: noisette generate runs/demo-punks --seed 100 --gif, noisette train punks --budget 30m, noisette --help")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
