"""Average precision on hand-made cases whose answer can be counted."""

from __future__ import annotations

from contextlib import redirect_stdout
from io import StringIO
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from core.average_precision import (
    COCO_POINTS,
    ELEVEN_POINTS,
    average_precision,
    class_precisions,
    coco_precisions,
    mean_average_precision,
)
from core.check import Found
from core.geometry import Box
from core.truth import TruthBox


@pytest.mark.parametrize(
    ("hits", "truths", "expected"),
    [([True, True], 2, 1.0), ([True, False, True], 2, (1 + 2 / 3) / 2), ([False, True], 1, 0.5), ([], 3, 0.0)],
)
def test_the_exact_area(hits: list[bool], truths: int, expected: float) -> None:
    assert average_precision(hits, truths) == pytest.approx(expected)


def test_later_hits_raise_the_precision_of_earlier_ones() -> None:
    """Precisions are 1/2, 2/3, 3/4; the best at any recall from there on is 3/4 for all."""
    assert average_precision([False, True, True, True], 3) == pytest.approx(3 / 4)


def test_where_nothing_can_be_found_there_is_no_precision() -> None:
    assert average_precision([True], 0) is None
    assert average_precision([], 0, ELEVEN_POINTS) is None


@pytest.mark.parametrize(
    ("hits", "truths", "expected"),
    [
        ([True], 2, 6 / 11),  # precision 1 at recalls 0, 0.1 … 0.5
        ([True, False, True], 2, (6 * 1 + 5 * 2 / 3) / 11),
        ([False, True], 1, 11 * 0.5 / 11),
        ([True, True, True], 10, 4 / 11),  # recall 0.3 counts, though 0.1 + 0.1 + 0.1 is more in floats
        ([], 3, 0.0),
    ],
)
def test_eleven_points(hits: list[bool], truths: int, expected: float) -> None:
    assert average_precision(hits, truths, ELEVEN_POINTS) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("hits", "truths", "expected"),
    [([True], 2, 51 / 101), ([True, False, True], 3, (34 + 33 * 2 / 3) / 101), ([True] * 4, 4, 1.0)],
)
def test_cocos_points(hits: list[bool], truths: int, expected: float) -> None:
    assert average_precision(hits, truths, COCO_POINTS) == pytest.approx(expected)


MARKED = [
    TruthBox("pore", Box(0, 0, 10, 10)),
    TruthBox("pore", Box(50, 0, 10, 10)),
    TruthBox("crack", Box(0, 50, 20, 5)),
]
FOUND = [
    Found("pore", 0.9, Box(0, 0, 10, 10)),
    Found("pore", 0.8, Box(0, 0, 10, 9)),  # the same once more
    Found("pore", 0.7, Box(50, 0, 10, 6)),  # IoU 0.6
    Found("crack", 0.9, Box(0, 50, 20, 2)),  # IoU 0.4
    Found("chip", 0.9, Box(0, 50, 20, 5)),
]


def test_overlap_class_and_doubles_count() -> None:
    pore = (1 + 2 / 3) / 2
    assert class_precisions(FOUND, MARKED, 0.5) == {"crack": 0, "pore": pytest.approx(pore)}
    assert class_precisions(FOUND, MARKED, 0.33)["crack"] == 1
    assert mean_average_precision(FOUND, MARKED, 0.5) == pytest.approx((pore + 0) / 2)
    assert mean_average_precision(FOUND, MARKED, 0.5, ELEVEN_POINTS) == pytest.approx((6 + 5 * 2 / 3) / 11 / 2)
    assert mean_average_precision([], MARKED, 0.5) == 0
    assert mean_average_precision(FOUND, [], 0.5) == 0


def test_cocos_mean_over_overlaps() -> None:
    """The second pore is hit at IoU 0.50, 0.55 and 0.60; of the ten overlaps the other seven have one pore only."""
    three, seven = (51 + 50 * 2 / 3) / 101, 51 / 101
    assert coco_precisions(FOUND, MARKED)["pore"] == pytest.approx((3 * three + 7 * seven) / 10)


def test_of_two_truths_a_box_takes_the_one_that_is_free() -> None:
    marked = [TruthBox("pore", Box(0, 0, 10, 10)), TruthBox("pore", Box(3, 0, 10, 10))]
    found = [Found("pore", 0.9, Box(0, 0, 10, 10)), Found("pore", 0.8, Box(1, 0, 10, 10))]  # both like the first more
    assert class_precisions(found, marked, 0.5) == {"pore": 1.0}
    assert class_precisions(found, marked, 0.9) == {"pore": pytest.approx(0.5)}


def test_many_boxes_are_matched_in_pieces() -> None:
    marked = [TruthBox("pore", Box(20 * i, 0, 10, 10)) for i in range(1500)]
    found = [Found("pore", 1 - i / 1e4, Box(20 * i, 0, 10, 8)) for i in range(1500)]
    assert class_precisions(found, marked, 0.5) == {"pore": 1.0}


PICTURES, LABELS, APART_PX = 5, ("crack", "pore"), 1e6
# In pycocotools' floats 3 of 10 are less than a recall of 0.3; of these numbers no share is at one of its 101 points.
COUNTS = {"crack": 13, "pore": 23}


def _boxes(seed: int) -> tuple[list[tuple[int, str, Box]], list[tuple[int, str, float, Box]]]:
    """(picture, class, box) of what is marked, and with a score of what is found: doubles, misses, shifted, elsewhere."""
    rng = np.random.default_rng(seed)
    marked: list[tuple[int, str, Box]] = []
    found: list[tuple[int, str, float, Box]] = []
    for label, count in COUNTS.items():
        for _ in range(count):
            box = Box(*(float(v) for v in rng.integers(0, 300, 2)), *(float(v) for v in rng.integers(8, 60, 2)))
            picture = int(rng.integers(PICTURES))
            marked.append((picture, label, box))
            for _ in range(int(rng.integers(3))):
                dx, dy, dw, dh = (float(v) for v in rng.normal(0, 4, 4))
                moved = Box(box.x + dx, box.y + dy, max(box.w + dw, 1), max(box.h + dh, 1))
                found.append((picture, label, float(rng.random()), moved))
        nowhere = (Box(*rng.uniform(5, 300, 4).tolist()) for _ in range(6))
        found += [(int(rng.integers(PICTURES)), label, float(rng.random()), box) for box in nowhere]
    return marked, found


def _of_pycocotools(marked: list[tuple[int, str, Box]], found: list[tuple[int, str, float, Box]]) -> Any:
    """(overlaps, recalls, classes) precisions."""

    def row(picture: int, label: str, box: Box) -> dict[str, Any]:
        bbox = [box.x, box.y, box.w, box.h]
        return {"image_id": picture + 1, "category_id": LABELS.index(label) + 1, "bbox": bbox, "area": box.area}

    truth = COCO()
    truth.dataset = {
        "images": [{"id": number + 1} for number in range(PICTURES)],
        "categories": [{"id": number + 1, "name": name} for number, name in enumerate(LABELS)],
        "annotations": [{**row(*one), "id": i + 1, "iscrowd": 0} for i, one in enumerate(marked)],
        "info": {},
    }
    with redirect_stdout(StringIO()):
        truth.createIndex()
        told = truth.loadRes([{**row(picture, label, box), "score": score} for picture, label, score, box in found])
        judged = COCOeval(truth, told, "bbox")
        judged.evaluate()
        judged.accumulate()
    return judged.eval["precision"][:, :, :, 0, 2]


@pytest.mark.parametrize("seed", range(4))
def test_pycocotools_counts_the_same(seed: int) -> None:
    marked, found = _boxes(seed)
    theirs = _of_pycocotools(marked, found)
    assert 0 < theirs.mean() < theirs[0].mean() < 1
    truths = [TruthBox(label, box.moved(picture * APART_PX, 0)) for picture, label, box in marked]
    ours = [Found(label, score, box.moved(picture * APART_PX, 0)) for picture, label, score, box in found]
    assert class_precisions(ours, truths, 0.5, COCO_POINTS) == pytest.approx(
        {label: theirs[0, :, number].mean() for number, label in enumerate(LABELS)}, abs=1e-9
    )
    assert coco_precisions(ours, truths) == pytest.approx(
        {label: theirs[..., number].mean() for number, label in enumerate(LABELS)}, abs=1e-9
    )
