"""How long from the start of the process to a window that can be used; beside a bare PySide6 window, in one run.

    python -m benchmarks.start [--runs 7]

Prints the best and the median in milliseconds, and the ratio of the medians. Byte code is compiled before (a first, uncounted run of each does it).
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
print(time.time() - float(os.environ["STARTED"]))
"""
SCHLIFF = """
import os, time
import app.start as start
begin = start._begin
def told(window):
    print(time.time() - float(os.environ["STARTED"]))
    begin(window)
start._begin = told
start.prepare(None)
app = start.make_application()
window = start.launch(app)
app.processEvents()
print(time.time() - float(os.environ["STARTED"]))
window.close()
"""


def run(code: str, home: str, cache: str) -> list[float]:
    environment = os.environ | {"STARTED": repr(time.time()), "SCHLIFF_HOME": home, "PYTHONPYCACHEPREFIX": cache}
    environment |= {"PYTHONPATH": str(ROOT)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return [float(line) * 1000 for line in done.stdout.split()]


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
    bare = [times[0] for times in found[BARE]]
    print(f"{'':31s}{'best':>8s}{'median':>8s}")
    print(row("a bare PySide6 window", bare, bare))
    for k, name in enumerate(("Schliff: window and start page", "Schliff: menus and all")):
        print(row(name, [times[k] for times in found[SCHLIFF]], bare))


def row(name: str, times: list[float], bare: list[float]) -> str:
    median = statistics.median(times)
    return f"{name:31s}{min(times):5.0f} ms{median:5.0f} ms   {median / statistics.median(bare):.2f} x"


if __name__ == "__main__":
    main()
