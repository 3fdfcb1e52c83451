"""Decides how a training that was asked for is carried out, and what it leaves beside its checkpoint while it runs.

In the model folder to be: the request, so that it can be gone on with, and its curves (`core.train.curves`), so that
they are there again after a break. The request goes when the model is written.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from core.data.labelled import DataKind
from core.data.normal import find_normal
from core.data.reading import kind_of, read_data, reading_once
from core.disk import disk_errors, written_whole
from core.errors import InputError, UsageError
from core.jobs import CancelToken, Progress, no_progress
from core.models.card import CARD_NAME
from core.parameters import resolve
from core.train.base import TrainerSpec
from core.train.curves import CurveWriter, keep_curves
from core.train.folder_lock import LOCK_NAME, only_one
from core.train.request import TrainRequest
from core.train.trainers import find_trainer, learns_normal

REQUEST_NAME = ".training.json"
_LEFT = ".training"  # how all begins that a training leaves behind until it ends, its checkpoints too


def run_training(
    request: TrainRequest, progress: Progress = no_progress, cancel: CancelToken | None = None
) -> dict[str, Any]:
    """Trains in this process and returns the metrics; goes on where an interrupted one of the same folder stopped.

    Raises UsageError where a model lies there already, another program trains there or settings don't fit, InputError for
    data, ResourceError for device, disk or download, CancelledError.
    """
    if (request.out / CARD_NAME).exists():
        raise UsageError("a model lies there already", path=request.out, remedy="Choose another folder (--out).")
    with reading_once():
        return _run(request, checked_trainer(request), progress, cancel)


def _run(request: TrainRequest, spec: TrainerSpec, progress: Progress, cancel: CancelToken | None) -> dict[str, Any]:
    with only_one(request.out):
        is_new = _begin(request)
        told = CurveWriter(request.out, progress).step
        try:
            metrics = spec.run(request.data, request.out, request.settings, request.seed, request.device, told, cancel)
        except (UsageError, InputError):
            if is_new:
                _clear(request.out)  # refused: no folder that looks like one that can be gone on with
            raise
        keep_curves(request.out)
        _clear(request.out)
    return metrics


def checked_trainer(request: TrainRequest) -> TrainerSpec:
    """The trainer that is meant. Raises UsageError for a family or settings that don't fit, InputError for data."""
    no_defect = str(request.settings.get("no_defect", ""))
    if learns_normal(request.trainer):
        find_normal(request.data, no_defect)
        kind: DataKind = "normal"
    else:
        kind = kind_of(read_data(request.data, no_defect))
    spec = find_trainer(request.trainer, kind, frozenset(request.settings))
    resolve(spec.parameters, request.settings)
    return spec


def unfinished(folder: Path) -> TrainRequest | None:
    """The training that was begun in a model folder and not ended; None where there is none. Raises InputError."""
    path = folder / REQUEST_NAME
    if not path.is_file() or (folder / CARD_NAME).exists():
        return None
    try:
        return TrainRequest.from_json(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"can't be read ({error})", path=path, remedy="Delete it and start anew.") from None


def unfinished_in(place: Path) -> list[TrainRequest]:
    """Every training that was begun in a folder of `place` and not ended, sorted by folder. Broken ones are left out."""
    try:
        folders = sorted(folder for folder in place.iterdir() if (folder / REQUEST_NAME).is_file())
    except OSError:  # not made yet
        return []
    found = []
    for folder in folders:
        with suppress(InputError):
            request = unfinished(folder)
            if request is not None:
                found.append(request)
    return found


def discard(folder: Path) -> None:
    """Takes away what a training that was not ended has left, and nothing else; the folder, too, if that was all.

    Raises UsageError while it is at work, ResourceError.
    """
    if folder.is_dir():
        with only_one(folder):
            _clear(folder)


def _clear(folder: Path) -> None:
    with disk_errors(folder):
        for left in (*folder.glob(f"{_LEFT}*"), *folder.glob(f".{_LEFT}*.part")):  # the latter of one that was killed
            if left.name != LOCK_NAME:
                left.unlink(missing_ok=True)


def _begin(request: TrainRequest) -> bool:
    """Whether nothing was begun there before."""
    before = unfinished(request.out)
    if before is not None and before != request:
        raise UsageError(
            "another training was begun here and not ended", path=request.out,
            remedy="Choose another folder, or go on with that one by its own settings.",
        )  # fmt: skip
    with written_whole(request.out / REQUEST_NAME) as part:
        part.write_text(json.dumps(request.to_json(), indent=1), "utf-8")
    return before is None
