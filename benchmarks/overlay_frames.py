"""How long the window's thread is busy per frame while panning with a heat map and many boxes, each way of drawing them.

A section in memory is panned along one path at 1600 × 1000, 60 frames a second, at full resolution. The same boxes are
drawn as graphics items, as one picture per frame (OpenCV), and as the viewer does, in tiles painted beside the window.
The first three numbers are time on the clock, which other programs lengthen, "cpu" is what the thread worked.
"late": share of frames over 16.7 ms; "unready": share of frames in which some overlay tile of the view was not there yet.

`QT_QPA_PLATFORM=offscreen python -m benchmarks.overlay_frames [frames]`
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen
from PySide6.QtWidgets import QApplication, QGraphicsItem, QGraphicsRectItem, QStyleOptionGraphicsItem, QWidget

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from app.session import Session
from app.session_opening import Opened
from app.session_state import SavedView, ViewState
from app.viewer.viewer import Viewer
from core.detection import Detection
from core.geometry import Box
from core.project.records import ScanRecord
from core.project.score_map import ScoreMap
from tests.memory_section import MemorySection

VIEW = (1600, 1000)
SECTION = (6400, 1400)
STEP_PX = 14.0  # per frame
FRAME_S = 1 / 60
CELL_PX = 8.0
LABELS = ("pore", "crack", "agglomerate", "preparation_artefact")


@dataclass(frozen=True)
class Result:
    milliseconds: np.ndarray
    cpu: np.ndarray
    unready: float


class OnePicture(QGraphicsItem):
    """All boxes in sight drawn by OpenCV into one picture in every paint."""

    def __init__(self, edges: np.ndarray) -> None:
        super().__init__()
        self._edges = edges
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)

    def boundingRect(self) -> QRectF:
        return QRectF(0, 0, *SECTION)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        import cv2

        area, world = option.exposedRect, painter.worldTransform()
        left, top = np.floor(area.left()), np.floor(area.top())
        width, height = int(area.width()) + 2, int(area.height()) + 2
        picture = np.zeros((height, width, 4), np.uint8)
        e = self._edges
        inside = (e[:, 2] >= area.left()) & (e[:, 0] <= area.right()) & (e[:, 3] >= area.top())
        x0, y0, x1, y1 = np.rint(e[inside & (e[:, 1] <= area.bottom())] - [left, top, left, top]).astype(np.int32).T
        corners = np.stack([x0, y0, x1, y0, x1, y1, x0, y1], axis=1).reshape(-1, 4, 2)
        cv2.polylines(picture, list(corners), True, (0, 160, 230, 255), 1)
        image = QImage(picture.data, width, height, width * 4, QImage.Format.Format_ARGB32_Premultiplied)
        painter.save()
        painter.resetTransform()
        painter.drawImage(round(left + world.dx()), round(top + world.dy()), image)
        painter.restore()


def main() -> None:
    frames = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    application = QApplication.instance() or QApplication([])
    assert isinstance(application, QApplication)
    application.setProperty("still", True)
    print(f"{frames} frames at {VIEW[0]} × {VIEW[1]}; boxes are counted per view; ms per frame on the window's thread")
    print(f"{'':<44}{'p50':>7}{'p95':>7}{'max':>8}{'cpu p50':>9}{'p95':>7}{'late':>8}{'unready':>9}")
    tell("nothing over the section", run(application, 0, "tiles", heat=False, frames=frames))
    tell("heat map", run(application, 0, "tiles", frames=frames))
    for count in (10_000, 100_000):
        for way in ("items", "picture", "tiles"):
            if way == "items" and count > 10_000:
                continue  # minutes
            tell(f"heat map, {count:,} boxes, {NAMES[way]}", run(application, count, way, frames=frames))


NAMES = {"items": "graphics items", "picture": "one picture", "tiles": "tiles"}


def tell(name: str, result: Result) -> None:
    ms = result.milliseconds
    p50, p95 = np.percentile(ms, (50, 95))
    cpu50, cpu95 = np.percentile(result.cpu, (50, 95))
    late = (ms > 1000 * FRAME_S).mean()
    print(
        f"{name:<44}{p50:7.2f}{p95:7.2f}{ms.max():8.2f}{cpu50:9.2f}{cpu95:7.2f}{late:8.1%}{result.unready:9.1%}",
        flush=True,
    )


def run(application: QApplication, count: int, way: str, *, frames: int, heat: bool = True) -> Result:
    """Pans there and back once."""
    session = Session()
    viewer = Viewer(session)
    viewer.resize(*VIEW)
    viewer.show()
    boxes = made_up(count * SECTION[0] * SECTION[1] // (VIEW[0] * VIEW[1]))
    show(session, boxes if way == "tiles" else [], heat)
    edges = np.array([(d.box.x, d.box.y, d.box.x1, d.box.y1) for d in boxes]).reshape(-1, 4)
    if way == "items":
        add_items(viewer, edges)
    elif way == "picture":
        add(viewer, OnePicture(edges))
    settle(application, viewer)
    spent, worked, unready = [], [], 0
    for frame in range(frames):
        begin, working = time.perf_counter(), time.thread_time()
        at = abs((frame * STEP_PX) % (2 * (SECTION[0] - VIEW[0])) - (SECTION[0] - VIEW[0]))
        viewer.canvas.look_at(SECTION[0] - VIEW[0] / 2 - at, SECTION[1] / 2 + 100 * math.sin(frame / 20))
        application.processEvents()
        taken = time.perf_counter() - begin
        spent.append(1000 * taken)
        worked.append(1000 * (time.thread_time() - working))
        unready += way == "tiles" and not viewer.overlays.settled
        time.sleep(max(FRAME_S - taken, 0))
    session.close()
    viewer.close_tiles()
    viewer.close()
    viewer.deleteLater()
    application.processEvents()
    return Result(np.array(spent), np.array(worked), unready / frames)


def show(session: Session, boxes: Sequence[Detection], heat: bool) -> None:
    random = np.random.default_rng(0)
    pixels = random.integers(90, 200, (SECTION[1], SECTION[0], 3), np.uint8)
    cells = (1, int(SECTION[1] // CELL_PX), int(SECTION[0] // CELL_PX))
    scores = ScoreMap.of(random.uniform(0.3, 1.0, cells).astype(np.float32), CELL_PX) if heat else None
    record = ScanRecord(
        "scan-1", 1, "key", "m", "Model", "1", None, "classifier", LABELS, LABELS[3:], "probability", "done",
        0.5, 4, 4, 0, CELL_PX, 64.0, 1.0, "cpu", {}, "2026-01-01", "2026-01-01",
    )  # fmt: skip
    saved = SavedView(view=ViewState(VIEW[0] / 2, SECTION[1] / 2, 1.0))
    section = MemorySection(pixels)
    session.adopt(Opened(section, saved=saved, scans=[record], scan=record, detections=list(boxes), score_map=scores))


def made_up(count: int) -> list[Detection]:
    random = np.random.default_rng(1)
    x, y = random.uniform(0, SECTION, (count, 2)).T.tolist()
    w, h = random.uniform(8, 48, (count, 2)).T.tolist()
    return [
        Detection(i + 1, 1, "scan-1", "m", LABELS[i % 4], 0.9, Box(x[i], y[i], w[i], h[i]), 50.0, 90.0)
        for i in range(count)
    ]


def add_items(viewer: Viewer, edges: np.ndarray) -> None:
    pen = QPen(QColor("#E69F00"), 1.75)
    pen.setCosmetic(True)
    for x0, y0, x1, y1 in edges.tolist():
        item = QGraphicsRectItem(x0, y0, x1 - x0, y1 - y0)
        item.setPen(pen)
        item.setBrush(Qt.BrushStyle.NoBrush)
        add(viewer, item)


def add(viewer: Viewer, item: QGraphicsItem) -> None:
    item.setZValue(1000)
    viewer.canvas.scene().addItem(item)


def settle(application: QApplication, viewer: Viewer) -> None:
    until = time.monotonic() + 20
    while not (viewer.is_sharp and viewer.overlays.settled and viewer.overlays.worker.idle):
        application.processEvents()
        time.sleep(0.005)
        assert time.monotonic() < until, "it never settles"


if __name__ == "__main__":
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    main()
