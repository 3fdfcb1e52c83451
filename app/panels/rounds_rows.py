"""Decides what the list of a round says: kinds of change, the classes in each, and which detections stand behind a row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from app.session_picked import Picked
from core.class_colours import class_name
from core.detection import Detection
from core.rounds import Disagreement, Doubt, Round

_DOUBTS: tuple[tuple[Doubt, str, str], ...] = (
    ("missed", "Defects not found", "Somebody said defect; this scan finds nothing there"),
    ("other_class", "Defects called something else", "Somebody confirmed another class"),
    ("found_again", "False alarms again", "Somebody said false alarm; this scan finds it again"),
)


@dataclass(frozen=True)
class Row:
    """One line. `parts`: the lines below it; `picks`: what a click shows, nothing where there is nothing."""

    text: str
    tip: str
    count: int
    picks: Picked | None = None
    parts: tuple[Row, ...] = ()


def rows_of(round_: Round) -> list[Row]:
    before, after = round_.before.model_name, round_.after.model_name
    return [
        _row("New finds", f"Found now by {after}, not before", round_.new),
        _row("Vanished", f"Found before by {before}, not now", round_.vanished),
        *(_row(name, tip, *_of(round_.disagreements, doubt)) for doubt, name, tip in _DOUBTS),
        _row("Found in both", "The same place in both scans", (now for _, now in round_.kept)),
    ]


def _of(disagreements: Iterable[Disagreement], doubt: Doubt) -> tuple[list[Detection], dict[int, str]]:
    chosen = [one for one in disagreements if one.doubt == doubt]
    hints = {
        one.shown.id: f"Judged: {class_name(one.decided.label)}"
        for one in chosen
        if one.found is not None and doubt == "other_class"
    }
    return [one.shown for one in chosen], hints


def _row(name: str, tip: str, found: Iterable[Detection], hints: dict[int, str] | None = None) -> Row:
    """A click on the kind shows all that are of the latest scan among them; places may lie in several scans."""
    detections = list(found)
    parts = tuple(_parts(name, tip, detections, hints or {}))
    latest = max((one.scan_id for one in detections), key=lambda i: _number(i, detections), default="")
    return Row(name, tip, len(detections), _picks(name, latest, detections, hints or {}), parts)


def _number(scan_id: str, detections: list[Detection]) -> int:
    """Later scans have later detections."""
    return max(one.id for one in detections if one.scan_id == scan_id)


def _parts(name: str, tip: str, detections: list[Detection], hints: dict[int, str]) -> Iterator[Row]:
    def place(one: Detection) -> tuple[str, str]:
        return one.label, one.scan_id

    several = len({one.scan_id for one in detections}) > 1
    for (label, scan_id), group in groupby(sorted(detections, key=place), place):
        found = list(group)
        text = class_name(label) + (f" ({scan_id})" if several else "")
        yield Row(text, tip, len(found), _picks(f"{name}: {class_name(label)}", scan_id, found, hints))


def _picks(title: str, scan_id: str, detections: Iterable[Detection], hints: dict[int, str]) -> Picked | None:
    ids = tuple(one.id for one in detections if one.scan_id == scan_id)
    return Picked(title, scan_id, ids, {i: hints[i] for i in ids if i in hints}) if ids else None
