"""The command line and the Python code that draw a picture again."""

from __future__ import annotations

import shlex
from typing import Any

from noisette.inference.generator import Generator
from noisette.inference.request import Request


def command_line(asked: str, request: Request, generator: Generator) -> str:
    """The command that draws the same picture.

    Args:
        asked: What is asked for, as a person writes it.
        request: What is drawn; its seeds follow each other.
        generator: Of the model: what is its default is left out.
    """
    sampling, guidance = request.sampling, request.sampling.guidance
    default = generator.choices.sampling(sampling.sampler)
    parts = ["noisette", "generate", request.run]
    if asked:
        parts += ["--attributes", asked, "--guidance", short(guidance.scale)]
    parts += ["--seed", str(request.seeds[0]), "--count", str(len(request.seeds))]
    parts += ["--sampler", sampling.sampler, "--steps", str(sampling.steps)]
    if sampling.eta != default.eta:
        parts += ["--eta", short(sampling.eta)]
    if sampling.spacing != default.spacing:
        parts += ["--spacing", sampling.spacing]
    if sampling.churn != default.churn:
        parts += ["--churn", short(sampling.churn)]
    for option, amounts in (("--weight", guidance.weights), ("--exclude", guidance.excluded)):
        parts += [part for name, amount in amounts.items() for part in (option, f"{name}={short(amount)}")]
    if tuple(guidance.interval) != default.guidance.interval:
        parts += ["--guidance-interval", *map(short, guidance.interval)]
    if guidance.rescale != default.guidance.rescale:
        parts += ["--guidance-rescale", short(guidance.rescale)]
    if sampling.complete != default.complete:
        parts += ["--complete" if sampling.complete else "--leave-open"]
    if request.variation:
        parts += ["--vary", f"{request.variation.of}={short(request.variation.strength)}"]
    if request.palette:
        parts += ["--palette"]
    return shlex.join(parts)


def python_code(asked: str, request: Request, generator: Generator) -> str:
    """The Python that draws the same images, (N, C, H, W) bytes; arguments as of `command_line`."""
    sampling, guidance = request.sampling, request.sampling.guidance
    default = generator.choices.sampling(sampling.sampler)
    given: dict[str, Any] = {"steps": sampling.steps, "sampler": sampling.sampler}
    if sampling.eta != default.eta:
        given["eta"] = sampling.eta
    if sampling.spacing != default.spacing:
        given["spacing"] = sampling.spacing
    if sampling.churn != default.churn:
        given["churn"] = sampling.churn
    if asked:
        given["guidance"] = guidance.scale
    if tuple(guidance.interval) != default.guidance.interval:
        given["interval"] = tuple(guidance.interval)
    for name, amounts in (("weights", guidance.weights), ("excluded", guidance.excluded)):
        if amounts:
            given[name] = dict(amounts)
    if guidance.rescale != default.guidance.rescale:
        given["rescale"] = guidance.rescale
    if sampling.complete != default.complete:
        given["complete"] = sampling.complete
    if request.variation:
        given["variation"] = (request.variation.of, request.variation.strength)
    if request.palette:
        given["palette"] = True
    first = request.seeds[0]
    seeds = f"seeds=range({first}, {first + len(request.seeds)})"
    options = ", ".join([seeds, *(f"{name}={value!r}" for name, value in given.items())])
    what = f"{asked!r}, " if asked else ""
    return (
        f"import noisette\n\ngenerator = noisette.load({request.run!r})\nimages = generator.generate({what}{options})"
    )


def short(number: float) -> str:
    """A number as short as it can be without becoming another."""
    return repr(float(number)).removesuffix(".0")
