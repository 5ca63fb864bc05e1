"""A verdict on a run: what it draws, measured every way that its data allow, with the same figures of real images beside."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noisette.data.attributes import AttributeSchema
from noisette.data.dataset import Dataset
from noisette.data.sprites import read as read_sprites
from noisette.errors import RequestError
from noisette.evaluation.exactness import exactness
from noisette.evaluation.fidelity import fidelity
from noisette.evaluation.judge import Judge
from noisette.evaluation.judges import find_judge
from noisette.evaluation.memorisation import memorisation, unworn
from noisette.evaluation.obedience import Obedience, obedience
from noisette.evaluation.pixelart import pixel_art
from noisette.generation import Generator, load
from noisette.model import Sampling
from noisette.training.start import open_data

Progress = Callable[[int, int], None]
Figures = dict[str, Any]


def evaluate(
    run: str | Path,
    *,
    count: int = 500,
    split: str = "validation",
    seed: int = 0,
    sampler: str | None = None,
    steps: int | None = None,
    eta: float | None = None,
    guidance: float | None = None,
    judge: Judge | None = None,
    progress: Progress | None = None,
) -> Figures:
    """Draw the requests of `split` with a run or shipped model, and measure; what JSON can hold.

    count: images, asked for as the first of the split. seed: of the first; each has its own. sampler, steps, eta, guidance: as
    in the recipe unless given. judge: the one for these data unless given. progress: of the drawing.

    What cannot be measured has None and the reason under "left_out". Raises RequestError where nothing can be: no judge, too few
    images, a split of another name.
    """
    generator = load(run)
    dataset = open_data(generator.model.recipe)
    train, real = dataset.split("train"), dataset.split(split)
    if not 1 <= count <= len(real):
        raise RequestError(f"the {split} split of {dataset.name} has {len(real)} images; use a --count of at most that, not {count}")
    judge = judge or find_judge(train)
    if judge.dataset != train.fingerprint:
        raise RequestError(f"the judge was trained on other images than {generator.name}; train one for it with --fit-judge")
    real = real.take(np.arange(count))
    sampling = generator.sampling(sampler, steps, eta, guidance=guidance)
    rows = real.attributes if generator.model.recipe.conditional else None
    drawn = generator.draw(rows, range(seed, seed + count), sampling, progress=progress)
    return {**_circumstances(generator, dataset, judge, sampling, split, seed, count), **measure(drawn, real, train, rows, generator, judge)}


def measure(drawn: NDArray[np.uint8], real: Dataset, train: Dataset, rows: NDArray[np.int16] | None, generator: Generator, judge: Judge) -> Figures:
    """All figures of drawn images, (N, C, H, W), beside the real ones of the same requests. rows: what was asked for, if anything was."""
    left_out: dict[str, str] = {}
    figures: Figures = {}
    count, palette = len(drawn), generator.palette
    snapped = palette.snap(drawn) if palette else None
    beside = {"drawn": drawn, "real": real.images}

    def put(name: str, measured: Callable[[], Any], unless: str | None) -> None:
        if unless:
            left_out[name] = unless
        figures[name] = None if unless else measured()

    unasked = None if rows is not None else "it was trained without attributes"
    names_one = rows is not None and len(np.unique(train.attributes, axis=0)) == len(train)
    put("obedience", lambda: {who: _obeyed(rows, judge.read(images), judge.schema) for who, images in beside.items()}, unasked)
    put(
        "exactness",
        lambda: {"drawn": asdict(exactness(drawn, real.images)), "snapped": asdict(exactness(snapped, real.images)) if snapped is not None else None},
        unasked or (None if names_one else "several images have the same attributes, so none is the only right one"),
    )
    readable = train.name == "sprites" and train.channels == 4 and snapped is not None
    put(
        "by_pixels",
        lambda: _obeyed(rows, read_sprites(snapped), judge.schema),  # type: ignore[arg-type]
        unasked or (None if readable else "only the layers of sprites with alpha can be read off their pixels"),
    )
    some = np.random.default_rng(0).permutation(len(train))[:count]
    too_few = f"distances need at least 100 images, not {min(count, len(some))}" if min(count, len(some)) < 100 else None
    # Both from other images: those drawn for the requests of real ones are nearer to these than any others could be.
    others = judge.features(train.images[some])
    put("fidelity", lambda: {who: asdict(fidelity(others, judge.features(images))) for who, images in beside.items()}, too_few)
    put("memorisation", lambda: _remembered(drawn, snapped, real, train, rows), None)
    coarse = None if palette else "its data are grey, or have many colours"
    put("pixel_art", lambda: {who: asdict(pixel_art(images, palette)) for who, images in beside.items()}, coarse)  # type: ignore[arg-type]
    return {"figures": figures, "left_out": left_out}


def _obeyed(rows: NDArray[np.int16] | None, seen: NDArray[np.int16], schema: AttributeSchema) -> Figures:
    assert rows is not None
    found: Obedience = obedience(rows, seen, schema)
    return asdict(found)


def _remembered(
    drawn: NDArray[np.uint8], snapped: NDArray[np.uint8] | None, real: Dataset, train: Dataset, rows: NDArray[np.int16] | None
) -> Figures:
    figures: Figures = {}
    for who, images in (("drawn", drawn if snapped is None else snapped), ("real", real.images)):
        found = memorisation(images, train.images)
        figures[who] = {"copies": found.copies, "distance": found.distance, "nearest": found.nearest.tolist()}
    figures["unworn"] = None if rows is None else unworn(rows, train.attributes)
    return figures


def _circumstances(generator: Generator, dataset: Dataset, judge: Judge, sampling: Sampling, split: str, seed: int, count: int) -> Figures:
    averaged = generator.model.recipe.training.ema > 0
    return {
        "run": generator.name,
        "step": generator.step,
        "weights": generator.weights,
        "averaged": averaged,
        "dataset": dataset.name,
        "dataset_sha256": dataset.fingerprint,
        "split": split,
        "images": count,
        "first_seed": seed,
        "sampling": asdict(sampling),
        "judge": {"epochs": judge.epochs, "trained_on": judge.dataset, "weights": _digest(judge)},
    }


def _digest(judge: Judge) -> str:
    digest = hashlib.sha256()
    for name, tensor in judge.network.state_dict().items():
        digest.update(name.encode() + tensor.numpy().tobytes())
    return digest.hexdigest()[:16]


def describe(found: Figures) -> str:
    """The figures for a person to read: drawn beside real."""
    sampling, figures = found["sampling"], found["figures"]
    weights = "averaged" if found["averaged"] else "last"
    lines = [
        f"{found['run']}, step {found['step']:,}, {weights} weights",
        f"{found['images']} images of the {found['split']} split of {found['dataset']}, seeds from {found['first_seed']}",
        f"{sampling['sampler']}, {sampling['steps']} steps, guidance {sampling['guidance']['scale']:g}",
        "",
        f"{'':34}{'drawn':>10}{'real':>10}",
    ]

    def line(title: str, drawn: float | None, real: float | None = None) -> None:
        if drawn is None and real is None:
            return
        cells = ["" if value is None else f"{value:.3f}" for value in (drawn, real)]
        lines.append(f"{title:34}{cells[0]:>10}{cells[1]:>10}".rstrip())

    if obeyed := figures["obedience"]:
        for name, title in (("exact", "all attributes as asked"), ("recall", "recall"), ("precision", "precision")):
            line(title, obeyed["drawn"][name], obeyed["real"][name])
    if exact := figures["exactness"]:
        line("pixels right", exact["drawn"]["pixels"])
        if exact["snapped"]:
            line("pixels right on the palette", exact["snapped"]["pixels"])
            line("whole images right on the palette", exact["snapped"]["whole"])
    if read := figures["by_pixels"]:
        line("all attributes, by their pixels", read["exact"])
    if near := figures["fidelity"]:
        for name, title in (("frechet", "Fréchet distance"), ("kernel", "kernel distance"), ("density", "density"), ("coverage", "coverage")):
            line(title, near["drawn"][name], near["real"][name])
    remembered = figures["memorisation"]
    line("exact copies of training images", remembered["drawn"]["copies"], remembered["real"]["copies"])
    line("distance to the nearest of them", remembered["drawn"]["distance"], remembered["real"]["distance"])
    line("requests no training image has", remembered["unworn"])
    if art := figures["pixel_art"]:
        for name, title in (
            ("in_palette", "pixels in the palette"),
            ("colours", "colours in an image"),
            ("stray", "stray pixels"),
            ("alpha", "valid alpha"),
        ):
            line(title, art["drawn"][name], art["real"][name])
    if found["left_out"]:
        lines += ["", *(f"left out: {name.replace('_', ' ')}, for {why}" for name, why in found["left_out"].items())]
    return "\n".join(lines)
