"""Models of normal on sample magnets: VAE, cGAN, feature memory, texture, one-class machines, judged on defects planted elsewhere.

    python -m benchmarks.anomaly_magnets [--families memory texture …] [--size-px 1536] [--sections 4] [--seeds 1 2] [--matching grey]
    python -m benchmarks.anomaly_magnets --size medium --size-px 2048 --sections 6 --seeds 1 2 3 4 --keep FOLDER
    python -m benchmarks.anomaly_magnets --families vae cgan --size tiny --trainings 5 --set falling=0.5
    python -m benchmarks.anomaly_magnets --size full --size-px 8000 --sections 6 --seeds 1 2 3 --device cuda

Each family learns from the unmarked parts of marked sections and is judged on others, which were lit a little otherwise
(`--matching grey` undoes that, as a scan can); texture learns from the section it is to judge, defects and all. A window is 128 px of specimen; it is
defective where it shows a planted defect, and traces of preparation count as neither. A planted defect is found where a score in its
box reaches the threshold. F1 is of windows. Times are of the processor; VAE and cGAN of size "small" have learnt for minutes only.
`--trainings`: so many of each family, with other random numbers; means are shown, and the lowest and the highest. Texture draws no
random numbers, and learns once.
With `--keep` what was measured stays there, and a benchmark that was broken off goes on; data is used again.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.anomaly_families import (
    FAMILIES,
    SIZES,
    TEXTURE,
    acquaint,
    add_settings,
    as_large,
    chosen_settings,
    fitted,
    over_trainings,
    scores_of,
    thresholds_of,
)
from benchmarks.kept import kept, working_folder
from core.anomaly.matching import MATCHING, NONE
from core.models.base import Model
from core.models.texture import TextureModel
from core.synthetic.planting import Truth
from core.synthetic.sample import SampleSection, make_sample
from core.synthetic.write import write_sample
from core.truth import ARTEFACT_CLASSES

Array = np.ndarray

WINDOW_PX, STEP = 128, 8
DEFECTS_PER_MEGAPIXEL = 2.5
_FIRST_LEARNT, _FIRST_JUDGED = 200_000, 210_000
_AT_THRESHOLD = {"f1": 2, "alarms": 0, "found": 2}  # what is told of each: digits
_EDGE = 2  # windows at a section's edge, where resin begins


@dataclass(frozen=True)
class Answers:
    """Of all windows the highest score, whether it shows a defect; of all planted defects the highest score."""

    scores: Array
    defective: Array
    defects: Array
    seconds_per_megapixel: float


def main() -> None:
    args = _arguments()
    with working_folder(args.keep) as folder:
        learning_data(folder / "data", args.sections, args.size_px)
        found = {family: measured_trainings(family, folder, args) for family in args.families}
    windows, defective, defects = next(iter(found.values()))[0]["counts"]
    print(f"{windows} windows, {defective} defective, {defects} defects; processor times\n")
    print(
        "| family | trainings | AUROC | best F1 | SSIM of held-out windows | learns, s | s/megapixel |\n|---|---|---|---|---|---|---|"
    )
    for family, said in found.items():
        first = (
            over_trainings([one["auroc"] for one in said]),
            over_trainings([one["best"]["f1"] for one in said], 2),
            over_trainings([one["ssim"] for one in said]) if said[0]["ssim"] is not None else "–",
            over_trainings([one["learns"] for one in said], 0),
            over_trainings([one["seconds"] for one in said], 2),
        )
        print(f"| {family} | {len(said)} | {' | '.join(first)} |")
    print("\n| family | threshold | F1 | false alarms per 1,000 windows | defects found |\n|---|---|---|---|---|")
    for family, said in found.items():
        for name in said[0]["thresholds"]:
            each = [one["thresholds"][name] for one in said]
            shown = (over_trainings([one[key] for one in each], digits) for key, digits in _AT_THRESHOLD.items())
            print(f"| {family} | {name} | {' | '.join(shown)} |")


def measured_trainings(family: str, folder: Path, args: argparse.Namespace, **settings: float) -> list[dict[str, Any]]:
    """What each training of a family comes to; `settings` beside those of the arguments."""
    added = "".join(f"-{value}" for value in settings.values())
    names = [
        f"{family}{added}" + (f"-{seed}" if seed else "") for seed in range(1 if family == TEXTURE else args.trainings)
    ]
    return [
        kept(folder, name, partial(_measured, family, folder, name, seed, args, settings))
        for seed, name in enumerate(names)
    ]


def _measured(
    family: str, folder: Path, name: str, seed: int, args: argparse.Namespace, settings: Mapping[str, float]
) -> dict[str, Any]:
    started = time.process_time()
    every = {**chosen_settings(family, args), **settings}
    model = _learnt(family, folder / "data", folder / name, seed, args, every)
    learns = time.process_time() - started
    answers = judged(model, args.size_px, args.seeds)
    print(f"{name}: measured", flush=True)
    drawn = model.spec.card.get("metrics", {}).get("validation", {}).get("ssim")
    return {"learns": learns, "ssim": drawn, **figures(answers, thresholds_of(model))}


def _learnt(
    family: str, data: Path, out: Path, seed: int, args: argparse.Namespace, settings: Mapping[str, Any]
) -> Model:
    if family == TEXTURE:
        return TextureModel()
    return fitted(family, data, out, args.size, args.device, args.matching, seed, **settings)


def learning_data(folder: Path, sections: int, size_px: int) -> None:
    """Sections as files with what is planted in them marked."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in (folder / f"s{number}.tif" for number in range(sections)):
        if not path.exists():
            write_sample(sample(size_px, _FIRST_LEARNT + int(path.stem[1:])), path)


def sample(size_px: int, seed: int) -> SampleSection:
    return make_sample("magnet", size_px, max(4, round(DEFECTS_PER_MEGAPIXEL * size_px**2 / 1e6)), seed)


def to_judge(size_px: int, seed: int) -> SampleSection:
    return sample(size_px, _FIRST_JUDGED + seed)


def picture_of(section: SampleSection) -> Array:
    return section.render(0, 0, section.size, section.size)


def judged(model: Model, size_px: int, seeds: Sequence[int], change: Callable[[Array], Array] | None = None) -> Answers:
    """What a model says of sections it hasn't seen, `change`d where there is one."""
    scores, defective, defects, seconds = [], [], [], 0.0
    for seed in seeds:
        section = to_judge(size_px, seed)
        picture = picture_of(section) if change is None else change(picture_of(section))
        started = time.process_time()
        acquaint(model, [picture])
        cells = scores_of(model, picture)
        seconds += time.process_time() - started
        found = as_large(cells, model, picture.shape[:2], STEP)
        shows = _shown(section, found.shape)
        inner = slice(_EDGE * WINDOW_PX // STEP, -_EDGE * WINDOW_PX // STEP)
        highest, worst = (_windows(one[inner, inner]) for one in (found, shows))
        scores.append(highest[worst != 1])
        defective.append(worst[worst != 1] == 2)
        planted = [one for one in section.truth if one.label not in ARTEFACT_CLASSES]
        defects += [float(found[_cells(one)].max()) for one in planted]
    megapixels = len(seeds) * size_px**2 / 1e6
    return Answers(np.concatenate(scores), np.concatenate(defective), np.array(defects), seconds / megapixels)


def figures(answers: Answers, thresholds: Mapping[str, float]) -> dict[str, Any]:
    """JSON-ready; `best`: the threshold that would have been best for F1, known afterwards."""
    from sklearn.metrics import roc_auc_score

    best = max(map(float, np.unique(answers.scores)), key=lambda at: _f1(answers, at))
    return {
        "counts": [len(answers.scores), int(answers.defective.sum()), len(answers.defects)],
        "auroc": float(roc_auc_score(answers.defective, answers.scores)),
        "seconds": answers.seconds_per_megapixel,
        "best": at_threshold(answers, best),
        "thresholds": {name: at_threshold(answers, at) for name, at in thresholds.items()},
    }


def at_threshold(answers: Answers, at: float) -> dict[str, float]:
    return {
        "at": at,
        "f1": _f1(answers, at),
        "alarms": 1000 * float((answers.scores[~answers.defective] >= at).mean()),
        "found": float((answers.defects >= at).mean()),
    }


def _f1(answers: Answers, threshold: float) -> float:
    called = answers.scores >= threshold
    right, either = int((called & answers.defective).sum()), int(called.sum()) + int(answers.defective.sum())
    return 2 * right / max(either, 1)


def _shown(section: SampleSection, shape: tuple[int, int]) -> Array:
    """2 in boxes of defects, 1 in those of traces of preparation, 0 elsewhere, at every `STEP`-th px."""
    shown = np.zeros(shape, np.uint8)
    for value in (1, 2):
        for one in section.truth:
            if (one.label in ARTEFACT_CLASSES) == (value == 1):
                shown[_cells(one)] = value
    return shown


def _cells(planted: Truth) -> tuple[slice, slice]:
    x, y, width, height = planted.box.scaled(1 / STEP).outer_pixels()
    return slice(y, y + height), slice(x, x + width)


def _windows(values: Array) -> Array:
    """The highest value in each whole window."""
    side = WINDOW_PX // STEP
    rows, columns = values.shape[0] // side, values.shape[1] // side
    return values[: rows * side, : columns * side].reshape(rows, side, columns, side).max((1, 3)).ravel()


def arguments(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument("--size", choices=tuple(SIZES), default="small")
    parser.add_argument("--size-px", type=int, default=1536)
    parser.add_argument("--sections", type=int, default=4)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--trainings", type=int, default=1)
    add_settings(parser)
    parser.add_argument("--matching", choices=MATCHING.choices, default=NONE)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--keep", type=Path)
    return parser


def _arguments() -> argparse.Namespace:
    return arguments(__doc__ or "").parse_args()


if __name__ == "__main__":
    main()
