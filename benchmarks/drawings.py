"""How long the drawings of a section take to paint: a frame of 1600 × 1000 px with 0, 100, 1,000 and 5,000 of them.

All lie in view at the first zoom; at each further one a part. Beside each: the same frame with as many plain cosmetic
rectangles, which is what Qt itself takes, and the layout of the labels, which each new zoom needs once. Run:
`python -m benchmarks.drawings`.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPen, QTransform
from PySide6.QtWidgets import QApplication, QStyleOptionGraphicsItem

from app.viewer.drawings_item import DrawingsItem
from core.drawing import Drawing
from core.geometry import Box

SIDE, VIEW = 40_000, (1600, 1000)
FRAMES = 15


def some_drawings(count: int) -> list[Drawing]:
    """A mix as people draw it: rulers, boxes, points, polygons and outlines of 200 points."""
    rng = np.random.default_rng(0)
    made = []
    for number in range(1, count + 1):
        x, y = rng.uniform(0, SIDE, 2)
        size = rng.uniform(100, 2000)
        turn = np.linspace(0, 2 * np.pi, 200, endpoint=False)
        points = {
            0: ("ruler", ((x, y), (x + size, y + size / 3))),
            1: ("box", ((x, y), (x + size, y + size))),
            2: ("point", ((x, y),)),
            3: ("polygon", ((x, y), (x + size, y), (x + size / 2, y + size))),
            4: ("area", tuple((x + size * np.cos(a), y + size * np.sin(a)) for a in turn)),
        }[number % 5]
        made.append(Drawing(points[0], points[1], id=number))  # type: ignore[arg-type]
    return made


def median_ms(work: Callable[[], object]) -> float:
    work()
    times = []
    for _ in range(FRAMES):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def frame(paint: Callable[[QPainter, QStyleOptionGraphicsItem], None], zoom: float) -> Callable[[], None]:
    image = QImage(*VIEW, QImage.Format.Format_ARGB32_Premultiplied)
    option = QStyleOptionGraphicsItem()
    option.exposedRect = QRectF(0, 0, VIEW[0] / zoom, VIEW[1] / zoom)

    def draw() -> None:
        painter = QPainter(image)
        painter.setWorldTransform(QTransform.fromScale(zoom, zoom))
        paint(painter, option)
        painter.end()

    return draw


def rectangles(drawings: list[Drawing]) -> Callable[[QPainter, QStyleOptionGraphicsItem], None]:
    rects = [QRectF(d.box.x, d.box.y, max(d.box.w, 1), max(d.box.h, 1)) for d in drawings]
    pen = QPen(Qt.GlobalColor.cyan, 1.75)
    pen.setCosmetic(True)

    def paint(painter: QPainter, option: QStyleOptionGraphicsItem) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(pen)
        painter.drawRects([r for r in rects if r.intersects(option.exposedRect)])

    return paint


def main() -> None:
    app = QApplication.instance() or QApplication([])
    fit = VIEW[1] / SIDE
    print(f"{'drawings':>9} {'zoom':>7} {'in view':>8} {'paint ms':>9} {'rects ms':>9} {'ratio':>6} {'labels ms':>10}")
    for count in (100, 1000, 5000):
        drawings = some_drawings(count)
        item = DrawingsItem()
        item.set_drawings(drawings, (0.35, 0.35), Box(0, 0, SIDE, SIDE))
        for zoom in (fit, 4 * fit, 16 * fit, 1.0):
            seen = QRectF(0, 0, VIEW[0] / zoom, VIEW[1] / zoom)
            inside = sum(QRectF(d.box.x, d.box.y, max(d.box.w, 1), max(d.box.h, 1)).intersects(seen) for d in drawings)
            ours, plain = median_ms(frame(item.paint, zoom)), median_ms(frame(rectangles(drawings), zoom))
            layout = median_ms(lambda item=item, zoom=zoom: item._labels._choose(zoom))  # type: ignore[misc]
            print(
                f"{count:9d} {zoom:7.3f} {inside:8d} {ours:9.2f} {plain:9.2f} {ours / max(plain, 1e-3):6.1f} {layout:10.2f}"
            )
    del app


if __name__ == "__main__":
    main()
