"""Decides how a model's quality is measured against how much it learnt from: one training after the other, each on more
groups than the one before and on all of those, judged on the same part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from core.data.image_set import ImageSet
from core.data.labelled import LabelledData, groups_in
from core.data.part import SUFFIX, DataPart
from core.data.reading import read_data
from core.data.setting_aside import set_aside
from core.disk import disk_errors
from core.errors import UsageError
from core.jobs import CancelToken, Progress, Step, no_progress
from core.models.card import CARD_NAME
from core.models.catalog import read_model_folder
from core.parameters import resolve
from core.train.learning_curve_file import LearningCurve, Point, read_learning_curve
from core.train.request import TrainRequest
from core.train.running import checked_trainer, run_training
from core.train.splits import group_folds

_FOLDS = 5  # of whole images, one is validated on
_FIGURES = ("map50", "macro_f1")


def learning_curve(
    request: TrainRequest,
    shares: Sequence[float],
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> LearningCurve:
    """Trains a model for each share of the groups, in folders of `request.out`, and keeps the curve there.

    Called again after a break it goes on. Raises UsageError for shares out of range, too few groups or another curve in
    that folder, and what `run_training` raises.
    """
    if not shares or not all(0 < share <= 1 for share in shares):
        raise UsageError("shares are numbers above 0, up to 1", remedy="For example 0.25,0.5,1.")
    trainer = checked_trainer(request)
    data = read_data(request.data, str(request.settings.get("no_defect", "")))
    settings = resolve(trainer.parameters, request.settings)
    order, validation = _split(data, float(settings.get("validation_share", 1 / _FOLDS)), request.seed)
    asked = {**request.to_json(), "data": str(request.data.resolve()), "trainer": trainer.id}
    asked = {name: asked[name] for name in ("trainer", "data", "settings", "seed")}
    before = read_learning_curve(request.out)
    if before is not None and before.asked != asked:
        raise UsageError("another learning curve was begun here", path=request.out, remedy="Choose another folder.")
    curve = LearningCurve(asked, "", "images" if isinstance(data, ImageSet) else "marks", ())
    with disk_errors(request.out):
        request.out.mkdir(parents=True, exist_ok=True)
    curve.write(request.out)
    counts = sorted({max(1, round(share * len(order))) for share in shares})
    for number, count in enumerate(counts, 1):
        part = DataPart(request.data.resolve(), order[:count], validation)
        told = _numbered(progress, f"training {number} of {len(counts)}")
        point, figure = _trained(replace(request, trainer=trainer.id), part, data, told, cancel)
        curve = replace(curve, figure=figure, points=(*curve.points, point))
        curve.write(request.out)
    return curve


def _split(data: LabelledData | ImageSet, share: float, seed: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The groups to learn from, in the order in which they are added, and those that are validated on (of `DataPart`)."""
    rng = np.random.default_rng(seed)
    if isinstance(data, ImageSet):
        groups = [image.group for image in data.images]
        _check(len(set(groups)), 3, data)
        classes = np.array([data.class_of(image) for image in data.images])
        training, aside = group_folds(classes, groups, min(_FOLDS, len(set(groups))), seed)[0]
        names, validation = sorted({groups[i] for i in training}), tuple(sorted({groups[i] for i in aside}))
    elif data.validation:
        names, validation = groups_in(data.pictures), ()
        _check(len(names), 2, data)
    else:
        _check(len(groups_in(data.pictures)), 3, data)
        learnt, kept = set_aside(data.pictures, share, rng)
        names, validation = groups_in(learnt), tuple(groups_in(kept))
    return tuple(names[index] for index in rng.permutation(len(names))), validation


def _check(groups: int, fewest: int, data: LabelledData | ImageSet) -> None:
    if groups < fewest:
        raise UsageError(
            f"a learning curve takes {fewest} groups of pictures at least, and there are {groups}",
            path=getattr(data, "source", None), remedy="Add pictures of other sections.",
        )  # fmt: skip


def _trained(
    request: TrainRequest, part: DataPart, data: LabelledData | ImageSet, progress: Progress, cancel: CancelToken | None
) -> tuple[Point, str]:
    """What a model of these groups comes to, and in which figure; one that is there already is not trained again."""
    name = f"groups-{len(part.training)}"
    path, out = request.out / f"{name}{SUFFIX}", request.out / name
    part.write(path)
    if not (out / CARD_NAME).exists():
        run_training(replace(request, data=path, out=out), progress, cancel)
    learnt = part.of(data)
    if isinstance(learnt, ImageSet):
        pictures = sum(image.group not in learnt.aside for image in learnt.images)
        examples = pictures
    else:
        pictures, examples = len(learnt.pictures), sum(len(picture.marks) for picture in learnt.pictures)
    figure, value = _figure_of(read_model_folder(out).card["metrics"]["validation"])
    return Point(len(part.training), pictures, examples, value, name), figure


def _figure_of(metrics: dict[str, Any]) -> tuple[str, float | None]:
    """The mean average precision where there is one, else macro F1: the mean over classes that occur."""
    for name in _FIGURES:
        if name in metrics:
            return name, metrics[name]
    found = [row["f1"] for row in metrics["classes"].values() if row.get("truth")]
    return "macro_f1", round(float(np.mean(found)), 4) if found else None


def _numbered(progress: Progress, which: str) -> Progress:
    def told(step: Step) -> None:
        progress(Step(step.done, step.total, f"{which}: {step.message}"))

    return told


def shares_from(text: str) -> tuple[float, ...]:
    """ "0.25,0.5,1" as numbers. Raises UsageError."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"shares {text!r} can't be read", remedy="For example 0.25,0.5,1.") from None
