"""Models of normal on pictures that nobody here made: magnetic tiles, KolektorSDD, solar cells (ELPV).

    python -m benchmarks.anomaly_public ../shared/data [--sets magnetic_tile kolektorsdd elpv] [--families memory texture …]
    python -m benchmarks.anomaly_public ../shared/data --exposure as_is alike --splits 3 --set steps=400 --keep FOLDER
    python -m benchmarks.anomaly_public ../shared/data --size full --device cuda

Each family learns from pictures without a defect alone; what is judged is of other groups: a magnet tile's six exposures (numbers
close to each other), all surfaces of one commutator, eight solar cells in a row. Of a picture the highest score counts: on all of it,
and but for a rim of 32 px, where a tile ends and shows what lies beyond it. Pixel AUROC and AUPRO (rates up to 0.3) where there are
masks, at every fourth px. ELPV: probability 0 is normal, 2/3 and 1 defective; cells of each module are judged apart, too, since wafer
and soldering tell much by themselves. "darkest", "dark" and "rough" learn nothing: how dark the darkest px of a picture is, how dark
all of it, and how much grey levels differ around a px. `--exposure alike`: each picture's grey levels are brought to those learnt from
by a straight line, as `matching=grey` does in a scan; those learnt from, too. `--splits`: so many ways to choose what is learnt from,
with a training each; means are shown, and the lowest and the highest. Windows are of 64 px, since many magnetic tiles are hardly wider
than 100.
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

from benchmarks.anomaly_families import (
    FAMILIES,
    SIZES,
    TEXTURE,
    add_settings,
    as_large,
    chosen_settings,
    fitted,
    over_trainings,
    scores_of,
    textured,
)
from benchmarks.kept import kept, working_folder
from core.anomaly.looks import looks_of
from core.anomaly.matching import GREY, lookup, matched
from core.anomaly_metrics import area_under_pro
from core.models.base import Model

Array = np.ndarray

STEP, RIM_PX = 4, 32
AS_IS, ALIKE = "as_is", "alike"
DARKEST, DARK, ROUGH = UNLEARNT = "darkest", "dark", "rough"  # what is told without learning anything
_FIGURES = ("image", "inside", "pixel", "pro")
_WINDOW: Mapping[str, Mapping[str, int]] = {
    "memory": {"window_px": 64},
    "vae": {"window_px": 64, "input_px": 64, "batch": 16},
    "cgan": {"window_px": 64, "input_px": 64, "batch": 16},
}
_SAME_TILE = 300  # numbers of one magnet tile's exposures lie closer
_BLOCK = 8
_SAME_MODULE = 100  # numbers of one module's cells lie closer


@dataclass(frozen=True)
class Picture:
    """`mask`: (h, w) bool, where something is wrong; None where only `is_defective` is known. `kind`: of which those are that
    are judged apart, too."""

    path: Path
    group: int
    is_defective: bool
    pixels: Array
    mask: Array | None
    kind: str = ""


def main() -> None:
    args = _arguments()
    with working_folder(args.keep) as folder:
        for name in args.sets:
            for exposure in args.exposure:
                _table(name, exposure, folder, args)


def _table(name: str, exposure: str, folder: Path, args: argparse.Namespace) -> None:
    pictures = SETS[name](args.data / name)
    kinds = sorted({one.kind for one in pictures if one.kind})
    splits = [_Split.of(pictures, exposure, seed, folder / f"{name}-{exposure}-{seed}") for seed in range(args.splits)]
    print(f"\n{name}, exposure {exposure}: {'; '.join(one.told(kinds) for one in splits)}")
    heads = ("family", "image AUROC", "without a rim", *kinds, "pixel AUROC", "AUPRO", "fit, CPU s", "CPU s/megapixel")
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for family in args.families:
        said = [kept(one.folder, family, partial(_measured, family, one, args)) for one in splits]
        every = [*_FIGURES[:2], *kinds, *_FIGURES[2:]]
        shown = (_shown([one[key] for one in said if one.get(key) is not None]) for key in every)
        times = (over_trainings([one["fit"] for one in said], 0), over_trainings([one["asked"] for one in said], 2))
        print(f"| {family} | {' | '.join((*shown, *times))} |", flush=True)


def _shown(values: Sequence[float]) -> str:
    return over_trainings(values) if values else "–"


@dataclass(frozen=True)
class _Split:
    """What is learnt from (in the folder "normal" of `folder`, too), and what is judged."""

    seed: int
    folder: Path
    learnt: Sequence[Picture]
    judged: Sequence[Picture]

    @classmethod
    def of(cls, pictures: Sequence[Picture], exposure: str, seed: int, folder: Path) -> _Split:
        learnt, judged = _split(pictures, seed)
        if exposure == ALIKE:
            learnt, judged = _alike(learnt, learnt), _alike(judged, learnt)
        _write(folder / "normal", learnt)
        return cls(seed, folder, learnt, judged)

    def told(self, kinds: Sequence[str]) -> str:
        text = f"learns from {len(self.learnt)}, judged on {len(self.judged)} of {len({one.group for one in self.judged})} groups"
        apart = (f"{kind} {_defective(self.judged, kind)}" for kind in kinds)
        return ", ".join((text, f"{sum(one.is_defective for one in self.judged)} defective", *apart))


def _defective(pictures: Sequence[Picture], kind: str) -> str:
    of_kind = [one.is_defective for one in pictures if one.kind == kind]
    return f"{sum(of_kind)} of {len(of_kind)}"


def _measured(family: str, split: _Split, args: argparse.Namespace) -> dict[str, Any]:
    started, judged = time.process_time(), split.judged
    scores = _scores(family, split, args)
    fit = time.process_time()
    maps = [scores(one.pixels) for one in judged]
    asked = time.process_time()
    megapixels = sum(one.pixels.shape[0] * one.pixels.shape[1] for one in judged) / 1e6
    rim = slice(RIM_PX // STEP, -RIM_PX // STEP)
    highest, inside = ([float(one[part].max()) for one in maps] for part in (..., (rim, rim)))
    found: dict[str, float | None] = {
        "image": _auroc(judged, highest),
        "inside": _auroc(judged, inside),
        "pixel": None,
        "pro": None,
    }
    for kind in {one.kind for one in judged if one.kind}:
        found[kind] = _auroc(judged, highest, kind)
    if all(one.mask is not None for one in judged):
        masks = [one.mask[::STEP, ::STEP] for one in judged if one.mask is not None]
        found |= {"pixel": _area(np.concatenate([m.ravel() for m in masks]), np.concatenate([m.ravel() for m in maps]))}
        found |= {"pro": area_under_pro(maps, masks)}
    return {**found, "fit": fit - started, "asked": (asked - fit) / megapixels}


def _scores(family: str, split: _Split, args: argparse.Namespace) -> Callable[[Array], Array]:
    """(h, w, 3) uint8 → how unusual it is at every `STEP`-th px."""
    if family == DARKEST:
        return lambda pixels: cv2.dilate(255.0 - pixels.mean(2), np.ones((STEP, STEP)))[::STEP, ::STEP]
    if family == DARK:
        return lambda pixels: np.full_like(pixels[::STEP, ::STEP, 0], 255.0 - pixels.mean(), float)
    if family == ROUGH:
        return lambda pixels: np.full_like(pixels[::STEP, ::STEP, 0], _contrast(pixels.mean(2)), float)
    model = _fitted(family, split, args)
    return lambda pixels: as_large(scores_of(model, pixels), model, pixels.shape[:2], STEP)


def _contrast(grey: Array) -> float:
    """By how much grey levels (h, w) differ around a px, in the middle."""
    near = partial(cv2.GaussianBlur, ksize=(11, 11), sigmaX=1.5)
    return float(np.median(np.sqrt(np.maximum(near(grey * grey) - near(grey) ** 2, 0))))


def _fitted(family: str, split: _Split, args: argparse.Namespace) -> Model:
    if family == TEXTURE:
        return textured([one.pixels for one in split.learnt])
    settings: dict[str, Any] = {**_WINDOW.get(family, {}), **chosen_settings(family, args)}
    return fitted(
        family, split.folder / "normal", split.folder / family, args.size, args.device, seed=split.seed, **settings
    )


def _auroc(judged: Sequence[Picture], scores: Sequence[float], kind: str | None = None) -> float | None:
    """None where all that is judged is of one class."""
    pairs = [(one.is_defective, score) for one, score in zip(judged, scores, strict=True) if kind in (None, one.kind)]
    answers, of_these = zip(*pairs, strict=True)
    return _area(np.array(answers), np.array(of_these)) if len(set(answers)) == 2 else None


def _area(answers: Array, scores: Array) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(answers, scores))


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
    numbers, wafers = np.array([int(row[0][-8:-4]) for row in rows]), np.array([row[2] for row in rows])
    modules = np.cumsum([1, *((np.diff(numbers) > _SAME_MODULE) | (wafers[1:] != wafers[:-1]))])
    return [
        Picture(
            place / name, index // _BLOCK, float(share) > 0.5, _read(place / name), None, f"module {module} ({wafer})"
        )
        for index, ((name, share, wafer), module) in enumerate(zip(rows, modules, strict=True))
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
    parser.add_argument("--families", nargs="+", choices=(*FAMILIES, *UNLEARNT), default=[*FAMILIES, *UNLEARNT])
    parser.add_argument("--size", choices=tuple(SIZES), default="small")
    parser.add_argument("--exposure", nargs="+", choices=(AS_IS, ALIKE), default=[AS_IS])
    add_settings(parser)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--splits", type=int, default=1)
    parser.add_argument("--device", default="auto")
    return parser.parse_args()


if __name__ == "__main__":
    main()
