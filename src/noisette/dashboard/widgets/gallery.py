"""Images as HTML: every pixel a sharp square at any size, and each a PNG that says how it was made."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noisette.dashboard.services.grid import Table
from noisette.files.images import as_png, sheet
from noisette.inference.plan import Plan

_HEAD = "padding:3px;border:0;font-size:0.8rem;font-weight:400;text-align:left;vertical-align:middle"
_CAPTION = "font-size:0.8rem;line-height:1.3;padding-top:2px"
_CHECKERED = "repeating-conic-gradient(#8883 0 25%, transparent 0 50%) 0 0/16px 16px"


def gallery(images: NDArray[np.uint8], texts: Sequence[str], captions: Sequence[str], plan: Plan | None = None) -> str:
    """Images side by side, as HTML.

    Args:
        images: (N, C, H, W)
        texts: What each shows, for those who do not see it.
        captions: Under each.
        plan: Of the images; goes into each file.
    """
    width = {1: 320, 2: 260, 3: 200, 4: 200}.get(len(images), 150 if len(images) <= 16 else 96)
    size, figures = images.shape[2:], []
    for place, image in enumerate(images):
        metadata = plan.alone(place).placed(size, 1, 1).metadata() if plan else {}
        figures.append(
            f'<figure style="margin:0">{_picture(image, texts[place], metadata)}'
            f'<figcaption style="{_CAPTION}">{escape(captions[place])}</figcaption></figure>'
        )
    columns = f"repeat(auto-fill,minmax(min({width}px,45%),1fr))" if len(images) > 1 else f"minmax(0,{width}px)"
    style = f"display:grid;gap:10px;max-width:{_widest(len(images), width)}px;grid-template-columns:{columns}"
    return f'<div style="{style}">{"".join(figures)}</div>'


def grid_gallery(table: Table, images: NDArray[np.uint8], across: Sequence[str], down: Sequence[str]) -> str:
    """An X/Y grid as an HTML table.

    Args:
        table: The plan of each cell.
        images: (R, K, C, H, W)
        across: K texts, over the columns.
        down: R texts, before the rows.
    """
    size = images.shape[3:]
    heads = "".join(f'<th scope="col" style="{_HEAD}">{escape(text)}</th>' for text in across)
    rows = []
    for texts, plans, row in zip(down, table, images, strict=True):
        pictures = [
            _picture(image, f"{texts}, {above}", plan.placed(size, 1, 1).metadata()) if plan else "-"
            for above, plan, image in zip(across, plans, row, strict=True)
        ]
        cells = "".join(f'<td style="padding:3px;border:0">{picture}</td>' for picture in pictures)
        rows.append(f'<tr><th scope="row" style="{_HEAD}">{escape(texts)}</th>{cells}</tr>')
    style = f"border-collapse:collapse;table-layout:fixed;width:100%;max-width:{(len(across) + 1) * 200}px"
    return f'<div style="overflow-x:auto"><table style="{style}"><tr><th></th>{heads}</tr>{"".join(rows)}</table></div>'


def _picture(image: NDArray[np.uint8], text: str, metadata: dict[str, Any]) -> str:
    uri = base64.b64encode(as_png(sheet(image[None]), metadata)).decode()
    background = f"background:{_CHECKERED};" if len(image) == 4 else ""
    style = f"width:100%;min-width:48px;image-rendering:pixelated;display:block;border-radius:4px;{background}"
    return f'<img src="data:image/png;base64,{uri}" alt="{escape(text)}" style="{style}">'


def _widest(count: int, width: int) -> int:
    """As square as possible."""
    across = int(np.ceil(np.sqrt(count)))
    return across * (width + 10) + 40
