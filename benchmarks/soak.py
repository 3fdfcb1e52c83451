"""A window that is used without a pause: does it hold more and more, does it leave threads and files behind, does it stutter.

    python -m benchmarks.soak [--minutes 30] [--size 100000] [--boxes 12000] [--seed 1]

The real window at 1600 × 1000 (on Xvfb where there is no screen) over a pyramidal TIFF with a heat map and thousands of
detections: panned, zoomed, its list sorted, searched and scrolled, its threshold moved, detections decided and undone, dialogs
shown, regions scanned and the scans stopped, another section opened and the first one again; sixty actions a second, in random
order. Every minute one line: memory of the window and of its processes (MB), threads, open files, QObjects, items of scenes,
Python's objects, the longest time in which the window came to no event (by the clock, and what the processor worked then),
and how often that was over 100 ms so far. In the end: what grew, where the slow frames were, and a verdict.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.pan import FRAME_S, SIZE, screen

if TYPE_CHECKING:
    from benchmarks.soak_gauges import Pulse, Reading

WARM_SHARE = 0.3  # of the time, until all caches are full and all panels made
MOST_SLOPE_MB = 2.0  # a minute, after that
BEYOND_CACHES_MB = 350
SPREAD = 3  # threads and files come and go with what is being read


def main() -> None:
    options = arguments()
    with screen(), tempfile.TemporaryDirectory(prefix="schliff-soak-") as folder:
        os.environ["SCHLIFF_HOME"] = str(Path(folder) / "home")
        raise SystemExit(0 if soak(Path(folder), options) else 1)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--size", type=int, default=100_000, help="px along each side")
    parser.add_argument("--boxes", type=int, default=12_000)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def soak(folder: Path, options: argparse.Namespace) -> bool:
    """Whether all went as it should."""
    from app.start import launch, make_application, prepare
    from benchmarks.soak_actions import Hand
    from benchmarks.soak_file import write_project, write_section
    from benchmarks.soak_gauges import HEADER, Pulse, Reading
    from core.memory import budget

    section = write_section(folder / "section.tif", options.size)
    other = write_section(folder / "other.tif", 12_000, seed=2)
    write_project(section, folder / "section.schliff", options.boxes)
    prepare(section)
    app = make_application()
    window = launch(app, section)
    window.settings.set("tour_over", True)
    window.resize(*SIZE)
    began = time.perf_counter()
    while not (window.session.section is not None and window.is_settled):
        app.processEvents()
        time.sleep(0.002)
        if time.perf_counter() - began > 120:
            raise TimeoutError("the section was not shown")
    print(f"{options.size} px, {len(window.session.detections)} detections; {app.platformName()}\n{HEADER}", flush=True)
    pulse = Pulse()
    pulse.start()
    began = time.perf_counter()
    readings = [Reading.take(began)]
    done: Counter[str] = Counter()
    due = time.perf_counter()
    pulse.skip()
    for name, action in Hand(window, section, other, options.seed).work():
        pulse.doing = name
        done[name] += 1
        action()
        due = max(due + FRAME_S, time.perf_counter())
        while time.perf_counter() < due:
            app.processEvents()
            time.sleep(0.001)
        app.processEvents()
        if time.perf_counter() - began > 60 * len(readings):
            readings.append(Reading.take(began))
            print(readings[-1].row(pulse), flush=True)
            pulse.worst = pulse.worst_worked = 0.0
            pulse.skip()
        if time.perf_counter() - began > 60 * options.minutes:
            break
    pulse.stop()
    window.close()
    app.processEvents()
    print("actions: " + ", ".join(f"{name} {count}" for name, count in done.most_common()))
    return verdict(readings, pulse, budget() / 2**20)


def verdict(readings: list[Reading], pulse: Pulse, budget_mb: float) -> bool:
    from benchmarks.soak_gauges import grown, slope

    warm = readings[int(WARM_SHARE * len(readings)) :]
    first, last = warm[0], warm[-1]
    most = max(reading.resident for reading in readings)
    rise = slope(warm, "resident")
    third = max(1, len(warm) // 3)
    more = {
        name: statistics.median(getattr(r, name) for r in warm[-third:])
        - statistics.median(getattr(r, name) for r in warm[:third])
        for name in ("threads", "handles", "workers", "qobjects", "items")
    }
    for stall in sorted(pulse.stalls, key=lambda one: -one.ms)[:12]:
        print(f"{stall.ms:6.0f} ms ({stall.worked_ms:.0f} worked) during {stall.doing}: {stall.where}")
    print(f"types that grew from minute {first.seconds / 60:.0f} to {last.seconds / 60:.0f}: {grown(first, last)}")
    bounded = rise < MOST_SLOPE_MB and most < budget_mb + BEYOND_CACHES_MB
    tidy = all(more[name] <= SPREAD for name in ("threads", "handles", "workers"))
    print(f"memory: at most {most:.0f} MB (caches may hold {budget_mb:.0f}), {rise:+.2f} MB a minute: {_said(bounded)}")
    print("more than before: " + ", ".join(f"{name} {n:+.0f}" for name, n in more.items()) + f": {_said(tidy)}")
    print(f"frames over 100 ms: {len(pulse.stalls)} of {pulse.beats} beats: {_said(not pulse.stalls)}")
    return bounded and tidy and not pulse.stalls


def _said(good: bool) -> str:
    return "as it should be" if good else "NOT as it should be"


if __name__ == "__main__":
    main()
