"""What a process is at when it is killed: a scan, decisions, an export, a migration; `benchmarks.kills` kills and checks.

    python -m benchmarks.killed_work

One process that has loaded everything waits for orders on its input (a line of JSON each), and does each of them in a fork
of itself, so that a kill costs milliseconds. The fork says "ready", then a line for all that it has stored, then "done"; at its
end, however it came, the waiting process says "over". Only what is public in `core` is used.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import cv2
import numpy as np
import zarr  # noqa: F401 - what is loaded before the fork is loaded once

from core.detection import Status
from core.drawing import Drawing
from core.errors import UsageError
from core.export.base import export_detections
from core.models.base import Model, ModelSpec
from core.project import Project
from core.project.drawing_store import DrawingStore
from core.readers.base import open_section
from core.review import Review
from core.scan.runner import run_scan

Told = Callable[[str], None]

STRIDE, TILE = 8, 64
STATUSES: tuple[Status, ...] = ("defect", "false_alarm", "artefact", "unsure", "unreviewed")
CLASSES = ("pore", "crack", "anomaly")
# Of which one after another is written to the same file.
CHOICES: tuple[tuple[str, ...], ...] = ((), ("defect",))
_TILE_S = 0.003


class Toy(Model):
    """The brightness of a cell; slow."""

    spec = ModelSpec(
        id="toy", name="Bright", family="anomaly", labels=("anomaly",), um_per_px=None, tile_px=TILE, halo_px=16,
        window_px=24, stride_px=STRIDE, map_channels=1, context_cells=1, score_unit="probability", score_floor=0.35,
        threshold=0.5, version="1",
    )  # fmt: skip

    def map_tile(self, pixels: np.ndarray) -> np.ndarray:
        time.sleep(_TILE_S)
        size = (pixels.shape[1] // STRIDE, pixels.shape[0] // STRIDE)
        return cv2.resize(pixels.mean(axis=2, dtype=np.float32) / 255, size, interpolation=cv2.INTER_AREA)[None]

    def scores(self, maps: np.ndarray) -> np.ndarray:
        return cv2.blur(maps[0], (3, 3), borderType=cv2.BORDER_REPLICATE)[None]


def scan(order: Mapping[str, Any], told: Told) -> None:
    """`section` into `project`, which is made where there is none."""
    with Project.open_or_create(order["project"]) as project, open_section(Path(order["section"])) as section:
        run_scan(project, section, Toy())


def review(order: Mapping[str, Any], told: Told) -> None:
    """Gestures in `project`, from number `first` on, until somebody kills it or `count` are done."""
    with Project.open(order["project"]) as project:
        for number in range(order["first"], order["first"] + order["count"]):
            gesture(project, Random(f"{order['seed']} {number}"))
            told(str(number))


def export(order: Mapping[str, Any], told: Told) -> None:
    """`count` times to `out`, as `format`, with each of `CHOICES` in turn."""
    with Project.open(order["project"]) as project:
        for number in range(order["count"]):
            choice = number % len(CHOICES)
            export_detections(project, order["format"], order["out"], statuses=CHOICES[choice])
            told(str(choice))


def migrate(order: Mapping[str, Any], told: Told) -> None:
    """Opens `project`, which is of an older version."""
    Project.open(order["project"]).close()


KINDS: dict[str, Callable[[Mapping[str, Any], Told], None]] = {
    "scan": scan,
    "review": review,
    "export": export,
    "migrate": migrate,
}


def gesture(project: Project, dice: Random) -> None:
    """One thing that a person does in a project; which one depends on the dice and on how the project stands alone."""
    review, drawings = Review(project, "Ada"), DrawingStore(project, "Ada")
    found = sorted(project.detections(), key=lambda one: one.id)
    kind = dice.choices(("decide", "draw", "erase", "join", "split", "undo", "redo"), (8, 2, 1, 1, 1, 3, 2))[0]
    some = [one.id for one in dice.sample(found, dice.randint(1, min(3, len(found))))]
    try:
        if kind == "decide":
            label = dice.choice((None, None, *CLASSES))
            review.decide(some, None if label else dice.choice(STATUSES), f"note {dice.random()}", label)
        elif kind == "draw":
            x, y = dice.randrange(300), dice.randrange(300)
            drawings.add(1, [Drawing("box", ((x, y), (x + 40, y + 30)), label=dice.choice(CLASSES))])
        elif kind == "erase":
            drawings.remove([one.id for one in drawings.drawings(1)][:1])
        elif kind == "join":
            review.join(some)
        elif kind == "split":
            review.split([one.id for one in found])
        else:
            getattr(review, kind)()
    except UsageError:  # as fewer than two to join: nothing is done, and nothing is stored
        pass


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            _work(order)
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)  # its number isn't given away while somebody may kill it
        _told("over")
        sys.stdin.readline()
        os.waitpid(child, 0)


def _work(order: Mapping[str, Any]) -> None:
    code = 1
    try:
        _told(f"ready {os.getpid()}")
        KINDS[order["kind"]](order, _told)
        _told("done")
        code = 0
    finally:
        os._exit(code)  # nothing of the waiting process ends with its fork


def _told(text: str) -> None:
    os.write(1, f"{text}\n".encode())


if __name__ == "__main__":
    main()
