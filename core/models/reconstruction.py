"""Decides what models that draw a window again, and compare, offer: their parameters, and how their maps are scored.

A variational autoencoder or an edge→image network learnt what is normal alone (Badmos 2022, dissertation §3.11, §3.12), so
what it can't draw again is not normal. A map tells of each cell how unlike the drawing it is (1 - SSIM), by how much (the
mean squared residual, in grey levels²), how unlike the drawing the windows around it are as a whole and, of models that were
trained with a frozen network beside them, how unlike it looks to that (`core.models.networks.feature_comparison`).
`score` says which one counts, `stride` how far windows are apart. A threshold belongs to one way of running a model, so
there is a calibration for each. The work is in `core.models.networks.reconstruction_model`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from core.anomaly.calibration import FLOOR, SCORE_UNIT, THRESHOLD
from core.anomaly.matching import MATCHING
from core.errors import InputError
from core.models.base import Model, ModelFamily, ModelSpec, with_values
from core.models.card import CARD_NAME
from core.models.normal import learning_if_matched
from core.parameters import Parameter

Array = np.ndarray

KIND, LABEL = "reconstruction", "anomaly"
VAE, CGAN = "vae", "cgan"

CELLS = 32  # of a map along one side of a window
STRIDES: Mapping[str, int] = {"0.75": 24, "0.5": 16}  # cells
PLACE, RESIDUAL, WINDOW, FEATURES = "place", "residual", "window", "features"
CHANNELS: Mapping[str, int] = {PLACE: 0, RESIDUAL: 1, WINDOW: 2, FEATURES: 3}
# A place is 5 × 5 cells: single cells differ from their drawing by chance.
_PLACE_CELLS = 2
_TILE_CELLS = 144  # a whole number of every stride

STRIDE = Parameter(
    "stride", str, "0.75", "from one window to the next, as a share of its side; 0.5 is slower and steadier",
    choices=tuple(STRIDES),
)  # fmt: skip
SCORE = Parameter(
    "score", str, PLACE, "what counts: how unlike its drawing a place is (place), or all of a window (window, as in the "
    "dissertation), how far grey levels are off (residual), or how unlike it looks to a frozen network (features)",
    choices=tuple(CHANNELS), rereads=True,
)  # fmt: skip
BATCH = Parameter("batch", int, 8, "windows computed at once; more needs more memory", 1, 1024, rereads=True)


@dataclass(frozen=True)
class Scoring:
    """How the chosen channel becomes scores: its excess over what is usual, as a multiple of `limit`."""

    channel: int
    usual: float
    limit: float

    def scores(self, maps: Array) -> Array:
        """(channels, rows, columns) → (1, rows, columns) float32, in `SCORE_UNIT`; NaN where the map is."""
        return raw_scores(maps, self.channel, self.usual)[None] / np.float32(self.limit)


def raw_scores(maps: Array, channel: int, usual: float) -> Array:
    """By how much a channel exceeds what is usual; at least 0."""
    return np.maximum(smoothed(maps, channel) - np.float32(usual), 0)


def smoothed(maps: Array, channel: int) -> Array:
    """A channel's (rows, columns), the mean of each place but for whole windows."""
    return maps[channel] if channel == CHANNELS[WINDOW] else _over_places(maps[channel])


def scan_fields(window_px: int, ways: Mapping[str, Mapping[str, Mapping[str, float]]]) -> dict[str, Any]:
    """The `scan` part of a card, for the default stride.

    Args:
        window_px: a multiple of 32.
        ways: for each stride and score what is "usual" and the "limit".
    """
    cell, stride = window_px // CELLS, STRIDES[STRIDE.default]
    return {
        "tile_px": _TILE_CELLS * cell,
        "halo_px": stride * cell,
        "window_px": window_px,
        "stride_px": cell,
        "map_channels": len(ways[STRIDE.default]),
        "context_cells": _PLACE_CELLS,
        "score_unit": SCORE_UNIT,
        "score_floor": FLOOR,
        "threshold": THRESHOLD,
        "ways": {stride: {score: dict(numbers) for score, numbers in told.items()} for stride, told in ways.items()},
    }


def scoring_of(spec: ModelSpec) -> Scoring:
    """How a configured model is scored. Raises InputError for a card that doesn't say."""
    stride, score = spec.values[STRIDE.name], spec.values[SCORE.name]
    try:
        told = spec.card["scan"]["ways"][stride][score]
        found = Scoring(CHANNELS[score], float(told["usual"]), float(told["limit"]))
        if not (np.isfinite(found.usual) and 0 < found.limit < np.inf):
            raise ValueError("numbers that can't be")
    except (KeyError, TypeError, ValueError):
        raise InputError(
            "it doesn't say which scores are normal",
            path=spec.path / CARD_NAME if spec.path else None,
            remedy="Train the model again.",
        ) from None
    return found


def configure(spec: ModelSpec, values: Mapping[str, Any]) -> ModelSpec:
    """The spec that holds for chosen values; its card's "calibration" is the one of that way of running the model."""
    chosen = with_values(_offer(spec), values)
    stride, score = chosen.values[STRIDE.name], chosen.values[SCORE.name]
    calibration = spec.card.get("calibrations", {}).get(stride, {}).get(score)
    own = replace(
        chosen,
        halo_px=STRIDES[stride] * spec.stride_px,
        grid_px=STRIDES[stride] * spec.stride_px,
        context_cells=0 if score == WINDOW else _PLACE_CELLS,
        card={**spec.card, "calibration": calibration} if calibration else spec.card,
    )
    return learning_if_matched(own)


def _offer(spec: ModelSpec) -> ModelSpec:
    score = replace(SCORE, choices=SCORE.choices[: spec.map_channels])
    return replace(spec, parameters=(STRIDE, score, MATCHING, BATCH))


def _over_places(values: Array) -> Array:
    """The mean of the known cells around each known cell; beyond the map's end nothing is known."""
    known, side = np.isfinite(values), (2 * _PLACE_CELLS + 1,) * 2
    shares = (np.where(known, values, 0).astype(np.float32), known.astype(np.float32))
    total, count = (cv2.blur(one, side, borderType=cv2.BORDER_CONSTANT) for one in shares)
    return np.where(known, total / np.maximum(count, np.float32(1e-6)), np.float32(np.nan))


def _load(spec: ModelSpec, device: str) -> Model:
    from core.models.networks.reconstruction_model import load

    return load(spec, device)


SPEC = ModelFamily(id=KIND, load=_load, configure=configure, offer=_offer)
