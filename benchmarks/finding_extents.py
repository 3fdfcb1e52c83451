"""Whether a defect comes back as one finding with a box of its size, whatever it is, however large, wherever it lies.

    python -m benchmarks.finding_extents [--families memory texture …] [--kinds magnet battery] [--size tiny] [--seeds 1 2] [--keep FOLDER]

Each family learns from sections without a defect and is judged on others, in which defects are drawn: 24 to 200 px, nine
in each section, at least 100 px from one another. A defect is found where a score in its box reaches
the threshold of so many false alarms (texture's own, which promises nothing).
Findings at or above it count as its pieces where their boxes touch its box, even if they began far away; the others say how large
a box can become where nothing is. With `--keep` models and maps stay in a folder: a second run reads findings from the same maps anew.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from benchmarks.anomaly_families import FAMILIES, SIZES, TEXTURE, acquaint, fitted, scores_of
from benchmarks.kept import working_folder
from core.anomaly.calibration import calibration_in
from core.geometry import Box
from core.models.base import Model
from core.models.texture import TextureModel
from core.scan.extract import find_marks
from core.synthetic.noise import generator, smooth_noise
from core.synthetic.sample import make_sample
from core.synthetic.write import write_sample

Array = np.ndarray
Kind = Literal["magnet", "battery"]

_FIRST_LEARNT, _FIRST_JUDGED = 280_000, 290_000
_ACROSS = 3  # defects side by side
_SIZES_PX = (24, 36, 56, 84, 128, 200)
_HUGE = 1 / 8  # of a section


@dataclass(frozen=True)
class Answer:
    """What became of a defect. `pieces`: how many findings touch its box; `iou`: of the best of them."""

    kind: str
    size_px: int
    found: bool
    pieces: int
    iou: float


def main() -> None:
    args = _arguments()
    print(
        "| family | section | defects | found | of these as one finding | IoU, median | IoU ≥ 0.5 | one with IoU ≥ 0.5 | "
        "findings elsewhere | of these larger than an eighth of the section |\n|" + "---|" * 10
    )
    by_defect: dict[tuple[str, str], list[Answer]] = defaultdict(list)
    with working_folder(args.keep) as folder:
        for family in args.families:
            for kind in args.kinds:
                answers, elsewhere = _measured(family, kind, folder, args)
                print(f"| {family} | {kind} | {_figures(answers)} | {_of_others(elsewhere)} |", flush=True)
                for one in answers:
                    by_defect[family, one.kind].append(one)
                    by_defect[family, f"{one.size_px} px"].append(one)
    print(
        "\n| family | defect | defects | found | of these as one finding | IoU, median | IoU ≥ 0.5 | one with IoU ≥ 0.5 |\n|"
        + "---|" * 8
    )
    for (family, name), some in by_defect.items():
        print(f"| {family} | {name} | {_figures(some)} |")


def _figures(answers: Sequence[Answer]) -> str:
    found = [one for one in answers if one.found]
    if not found:
        return f"{len(answers)} | 0 | – | – | – | –"
    single = np.mean([one.pieces == 1 for one in found])
    overlaps = np.array([one.iou for one in found])
    both = np.mean([one.pieces == 1 and one.iou >= 0.5 for one in found])
    shares = f"{single:.2f} | {np.median(overlaps):.2f} | {(overlaps >= 0.5).mean():.2f} | {both:.2f}"
    return f"{len(answers)} | {len(found)} | {shares}"


def _of_others(shares: Sequence[float]) -> str:
    return f"{len(shares)} | {sum(share > _HUGE for share in shares)}"


def _measured(family: str, kind: Kind, folder: Path, args: argparse.Namespace) -> tuple[list[Answer], list[float]]:
    """What became of each defect; and of each finding that touches none the share of the section its box covers."""
    model = _learnt(family, kind, folder, args)
    answers: list[Answer] = []
    elsewhere: list[float] = []
    for seed in args.seeds:
        pixels = _picture(kind, args.size_px, _FIRST_JUDGED + seed)
        planted = list(planted_in(pixels, seed))
        scores = _scores(model, pixels, folder / f"{family}-{kind}-{args.size}-{args.size_px}-{seed}.npz")
        at = _threshold(model, args.per_1000)
        marks = find_marks(scores[None], model.spec.score_floor, model.mark_levels)
        boxes = [mark.box.scaled(model.spec.stride_px) for mark in marks if mark.score >= at]
        for name, size, box in planted:
            x, y, w, h = box.scaled(1 / model.spec.stride_px).outer_pixels()
            there = [one for one in boxes if one.intersection(box)]
            is_found = bool(scores[y : y + h, x : x + w].max() >= at)
            best = max((one.iou(box) for one in there), default=0.0)
            answers.append(Answer(name, size, is_found, len(there), best))
        others = (one for one in boxes if not any(one.intersection(box) for _, _, box in planted))
        elsewhere += [one.area / pixels[..., 0].size for one in others]
    return answers, elsewhere


def _learnt(family: str, kind: Kind, folder: Path, args: argparse.Namespace) -> Model:
    if family == TEXTURE:
        return TextureModel()
    data = folder / f"normal-{kind}-{args.size_px}"
    data.mkdir(exist_ok=True)
    for number in range(args.sections):
        path = data / f"s{number}.tif"
        if not path.exists():
            write_sample(make_sample(kind, args.size_px, 1, _FIRST_LEARNT + number).without(), path)
    return fitted(family, data, folder / f"{family}-{kind}-{args.size}-{args.size_px}", args.size, args.device)


def _threshold(model: Model, per_1000: float) -> float:
    """Its own where it promises nothing."""
    calibration = calibration_in(model.spec.card)
    return model.spec.threshold if calibration is None else calibration.threshold_per_1000(per_1000)


def _scores(model: Model, pixels: Array, path: Path) -> Array:
    """(rows, columns) float32, those kept where there are some."""
    if not path.exists():
        acquaint(model, [pixels])
        np.savez_compressed(path, scores=scores_of(model, pixels))
    with np.load(path, allow_pickle=False) as there:
        scores: Array = there["scores"]
    return scores


def _picture(kind: Kind, size_px: int, seed: int) -> Array:
    return make_sample(kind, size_px, 1, seed).without().render(0, 0, size_px, size_px)


def planted_in(pixels: Array, seed: int) -> Iterator[tuple[str, int, Box]]:
    """Draws defects into a picture (h, w, 3) uint8, RGB; yields the name of each, how large it
    was to be, and the box around what it changes."""
    rng = generator(seed, 73)
    field = pixels.shape[0] // _ACROSS
    names, sizes = list(DEFECTS), rng.permutation(np.resize(_SIZES_PX, _ACROSS**2))
    for number, size in enumerate(sizes.tolist()):
        name = names[(number + seed * _ACROSS**2) % len(names)]
        cover = DEFECTS[name](size, rng)
        free = field - 100 - size
        x, y = (int(at) * field + 50 + int(rng.integers(free)) for at in (number % _ACROSS, number // _ACROSS))
        part = pixels[y : y + size, x : x + size]
        part[:] = _changed(name, part, cover, rng)
        left, top, width, height = cv2.boundingRect((cover > 0.5).astype(np.uint8))
        yield name, size, Box(x + left, y + top, width, height)


def _changed(name: str, part: Array, cover: Array, rng: np.random.Generator) -> Array:
    """Lighter or darker, but for "smooth", which has lost its texture."""
    if name == "smooth":
        instead = cv2.GaussianBlur(part, (0, 0), 6).astype(np.float32)
    else:
        strength = 22 if name == "faint" else 70
        brighter = rng.random() < (0.7 if part.mean() < 128 else 0.3)
        grain = smooth_noise(rng, part.shape[:2], 1.5, 1.5)[..., None] * 5
        instead = np.float32(part) + (strength if brighter else -strength) + grain
    soft = cv2.GaussianBlur(cover, (0, 0), 0.8)[..., None]
    return np.clip(part * (1 - soft) + instead * soft, 0, 255).astype(np.uint8)


def _ellipse(size: int, rng: np.random.Generator) -> Array:
    cover = np.zeros((size, size), np.float32)
    half = size / 2 - 2
    axes = int(half), max(3, int(half * rng.uniform(0.5, 1.0)))
    cv2.ellipse(cover, (size // 2, size // 2), axes, rng.uniform(0, 180), 0, 360, 1.0, -1)
    return cover


def _crack(size: int, rng: np.random.Generator) -> Array:
    """From one corner of its square to the other, or from side to side."""
    cover = np.zeros((size, size), np.float32)
    steps = max(4, size // 12)
    along = np.linspace(2, size - 3, steps)
    across = np.cumsum(rng.normal(0, 3, steps)) + size * rng.uniform(0.2, 0.8) + (along - size / 2) * rng.uniform(-1, 1)
    points = np.stack([along, across.clip(2, size - 3)], 1)
    points = points[:, ::-1] if rng.random() < 0.5 else points
    cv2.polylines(cover, [np.rint(points).astype(np.int32)], False, 1.0, int(rng.integers(3, 6)))
    return cover


def _cluster(size: int, rng: np.random.Generator) -> Array:
    """Spots whose rims are no more than about 20 px apart."""
    cover = np.zeros((size, size), np.float32)
    for y in range(6, size - 5, 20):
        for x in range(6, size - 5, 20):
            middle = x + int(rng.integers(-2, 3)), y + int(rng.integers(-2, 3))
            cv2.circle(cover, middle, int(rng.integers(3, 6)), 1.0, -1)
    return cover


DEFECTS: Mapping[str, Callable[[int, np.random.Generator], Array]] = {
    "inclusion": _ellipse, "crack": _crack, "faint": _ellipse, "cluster": _cluster, "smooth": _ellipse,
}  # fmt: skip


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument("--kinds", nargs="+", choices=("magnet", "battery"), default=["magnet", "battery"])
    parser.add_argument("--size", choices=tuple(SIZES), default="tiny")
    parser.add_argument("--size-px", type=int, default=1152)
    parser.add_argument("--sections", type=int, default=3)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4])
    parser.add_argument(
        "--per-1000", type=float, default=10.0, help="windows of what is normal that may reach the threshold"
    )
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--device", default="auto")
    return parser.parse_args()


if __name__ == "__main__":
    main()
