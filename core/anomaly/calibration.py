"""Decides what a raw score of a model of normal means: how scores of what is normal are spread, on windows it never learnt.

The highest score of each window is what counts: a window is called anomalous, or a place in it found, where one cell is.
A model's scores are raw ones divided by `limit`, "times the limit of what is normal", the same on every section.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.anomaly.tail import Spread, spread_of
from core.errors import InputError
from core.mark_levels import MarkLevels

Array = np.ndarray

SCORE_UNIT = "times the limit of what is normal"
THRESHOLD, FLOOR = 1.0, 0.5
# Of a thousand windows in which nothing is wrong, so many reach the limit.
LIMIT_ALARMS = 1.0
PER = 1000
_CELLS_PER_WINDOW = 256
_RARE_CELLS = 0.01
_GAP_CELLS = 2
_LEAST = 1e-12
# Fewer windows than the first tell nothing, fewer than the second little of which scores are normal.
FEWEST, FEW = 3, 10
_LOWEST_LIMIT = 1e-6


@dataclass(frozen=True)
class Calibration:
    """How raw scores of what is normal are spread.

    Args:
        limit: the raw score that counts as 1.
        windows: the highest raw score of each window; cells: raw scores of single cells of those that aren't doubtful.
        window_mm2: what a window covers; None without a scale.
        training_extreme: the highest raw score in what was learnt from (the dissertation's threshold, §3.12.3).
        doubtful: the share of windows that was taken for possibly defective, as nobody had said that they are normal.
        is_of_learnt: whether the windows were learnt from, too, as there were too few to hold some out.
    """

    limit: float
    windows: Spread
    cells: Spread
    window_mm2: float | None
    training_extreme: float
    doubtful: float = 0.0
    is_of_learnt: bool = False

    @property
    def mark_levels(self) -> MarkLevels:
        """Scores (times the limit) between which findings end: what one normal cell in a hundred reaches, and the limit."""
        rare, usual = (float(np.clip(self.cells.exceeded_by(one) / self.limit, 0.0, 1.0)) for one in (_RARE_CELLS, 0.5))
        return MarkLevels(rare, 1.0, _GAP_CELLS, ground=usual)

    @property
    def is_of_few(self) -> bool:
        return self.windows.count < FEW

    def alarms_per_1000(self, threshold: float) -> float:
        """Of 1,000 windows in which nothing is wrong, how many reach a threshold (times the limit)."""
        return PER * self.windows.above(threshold * self.limit)

    def alarms_per_mm2(self, threshold: float) -> float | None:
        """False alarms on a mm² in which nothing is wrong; None without a scale. By chance, thus by Poisson's law."""
        share = min(self.windows.above(threshold * self.limit), 1 - _LEAST)
        return None if self.window_mm2 is None else float(-np.log1p(-share) / self.window_mm2)

    def threshold_per_1000(self, alarms: float) -> float:
        """The threshold (times the limit) that so many of 1,000 windows reach in which nothing is wrong."""
        return self.windows.exceeded_by(alarms / PER) / self.limit

    def threshold_per_mm2(self, alarms: float) -> float | None:
        """The threshold at which so many false alarms are expected on a mm²; None without a scale."""
        if self.window_mm2 is None:
            return None
        return self.windows.exceeded_by(float(-np.expm1(-alarms * self.window_mm2))) / self.limit

    def to_json(self) -> dict[str, Any]:
        return {
            "limit": self.limit,
            "windows": self.windows.to_json(),
            "cells": self.cells.to_json(),
            "window_mm2": self.window_mm2,
            "training_extreme": self.training_extreme,
            "doubtful": self.doubtful,
            "is_of_learnt": self.is_of_learnt,
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Calibration:
        """Raises ValueError, KeyError or TypeError for what `to_json` didn't write."""
        area = told["window_mm2"]
        found = cls(
            float(told["limit"]),
            Spread.from_json(told["windows"]),
            Spread.from_json(told["cells"]),
            None if area is None else float(area),
            float(told["training_extreme"]),
            float(told["doubtful"]),
            bool(told.get("is_of_learnt", False)),
        )
        positive = (found.limit, 1.0 if found.window_mm2 is None else found.window_mm2)
        if not all(0 < one < np.inf for one in positive) or not np.isfinite(found.training_extreme):
            raise ValueError("this is no calibration")
        return found


def calibration_in(card: Mapping[str, Any], path: Path | None = None) -> Calibration | None:
    """What a model's card says; None for models that are not calibrated so. Raises InputError for what can't be."""
    if "calibration" not in card:
        return None
    try:
        return Calibration.from_json(card["calibration"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"its calibration can't be read ({error})", path=path, remedy="Train the model again."
        ) from None


def calibrate(
    held_out: Iterable[Array],
    learnt: Iterable[Array],
    window_mm2: float | None,
    doubtful: float = 0.0,
    seed: int = 0,
    is_of_learnt: bool = False,
) -> Calibration:
    """
    Args:
        held_out: for each window that was not learnt from, the raw scores of its cells, of any shape: as the model gives
            them in a scan, surroundings and all.
        learnt: the same of windows that were learnt from; none: the held-out ones stand for them.
        window_mm2: what a window covers; None without a scale.
        doubtful: the share of the windows that may hold a defect, 0 where somebody said that they are normal.
        is_of_learnt: whether the held-out windows were learnt from, too.
    Raises ValueError for scores that are no numbers, InputError where too few windows were held out, or all of what is
    normal scores the same.
    """
    rng = np.random.default_rng(seed)
    highest: list[float] = []
    cells: list[Array] = []
    for one in held_out:
        flat = np.asarray(one, np.float64).ravel()
        highest.append(float(flat.max()))
        cells.append(flat if len(flat) <= _CELLS_PER_WINDOW else rng.choice(flat, _CELLS_PER_WINDOW, replace=False))
    if len(highest) < FEWEST:
        count = f"{len(highest)} window{'' if len(highest) == 1 else 's'}"
        raise InputError(
            f"only {count} could be kept back, too few to tell which scores are normal",
            remedy="Give more pictures, draw larger regions called normal, or choose smaller windows.",
        )
    windows = spread_of(np.array(highest), doubtful)
    sure = np.argsort(highest, kind="stable")[: len(highest) - int(doubtful * len(highest))]
    limit = windows.exceeded_by(LIMIT_ALARMS / PER)
    if not limit > _LOWEST_LIMIT:
        raise InputError(
            "all of what is normal scores the same, so nothing tells what isn't",
            remedy="Give pictures that show more, or let it learn longer.",
        )
    extreme = max((float(np.max(one)) for one in learnt), default=max(highest))
    normal_cells = spread_of(np.concatenate([cells[index] for index in sure]))
    return Calibration(limit, windows, normal_cells, window_mm2, extreme, doubtful, is_of_learnt)
