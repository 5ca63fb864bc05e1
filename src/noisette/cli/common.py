"""What verbs share: how they answer, and options that several have."""

from __future__ import annotations

import json
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from noisette.errors import NoisetteError, RequestError

as_json = click.option("--json", "json_", is_flag=True, help="Print one JSON object on standard output.")


class Suggesting(click.Group):
    """A group that names the nearest verb when one is mistyped."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            near = get_close_matches(args[0], self.commands, n=3, cutoff=0.4)
            ctx.fail(f'no command "{args[0]}"' + (f"; nearest: {', '.join(near)}" if near else ""))
        return super().resolve_command(ctx, args)


def how_to_sample(command: Callable[..., None]) -> Callable[..., None]:
    """The options of drawing that `generate` and `evaluate` share."""
    options = (
        click.option(
            "--quality",
            help=(
                "fast, balanced or best: settings that `noisette tune` found to be enough; what is given besides wins."
            ),
        ),
        click.option(
            "--sampler",
            help=(
                "ddim, ddpm, euler, heun, dpmpp-2m, dpmpp-2m-sde, dpmpp-3m-sde, unipc, deis, or lcm (of students). "
                " [default: the recipe's]"
            ),
        ),
        click.option(
            "--steps",
            type=int,
            help=(
                "Steps for an image; each costs one network evaluation, two by heun or guided (but of a student). "
                " [default: as in the recipe]"
            ),
        ),
        click.option(
            "--spacing",
            help=(
                "time, log-snr, karras, or fitted as `noisette tune` found: the levels that steps visit; heun in few"
                " needs log-snr or karras.  [default: as in the recipe]"
            ),
        ),
        click.option(
            "--eta", type=float, help="Of ddim: 0 deterministic, 1 as random as ddpm.  [default: as in the recipe]"
        ),
        click.option(
            "--churn",
            type=float,
            help=(
                "Of euler and heun: noise that is added and taken away again, 0 for none.  [default: as in the recipe]"
            ),
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def answer(json_: bool, facts: dict[str, Any], text: str) -> None:
    if json_:
        print_json(facts)
    else:
        click.echo(text)


def print_json(facts: dict[str, Any]) -> None:
    click.echo(json.dumps(facts, indent=2, ensure_ascii=False))


def tell(text: str) -> None:
    click.echo(text, err=True)


class Writing:
    """Turns a refusal of the disk, while a picture is written, into one line."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        if not self._path.parent.is_dir():
            raise RequestError(f"no folder {self._path.parent} to write {self._path.name} into; make it first")

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
            raise NoisetteError(f"cannot write {self._path}: {error.strerror or error}") from error
