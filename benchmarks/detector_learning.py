"""What a light detector learns in minutes: from how many sample sections, from which start, class by class on unseen seeds.

    python -m benchmarks.detector_learning [--sections 20] [--start battery-windows ""] [--steps 2400] [--folder DIR]

Writes samples of 3,000 px with `schliff sample`, trains with `schliff train detector`, a fifth of the sections set aside to
choose the state that is kept, and judges it on other seeds by `schliff scan`. Several numbers of `--sections` give the curve
of mAP against data size, several `--start`s (weights; "" are random ones) compare them; the exam stays the same. The aim:
mAP50 of 0.6 or more from 20 sections in at most 20 minutes. One thread; processor minutes are told beside those of the clock.
With a graphics card: `--steps 20000 --set width=48`.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

from benchmarks.detector_samples import examine, make_samples, map50, report, schliff

SIZE_PX, DEFECTS = 3000, 40
TRAINING, EXAM = 300_000, range(390_000, 390_004)  # the bundled classifier was trained on 90,000 to 100,046
SETTINGS = {"every": 600, "um_per_px": 2, "crop_px": 224, "batch": 6, "width": 16}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sections", type=int, nargs="+", default=[20])
    parser.add_argument("--start", nargs="+", default=["battery-windows"])
    parser.add_argument("--steps", type=int, default=2400)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--folder", type=Path, help="where samples and models stay; else they are thrown away")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="schliff-learning-") as scratch:
        folder = args.folder or Path(scratch)
        exam = make_samples(folder / "exam", SIZE_PX, DEFECTS, EXAM)
        for count in args.sections:
            make_samples(folder / f"data-{count}", SIZE_PX, DEFECTS, range(TRAINING, TRAINING + count))
            for start in args.start:
                model = folder / f"model-{count}-{start or 'random'}-{args.steps}"
                settings = {**SETTINGS, "steps": args.steps, "weights": start}
                told = train(folder / f"data-{count}", model, settings, args.set)
                result = examine(str(model), exam)
                report(result, f"{count} sections, started from {start or 'random weights'}, {told}")
                print(f"mAP50 {map50(result):.3f}", flush=True)


def train(data: Path, out: Path, settings: dict[str, object], more: list[str]) -> str:
    """Trains unless the model is there; what it took, in words."""
    if (out / "model.json").is_file():
        return "trained before"
    words = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    words += [word for setting in more for word in ("--set", setting)]
    began, used = time.monotonic(), _processor_s()
    schliff("train", "detector", "--data", data, "--out", out, "--seed", 3, *words)
    minutes = (time.monotonic() - began) / 60, (_processor_s() - used) / 60
    return f"{minutes[0]:.1f} min, {minutes[1]:.1f} of the processor"


def _processor_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
