"""What defects left in the training data cost each model of normal: 0, 1 and 5 % of its windows show one.

    python -m benchmarks.anomaly_contamination [--families memory vae cgan] [--shares 0 0.01 0.05] [--trim 0 0.05] [--keep FOLDER]
    python -m benchmarks.anomaly_contamination --size full --size-px 8000 --sections 6 --seeds 1 2 3 --device cuda

Sample magnets as in `benchmarks.anomaly_magnets`. `--trim`: the share of windows a family leaves out after a first look
where nobody says what is normal; 0 shows what defects cost without it. Where no window is known to show one nothing is left out, so 0 %
is measured once. `--steps`: fewer or more than those of the size, of VAE and cGAN.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.anomaly_families import TRAINED
from benchmarks.anomaly_magnets import arguments, figures, judged, learn, learning_data
from benchmarks.kept import kept, working_folder

_HEAD = "| family | defective windows learnt from | left out | AUROC | best F1 | defects found at 1.0 | false alarms per 1,000 |"


def main() -> None:
    args = _arguments()
    print(f"{_HEAD}\n|{'---|' * 7}")
    with working_folder(args.keep) as folder:
        learning_data(folder / "data", args.sections, args.size_px)
        for family in args.families:
            for share in args.shares:
                for trim in args.trim if share else args.trim[:1]:
                    name = f"{family}-{share}-{trim}"
                    said = kept(folder, name, partial(_measured, family, share, trim, folder / name, args))
                    at = said["thresholds"]["default"]
                    print(
                        f"| {family} | {share:.0%} | {trim if share else 0:.0%} | {said['auroc']:.3f} "
                        f"| {said['best']['f1']:.2f} | {at['found']:.2f} | {at['alarms']:.0f} |",
                        flush=True,
                    )


def _measured(family: str, share: float, trim: float, folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    settings = {"contamination": share, "trim": trim}
    if args.steps and family != "memory":
        settings["steps"] = args.steps
    model = learn(family, folder.parent / "data", folder, args.size, args.device, matching=args.matching, **settings)
    return figures(judged(model, args.size_px, args.seeds), {"default": model.spec.threshold})


def _arguments() -> argparse.Namespace:
    parser = arguments(__doc__ or "")
    parser.set_defaults(families=list(TRAINED))
    parser.add_argument("--shares", type=float, nargs="+", default=[0.0, 0.01, 0.05])
    parser.add_argument("--trim", type=float, nargs="+", default=[0.0, 0.05])
    parser.add_argument("--steps", type=int)
    return parser.parse_args()


if __name__ == "__main__":
    main()
