"""A small section in memory, a scan's record and detections on it, for tests of the gallery and the panels."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from app.session import Session
from app.session_opening import Opened
from core.detection import Candidate, Detection
from core.frames import StageTransform
from core.geometry import Box
from core.models.base import ModelSpec
from core.project import Project
from core.project.records import ScanRecord
from core.project.scan_store import ScanStore
from core.ranking import worst_first
from core.review import Review
from core.section import Array, Plane, PyramidLevel, Section, SectionInfo

LABELS = ("pore", "crack", "foreign_particle", "preparation_artefact")
STAGE = StageTransform("pixel_to_stage", ((0.5, 0.0, 1000.0), (0.0, 0.5, -2000.0)), 0.01, None)


MODEL = ModelSpec(
    id="battery",
    name="Battery windows",
    family="classifier",
    labels=LABELS,
    um_per_px=0.5,
    tile_px=512,
    halo_px=64,
    window_px=64,
    stride_px=16,
    map_channels=5,
    context_cells=1,
    score_unit="probability",
    score_floor=0.1,
    threshold=0.5,
    version="1",
    artefact_labels=("preparation_artefact",),
    description="Looks at square windows, one after the other.",
)


class ArraySection(Section):
    """A section that is an array; counts its reads and their threads, and waits for `gate` when it has one."""

    def __init__(self, pixels: Array, um_per_px: float | None = 0.5) -> None:
        rows, columns, samples = pixels.shape
        scale = None if um_per_px is None else (um_per_px, um_per_px)
        level = PyramidLevel(columns, rows, 1.0)
        self.info = SectionInfo(
            path=Path("sample.tif"),
            format="array",
            width_px=columns,
            height_px=rows,
            samples=samples,
            dtype=pixels.dtype,
            levels=(level,),
            pixel_size_um=scale,
            stage=STAGE if scale else StageTransform(),
        )
        self._pixels = pixels
        self.reads = 0
        self.readers: set[int] = set()
        self.fails = False
        self.gate: threading.Event | None = None

    def read_level(self, level: int, x: int, y: int, width: int, height: int, plane: Plane) -> Array:
        if self.gate is not None:
            self.gate.wait(5)
        self.reads += 1
        self.readers.add(threading.get_ident())
        if self.fails:
            raise OSError("the drive is gone")
        return self._pixels[y : y + height, x : x + width].copy()


def grey_section(side: int = 1024, dtype: type = np.uint8) -> ArraySection:
    """A gradient, so that every crop is of another grey."""
    ramp = np.linspace(40, 200, side)[None, :, None] * np.ones((side, 1, 3 if dtype is np.uint8 else 1))
    return ArraySection((ramp * (1 if dtype is np.uint8 else 257)).astype(dtype))


def scan_record(**changes: object) -> ScanRecord:
    record = ScanRecord(
        id="s1",
        section_id=1,
        key="k",
        model_id="battery",
        model_name="Battery windows",
        model_version="1",
        model_path=None,
        family="classifier",
        labels=LABELS,
        artefact_labels=("preparation_artefact",),
        score_unit="probability",
        status="done",
        threshold=0.5,
        tiles_total=40,
        tiles_done=40,
        tiles_skipped=6,
        cell_px=16.0,
        context_px=64.0,
        seconds=12.0,
        device="cpu",
        parameters={},
        started="2026-01-01T00:00:00",
        finished="2026-01-01T00:00:12",
    )
    return replace(record, **changes)  # type: ignore[arg-type]


def make_detection(number: int, score: float, label: str = "pore", side: float = 20.0, **changes: object) -> Detection:
    box = Box(20.0 + 41 * number % 900, 30.0 + 67 * number % 900, side, side * 0.7)
    made = Detection(number, 1, "s1", "Battery windows", label, score, box, box.area * 0.6, severity=100 * score)
    return replace(made, **changes)  # type: ignore[arg-type]


def some_detections(count: int = 60) -> list[Detection]:
    """Scores from 1 down to 0.2, classes in turn, worst first."""
    scores = np.linspace(0.99, 0.2, count)
    return worst_first(
        make_detection(i + 1, float(s), LABELS[i % len(LABELS)], 12.0 + i % 7 * 9) for i, s in enumerate(scores)
    )


def fill(session: Session, detections: Sequence[Detection], section: Section | None = None, **opened: Any) -> None:
    """Puts a section, a finished scan and its detections into a session, without a project unless one is given."""
    record = scan_record()
    values: dict[str, Any] = {"scans": [record], "scan": record, "detections": list(detections)} | opened
    session.adopt(Opened(section if section is not None else grey_section(), **values))


def fill_from_project(session: Session, folder: Path, detections: Sequence[Detection]) -> Project:
    """As `fill`, with a real project on disk; stored detections get ids 1, 2, … in the order given."""
    section = grey_section()
    section.info = replace(section.info, path=folder / "sample.tif")
    section.info.path.write_bytes(b"stands for the section's file")
    project = Project.create(folder / "sample.schliff")
    record = project.add_section(section)
    store = ScanStore.begin(
        project,
        record,
        MODEL,
        parameters={},
        tiles_total=1,
        cell_px=16.0,
        context_px=64.0,
        threshold=0.5,
        device="cpu",
        provenance={},
    )
    store.emit(0, [Candidate(d.label, d.score, d.box, d.area_px, d.box.center) for d in detections])
    store.set_status("done", 12.0)
    scans = project.scans(record.id)
    fill(
        session,
        project.detections(scans[0].id),
        section,
        project=project,
        record=record,
        review=Review(project, "tester"),
        scans=scans,
        scan=scans[0],
    )
    return project
