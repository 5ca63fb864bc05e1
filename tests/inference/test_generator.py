from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import noisette
from noisette.cli import main
from noisette.config.recipe import load_recipe
from noisette.config.sampling import SamplingSettings
from noisette.diffusion.registry import samplers_for
from noisette.errors import RequestError
from noisette.inference.generator import in_memory
from noisette.model import assemble

from ..store import forging


@pytest.fixture(scope="module")
def generator(trained):
    return noisette.load(trained.folder)


@pytest.fixture(scope="module")
def seventy(generator):
    return generator.generate(seeds=range(70))


@pytest.mark.slow
def test_an_image_is_bytes_of_the_datas_own_shape(seventy):
    assert seventy.shape == (70, 4, 8, 8)
    assert seventy.dtype == np.uint8
    assert len(np.unique(seventy.reshape(70, -1), axis=0)) == 70


@settings(max_examples=25, deadline=None)
@given(seeds=st.lists(st.integers(0, 69), min_size=1, max_size=20))
def test_an_image_does_not_depend_on_its_batch(generator, seventy, seeds):
    assert np.array_equal(generator.generate(seeds=seeds), seventy[seeds])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mnist", "punks-small", "sprites", "mnist-report"])
@pytest.mark.parametrize("threads", [1, 2])
def test_on_the_shipped_networks_too_an_image_does_not_depend_on_its_batch(name, threads):
    """Larger networks reach other kernels than tiny ones do."""
    model = assemble(load_recipe(name))
    torch.manual_seed(0)
    network = model.network()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    generator = in_memory(model, network.eval())
    settings = SamplingSettings.of(sampler="ddim", steps=2, eta=0.0, spacing="time")
    torch.set_num_threads(threads)
    try:
        together = generator.draw(generator.plan(seeds=range(33), settings=settings))
        for seeds in ([0], [7, 2], range(15), range(5, 22)):
            part = generator.draw(generator.plan(seeds=seeds, settings=settings))
            assert np.array_equal(part, together[list(seeds)])
    finally:
        torch.set_num_threads(1)


@pytest.mark.parametrize(
    "sampling",
    [
        *({"sampler": name, "steps": 5} for name in samplers_for("cosine")),
        {"sampler": "ddim", "steps": 5, "eta": 0.7},
        {"sampler": "heun", "steps": 5, "churn": 3.0, "spacing": "karras"},
        {"sampler": "euler", "steps": 5, "churn": 3.0, "spacing": "log-snr"},
    ],
    ids=lambda sampling: "-".join(map(str, sampling.values())),
)
def test_random_samplers_too_give_each_seed_its_own_image(generator, sampling):
    together = generator.generate(seeds=[3, 4, 5, 6, 7, 8], **sampling)
    assert np.array_equal(generator.generate(seeds=[6], **sampling)[0], together[3])


def test_each_setting_of_drawing_changes_the_picture(generator):
    def drawn(**settings):
        return generator.generate(seeds=[3], steps=6, **settings).tobytes()

    plain = drawn()
    assert (
        len(
            {
                plain,
                drawn(spacing="karras"),
                drawn(spacing="log-snr"),
                drawn(eta=0.5),
                drawn(sampler="unipc"),
                drawn(sampler="heun"),
            }
        )
        == 6
    )
    assert len({drawn(sampler="heun", spacing="karras", churn=churn) for churn in (0, 1, 5)}) == 3
    assert drawn(sampler="euler") == plain == drawn(sampler="euler", churn=0)


def test_the_preview_sees_each_step_and_ends_at_the_image(generator):
    seen = []
    images = generator.generate(
        seeds=[1, 2], steps=6, preview=lambda xt, x0, number: seen.append((xt.shape, x0, number))
    )
    assert [number for _, _, number in seen] == [1, 2, 3, 4, 5, 6]
    assert seen[0][0] == (2, 4, 8, 8)
    assert np.array_equal(seen[-1][1], images)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sampler": "dimm"}, 'no sampler "dimm"; nearest: ddim'),
        ({"steps": 3000, "sampler": "unipc"}, "steps must be 1 to 2800, not 3000"),
        ({"churn": float("inf"), "sampler": "heun"}, "churn must be 0 or more, and finite"),
        ({"steps": 0}, "steps must be 1 or more, not 0"),
        ({"steps": 20_000}, "steps must be 1 to 2800, not 20000"),
        ({"eta": 1.5}, "eta must lie between 0 and 1"),
        ({"sampler": "ddpm", "eta": 0.5}, "eta is a setting of ddim"),
        ({"spacing": "kerras"}, 'no spacing "kerras"; nearest: karras'),
        ({"churn": 3.0}, "churn is a setting of euler and heun; ddim has none"),
        ({"sampler": "heun", "churn": -1}, "churn must be 0 or more, and finite, not -1"),
        ({"seeds": []}, "at least one seed"),
        ({"seeds": [-1]}, "a seed must be a whole number, 0 or more"),
        ({"request": {"Hat": True}}, "trained without attributes"),
    ],
)
def test_what_cannot_be_is_refused_with_what_would_be_right(generator, settings, message):
    request = settings.pop("request", None)
    with pytest.raises(RequestError, match=message):
        generator.generate(request, **{"seeds": [0], **settings})


def test_the_averaged_weights_are_the_ones_that_draw(trained, generator):
    average = trained.checkpoint()[0].tensors("average")
    assert all(
        np.array_equal(tensor.numpy(), average[name].numpy()) for name, tensor in generator.network.state_dict().items()
    )


def test_weights_of_another_recipe_are_refused(trained, tmp_path):
    import shutil

    shutil.copytree(trained.folder, tmp_path / "r")
    recipe = tmp_path / "r/recipe.toml"
    text = recipe.read_text()
    assert "    8,\n    16,\n" in text
    recipe.write_text(text.replace("    8,\n    16,\n", "    8,\n    32,\n"))
    with pytest.raises(RequestError, match="do not fit the recipe"):
        noisette.load(tmp_path / "r")


def test_a_run_without_a_checkpoint_says_what_to_do(tiny, tmp_path):
    from noisette.attributes.schema import AttributeSchema
    from noisette.attributes.statistics import Statistics
    from noisette.store.run import create_run

    create_run(tmp_path / "r", tiny, AttributeSchema(), Statistics(images=0, together=()), None, {})
    with pytest.raises(RequestError, match="no checkpoint yet; train on with `noisette resume"):
        noisette.load(tmp_path / "r")


def run_cli(capsys, *arguments):
    from noisette.cli import main

    status = main([str(argument) for argument in arguments])
    output = capsys.readouterr()
    return status, output.out, output.err


def test_a_picture_is_drawn_again_from_what_it_says(capsys, trained, tmp_path):
    file = tmp_path / "a.png"
    assert run_cli(capsys, "generate", trained.folder, "--count", 5, "--seed", 7, "--steps", 4, "--out", file)[0] == 0
    status, out, _ = run_cli(capsys, "regenerate", file, "--run", trained.folder, "--json")
    assert (status, json.loads(out)["identical"]) == (0, True)
    with Image.open(file) as one, Image.open(tmp_path / "a-again.png") as other:
        assert one.tobytes() == other.tobytes()
        assert json.loads(one.info["noisette"])["seeds"] == [7, 8, 9, 10, 11]


def test_variations_lead_from_one_seeds_image_to_anothers(generator, seventy):
    assert np.array_equal(generator.generate(seeds=range(20, 24), variation=(7, 0)), seventy[[7] * 4])
    distances = []
    for strength in (0.1, 0.3, 0.6):
        near = generator.generate(seeds=range(20, 24), variation=(7, strength))
        distances.append(np.abs(near.astype(float) - seventy[7]).mean())
        assert len(np.unique(near.reshape(4, -1), axis=0)) == 4
    assert distances == sorted(distances)
    there = generator.generate(seeds=range(20, 24), variation=(7, 1)).astype(int)
    assert np.abs(there - seventy[20:24]).max() <= 1  # but for rounding: the cosine of a quarter turn is not quite 0


@pytest.mark.slow
def test_a_variation_is_drawn_again_from_its_picture(capsys, trained, tmp_path):
    status, out, _ = run_cli(
        capsys, "generate", trained.folder, "--vary", "7=0.4", "--count", 2, "--out", tmp_path / "a.png", "--json"
    )
    assert (status, json.loads(out)["variation"]) == (0, {"of": 7, "strength": 0.4})
    status, out, _ = run_cli(capsys, "regenerate", tmp_path / "a.png", "--run", trained.folder, "--json")
    assert (status, json.loads(out)["identical"]) == (0, True)


@pytest.mark.parametrize("vary", ["x", "7=2", "-1", "7=", "7=nan"])
def test_a_variation_that_cannot_be(capsys, trained, tmp_path, vary):
    status, _, err = run_cli(capsys, "generate", trained.folder, f"--vary={vary}", "--out", tmp_path / "a.png")
    assert (status, err.count("\n")) == (2, 1)
    assert not (tmp_path / "a.png").exists()


def test_one_file_for_each_seed_equals_the_sheet(capsys, trained, generator, tmp_path):
    assert run_cli(capsys, "generate", trained.folder, "--count", 3, "--scale", 2, "--out", tmp_path / "each")[0] == 0
    images = generator.generate(seeds=range(3))
    for seed in range(3):
        with Image.open(tmp_path / f"each/seed-{seed:04d}.png") as picture:
            pixels = np.asarray(picture.convert("RGBA"))
        assert pixels.shape == (16, 16, 4)
        assert np.array_equal(pixels[::2, ::2].transpose(2, 0, 1), images[seed])
        assert np.array_equal(pixels[::2], pixels[1::2])


def test_the_denoising_becomes_a_gif_that_ends_in_the_picture(capsys, trained, tmp_path):
    status, out, _ = run_cli(
        capsys, "generate", trained.folder, "--count", 4, "--steps", 5, "--gif", "--out", tmp_path / "a.png"
    )
    assert (status, out.split()) == (0, [str(tmp_path / "a.png"), str(tmp_path / "a.gif")])
    with Image.open(tmp_path / "a.gif") as gif:
        assert gif.n_frames == 5


def test_the_noising_becomes_a_gif(capsys, trained, tmp_path):
    status, _, _ = run_cli(capsys, "noising", trained.folder, "--frames", 6, "--count", 4, "--out", tmp_path / "n.gif")
    assert status == 0
    with Image.open(tmp_path / "n.gif") as gif:
        assert gif.n_frames == 7


@pytest.mark.slow
def test_a_picture_of_other_weights_is_not_passed_off_as_the_same(capsys, tiny, trained, tmp_path):
    import shutil

    folder = tmp_path / "r"
    shutil.copytree(trained.folder, folder)
    assert run_cli(capsys, "generate", folder, "--count", 1, "--out", tmp_path / "a.png")[0] == 0
    shutil.rmtree(folder)
    assert run_cli(capsys, "regenerate", tmp_path / "a.png")[0] == 2
    noisette.train(tiny.model_copy(update={"training": tiny.training.model_copy(update={"steps": 3})}), out=folder)
    status, _, err = run_cli(capsys, "regenerate", tmp_path / "a.png")
    assert status == 2
    assert "of step 20, but" in err
    assert run_cli(capsys, "regenerate", tmp_path / "a.png", "--run", trained.folder)[0] == 0


def test_a_plan_of_other_weights_is_not_drawn_unchecked(generator):
    plan = generator.plan(seeds=[1])
    with pytest.raises(RequestError, match="see `replan`"):
        generator.draw(plan.model_copy(update={"weights": "ab" * 32}))
    assert (generator.draw(generator.replan(plan)) == generator.draw(plan)).all()


@pytest.mark.parametrize("tensor", ["enter.weight", "leave.2.weight"])
def test_weights_that_give_no_finite_number_draw_no_blank_image(trained, tmp_path, capsys, tensor):
    shutil.copytree(trained.folder, tmp_path / "run")
    forging.checkpoint(forging.filled(f"average/{tensor}", 3e38))(tmp_path / "run")
    assert main(["generate", str(tmp_path / "run"), "--count", "1", "--out", str(tmp_path / "a.png")]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        "error: the network gives numbers that are not finite; its weights are damaged, or the training failed"
    )
    assert not (tmp_path / "a.png").exists()


def test_a_network_that_is_being_trained_draws_what_it_can(tiny):
    """The grid of a training that goes astray does not end it: the loss tells, and counts."""
    model = assemble(tiny)
    network = model.network().eval()
    for parameter in network.parameters():
        torch.nn.init.constant_(parameter, torch.nan)
    generator = in_memory(model, network)
    assert generator.draw(generator.plan(seeds=[0])).shape == (1, 4, 8, 8)
