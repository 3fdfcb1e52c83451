"""Decides which wrong answers are shown first, and how each is pictured: the crop, and what made the model say so."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import replace

import cv2
import numpy as np

from core.detection import Detection
from core.evaluation.values import ANOMALY, Answer, Evaluation, Failure, FailureKind, Place
from core.explain import Explanation, explain_detection, overlay
from core.geometry import Box
from core.models.base import Model
from core.section import Section

Array = np.ndarray

MOST = 12  # of each kind
CROP_PX = 200
_QUALITY = 80


def of_places(judged: Evaluation, matches: Sequence[tuple[Place | None, Place | None]]) -> list[Failure]:
    """The largest of what was missed, the surest of false alarms and of wrong classes.

    Args:
        matches: (marked, found) of each place; None where there is nothing on one of the sides.
    """
    worst: dict[FailureKind, list[tuple[float, Failure]]] = {"miss": [], "false_alarm": [], "confusion": []}
    artefacts = judged.model["artefact_labels"]
    for marked, found in matches:
        is_defect = marked is not None and marked.label not in artefacts
        is_alarm = found is not None and found.label not in artefacts
        if marked is not None and is_defect and not is_alarm:
            worst["miss"].append((marked.box.area, _failure("miss", marked, found)))
        elif found is not None and is_alarm and not is_defect:
            worst["false_alarm"].append((found.score, _failure("false_alarm", marked, found)))
        elif marked is not None and found is not None and is_alarm and found.label not in (marked.label, ANOMALY):
            worst["confusion"].append((found.score, _failure("confusion", marked, found)))
    return _first_of_each(worst.values())


def of_answers(answers: Sequence[Answer], no_defect: str, boxes: Sequence[Box]) -> list[Failure]:
    """Images: those with a defect that were called without by far, and so on; surest first. `boxes`: of whole pictures."""
    worst: dict[FailureKind, list[tuple[float, Failure]]] = {"miss": [], "false_alarm": [], "confusion": []}
    for one in answers:
        if one.predicted == one.truth:
            continue
        kind: FailureKind = (
            "miss" if one.predicted == no_defect else "false_alarm" if one.truth == no_defect else "confusion"
        )
        wrong = one.scores.get(one.predicted, 0.0)
        sure = -one.defect if kind == "miss" else wrong
        box = boxes[one.picture]
        top = dict(sorted(one.scores.items(), key=lambda item: -item[1])[:3])
        worst[kind].append((sure, Failure(kind, one.picture, one.truth, one.predicted, wrong, top, box, box)))
    return _first_of_each(worst.values())


def pictured(failure: Failure, section: Section, model: Model) -> Failure:
    """With its crop, and the model's reasons for what it said (of a miss: for what it should have said)."""
    label = explained_label(failure, model)
    asked = Detection(0, 0, "", model.spec.id, label or model.spec.labels[0], failure.score, failure.box, 0.0, 0.0)
    return with_explanation(failure, explain_detection(section, asked, model), has_reason=label is not None)


def explained_label(failure: Failure, model: Model) -> str | None:
    """Which class the model is asked about; None when it knows none that would fit."""
    labels = model.spec.labels
    wanted = (failure.predicted, failure.truth)
    return next((one for one in wanted if one in labels), labels[0] if len(labels) == 1 else None)


def with_explanation(failure: Failure, explanation: Explanation, *, has_reason: bool) -> Failure:
    """The failure with its pictures."""
    crop = as_jpeg(explanation.pixels)
    heat = as_jpeg(overlay(explanation)) if has_reason and explanation.heat is not None else ""
    return replace(failure, shown=explanation.box, crop=crop, heat=heat)


def as_jpeg(pixels: Array) -> str:
    """(h, w, 3) uint8 RGB as base64 of a JPEG whose longer side has at most `CROP_PX` px."""
    factor = min(1.0, CROP_PX / max(pixels.shape[:2]))
    size = (max(1, round(pixels.shape[1] * factor)), max(1, round(pixels.shape[0] * factor)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) if factor < 1 else pixels
    _, encoded = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return base64.b64encode(encoded.tobytes()).decode()


def _failure(kind: FailureKind, marked: Place | None, found: Place | None) -> Failure:
    place = found or marked
    assert place is not None
    truth, predicted = marked.label if marked else "", found.label if found else ""
    return Failure(kind, place.picture, truth, predicted, place.score, {}, place.box, place.box)


def _first_of_each(kinds: Iterable[list[tuple[float, Failure]]]) -> list[Failure]:
    ordered = (sorted(kind, key=lambda item: (-item[0], item[1].picture, item[1].box)) for kind in kinds)
    return [failure for kind in ordered for _, failure in kind[:MOST]]
