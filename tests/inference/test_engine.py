"""ONNX Runtime computes what PyTorch computes, and each image as if it were alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.testing import assert_close

import noisette
from noisette.config.data import open_data
from noisette.config.recipe import load_recipe
from noisette.data.palette import palette_of
from noisette.diffusion.condition import Condition
from noisette.diffusion.schedules import Level
from noisette.inference.engine import Inputs, in_onnxruntime, in_pytorch
from noisette.model import assemble
from noisette.networks.layers import Sketch
from noisette.training.counting import count_layers

KINDS = {
    "unconditional": ("sprites", ["network.condition=[]", "samples.requests=[]"]),
    "report digits": ("digits-report", []),
    "report punks": ("punks-attributes-report", []),
    "every way in": (
        "punks-attributes-colours",
        ['network.condition=["concat", "add", "modulate", "spatial"]'],
    ),
    "named colours": ("punks-attributes", []),
    "counted layers": ("punks-attributes", ['network.condition=["modulate", "layers"]']),
    "hidden pixels": (
        "punks-attributes",
        [
            "diffusion.schedule=masked",
            "diffusion.time_power=1",
            "sampling.sampler=unmask",
            "network.attention=[false, true]",
            "network.colour_width=16",
        ],
    ),
    "attention": ("punks-attributes", ["network.attention=[true, true]", "network.patch=1", "network.widths=[16, 16]"]),
}
SLOW = {"report punks", "attention", "unconditional"}  # to export, and attention to compute
every_kind = pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=pytest.mark.slow if kind in SLOW else ()) for kind in KINDS]
)
LEVELS = [Level(1.0, 0.05, 0.99875), Level(0.5, 0.7, 0.714), Level(0.01, 0.9999, 0.0141)]


def made(kind):
    """A network with random weights that shows everything, the model around it, and its data."""
    name, settings = KINDS[kind]
    recipe = load_recipe(name, settings)
    if recipe.dataset.name != "sprites":  # their shape, without the data
        smaller = {28: 16, 32: 16}  # MNIST's is no sprite's; that of the report's punks takes minutes
        width = recipe.dataset.shape[-1]
        dataset = {"name": "sprites", "size": smaller.get(width, width), "count": 200}
        recipe = recipe.model_copy(update={"dataset": load_recipe("sprites").dataset.model_copy(update=dataset)})
    data = open_data(recipe)
    model = assemble(recipe, data.schema, palette_of(data.images))
    torch.manual_seed(0)
    network = model.network().eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    count_layers(model, data, [part for part in network.modules() if isinstance(part, Sketch)], lambda note: None)
    return network, model, data


def exported(network, model, **facts):
    attributes = len(model.schema.attributes) if model.recipe.conditional else 0
    return in_onnxruntime(network, model.objective, Inputs(model.noisy_shape, attributes, model.guidance_embed), facts)


@pytest.mark.slow
@every_kind
def test_it_computes_what_pytorch_computes(kind, exports):
    network, model, data = made(kind)
    engines = [in_pytorch(network, model.objective), exported(network, model, kind=kind)]
    xt = torch.randn(6, *model.noisy_shape, generator=torch.Generator().manual_seed(0))
    if model.masked:  # its last plane has the numbers of colours
        xt[:, -1] = torch.arange(xt[:, -1].numel()).view_as(xt[:, -1]) % (len(model.colours) + 1)
    codes = torch.from_numpy(data.attributes[:6]).long() if model.recipe.conditional else None
    if codes is not None:
        codes[3:, ::2] = -1
    with torch.inference_mode():
        for level in LEVELS:
            condition = None if codes is None else Condition(codes)
            theirs, ours = (engine.denoiser()(xt, level, condition) for engine in engines)
            assert_close(
                ours, theirs, atol=max(2e-4, 5e-5 / level.alpha), rtol=2e-4
            )  # of noise, the estimate is what is left, times 1 / alpha


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2])
@every_kind
def test_an_image_comes_out_the_same_in_any_batch(kind, threads, exports, monkeypatch):
    network, model, data = made(kind)
    monkeypatch.setattr("torch.get_num_threads", lambda: threads)
    engine = exported(network, model, kind=kind)
    assert engine.batch_invariant
    xt = torch.randn(16, *model.noisy_shape, generator=torch.Generator().manual_seed(1))
    codes = torch.from_numpy(data.attributes[:16]).long()
    with torch.inference_mode():
        whole = engine.denoiser()(xt, LEVELS[1], Condition(codes))
        for places in ([0], [7, 2], [3, 4, 5], range(5, 14)):
            part = engine.denoiser()(xt[list(places)], LEVELS[1], Condition(codes[list(places)]))
            assert torch.equal(part, whole[list(places)])


def test_what_it_makes_of_a_request_is_kept_from_step_to_step(cache):
    network, model, data = made("named colours")
    asked = 0
    encode = network.encode_condition

    def counted(condition):
        nonlocal asked
        asked += 1
        return encode(condition)

    network.encode_condition = counted
    denoise = in_pytorch(network, model.objective).denoiser()
    xt, codes = (
        torch.randn(2, *model.shape),
        torch.from_numpy(data.attributes[:2]).long(),
    )
    condition = Condition(codes)
    for level in LEVELS:
        denoise(xt, level, condition)
    assert asked == 1
    denoise(xt, LEVELS[0], Condition(codes.clone()))
    assert asked == 2


@pytest.mark.slow
def test_it_is_exported_once_and_again_where_the_file_is_damaged(cache, monkeypatch):
    network, model, data = made("named colours")
    first = exported(network, model, weights="a")
    [folder] = (cache / "engines").iterdir()
    monkeypatch.setattr("torch.onnx.export", lambda *arguments, **settings: pytest.fail("it was there already"))
    again = exported(network, model, weights="a")
    monkeypatch.undo()
    (folder / "estimate.onnx").write_bytes(b"not much")
    mended = exported(network, model, weights="a")
    xt, codes = (
        torch.randn(1, *model.shape),
        torch.from_numpy(data.attributes[:1]).long(),
    )
    one, two, three = (engine.denoiser()(xt, LEVELS[1], Condition(codes)) for engine in (first, again, mended))
    assert torch.equal(one, two)
    assert torch.equal(one, three)


@pytest.mark.slow
def test_a_cache_that_cannot_be_written_serves_all_the_same(cache, monkeypatch):
    network, model, _ = made("unconditional")
    exported(network, model, weights="a")

    def refuse(*arguments):
        raise PermissionError("read-only")

    for name in ("noisette.inference.engine.os.utime", "noisette.inference.engine.write_text", "torch.onnx.export"):
        monkeypatch.setattr(name, refuse)
    assert exported(network, model, weights="a").name == "ONNX Runtime"


@pytest.mark.slow
def test_a_run_is_drawn_by_it(asked):
    assert noisette.load(asked.folder).engine.name == "ONNX Runtime"


@pytest.mark.slow
def test_the_cache_does_not_grow_without_end(cache, monkeypatch):
    monkeypatch.setattr("noisette.inference.engine._KEPT", 2)
    network, model, _ = made("unconditional")
    for number in range(4):
        exported(network, model, weights=number)
    assert len(list((cache / "engines").iterdir())) == 2


@pytest.mark.slow
def test_what_cannot_be_exported_is_drawn_by_pytorch(asked, cache, monkeypatch):
    def refuse(*arguments, **settings):
        raise RuntimeError("no such operator")

    usual = noisette.load(asked.folder).generate("Zombie", seeds=range(3))
    monkeypatch.setattr("torch.onnx.export", refuse)
    monkeypatch.setenv("NOISETTE_CACHE", str(cache / "other"))
    drawn = noisette.load(asked.folder).generate("Zombie", seeds=range(3))
    assert np.abs(drawn.astype(int) - usual).max() <= 1


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """One cache for all that is made of a kind, whose weights are the same each time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NOISETTE_CACHE", str(tmp_path_factory.mktemp("exports")))
        yield


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path))
    return tmp_path
