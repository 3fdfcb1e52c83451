"""Whether anything reviewed, found or written is lost when the process is killed, whatever it is at.

    python -m benchmarks.kills [--kills 240] [--seed 7] [--only scan review export migrate]

Processes that scan, decide, export and open projects of older versions (`benchmarks.killed_work`) are killed (SIGKILL) at
random moments, again and again. After each kill the project must open and its database be whole, and

    scan     what is stored is part of what a scan that nobody disturbs finds; a finding is judged after each kill. In the end
             all findings and maps are those of the undisturbed scan, and every judgement is there
    review   the project stands as a twin in which the same gestures were made without a kill: all that were told of, and at
             most the one that was under way; undo and redo go on from there
    export   the file is one of the exports, whole
    migrate  once it is open, every table is as after a migration that nobody disturbed

A kill is no power cut: what the system holds for the drive survives it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.killed_work import CHOICES, STATUSES, Toy, gesture
from core.export.base import export_detections
from core.project import Project
from core.project.drawing_store import DrawingStore
from core.project.schema import VERSION
from core.readers.base import open_section
from core.review import Review
from core.scan.runner import run_scan

FORMATS = ("csv", "coco", "geojson", "ome-rois", "pascal-voc", "gallery-html")
OLD_PROJECTS = Path(__file__).parents[1] / "tests" / "data"
_TIMES = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


@dataclass
class Count:
    """`kills` that came before the work's end, and how often what was under way had just been stored, untold."""

    kills: int = 0
    untold: int = 0
    notes: dict[str, int] = field(default_factory=dict)


class Nursery:
    """Has work done in processes of its own and kills them."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.killed_work"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            cwd=Path(__file__).parents[1], env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._orders, self._told = self._process.stdin, self._process.stdout

    def killed(self, order: Mapping[str, Any], after_s: float) -> tuple[bool, list[str]]:
        """Kills the work so long after its start; whether that was before its end, and what it had told."""
        self._say(json.dumps(order))
        ready = self._told.readline().split()
        time.sleep(after_s)
        os.kill(int(ready[1]), signal.SIGKILL)
        told = list(self._until_over())
        return "done" not in told, [line for line in told if line != "done"]

    def undisturbed_s(self, order: Mapping[str, Any]) -> float:
        """Lets the work come to its end; how long it took."""
        self._say(json.dumps(order))
        self._told.readline()
        start = time.perf_counter()
        told = list(self._until_over())
        if told[-1:] != ["done"]:
            raise RuntimeError(f"{order['kind']} failed without being killed")
        return time.perf_counter() - start

    def close(self) -> None:
        self._orders.close()
        self._process.wait()
        self._told.close()

    def _until_over(self) -> Iterator[str]:
        for line in self._told:
            if line == "over\n":
                self._say("")
                return
            yield line.strip()
        raise RuntimeError("the process that waits for orders has died")

    def _say(self, text: str) -> None:
        self._orders.write(f"{text}\n")
        self._orders.flush()


@contextmanager
def nursery() -> Iterator[Nursery]:
    made = Nursery()
    try:
        yield made
    finally:
        made.close()


# -- what is killed, and what is checked ---------------------------------------------------------------------------


def kill_scans(nursery: Nursery, folder: Path, kills: int, dice: random.Random, size: int = 768) -> Count:
    """Each scan is killed a few times, from its very start on, and goes on to its end; then the next begins."""
    section, count = striped_section(folder, size, dice), Count()
    order = {"kind": "scan", "section": str(section)}
    takes = nursery.undisturbed_s(order | {"project": str(folder / "whole")})
    whole, number = found_in(folder / "whole"), 0
    while count.kills < kills:
        number += 1
        project, judged = folder / f"scan-{number}", dict[tuple, str]()
        is_over = False
        while not is_over and count.kills < kills:
            was_killed, _ = nursery.killed(order | {"project": str(project)}, dice.uniform(0, takes / 3))
            count.kills += was_killed
            is_over = not was_killed
            if (project / "project.sqlite").exists():
                _judge_one(project, whole, judged, dice)
        with Project.open_or_create(project) as opened, open_section(section) as read:
            run_scan(opened, read, Toy())
        assert found_in(project) == whole, "not the same detections"
        assert maps_in(project) == maps_in(folder / "whole"), "not the same maps"
        assert judged.items() <= _statuses(project).items(), "a judgement is lost"
        count.notes["judged"] = count.notes.get("judged", 0) + len(judged)
        shutil.rmtree(project)
    count.notes |= {"scans": number, "detections each": len(whole)}
    return count


def _judge_one(path: Path, whole: list[tuple], judged: dict[tuple, str], dice: random.Random) -> None:
    _whole(path)
    assert set(found_in(path)) <= set(whole), "something is stored that nobody finds"
    with Project.open(path) as project:
        waiting = [one for one in project.detections() if _place(one) not in judged]
        if waiting:
            one = dice.choice(waiting)
            Review(project, "Ada").decide([one.id], STATUSES[0], "looked at")
            judged[_place(one)] = STATUSES[0]
    assert judged.items() <= _statuses(path).items(), "a judgement is lost"


def kill_reviews(nursery: Nursery, folder: Path, kills: int, dice: random.Random, size: int = 512) -> Count:
    """One project, gesture after gesture; the next process goes on with the number after the last one stored."""
    killed, twin, count, made = folder / "killed.schliff", folder / "twin.schliff", Count(), 0
    _scanned(folder, killed, size, dice)
    shutil.copytree(killed, twin)
    seed = dice.randrange(1 << 30)
    while count.kills < kills:
        order = {"kind": "review", "project": str(killed), "first": made, "count": 1000, "seed": seed}
        was_killed, told = nursery.killed(order, dice.uniform(0, 0.4))
        count.kills += was_killed
        _whole(killed)
        with Project.open(twin) as project:
            for _ in told:
                gesture(project, random.Random(f"{seed} {made}"))
                made += 1
            if standing(killed) != standing(twin):  # what was under way may be stored
                gesture(project, random.Random(f"{seed} {made}"))
                made += 1
                count.untold += 1
        assert standing(killed) == standing(twin), f"something that was told is lost at gesture {made}"
    count.notes = {"gestures": made}
    return count


def kill_exports(nursery: Nursery, folder: Path, kills: int, dice: random.Random, size: int = 512) -> Count:
    """Two exports in turn to the same file, in each of `FORMATS`."""
    project, count = folder / "exported.schliff", Count()
    _scanned(folder, project, size, dice)
    with Project.open(project) as opened:
        found = opened.detections()
        Review(opened, "Ada").decide([one.id for one in found[: len(found) // 2]], "defect")
        known, pace = {}, {}
        for name in FORMATS:
            start = time.perf_counter()
            known[name] = [_exported(opened, name, folder / "whole", choice) for choice in CHOICES]
            pace[name] = time.perf_counter() - start
    assert all(one != other for one, other in known.values())
    while count.kills < kills:
        name = FORMATS[count.kills % len(FORMATS)]
        out = folder / f"list.{name}"
        order = {"kind": "export", "project": str(project), "format": name, "out": str(out), "count": 1000}
        was_killed, told = nursery.killed(order, dice.uniform(0, 2.5 * pace[name]))
        count.kills += was_killed
        assert out.exists() or not told, "an export that was told of is not there"
        if out.exists():
            assert _timeless(out.read_bytes()) in known[name], f"half an export: {out}"
        for left in list(folder.glob(f".{out.name}.*")):
            left.unlink()
            count.notes["left beside"] = count.notes.get("left beside", 0) + 1
    _whole(project)
    return count


def kill_migrations(nursery: Nursery, folder: Path, kills: int, dice: random.Random) -> Count:
    """Of every version that there ever was, in turn."""
    olds, count = sorted(OLD_PROJECTS.glob("project-v*.schliff"))[: VERSION - 1], Count()
    project, tables, takes = folder / "old.schliff", {}, {}
    order = {"kind": "migrate", "project": str(project)}
    for old in olds:
        shutil.copytree(old, project)
        takes[old] = nursery.undisturbed_s(order)
        tables[old] = _tables(project)
        shutil.rmtree(project)
    for number in range(10 * kills):
        if count.kills == kills:
            break
        old = olds[number % len(olds)]
        shutil.copytree(old, project)
        was_killed, _ = nursery.killed(order, dice.uniform(0, takes[old]))
        count.kills += was_killed
        half = sqlite3.connect(project / "project.sqlite")
        version = half.execute("PRAGMA user_version").fetchone()[0]
        half.close()
        name = "before its end" if version == int(old.stem[-1]) else "after it"
        count.notes[name] = count.notes.get(name, 0) + 1
        _whole(project)
        assert _tables(project) == tables[old], f"{old.name} isn't what it would be"
        shutil.rmtree(project)
    return count


KINDS: dict[str, Callable[[Nursery, Path, int, random.Random], Count]] = {
    "scan": kill_scans,
    "review": kill_reviews,
    "export": kill_exports,
    "migrate": kill_migrations,
}


# -- looking at what is there --------------------------------------------------------------------------------------


def _whole(path: Path) -> None:
    """It opens, and SQLite finds nothing wrong with it."""
    with Project.open(path) as project, project.database.reading() as db:
        said = [row[0] for row in db.execute("PRAGMA integrity_check")]
        said += [str(tuple(row)) for row in db.execute("PRAGMA foreign_key_check")]
    assert said == ["ok"], said


def standing(path: Path) -> list[tuple]:
    """All that people decided and drew, and what can be undone and redone; without times."""
    with Project.open(path) as project, project.database.reading() as db:
        found = [(one.id, one.label, one.status, one.note, one.decided_by, one.box) for one in project.detections()]
        drawn = [(one.id, one.points, one.label) for one in DrawingStore(project).drawings(1)]
        gestures = [tuple(row) for row in db.execute("SELECT id, kind, state FROM gestures ORDER BY id")]
        log = [tuple(row)[:2] for row in db.execute("SELECT gesture, detection_id FROM decisions ORDER BY id")]
    return [*sorted(found), *drawn, *gestures, *log]


def found_in(path: Path) -> list[tuple]:
    with Project.open(path) as project:
        return sorted((*_place(one), one.score, one.area_px) for one in project.detections())


def _statuses(path: Path) -> dict[tuple, str]:
    with Project.open(path) as project:
        return {_place(one): one.status for one in project.detections()}


def _place(one: Any) -> tuple:
    return one.label, one.box.x, one.box.y, one.box.w, one.box.h


def maps_in(path: Path) -> dict[str, bytes]:
    chunks = (file for file in (path / "maps").rglob("*") if file.is_file() and file.name.isdecimal())
    return {str(file.relative_to(path)): file.read_bytes() for file in chunks}


def _tables(path: Path) -> list[str]:
    """Opened once, so that it is of this version; times of the migration itself left out."""
    with Project.open(path) as project, project.database.reading() as db:
        return [_TIMES.sub(b"", line.encode()).decode() for line in db.iterdump()]


def _exported(project: Project, name: str, folder: Path, choice: tuple[str, ...]) -> bytes:
    folder.mkdir(exist_ok=True)
    out = folder / f"list.{name}"  # the same name: some formats say it
    export_detections(project, name, out, statuses=choice)
    return _timeless(out.read_bytes())


def _timeless(data: bytes) -> bytes:
    return _TIMES.sub(b"", data)


def _scanned(folder: Path, project: Path, size: int, dice: random.Random) -> None:
    with Project.create(project) as made, open_section(striped_section(folder, size, dice)) as section:
        run_scan(made, section, Toy())


def striped_section(folder: Path, size: int, dice: random.Random) -> Path:
    """Spots, and scratches longer than three tiles, on stripes."""
    rng, path = np.random.default_rng(dice.randrange(1 << 30)), folder / "section.png"
    picture = rng.integers(0, 20, (size, size, 3), np.uint8)
    picture += (np.arange(size) // 40 % 2 * 60).astype(np.uint8)[None, :, None]
    for x, y in rng.integers(0, size - 32, (size // 20, 2)):
        picture[y : y + 24, x : x + 24] = 240
    for start in np.linspace(0.1, 0.8, max(1, size // 340)):
        ends = [(int(v * size), int(w * size)) for v, w in ((start, 0.05), (start + 0.15, 0.95))]
        cv2.line(picture, ends[0], ends[1], (235, 235, 235), 16)
    cv2.imwrite(str(path), picture)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=240, help="in all")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--only", nargs="+", choices=KINDS, default=list(KINDS))
    args = parser.parse_args()
    with nursery() as made:
        for kind in args.only:
            with tempfile.TemporaryDirectory() as folder:
                dice = random.Random(f"{args.seed} {kind}")
                start = time.perf_counter()
                count = KINDS[kind](made, Path(folder), -(-args.kills // len(args.only)), dice)
                notes = "".join(f", {name} {value}" for name, value in count.notes.items())
                print(f"{kind:8s} {count.kills} kills, nothing lost, {count.untold} stored untold{notes}", end="")
                print(f" ({time.perf_counter() - start:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
