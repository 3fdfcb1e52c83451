"""Decides which figures are told of detections on pictures with marks. Pure: of what was found and what is marked.

rule, defects, classes, artefact_classes, artefacts_called_defects
                    see `core.check`
micro_f1, macro_f1  over classes, which must agree: all counted together, and the mean of classes that are marked
intervals           95 % of precision and recall of defects (Wilson), of map50 (pictures' groups drawn again)
average_precision   for each class at IoU 0.33 and 0.5 (all points and 11 points), and COCO's 0.50 to 0.95
map33, map50, map50_95, map50_11
                    their means over classes that are marked
confusion           defects and traces of preparation at the threshold; "not found", "nothing there"
curves              precision_recall: for all defects, and each class; found_per_mm2: share found over false alarms
calibration         how often detections with a score are defects (`core.evaluation.curves.calibration`)
area_mm2, thresholds
                    `core.evaluation.curves.threshold_table`
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from core.average_precision import ELEVEN_POINTS, average_precision, class_precisions, coco_precisions, hits_at
from core.check import Found, box_on, check, match
from core.evaluation.curves import MOST_POINTS, calibration, precision_recall_curve, threshold_table
from core.evaluation.statistics import Interval, group_bootstrap, wilson
from core.evaluation.values import ANOMALY, Evaluation, Place
from core.truth import TruthBox

Array = np.ndarray

NOT_FOUND, NOTHING = "not found", "nothing there"
ALL = "all defects"


def place_figures(judged: Evaluation) -> dict[str, Any]:
    """All of the above; plain values."""
    artefacts = frozenset(judged.model["artefact_labels"])
    found, marked = _found(judged), _marked(judged)
    checked = check(found, marked, judged.threshold, artefacts)
    defects = checked["defects"]
    return {
        "threshold": judged.threshold,
        **checked,
        **_f1(checked["classes"]),
        **_precisions(judged, found, marked),
        "intervals": {
            "precision": wilson(defects["tp"], defects["tp"] + defects["fp"]),
            "recall": wilson(defects["tp"], defects["truth"]),
            "map50": _map_interval(judged),
        },
        "confusion": _confusion(judged),
        **_by_score(judged, artefacts),
    }


def matched(judged: Evaluation) -> list[tuple[Place | None, Place | None]]:
    """(marked, found) at the threshold, whatever their classes; None where there is nothing on one of the sides."""
    found = [one for one in judged.found if one.score >= judged.threshold]
    pairs: list[tuple[Place | None, Place | None]] = []
    taken: set[int] = set()
    order = sorted(found, key=lambda f: (-f.score, f.picture, f.box))
    for one, index in zip(order, match([_of_found(f) for f in order], _marked(judged)), strict=True):
        pairs.append((None if index is None else judged.marked[index], one))
        taken.add(-1 if index is None else index)
    return pairs + [(one, None) for index, one in enumerate(judged.marked) if index not in taken]


def knows_no_classes(judged: Evaluation) -> bool:
    return tuple(judged.model["labels"]) == (ANOMALY,)


def _confusion(judged: Evaluation) -> dict[str, Any]:
    truths = sorted({m.label for m in judged.marked})
    told = sorted({*judged.model["labels"], *({} if knows_no_classes(judged) else truths)})
    rows, columns = [*truths, NOTHING], [*told, NOT_FOUND]
    counts = np.zeros((len(rows), len(columns)), int)
    for marked, found in matched(judged):
        row = rows.index(marked.label if marked else NOTHING)
        counts[row, columns.index(found.label if found else NOT_FOUND)] += 1
    return {"rows": rows, "columns": columns, "counts": counts.tolist()}


def _f1(classes: dict[str, Any]) -> dict[str, float | None]:
    rows = [row for row in classes.values() if row.get("fp") is not None]
    there = [row["f1"] or 0.0 for row in rows if row["truth"]]
    tp, wrong = sum(row["tp"] for row in rows), sum(row["fp"] + row["fn"] for row in rows)
    return {
        "micro_f1": round(2 * tp / (2 * tp + wrong), 4) if tp + wrong else None,
        "macro_f1": round(float(np.mean(there)), 4) if there else None,
    }


def _precisions(judged: Evaluation, found: Sequence[Found], marked: Sequence[TruthBox]) -> dict[str, Any]:
    if knows_no_classes(judged):
        marked = [TruthBox(ANOMALY, one.box) for one in marked if one.label not in judged.model["artefact_labels"]]
    columns = {
        "ap33": class_precisions(found, marked, 0.33),
        "ap33_11": class_precisions(found, marked, 0.33, ELEVEN_POINTS),
        "ap50": class_precisions(found, marked, 0.5),
        "ap50_11": class_precisions(found, marked, 0.5, ELEVEN_POINTS),
        "ap50_95": coco_precisions(found, marked),
    }
    classes = sorted(columns["ap50"])
    means = {f"m{name}": round(float(np.mean(list(of.values()))), 4) if of else None for name, of in columns.items()}
    table = {label: {name: round(of[label], 4) for name, of in columns.items()} for label in classes}
    return {"average_precision": table, **means}


def _map_interval(judged: Evaluation) -> Interval | None:
    """Of mAP at IoU 0.5. Boxes of one picture only match each other, so matching is done once for all draws."""
    artefacts, classless = judged.model["artefact_labels"], knows_no_classes(judged)
    marked = [m for m in judged.marked if not (classless and m.label in artefacts)]
    label_of = (lambda one: ANOMALY) if classless else (lambda one: one.label)
    parts: list[tuple[Array, Array, Array]] = []
    for label in sorted({label_of(m) for m in marked}):
        truths = [m for m in marked if label_of(m) == label]
        ordered = sorted((f for f in judged.found if f.label == label), key=lambda f: (-f.score, f.picture, f.box))
        hits = hits_at([_of_found(f).box for f in ordered], [_of_marked(m).box for m in truths], 0.5)
        parts.append((np.array(hits, bool), _pictures(ordered), _pictures(truths)))

    def figure(drawn: Array) -> float | None:
        values = [
            average_precision(np.repeat(hits, drawn[pictures]).tolist(), int(drawn[truths].sum()))
            for hits, pictures, truths in parts
        ]
        known = [value for value in values if value is not None]
        return float(np.mean(known)) if known else None

    return group_bootstrap([picture.group for picture in judged.pictures], figure)


def _by_score(judged: Evaluation, artefacts: frozenset[str]) -> dict[str, Any]:
    alarms = sorted((f for f in judged.found if f.label not in artefacts), key=lambda f: (-f.score, f.picture, f.box))
    defects = [m for m in judged.marked if m.label not in artefacts]
    scores, hits = _scores_and_hits(alarms, defects)
    curves = {ALL: precision_recall_curve(hits, scores, len(defects))}
    for label in sorted({m.label for m in defects}) if not knows_no_classes(judged) else ():
        of_class = [m for m in defects if m.label == label]
        its_scores, its_hits = _scores_and_hits([f for f in alarms if f.label == label], of_class)
        curves[label] = precision_recall_curve(its_hits, its_scores, len(of_class))
    areas = [picture.area_mm2 for picture in judged.pictures]
    area = sum(a for a in areas if a is not None) if None not in areas else None
    is_probability = judged.model["score_unit"] == "probability"
    table = threshold_table(scores, hits, len(defects), area, [judged.threshold])
    return {
        "curves": {"precision_recall": curves, "found_per_mm2": _found_per_mm2(table, len(defects))},
        "calibration": calibration(scores, hits) if is_probability else None,
        "area_mm2": None if area is None else round(area, 4),
        "thresholds": table,
    }


def _found_per_mm2(table: Sequence[dict[str, Any]], truths: int) -> list[list[float]]:
    """(false alarms per mm², share of defects found), rising; empty without a scale."""
    if not truths or any(row["per_mm2"] is None for row in table):
        return []
    return [[row["per_mm2"], round(row["found"] / truths, 4)] for row in reversed(table)][:MOST_POINTS]


def _scores_and_hits(ordered: Sequence[Place], marked: Sequence[Place]) -> tuple[Array, Array]:
    matches = match([_of_found(f) for f in ordered], [_of_marked(m) for m in marked])
    return np.array([f.score for f in ordered], float), np.array([m is not None for m in matches], bool)


def _found(judged: Evaluation) -> list[Found]:
    return [_of_found(one) for one in judged.found]


def _marked(judged: Evaluation) -> list[TruthBox]:
    return [_of_marked(one) for one in judged.marked]


def _of_found(one: Place) -> Found:
    return Found(one.label, one.score, box_on(one.picture, one.box))


def _of_marked(one: Place) -> TruthBox:
    return TruthBox(one.label, box_on(one.picture, one.box))


def _pictures(places: Iterable[Place]) -> Array:
    return np.array([one.picture for one in places], int)
