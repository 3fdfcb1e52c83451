"""Training: data sets, samplers, losses, the loop and what it measures. Nothing here imports torch until it trains."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from core.jobs import CancelToken, Progress

# (data folder, model folder to write, settings, seed, device, progress, cancel) → metrics
Trainer = Callable[[Path, Path, Mapping[str, Any], int, str, Progress, CancelToken | None], dict[str, Any]]


def trainers() -> dict[str, Trainer]:
    """What can be trained, by the name that `schliff train` takes."""
    return {"classifier": _train_classifier, "detector": _train_detector}


def _train_classifier(
    data: Path,
    out: Path,
    settings: Mapping[str, Any],
    seed: int,
    device: str,
    progress: Progress,
    cancel: CancelToken | None,
) -> dict[str, Any]:
    """On sections with a truth CSV, or on single labelled images."""
    from core.train.dataset import labelled_sections
    from core.train.image_set import is_image_set

    if not labelled_sections(data) and is_image_set(data):
        from core.train.image_classifier import train_image_classifier

        return train_image_classifier(data, out, settings, seed, device, progress, cancel)
    from core.train.classifier import train_classifier

    return train_classifier(data, out, settings, seed, device, progress, cancel)


def _train_detector(
    data: Path,
    out: Path,
    settings: Mapping[str, Any],
    seed: int,
    device: str,
    progress: Progress,
    cancel: CancelToken | None,
) -> dict[str, Any]:
    from core.train.detector import train_detector

    return train_detector(data, out, settings, seed, device, progress, cancel)
