"""What happens when the disk is full in the middle of something: one clear error, nothing lost, and it goes on afterwards.

    python -m benchmarks.full_disk [--seed 7] [--rounds 8]

Needs the right to mount: each deed is done on a small disk in memory (tmpfs) that is filled but for a few kB (another number in
each round) while it goes on. Then space is made, and the deed is done again. What was decided before is there at every moment, and
in the end all is as on a disk that was never full. `tests/test_faults_disk.py` does the same with a limit on how large files
may grow.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import numpy as np

from benchmarks.killed_work import Toy
from benchmarks.kills import found_in, maps_in, standing, striped_section
from core.errors import ResourceError
from core.export.base import export_detections
from core.overview_cache import OverviewCache
from core.project import Project
from core.project.crop_store import CropStore
from core.pyramid import SectionWithOverviews
from core.readers.base import open_section
from core.review import Review
from core.scan.runner import run_scan
from core.section import Plane

# A time in which nothing more can be written below the folder of a deed.
Full = Callable[[], AbstractContextManager[None]]
_DISK_MB = 48


def refused(deed: Callable[[], object], full: Full) -> bool:
    """Whether a deed on a full disk failed, as it must if it fails: with one error that names a file and says what to do."""
    told: ResourceError | None = None
    try:
        with full():
            deed()
    except ResourceError as error:
        told = error
    if told is None:
        return False
    assert told.path is not None, told
    assert any(word in told.remedy for word in ("space", "drive")), told
    return True


def decide(folder: Path, full: Full) -> bool:
    """Decisions, joins and undo."""
    with _scanned(folder) as project:
        review, ids = Review(project, "Ada"), sorted(one.id for one in project.detections())
        review.decide(ids[:3], "defect", "before")
        before = standing(project.path)
        failed = refused(lambda: [review.decide([one], "artefact", "x" * 20_000) for one in ids], full)
        stands = {one.id: one.status for one in project.detections()}
        stored = [one for one in ids if stands[one] == "artefact"]
        assert stored == ids[: len(stored)], "not those that came before the disk was full"
        assert failed == (len(stored) < len(ids))
        for _ in stored:
            review.undo()
        assert standing(project.path)[: len(ids)] == before[: len(ids)], "a decision is lost"
        assert review.decide(ids[4:5], "unsure") == ids[4:5]
    return failed


def scan(folder: Path, full: Full) -> bool:
    """A scan in the middle of which the disk fills."""

    class Filling(Toy):
        mapped = 0

        def map_tile(self, pixels: np.ndarray) -> np.ndarray:
            self.mapped += 1
            if self.mapped == 12:
                disk.__enter__()
            return super().map_tile(pixels)

    section, disk = striped_section(folder, 320, random.Random(3)), full()
    with Project.create(folder / "whole") as project, open_section(section) as read:
        run_scan(project, read, Toy())
    with Project.create(folder / "p.schliff") as project, open_section(section) as read:

        def run() -> None:
            try:
                run_scan(project, read, Filling())
            finally:
                disk.__exit__(None, None, None)

        failed = refused(run, _nothing)
        assert not failed or run_scan(project, read, Toy()).resumed
    assert found_in(folder / "p.schliff") == found_in(folder / "whole")
    assert maps_in(folder / "p.schliff") == maps_in(folder / "whole")
    return failed


def export(folder: Path, full: Full) -> bool:
    """A list in place of an older one."""
    with _scanned(folder) as project:
        out = folder / "list.html"
        export_detections(project, "gallery-html", out)
        before = out.read_bytes()
        Review(project, "Ada").decide([1, 2], "defect")
        failed = refused(lambda: export_detections(project, "gallery-html", out, statuses=("defect",)), full)
        assert not failed or out.read_bytes() == before, "neither the old one nor the new one"
        assert not [one for one in folder.iterdir() if one.name.endswith(".part")], "something is left beside it"
        assert export_detections(project, "gallery-html", out, statuses=("defect",)) == 2
    return failed


def overviews(folder: Path, full: Full) -> bool:
    """Overviews that are being built."""
    import tifffile

    path = folder / "section.tif"
    noise = np.random.default_rng(3).integers(0, 256, (2500, 2500), np.uint8)
    tifffile.imwrite(path, noise, tile=(256, 256))
    read = SectionWithOverviews(open_section(path), OverviewCache(folder / "cache"))
    with closing(read):
        failed = refused(lambda: read.build_overviews(Plane()), full)
        assert failed != read.overviews_ready(Plane())
        read.build_overviews(Plane())
        assert read.overviews_ready(Plane())
    return failed


def crops(folder: Path, full: Full) -> bool:
    """Pictures of detections, which are done without: nobody is told."""
    store = CropStore(folder / "crops")
    store.put(b"before", b"kept")
    with full():
        for number in range(200):
            store.put(str(number).encode(), bytes(2000))
        assert store.get(b"before") in (b"kept", None)
    store.close()
    again = CropStore(folder / "crops")
    again.put(b"after", b"new")
    assert (again.get(b"before"), again.get(b"after")) == (b"kept", b"new")
    again.close()
    return True


def checkpoint(folder: Path, full: Full) -> bool:
    """What a training goes on from."""
    import torch

    from core.train.checkpoint import Checkpoint

    network = torch.nn.Linear(300, 300)
    optimiser = torch.optim.SGD(network.parameters())
    rate = torch.optim.lr_scheduler.StepLR(optimiser, 1)
    path = folder / "checkpoint"
    kept = Checkpoint(path, {"network": network.state_dict()}, optimiser, rate, np.random.default_rng(1))
    kept.save(1, {})
    failed = refused(lambda: kept.save(2, {}), full)
    assert kept.load()[0] == (1 if failed else 2)
    kept.save(3, {})
    assert kept.load()[0] == 3
    return failed


DEEDS: dict[str, Callable[[Path, Full], bool]] = {
    "decide": decide,
    "scan": scan,
    "export": export,
    "overviews": overviews,
    "crops": crops,
    "checkpoint": checkpoint,
}


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@contextmanager
def _scanned(folder: Path) -> Iterator[Project]:
    section = striped_section(folder, 320, random.Random(3))
    with Project.create(folder / "p.schliff") as project, open_section(section) as read:
        run_scan(project, read, Toy())
        yield project


@contextmanager
def _small_disk() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        size = f"size={_DISK_MB}m"
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", folder], check=True)
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=True)


def _filled(disk: Path, left: int) -> Full:
    @contextmanager
    def full() -> Iterator[None]:
        ballast = disk / "ballast"
        with ballast.open("wb") as file:
            while True:
                state = os.statvfs(disk)
                try:
                    os.posix_fallocate(file.fileno(), 0, max(1, state.f_bavail * state.f_frsize - left))
                    break
                except OSError:  # another thread was writing meanwhile
                    os.ftruncate(file.fileno(), 0)
        try:
            yield
        finally:
            ballast.unlink()

    return full


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=8)
    args = parser.parse_args()
    if sys.platform != "linux" or os.geteuid() != 0:
        raise SystemExit("this needs Linux and the right to mount")
    dice = random.Random(args.seed)
    for name, deed in DEEDS.items():
        failed = 0
        for number in range(args.rounds):
            left = (0, 4096)[number] if number < 2 else dice.choice((8, 16, 32, 64, 128)) << 10
            with _small_disk() as disk:
                failed += deed(disk, _filled(disk, left))
        print(f"{name:10s} {args.rounds} × a full disk, {failed} × refused, nothing lost", flush=True)


if __name__ == "__main__":
    main()
