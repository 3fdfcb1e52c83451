"""Decides how a sample section becomes files: the image in the format its name asks for, and its truth as CSV beside it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from pathlib import Path

from core.disk import clear_left, written_whole
from core.errors import ResourceError, UsageError
from core.frames import StageTransform
from core.jobs import CancelToken, Progress, no_progress
from core.synthetic.planting import Truth
from core.synthetic.sample import SampleSection
from core.synthetic.stage import Placement, place
from core.synthetic.write_czi import write_czi
from core.synthetic.write_tiff import write_tiff

TRUTH_COLUMNS = ("id", "class", "x_px", "y_px", "w_px", "h_px", "stage_x_um", "stage_y_um")

_Writer = Callable[[SampleSection, Path, Placement, Progress, CancelToken], None]
_WRITERS: dict[str, tuple[_Writer, bool]] = {
    ".czi": (write_czi, True),
    ".tif": (write_tiff, False),
    ".tiff": (write_tiff, False),
}


def write_sample(
    sample: SampleSection, path: str | Path, progress: Progress = no_progress, cancel: CancelToken | None = None
) -> None:
    """Writes `path` (.czi, .tif, .ome.tif) tile by tile, and its truth beside it; replaces what was there when all is done.

    Cancelled or failed, it leaves nothing behind. Raises UsageError (another suffix), CancelledError, ResourceError.
    """
    path = Path(path)
    if path.suffix.lower() not in _WRITERS:
        raise UsageError(
            f"samples can't be written as {path.suffix or 'a file without suffix'}",
            path=path,
            remedy="Name it .czi or .tif.",
        )
    if not path.parent.is_dir():
        raise ResourceError("its folder is not there", path=path, remedy="Make the folder first, or name another.")
    writer, turned = _WRITERS[path.suffix.lower()]
    placement = place(sample.size, sample.pixel_size_um, sample.seed, turned=turned)
    truth = truth_path(path)
    clear_left(path.parent)
    try:
        with written_whole(path) as image, written_whole(truth) as table:
            write_truth(sample.truth, placement, table)
            writer(sample, image, placement, progress, cancel or CancelToken())
    except ResourceError as error:
        # The user knows the file by its own name, not by those it has while it is written.
        raise ResourceError(error.what, path=path, remedy=error.remedy) from error


def truth_path(path: str | Path) -> Path:
    """s.czi → s.truth.csv, s.ome.tif → s.truth.csv."""
    path = Path(path)
    stem = path.stem[:-4] if path.stem.lower().endswith(".ome") else path.stem
    return path.with_name(f"{stem}.truth.csv")


def write_truth(truths: Iterable[Truth], placement: Placement, path: Path) -> None:
    """The truth table; stage positions (µm) are those of the boxes' centres."""
    stage = StageTransform("pixel_to_stage", placement.affine)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(TRUTH_COLUMNS)
        for truth in truths:
            center = stage.to_stage(*truth.box.center)
            assert center is not None
            box = truth.box
            table.writerow(
                [
                    truth.id,
                    truth.label,
                    *(f"{v:g}" if v < 1e5 else f"{v:.1f}" for v in (box.x, box.y, box.w, box.h)),
                    *(f"{v:.3f}" for v in center),
                ]
            )
