"""The recipes that come with the package."""

from __future__ import annotations

from noisette.config.recipe import load_recipe


def test_the_reports_recipes_say_what_the_report_says():
    report, fast, smooth = (load_recipe(name) for name in ("mnist-report", "mnist-fast", "mnist-smooth"))
    assert (report.diffusion.steps, fast.diffusion.steps, smooth.diffusion.steps) == (1000, 300, 1000)
    assert (report.training.learning_rate, smooth.training.learning_rate) == (3e-4, 2e-4)
    assert {recipe.network.kind for recipe in (report, fast, smooth)} == {"simple_unet"}
    assert {recipe.training.epochs for recipe in (report, fast, smooth)} == {100}
