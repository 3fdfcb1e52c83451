"""Starts a built Schliff, without a screen, and checks that it does what Schliff run from source does.

    python packaging/check_build.py dist/Schliff

It must list the same readers, models, exporters and trainers, load every module, find the same in a sample with every bundled
model, in this process and in a worker's, read every form of picture, export in every format that asks for nothing more, and draw
its window. Prints its size, and how soon its window is there beside `python -m app`, in turns.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

FOLDER = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(FOLDER))
ENOUGH_S = 900
STARTS = 5
NEEDS_A_TEMPLATE = frozenset({"zen"})
LISTS = ("readers", "models", "exporters", "trainers")


@dataclass(frozen=True)
class Program:
    """Schliff as others start it: the built one, or this source."""

    command: Sequence[str]
    home: Path
    environment: Mapping[str, str]

    def run(self, *words: str | Path) -> str:
        """What it prints. Raises SystemExit with all it said where it fails."""
        said = [str(word) for word in words]
        done = subprocess.run(
            [*self.command, *said],
            env=dict(self.environment),
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=ENOUGH_S,
        )
        if done.returncode:
            raise SystemExit(f"{' '.join(said)}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def told(self, *words: str | Path) -> Any:
        return json.loads(self.run(*words, "--json"))

    def seconds_to_window(self) -> float:
        """From its start until its log begins, which is soon after the window can be used."""
        logs = Path(self.environment["SCHLIFF_HOME"]) / "logs"
        before, known = time.perf_counter(), set(logs.glob("*.log"))
        process = subprocess.Popen(self.command, env=dict(self.environment), cwd=self.home, stderr=subprocess.DEVNULL)
        try:
            while set(logs.glob("*.log")) == known:
                if process.poll() is not None or time.perf_counter() - before > ENOUGH_S:
                    raise SystemExit("the window did not come up")
                time.sleep(0.005)
            return time.perf_counter() - before
        finally:
            process.terminate()
            process.wait()


def main() -> int:
    folder = Path(sys.argv[1]).resolve()
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    print(f"{folder}: {sum(path.stat().st_size for path in files) / 1e9:.2f} GB, {len(files):,} files")
    with tempfile.TemporaryDirectory() as made:
        home = Path(made)
        built, source = programs(folder, home)
        check_lists(built.told("doctor", "--load"), source.told("doctor"))
        check_licences(folder)
        section, project = home / "sample.czi", home / "built.schliff"
        built.run("sample", section, "--kind", "battery", "--size", "1500", "--seed", "3")
        models = [model["id"] for model in source.told("models") if model["source"] == "bundled"]
        check_scans(built, source, section, models)
        check_worker(built, section, home, models)
        check_forms(built, section, home)
        formats = [one for one in source.told("doctor")["exporters"] if one not in NEEDS_A_TEMPLATE]
        for one in formats:
            built.run("export", project, "--format", one, "--out", home / f"out-{one}")
        print(f"exported in {len(formats)} formats")
        built.run("demo", "--size", "1500", "--project", home / "demo.schliff", "--screenshot", home / "window.png")
        if (home / "window.png").stat().st_size < 50_000:
            raise SystemExit("the window was not drawn")
        print("made, scanned and drew a demo")
        tell_start(built, source)
    print("The built program works.")
    return 0


def programs(folder: Path, home: Path) -> tuple[Program, Program]:
    """The built one, which must find nothing of this environment, and the source."""
    shared = {"SCHLIFF_HOME": str(home / "home"), "QT_QPA_PLATFORM": "offscreen"}
    bare = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    name = "schliff-cli.exe" if sys.platform == "win32" else "schliff-cli"
    from_source = os.environ | shared | {"PYTHONPATH": str(FOLDER)}
    return Program([str(folder / name)], home, bare | shared), Program([sys.executable, "-m", "app"], home, from_source)


def check_lists(built: Mapping[str, Any], source: Mapping[str, Any]) -> None:
    """Raises SystemExit where the two say of themselves that they can do different things, or a part can't be loaded."""
    for kind in LISTS:
        if built[kind] != source[kind]:
            raise SystemExit(f"{kind} differ: built {built[kind]}, source {source[kind]}")
        print(f"{kind}: the same {len(built[kind])} as in the source")
    if built["problems"]:
        raise SystemExit("\n".join(built["problems"]))
    if built["schliff"] != source["schliff"] or built["libraries"] != source["libraries"]:
        raise SystemExit(f"versions differ: built {built['libraries']}, source {source['libraries']}")
    print("every module can be loaded, whatever scans and trains too")


def check_licences(folder: Path) -> None:
    from core.licences import INDEX, allowed, read_index

    place = next(folder.rglob(f"licences/{INDEX}")).parent
    parts = read_index(place)
    bad = [part.name for part in parts if not allowed(part.licence) or not all(text.is_file() for text in part.texts)]
    if bad or not {"schliff", "Python", "PySide6_Essentials", "torch"} <= {part.name for part in parts}:
        raise SystemExit(f"licences are not as they must be: {bad or [part.name for part in parts]}")
    print(f"brings the licences of {len(parts)} parts")


def check_scans(built: Program, source: Program, section: Path, models: Sequence[str]) -> None:
    """Both find the same with every model; into built.schliff and source.schliff."""
    for model in models:
        found = []
        for program, name in ((built, "built"), (source, "source")):
            words = (
                "scan",
                section,
                "--model",
                model,
                "--project",
                program.home / f"{name}.schliff",
                "--device",
                "cpu",
            )
            found.append(counted(program.told(*words)))
        if found[0] != found[1]:
            raise SystemExit(f"{model} finds {found[0]} in the built program, {found[1]} in the source")
        print(f"{model}: finds the same {found[0][0]} as in the source")


def check_worker(built: Program, section: Path, home: Path, models: Sequence[str]) -> None:
    """The built program scans as its window has it done: in a process of its own, asked over a pipe."""
    from core.models.catalog import find_model
    from core.scan.options import ScanOptions
    from core.scan.request import ScanRequest
    from core.worker import WORKER_ARGUMENT, process
    from core.worker.supervisor import run_in_worker, scanning_worker

    process._command = lambda: [*built.command, WORKER_ARGUMENT]
    request = ScanRequest.of(section, home / "worker.schliff", find_model(models[0]), ScanOptions(device="cpu"))
    worker = scanning_worker()
    try:
        print(f"{models[0]} in a worker process: {run_in_worker(request, worker=worker).detections} found")
    finally:
        worker.close()


def check_forms(built: Program, section: Path, home: Path) -> None:
    """One corner of a section in every form: the same is found where no pixel was lost."""
    from check_files import write_all

    exact, lossy = write_all(section, home / "forms")
    told = built.told(
        "scan", *exact, *lossy, "--model", "texture", "--project", home / "forms.schliff", "--device", "cpu"
    )
    found = [one["detections"] for one in told]
    if len(found) != len(exact) + len(lossy) or len(set(found[: len(exact)])) != 1:
        raise SystemExit(f"not every form of picture is read alike: {found}")
    print(f"read {len(found)} forms of pictures")


def counted(told: Any) -> list[int]:
    return [one["detections"] for one in (told if isinstance(told, list) else [told])]


def tell_start(built: Program, source: Program) -> None:
    times: dict[str, list[float]] = {"built": [], "source": []}
    for turn in range(STARTS + 1):  # the first of each fills caches
        for name, program in (("built", built), ("source", source)):
            seconds = program.seconds_to_window()
            if turn:
                times[name].append(seconds)
    here, there = median(times["built"]), median(times["source"])
    print(
        f"its window can be used after {here:.2f} s; from source {there:.2f} s ({here / there:.2f} x), medians of {STARTS}"
    )


if __name__ == "__main__":
    sys.exit(main())
