"""How long a scan is planned: the mask of a section in memory, then grid, skipped tiles and order of work, given a mask.

    python -m benchmarks.planning [--file SECTION]

The section is made up: nothing is read, so the first figures are those of the arithmetic alone, and grow with neither the
number of the section's pixels nor the speed of its drive. With --file, how long that file's own mask takes is measured too,
from its levels or from samples, whichever it has.
"""

from __future__ import annotations

import argparse
import resource
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from core.foreground import SpecimenFinder
from core.models.texture import SPEC_TEXTURE
from core.readers.base import open_section
from core.scan.plan import plan_scan
from core.section import Array, Plane, PyramidLevel, Section, SectionInfo
from core.specimen_mask import Mask

RADIUS = 0.48  # of the section's side


class MadeUp(Section):
    """A disc of noise on flat resin, of any size, without a file."""

    def __init__(self, side: int) -> None:
        level = PyramidLevel(side, side, 1.0)
        self.info = SectionInfo(Path("made up"), "made up", side, side, 3, np.dtype(np.uint8), (level,))
        self._noise = np.random.default_rng(0).integers(60, 240, 1 << 20, np.uint8)

    def read_level(self, level: int, x: int, y: int, width: int, height: int, plane: Plane) -> Array:
        middle, rows, columns = self.info.width_px / 2, np.arange(y, y + height), np.arange(x, x + width)
        inside = (columns[None, :] - middle) ** 2 + (rows[:, None] - middle) ** 2 < (RADIUS * 2 * middle) ** 2
        texture = self._noise[(rows[:, None] * 7919 + columns[None, :] // 8) % len(self._noise)]
        return np.repeat(np.where(inside, texture, np.uint8(40))[..., None], 3, axis=2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path)
    args = parser.parse_args()
    section: Section
    for side in (20_000, 100_000, 400_000):
        section = MadeUp(side)
        mask = measured_mask(f"{side:,} px", section)
        for tile_px in (1024, 512, 256) if side < 400_000 else (1024,):
            measure_plan(section.info, mask, tile_px)
    if args.file:
        with open_section(args.file) as section:
            measured_mask(args.file.name, section)


def measured_mask(name: str, section: Section) -> Mask:
    started = time.perf_counter()
    finder = SpecimenFinder(section)
    looked = time.perf_counter()
    mask = finder.mask()
    done = time.perf_counter()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"{name}: looked at in {looked - started:.2f} s, mask of {mask.values.size / 1e6:.1f} million cells found in"
        f" {done - looked:.2f} s, {1 - mask.share:.1%} empty, {memory} MB in all at most"
    )
    return mask


def measure_plan(info: SectionInfo, mask: Mask, tile_px: int) -> None:
    middle = (info.width_px / 3, info.height_px / 3)
    started = time.perf_counter()
    plan = plan_scan(info, replace(SPEC_TEXTURE, tile_px=tile_px), mask, (), middle)
    took = time.perf_counter() - started
    share = plan.skipped_area_px / info.box.area
    print(f"  tiles of {tile_px} px: {len(plan.tiles):,} planned in {took:.2f} s, {share:.1%} of the area skipped")


if __name__ == "__main__":
    main()
