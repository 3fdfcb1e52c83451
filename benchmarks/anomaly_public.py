"""Models of normal on pictures that nobody here made: magnetic tiles, KolektorSDD, solar cells (ELPV).

    python -m benchmarks.anomaly_public ../shared/data [--sets magnetic_tile kolektorsdd elpv] [--families memory texture …]
    python -m benchmarks.anomaly_public ../shared/data --exposure as_is alike --keep FOLDER
    python -m benchmarks.anomaly_public ../shared/data --size full --device cuda

Each family learns from pictures without a defect alone; what is judged is of other groups: a magnet tile's six exposures (numbers
close to each other), all surfaces of one commutator, eight solar cells in a row. Of a picture the highest score counts: on all of it,
and but for a rim of 32 px, where a tile ends and shows what lies beyond it. Pixel AUROC and AUPRO (rates up to 0.3) where there are
masks, at every fourth px. ELPV: probability 0 is normal, 2/3 and 1 defective. `--exposure alike`: each picture's grey levels are
brought to those learnt from by a straight line, as `matching=grey` does in a scan; those learnt from, too. Windows are of 64 px, since many magnetic tiles are
hardly wider than 100.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.anomaly_families import FAMILIES, SIZES, TEXTURE, as_large, fitted, scores_of, textured
from benchmarks.kept import kept, working_folder
from core.anomaly.looks import looks_of
from core.anomaly.matching import GREY, lookup, matched
from core.anomaly_metrics import area_under_pro

Array = np.ndarray

STEP, RIM_PX = 4, 32
AS_IS, ALIKE = "as_is", "alike"
_WINDOW: Mapping[str, Mapping[str, int]] = {
    "memory": {"window_px": 64},
    "vae": {"window_px": 64, "input_px": 64, "batch": 16},
    "cgan": {"window_px": 64, "input_px": 64, "batch": 16},
}
_SAME_TILE = 300  # numbers of one magnet tile's exposures lie closer
_BLOCK = 8


@dataclass(frozen=True)
class Picture:
    """`mask`: (h, w) bool, where something is wrong; None where only `is_defective` is known."""

    path: Path
    group: int
    is_defective: bool
    pixels: Array
    mask: Array | None


def main() -> None:
    args = _arguments()
    with working_folder(args.keep) as folder:
        for name in args.sets:
            for exposure in args.exposure:
                _table(name, exposure, folder / f"{name}-{exposure}-{args.seed}", args)


def _table(name: str, exposure: str, folder: Path, args: argparse.Namespace) -> None:
    learnt, judged = _split(SETS[name](args.data / name), args.seed)
    if exposure == ALIKE:
        learnt, judged = _alike(learnt, learnt), _alike(judged, learnt)
    groups = len({one.group for one in judged})
    defective = sum(one.is_defective for one in judged)
    print(
        f"\n{name}, exposure {exposure}: learns from {len(learnt)}, judged on {len(judged)} of {groups} groups, {defective} defective"
    )
    print(
        "| family | image AUROC | without a rim | pixel AUROC | AUPRO | fit, CPU s | CPU s/megapixel |\n|---|---|---|---|---|---|---|"
    )
    _write(folder / "normal", learnt)
    for family in args.families:
        said = kept(folder, family, partial(_measured, family, folder, learnt, judged, args))
        shown = (
            f"{value:.3f}" if (value := said[key]) is not None else "–" for key in ("image", "inside", "pixel", "pro")
        )
        print(f"| {family} | {' | '.join(shown)} | {said['fit']:.0f} | {said['asked']:.2f} |", flush=True)


def _measured(
    family: str, folder: Path, learnt: Sequence[Picture], judged: Sequence[Picture], args: argparse.Namespace
) -> dict[str, Any]:
    from sklearn.metrics import roc_auc_score

    started = time.process_time()
    if family == TEXTURE:
        model = textured([one.pixels for one in learnt])
    else:
        settings: dict[str, Any] = dict(_WINDOW.get(family, {}))
        if args.steps and family in ("vae", "cgan"):
            settings["steps"] = args.steps
        model = fitted(family, folder / "normal", folder / family, args.size, args.device, **settings)
    fit = time.process_time()
    maps = [as_large(scores_of(model, one.pixels), model, one.pixels.shape[:2], STEP) for one in judged]
    asked = time.process_time()
    megapixels = sum(one.pixels.shape[0] * one.pixels.shape[1] for one in judged) / 1e6
    answers, rim = [one.is_defective for one in judged], slice(RIM_PX // STEP, -RIM_PX // STEP)
    pixel = pro = None
    if all(one.mask is not None for one in judged):
        masks = [one.mask[::STEP, ::STEP] for one in judged if one.mask is not None]
        pixel = roc_auc_score(np.concatenate([m.ravel() for m in masks]), np.concatenate([m.ravel() for m in maps]))
        pro = area_under_pro(maps, masks)
    return {
        "image": float(roc_auc_score(answers, [float(one.max()) for one in maps])),
        "inside": float(roc_auc_score(answers, [float(one[rim, rim].max()) for one in maps])),
        "pixel": None if pixel is None else float(pixel),
        "pro": pro,
        "fit": fit - started,
        "asked": (asked - fit) / megapixels,
    }


def _alike(pictures: Sequence[Picture], learnt: Sequence[Picture]) -> list[Picture]:
    """Each with grey levels brought to those of pictures learnt from."""
    training = looks_of(one.pixels for one in learnt)
    tables = (lookup(GREY, looks_of([one.pixels]), training) for one in pictures)
    return [replace(one, pixels=matched(one.pixels, table)) for one, table in zip(pictures, tables, strict=True)]


def _write(folder: Path, learnt: Sequence[Picture]) -> None:
    """A folder of pictures without a defect; what comes before the last number of a name is the group."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, one in enumerate(learnt):
        cv2.imwrite(str(folder / f"g{one.group:05}_{number:05}.png"), one.pixels[..., ::-1])


def _split(pictures: Sequence[Picture], seed: int) -> tuple[list[Picture], list[Picture]]:
    """What is learnt from: the normal ones of half of the groups that have any, those with fewest defects first; judged: all of
    the other groups."""
    groups = sorted({one.group for one in pictures})
    order = np.random.default_rng(seed).permutation(groups)
    defects = {group: sum(one.is_defective for one in pictures if one.group == group) for group in groups}
    normal = [g for g in order if any(not one.is_defective for one in pictures if one.group == g)]
    chosen = set(sorted(normal, key=lambda g: defects[g])[: max(1, len(normal) // 2)])
    learnt = [one for one in pictures if one.group in chosen and not one.is_defective]
    return learnt, [one for one in pictures if one.group not in chosen]


def _magnetic(folder: Path) -> list[Picture]:
    paths = sorted(folder.glob("*/Imgs/*.jpg"), key=_number)
    groups = np.cumsum([0, *(np.diff([_number(path) for path in paths]) > _SAME_TILE)])
    found = []
    for path, group in zip(paths, groups, strict=True):
        pixels = _read(path)
        mask = np.asarray(cv2.imread(str(path.with_suffix(".png")), cv2.IMREAD_GRAYSCALE)) > 127
        found.append(Picture(path, int(group), path.parents[1].name != "MT_Free", pixels, mask))
    return found


def _kolektor(folder: Path) -> list[Picture]:
    """At half their size; of one commutator there are eight surfaces, numbered in a row."""
    found = []
    for path in sorted(folder.glob("Datasets/images/*/*.jpg")):
        pixels = _read(path)
        size = pixels.shape[1] // 2, pixels.shape[0] // 2
        mask = np.zeros(size[::-1], np.uint8)
        for line in (folder / "Datasets/labels" / path.parent.name / f"{path.stem}.txt").read_text().splitlines():
            corners = np.array(line.split()[1:], float).reshape(-1, 2) * size
            cv2.fillPoly(mask, [np.round(corners).astype(np.int32)], (1,))
        shown = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        found.append(Picture(path, (int(path.stem) + 1) // _BLOCK, bool(mask.any()), shown, mask > 0))
    return found


def _elpv(folder: Path) -> list[Picture]:
    place = folder / "src" / "elpv_dataset" / "data"
    rows = [line.split() for line in (place / "labels.csv").read_text("utf-8").splitlines() if line.strip()]
    return [
        Picture(place / name, index // _BLOCK, float(share) > 0.5, _read(place / name), None)
        for index, (name, share, *_) in enumerate(rows)
        if not 0.1 < float(share) < 0.5 and (place / name).is_file()
    ]


SETS: Mapping[str, Callable[[Path], list[Picture]]] = {
    "magnetic_tile": _magnetic,
    "kolektorsdd": _kolektor,
    "elpv": _elpv,
}


def _read(path: Path) -> Array:
    return np.ascontiguousarray(np.asarray(cv2.imread(str(path)))[..., ::-1])


def _number(path: Path) -> int:
    return int(path.stem.rpartition("_")[2])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument("--size", choices=tuple(SIZES), default="small")
    parser.add_argument("--exposure", nargs="+", choices=(AS_IS, ALIKE), default=[AS_IS])
    parser.add_argument("--steps", type=int, help="of VAE and cGAN, other than those of the size")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    return parser.parse_args()


if __name__ == "__main__":
    main()
