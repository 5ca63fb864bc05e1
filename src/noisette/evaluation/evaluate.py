"""A verdict on a run: what it draws, measured every way that its data allow, with the same figures of real images
beside.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from pathlib import Path

from noisette._version import __version__
from noisette.errors import RequestError
from noisette.evaluation.figures import FIGURES, PARTS, Figure, Tree, find, mean_and_spread
from noisette.evaluation.judge import Judge
from noisette.evaluation.measure import Progress, silently
from noisette.evaluation.trial import Trial, put_on_trial
from noisette.sampling.settings import Sampling

DRAWS = 3

_WORST = 5  # values that are told
_FAIR = 0.5  # of the real images, that a judge should read right


def evaluate(
    run: str | Path,
    *,
    count: int | None = None,
    split: str = "validation",
    seed: int = 0,
    draws: int = DRAWS,
    sampler: str | None = None,
    steps: int | None = None,
    eta: float | None = None,
    guidance: float | None = None,
    spacing: str | None = None,
    churn: float | None = None,
    quality: str | None = None,
    step: int | None = None,
    judge: Judge | None = None,
    progress: Progress = silently,
) -> Tree:
    """Draw the requests of `split` with a run or shipped model, and measure; what JSON can hold.

    count: images in a draw, asked for as the first of the split; 500, or all of a smaller one. seed: of the first; each
    has its own. draws: how often, each from other seeds, which gives the spread. sampler, steps, eta, guidance,
    spacing, churn: as in the recipe unless given, or as the table of `quality` says. step: of a checkpoint that is
    kept. judge: the one for these data unless given. progress: of what is being done.

    The figures are under "drawn", the mean over the draws, "spread", their standard deviation, and "real". What cannot
    be measured is None, with the reason under "left_out". What was measured before is not measured again: see
    records.py.

    Raises RequestError where nothing can be measured: no judge, no checkpoint, too few images, a split of another name,
    data that changed since the training.
    """
    trial = put_on_trial(run, count=count, split=split, step=step, judge=judge)
    return verdict(
        trial,
        trial.generator.choices.sampling(
            sampler, steps, eta, guidance=guidance, spacing=spacing, churn=churn, quality=quality
        ),
        seed=seed,
        draws=draws,
        progress=progress,
    )


def verdict(
    trial: Trial,
    sampling: Sampling,
    *,
    seed: int = 0,
    draws: int = DRAWS,
    parts: Sequence[str] = PARTS,
    progress: Progress = silently,
) -> Tree:
    """The same of a run that is on trial already. parts: the kinds of figures that are taken; see `measure.PARTS`."""
    check_draws(seed, draws)
    real = trial.real_figures(progress, parts)
    drawn = []
    for number in range(draws):

        def told(what: str, done: int, total: int, number: int = number) -> None:
            progress(f"{what}, draw {number + 1} of {draws}" if draws > 1 else what, done, total)

        drawn.append(trial.figures(sampling, seed + number * trial.count, told, parts))
    mean, spread = mean_and_spread(drawn)
    return {
        **_circumstances(trial, sampling),
        "first_seeds": [seed + number * trial.count for number in range(draws)],
        "drawn": mean,
        "spread": spread,
        "real": real,
        "left_out": trial.yardstick.left_out,
        "notes": [*trial.notes, *_of_judge(real)],
    }


def _of_judge(real: Tree) -> list[str]:
    """A warning of a judge that can hardly read."""
    exact = find(real, "obedience.exact")
    if exact is None or exact >= _FAIR:
        return []
    return [
        f"the judge reads all attributes right in only {exact:.2f} of the real images, so figures by it say little;"
        " train it longer"
    ]


def check_draws(seed: int, draws: int) -> None:
    """Raises RequestError for what cannot be drawn."""
    if draws < 1:
        raise RequestError(f"there must be at least one draw, not {draws}")
    if seed < 0:
        raise RequestError(f"a seed is 0 or more, not {seed}")


def _circumstances(trial: Trial, sampling: Sampling) -> Tree:
    generator, yardstick = trial.generator, trial.yardstick
    return {
        "run": generator.name,
        "step": generator.step,
        "weights": generator.weights,
        "averaged": generator.model.recipe.training.ema > 0,
        "dataset": yardstick.train.name,
        "trained_on": yardstick.train.fingerprint,
        "split": trial.split,
        "images": trial.count,
        "sampling": asdict(sampling),
        "judge": {
            "epochs": yardstick.judge.epochs,
            "trained_on": yardstick.judge.dataset,
            "weights": yardstick.judge.digest,
        },
        "noisette": __version__,
    }


def circumstances(found: Tree, swept: Collection[str] = ()) -> str:
    """Of the figures, in a line: weights, sampler, steps, guidance scale, images.

    swept: settings that are told elsewhere.
    """
    sampling = found["sampling"]
    guided = found["left_out"].get("obedience") is None
    told = {
        "checkpoint": f"step {found['step']:,}, {'averaged' if found['averaged'] else 'last'} weights",
        "sampler": sampling["sampler"],
        "steps": f"{sampling['steps']} steps",
        "eta": f"eta {sampling['eta']:g}" if sampling["sampler"] == "ddim" and sampling["eta"] else "",
        "spacing": f"spaced by {sampling['spacing']}" if sampling.get("spacing", "time") != "time" else "",
        "churn": f"churn {sampling['churn']:g}" if sampling.get("churn") else "",
        "guidance": f"guidance {sampling['guidance']['scale']:g}" if guided else "",
        "requests": f"{found['images']} images of the {found['split']} split of {found['dataset']}",
        "seed": f"seeds from {', '.join(map(str, found['first_seeds']))}",
    }
    return "; ".join(text for name, text in told.items() if text and name not in swept)


def rows(found: Tree) -> list[tuple[str, str, str, str, str]]:
    """The figures that were taken, for a table: title, which way is better, drawn, spread and real, each as text."""

    def title(figure: Figure) -> str:
        few = figure.path == "new_pairs.exact"  # as a rule
        return f"{figure.title} ({find(found['drawn'], 'new_pairs.images'):.0f})" if few else figure.title

    nothing_hidden = find(found["real"], "obedience.visible") == find(found["real"], "obedience.exact")
    taken = [(figure, find(found["drawn"], figure.path)) for figure in FIGURES]
    return [
        (
            title(figure),
            figure.better,
            _text(value),
            _text(find(found["spread"], figure.path)),
            _text(beside(found, figure.path)),
        )
        for figure, value in taken
        if value is not None and not (figure.path == "obedience.visible" and nothing_hidden)
    ]


def beside(found: Tree, path: str) -> float | None:
    """The figure of real images; None where it goes without saying: they are the right answer themselves."""
    return (
        None
        if path.split(".", maxsplit=1)[0] == "exactness" or path == "memorisation.unworn"
        else find(found["real"], path)
    )


def bands(found: Tree) -> list[tuple[str, str, str, str]]:
    """How common the values are that were asked for: band, how often asked, recall, recall in real images; none where
    nothing was asked.
    """
    if not found["drawn"]["obedience"]:
        return []
    drawn, real = (found[who]["obedience"]["by_rarity"] for who in ("drawn", "real"))
    return [
        (band, f"{of['asked']:.0f}", _text(of["recall"]), _text(real[band]["recall"]))
        for band, of in drawn.items()
        if of["asked"]
    ]


def values(found: Tree) -> list[tuple[str, str, str, str, str]]:
    """Each value that was asked for, the most often missed first: name, how often asked, recall, precision, recall in
    real images.
    """
    if not found["drawn"]["obedience"]:
        return []
    drawn, real = (found[who]["obedience"]["by_value"] for who in ("drawn", "real"))
    asked = sorted(
        ((name, of) for name, of in drawn.items() if of["asked"]),
        key=lambda each: (each[1]["recall"], -each[1]["asked"]),
    )
    return [
        (name, f"{of['asked']:.0f}", _text(of["recall"]), _text(of["precision"]), _text(real[name]["recall"]))
        for name, of in asked
    ]


def left_out(found: Tree) -> list[str]:
    """The figures that were not taken, with the reason, those of one reason together."""
    reasons: dict[str, list[str]] = {}
    for name, why in found["left_out"].items():
        reasons.setdefault(why, []).append(name.replace("_", " "))
    return [f"{', '.join(names)}, for {why}" for why, names in reasons.items()]


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def describe(found: Tree) -> str:
    """The figures for a person to read: drawn beside real."""
    lines = [found["run"], circumstances(found), "", f"{'':38}{'drawn':>10}{'spread':>10}{'real':>10}"]
    lines += [f"{title:38}{drawn:>10}{spread:>10}{real:>10}".rstrip() for title, _, drawn, spread, real in rows(found)]
    if told := bands(found):
        lines += ["", f"{'recall of values':38}{'drawn':>10}{'asked':>10}{'real':>10}"]
        lines += [f"{band:38}{drawn:>10}{asked:>10}{real:>10}" for band, asked, drawn, real in told]
    if missed := [value for value in values(found) if value[2] != "1.000"][:_WORST]:
        lines += [
            "",
            "most often missed: "
            + ", ".join(f"{name} ({recall} of {asked}, real {real})" for name, asked, recall, _, real in missed),
        ]
    lines += ["", *(f"note: {note}" for note in found["notes"])] if found["notes"] else []
    if told_why := left_out(found):
        lines += ["", *(f"left out: {text}" for text in told_why)]
    return "\n".join(lines)
