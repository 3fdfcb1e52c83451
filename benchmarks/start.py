"""How long from the start of the process to a window that can be used; beside a bare PySide6 window, by turns in one run.

    python -m benchmarks.start [--runs 7]

Prints medians in milliseconds, of the clock and of the processor's work until then, which other programs of the same machine
change less; and their ratios. Byte code is compiled before (a first, uncounted run of each does it).
Works without a screen (QT_QPA_PLATFORM=offscreen).
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent

BARE = """
from PySide6.QtWidgets import QApplication, QWidget
app = QApplication([])
window = QWidget()
window.show()
app.processEvents()
import os, time
print(time.time() - float(os.environ["STARTED"]), time.process_time())
"""
SCHLIFF = """
import os, time
import app.start as start
begin = start._begin
def told(window):
    print(time.time() - float(os.environ["STARTED"]), time.process_time())
    begin(window)
start._begin = told
start.prepare(None)
app = start.make_application()
window = start.launch(app)
app.processEvents()
print(time.time() - float(os.environ["STARTED"]), time.process_time())
window.close()
"""


def run(code: str, home: str, cache: str) -> list[float]:
    """Clock and processor's work until each step, in milliseconds."""
    environment = os.environ | {"STARTED": repr(time.time()), "SCHLIFF_HOME": home, "PYTHONPYCACHEPREFIX": cache}
    environment |= {"PYTHONPATH": str(ROOT)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return [float(word) * 1000 for word in done.stdout.split()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryDirectory() as cache:
        found: dict[str, list[list[float]]] = {BARE: [], SCHLIFF: []}
        for turn in range(runs + 1):
            for code, times in found.items():
                measured = run(code, home, cache)
                if turn:
                    times.append(measured)
    bare, schliff = ([statistics.median(column) for column in zip(*times, strict=True)] for times in found.values())
    print(f"{'':31s}{'clock':>8s}{'÷ bare':>8s}{'work':>8s}{'÷ bare':>8s}")
    print(row("a bare PySide6 window", bare, bare))
    print(row("Schliff: window and start page", schliff[:2], bare))
    print(row("Schliff: menus and all", schliff[2:], bare))


def row(name: str, step: list[float], bare: list[float]) -> str:
    return f"{name:31s}" + "".join(f"{ours:8.0f}{ours / theirs:8.2f}" for ours, theirs in zip(step, bare, strict=True))


if __name__ == "__main__":
    main()
