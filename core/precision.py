"""Decides how precise a scan is: from a random sample of its detections, never from those that are looked at worst first.

The worst are the surest, so their share of true defects says nothing of all. A sample is drawn once, by a seed that is kept
with it, from what the scan shows at its threshold as a defect (traces of preparation aren't counted, nor what people drew);
the interval is the exact one of Clopper and Pearson (1934), at 95 %. Detections of the sample that nobody could decide, or
has decided yet, count as false for its lower end and as true for its upper end, so that it holds whatever they are.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.detection import Status
from core.errors import UsageError
from core.people import user_name
from core.project import Project, ScanRecord
from core.project.joined_detections import standing_for
from core.timing import timestamp
from core.truth import ARTEFACT_CLASSES

CONFIDENCE = 0.95
DEFAULT_COUNT, MOST = 50, 5000


@dataclass(frozen=True, slots=True)
class Sample:
    """Detections of a scan in the order in which they are looked at. `population`: how many they were drawn from."""

    id: int
    scan_id: str
    seed: int
    threshold: float
    population: int
    ids: tuple[int, ...]
    author: str
    at: str


@dataclass(frozen=True, slots=True)
class Precision:
    """What a sample says. `right`: judged a defect; `wrong`: judged an artefact or a false alarm; `undecided`: neither.

    `standing`: what is to be looked at for it now, by id, as some may have been joined or taken apart since.

    `precision`: None while any is unreviewed; of those decided, once all were looked at. `low`, `high`: see above.
    """

    sample: Sample
    standing: tuple[int, ...]
    right: int
    wrong: int
    unsure: int
    unreviewed: int
    precision: float | None
    low: float
    high: float

    @property
    def undecided(self) -> int:
        return self.unsure + self.unreviewed

    def to_json(self) -> dict[str, Any]:
        one = self.sample
        return {
            "scan_id": one.scan_id, "sample": len(one.ids), "population": one.population, "seed": one.seed,
            "threshold": one.threshold, "drawn_by": one.author, "drawn_at": one.at, "right": self.right,
            "wrong": self.wrong, "unsure": self.unsure, "unreviewed": self.unreviewed,
            "precision": None if self.precision is None else round(self.precision, 4),
            "low": round(self.low, 4), "high": round(self.high, 4), "confidence": CONFIDENCE, "ids": list(one.ids),
        }  # fmt: skip


def draw_sample(
    project: Project, scan: ScanRecord, count: int = DEFAULT_COUNT, seed: int = 0, author: str | None = None
) -> Sample:
    """Draws at most `count` of a scan's detections and keeps which; the one drawn last counts.

    Raises UsageError for a count out of range, a scan that isn't done (a sample of it says nothing of what is still to come),
    or where the scan shows no defects to draw from.
    """
    if not 1 <= count <= MOST:
        raise UsageError(f"a sample of {count} is out of range", remedy=f"Ask for 1 to {MOST}.")
    if scan.status != "done":
        raise UsageError(
            f"{scan.id} is not finished, and a sample of it would say nothing of the rest",
            path=project.path,
            remedy="Let it finish, or scan only the region that you want to know of.",
        )
    artefacts = ARTEFACT_CLASSES.union(scan.artefact_labels)
    found = project.detections(scan.id, scan.threshold)
    ids = sorted(one.id for one in found if not one.is_drawn and one.said_label not in artefacts)
    if not ids:
        raise UsageError("it shows no defects to draw from", remedy="Lower the threshold, or choose another scan.")
    chosen = np.random.default_rng(seed).choice(ids, min(count, len(ids)), replace=False).tolist()
    values = (scan.id, seed, scan.threshold, len(ids), json.dumps(chosen), author or user_name(), timestamp())
    with project.database.writing() as db:
        db.execute(_INSERT, values)
    latest = latest_sample(project, scan.id)
    assert latest is not None
    return latest


def latest_sample(project: Project, scan_id: str) -> Sample | None:
    """The one that was drawn last; None where there is none."""
    with project.database.reading() as db:
        row = db.execute("SELECT * FROM samples WHERE scan_id = ? ORDER BY id DESC LIMIT 1", (scan_id,)).fetchone()
    return None if row is None else _sample(row)


def precision_of(project: Project, sample: Sample) -> Precision:
    """What is known of a sample by now. A part of a joined detection is judged as that one is; one that was taken apart is a
    defect where any of its parts is one."""
    with project.database.reading() as db:
        standing = [standing_for(db, one) for one in sample.ids]
        ids = tuple(dict.fromkeys(one for some in standing for one in some))
        judged = {one: _status(db, one) for one in ids}
    statuses = [_together({judged[one] for one in some}) for some in standing]
    right = statuses.count("defect")
    wrong = statuses.count("artefact") + statuses.count("false_alarm")
    unsure, unreviewed = statuses.count("unsure"), statuses.count("unreviewed")
    decided, undecided = right + wrong, unsure + unreviewed
    return Precision(
        sample, ids, right, wrong, unsure, unreviewed,
        right / decided if decided and not unreviewed else None,
        clopper_pearson(right, len(statuses))[0],
        clopper_pearson(right + undecided, len(statuses))[1],
    )  # fmt: skip


def clopper_pearson(successes: int, trials: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The exact interval of a share (Clopper and Pearson 1934, Biometrika 26, 404), two-sided; 0 to 1 without a trial."""
    from scipy.special import betaincinv

    if not trials:
        return 0.0, 1.0
    tail, failures = (1 - confidence) / 2, trials - successes
    low = betaincinv(successes, failures + 1, tail) if successes else 0.0
    high = betaincinv(successes + 1, failures, 1 - tail) if failures else 1.0
    return float(low), float(high)


_STRONGEST_FIRST: tuple[Status, ...] = ("defect", "unreviewed", "unsure", "artefact", "false_alarm")
_INSERT = "INSERT INTO samples (scan_id, seed, threshold, population, ids, author, at) VALUES (?, ?, ?, ?, ?, ?, ?)"


def _sample(row: sqlite3.Row) -> Sample:
    own = {name: row[name] for name in ("id", "scan_id", "seed", "threshold", "population", "author", "at")}
    return Sample(**own, ids=tuple(int(one) for one in json.loads(row["ids"])))


def _status(db: sqlite3.Connection, detection_id: int) -> Status:
    status: Status = db.execute("SELECT status FROM detections WHERE id = ?", (detection_id,)).fetchone()["status"]
    return status


def _together(statuses: Collection[Status]) -> Status:
    """Of all that stands for one of the sample."""
    return next((one for one in _STRONGEST_FIRST if one in statuses), "unreviewed")
