"""Do losses that keep a network from being too sure help where classes look alike? (Ulger et al., table I.)

Cut-outs of defects in alloy IN713C (pore, crack, lack of fusion, pore with crack): trained on one micrograph, judged on
the other, which no choice was made on. For each loss the mean and standard deviation over seeds of accuracy, balanced
accuracy and macro F1, and of how much better balanced accuracy is than that of cross entropy with the same seed (so with
the same start, split and order). The backbone starts from random weights.

    python -m benchmarks.fine_grained ../shared/data/in713c/defect_dataset
    python -m benchmarks.fine_grained FOLDER --backbone resnet50 --input 224 --epochs 200 --seeds 5 --device cuda

`FOLDER` holds a folder for each class; the number after "image_" in a file's name is its micrograph.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.evaluation.judging import evaluate
from core.evaluation.request import EvaluateRequest
from core.models.catalog import read_model_folder
from core.train.request import TrainRequest
from core.train.running import run_training

LOSSES: dict[str, dict[str, Any]] = {
    "cross entropy": {"loss": "cross_entropy"},
    "focal, γ 2": {"loss": "focal", "gamma": 2.0},
    "label smoothing, ε 0.1": {"loss": "label_smoothing", "epsilon": 0.1},
    "maximum entropy, β 1": {"loss": "max_entropy", "beta": 1.0},
    **{f"α-JS, α {alpha:g}": {"loss": "alpha_js", "alpha": alpha, "beta": 1.0} for alpha in (0.1, 0.5, 0.75, 0.9)},
}
FIGURES = ("accuracy", "balanced_accuracy", "macro_f1")
TRAINED_ON, JUDGED_ON = "6", "14"


def main() -> None:
    args = _arguments()
    torch.set_num_threads(args.threads)
    with tempfile.TemporaryDirectory() as folder:
        for micrograph in (TRAINED_ON, JUDGED_ON):
            print(f"micrograph {micrograph}: {_write_table(args.data, Path(folder) / micrograph, micrograph)} images")
        print(f"{'loss':<26}" + "".join(f"{name:>20}" for name in (*FIGURES, "balanced, gain")))
        plain: np.ndarray | None = None
        for name, settings in LOSSES.items():
            results = np.array([_run(Path(folder), settings, seed, args) for seed in range(args.seeds)])
            plain = results if plain is None else plain
            columns = [*results.T, results[:, 1] - plain[:, 1]]
            cells = [f"{np.mean(v):.3f} ± {np.std(v, ddof=1):.3f}" for v in columns]
            print(f"{name:<26}" + "".join(f"{cell:>20}" for cell in cells), flush=True)


def _run(folder: Path, loss: dict[str, Any], seed: int, args: argparse.Namespace) -> tuple[float, ...]:
    out = Path(tempfile.mkdtemp(dir=folder)) / "model"
    settings = {
        "backbone": args.backbone, "input_px": args.input, "epochs": args.epochs, "patience": args.epochs,
        "learning_rate": args.rate, "batch": 32, "folds": 5, **loss,
    }  # fmt: skip
    run_training(TrainRequest("classifier", folder / TRAINED_ON, out, settings, seed, args.device))
    request = EvaluateRequest.of(read_model_folder(out), folder / JUDGED_ON, device=args.device)
    figures = evaluate(request).figures
    return tuple(figures[name] for name in FIGURES)


def _write_table(data: Path, folder: Path, micrograph: str) -> int:
    """A labels.csv for one micrograph, its images in blocks of neighbouring numbers; how many there are."""
    folder.mkdir()
    paths = sorted(path for path in data.resolve().glob("*/*.tif") if path.stem.split("_")[1] == micrograph)
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("file", "class"))
        rows.writerows((path, path.parent.name) for path in paths)
    return len(paths)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--backbone", default="small")
    parser.add_argument("--input", type=int, default=64, help="px")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--rate", type=float, default=0.02)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="auto")
    return parser.parse_args()


if __name__ == "__main__":
    main()
