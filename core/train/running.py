"""Decides how a training that was asked for is carried out, and what it leaves beside its checkpoint while it runs.

In the model folder to be: the request, so that it can be gone on with, and a line for every measured figure, so that
the curves are there again after a break. Both go when the model is written.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from core.data.reading import kind_of, read_data
from core.disk import disk_errors, written_whole
from core.errors import InputError, UsageError
from core.jobs import CancelToken, Progress, Step, no_progress
from core.models.card import CARD_NAME
from core.parameters import resolve
from core.train.base import TrainStep
from core.train.request import TrainRequest
from core.train.trainers import find_trainer, trainers_called

REQUEST_NAME = ".training.json"
CURVES_NAME = ".training.jsonl"


def run_training(
    request: TrainRequest, progress: Progress = no_progress, cancel: CancelToken | None = None
) -> dict[str, Any]:
    """Trains in this process and returns the metrics; goes on where an interrupted one of the same folder stopped.

    Raises UsageError where a model lies there already or settings don't fit, InputError for data, ResourceError for
    device, disk or download, CancelledError.
    """
    if (request.out / CARD_NAME).exists():
        raise UsageError("a model lies there already", path=request.out, remedy="Choose another folder (--out).")
    trainers_called(request.trainer)
    data = read_data(request.data, str(request.settings.get("no_defect", "")))
    spec = find_trainer(request.trainer, kind_of(data), frozenset(request.settings))
    resolve(spec.parameters, request.settings)
    is_new = _begin(request)
    told = _Curves(request.out / CURVES_NAME, progress).step
    try:
        metrics = spec.run(request.data, request.out, request.settings, request.seed, request.device, told, cancel)
    except (UsageError, InputError):
        if is_new:
            _leave_nothing(request.out)
        raise
    _tidy(request.out)
    return metrics


def unfinished(folder: Path) -> TrainRequest | None:
    """The training that was begun in a model folder and not ended; None where there is none. Raises InputError."""
    path = folder / REQUEST_NAME
    if not path.is_file() or (folder / CARD_NAME).exists():
        return None
    try:
        return TrainRequest.from_json(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise InputError(f"can't be read ({error})", path=path, remedy="Delete it and start anew.") from None


def curves_so_far(folder: Path) -> Iterator[TrainStep]:
    """What was measured before a break, in order; of two for the same step the later one counts.

    After a break the steps since the last checkpoint are run, and told, again. A line that was cut off ends it.
    """
    try:
        lines = (folder / CURVES_NAME).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for line in lines:
        try:
            yield TrainStep(**json.loads(line))
        except (ValueError, TypeError):
            return


def _begin(request: TrainRequest) -> bool:
    """Whether nothing was begun there before."""
    before = unfinished(request.out)
    if before is not None and before != request:
        raise UsageError(
            "another training was begun here and not ended", path=request.out,
            remedy="Choose another folder, or go on with that one by its own settings.",
        )  # fmt: skip
    with disk_errors(request.out):
        request.out.mkdir(parents=True, exist_ok=True)
        with written_whole(request.out / REQUEST_NAME) as part:
            part.write_text(json.dumps(request.to_json(), indent=1), "utf-8")
    return before is None


def _tidy(folder: Path) -> None:
    for name in (REQUEST_NAME, CURVES_NAME):
        (folder / name).unlink(missing_ok=True)


def _leave_nothing(folder: Path) -> None:
    """After a training that was refused: no folder that looks like one that can be gone on with."""
    _tidy(folder)
    with suppress(OSError):  # it holds something else
        folder.rmdir()


class _Curves:
    """Passes steps on and writes down the measured ones."""

    def __init__(self, path: Path, progress: Progress) -> None:
        self._path, self._progress = path, progress

    def step(self, step: Step) -> None:
        if isinstance(step, TrainStep) and step.figures:
            told = {"done": step.done, "total": step.total, "figures": dict(step.figures), "phase": step.phase}
            with (
                suppress(OSError),
                self._path.open("a", encoding="utf-8") as file,
            ):  # a full disk is told by the checkpoint
                file.write(json.dumps(told) + "\n")
        self._progress(step)
