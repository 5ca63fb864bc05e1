"""The `noisette` command: thin, every verb calls the public API.

Nothing heavy is imported here before a verb runs, so that `--help` answers at once.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import click

from noisette._version import __version__
from noisette.cli import drawing, making, measuring, training
from noisette.cli.common import Suggesting, tell, tell_what_is_logged
from noisette.cli.data import data
from noisette.cli.paths import FOLDER
from noisette.cli.streams import open_streams, tell_unless_answered
from noisette.errors import NoisetteError, Stopped
from noisette.files.cache import advice
from noisette.signals import Terminated, terminable


@click.group(cls=Suggesting, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="noisette")
def app() -> None:
    """Train diffusion models on small images, and draw with them.

    \b
    noisette recipes                      what can be trained
    noisette train punks --budget 30m     train for half an hour, into runs/punks
    noisette generate punks --attributes "Female, 3D Glasses"
    """


for verb in (
    training.recipes,
    data,
    training.train,
    training.distil,
    training.resume,
    drawing.attributes,
    drawing.generate,
    drawing.regenerate,
    making.collection,
    measuring.evaluate,
    measuring.sweep,
    measuring.tune,
    measuring.report,
    drawing.noising,
):
    app.add_command(verb)


@app.command()
@click.option(
    "--runs",
    type=FOLDER,
    default="runs",
    show_default=True,
    help="The folder of runs to show.",
)
@click.option("--port", type=click.IntRange(1, 65535), default=8501, show_default=True, help="Where it listens.")
@click.option(
    "--address",
    default="127.0.0.1",
    show_default=True,
    help="0.0.0.0 lets other machines in: they can draw, there is no password.",
)
@click.option("--browser/--no-browser", default=True, show_default=True, help="Open it in a browser.")
def dashboard(runs: Path, port: int, address: str, browser: bool) -> None:
    """Open the dashboard: tick boxes, get the picture.

    It serves until Ctrl-C.
    """
    from noisette.dashboard.launch import launch

    launch(runs, port=port, address=address, browser=browser)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status; every expected failure is one line on standard error."""
    os.environ.setdefault("MPL_IGNORE_SYSTEM_FONTS", "1")  # charts have the same letters on every machine
    open_streams()
    tell_what_is_logged()
    status = _run(arguments)
    if status == 0:
        tell_unless_answered()
    return status


def _run(arguments: Sequence[str] | None) -> int:
    try:
        with terminable():
            app(args=None if arguments is None else list(arguments), prog_name="noisette", standalone_mode=False)
        return 0
    except click.exceptions.NoArgsIsHelpError as help_:
        click.echo(help_.format_message(), err=True)
        return 2
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        see = f" (see `{context.command_path} --help`)" if context is not None else ""
        return _fail(f"{error.format_message().rstrip('.')}{see}", 2)
    except Stopped as stopped:
        return _leave(str(stopped), stopped.exit_status)
    except NoisetteError as error:
        return _fail(str(error), error.exit_status)
    except (click.Abort, KeyboardInterrupt) as error:
        why = error if isinstance(error, KeyboardInterrupt) else error.__cause__  # click makes an Abort of it
        return _leave("terminated", why.exit_status) if isinstance(why, Terminated) else _leave("interrupted", 130)
    except MemoryError:
        return _fail("out of memory; ask for fewer or smaller images", 1)
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        return _fail(f"cannot read or write{where}: {error.strerror or error}{advice(error)}", 1)


def _fail(message: str, status: int) -> int:
    return _leave(f"error: {message}", status)


def _leave(message: str, status: int) -> int:
    tell(message)
    return status
