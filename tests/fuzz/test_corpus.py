"""The kept corpus of `python -m tests.fuzz`: what once broke something, and what reaches each corner."""

from __future__ import annotations

from pathlib import Path

import pytest

from .targets import TARGETS, tried

CORPUS = Path(__file__).parent / "corpus"


@pytest.mark.parametrize("name", TARGETS)
def test_only_documented_errors_come_out(name):
    files = sorted((CORPUS / name).iterdir())
    assert files
    for file in files:
        tried(TARGETS[name], file.read_bytes())
