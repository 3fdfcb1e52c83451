"""Decides how a model is judged on data it hasn't seen: on what of it, by which of the two ways, and what is noted of it.

Works for every family: pictures are scanned by the engine itself, as a user would, into a project that is thrown away.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import core
from core.data.fingerprint import fingerprint_of
from core.data.image_set import ImageSet
from core.data.labelled import LabelledData, LabelledPicture
from core.data.reading import read_data
from core.errors import UsageError
from core.evaluation.asking import Asking
from core.evaluation.images import judge_images
from core.evaluation.places import judge_places
from core.evaluation.request import EvaluateRequest, Part
from core.evaluation.values import Evaluation
from core.jobs import CancelToken, Progress, Step, no_progress
from core.models.base import ModelSpec
from core.scan.provenance import versions
from core.timing import timestamp
from core.train.learning_curve_file import learning_curve_of


def evaluate(
    request: EvaluateRequest, progress: Progress = no_progress, cancel: CancelToken | None = None
) -> Evaluation:
    """How good a model is on labelled data of any format (`core.data.reading`).

    Raises InputError for data that can't be used, UsageError where the model and the data don't fit each other,
    ResourceError for device or disk, CancelledError.
    """
    progress(Step(0, 0, "Reading the data"))
    started = time.monotonic()
    spec, data = request.spec(), read_data(request.data)
    asking = Asking(spec, request, progress, cancel or CancelToken())
    if isinstance(data, ImageSet):
        mark = fingerprint_of(data.images)
        told = {"format": "images", "part": "all", "notes": _trained_on(spec, mark, ())}
        judged = judge_images(asking, data, _blank(request, spec, {**told, "fingerprint": mark}))
    else:
        part, pictures = _part_of(data, request.part)
        mark = fingerprint_of(pictures)
        told = {"format": data.format, "part": part, "notes": [*data.notes, *_known_to(spec, data, part, mark)]}
        judged = judge_places(asking, pictures, _blank(request, spec, {**told, "fingerprint": mark}))
    seconds = round(time.monotonic() - started, 1)
    made = {**judged.made, "seconds": seconds, "device": asking.device, "versions": versions()}
    return replace(judged, made=made)


def _part_of(data: LabelledData, wanted: Part) -> tuple[Part, tuple[LabelledPicture, ...]]:
    """Raises UsageError where nothing was set aside."""
    part: Part = wanted if wanted != "auto" else "validation" if data.validation else "all"
    if part == "validation" and not data.validation:
        raise UsageError("nothing was set aside for validation here", path=data.source, remedy="Judge on all of it.")
    parts = {"validation": data.validation, "training": data.pictures, "all": data.everything}
    return part, parts[part]


_CHOSE = "chose the threshold and the best state of the model on"
_TOO_GOOD = "the figures are somewhat too good; judge it on pictures that it has never seen"


def _trained_on(spec: ModelSpec, fingerprint: str, pictures: Sequence[LabelledPicture]) -> list[str]:
    """What may flatter the model: the very data that its card says it learnt from, or files of the same names."""
    training = spec.card.get("training", {})
    if training.get("data_fingerprint") == fingerprint:
        return ["this is the data that the model was trained on: the figures are too good"]
    names = set(training.get("sections", ()))
    same = sum(picture.path.name in names for picture in pictures)
    if not same:
        return []
    return [f"{same} of {len(pictures)} pictures have the name of one that the model was trained on"]


def _known_to(spec: ModelSpec, data: LabelledData, part: Part, fingerprint: str) -> list[str]:
    """What may flatter the model: it learnt from these pictures, or its threshold was chosen on them."""
    training = spec.card.get("training", {})
    if part != "validation":
        return _trained_on(spec, fingerprint, data.everything if part == "all" else data.pictures)
    if training.get("data_fingerprint") == fingerprint_of(data.everything):
        return [f"the training {_CHOSE} these pictures: {_TOO_GOOD}"]
    names = set(training.get("validation_sections", ()))
    same = sum(picture.path.name in names for picture in data.validation)
    told = (
        [f"{same} of {len(data.validation)} pictures have the name of one that the training {_CHOSE}"] if same else []
    )
    return [*told, *_trained_on(spec, fingerprint, data.validation)]


def _blank(request: EvaluateRequest, spec: ModelSpec, data: dict[str, Any]) -> Evaluation:
    curve = learning_curve_of(spec.path)
    return Evaluation(
        name="",
        kind="images" if data["format"] == "images" else "places",
        model={
            "id": spec.id,
            "name": spec.name,
            "version": spec.version,
            "family": spec.family,
            "labels": list(spec.labels),
            "artefact_labels": sorted(spec.artefact_labels),
            "score_unit": spec.score_unit,
            "threshold": spec.threshold,
            "commands": list(spec.card.get("training", {}).get("commands", ())),
            "learning_curve": curve.to_json() if curve else None,
        },
        data={"source": str(request.data.absolute()), **data},
        made={"date": timestamp(), "schliff": core.__version__, "command": request.command},
        threshold=spec.threshold if request.threshold is None else request.threshold,
        pictures=(),
        figures={},
    )
