"""Detections sorted, filtered and grouped by columns: as one would by hand, one by one."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from core.arrangement import Arrangement, arrange, groups_of
from core.chemistry.composition import Composition
from core.class_colours import class_name
from core.detection import STATUSES, Detection
from core.detection_table import DetectionTable
from core.filters import Filters, Region
from core.geometry import Box
from core.sorting import SORT_FIELDS, Beside, distances_px

LABELS = ("pore", "crack", "foreign_particle", "agglomerate")


def some(count: int = 90) -> list[Detection]:
    rng = np.random.default_rng(3)
    made = []
    for number in range(1, count + 1):
        x, y, w, h = (*rng.uniform(0, 5000, 2), *rng.uniform(4, 90, 2))
        status = STATUSES[int(rng.integers(4))]
        at = "" if status == "unreviewed" else f"2026-01-{int(rng.integers(1, 28)):02}T10:00:00+00:00"
        one = Detection(
            number, 1, "s", "m", LABELS[int(rng.integers(4))], round(float(rng.uniform()), 1), Box(x, y, w, h), w * h / 2,
            100 - number, status, "near the foil" if number % 9 == 0 else "",
        )  # fmt: skip
        made.append(replace(one, decided_at=at))
    return made


def ids(detections: list[Detection], wanted: Arrangement, beside: Beside | None = None) -> list[int]:
    table = DetectionTable(detections)
    return [table[row].id for row in arrange(table, np.arange(len(table)), wanted, beside)]


def by_hand(detections, key, reverse=False):
    """Python's own sort keeps equals in place, in the reverse order too."""
    return [d.id for d in sorted(detections, key=key, reverse=reverse)]


KEYS = {
    "score": lambda d: -d.score,
    "area": lambda d: -d.area_px,
    "class": lambda d: class_name(d.label).casefold(),
    "position": lambda d: (d.box.center[1], d.box.center[0]),
    "status": lambda d: STATUSES.index(d.status),
    "found": lambda d: d.id,
}


@pytest.mark.parametrize("field", KEYS)
@pytest.mark.parametrize("reverse", [False, True])
def test_a_field_sorts_as_by_hand_and_keeps_equals_in_place(field, reverse):
    assert ids(some(), Arrangement(sort=field, reverse=reverse)) == by_hand(some(), KEYS[field], reverse)


def test_severity_keeps_the_order_they_come_in():
    detections = some()
    assert ids(detections, Arrangement()) == [d.id for d in detections]
    assert ids(detections, Arrangement(reverse=True)) == [d.id for d in detections[::-1]]


@pytest.mark.parametrize("reverse", [False, True])
def test_what_has_no_value_comes_last_either_way(reverse):
    detections = some()
    found = [detections[i - 1] for i in ids(detections, Arrangement(sort="decided", reverse=reverse))]
    times = [d.decided_at for d in found if d.decided_at]
    assert times == sorted(times, reverse=not reverse)
    assert all(d.decided_at for d in found[: len(times)])
    assert len(times) < len(found)


def test_an_element_sorts_by_its_amount():
    detections = some(5)
    amounts = {1: {"Zr": 3.0}, 3: {"Zr": 31.0, "O": 60.0}, 4: {"O": 12.0}}
    beside = Beside(None, {i: Composition(a, "at%", {}) for i, a in amounts.items()})
    assert beside.elements == ("O", "Zr")
    assert ids(detections, Arrangement(sort="element", of="Zr"), beside) == [3, 1, 2, 4, 5]
    assert ids(detections, Arrangement(sort="element", of="Zr", reverse=True), beside) == [1, 3, 2, 4, 5]


def test_distances_are_to_the_nearest_other_one_of_a_class():
    table = DetectionTable(some())
    rows = np.arange(len(table))
    for place, distance in enumerate(distances_px(table, rows, rows, "crack").tolist()):
        here = table[place]
        others = [math.dist(here.box.center, d.box.center) for d in table if d.label == "crack" and d.id != here.id]
        assert distance == pytest.approx(min(others))
    assert np.isnan(distances_px(table, rows, rows, "no such class")).all()
    one = table.row(next(d.id for d in table if d.label == "crack"))
    assert np.isnan(distances_px(table, np.array([one]), np.array([one]), "crack")).all(), "it is the only one"


def test_a_filter_doesnt_change_what_distances_count_to():
    detections = some()
    near = Arrangement(sort="distance", of="crack")
    whole = [i for i in ids(detections, near) if detections[i - 1].label == "pore"]
    assert ids(detections, replace(near, filters=Filters(labels=frozenset({"pore"})))) == whole


SQUARE = Region("Box 1", ((1000.0, 1000.0), (4000.0, 1000.0), (4000.0, 4000.0), (1000.0, 4000.0)))
TRIANGLE = Region("Flank", ((0.0, 0.0), (5000.0, 0.0), (0.0, 5000.0)))
CONDITIONS = {
    "labels": (Filters(labels=frozenset({"pore", "crack"})), lambda d: d.label in ("pore", "crack")),
    "statuses": (Filters(statuses=frozenset({"defect"})), lambda d: d.status == "defect"),
    "score": (Filters(score=(0.3, 0.6)), lambda d: 0.3 <= d.score <= 0.6),
    "score from": (Filters(score=(0.5, None)), lambda d: d.score >= 0.5),
    "size": (Filters(size=(None, 20.0)), lambda d: max(d.box.w, d.box.h) * 0.5 <= 20),
    "box": (Filters(region=SQUARE), lambda d: all(1000 < v < 4000 for v in d.box.center)),
    "polygon": (Filters(region=TRIANGLE), lambda d: sum(d.box.center) < 5000),
    "class text": (Filters(text=" foreign P"), lambda d: d.label == "foreign_particle"),
    "note": (Filters(text="FOIL"), lambda d: "foil" in d.note),
    "number": (Filters(text="#7"), lambda d: str(d.id).startswith("7")),
    "status text": (Filters(text="false"), lambda d: d.status == "false_alarm"),
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_leaves_what_meets_it(name):
    filters, meets = CONDITIONS[name]
    detections = some()
    left = ids(detections, Arrangement(filters=filters), Beside(0.5))
    assert left == [d.id for d in detections if meets(d)]
    assert 0 < len(left) < len(detections)


def test_conditions_combine_are_counted_and_taken_away_one_by_one():
    both = Filters(labels=frozenset({"pore"}), score=(0.5, None))
    assert both.active == ("labels", "score")
    assert ids(some(), Arrangement(filters=both)) == [d.id for d in some() if d.label == "pore" and d.score >= 0.5]
    assert both.without("labels") == Filters(score=(0.5, None))
    assert Filters(text="  ").active == ()
    assert Filters().active == ()


@pytest.mark.parametrize(
    ("filters", "name", "words"),
    [
        (Filters(labels=frozenset({"pore", "foreign_particle"})), "labels", "Foreign particle, Pore"),
        (Filters(statuses=frozenset({"defect", "unreviewed"})), "statuses", "Unreviewed, Defect"),
        (Filters(score=(0.25, None)), "score", "Score from 0.25"),
        (Filters(size=(5.0, 20.0)), "size", "Size 5 to 20 µm"),
        (Filters(size=(None, 20.0)), "size", "Size up to 20 µm"),
        (Filters(region=SQUARE), "region", "In Box 1"),
        (Filters(text=" foil "), "text", "“foil”"),
    ],
)
def test_a_condition_is_said_in_words(filters, name, words):
    assert filters.words(name, "µm") == words


def test_filters_come_back_from_json_and_damaged_ones_are_left_out():
    whole = Filters(frozenset({"pore"}), frozenset({"defect"}), (0.1, None), (None, 9.0), TRIANGLE, "foil")
    assert Filters.from_json(whole.to_json()) == whole
    assert Filters.from_json({"score": ["x", 1], "region": {"name": "r", "corners": [[0, 0]]}, "text": "a"}) == Filters(
        text="a"
    )
    assert Filters.from_json({"score": [float("nan"), None], "statuses": ["no such"]}) == Filters()
    for nothing in (None, 3, [], "text"):
        assert Filters.from_json(nothing) == Filters()
    assert Filters().to_json() == {}


def test_an_order_comes_back_and_an_unknown_one_is_left_out():
    order = Arrangement(sort="distance", of="crack", reverse=True, grouped=True)
    assert Arrangement().with_order(order.order_json()) == order
    assert Arrangement(sort="area").with_order({"sort": "no such"}) == Arrangement(sort="area")


def test_groups_follow_their_worst_and_keep_the_order_within():
    detections = some()
    table = DetectionTable(detections)
    rows = arrange(table, np.arange(len(table)), Arrangement(grouped=True))
    groups = groups_of(table, rows)
    assert [group.label for group in groups] == list(dict.fromkeys(d.label for d in detections))
    for group in groups:
        here = [table[row].id for row in rows[group.start : group.stop]]
        assert here == [d.id for d in detections if d.label == group.label]
    assert sum(group.count for group in groups) == len(detections)
    assert groups_of(table, rows[:0]) == ()


def test_another_table_shares_nothing_that_changed():
    detections = some()
    table = DetectionTable(detections)
    table.read_ahead()
    changed = [replace(detections[4], status="artefact", label="pore"), replace(detections[9], label="new class")]
    after = table.replaced([*changed, replace(detections[0], id=999_999)])
    fresh = DetectionTable(after.detections)
    assert [d.id for d in after] == [d.id for d in detections]
    assert after.labels == fresh.labels
    for name in ("label", "status", "score", "x", "has_note", "is_decided"):
        assert np.array_equal(after.column(name), fresh.column(name)), name
    assert table[4].label == detections[4].label
    assert np.array_equal(table.column("status"), DetectionTable(detections).column("status"))
    assert after.row(5) == 4
    assert after.row(999_999) is None
    assert sum(after.counts(np.arange(len(after))).values()) == len(after)


def test_every_field_sorts_nothing_and_one():
    for field in SORT_FIELDS:
        wanted = Arrangement(sort=field, of="pore", grouped=True)
        assert ids([], wanted) == []
        assert ids(some(1), wanted) == [1]
