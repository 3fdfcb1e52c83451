"""Outlines in a scan: the same things with the same areas whatever the tiles, sound ones counted, kept in the project."""

from __future__ import annotations

import math
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.detection import Candidate, Detection
from core.errors import InputError
from core.geometry import Box
from core.measure import area
from core.outlines import CORNERS, as_outline, corners_of, cut, drawn, evenly, joined, placed, ring_around
from core.project import Project
from core.project.fragments import StoredFragments
from core.project.raw_boxes import packed, unpacked, unpacked_outline
from core.project.scan_store import ScanStore
from core.project.schema import VERSION
from tests.seam_support import scan_views
from tests.test_project import scan_with
from tests.toy import spotted_image, toy_spec, write_image

Array = np.ndarray
OLD = Path(__file__).parent / "data"


def disc(x: float, y: float, radius: float, count: int = 200) -> Array:
    at = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([x + radius * np.cos(at), y + radius * np.sin(at)], 1)


def bright_things(view: Array) -> Array:
    """Boxes and outlines of all that is bright; what is only half as bright is no defect."""
    rows = []
    contours, _ = cv2.findContours((view > 0).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    for contour in contours:
        x, y, w, h = cv2.boundingRect(contour)
        sound = view[contour[0, 0, 1], contour[0, 0, 0]] < 200
        ring = ring_around((view[y : y + h, x : x + w] > 0).astype(float), Box(x, y, w, h))
        assert ring is not None
        rows.append(np.concatenate([[x, y, x + w, y + h, 0.9, -1.0 if sound else 0.0], ring.ravel()]))
    return np.array(rows, np.float32).reshape(-1, 6 + 2 * CORNERS)


def discs(places: list[tuple[int, int, int, int]], size: int = 320) -> Array:
    image = np.zeros((size, size), np.uint8)
    for x, y, radius, value in places:
        cv2.circle(image, (x, y), radius, value, -1)
    return image


PLACES = [(40, 50, 12, 255), (90, 96, 20, 255), (160, 64, 9, 120), (128, 190, 15, 120), (200, 128, 25, 255)]


@pytest.mark.parametrize("side", [64, 96, 320])
def test_things_have_the_same_areas_on_every_grid_and_sound_ones_are_counted_once(side: int) -> None:
    image = discs(PLACES)
    store = scan_views(image, side, 64, bright_things, seed=3)
    found = sorted(store.found, key=lambda one: one.box)
    assert len(found) == 3
    assert store.sound == 2
    for one, (x, y, radius, _) in zip(found, [p for p in PLACES if p[3] == 255], strict=True):
        marked = np.count_nonzero(discs([(x, y, radius, 1)]))
        assert one.area_px == pytest.approx(marked, rel=0.03)
        assert one.area_px < 0.9 * one.box.area
        assert area(one.outline) == pytest.approx(one.area_px)
        assert np.mean(one.outline, axis=0) == pytest.approx((x + 0.5, y + 0.5), abs=0.7)


def test_a_thing_longer_than_a_tile_is_one_with_all_of_its_area() -> None:
    image = np.zeros((320, 320), np.uint8)
    cv2.line(image, (20, 60), (300, 210), 255, 14)
    (whole,) = scan_views(image, 320, 64, bright_things).found
    (parts,) = scan_views(image, 64, 32, bright_things, seed=1).found
    assert parts.box == whole.box
    assert parts.area_px == pytest.approx(np.count_nonzero(image), rel=0.03)
    covered = [drawn(one.outline, 320, 320) > 0 for one in (whole, parts)]
    assert np.count_nonzero(covered[0] & covered[1]) > 0.93 * np.count_nonzero(covered[0] | covered[1])


def test_of_one_thing_called_two_names_the_surer_counts() -> None:
    """Near a tile's border it looks like something else."""

    def unsure(view: Array) -> Array:
        rows = bright_things(view)
        near = rows[:, 0] < 40
        rows[near, 4], rows[near, 5] = 0.5, -1
        return rows

    store = scan_views(discs([(64, 64, 14, 255), (150, 130, 10, 255)]), 64, 64, unsure)
    assert len(store.found) == 2
    assert store.sound == 0


# -- outlines themselves ---------------------------------------------------------------------------------------------


def test_a_ring_is_read_from_a_soft_mask_where_it_crosses_one_half() -> None:
    y, x = np.mgrid[:28, :28] + 0.5
    mask = 1 / (1 + np.exp(np.hypot(x - 14, y - 14) - 10))
    ring = ring_around(mask, Box(100, 200, 56, 28))
    assert ring is not None
    assert ring.shape == (CORNERS, 2)
    assert area(as_outline(ring)) == pytest.approx(math.pi * 20 * 10, rel=0.02)
    assert ring.mean(0) == pytest.approx((128, 214), abs=0.3)
    assert ring_around(np.full((28, 28), 0.4), Box(0, 0, 10, 10)) is None


def test_a_full_mask_is_its_whole_box() -> None:
    ring = ring_around(np.ones((28, 28)), Box(10, 20, 40, 30))
    assert ring is not None
    assert area(as_outline(ring)) == pytest.approx(1200, rel=0.02)


def test_what_lies_in_a_box_is_cut_out_exactly() -> None:
    square = ((0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0))
    assert area(cut(square, Box(4, -5, 100, 9))) == pytest.approx(24)
    assert cut(square, Box(20, 20, 5, 5)) == ()
    assert cut(square, Box(-1, -1, 50, 50)) == square
    ring = as_outline(disc(50, 50, 20))
    halves = [cut(ring, Box(0, 0, 50, 100)), cut(ring, Box(50, 0, 50, 100))]
    assert sum(area(one) for one in halves) == pytest.approx(area(ring))
    assert area(joined(halves)) == pytest.approx(area(ring), rel=0.02)
    assert joined([ring]) == ring
    assert joined([(), ()]) == ()


def test_rows_are_placed_with_their_outlines() -> None:
    rows = np.concatenate([[10, 20, 30, 40, 0.5, 1], evenly(disc(20, 30, 10)).ravel()])[None].astype(np.float32)
    there = placed(rows, -4, 6, 2.0, Box(0, 0, 50, 1000))
    assert there[0, :6].tolist() == [12, 52, 50, 92, 0.5, 1]
    assert corners_of(there)[0].mean(0) == pytest.approx((32, 72), abs=0.7)
    assert corners_of(there)[0].max() <= 92
    assert corners_of(placed(rows[:, :6], 0, 0, 1.0, Box(0, 0, 99, 99))).shape == (1, 0, 2)


def test_what_reaches_into_a_frame_with_its_box_only_is_dropped() -> None:
    """As the mirror image of a part beyond the section's edge does."""
    ring = evenly(disc(100_030, 30, 10))
    rows = np.concatenate([[100_018, 18, 100_042, 42, 0.5, 1], ring.ravel()])[None].astype(np.float32)
    assert len(placed(rows, 0, 0, 1.0, Box(0, 0, 100_019, 99))) == 0
    assert len(placed(rows, 0, 0, 1.0, Box(0, 0, 100_025, 99))) == 1
    assert len(placed(rows[:, :6], 0, 0, 1.0, Box(0, 0, 100_019, 99))) == 1
    assert len(placed(rows[:, :6], 0, 0, 1.0, Box(0, 0, 100_018, 99))) == 0


# -- in the project --------------------------------------------------------------------------------------------------


def test_outlines_and_what_is_sound_are_kept(tmp_path: Path) -> None:
    ring = as_outline(evenly(disc(20, 20, 8)))
    with Project.create(tmp_path / "p.schliff") as project:
        store = scan_with(project, write_image(tmp_path / "s.png", spotted_image()), 1)
        store.emit(1, [Candidate("anomaly", 0.9, Box(12, 12, 16, 16), area(ring), (20, 20), ring)], sound=4)
        store.emit(2, [], sound=3)
        assert store.sound() == 7
        plain, one = sorted(project.detections(store.record.id), key=lambda d: d.id)
        assert plain.outline == ()
        assert one.outline == ring
        assert Detection.from_plain(asdict(one)) == one


@pytest.mark.parametrize("version", [2, 3])
def test_projects_of_older_versions_are_brought_up_to_date(version: int, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(OLD / f"project-v{version}.schliff", tmp_path / "old.schliff"))
    with Project.open(folder) as project, project.database.reading() as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == VERSION
        found = project.detections()
        assert len(found) >= 3
        assert "defect" in {one.status for one in found}
        assert all(one.outline == () and one.area_px > 0 for one in found)


def test_what_an_older_scan_knows_of_its_tiles_can_be_gone_on_with(tmp_path: Path) -> None:
    """Its tiles hold boxes without outlines, and fragments wait to be joined."""
    folder = Path(shutil.copytree(OLD / "project-v3.schliff", tmp_path / "old.schliff"))
    with Project.open(folder) as project, project.database.reading() as db:
        (record,), (section,) = project.scans(), project.sections()
        store = ScanStore(project, record, section, toy_spec(output="boxes"))
        boxes = store.boxes(store.tile_states())
        assert 0 < len(boxes) < record.tiles_total
        assert {one.shape[1] for one in boxes.values()} == {6}
        waiting = StoredFragments(db, record.id).of(store.tile_states())
        assert waiting
        assert all(one.outline == () for one in waiting)
        StoredFragments(db, record.id).add([replace(waiting[0], outline=((1, 2), (3, 4), (5, 6)))])
        assert StoredFragments(db, record.id).of(store.tile_states())[-1].outline == ((1, 2), (3, 4), (5, 6))


def test_an_outline_that_is_damaged_is_left_out(tmp_path: Path) -> None:
    rows = bright_things(discs(PLACES))
    boxes, outlines = packed(rows)
    assert outlines is not None
    assert np.array_equal(unpacked(boxes, outlines, 1, tmp_path), rows)
    for damaged in (outlines[:-8], outlines[: len(outlines) // 2], b"x", "text"):
        with pytest.raises(InputError):
            unpacked(boxes, damaged, 1, tmp_path)
    with pytest.raises(InputError):
        unpacked(boxes, None, 1, tmp_path)  # only what has outlines can be sound
    assert unpacked_outline(b"12345") == ()
