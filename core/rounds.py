"""Decides what changed between two scans of a section: the loop scan, judge, train, scan again, round by round.

Two detections are the same when they are the same place (`core.check.same_place`, one to one, worst first), whatever
class they are given. A model that was trained again finds other boxes, and only clear ones take decisions over
(`core.project.carrying`): here all are compared by place, in the model's own words, and the last word about a place counts. Only what scores at least a scan's threshold counts as found; only where both scans
looked can anything be new or have vanished.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from core.check import Found, match
from core.detection import Detection
from core.geometry import Box
from core.project import Project, ScanRecord
from core.scan.plan import regions_of
from core.truth import ARTEFACT_CLASSES, NO_CLASSES, TruthBox

# missed: a person said defect, the new scan finds nothing there. other_class: a person said defect or artefact, it says
# something else.
# found_again: a person said false alarm, and there it is again.
Doubt = Literal["missed", "other_class", "found_again"]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A place where a scan and a person don't agree. `decided`: what was judged; `found`: what is there now, if anything."""

    doubt: Doubt
    decided: Detection
    found: Detection | None = None

    @property
    def shown(self) -> Detection:
        """What to look at: of the new scan where it has something."""
        return self.found or self.decided


@dataclass(frozen=True)
class Round:
    """What changed from one scan of a section to a later one.

    Args:
        kept: pairs of the same place, of both scans; new: of `after`; vanished: of `before`. Worst first.
        disagreements: of `after` with the last word about each place.
    """

    before: ScanRecord
    after: ScanRecord
    kept: tuple[tuple[Detection, Detection], ...]
    new: tuple[Detection, ...]
    vanished: tuple[Detection, ...]
    disagreements: tuple[Disagreement, ...]

    def counts(self) -> dict[str, dict[str, int]]:
        """By class: `kept` and `new` by that of the later scan, `vanished` by that of the earlier one, disagreements by
        that of what was judged."""
        parts: dict[str, Iterable[Detection]] = {
            "kept": (after for _, after in self.kept), "new": self.new, "vanished": self.vanished,
            "missed": self._decided("missed"), "other_class": self._decided("other_class"),
            "found_again": self._decided("found_again"),
        }  # fmt: skip
        counted = {name: Counter(one.label for one in found) for name, found in parts.items()}
        labels = sorted(set().union(*counted.values()))
        return {label: {name: number[label] for name, number in counted.items()} for label in labels}

    def to_json(self) -> dict[str, Any]:
        return {
            "before": self.before.id,
            "after": self.after.id,
            "before_model": self.before.model_id,
            "after_model": self.after.model_id,
            "classes": self.counts(),
            "kept": [[before.id, after.id] for before, after in self.kept],
            "new": [one.id for one in self.new],
            "vanished": [one.id for one in self.vanished],
            "disagreements": [
                {"doubt": one.doubt, "decided": one.decided.id, "found": one.found.id if one.found else None}
                for one in self.disagreements
            ],
        }

    def _decided(self, doubt: Doubt) -> Iterable[Detection]:
        return (one.decided for one in self.disagreements if one.doubt == doubt)


def rounds_of(project: Project, section_id: int) -> list[Round]:
    """The rounds of a section, the first one first: each finished scan against the one before it."""
    return [compare(project, *pair) for pair in pairwise(finished_scans(project, section_id))]


def finished_scans(project: Project, section_id: int) -> list[ScanRecord]:
    return [scan for scan in project.scans(section_id) if scan.status == "done"]


def compare(project: Project, before: ScanRecord, after: ScanRecord) -> Round:
    """Two scans of one section, the earlier one first."""
    old, new = (project.detections(scan.id, scan.threshold) for scan in (before, after))
    pairs = paired(old, new)
    matched_old, matched_new = ({pair[side].id for pair in pairs} for side in (0, 1))
    return Round(
        before,
        after,
        tuple(pairs),
        tuple(one for one in new if one.id not in matched_new and _looked(before, one.box)),
        tuple(one for one in old if one.id not in matched_old and _looked(after, one.box)),
        tuple(_disagreements(project, after, new)),
    )


def paired(one: Sequence[Detection], other: Sequence[Detection]) -> list[tuple[Detection, Detection]]:
    """Those that are the same place, each at most once; in the order of `one`."""
    marked = [TruthBox(d.label, d.box) for d in other]
    matches = match([Found(d.label, d.score, d.box) for d in one], marked)
    return [(d, other[index]) for d, index in zip(one, matches, strict=True) if index is not None]


def _disagreements(project: Project, scan: ScanRecord, found: Sequence[Detection]) -> Iterable[Disagreement]:
    said = [one for one in _last_words(project, scan) if _looked(scan, one.box)]
    shown = project.classes().shown
    there = {decided.id: now for decided, now in paired(said, found)}
    for one in said:
        now = there.get(one.id)
        if now is None:
            if one.status == "defect":
                yield Disagreement("missed", one)
        elif now.is_decided and now.status != one.status:
            continue  # judged anew since
        elif one.status == "false_alarm":
            yield Disagreement("found_again", one, now)
        elif _says_otherwise(scan, one, shown(now.said_label)):
            yield Disagreement("other_class", one, now)


def _last_words(project: Project, scan: ScanRecord) -> list[Detection]:
    """What was judged in earlier scans of the section, of each place what was judged in the latest of them."""
    ids = [one.id for one in project.scans(scan.section_id)]
    latest: list[Detection] = []
    for earlier in reversed(ids[: ids.index(scan.id)] if scan.id in ids else ids):
        judged = [one for one in project.detections(earlier) if one.is_decided]
        known = {one.id for one, _ in paired(judged, latest)}
        latest += [one for one in judged if one.id not in known]
    return latest


def _says_otherwise(scan: ScanRecord, said: Detection, now: str) -> bool:
    """Another class than the one that was confirmed; a model without classes has none to differ."""
    if {said.label, now} & NO_CLASSES:
        return False
    if said.status == "artefact":
        return now not in ARTEFACT_CLASSES.union(scan.artefact_labels)
    return now != said.label


def _looked(scan: ScanRecord, box: Box) -> bool:
    """Whether a scan was asked to look at the middle of a box."""
    regions = regions_of(scan.parameters.get("region"))
    return not regions or any(region.contains(*box.center) for region in regions)
