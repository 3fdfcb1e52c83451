"""The section that `pan.py` moves over: one rendered patch laid side by side, so that a large file is written in a minute."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np

from core.jobs import CancelToken, no_progress
from core.synthetic.optics import CameraGrid
from core.synthetic.sample import SampleSection, make_sample
from core.synthetic.stage import place
from core.synthetic.write_czi import write_czi
from core.synthetic.write_tiff import write_tiff

PATCH_PX = 3072


class Repeated(SampleSection):
    """A sample of any size whose pixels repeat every 3072 px."""

    def __init__(self, size: int) -> None:
        self.size, self.kind, self.seed = size, "battery", 1
        self.grid = CameraGrid(size)
        self.pixel_size_um = self._one.pixel_size_um

    @cached_property
    def _one(self) -> SampleSection:
        return make_sample("battery", PATCH_PX, 10, 1)

    @cached_property
    def _pixels(self) -> np.ndarray:
        return self._one.render(0, 0, PATCH_PX, PATCH_PX)

    def render(self, x: int, y: int, width: int, height: int) -> np.ndarray:
        rows, columns = np.arange(y, y + height) % PATCH_PX, np.arange(x, x + width) % PATCH_PX
        return self._pixels[np.ix_(rows, columns)]

    def render_tile(self, column: int, row: int) -> tuple[int, int, np.ndarray]:
        (x, width), (y, height) = self.grid.span(column), self.grid.span(row)
        return x, y, self.render(x, y, width, height)


def section_file(folder: Path, size: int, *, pyramid: bool) -> Path:
    """A pyramidal TIFF, or a CZI without overviews, of size × size px; written once."""
    path = folder / f"pan-{size}.{'tif' if pyramid else 'czi'}"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        sample = Repeated(size)
        aside = path.with_stem(path.stem + "-new")
        placement = place(size, sample.pixel_size_um, 1, turned=not pyramid)
        (write_tiff if pyramid else write_czi)(sample, aside, placement, no_progress, CancelToken())
        aside.rename(path)
    return path
