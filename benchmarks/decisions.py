"""How long the window's thread takes for one decision (key A) among 100,000 detections stored in a project.

Session, viewer and gallery as in the window, each decision about another detection in sight, undone again. Milliseconds:
"in the key" until `decide` returns, "in all" with everything that follows until nothing is left to be done, both as
processor time of the window's thread; "settled" is the clock's time until then. The last column compares "in all" with
reading all the detections from the database once, in the same run.

`QT_QPA_PLATFORM=offscreen python benchmarks/decisions.py [detections]`
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PySide6.QtWidgets import QApplication

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from app.gallery.panel import GalleryPanel
from app.session import Session
from app.session_opening import Opened
from app.session_state import SavedView, ViewState
from app.viewer.viewer import Viewer
from core.detection import Detection
from core.frames import StageTransform
from core.geometry import Box
from core.project import Project
from core.project.records import ScanRecord
from core.review import Review
from tests.memory_section import MemorySection

SIDE = 8000
DECISIONS = 30
LABELS = ("pore", "crack", "agglomerate", "preparation_artefact")
SPEC = {"id": "m", "threshold": 0.5, "score_unit": "probability", "labels": LABELS, "artefact_labels": LABELS[3:]}
RECORD = ScanRecord(
    "scan-1", 1, "key", "m", "Model", "1", None, "classifier", LABELS, LABELS[3:], "probability", "done",
    0.5, 4, 4, 0, 8.0, 64.0, 1.0, "cpu", {}, "2026-01-01", "2026-01-01",
)  # fmt: skip


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    application = QApplication([])
    with tempfile.TemporaryDirectory() as folder:
        project = Project.create(Path(folder) / "p.schliff")
        store(project, count)
        begin = time.thread_time()
        detections = project.detections("scan-1")
        reading = 1e3 * (time.thread_time() - begin)
        measure(application, project, detections, reading)
        project.close()


def measure(application: QApplication, project: Project, detections: list[Detection], reading: float) -> None:
    session = Session()
    viewer, gallery = Viewer(session), GalleryPanel(session)
    viewer.resize(1600, 1000)
    gallery.resize(420, 1000)
    viewer.show()
    gallery.show()
    section = MemorySection(np.full((SIDE, SIDE, 1), 128, np.uint8))
    saved = SavedView(view=ViewState(SIDE / 2, SIDE / 2, 1.0))
    session.adopt(
        Opened(
            section, saved=saved, scans=[RECORD], scan=RECORD, detections=detections, project=project,
            review=Review(project),
        )
    )  # fmt: skip

    def until_done() -> None:
        while not (viewer.is_sharp and viewer.overlays.settled and viewer.overlays.worker.idle and gallery.settled):
            application.processEvents()
            time.sleep(0.001)

    until_done()
    seen = viewer.canvas.visible_box()
    assert seen is not None
    in_sight = [d.id for d in detections if seen.contains(*d.box.center)][:DECISIONS]
    key, everything, settled = [], [], []
    for detection_id in in_sight:
        begin, used = time.perf_counter(), time.thread_time()
        session.decide("defect", [detection_id])
        key.append(1e3 * (time.thread_time() - used))
        until_done()
        everything.append(1e3 * (time.thread_time() - used))
        settled.append(1e3 * (time.perf_counter() - begin))
        session.undo()
        until_done()
    key_ms, all_ms, settled_ms = (float(np.median(v)) for v in (key, everything, settled))
    print(f"{len(detections):,} detections; reading them all from the database: {reading:.0f} ms")
    print(f"in the key {key_ms:.1f} ms, in all {all_ms:.1f} ms, settled after {settled_ms:.0f} ms", end="; ")
    print(f"in all {all_ms / reading:.3f} × reading")
    session.project = None
    viewer.close_tiles()
    gallery.shut()
    session.close()


def store(project: Project, count: int) -> None:
    random = np.random.default_rng(1)
    x, y = random.uniform(0, SIDE - 60, (2, count)).tolist()
    w, h = random.uniform(8, 48, (2, count)).tolist()
    scores = random.uniform(0.5, 1, count).tolist()
    boxes = [Box(*each) for each in zip(x, y, w, h, strict=True)]
    rows = [(i + 1, LABELS[i % 4], scores[i], box.x, box.y, box.w, box.h, box.area) for i, box in enumerate(boxes)]
    with project.database.writing() as db:
        db.execute(
            "INSERT INTO sections (id, fingerprint, path, width_px, height_px, pixel_size_um, stage)"
            " VALUES (1, 'f', '', 1, 1, 'null', ?)",
            (json.dumps(StageTransform().to_json()),),
        )
        db.execute(
            "INSERT INTO scans (id, section_id, key, status, threshold, spec, tiles_total, cell_px, context_px, device,"
            " parameters, provenance, started) VALUES ('scan-1', 1, '', 'done', 0.5, ?, 1, 1, 1, '', '', '', '')",
            (json.dumps(SPEC),),
        )
        columns = "id, label, score, x_px, y_px, w_px, h_px, area_px"
        query = f"INSERT INTO detections (scan_id, tile, {columns}) VALUES ('scan-1', 0, {', '.join('?' * 8)})"
        db.executemany(query, rows)


if __name__ == "__main__":
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    main()
