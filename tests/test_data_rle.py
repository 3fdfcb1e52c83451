"""Run-length masks as pycocotools writes them, and what COCO says of crowds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coco_masks

from core.data.reading import read_marks
from core.data.rle import decode
from core.errors import InputError
from core.geometry import Box
from tests.data_formats import HEIGHT, WIDTH, Told, square, write_coco

_SHAPES = [(1, 1), (1, 9), (7, 1), (13, 5), (40, 60), (300, 400)]


def _masks(height: int, width: int) -> list[np.ndarray]:
    """Empty, full, noise of any density, and blocks, whose runs are long and differ much from each other."""
    rng = np.random.default_rng(height * 1000 + width)
    masks = [np.zeros((height, width), bool), np.ones((height, width), bool)]
    masks += [rng.random((height, width)) < share for share in (0.02, 0.5, 0.98)]
    for _ in range(3):
        blocks = np.zeros((height, width), bool)
        for _ in range(4):
            (top, bottom), (left, right) = (np.sort(rng.integers(0, n + 1, 2)) for n in (height, width))
            blocks[top:bottom, left:right] ^= True
        masks.append(blocks)
    return masks


def _as_numbers(mask: np.ndarray) -> list[int]:
    """Down the columns, off and on in turn, off first."""
    flat = mask.ravel(order="F")
    edges = np.concatenate([[0], np.flatnonzero(np.diff(flat)) + 1, [len(flat)]])
    return [*([0] if flat[0] else []), *np.diff(edges).tolist()]


@pytest.mark.parametrize("shape", _SHAPES)
def test_masks_that_pycocotools_wrote_are_read(shape: tuple[int, int]) -> None:
    for mask in _masks(*shape):
        packed: Any = coco_masks.encode(np.asfortranarray(mask.astype(np.uint8)))
        assert np.array_equal(decode(packed["counts"].decode(), *shape), mask)
        numbers = _as_numbers(mask)
        theirs: Any = coco_masks.frPyObjects({"size": list(shape), "counts": numbers}, *shape)
        assert theirs["counts"] == packed["counts"]
        assert np.array_equal(decode(numbers, *shape), mask)


@pytest.mark.parametrize(
    "counts",
    [
        [],
        "",
        [5],
        [7, -1],
        [3, 4],
        "~~~",
        "\x00",
        "P" * 40,
        [float("inf")],
        [10**30],
        "0" * 7 + "é",
        [2**40, 6 - 2**40],
    ],
)
def test_runs_that_do_not_fill_a_mask_are_refused(counts: Any) -> None:
    with pytest.raises(ValueError, match="mask"):
        decode(counts, 2, 3)


def _spoilt(folder: Path, change: dict[str, Any]) -> Path:
    """A set whose second mark is written otherwise."""
    write_coco(folder, (Told("a_1", (square("pore", 20, 30, 40, 25), square("crack", 100, 5, 60, 8))),))
    file = folder / "annotations" / "instances_train.json"
    content = json.loads(file.read_text())
    content["annotations"][1].update(change)
    file.write_text(json.dumps(content))
    return folder


def _crowd() -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[5:13, 100:160] = True
    return mask


@pytest.mark.parametrize("packed", [True, False])
def test_a_mask_is_outlined(tmp_path: Path, packed: bool) -> None:
    theirs: Any = coco_masks.encode(np.asfortranarray(_crowd().astype(np.uint8)))
    counts = theirs["counts"].decode() if packed else _as_numbers(_crowd())
    data = read_marks(_spoilt(tmp_path, {"bbox": [], "segmentation": {"size": [HEIGHT, WIDTH], "counts": counts}}))
    _, crack = data.pictures[0].marks
    assert crack.box == Box(100, 5, 60, 8)
    assert set(crack.outline) == {(100, 5), (160, 5), (160, 13), (100, 13)}


def test_a_crowd_is_no_mark_and_what_is_there_is_not_known(tmp_path: Path) -> None:
    segmentation = {"size": [HEIGHT, WIDTH], "counts": _as_numbers(_crowd())}
    (picture,) = read_marks(_spoilt(tmp_path, {"iscrowd": 1, "segmentation": segmentation})).pictures
    assert [mark.label for mark in picture.marks] == ["pore"]
    assert picture.known is not None
    assert sum(box.area for box in picture.known) == WIDTH * HEIGHT - 60 * 8
    assert not any(box.intersection(Box(100, 5, 60, 8)) for box in picture.known)


def test_a_mark_in_a_crowd_is_known(tmp_path: Path) -> None:
    (picture,) = read_marks(_spoilt(tmp_path, {"iscrowd": 1, "bbox": [0, 0, 100, 100], "segmentation": []})).pictures
    assert picture.known is not None
    assert [box for box in picture.known if box.contains(40, 42)] == [Box(20, 30, 40, 25)]
    assert not any(box.contains(80, 80) for box in picture.known)


@pytest.mark.parametrize(
    ("segmentation", "said"),
    [
        ({"size": [HEIGHT, WIDTH], "counts": [10**30]}, "the runs of a mask"),
        (
            {"size": [WIDTH, HEIGHT], "counts": [WIDTH * HEIGHT]},
            r"a mask of 120 × 200 px for a picture of 200 × 120 px",
        ),
        ({"size": [HEIGHT], "counts": [1]}, "not enough values"),
        ({"size": [HEIGHT, WIDTH]}, "it has no 'counts'"),
    ],
)
def test_a_mask_that_does_not_fit_is_one_clear_error(tmp_path: Path, segmentation: Any, said: str) -> None:
    with pytest.raises(InputError, match=rf"annotations\[1\].*{said}"):
        read_marks(_spoilt(tmp_path, {"segmentation": segmentation}))
