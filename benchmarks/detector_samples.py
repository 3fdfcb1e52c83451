"""Decides how the benchmarks of detectors make sample sections, ask a model to find what was planted, and judge it.

All by the program's own commands, as a user would; average precision is that of boxes (`core.average_precision`).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.average_precision import ELEVEN_POINTS, class_precisions, coco_precisions
from core.check import Found, check
from core.project import Project
from core.synthetic.battery import UM_PER_PX
from core.truth import TruthBox, read_truth, truth_beside

# Far enough that no detection matches another section's truth.
_APART_PX = 1e7


@dataclass(frozen=True)
class Exam:
    """What a model said of sections, and what is there, all in one frame; `mm2` that were looked at, `seconds` it took."""

    model: str
    found: tuple[Found, ...]
    marked: tuple[TruthBox, ...]
    threshold: float
    mm2: float
    seconds: float


def make_samples(folder: Path, size: int, defects: int, seeds: Sequence[int]) -> list[Path]:
    """Battery sections SEED.czi with truths beside; those that are there already stay."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{seed}.czi" for seed in seeds]
    for path in paths:
        if not truth_beside(path).is_file():
            options = ("--kind", "battery", "--size", size, "--defects", defects, "--seed", path.stem)
            schliff("sample", path, *options)
    return paths


def examine(model: str, sections: Sequence[Path]) -> Exam:
    """Scans the sections with a model, named by its id or folder."""
    found: list[Found] = []
    marked: list[TruthBox] = []
    scans = []
    with tempfile.TemporaryDirectory(prefix="schliff-exam-") as folder:
        for number, section in enumerate(sections):
            away = number * _APART_PX
            project = Path(folder) / section.stem
            scans.append(json.loads(schliff("scan", section, "--model", model, "--project", project, "--json")))
            with Project.open(project) as opened:
                detections = opened.detections(scans[-1]["scan_id"])
            found += [Found(d.label, d.score, d.box.moved(away, 0)) for d in detections]
            marked += [TruthBox(t.label, t.box.moved(away, 0)) for t in read_truth(truth_beside(section))]
    mm2 = sum(scan["megapixels"] for scan in scans) * UM_PER_PX**2
    seconds = sum(scan["seconds"] for scan in scans)
    return Exam(str(model), tuple(found), tuple(marked), scans[0]["threshold"], mm2, seconds)


def map50(exam: Exam) -> float:
    return float(np.mean(list(class_precisions(exam.found, exam.marked, 0.5).values())))


def report(exam: Exam, title: str) -> None:
    """AP per class at three ways of counting, then all defects at the model's threshold, as `schliff check` counts."""
    columns = [
        class_precisions(exam.found, exam.marked, 0.5),
        class_precisions(exam.found, exam.marked, 0.5, ELEVEN_POINTS),
        coco_precisions(exam.found, exam.marked),
    ]
    figures = check(exam.found, exam.marked, exam.threshold)
    print(f"\n{title}: {exam.model}\n")
    print("| class | marked | AP50 | AP50, 11 points | AP 50–95 | recall | precision |\n|---|---|---|---|---|---|---|")
    for label in columns[0]:
        row, count = figures["classes"].get(label, {}), sum(one.label == label for one in exam.marked)
        told = [_number(row.get(name)) for name in ("recall", "precision")]
        print(f"| {label} | {count} | " + " | ".join([*(f"{column[label]:.3f}" for column in columns), *told]) + " |")
    means = " | ".join(f"**{np.mean(list(column.values())):.3f}**" for column in columns)
    whole = figures["defects"]
    recall, precision = _number(whole["recall"]), _number(whole["precision"])
    print(f"| mean; all defects | {len(exam.marked)} | {means} | {recall} | {precision} |")
    print(
        f"\nThreshold {exam.threshold}: {whole['fp']} false alarms in {exam.mm2:.1f} mm², {whole['fp'] / exam.mm2:.2f} per "
        f"mm²; {figures['artefacts_called_defects']} traces of preparation called defects. {exam.seconds:.0f} s.",
        flush=True,
    )


def schliff(*words: object) -> str:
    """One command of the program; what it prints."""
    command = [sys.executable, "-m", "app", *map(str, words)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
