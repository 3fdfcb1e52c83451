"""A light detector on small images that nobody here made: DeepPCB (circuit boards, 640 px) and NEU-DET (steel, 200 px).

    python -m benchmarks.detector_public ../shared/data [--sets deeppcb neu_det] [--steps 600] [--network ssd_cells]
        [--pretrained] [--folder DIR]

DeepPCB's own text files become a CSV of boxes in a temporary folder; NEU-DET is read as the Pascal VOC it is. Of every
board, or class of steel, the last fifth of the numbers is judged on, since neighbouring numbers show the same piece.
DeepPCB is judged at IoU 0.33 as its authors do, and both at 0.5 and by COCO's mean. `--pretrained` trains NEU-DET a second
time, from DeepPCB's detector in place of random weights: there are no ImageNet weights without a connection.
All of DeepPCB and NEU-DET with a graphics card: `--network fasterrcnn_resnet50_fpn --steps 20000`.
"""

from __future__ import annotations

import argparse
import csv
import re
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.detector_learning import train
from core.average_precision import class_precisions, coco_precisions
from core.data.reading import read_marks
from core.jobs import CancelToken
from core.models.catalog import load_model, read_model_folder
from core.train.dataset import read_labelled
from core.train.evaluate import Findings, find_on

DEFECTS = ("open", "short", "mousebite", "spur", "copper", "pin_hole")  # DeepPCB's numbers 1 to 6
SETTINGS: dict[str, dict[str, object]] = {
    "deeppcb": {"crop_px": 320, "batch": 4},
    "neu_det": {"crop_px": 192, "batch": 8},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--sets", nargs="+", choices=list(SETTINGS), default=list(SETTINGS))
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--network", default="ssd_cells")
    parser.add_argument("--pretrained", action="store_true")
    parser.add_argument("--folder", type=Path, help="where models stay; else they are thrown away")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="schliff-public-") as scratch:
        models = args.folder or Path(scratch)
        for name in args.sets:
            training, exam = PREPARED[name](args.data / name, Path(scratch) / name)
            starts = ["", str(models / "deeppcb-random")] if args.pretrained and name == "neu_det" else [""]
            for start in starts:
                model = models / f"{name}-{Path(start).name or 'random'}"
                fixed = {"network": args.network, "steps": args.steps, "every": args.steps, "um_per_px": 1}
                told = train(training, model, {**fixed, **SETTINGS[name], "weights": start}, [])
                report(
                    f"{name}, {args.network}, from {Path(start).name or 'random weights'}, {told}", judged(model, exam)
                )


def judged(model: Path, data: Path) -> Findings:
    """What the model finds in every picture of a folder."""
    spec = read_model_folder(model)
    detector = load_model(spec, "auto")
    pictures = [read_labelled(picture, detector.spec) for picture in read_marks(data).pictures]
    return find_on(detector, [section for sections in pictures for section in sections], CancelToken())


def report(title: str, findings: Findings) -> None:
    found, marked = findings.found, findings.marked
    columns = [class_precisions(found, marked, iou) for iou in (0.33, 0.5)] + [coco_precisions(found, marked)]
    print(f"\n{title}\n\n| class | marked | AP at 0.33 | at 0.5 | 0.50–0.95 |\n|---|---|---|---|---|")
    for label in columns[0]:
        count = sum(one.label == label for one in marked)
        print(f"| {label} | {count} | " + " | ".join(f"{column[label]:.3f}" for column in columns) + " |")
    means = (f"**{np.mean(list(column.values())):.3f}**" for column in columns)
    print(f"| mean | {len(marked)} | " + " | ".join(means) + " |", flush=True)


def _deeppcb(source: Path, folder: Path) -> tuple[Path, Path]:
    boards: dict[str, list[Path]] = defaultdict(list)
    for labels in sorted(source.glob("PCBData/group*/*_not/*.txt")):
        boards[labels.parent.name].append(labels)
    parts = [_parted(files) for files in boards.values()]
    for side, place in enumerate(("train", "exam")):
        _as_table([labels for part in parts for labels in part[side]], folder / place)
    return folder / "train", folder / "exam"


def _as_table(files: Sequence[Path], folder: Path) -> None:
    """Test images, and a CSV of their boxes; ten neighbouring numbers are a group."""
    folder.mkdir(parents=True)
    with (folder / "boxes.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["file", "class", "x0", "y0", "x1", "y1", "group"])
        for labels in files:
            image = labels.parent.with_name(labels.parent.name.removesuffix("_not")) / f"{labels.stem}_test.jpg"
            shutil.copy(image, folder)
            for line in labels.read_text().splitlines():
                *edges, kind = line.split()
                table.writerow([image.name, DEFECTS[int(kind) - 1], *edges, f"{labels.parent.name}-{labels.stem[:-1]}"])


def _neu_det(source: Path, folder: Path) -> tuple[Path, Path]:
    classes: dict[str, list[Path]] = defaultdict(list)
    for labels in source.glob("ANNOTATIONS/*.xml"):
        classes[labels.stem.rpartition("_")[0]].append(labels)
    for files in classes.values():
        for place, part in zip(("train", "exam"), _parted(sorted(files, key=_number)), strict=True):
            (folder / place).mkdir(parents=True, exist_ok=True)
            for labels in part:
                shutil.copy(labels, folder / place)
                shutil.copy(source / "IMAGES" / f"{labels.stem}.jpg", folder / place)
    return folder / "train", folder / "exam"


def _parted(files: Sequence[Path]) -> tuple[Sequence[Path], Sequence[Path]]:
    """All but the last fifth, and that."""
    count = len(files) - len(files) // 5
    return files[:count], files[count:]


def _number(file: Path) -> int:
    return int(re.findall(r"\d+", file.stem)[-1])


PREPARED = {"deeppcb": _deeppcb, "neu_det": _neu_det}


if __name__ == "__main__":
    main()
