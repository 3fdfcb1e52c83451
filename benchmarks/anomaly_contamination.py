"""What defects left in the training data cost each model of normal: 0, 1 and 5 % of its windows show one.

    python -m benchmarks.anomaly_contamination [--families memory vae cgan] [--shares 0 0.01 0.05] [--trim 0 0.05] [--keep FOLDER]
    python -m benchmarks.anomaly_contamination --size full --size-px 8000 --sections 6 --seeds 1 2 3 --device cuda

Sample magnets as in `benchmarks.anomaly_magnets`. `--trim`: the share of windows a family leaves out after a first look
where nobody says what is normal; 0 shows what defects cost without it. Where no window is known to show one nothing is left out, so 0 %
is measured once. `--trainings`: as many of each row; means are shown, and the lowest and the highest.
"""

from __future__ import annotations

import argparse

from benchmarks.anomaly_families import TRAINED, over_trainings
from benchmarks.anomaly_magnets import arguments, learning_data, measured_trainings
from benchmarks.kept import working_folder

_HEAD = "| family | defective windows learnt from | left out | AUROC | best F1 | defects found at 1.0 | false alarms per 1,000 |"


def main() -> None:
    args = _arguments()
    print(f"{_HEAD}\n|{'---|' * 7}")
    with working_folder(args.keep) as folder:
        learning_data(folder / "data", args.sections, args.size_px)
        for family in args.families:
            for share in args.shares:
                for trim in args.trim if share else args.trim[:1]:
                    said = measured_trainings(family, folder, args, contamination=share, trim=trim)
                    at = [one["thresholds"]["default"] for one in said]
                    told = (
                        over_trainings([one["auroc"] for one in said]),
                        over_trainings([one["best"]["f1"] for one in said], 2),
                        over_trainings([one["found"] for one in at], 2),
                        over_trainings([one["alarms"] for one in at], 0),
                    )
                    left_out = trim if share else 0
                    print(f"| {family} | {share:.0%} | {left_out:.0%} | {' | '.join(told)} |", flush=True)


def _arguments() -> argparse.Namespace:
    parser = arguments(__doc__ or "")
    parser.set_defaults(families=list(TRAINED))
    parser.add_argument("--shares", type=float, nargs="+", default=[0.0, 0.01, 0.05])
    parser.add_argument("--trim", type=float, nargs="+", default=[0.0, 0.05])
    return parser.parse_args()


if __name__ == "__main__":
    main()
