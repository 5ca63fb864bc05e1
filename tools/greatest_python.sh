#!/usr/bin/env bash
# Run the tests that need no PyTorch in the greatest Python of this machine that Noisette promises.
#
# `make test` runs all of them in the Python that .venv was made with, which CI makes with the least. PyTorch of another
# Python may be a build of gigabytes, so here is what can be known without: that all code is understood, and that
# requests, recipes, settings, files, pictures and messages do what they should. Takes a minute; without another Python
# it says so.
set -euo pipefail
cd "$(dirname "$0")/.."

for version in 3.13 3.12; do
    for python in "$(command -v "python$version" || true)" "$HOME"/.pyenv/versions/"$version".*/bin/python3; do
        "$python" -c "" 2> /dev/null && break 2  # pyenv has names on the PATH that do not run
    done
    python=""
done
if [ -z "$python" ] || [ "$("$python" --version)" = "$(.venv/bin/python --version)" ]; then
    echo "there is no later Python on this machine than that of .venv, $(.venv/bin/python --version)"
    exit
fi
there=.venv/greatest
if [ ! -e "$there/.installed" ]; then
    "$python" -m venv --clear "$there"
    "$there/bin/pip" install --quiet --disable-pip-version-check -c constraints.txt hypothesis pytest pytest-timeout \
        numpy pillow pydantic click rich jinja2 platformdirs filelock psutil pypi-simple requests tomli-w safetensors
    "$there/bin/pip" install --quiet --disable-pip-version-check --no-deps -e .
    touch "$there/.installed"
fi
"$there/bin/python" --version
"$there/bin/python" -m compileall -q src
exec "$there/bin/python" -m pytest --noconftest -q -p no:cacheprovider tests/attributes tests/config \
    tests/files/test_animation.py tests/files/test_atomic.py tests/files/test_cache.py tests/files/test_output.py \
    tests/files/test_png.py tests/inference/test_plan.py tests/inference/test_snippets.py tests/sampling/test_presets.py \
    tests/sampling/test_resolve.py tests/data/test_fetch.py tests/data/test_pickles.py tests/test_text.py \
    tests/training/test_budget.py
