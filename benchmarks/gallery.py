"""How long the gallery takes to sort, filter, group and scroll 1,000, 10,000 and 100,000 detections, in one run.

A real gallery, 460 × 900, with all its crops drawn. "Sort" and "filter" go from the choice to the painted answer, each from
another order or filter, after every column was read once (which the thread that reads a scan does); "first" is the same
on columns that nobody has read. "Threshold" is a move of the threshold that takes a tenth away; "decision": one under a
filter by status, so that its row goes. "Frame": one step of 40 px of the scroll bar, to its painted answer, median and
99th percentile of 300. "Read": all of a scan from its project, ranked, with every column, as the thread does that shows one. Milliseconds of the window's thread (processor time); the last column compares with Python's own sort of as many, in the same run.

`QT_QPA_PLATFORM=offscreen python -m benchmarks.gallery [detections …]`
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtWidgets import QApplication

from app.gallery.panel import GalleryPanel
from app.gallery.rendering import CropRenderer
from app.session import Session
from app.session_opening import Opened
from app.session_reading import read_scan
from core.arrangement import Arrangement
from core.detection import Candidate, Detection
from core.detection_table import DetectionTable
from core.filters import Filters, Region
from core.geometry import Box
from core.look import Look
from core.project import Project
from core.project.crop_store import CropStore
from core.project.scan_store import ScanStore
from core.ranking import worst_first
from core.readers.base import open_section
from core.section import Plane
from tests.gallery_support import LABELS, grey_section, scan_record
from tests.toy import spotted_image, toy_spec, write_image

COUNTS = (1_000, 10_000, 100_000)
SIDE = 4096
FRAMES, STEP_PX = 300, 40
CIRCLE = Region("circle", tuple((2000 + 1500 * np.cos(a), 2000 + 1500 * np.sin(a)) for a in np.linspace(0, 6.2, 200)))
ARRANGEMENTS = {
    "sort: severity": Arrangement(),
    "sort: score": Arrangement(sort="score"),
    "sort: area, reversed": Arrangement(sort="area", reverse=True),
    "sort: position": Arrangement(sort="position"),
    "sort: distance to a crack": Arrangement(sort="distance", of="crack"),
    "filter: class": Arrangement(filters=Filters(labels=frozenset({"pore"}))),
    "filter: score and size": Arrangement(filters=Filters(score=(0.3, 0.8), size=(10.0, 40.0))),
    "filter: region of 200 corners": Arrangement(filters=Filters(region=CIRCLE)),
    "filter: text": Arrangement(filters=Filters(text="pore")),
    "group by class": Arrangement(grouped=True),
}


def main() -> None:
    counts = tuple(map(int, sys.argv[1:])) or COUNTS
    application = QApplication([])
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    found = {count: measured(application, count) for count in counts}
    print(f"{'':<32}" + "".join(f"{count:>12,}" for count in counts) + f"{'/ plain sort':>14}")
    for name in found[counts[0]]:
        times = [found[count][name] for count in counts]
        ratio = times[-1] / found[counts[-1]]["Python's own sort"]
        print(f"{name:<32}" + "".join(f"{value:12.1f}" for value in times) + f"{ratio:14.2f}")
    kept_crops()
    application.quit()


def measured(application: QApplication, count: int) -> dict[str, float]:
    detections = worst_first(detection(number) for number in range(count))
    session, record = Session(), scan_record()
    gallery = GalleryPanel(session)
    gallery.resize(460, 900)
    gallery.show()
    session.adopt(Opened(grey_section(SIDE), scans=[record], scan=record, detections=DetectionTable(detections)))
    session.set_threshold(0.0)
    settle(application, gallery)
    times = {"Python's own sort": fastest(lambda: sorted(detections, key=lambda d: -d.severity))}
    times["read from the project"] = read(detections)
    times["first sort: position"] = fastest(partial(arranged, gallery, Arrangement(sort="position")), times=1)
    session.table.read_ahead()
    for name, wanted in ARRANGEMENTS.items():
        times[name] = fastest(partial(arranged, gallery, wanted), before=partial(away, gallery))
    arranged(gallery, Arrangement())
    times["threshold"] = fastest(partial(moved, gallery, 0.1), before=partial(moved, gallery, 0.0))
    moved(gallery, 0.0)
    times["decision under a filter"] = decided(session, gallery)
    arranged(gallery, Arrangement())
    times |= scrolled(application, gallery)
    gallery.shut()
    gallery.close()
    session.close()
    return times


def read(detections: list[Detection]) -> float:
    with tempfile.TemporaryDirectory() as folder, Project.create(Path(folder) / "p.schliff") as project:
        with open_section(write_image(Path(folder) / "section.png", spotted_image())) as section:
            record = project.add_section(section)
        spec = toy_spec(labels=LABELS)
        store = ScanStore.begin(
            project, record, spec, parameters={}, tiles_total=1, cell_px=8, context_px=24, threshold=0.5, device="cpu",
            provenance={},
        )  # fmt: skip
        store.emit(0, [Candidate(d.label, d.score, d.box, d.area_px, d.box.center) for d in detections])
        return fastest(lambda: read_scan(project, record.id, store.record.id), times=3)


def arranged(gallery: GalleryPanel, wanted: Arrangement) -> None:
    gallery.bar.set_arrangement(wanted)
    gallery.view.viewport().repaint()


def away(gallery: GalleryPanel) -> None:
    arranged(gallery, Arrangement(sort="found", filters=Filters(text="no such text")))


def moved(gallery: GalleryPanel, threshold: float) -> None:
    gallery._session.set_threshold(threshold)
    gallery.reload()
    gallery.view.viewport().repaint()


def decided(session: Session, gallery: GalleryPanel) -> float:
    """Without a project: what the gallery does when it is told."""
    arranged(gallery, Arrangement(filters=Filters(statuses=frozenset({"unreviewed"}))))
    spent = []
    for place in range(5, 15):
        one = replace(gallery.model.shown[place], status="defect")
        begin = time.thread_time()
        session._take(session.table.replaced([one]))
        session.decisions_changed.emit([one.id])
        gallery.view.viewport().repaint()
        spent.append(1e3 * (time.thread_time() - begin))
    return statistics.median(spent)


def scrolled(application: QApplication, gallery: GalleryPanel) -> dict[str, float]:
    """Down from the top, over crops that are drawn, so that frames cost what they cost a person who scrolls back."""
    bar, spent = gallery.view.verticalScrollBar(), []
    for drawn in (False, True):
        bar.setValue(0)
        for _ in range(FRAMES):
            begin = time.thread_time()
            bar.setValue(bar.value() + STEP_PX)
            gallery.view.viewport().repaint()
            if drawn:
                spent.append(1e3 * (time.thread_time() - begin))
            else:
                settle(application, gallery)
    spent.sort()
    return {"frame, median": spent[len(spent) // 2], "frame, 99 %": spent[int(0.99 * len(spent))]}


def kept_crops(count: int = 200) -> None:
    """The same crops drawn from the section's pixels, and taken from what the project kept of them."""
    section = grey_section(SIDE)
    detections = [detection(number) for number in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        plain = CropRenderer(section, Plane(), Look())
        kept = replace(plain, kept=CropStore(Path(folder)), identity="section")
        for name, render in (("drawn", plain), ("drawn and kept", kept), ("taken from the project", kept)):
            begin = time.thread_time()
            for one in detections:
                render(one, 160)
            print(f"crops {name}: {1e3 * (time.thread_time() - begin) / count:.2f} ms each (pixels in memory)")
        assert kept.kept is not None
        kept.kept.close()


def detection(number: int) -> Detection:
    place = random.Random(number)
    box = Box(place.uniform(0, SIDE - 200), place.uniform(0, SIDE - 200), place.uniform(5, 200), place.uniform(5, 200))
    label, score = LABELS[number % len(LABELS)], place.random()
    return Detection(number + 1, 1, "s1", "model", label, score, box, box.area, 100 * score)


def settle(application: QApplication, gallery: GalleryPanel) -> None:
    application.processEvents()
    while not gallery.settled:
        application.processEvents()
        time.sleep(0.001)
    application.processEvents()


def fastest(work: Callable[[], object], times: int = 5, before: Callable[[], object] | None = None) -> float:
    """Milliseconds of the fastest of several runs; what has to be done `before` each isn't counted."""
    spent = []
    for _ in range(times):
        if before is not None:
            before()
        begin = time.thread_time()
        work()
        spent.append(1e3 * (time.thread_time() - begin))
    return min(spent)


if __name__ == "__main__":
    main()
