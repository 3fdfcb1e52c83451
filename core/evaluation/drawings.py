"""Decides which charts an evaluation is shown with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from core.class_colours import class_name
from core.evaluation.charts import LINES, Chart, Points
from core.evaluation.curves import at_threshold
from core.evaluation.values import Evaluation


def charts(judged: Evaluation, threshold: float | None = None) -> list[Chart]:
    """Those that have something to show; the threshold is marked in the first one where it is a point of it."""
    chosen = judged.threshold if threshold is None else threshold
    return (
        list(_of_places(judged, chosen) if judged.kind == "places" else _of_images(judged, chosen))
        + list(_both(judged))
        + list(_learning(judged))
    )


def _of_places(judged: Evaluation, threshold: float) -> Iterator[Chart]:
    curves, row = judged.figures["curves"], at_threshold(judged.figures["thresholds"], threshold)
    mark = None
    if row is not None and row["review"] and row["found"] + row["missed"]:
        mark = row["found"] / (row["found"] + row["missed"]), row["found"] / row["review"]
    lines = _named(curves["precision_recall"])
    yield Chart("Precision over recall", "Recall: share of defects found", "Precision", lines, mark=mark)
    if curves["found_per_mm2"]:
        at = None if row is None or not mark else (row["per_mm2"], mark[0])
        found = {"found": curves["found_per_mm2"]}
        yield Chart("Found against false alarms", "False alarms per mm²", "Share found", found, x_max=None, mark=at)


def _of_images(judged: Evaluation, threshold: float) -> Iterator[Chart]:
    curves, row = judged.figures["curves"], at_threshold(judged.figures["thresholds"], threshold)
    clean = sum(one.truth not in judged.model["labels"] for one in judged.answers)
    mark = None
    if row is not None and clean and row["found"] + row["missed"]:
        mark = row["false_alarms"] / clean, row["found"] / (row["found"] + row["missed"])
    roc = _named(curves["roc"])
    if roc:
        yield Chart("ROC", "False positive rate", "True positive rate", roc, guide=True, mark=mark)
    yield Chart("Precision over recall", "Recall", "Precision", _named(curves["precision_recall"]))


def _both(judged: Evaluation) -> Iterator[Chart]:
    found: Mapping[str, Any] | None = judged.figures["calibration"]
    if found:
        points = [[one["claimed"], one["right"]] for one in found["bins"]]
        ranges = [[one["claimed"], *one["interval"]] for one in found["bins"]]
        title = f"Calibration, error {found['ece']:.3f}"
        yield Chart(title, "Score", "Share that is right", {"right": points}, guide=True, ranges=ranges, dots=True)


def _learning(judged: Evaluation) -> Iterator[Chart]:
    """How models of this kind did with less to learn from, where somebody measured it."""
    found: Mapping[str, Any] | None = judged.model.get("learning_curve")
    if found:
        points = [[one["examples"], one["value"]] for one in found["points"] if one["value"] is not None]
        what = "mAP at an overlap of 0.5" if found["figure"] == "map50" else "Macro F1"
        learnt = f"{found['unit'].capitalize()} learnt from"
        yield Chart("Learning curve", learnt, f"{what}, validation", {"value": points}, x_max=None, dots=True)


def _named(lines: Mapping[str, Points]) -> dict[str, Points]:
    """What sums up first, then classes, as many as can be told apart."""
    ordered = sorted(lines, key=lambda name: name not in ("all defects", "defect"))
    return {class_name(name): lines[name] for name in ordered[:LINES]}
