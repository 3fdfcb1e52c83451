"""How well does a window classifier tell defective solar cells from others (ELPV), and from which start?

Each fifth of the cells, in blocks of files that follow each other, is judged once by a network that saw the others; which
of its epochs counts was chosen within those. Defective is what its makers hold to be so with more than one half: 2/3
counts as defective, 1/3 as functional. For comparison: what is right by calling every monocrystalline cell defective and
every polycrystalline one functional, which in small selections of ELPV is much; and the polycrystalline cells alone.

    python -m benchmarks.solar_cells ../shared/data/elpv/src/elpv_dataset/data
    python -m benchmarks.solar_cells ELPV --first ../shared/data/in713c/defect_dataset
    python -m benchmarks.solar_cells ELPV --backbone resnet50 --input 256 --epochs 60 --rate 0.001 --seeds 5 --device cuda
    python -m benchmarks.solar_cells ELPV --backbone resnet50 --input 256 --weights imagenet --epochs 60 --rate 0.001 --seeds 5 --device cuda

`--first`: a folder of other images by class, on which a network is trained first to start from. Published, on all 2,624
cells with a random split (Deitsch et al. 2019): 88.42 % of a VGG-19 that started from ImageNet.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.evaluation.judging import evaluate
from core.evaluation.request import EvaluateRequest
from core.models.catalog import read_model_folder
from core.train.request import TrainRequest
from core.train.running import run_training
from core.train.splits import group_folds

BLOCK, FOLDS = 8, 5
CLASSES = ("functional", "defective")
FIGURES = ("accuracy", "balanced", "AUROC", "accuracy, poly", "AUROC, poly")


@dataclass(frozen=True)
class Cell:
    """`block`: of neighbouring files."""

    path: Path
    is_defective: bool
    is_mono: bool
    block: str


def main() -> None:
    args = _arguments()
    torch.set_num_threads(args.threads)
    cells = _read(args.data)
    by_wafer = np.mean([cell.is_defective == cell.is_mono for cell in cells])
    print(
        f"{len(cells)} cells, {sum(cell.is_defective for cell in cells)} defective; by wafer alone {by_wafer:.3f} right"
    )
    print(f"{'start':<12}" + "".join(f"{name:>18}" for name in FIGURES))
    with tempfile.TemporaryDirectory() as folder:
        starts = {args.weights or "random": args.weights}
        if args.first:
            starts[args.first.name] = str(_train(args.first, Path(folder) / "first", args, args.epochs, 0, ""))
        for name, weights in starts.items():
            rows = np.array([_judged(cells, Path(folder), args, seed, weights) for seed in range(args.seeds)])
            line = [f"{np.mean(v):.3f} ± {np.std(v, ddof=1):.3f}" for v in rows.T]
            print(f"{name[:11]:<12}" + "".join(f"{one:>18}" for one in line), flush=True)


def _judged(cells: Sequence[Cell], folder: Path, args: argparse.Namespace, seed: int, weights: str) -> list[float]:
    """The figures over all folds together."""
    from sklearn.metrics import balanced_accuracy_score, roc_auc_score

    truth = np.array([cell.is_defective for cell in cells])
    score = np.zeros(len(cells))
    for training, judged in group_folds(truth.astype(int), [cell.block for cell in cells], FOLDS, seed):
        place = Path(tempfile.mkdtemp(dir=folder))
        _write_table(place / "training", [cells[i] for i in training])
        _write_table(place / "judged", [cells[i] for i in judged])
        model = _train(place / "training", place / "model", args, args.epochs, seed, weights)
        request = EvaluateRequest.of(read_model_folder(model), place / "judged", device=args.device)
        score[judged] = [one.defect for one in sorted(evaluate(request).answers, key=lambda one: one.picture)]
    is_poly = np.array([not cell.is_mono for cell in cells])
    return [
        np.mean((score >= 0.5) == truth),
        balanced_accuracy_score(truth, score >= 0.5),
        roc_auc_score(truth, score),
        np.mean((score >= 0.5)[is_poly] == truth[is_poly]),
        roc_auc_score(truth[is_poly], score[is_poly]),
    ]


def _train(data: Path, out: Path, args: argparse.Namespace, epochs: int, seed: int, weights: str) -> Path:
    settings: dict[str, Any] = {
        "backbone": args.backbone, "input_px": args.input, "epochs": epochs, "patience": epochs, "batch": 16,
        "learning_rate": args.rate, "weighted": True, "weights": weights,
    }  # fmt: skip
    run_training(TrainRequest("windows", data, out, settings, seed, args.device))
    return out


def _read(folder: Path) -> list[Cell]:
    """In the order of the table, which is that of the numbers in their names."""
    rows = [line.split() for line in (folder / "labels.csv").read_text("utf-8").splitlines() if line.strip()]
    return [
        Cell(folder.resolve() / name, float(probability) > 0.5, kind == "mono", str(index // BLOCK))
        for index, (name, probability, kind) in enumerate(rows)
    ]


def _write_table(folder: Path, cells: Sequence[Cell]) -> None:
    folder.mkdir()
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("file", "class", "group"))
        rows.writerows((cell.path, CLASSES[cell.is_defective], cell.block) for cell in cells)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder with labels.csv")
    parser.add_argument("--first", type=Path, help="images by class to start from")
    parser.add_argument("--weights", default="", help="imagenet, a model folder or a file, instead of random ones")
    parser.add_argument("--backbone", default="small")
    parser.add_argument("--input", type=int, default=64, help="px")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--rate", type=float, default=0.02)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="auto")
    return parser.parse_args()


if __name__ == "__main__":
    main()
