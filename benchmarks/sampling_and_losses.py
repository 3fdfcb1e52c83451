"""Rare defects: does a loss help that counts them more, or one that forgives what is sure, or showing them more often?

Window classifiers are trained on sample sections (windows around every mark, and several times as many without a defect)
and judged on others, made from other seeds, which no choice was made on. For each way the mean and standard deviation over
seeds: of windows (balanced accuracy, macro F1), and of a scan of the held-out sections (AP over all defects, and mAP).

    python -m benchmarks.sampling_and_losses FOLDER
    python -m benchmarks.sampling_and_losses FOLDER --sections 20 --held 6 --size 6000 --backbone resnet18 --input 96 \\
        --um 1 --epochs 60 --rate 0.001 --negatives 4 --seeds 5 --device cuda

The sections are made in FOLDER unless they are there.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.data.reading import read_marks
from core.devices import choose_device
from core.evaluation.judging import evaluate
from core.evaluation.request import EvaluateRequest
from core.jobs import CancelToken, no_progress
from core.models.catalog import read_model_folder
from core.models.networks.window_classifier import put_weights
from core.train.class_metrics import class_metrics
from core.train.course import predict
from core.train.examples import read_examples
from core.train.request import TrainRequest
from core.train.running import run_training
from core.train.window_package import new_network

WAYS: dict[str, dict[str, Any]] = {
    "cross entropy": {},
    "weighted": {"weighted": True},
    "focal, γ 2": {"loss": "focal", "gamma": 2.0},
    "over-sampling": {"sampling": "over"},
    "under-sampling": {"sampling": "under"},
}
FIGURES = ("balanced", "macro F1", "scan: AP", "scan: mAP")
_FIRST_SEED, _FIRST_HELD_SEED = 1000, 9000


def main() -> None:
    args = _arguments()
    torch.set_num_threads(args.threads)
    for name, number, seed in (("learn", args.sections, _FIRST_SEED), ("held", args.held, _FIRST_HELD_SEED)):
        _make(args.folder / name, number, seed, args)
    print(f"{'way':<16}" + "".join(f"{name:>18}" for name in FIGURES))
    for name, settings in WAYS.items():
        if args.only and name not in args.only:
            continue
        rows = np.array([_run(settings, seed, args) for seed in range(args.seeds)])
        spread = np.std(rows, 0, ddof=1) if len(rows) > 1 else np.full(rows.shape[1], np.nan)
        cells = [f"{mean:.3f} ± {sd:.3f}" for mean, sd in zip(rows.mean(0), spread, strict=True)]
        print(f"{name:<16}" + "".join(f"{cell:>18}" for cell in cells), flush=True)


def _run(way: dict[str, Any], seed: int, args: argparse.Namespace) -> tuple[float, ...]:
    settings = {
        "backbone": args.backbone, "input_px": args.input, "um_per_px": args.um, "negatives": args.negatives,
        "epochs": args.epochs, "patience": args.epochs, "learning_rate": args.rate, "batch": args.batch, **way,
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "model"
        run_training(TrainRequest("windows", args.folder / "learn", out, settings, seed, args.device))
        windows = _windows_right(out, args)
        figures = evaluate(EvaluateRequest.of(read_model_folder(out), args.folder / "held", device=args.device)).figures
    return windows["balanced_accuracy"], windows["macro_f1"], figures["defects"]["ap"], figures["map50"]


def _windows_right(model: Path, args: argparse.Namespace) -> dict[str, Any]:
    """On the same windows of the held-out sections for every way and seed."""
    spec = read_model_folder(model)
    examples = read_examples(read_marks(args.folder / "held"), spec, args.negatives, 0, no_progress, CancelToken())
    network = new_network(args.backbone, len(spec.labels))
    put_weights(network, spec)
    network.to(choose_device(args.device))
    every = np.arange(len(examples.classes))
    found = predict(network, examples.source, every, np.arange(len(spec.labels) + 1), 64)
    return class_metrics(examples.classes, found.argmax(1), ("no defect", *spec.labels))


def _make(folder: Path, number: int, first_seed: int, args: argparse.Namespace) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(first_seed, first_seed + number):
        if not (folder / f"s{seed}.truth.csv").is_file():
            command = [sys.executable, "-m", "app", "sample", str(folder / f"s{seed}.tif"), "--kind", "battery"]
            numbers = {"--size": args.size, "--defects": args.defects, "--seed": seed}
            told = [str(part) for pair in numbers.items() for part in pair]
            subprocess.run([*command, *told], check=True, capture_output=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sections", type=int, default=8)
    parser.add_argument("--held", type=int, default=3)
    parser.add_argument("--size", type=int, default=3000, help="px")
    parser.add_argument("--defects", type=int, default=40, help="marks on each section")
    parser.add_argument("--only", nargs="*", choices=sorted(WAYS), help="some of the ways")
    parser.add_argument("--backbone", default="small")
    parser.add_argument("--input", type=int, default=64, help="px")
    parser.add_argument("--um", type=float, default=2.0, help="µm per px at which it looks")
    parser.add_argument("--negatives", type=float, default=3.0, help="windows without a defect for each one with")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--rate", type=float, default=0.02)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="auto")
    return parser.parse_args()


if __name__ == "__main__":
    main()
