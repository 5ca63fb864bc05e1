"""Whoever calls Noisette from Python finds their own torch, NumPy and process as they left it, and gets the same images
whatever they set.
"""

from __future__ import annotations

import locale
import logging
import multiprocessing
import os
import random
import signal
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState, PartialState

import noisette
from noisette.caller import own_torch
from noisette.config.recipe import parse_recipe
from noisette.evaluation.classifier_training import fit_classifier
from noisette.inference.noising import noising_gif

from .conftest import CONDITIONAL, TINY

SHORT = ["training.steps=3", "dataset.count=80"]


def told():
    """What of the process is the caller's."""
    import matplotlib

    return {
        "random": (random.getstate(), str(np.random.get_state()), torch.get_rng_state().tolist()),
        "default dtype and device": (torch.get_default_dtype(), torch.get_default_device()),
        "threads": (torch.get_num_threads(), torch.get_num_interop_threads()),
        "gradients": (torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.is_anomaly_enabled()),
        "autocast": (torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")),
        "determinism": (torch.are_deterministic_algorithms_enabled(), torch.get_deterministic_debug_mode()),
        "precision": torch.get_float32_matmul_precision(),
        "backends": (
            torch.backends.mkldnn.enabled,
            torch.backends.mha.get_fastpath_enabled(),
            torch.backends.cudnn.benchmark,
            torch.backends.cudnn.deterministic,
        ),
        "accelerate": [
            (dict(kind._shared_state), id(kind._shared_state))
            for kind in (AcceleratorState, GradientState, PartialState)
        ],
        "numpy": (np.geterr(), np.get_printoptions()),
        "warnings": list(warnings.filters),
        "signals": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)],
        "hooks": (sys.excepthook, threading.excepthook, sys.unraisablehook),
        "logging": (logging.getLogger().level, list(logging.getLogger().handlers), logging.getLoggerClass()),
        "matplotlib": (
            matplotlib.get_backend(auto_select=False),  # which a look at all settings would choose
            {name: matplotlib.rcParams[name] for name in matplotlib.rcParams if name != "backend"},
        ),
        "place": (Path.cwd(), dict(os.environ), os.umask(os.umask(0)), locale.setlocale(locale.LC_ALL)),
        "processes": multiprocessing.get_start_method(allow_none=True),
        "path": list(sys.path),
    }


def check_untouched(what, call):
    before = told()
    result = call()
    after = told()
    for name, its in before.items():
        assert after[name] == its, f"{what} changed {name}"
    return result


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    recipe = parse_recipe(CONDITIONAL, source="t", overrides=SHORT)
    return noisette.train(recipe, out=tmp_path_factory.mktemp("runs") / "r")


@pytest.mark.slow
def test_everything_that_computes_leaves_the_caller_as_it_was(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path / "cache"))
    recipe = parse_recipe(CONDITIONAL, source="t", overrides=SHORT)
    generator = check_untouched("load", lambda: noisette.load(run.folder))
    check_untouched("plan", lambda: generator.plan("Zombie", seeds=[0]))
    check_untouched("engine", lambda: generator.engine)
    check_untouched("generate", lambda: generator.generate("Zombie", seeds=[0], sampler="ddpm"))
    check_untouched("random_request", lambda: generator.random_request(3))
    data = check_untouched("open_dataset", lambda: noisette.open_dataset("sprites", size=8, count=200))
    check_untouched("train", lambda: noisette.train(recipe, out="new"))
    check_untouched("resume", lambda: noisette.resume("new", steps=2))
    check_untouched("distil", lambda: noisette.distil("new", steps=2, out="small"))
    check_untouched("noising", lambda: noising_gif(recipe, count=1, frames=2))
    classifier = check_untouched("fit_classifier", lambda: fit_classifier(data.split("train"), epochs=1))
    check_untouched("read", lambda: classifier.read(data.images))
    train = noisette.open_dataset("sprites", size=8, count=80).split("train")
    own = fit_classifier(train, epochs=1)
    check_untouched("evaluate", lambda: noisette.evaluate("new", count=4, draws=1, classifier=own))
    check_untouched("sweep", lambda: noisette.sweep("new", {"steps": [1, 2]}, count=4, classifier=own))
    with pytest.raises(noisette.RequestError):
        check_untouched("a refusal", lambda: noisette.train("nowhere"))


class _default_dtype:  # noqa: N801
    def __init__(self, dtype):
        self.dtype = dtype

    def __enter__(self):
        torch.set_default_dtype(self.dtype)

    def __exit__(self, *error):
        torch.set_default_dtype(torch.float32)


class _accelerator:  # noqa: N801
    def __enter__(self):
        self.own = Accelerator(mixed_precision="bf16", gradient_accumulation_steps=4, cpu=True)

    def __exit__(self, *error):
        assert (self.own.mixed_precision, self.own.gradient_accumulation_steps) == ("bf16", 4)
        assert Accelerator(cpu=True).mixed_precision == "bf16"
        AcceleratorState._reset_state(reset_partial_state=True)
        GradientState._reset_state()


SETTINGS = {
    "float64": lambda: _default_dtype(torch.float64),
    "float16": lambda: _default_dtype(torch.float16),
    "meta": lambda: torch.device("meta"),
    "no gradients": torch.no_grad,
    "inference mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "errors": lambda: np.errstate(all="raise"),
    "another Accelerator": _accelerator,
}


@pytest.mark.slow
@pytest.mark.parametrize("setting", SETTINGS)
def test_whatever_the_caller_has_set_the_same_comes_out(run, tmp_path, setting):
    def everything(out):
        trained = noisette.train(parse_recipe(TINY, source="t", overrides=SHORT), out=out)
        generator = noisette.load(run.folder)
        drawn = generator.generate("Zombie", seeds=[0, 1], sampler="dpmpp-2m-sde")
        return noisette.load(trained.folder).generate(seeds=[2]), drawn, generator.engine.name

    own, drawn, engine = everything(tmp_path / "own")
    with SETTINGS[setting]():
        check_own, check_drawn, check_engine = check_untouched(setting, lambda: everything(tmp_path / "theirs"))
    assert (own == check_own).all()
    assert (drawn == check_drawn).all()
    assert engine == check_engine


def test_an_accelerator_of_any_precision_can_be_made_afterwards(tmp_path):
    noisette.train(parse_recipe(TINY, source="t", overrides=["training.steps=1"]), out=tmp_path / "r")
    try:
        assert Accelerator(mixed_precision="bf16", cpu=True).mixed_precision == "bf16"
    finally:
        AcceleratorState._reset_state(reset_partial_state=True)
        GradientState._reset_state()


def test_settings_of_the_process_come_back_when_the_last_thread_is_done():
    torch.set_default_dtype(torch.float64)
    try:
        inside, leave = threading.Barrier(2), threading.Event()

        def other():
            with own_torch():
                inside.wait()
                leave.wait()

        thread = threading.Thread(target=other)
        with own_torch():
            thread.start()
            inside.wait()
        assert torch.get_default_dtype() == torch.float32  # the other one still computes
        leave.set()
        thread.join()
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.slow
def test_a_training_in_another_thread_works_and_catches_no_signals(tmp_path):
    seen = []
    recipe = parse_recipe(TINY, source="t", overrides=["training.steps=2"])

    class Looking(noisette.NullCallback):
        def on_step(self, info):
            seen.append(signal.getsignal(signal.SIGTERM))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=lambda: noisette.train(recipe, out=tmp_path / "r", callback=Looking()))
    thread.start()
    thread.join()
    assert seen == [before, before]
