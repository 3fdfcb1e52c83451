"""How long from the start of the process to the first true pixels of a section, and to a sharp view; beside napari.

    python -m benchmarks.opening SECTION... [--napari PYTHON] [--runs N] [--cold]

`--napari`: an interpreter that has napari (see `opening_napari.py`); without it only Schliff is measured. `--cold` drops each
file from the system's memory before each run. Overviews made by an earlier run are thrown away, except in the row that says
so. Needs a screen, a virtual one (xvfb-run) will do. Byte code is compiled before by an uncounted run, since an installed
program has it. Times are medians, in seconds, and the processor's of the whole process until the first pixels; ratios are
napari's over Schliff's.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
LONGEST_S = 180.0


def forget(path: Path) -> None:
    """Drops a file from the page cache."""
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    for file in files:
        with file.open("rb") as stream:
            os.fsync(stream.fileno())
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def start(interpreter: str, script: str, path: Path, home: Path) -> dict[str, float]:
    """Byte code is kept, as an installed program has it."""
    cache = Path(tempfile.gettempdir()) / "schliff-opening-byte-code"
    environment = os.environ | {"SCHLIFF_STARTED": repr(time.time()), "SCHLIFF_HOME": str(home)}
    environment |= {"PYTHONPATH": str(HERE.parent), "PYTHONPYCACHEPREFIX": str(cache)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        [interpreter, str(HERE / script), str(path), str(LONGEST_S)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=LONGEST_S + 60,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        raise SystemExit(f"{script} failed on {path}:\n{done.stderr[-2000:]}")
    return json.loads(lines[-1])


def measure(interpreter: str, script: str, path: Path, runs: int, cold: bool, home: Path | None) -> dict[str, float]:
    """Medians over `runs`. `home`: one place for all runs, so that overviews stay; None: a fresh one each."""
    found = []
    for turn in range(runs + 1):
        if cold:
            forget(path)
        with tempfile.TemporaryDirectory() as fresh:
            measured = start(interpreter, script, path, home or Path(fresh))
        if turn:  # the first one compiles
            found.append(measured)
    return {name: statistics.median(run.get(name, float("nan")) for run in found) for name in found[0]}


def row(name: str, times: dict[str, float], napari: dict[str, float] | None) -> str:
    text = f"{name:34s}" + "".join(
        f"{times.get(key, float('nan')):9.2f}" for key in ("window", "first", "worked", "sharp")
    )
    text += f"{times['memory']:9.0f}"
    if napari is not None:
        text += f"   {napari['first'] / times['first']:5.1f} x sooner, {napari['memory'] / times['memory']:4.1f} x less memory"
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="+", type=Path)
    parser.add_argument("--napari", help="interpreter that has napari")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--cold", action="store_true")
    args = parser.parse_args()
    temperature = "cold" if args.cold else "warm"
    print(f"{'':34s}{'window':>9s}{'first':>9s}{'worked':>9s}{'sharp':>9s}{'MB':>9s}")
    for path in args.sections:
        peer = None
        if args.napari:
            peer = measure(args.napari, "opening_napari.py", path, args.runs, args.cold, None)
            print(row(f"napari, {path.name}, {temperature}", peer, None), flush=True)
        ours = measure(sys.executable, "opening_window.py", path, args.runs, args.cold, None)
        print(row(f"Schliff, {path.name}, {temperature}", ours, peer), flush=True)


if __name__ == "__main__":
    main()
