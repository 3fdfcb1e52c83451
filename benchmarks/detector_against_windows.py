"""A detector against the bundled window classifier on the same unseen sample sections: AP, false alarms and time side by side.

    python -m benchmarks.detector_against_windows DETECTOR [--size 3000] [--defects 40] [--seeds 390000 390001 390002 390003]
        [--windows battery-windows] [--folder DIR]

DETECTOR is a model's id or folder, as `benchmarks.detector_learning --folder DIR` leaves one. Both scan the same files by
`schliff scan`, one after the other; only the ratio of their times means something on a machine that does other things.
Boxes of a window classifier are those around cells above its floor, so they fit worse than those of a detector: AP50 asks for
boxes that fit, recall and precision (as `schliff check` counts) only for the right place. Large sections: `--size 12000`.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks.detector_samples import examine, make_samples, report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("detector")
    parser.add_argument("--windows", default="battery-windows")
    parser.add_argument("--size", type=int, default=3000)
    parser.add_argument("--defects", type=int, default=40)
    parser.add_argument("--seeds", type=int, nargs="+", default=[390_000, 390_001, 390_002, 390_003])
    parser.add_argument("--folder", type=Path, help="where the samples stay; else they are thrown away")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="schliff-against-") as scratch:
        sections = make_samples((args.folder or Path(scratch)) / "exam", args.size, args.defects, args.seeds)
        exams = [examine(model, sections) for model in (args.detector, args.windows)]
        for exam in exams:
            report(exam, f"{len(sections)} sections of {args.size} px")
        detector, windows = (exam.seconds / exam.mm2 for exam in exams)
        print(f"\n{detector:.2f} and {windows:.2f} s per mm²: the detector took {detector / windows:.2f} of the time.")


if __name__ == "__main__":
    main()
