"""What counts of a drawing: places by SSIM, whole windows (as in the dissertation), residuals; at both strides, for models that were trained.

    python -m benchmarks.anomaly_ways FOLDER [FOLDER …] [--size-px 2048] [--seeds 1 2]

Folders of VAEs or edge→image networks, as `benchmarks.anomaly_magnets --keep` leaves them, judged on its sections.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.anomaly_magnets import figures, judged
from core.models.catalog import configure, load_model, read_model_folder
from core.models.reconstruction import CHANNELS, SCORE, STRIDE, STRIDES


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--size-px", type=int, default=2048)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--strides", nargs="+", choices=tuple(STRIDES), default=list(STRIDES))
    parser.add_argument("--device", default="auto")
    args = parser.parse_args()
    print("| model | score | stride | AUROC | best F1 | F1 at 1.0 | false alarms per 1,000 windows | defects found |")
    print(f"|{'---|' * 8}")
    for folder in args.folders:
        spec = read_model_folder(folder)
        for score in list(CHANNELS)[: spec.map_channels]:
            for stride in args.strides:
                model = load_model(configure(spec, {SCORE.name: score, STRIDE.name: stride}), args.device)
                said = figures(judged(model, args.size_px, args.seeds), {"default": model.spec.threshold})
                at = said["thresholds"]["default"]
                print(
                    f"| {folder.name} | {score} | {stride} | {said['auroc']:.3f} | {said['best']['f1']:.2f} "
                    f"| {at['f1']:.2f} | {at['alarms']:.0f} | {at['found']:.2f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
