"""What does deep learning buy? Models without a network against a small one, on data with and without much of it.

Solar cells (ELPV: defect probability 0.5 and more, or less) and magnet tiles (free, or any of five defects). Groups (blocks
of consecutive cells; neighbouring numbers of tiles, which are one tile under six exposures) are split five ways; each
part is answered by a model that has learnt from the other four. The network starts from random weights.

    python -m benchmarks.classical ../shared/data
    python -m benchmarks.classical ../shared/data --epochs 60 --input 224 --device cuda
    python -m benchmarks.classical --speed

`--speed`: seconds for each megapixel of a sample section, side by side with the bundled classifier.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from core.data.image_set import LabelledImage, groups_of
from core.models.base import Model
from core.models.catalog import find_model, load_model, read_model_folder
from core.models.classical import METHODS
from core.synthetic.sample import make_sample
from core.synthetic.write import write_sample
from core.train.image_source import ImageSource
from core.train.request import TrainRequest
from core.train.running import run_training
from core.train.splits import group_folds

Array = np.ndarray

FOLDS = 5
GOOD, BAD = "good", "defect"
_ROUNDS = 5
_SAME_TILE = 300  # numbers of one magnet tile's exposures lie closer


def main() -> None:
    args = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        if args.speed:
            _print_speeds(Path(folder), args.threads)
            return
        for name, rows in (("solar cells", _elpv(args.data)), ("magnet tiles", _magnet(args.data))):
            print(f"{name}: {len(rows)} images, {len({group for *_, group in rows})} groups")
            print(f"{'':<16}{'balanced accuracy':>20}{'AUROC':>10}{'CPU s':>10}")
            for method, (trainer, settings) in _methods(args).items():
                place = Path(folder) / name / method
                started = time.process_time()
                accuracy, auroc = _cross_validated(rows, place, trainer, settings, args.device)
                print(f"{method:<16}{accuracy:>20.3f}{auroc:>10.3f}{time.process_time() - started:>10.0f}", flush=True)


def _methods(args: argparse.Namespace) -> dict[str, tuple[str, dict[str, Any]]]:
    windows = {"window_px": args.window, "stride_px": args.window // 3, "looks": args.looks}
    network = {
        "backbone": args.backbone, "input_px": args.input, "epochs": args.epochs, "patience": args.epochs,
        "learning_rate": 0.02, "sampling": "over", "folds": 4,
    }  # fmt: skip
    known: Mapping[str, tuple[str, dict[str, Any]]] = {
        **{method: ("classical", {"method": method, **windows}) for method in METHODS},
        "network": ("windows", network),
    }
    return {name: known[name] for name in args.only or known}


def _cross_validated(
    rows: Sequence[tuple[Path, str, str]], place: Path, trainer: str, settings: Mapping[str, Any], device: str
) -> tuple[float, float]:
    """Balanced accuracy and AUROC of all answers."""
    from sklearn.metrics import balanced_accuracy_score, roc_auc_score

    truth = np.array([label == BAD for _, label, _ in rows])
    found, scores = np.zeros(len(rows), bool), np.zeros(len(rows))
    for number, (training, test) in enumerate(group_folds(truth.astype(int), [g for *_, g in rows], FOLDS, 0)):
        data, out = place / f"data{number}", place / f"model{number}"
        _write(data, [rows[i] for i in training])
        run_training(TrainRequest(trainer, data, out, settings, 0, device))
        model = load_model(read_model_folder(out), device)
        for index in test:
            found[index], scores[index] = _answer(model, rows[index])
    return float(balanced_accuracy_score(truth, found)), float(roc_auc_score(truth, scores))


def _answer(model: Model, row: tuple[Path, str, str]) -> tuple[bool, float]:
    """Whether there is a defect on an image, and how surely."""
    path, label, group = row
    pixels = ImageSource([LabelledImage(path, label, group)], model.spec.window_px).read(0)
    means = model.map_tile(pixels).mean((1, 2))
    if len(means) == 1:
        return bool(means[0] >= model.spec.threshold), float(means[0])
    return bool(means.argmax() > 0), float(means[1:].max() - means[0])


def _elpv(data: Path) -> list[tuple[Path, str, str]]:
    folder = data / "elpv" / "src" / "elpv_dataset" / "data"
    lines = [line.split() for line in (folder / "labels.csv").read_text().splitlines() if line.strip()]
    known = [((folder / name).resolve(), BAD if float(share) >= 0.5 else GOOD) for name, share, *_ in lines]
    known = [row for row in known if row[0].is_file()]
    return [(*row, group) for row, group in zip(known, groups_of([path for path, _ in known]), strict=True)]


def _magnet(data: Path) -> list[tuple[Path, str, str]]:
    paths = sorted((data / "magnetic_tile").resolve().glob("*/Imgs/*.jpg"), key=_number)
    groups = np.cumsum([0, *(np.diff([_number(path) for path in paths]) > _SAME_TILE)])
    return [
        (path, GOOD if path.parents[1].name == "MT_Free" else BAD, f"tile{group}")
        for path, group in zip(paths, groups, strict=True)
    ]


def _number(path: Path) -> int:
    return int(path.stem.rpartition("_")[2])


def _write(folder: Path, rows: Sequence[tuple[Path, str, str]]) -> None:
    folder.mkdir(parents=True)
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("file", "class", "group"), *rows])


def _print_speeds(folder: Path, threads: int) -> None:
    import torch

    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
    place = folder / "sections"
    place.mkdir()
    write_sample(make_sample("battery", 3000, 60, 1), place / "s.tif")
    pixels = make_sample("battery", 1024, 10, 2).render(0, 0, 1024, 1024)
    models = {"battery-windows": load_model(find_model("battery-windows"), "cpu")}
    for method in METHODS:
        run_training(TrainRequest("classical", place, folder / method, {"method": method, "um_per_px": 0.5}))
        models[method] = load_model(read_model_folder(folder / method), "cpu")
    seconds: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(_ROUNDS):  # in turn, so that whatever else runs slows all of them
        for name, model in models.items():
            started = time.perf_counter()
            model.collect(model.submit([model.prepare(pixels)]))
            seconds[name].append((time.perf_counter() - started) / 1.024**2)
    for name, times in seconds.items():
        of_bundled = min(times) / min(seconds["battery-windows"])
        print(f"{name:<16}{min(times):>8.2f} s/megapixel{of_bundled:>8.1f} × the bundled classifier")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--only", action="append", help="a method, or network")
    parser.add_argument("--window", type=int, default=96, help="px, to which images are brought")
    parser.add_argument("--looks", type=int, default=4)
    parser.add_argument("--backbone", default="small")
    parser.add_argument("--input", type=int, default=96, help="px, of the network")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--speed", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
