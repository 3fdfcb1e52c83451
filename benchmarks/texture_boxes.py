"""How tight the texture scan's findings are: IoU of the box of each planted spot with what is found there, by size and look.

    python -m benchmarks.texture_boxes [--kinds metal magnet battery] [--seeds 1 2]

Round spots of 16 to 200 px, dark, bright, rough (noise added) and smooth (blurred), 8 of them on each picture of 2,048 px, at
places that no grid knows. A spot is found where a mark at or above the threshold peaks in its box grown by 32 px; its IoU is that
of the highest such mark, its pieces are how many there are. What is marked elsewhere is counted as "others": natural pores and
the specimen's corners are among them.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from dataclasses import dataclass
from typing import cast, get_args

import cv2
import numpy as np

from core.geometry import Box
from core.models.texture import SPEC_TEXTURE, TextureModel
from core.scan.extract import find_marks
from core.synthetic.sample import Kind, make_sample
from core.train.evaluate import map_section

Array = np.ndarray

SIDE_PX, PART_PX = 2048, 1024
SIZES_PX = (16, 24, 32, 48, 64, 96, 128, 200)
LOOKS = ("dark", "bright", "rough", "smooth")
KINDS = ("metal", "magnet", "battery")
_NEAR_PX = 32
_RIM_PX = 340  # the specimen ends there
_PITCH_PX = 456  # 3 × 3 places, of which the middle one stays free


@dataclass(frozen=True)
class Spot:
    look: str
    size_px: int
    box: Box


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    args = parser.parse_args()
    found: dict[tuple[str, str, int], list[tuple[float, int]]] = defaultdict(list)
    others: dict[str, list[int]] = defaultdict(list)
    for kind in args.kinds:
        for seed in args.seeds:
            for number in range(len(LOOKS)):
                pixels, spots = planted(kind, seed, number)
                boxes = findings(pixels)
                taken = 0
                for spot in spots:
                    near = [box for box, peak in boxes if spot.box.grown(_NEAR_PX).contains(*peak)]
                    taken += len(near)
                    found[kind, spot.look, spot.size_px].append((near[0].iou(spot.box) if near else -1, len(near)))
                others[kind].append(len(boxes) - taken)
    report(found, others)


def planted(kind: str, seed: int, number: int) -> tuple[Array, list[Spot]]:
    """A picture (SIDE_PX, SIDE_PX, 3) uint8 with spots of every size, and of every look in turn."""
    pixels = ground(kind, seed).copy()
    rng = np.random.default_rng((seed, number))
    places = [(x, y) for y in range(3) for x in range(3) if (x, y) != (1, 1)]
    rng.shuffle(places)
    spots = []
    for at, (size, (column, row)) in enumerate(zip(SIZES_PX, places, strict=True)):
        look = LOOKS[(at + number) % len(LOOKS)]
        x, y = (int(_RIM_PX + _PITCH_PX * place + rng.integers(_PITCH_PX - size)) for place in (column, row))
        draw(pixels, Box(x, y, size, size), look, rng)
        spots.append(Spot(look, size, Box(x, y, size, size)))
    return pixels, spots


def ground(kind: str, seed: int) -> Array:
    if kind in get_args(Kind):
        return make_sample(cast(Kind, kind), SIDE_PX, 0, 300_000 + seed).render(0, 0, SIDE_PX, SIDE_PX)
    rng = np.random.default_rng(300_000 + seed)
    field = cv2.GaussianBlur(rng.standard_normal((SIDE_PX, SIDE_PX)).astype(np.float32), (0, 0), 4)
    grey = cv2.GaussianBlur(np.where(field > 0, 190.0, 110.0), (0, 0), 1) + rng.normal(0, 4, (SIDE_PX, SIDE_PX))
    return np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def draw(pixels: Array, box: Box, look: str, rng: np.random.Generator) -> None:
    """A round spot with an edge as blurred as a microscope's, in place."""
    x, y, size, _ = box.outer_pixels()
    rim = 24
    here = pixels[y - rim : y + size + rim, x - rim : x + size + rim]
    middle, radius = rim + (size - 1) / 2, size / 2
    rows, columns = np.indices(here.shape[:2])
    disc = (np.hypot(rows - middle, columns - middle) <= radius).astype(np.float32)
    inside = cv2.GaussianBlur(disc, (0, 0), 1.0)[..., None]
    drawn = _looking(here.astype(np.float32), look, rng)
    here[:] = np.rint(np.clip(here + (drawn - here) * inside, 0, 255)).astype(np.uint8)


def _looking(here: Array, look: str, rng: np.random.Generator) -> Array:
    blurred = cv2.GaussianBlur(rng.standard_normal(here.shape[:2]).astype(np.float32), (0, 0), 1.2)
    noise = (blurred / blurred.std())[..., None]
    if look == "rough":
        return here + 45 * noise
    if look == "smooth":
        return cv2.GaussianBlur(here, (0, 0), 8) + noise
    return np.full_like(here, {"dark": 22.0, "bright": 250.0}[look]) + 3 * noise


def findings(pixels: Array) -> list[tuple[Box, tuple[float, float]]]:
    """Boxes at or above the threshold and their peaks, in px, highest first, as a scan of the picture finds them."""
    model = TextureModel()
    tiles = [
        np.ascontiguousarray(pixels[y : y + PART_PX, x : x + PART_PX])
        for y in range(0, SIDE_PX, PART_PX)
        for x in range(0, SIDE_PX, PART_PX)
    ]
    model.learn(len(tiles), lambda index: tiles[index])
    scores = model.scores(map_section(model, pixels))
    cell = SPEC_TEXTURE.stride_px
    marks = find_marks(scores, SPEC_TEXTURE.score_floor, model.mark_levels)
    marks = [one for one in marks if one.score >= SPEC_TEXTURE.threshold]
    return [(one.box.scaled(cell), ((one.peak[1] + 0.5) * cell, (one.peak[0] + 0.5) * cell)) for one in marks]


def report(found: dict[tuple[str, str, int], list[tuple[float, int]]], others: dict[str, list[int]]) -> None:
    megapixels = SIDE_PX**2 / 1e6
    for title, at, values in (("look", 1, LOOKS), ("size, px", 2, SIZES_PX), ("kind", 0, KINDS)):
        print(
            f"\n| {title} | spots | found | in one piece | median IoU | IoU ≥ 0.5 of found |\n|---|---|---|---|---|---|"
        )
        for value in values:
            print(_row(str(value), [one for key, some in found.items() if key[at] == value for one in some]))
    print("\n| size, px | " + " | ".join(LOOKS) + " |  median IoU of found (found of all)\n|---|---|---|---|---|")
    for size in SIZES_PX:
        cells = []
        for look in LOOKS:
            some = [one for (_, a, b), each in found.items() if a == look and b == size for one in each]
            ious = [iou for iou, n in some if n]
            cells.append(f"{np.median(ious) if ious else 0:.2f} ({len(ious)}/{len(some)})")
        print(f"| {size} | " + " | ".join(cells) + " |")
    print(_row("all", [one for some in found.values() for one in some]))
    print("others per megapixel: " + ", ".join(f"{k} {np.mean(n) / megapixels:.2f}" for k, n in others.items()))


def _row(name: str, some: list[tuple[float, int]]) -> str:
    ious = [iou for iou, pieces in some if pieces]
    if not ious:
        return f"| {name} | {len(some)} | 0 | | | |"
    single = sum(pieces == 1 for _, pieces in some) / len(ious)
    tight = np.mean(np.array(ious) >= 0.5)
    return f"| {name} | {len(some)} | {len(ious)} | {single:.2f} | {np.median(ious):.2f} | {tight:.2f} |"


if __name__ == "__main__":
    main()
