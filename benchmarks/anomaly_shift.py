"""What a model of normal says of sections that were prepared or photographed otherwise, and what matching grey levels brings back.

    python -m benchmarks.anomaly_shift [--model magnet-edges] [--size-px 2048] [--seeds 1 2] [--matching none grey histogram]

Sample magnets as in `benchmarks.anomaly_magnets`, each as it is and altered: another lamp, deeper etching, a noisier or duller camera,
another focus. The same defects lie at the same places. What the drift guard says is told for each; false alarms and what is found
are at the model's own threshold.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from benchmarks.anomaly_magnets import figures, judged, picture_of, to_judge
from core.anomaly.acquaintance import Acquaintance
from core.anomaly.drift import looks_in
from core.anomaly.matching import MATCHING
from core.models.base import ModelSpec
from core.models.catalog import configure, find_model, load_model

Array = np.ndarray
Change = Callable[[Array], Array]


def _straight(gain: float, shift: float = 0.0) -> Change:
    return lambda pixels: cv2.convertScaleAbs(pixels, None, gain, shift)


def _etched(pixels: Array) -> Array:
    """Thin dark lines, boundaries between grains, twice as deep."""
    lines = cv2.morphologyEx(pixels, cv2.MORPH_BLACKHAT, np.ones((9, 9), np.uint8))
    return cv2.subtract(pixels, lines)


def _noisy(pixels: Array) -> Array:
    noise = np.random.default_rng(0).normal(0, 8, pixels.shape)
    return np.clip(pixels + noise, 0, 255).astype(np.uint8)


def _redder(pixels: Array) -> Array:
    return np.clip(pixels * np.array([1.15, 1.0, 0.85]), 0, 255).astype(np.uint8)


CHANGES: Mapping[str, Change] = {
    "as it is": lambda pixels: pixels,
    "a quarter brighter": _straight(1.25),
    "a third darker": _straight(0.67),
    "half the contrast": _straight(0.5, 85.0),
    "redder": _redder,
    "etched deeper": _etched,
    "noisier (8 grey levels)": _noisy,
    "out of focus (2 px)": lambda pixels: cv2.GaussianBlur(pixels, (0, 0), 2),
}


def main() -> None:
    args = _arguments()
    spec = find_model(args.model)
    print(
        "| section | matching | AUROC | F1 | false alarms per 1,000 windows | defects found |\n|---|---|---|---|---|---|"
    )
    for name, change in CHANGES.items():
        for matching in args.matching:
            said = _figures(spec, matching, change, args)
            at = said["thresholds"]["default"]
            print(
                f"| {name} | {matching} | {said['auroc']:.3f} | {at['f1']:.2f} | {at['alarms']:.0f} | {at['found']:.2f} |",
                flush=True,
            )
    print()
    for name, change in CHANGES.items():
        print(f"{name}: {_told(spec, change, args.size_px, args.seeds)}")


def _figures(spec: ModelSpec, matching: str, change: Change, args: argparse.Namespace) -> dict[str, Any]:
    model = load_model(configure(spec, {MATCHING.name: matching}), args.device)
    return figures(judged(model, args.size_px, args.seeds, change), {"default": model.spec.threshold})


def _told(spec: ModelSpec, change: Change, size_px: int, seeds: Sequence[int]) -> str:
    """What the drift guard finds on the first section, and how far off each is, in spreads of the training."""
    training = looks_in(spec.card, spec.path)
    assert training is not None
    picture = change(picture_of(to_judge(size_px, seeds[0])))
    edge = size_px // 8
    found = Acquaintance.made([np.ascontiguousarray(picture[edge:-edge, edge:-edge])], training).findings
    return "; ".join(f"{one.text} ({one.how_far:.1f})" for one in found) or "nothing"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="magnet-edges")
    parser.add_argument("--size-px", type=int, default=2048)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--matching", nargs="+", choices=MATCHING.choices, default=list(MATCHING.choices))
    parser.add_argument("--device", default="auto")
    return parser.parse_args()


if __name__ == "__main__":
    main()
