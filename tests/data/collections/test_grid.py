"""The grid of a sheet is found where it can be seen, and nowhere else; tiles come out as they were put in."""

from __future__ import annotations

import numpy as np
import pytest

from noisette.data.collections.grid import fills, grid_found, grid_with

CLEAR, WHITE, LINE = (0, 0, 0, 0), (255, 255, 255, 255), (255, 0, 255, 255)


def tiles(count, height, width, *, margin=1, background=CLEAR, standing=False):
    """Pictures of noise on a background; those that stand reach to their lower edge."""
    random = np.random.default_rng(height * width)
    made = np.empty((count, height, width, 4), np.uint8)
    made[:] = background
    end = height if standing else height - margin
    made[:, margin:end, margin : width - margin, :3] = random.integers(
        0, 256, (count, end - margin, width - 2 * margin, 3)
    )
    made[:, margin:end, margin : width - margin, 3] = 255
    return made


def laid_out(pictures, columns, *, between=0, edge=0, line=CLEAR):
    count, height, width, _ = pictures.shape
    rows = -(-count // columns)
    sheet = np.empty(
        (rows * (height + between) - between + edge, columns * (width + between) - between + edge, 4), np.uint8
    )
    sheet[:] = line
    for number, picture in enumerate(pictures):
        top, left = edge + number // columns * (height + between), edge + number % columns * (width + between)
        sheet[top : top + height, left : left + width] = picture
    return sheet


def cut(sheet, grid):
    height, width = grid.down.size, grid.across.size
    return np.stack([sheet[top : top + height, left : left + width] for left, top in grid.tiles()])


@pytest.mark.parametrize("size", [(16, 16), (24, 18), (9, 40)])
@pytest.mark.parametrize(
    ("look", "lines"),
    [
        ({}, {}),
        ({"background": WHITE}, {}),
        ({"background": WHITE, "standing": True}, {}),
        ({"margin": 2}, {"between": 1, "line": LINE}),
        ({"margin": 2}, {"between": 2, "edge": 2, "line": LINE}),
        ({"margin": 0}, {"between": 1}),
        ({"margin": 0}, {"between": 1, "edge": 1, "line": LINE}),
    ],
)
def test_a_grid_is_seen(size, look, lines):
    pictures = tiles(24, *size, **look)
    sheet = laid_out(pictures, 6, **lines)
    found = grid_found(sheet)
    assert found is not None
    assert np.array_equal(cut(sheet, found), pictures)
    assert fills(found, sheet)


@pytest.mark.parametrize("columns", [24, 1])
def test_a_strip_is_a_grid(columns):
    pictures = tiles(24, 16, 16)
    sheet = laid_out(pictures, columns)
    assert np.array_equal(cut(sheet, grid_found(sheet)), pictures)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_picture_is_no_sheet(channels):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, channels), dtype=np.uint8)
    assert grid_found(noise) is None
    framed = np.zeros((96, 96, channels), np.uint8)
    framed[16:80, 16:80] = noise
    assert grid_found(framed) is None
    assert grid_found(np.zeros_like(noise)) is None


@pytest.mark.parametrize("lines", [{}, {"between": 1, "line": LINE}, {"between": 1, "edge": 1, "line": LINE}])
def test_tiles_of_a_known_size_may_have_lines_between_them(lines):
    pictures = tiles(16 * 17, 16, 16, margin=0)  # 17 tiles are as long as 16 with a line each
    sheet = laid_out(pictures, 17 if not lines else 16, **lines)
    assert np.array_equal(cut(sheet, grid_with(sheet, 16, 16)), pictures)


def test_what_is_left_over_is_told():
    sheet = tiles(1, 40, 64)[0]
    assert fills(grid_with(sheet, 16, 20), sheet)
    assert not fills(grid_with(sheet, 16, 16), sheet)
    assert not fills(grid_with(sheet, 65, 40), sheet)
