"""How long the gallery takes to arrange 100,000 detections, beside what Python's own sort takes for them alone.

`QT_QPA_PLATFORM=offscreen python -m benchmarks.gallery`
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial

from PySide6.QtWidgets import QApplication

from app.gallery.arrangement import Arrangement
from app.gallery.model import GalleryModel
from core.detection import Detection
from core.geometry import Box

COUNT = 100_000
LABELS = ("pore", "crack", "agglomerate", "geometry")
ARRANGEMENTS = {
    "sort by severity": Arrangement(),
    "sort by position": Arrangement(sort="position"),
    "sort by area, reversed": Arrangement(sort="area", reverse=True),
    "one class by score": Arrangement(sort="score", label="pore"),
    "search a text": Arrangement(text="pore", status="unreviewed"),
}


def main() -> None:
    application = QApplication([])
    detections = [detection(i) for i in range(COUNT)]
    baseline = fastest(lambda: sorted(detections, key=lambda d: -d.severity))
    print(f"{COUNT:,} detections; Python's sort by one key: {baseline * 1e3:.0f} ms")
    model = GalleryModel()
    model.set_detections(detections)
    for name, arrangement in ARRANGEMENTS.items():
        seconds = fastest(partial(rearrange, model, arrangement))
        print(f"{name:<24}{seconds * 1e3:6.0f} ms   {seconds / baseline:5.1f} × the plain sort")
    application.quit()


def rearrange(model: GalleryModel, arrangement: Arrangement) -> None:
    """Away from what is wanted, so that nothing is left to reuse, and to it."""
    model.set_arrangement(Arrangement(text="no such text"))
    model.set_arrangement(arrangement)


def detection(number: int) -> Detection:
    place = random.Random(number)
    box = Box(place.uniform(0, 1e5), place.uniform(0, 1e5), place.uniform(5, 200), place.uniform(5, 200))
    label, score = LABELS[number % len(LABELS)], place.random()
    return Detection(number + 1, 1, "scan-1", "model", label, score, box, box.area, 100 * score)


def fastest(work: Callable[[], object], times: int = 5) -> float:
    """Seconds of the fastest of several runs."""
    spent = []
    for _ in range(times):
        begin = time.perf_counter()
        work()
        spent.append(time.perf_counter() - begin)
    return min(spent)


if __name__ == "__main__":
    main()
