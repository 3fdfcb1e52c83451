"""What defects left in the training data cost each model of normal: 0, 1 and 5 % of its windows show one.

    python -m benchmarks.anomaly_contamination [--families memory vae cgan] [--shares 0 0.01 0.05] [--trim 0.05]
    python -m benchmarks.anomaly_contamination --size full --size-px 8000 --sections 6 --seeds 1 2 3 --device cuda

Sample magnets as in `benchmarks.anomaly_magnets`. `--trim`: the share of windows a family leaves out after a first look
where nobody says what is normal; 0 shows what defects cost without it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.anomaly_families import TRAINED
from benchmarks.anomaly_magnets import arguments, judged, learn, learning_data


def main() -> None:
    from sklearn.metrics import roc_auc_score

    parser = arguments(__doc__ or "")
    parser.set_defaults(families=list(TRAINED))
    parser.add_argument("--shares", type=float, nargs="+", default=[0.0, 0.01, 0.05])
    parser.add_argument("--trim", type=float, nargs="+", default=[0.05])
    args = parser.parse_args()
    print(
        "| family | defective windows learnt from | left out | AUROC | defects found at 1.0 | false alarms per 1,000 |"
    )
    print("|---|---|---|---|---|---|")
    for family in args.families:
        for trim in args.trim:
            for share in args.shares:
                with tempfile.TemporaryDirectory() as folder:
                    learning_data(Path(folder) / "data", args.sections, args.size_px)
                    settings = {"contamination": share, "trim": trim}
                    model = learn(family, Path(folder), args.size, args.device, matching=args.matching, **settings)
                answers = judged(model, args.size_px, args.seeds)
                auroc = roc_auc_score(answers.defective, answers.scores)
                found = float((answers.defects >= 1).mean())
                alarms = 1000 * float((answers.scores[~answers.defective] >= 1).mean())
                print(f"| {family} | {share:.0%} | {trim:.0%} | {auroc:.3f} | {found:.2f} | {alarms:.0f} |", flush=True)


if __name__ == "__main__":
    main()
