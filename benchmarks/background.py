"""What skipping the background saves on a disc-shaped specimen, and that it loses nothing.

    python -m benchmarks.background [--size 6144] [--kind magnet|battery] [--model texture|battery-windows] [--tile 256]

A disc of a sample's texture with its planted defects lies on flat, noisy, unevenly lit resin; everything follows from the
seed. Defects that the rim would cut are left out, more than a third of the others lie in its outermost tenth. The section is
scanned with and without skipping, by turns, in one process. Tiles are a quarter as wide as usual: the disc is then cut into as many as one on a section of four times
the size, which is still smaller than a user's. Times are the processor's, so that other jobs on the machine don't count. A planted defect is lost where skipping leaves it unscanned, or
where it is found without skipping and not with it; a model that learns from
the section learns another normal when it is shown less resin, and finds others for that reason alone. Found: a detection at the model's threshold has its middle in the
defect's box.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import tifffile

from core.foreground import foreground_mask
from core.geometry import Box
from core.models.base import ModelSpec
from core.models.catalog import list_models, load_model
from core.project import Project
from core.readers.base import open_section
from core.scan.options import Foreground, ScanOptions, ScanSummary
from core.scan.runner import run_scan
from core.synthetic.planting import Truth
from core.synthetic.sample import SampleSection, make_sample
from core.synthetic.specimen import ARTEFACT

RADIUS = 0.46  # of the section's side
SEED = 11


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=6144)
    parser.add_argument("--kind", choices=("magnet", "battery"), default="magnet")
    parser.add_argument("--model", default="texture", help="the beginning of a model's id")
    parser.add_argument("--tile", type=int, default=256, help="model px")
    parser.add_argument("--rounds", type=int, default=2)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "disc.tif"
        truths = write_disc(path, args.kind, args.size)
        compare(path, truths, chosen(args.model, args.tile), args.rounds)


def write_disc(path: Path, kind: str, size: int) -> list[Truth]:
    """Writes the section as a tiled TIFF without overviews; what is planted on the disc."""
    sample = make_sample(kind, size, round(120 * (size / 6144) ** 2), SEED)  # type: ignore[arg-type]
    on_disc = [t for t in sample.truth if t.label != ARTEFACT and _distance(t.box, size)[1] <= RADIUS * size - 4]
    sample = sample.without(*(t.id for t in sample.truth if t not in on_disc))
    tifffile.imwrite(
        path,
        _pixels(sample, size),
        photometric="rgb",
        tile=(512, 512),
        resolution=(1e4 / sample.pixel_size_um, 1e4 / sample.pixel_size_um),
        resolutionunit="CENTIMETER",
    )
    return on_disc


def _pixels(sample: SampleSection, size: int) -> np.ndarray:
    rng = np.random.default_rng(SEED)
    pixels = sample.render(0, 0, size, size)
    y, x = np.ogrid[:size, :size]
    beside = (x + 0.5 - size / 2) ** 2 + (y + 0.5 - size / 2) ** 2 > (RADIUS * size) ** 2
    light = 70 + 12 * (x / size - 0.5) + 8 * (y / size - 0.5)
    for channel, tint in enumerate((0, 4, -3)):
        resin = light + tint + rng.normal(0, 3, (size, size))
        pixels[..., channel][beside] = np.clip(resin, 0, 255).astype(np.uint8)[beside]
    return pixels


def _distance(box: Box, size: int) -> tuple[float, float]:
    """How far the nearest and the farthest corner of a box lie from the middle of the section."""
    corners = [
        np.hypot(x - size / 2, y - size / 2)
        for x, y in ((box.x, box.y), (box.x1, box.y), (box.x, box.y1), (box.x1, box.y1))
    ]
    return min(corners), max(corners)


def chosen(model_id: str, tile_px: int) -> ModelSpec:
    return replace(next(spec for spec in list_models() if spec.id.startswith(model_id)), tile_px=tile_px)


def compare(path: Path, truths: list[Truth], spec: ModelSpec, rounds: int) -> None:
    with open_section(path) as section:
        size = section.info.width_px
        near = sum(_distance(t.box, size)[1] > 0.9 * RADIUS * size for t in truths)
        print(f"{size} × {size} px, {len(truths)} planted defects, {near} of them in the disc's outermost tenth")
        started = time.perf_counter()
        mask = foreground_mask(section)
        took = time.perf_counter() - started
        cut = sum(mask.empty_px2(t.box) > 0 for t in truths)
        print(f"mask: {took:.2f} s; {1 - mask.share:.1%} of the section is empty, {1 - np.pi * RADIUS**2:.1%} is resin")
        print(f"planted defects the mask cuts into: {cut}")
    times: dict[bool, list[float]] = {True: [], False: []}
    for turn in range(rounds):
        for skip in (False, True) if turn % 2 == 0 else (True, False):
            summary, hits = scan(path, truths, spec, skip)
            times[skip].append(summary.seconds)
            print(
                f"{summary.model}, {'skipping' if skip else 'everything'}: {summary.seconds:.1f} s in all,"
                f" {summary.tiles_skipped} of {summary.tiles_total} tiles skipped, {summary.skipped_megapixels:.1f} MP;"
                f" {len(hits)} planted defects found, {summary.detections} detections"
            )
            if skip:
                with_skipping = hits
            else:
                without = hits
    saved = 1 - min(times[True]) / min(times[False])
    print(f"time saved: {saved:.1%}; found without skipping only: {sorted(without - with_skipping)}")
    print(f"found with skipping only: {sorted(with_skipping - without)}")


def scan(path: Path, truths: list[Truth], spec: ModelSpec, skip: bool) -> tuple[ScanSummary, set[int]]:
    """One scan into a project of its own; `seconds` holds all of it, looking for the specimen too."""
    model = load_model(spec, "cpu")
    with (
        tempfile.TemporaryDirectory() as folder,
        open_section(path) as section,
        Project.create(Path(folder) / "p") as project,
    ):
        started = time.process_time()
        summary = run_scan(project, section, model, ScanOptions(foreground=Foreground(skip=skip)))
        took = time.process_time() - started
        centres = [d.box.center for d in project.detections(summary.scan_id, summary.threshold)]
    hits = {t.id for t in truths if any(t.box.contains(*centre) for centre in centres)}
    return replace(summary, seconds=took), hits


if __name__ == "__main__":
    main()
