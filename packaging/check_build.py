"""Starts a built Schliff, without a screen, and checks that it does what Schliff run from source does.

    python packaging/check_build.py dist/Schliff

It must list the same readers, models and exporters, write a sample, scan it with every bundled model, export what was found in
every format that asks for nothing more, and draw its window. Prints size and start time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ENOUGH_S = 900


def main() -> int:
    folder = Path(sys.argv[1]).resolve()
    program = folder / ("schliff-cli.exe" if sys.platform == "win32" else "schliff-cli")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"{folder}: {size / 1e9:.2f} GB, {sum(1 for _ in folder.rglob('*')):,} files")
    with tempfile.TemporaryDirectory() as made:
        home = Path(made)
        environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
        environment |= {"SCHLIFF_HOME": str(home / "home"), "QT_QPA_PLATFORM": "offscreen"}

        def run(*words: str | Path) -> str:
            done = subprocess.run(
                [program, *map(str, words)], env=environment, cwd=home, capture_output=True, text=True, timeout=ENOUGH_S
            )
            if done.returncode:
                raise SystemExit(
                    f"{' '.join(map(str, words))}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
                )
            return done.stdout

        times = []
        for _ in range(3):
            before = time.perf_counter()
            run("--version")
            times.append(time.perf_counter() - before)
        print(f"says its version after {min(times):.2f} s (first start {times[0]:.2f} s)")
        built, source = json.loads(run("doctor", "--json")), _source(environment)
        for kind in ("readers", "models", "exporters"):
            if built[kind] != source[kind]:
                raise SystemExit(f"{kind} differ: built {built[kind]}, source {source[kind]}")
            print(f"{kind}: the same {len(built[kind])} as in the source")
        section, project = home / "sample.czi", home / "sample.schliff"
        run("sample", section, "--kind", "battery", "--size", "1500", "--seed", "3")
        for model in built["models"]:
            found = json.loads(
                run("scan", section, "--model", model, "--project", project, "--device", "cpu", "--json")
            )
            print(f"scanned with {model}: {_count(found)} found")
        written = 0
        for exporter in built["exporters"]:
            if exporter not in ASK:
                run("export", project, "--format", exporter, "--out", home / f"out-{exporter}")
                written += 1
        print(f"exported in {written} formats")
        before = time.perf_counter()
        run("demo", "--size", "1500", "--project", home / "demo.schliff", "--screenshot", home / "window.png")
        if (home / "window.png").stat().st_size < 50_000:
            raise SystemExit("the window was not drawn")
        print(f"made, scanned and drew a demo in {time.perf_counter() - before:.1f} s")
    print("The built program works.")
    return 0


# They need a template or a choice of the user's own.
ASK = frozenset({"zen"})


def _source(environment: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "app", "doctor", "--json"],
        env=environment, cwd=Path(__file__).resolve().parent.parent, capture_output=True, text=True, check=True,
    )  # fmt: skip
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _count(told: Any) -> int:
    first = told[0] if isinstance(told, list) else told
    return int(first.get("detections", 0))


if __name__ == "__main__":
    sys.exit(main())
