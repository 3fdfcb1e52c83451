"""Pictures of made-up parts with outlines: round ones are sound, some are bitten, some are crossed."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

Array = np.ndarray

KINDS = ("good", "bitten", "crossed")
PART_PX = 26


def picture(seed: int, size: int = 192, kinds: tuple[str, ...] = KINDS) -> tuple[Array, list[tuple[str, Array]]]:
    """(size, size, 3) uint8 and, for each part, its kind and outline (k, 2)."""
    rng = np.random.default_rng(seed)
    image = rng.normal(70, 8, (size, size, 3))
    parts = []
    for y in range(24, size - 23, 48):
        for x in range(24, size - 23, 48):
            if rng.random() < 0.25:
                continue
            kind = kinds[int(rng.integers(len(kinds)))]
            centre = (x + int(rng.integers(-7, 8)), y + int(rng.integers(-7, 8)))
            mask = _drawn(kind, size, centre, float(rng.uniform(0.8, 1.1)) * PART_PX / 2, float(rng.uniform(0, 360)))
            image[mask > 0] += 110
            if kind == "crossed":
                cv2.line(image, (centre[0] - 9, centre[1] - 9), (centre[0] + 9, centre[1] + 9), (60, 60, 60), 4)
            contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
            parts.append((kind, max(contours, key=len)[:, 0].astype(float) + 0.5))
    return np.clip(image, 0, 255).astype(np.uint8), parts


def _drawn(kind: str, size: int, centre: tuple[int, int], radius: float, angle: float) -> Array:
    mask = np.zeros((size, size), np.uint8)
    if kind == "bitten":
        cv2.ellipse(mask, centre, (round(radius), round(radius)), angle, 0, 250, 1, -1)
    else:
        cv2.circle(mask, centre, round(radius), 1, -1)
    return mask


def write_coco(folder: Path, seeds: tuple[int, ...], size: int = 192, kinds: tuple[str, ...] = KINDS) -> Path:
    """A folder of pictures with a COCO file of polygons."""
    folder.mkdir(parents=True, exist_ok=True)
    images: list[dict] = []
    annotations: list[dict] = []
    for number, seed in enumerate(seeds, 1):
        image, parts = picture(seed, size, kinds)
        name = f"board{seed}.png"
        cv2.imwrite(str(folder / name), image[..., ::-1])
        images.append({"id": number, "file_name": name, "width": size, "height": size})
        for kind, outline in parts:
            (x0, y0), (x1, y1) = outline.min(0) - 0.5, outline.max(0) + 0.5
            annotations.append(
                {"id": len(annotations) + 1, "image_id": number, "category_id": kinds.index(kind) + 1, "iscrowd": 0,
                 "bbox": [x0, y0, x1 - x0, y1 - y0], "segmentation": [outline.ravel().tolist()]}
            )  # fmt: skip
    categories = [{"id": i + 1, "name": kind} for i, kind in enumerate(kinds)]
    document = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "annotations.json").write_text(json.dumps(document))
    return folder
