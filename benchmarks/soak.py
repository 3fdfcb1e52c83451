"""A window that is used without a pause: does it hold more and more, does it leave threads and files behind, does it stutter.

    python -m benchmarks.soak [--minutes 30] [--size 100000] [--boxes 12000] [--budget 512] [--seed 1]

The real window at 1600 × 1000 (on Xvfb where there is no screen) over a pyramidal TIFF with a heat map and thousands of
detections: panned, zoomed, its list sorted, searched and scrolled, its threshold moved, detections decided and undone, dialogs
shown, regions scanned and the scans stopped, another section opened and the first one again; sixty actions a second, in random
order. All caches may hold little, so that they are full within a minute and whatever grows after that is something else.

Every half minute one line: memory of the window and of its processes (MB), threads, open files, QObjects, items of scenes,
Python's objects, the longest time in which the window came to no event (by the clock, and what the processor worked then),
and how often that was over 100 ms so far. In the end: what grew in the second half, what the window was doing in the longest
turns, whether the machine was late then, too (`soak_pulse`), and a verdict.
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
    from benchmarks.soak_gauges import Reading
    from benchmarks.soak_pulse import Pulse, Stall

READ_EVERY_S = 30
MOST_SLOPE_MB = 2.0  # a minute, in the second half
PROGRAM_MB = 450  # with its libraries, panels, and the tiles of one screen
GAPS = 0.4  # of what caches may hold: between what they hold, where nothing else fits
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
    parser.add_argument("--budget", type=int, default=512, help="MB that all caches may hold")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def soak(folder: Path, options: argparse.Namespace) -> bool:
    """Whether all went as it should."""
    from app.settings import Settings
    from app.start import launch, make_application, prepare
    from benchmarks.soak_actions import Hand
    from benchmarks.soak_file import write_project, write_section
    from benchmarks.soak_gauges import HEADER, Reading
    from benchmarks.soak_pulse import Pulse
    from core.memory import budget, set_budget

    prepare(folder / "section.tif")
    set_budget(options.budget << 20)  # before the files are written: that makes a cache, too
    section = write_section(folder / "section.tif", options.size)
    other = write_section(folder / "other.tif", 12_000, seed=2)
    write_project(section, folder / "section.schliff", options.boxes)
    Settings().set("tour_over", True)
    app = make_application()
    window = launch(app, section)
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
        if time.perf_counter() - began > READ_EVERY_S * len(readings):
            readings.append(Reading.take(began))
            print(readings[-1].row(pulse), flush=True)
            pulse.worst = pulse.worst_worked = 0.0
            pulse.skip()
        if time.perf_counter() - began > 60 * options.minutes:
            break
    pulse.stop()
    window.session.queue.cancel_all()
    while window.session.queue.running is not None:  # a window in the middle of a scan asks before it closes
        app.processEvents()
        time.sleep(0.002)
    window.close()
    app.processEvents()
    print("actions: " + ", ".join(f"{name} {count}" for name, count in done.most_common()))
    held = held_as_it_should(readings, budget() / 2**20)
    moved = moved_as_it_should(pulse)
    return held and moved


def held_as_it_should(readings: list[Reading], budget_mb: float) -> bool:
    """Whether memory became level below the ceiling, and nothing else grew; says so."""
    from benchmarks.soak_gauges import grown

    later = readings[len(readings) // 2 :]
    first, last = later[0], later[-1]
    third = max(1, len(later) // 3)
    more = {
        name: statistics.median(getattr(r, name) for r in later[-third:])
        - statistics.median(getattr(r, name) for r in later[:third])
        for name in ("threads", "handles", "workers", "qobjects", "items")
    }
    print(f"types that grew from minute {first.seconds / 60:.0f} to {last.seconds / 60:.0f}: {grown(first, last)}")
    ceiling = PROGRAM_MB + (1 + GAPS) * budget_mb
    most = max(reading.resident for reading in readings)
    below = most < ceiling
    print(f"memory: at most {most:.0f} MB; caches may hold {budget_mb:.0f}, ceiling {ceiling:.0f}: {_said(below)}")
    level = [is_level(later, "resident", "the window"), is_level(later, "workers_resident", "its processes")]
    tidy = all(more[name] <= SPREAD for name in ("threads", "handles", "workers"))
    print("more than before: " + ", ".join(f"{name} {n:+.0f}" for name, n in more.items()) + f": {_said(tidy)}")
    return below and all(level) and tidy


def is_level(readings: list[Reading], name: str, what: str) -> bool:
    from benchmarks.soak_gauges import slope

    rise, error = slope(readings, name)
    values = [getattr(reading, name) for reading in readings]
    level = rise < MOST_SLOPE_MB
    between = f"{min(values):.0f} to {max(values):.0f} MB in the second half"
    print(f"memory of {what}: {between}, {rise:+.2f} ± {error:.2f} MB a minute: {_said(level)}")
    return level


def moved_as_it_should(pulse: Pulse) -> bool:
    """Whether no frame was late for the program's own reasons; says what it did in the longest turns."""
    from benchmarks.soak_pulse import BUSY_MS, LATE_MS, SLOW_MS

    slow = [stall for stall in pulse.stalls if stall.ms > SLOW_MS]
    own = [stall for stall in slow if stall.own_ms > SLOW_MS]
    alone = [stall for stall in slow if stall.control_ms < LATE_MS]
    busy = [stall for stall in pulse.stalls if stall.worked_ms > BUSY_MS]
    most = max((stall.worked_ms for stall in pulse.stalls), default=0.0)
    _show("longest without the time in which no core was free", sorted(slow, key=lambda one: -one.own_ms))
    _show("most work", sorted(busy, key=lambda one: -one.worked_ms))
    print(
        f"turns over {SLOW_MS} ms by the clock: {len(slow)} of {pulse.beats}; while the control was on time: {len(alone)}"
    )
    print(f"turns in which the processor worked over {BUSY_MS} ms: {len(busy)}, at most {most:.0f} ms")
    print(f"over {SLOW_MS} ms without the time in which no core was free: {len(own)}: {_said(not own)}")
    return not own


def _show(what: str, stalls: list[Stall], most: int = 15) -> None:
    print(f"{what}:")
    for stall in stalls[:most]:
        print(stall)


def _said(good: bool) -> str:
    return "as it should be" if good else "NOT as it should be"


if __name__ == "__main__":
    main()
