"""What verbs share: how they answer, and options that several have."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import click

from noisette.errors import as_nearest, closest
from noisette.text import LONGEST_NAME, lines, message, plain_tree

if TYPE_CHECKING:
    from noisette.attributes.schema import AttributeSchema
    from noisette.config.sampling import Setting

_SENTENCES = ("notes", "left_out", "no_floor", "why_not", "recipe")
"""Facts that are sentences: what their middle says is not left out."""

as_json = click.option("--json", "json_", is_flag=True, help="Print one JSON object on standard output.")


class Suggesting(click.Group):
    """A group that names the nearest verb when one is mistyped, and refuses what a verb would lose without a word."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            ctx.fail(f'no command "{args[0]}"{as_nearest(self._near(args[0]))}')
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None:
            _refuse_repeated(command, click.Context(command, info_name=name, parent=ctx), rest)
        return name, command, rest

    def _near(self, typed: str) -> list[str]:
        """The nearest verbs, those of the groups in here too: `data inspect` of `inspect`."""
        verbs = {f"{name} {verb}": verb for name, group in self.commands.items() for verb in _verbs_of(group)}
        known = [*self.commands, *verbs, *verbs.values()]
        spoken = {verb: whole for whole, verb in verbs.items() if verb not in self.commands}
        return list(dict.fromkeys(spoken.get(each, each) for each in closest(typed, known)))


def _verbs_of(command: click.Command) -> list[str]:
    return list(command.commands) if isinstance(command, click.Group) else []


def _refuse_repeated(command: click.Command, context: click.Context, arguments: Sequence[str]) -> None:
    """Refuse an option that is given twice and takes one value: click would keep the last, and lose the others."""
    try:
        given = command.make_parser(context).parse_args(list(arguments))[2]
    except click.UsageError:
        return  # which click tells where it reads them for good
    for option in given:
        if not isinstance(option, click.Option) or option.multiple or (option.is_flag and not option.secondary_opts):
            continue
        if given.count(option) > 1:
            raise click.UsageError(
                f"{option.opts[0]} is given twice, and only the last would count; give it once", context
            )


class DrawingCommand(click.Command):
    """A verb that draws: it has an option for each setting of a drawing, and --preset.

    The options are derived from the settings when the verb is used, not when it is defined: `noisette --help` must not
    wait for their types. The verb gets them as `given`, by flat name, ready for `SamplingSettings.of`; those that map
    names to numbers as they were written, since only the schema of a model tells the name from the number: see
    `understood`.
    """

    without: Sequence[str] = ()
    """Settings that the verb has not."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        *own, json_, help_ = super().get_params(ctx)
        about = "fast, balanced or best: settings that `noisette tune` found to be enough; what is given besides wins."
        preset = click.Option(["--preset", "--quality", "preset"], help=about)
        return [*own, preset, *map(_option, self._settings()), json_, help_]

    def invoke(self, ctx: click.Context) -> Any:
        params = ctx.params
        params["given"] = {setting.name: _value(setting, params.pop(setting.name)) for setting in self._settings()}
        return super().invoke(ctx)

    def _settings(self) -> list[Setting]:
        from noisette.config.sampling import SETTINGS

        return [setting for name, setting in SETTINGS.items() if setting.option and name not in self.without]


def _option(setting: Setting) -> click.Option:
    """A setting as an option of the command line; None unless given."""
    old = setting.extra.get("old")
    names = [setting.option, *([f"{old}/{setting.option.partition('/')[2]}"] if old else []), setting.name]
    kind, help_, usual = setting.kind, setting.help.rstrip("."), "[default: as in the recipe]"
    if get_origin(kind) is Literal:
        return click.Option(names, help=f"{help_}: {', '.join(get_args(kind))}.  {usual}")
    if get_origin(kind) is dict:
        return click.Option(names, multiple=True, metavar=setting.extra["metavar"], help=f"{help_}.")
    if get_origin(kind) is tuple:
        return click.Option(
            names, type=(float, float), metavar=setting.extra["metavar"], default=None, help=f"{help_}.  {usual}"
        )
    if kind is bool:
        slash = "/" in setting.option
        return click.Option(names, is_flag=True, default=None, help=f"{help_}.{f'  {usual}' if slash else ''}")
    return click.Option(names, type=kind, help=f"{help_}.  {usual}")


def _value(setting: Setting, given: Any) -> Any:
    """What was given, as the settings take it; None where nothing was."""
    return (given or None) if get_origin(setting.kind) is dict else given


def understood(given: Mapping[str, Any], schema: AttributeSchema) -> dict[str, Any]:
    """What a `DrawingCommand` was given, as `SamplingSettings.of` takes it. Raises RequestError."""
    from noisette.config.sampling import SETTINGS
    from noisette.sampling.amounts import amounts

    return {
        name: amounts(value, schema, called=SETTINGS[name].option, usual=SETTINGS[name].extra.get("usual"))
        if value is not None and get_origin(SETTINGS[name].kind) is dict
        else value
        for name, value in given.items()
    }


def shown(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts as a person is shown them: names of others plain and of a bounded length, sentences of ours whole.

    Args:
        facts: What JSON can hold.
    """
    return {
        key: [shown(point) for point in value]
        if key == "points"  # of a sweep, each an evaluation
        else plain_tree(value, None if key in _SENTENCES else LONGEST_NAME)
        for key, value in facts.items()
    }


def answer(json_: bool, facts: dict[str, Any], text: str) -> None:
    """Give the answer on standard output: as JSON, or as lines of text."""
    if json_:
        print_json(facts)
    else:
        print(lines(text), flush=True)


def print_json(facts: dict[str, Any]) -> None:
    """Give the answer as JSON, in ASCII, which every encoding can write and every program can read."""
    print(json.dumps(facts, indent=2), flush=True)


def tell(text: str) -> None:
    """Tell the person a line, on standard error."""
    print(message(text), file=sys.stderr, flush=True)


class _Telling(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        tell(record.getMessage())


def tell_what_is_logged() -> None:
    """Have what the package logs, such as where it downloads from, told too."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # that it finds no folder for its cache concerns nobody
    log = logging.getLogger("noisette")
    if not any(isinstance(each, _Telling) for each in log.handlers):
        log.addHandler(_Telling())
        log.setLevel(logging.INFO)
