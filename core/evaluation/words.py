"""Decides how an evaluation is put into words: what a person who looks for defects wants to know of it first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.class_colours import class_name
from core.counting import counted
from core.evaluation.curves import at_threshold
from core.evaluation.values import Evaluation, FailureKind

# Columns of the one table in which models on the same data are compared: key, heading.
COLUMNS_PLACES = (
    ("recall", "Found"),
    ("precision", "Are defects"),
    ("f1", "F1"),
    ("ap", "AP"),
    ("map50", "mAP 0.5"),
    ("map50_95", "mAP 0.5–0.95"),
)
COLUMNS_IMAGES = (
    ("accuracy", "Accuracy"),
    ("balanced_accuracy", "Balanced"),
    ("macro_f1", "Macro F1"),
    ("auroc", "AUROC"),
    ("auprc", "AUPRC"),
    ("ece", "Calibration error"),
)
FAILURE_TITLES: Mapping[FailureKind, str] = {
    "miss": "Missed defects",
    "false_alarm": "False alarms",
    "confusion": "Wrong classes",
}
# Of one class: key of the figure, heading.
PRECISION_COLUMNS = {
    "ap33": "AP at IoU 0.33",
    "ap33_11": "11-point at 0.33",
    "ap50": "AP at IoU 0.5",
    "ap50_11": "11-point at 0.5",
    "ap50_95": "COCO 0.50:0.95",
}
CLASS_COLUMNS = {
    "images": "Images",
    "truth": "Marked",
    "tp": "Found",
    "fn": "Missed",
    "fp": "False alarms",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "ap": "AP",
}


def summary(judged: Evaluation) -> list[str]:
    """One to four plain sentences."""
    return _of_places(judged) if judged.kind == "places" else _of_images(judged)


def headline(judged: Evaluation) -> dict[str, float | None]:
    """The figures by which models are compared, by the keys of `COLUMNS_PLACES` or `COLUMNS_IMAGES`."""
    figures = judged.figures
    if judged.kind == "places":
        row: dict[str, float | None] = {name: figures["defects"][name] for name in ("recall", "precision", "f1", "ap")}
        return {**row, "map50": figures["map50"], "map50_95": figures["map50_95"]}
    row = {name: figures[name] for name in ("accuracy", "balanced_accuracy", "macro_f1")}
    of_defect = {name: figures[name].get("defect", figures[name]["mean"]) for name in ("auroc", "auprc")}
    return {**row, **of_defect, "ece": (figures["calibration"] or {}).get("ece")}


def columns_of(judged: Evaluation) -> Sequence[tuple[str, str]]:
    return COLUMNS_PLACES if judged.kind == "places" else COLUMNS_IMAGES


def consequences(judged: Evaluation, threshold: float) -> str:
    """What a threshold leads to, in one sentence."""
    row = at_threshold(judged.figures["thresholds"], threshold)
    total = _defects(judged)
    if row is None:
        missed = "the only defect is" if total == 1 else f"all {total:,} defects are"
        return f"At {threshold:.3g} there is nothing to review; {missed} missed."
    what = "place" if judged.kind == "places" else "image"
    per_mm2 = f" ({row['per_mm2']:.3g} per mm²)" if row["per_mm2"] is not None else ""
    found = f"{row['found']:,} of {counted(total, 'defect')} {'is' if row['found'] == 1 else 'are'} found"
    alarms = counted(row["false_alarms"], "false alarm")
    return f"At {threshold:.3g} you review {counted(row['review'], what)}: {found}, {row['missed']:,} missed, {alarms}{per_mm2}."


def provenance(judged: Evaluation) -> list[tuple[str, str]]:
    """What it takes to do it again: name and value, in order."""
    model, data, made = judged.model, judged.data, judged.made
    versions = ", ".join(f"{name} {version}" for name, version in made.get("versions", {}).items())
    rows = [
        ("Model", f"{model['name']} ({model['id']}, version {model['version']})"),
        ("Data", f"{data['source']} ({data['format']}, {data['part']})"),
        ("Fingerprint of the data", str(data["fingerprint"])),
        ("Judged", f"{made['date']}, {made.get('seconds', 0):g} s on {made.get('device', '?')}"),
        ("Versions", f"schliff {made['schliff']}, {versions}"),
        ("Command", str(made["command"])),
        *(("Trained by", command) for command in model["commands"]),
    ]
    return [(name, value) for name, value in rows if value]


def spoken_label(label: str) -> str:
    return class_name(label) if label else "–"


def percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


def _of_places(judged: Evaluation) -> list[str]:
    figures, told = judged.figures, []
    defects, sure = figures["defects"], figures["intervals"]
    is_one = "is a defect" if defects["tp"] == 1 else "are defects"
    told.append(
        f"Of {counted(defects['truth'], 'defect')} it finds {defects['tp']:,}{_range(defects['recall'], sure['recall'])}; "
        f"of {counted(defects['tp'] + defects['fp'], 'place')} it shows, {defects['tp']:,} {is_one}"
        f"{_range(defects['precision'], sure['precision'])}."
    )
    area = figures["area_mm2"]
    if area and defects["fp"]:
        told.append(f"That is {defects['fp'] / area:.2g} false alarms on each mm², over {area:.3g} mm².")
    weak = _weakest({n: r["recall"] for n, r in figures["classes"].items() if r["truth"]}, figures["artefact_classes"])
    if weak:
        told.append(weak)
    artefacts = figures["artefacts_called_defects"]
    if artefacts:
        told.append(
            "1 artefact is taken for a defect." if artefacts == 1 else f"{artefacts:,} artefacts are taken for defects."
        )
    return told


def _of_images(judged: Evaluation) -> list[str]:
    figures, sure = judged.figures, judged.figures["intervals"]
    right = sum(one.predicted == one.truth for one in judged.answers)
    told = [
        f"Of {counted(figures['images'], 'image')} {right:,} {'is' if right == 1 else 'are'} called right{_range(figures['accuracy'], sure['accuracy'])}."
    ]
    row = at_threshold(figures["thresholds"], judged.threshold)
    if row is not None:
        told.append(
            f"Of {_defects(judged):,} images with a defect it finds {row['found']:,}; "
            f"of {row['review']:,} it shows, {row['found']:,} have one."
        )
    weak = _weakest({n: r["recall"] for n, r in figures["classes"].items() if r["images"]}, ())
    return [*told, weak] if weak else told


def _range(share: float | None, interval: Sequence[float] | None) -> str:
    """ " (93 %, 88 to 97)"; nothing where nothing is known."""
    if share is None:
        return ""
    sure = f", {100 * interval[0]:.0f} to {100 * interval[1]:.0f}" if interval else ""
    return f" ({percent(share)}{sure})"


def _weakest(recalls: Mapping[str, float | None], without: Sequence[str]) -> str:
    known = {name: share for name, share in recalls.items() if share is not None and name not in without}
    if len(known) < 2:
        return ""
    worst = min(known, key=lambda name: (known[name], name))
    if known[worst] >= 0.95:
        return ""
    return f"Weakest class: {class_name(worst).lower()}, of which it finds {percent(known[worst])}."


def _defects(judged: Evaluation) -> int:
    """How many there are to be found."""
    if judged.kind == "places":
        return int(judged.figures["defects"]["truth"])
    rows: list[dict[str, Any]] = judged.figures["thresholds"]
    return int(rows[0]["found"] + rows[0]["missed"]) if rows else 0
