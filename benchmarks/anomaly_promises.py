"""Whether thresholds of models of normal keep what they promise: false alarms on samples without a defect, promised and counted.

    python -m benchmarks.anomaly_promises [--models magnet-edges texture memory] [--size-px 2048] [--seeds 1 2 3] [--keep FOLDER]
    python -m benchmarks.anomaly_promises --sections 6 --size-px 8000 --most 3000 --seeds 1 2 3 4 --device cuda

Each section is scanned as a user would, edges and all. Windows are as large as the model's, side by side, by their highest
score; detections are counted per mm² of what was scanned. "memory" learns here, from other samples without a defect; any
other name is a model's id or folder. Texture promises nothing; what its threshold comes to is told all the same.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.anomaly_families import fitted
from benchmarks.kept import kept, working_folder
from core.anomaly.calibration import Calibration, calibration_in
from core.anomaly.thresholds import presets
from core.anomaly.window_maxima import window_maxima
from core.models.base import Model
from core.models.catalog import find_model, load_model
from core.project import Project
from core.readers.base import open_section
from core.scan.runner import run_scan
from core.synthetic.sample import make_sample
from core.synthetic.write import write_sample

Array = np.ndarray

MEMORY = "memory"
_FIRST_LEARNT, _FIRST_JUDGED = 260_000, 270_000


def main() -> None:
    args = _arguments()
    with working_folder(args.keep) as folder:
        print(
            "| model | threshold | at | windows above, per 1,000: promised | counted | detections per mm²: promised | counted |"
        )
        print("|---|---|---|---|---|---|---|")
        for name in args.models:
            found = kept(folder, f"promises-{Path(name).name}", partial(_measured, name, folder, args))
            for row in found["rows"]:
                print(f"| {name} | {' | '.join(row)} |", flush=True)
            print(f"\n{name}: {found['windows']} windows, {found['mm2']:.2f} mm²\n")


def _measured(name: str, folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    model = _learnt(folder, args) if name == MEMORY else load_model(find_model(name), args.device)
    windows, detections, area = [], [], 0.0
    for seed in args.seeds:
        path = _sample(folder / f"judged{args.size_px}-{seed}.tif", args.size_px, _FIRST_JUDGED + seed)
        highest, found, mm2 = _scanned(model, path, folder / f"{Path(name).name}-{seed}")
        windows.append(highest)
        detections.append(found)
        area += mm2
    every, scores = np.concatenate(windows), np.concatenate(detections)
    calibration = calibration_in(model.spec.card)
    rows = [_row(*one, calibration, every, scores, area) for one in _thresholds(model, calibration)]
    return {"rows": rows, "windows": len(every), "mm2": area}


def _row(
    name: str, at: float, calibration: Calibration | None, windows: Array, detections: Array, mm2: float
) -> Sequence[str]:
    per_1000, per_mm2 = "–", "–"
    if calibration is not None:
        per_1000 = f"{calibration.alarms_per_1000(at):.2g}"
        expected = calibration.alarms_per_mm2(at)
        per_mm2 = "–" if expected is None else f"{expected:.2g}"
    counted = 1000 * float((windows >= at).mean())
    return name, f"{at:.2f}", per_1000, f"{counted:.2g}", per_mm2, f"{(detections >= at).sum() / mm2:.2g}"


def _thresholds(model: Model, calibration: Calibration | None) -> list[tuple[str, float]]:
    own = [("its own", model.spec.threshold)]
    return own if calibration is None else [*own, *((one.name, one.threshold) for one in presets(calibration))]


def _scanned(model: Model, path: Path, folder: Path) -> tuple[Array, Array, float]:
    """The highest score of each window, the scores of all detections, and how many mm² were scanned."""
    with Project.create(folder.with_suffix(".schliff")) as project, open_section(path) as section:
        summary = run_scan(project, section, model)
        scores = project.score_map(summary.scan_id)
        assert scores is not None
        um = (section.info.pixel_size_um or (1.0, 1.0))[0]
        window_px = model.spec.window_px * (model.spec.um_per_px or um) / um
        highest, _ = window_maxima(scores, window_px)
        cells = scores.look(0, 0, 0, scores.rows, scores.columns).scores
        mm2 = float(np.isfinite(cells).sum()) * (scores.cell_px * um / 1000) ** 2
        found = np.array([one.score for one in project.detections()], np.float64)
        return highest[np.isfinite(highest)].astype(np.float64), found, mm2


def _learnt(folder: Path, args: argparse.Namespace) -> Model:
    data = folder / "normal"
    data.mkdir(exist_ok=True)
    for number in range(args.sections):
        _sample(data / f"s{number}.tif", args.size_px, _FIRST_LEARNT + number)
    return fitted(MEMORY, data, folder / MEMORY, "small", args.device, most=args.most)


def _sample(path: Path, size_px: int, seed: int) -> Path:
    """A section in which nothing is wrong, nor anything left by its preparation."""
    if not path.exists():
        write_sample(make_sample("magnet", size_px, 1, seed).without(), path)
    return path


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["magnet-edges", "texture", MEMORY])
    parser.add_argument("--most", type=int, default=600, help="windows a memory learns from")
    parser.add_argument("--size-px", type=int, default=2048)
    parser.add_argument("--sections", type=int, default=4)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--device", default="auto")
    return parser.parse_args()


if __name__ == "__main__":
    main()
