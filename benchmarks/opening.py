"""How long from the start of the process to the first true pixels of a section, and to a sharp view; beside napari.

    python -m benchmarks.opening SECTION... [--napari PYTHON] [--runs N] [--cold]

`--napari`: an interpreter that has napari (see `opening_napari.py`); without it only Schliff is measured. `--cold` drops each
file from the system's memory before each run. Overviews made by an earlier run are thrown away. Needs a screen, a virtual
one (xvfb-run) will do. Byte code is compiled before by an uncounted run, since an installed program has it. The programs take
turns. Times are medians, in seconds; `worked` is the processor's work of the whole process until the first pixels, which other
programs of the same machine change less. The ratios are napari's over Schliff's.
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


def measure(programs: dict[str, str], path: Path, runs: int, cold: bool) -> list[dict[str, float]]:
    """Medians over `runs`, by turns; `programs`: scripts and their interpreters."""
    found: dict[str, list[dict[str, float]]] = {script: [] for script in programs}
    for turn in range(runs + 1):
        for script, interpreter in programs.items():
            if cold:
                forget(path)
            with tempfile.TemporaryDirectory() as home:
                measured = start(interpreter, script, path, Path(home))
            if turn:  # the first one compiles
                found[script].append(measured)
    return [_medians(runs_of_one) for runs_of_one in found.values()]


def _medians(runs: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(run.get(name, float("nan")) for run in runs) for name in runs[0]}


def row(name: str, times: dict[str, float], napari: dict[str, float] | None) -> str:
    text = f"{name:34s}" + "".join(
        f"{times.get(key, float('nan')):9.2f}" for key in ("window", "first", "worked", "sharp")
    )
    text += f"{times['memory']:9.0f}"
    if napari is not None:
        text += "".join(f"{napari[key] / times[key]:8.1f} x" for key in ("first", "worked", "memory"))
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="+", type=Path)
    parser.add_argument("--napari", help="interpreter that has napari")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--cold", action="store_true")
    args = parser.parse_args()
    temperature = "cold" if args.cold else "warm"
    programs = {"opening_napari.py": args.napari} if args.napari else {}
    programs["opening_window.py"] = sys.executable
    ratios = f"{'÷ first':>10s}{'÷ worked':>10s}{'÷ MB':>10s}" if args.napari else ""
    print(f"{'':34s}{'window':>9s}{'first':>9s}{'worked':>9s}{'sharp':>9s}{'MB':>9s}{ratios}")
    for path in args.sections:
        *peer, ours = measure(programs, path, args.runs, args.cold)
        for napari in peer:
            print(row(f"napari, {path.name}, {temperature}", napari, None), flush=True)
        print(row(f"Schliff, {path.name}, {temperature}", ours, peer[0] if peer else None), flush=True)


if __name__ == "__main__":
    main()
