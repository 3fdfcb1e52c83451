"""Crops: what they cover, that they come from other threads, in order, bounded, and never late from another section."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from app.gallery.crop import MIN_SIDE_PX, OVERSAMPLING, crop_request
from app.gallery.rendering import CropRenderer
from app.gallery.thumbnails import ThumbnailStore
from core.geometry import Box
from core.look import Look
from core.section import Plane
from tests.gallery_support import ArraySection, grey_section, make_detection

SECTION = Box(0, 0, 40_000, 30_000)


@pytest.fixture
def store(qtbot):
    store = ThumbnailStore(64 << 20)
    yield store
    store.close()


def drawn(section, look=None):
    return CropRenderer(section, Plane(), look or Look())


def settle(qtbot, store):
    qtbot.waitUntil(lambda: store.idle, timeout=5000)
    qtbot.wait(20)


@pytest.mark.parametrize(
    "box", [Box(5, 8, 3, 3), Box(20_000, 15_000, 50, 900), Box(39_000, 29_000, 1000, 1000), Box(0, 0, 39_999, 20_000)]
)
@pytest.mark.parametrize("side_px", [64, 132, 400])
def test_a_crop_holds_its_box_with_context_at_a_fitting_scale(box, side_px):
    request = crop_request(box, SECTION, side_px, Plane())
    crop, step = request.box, request.downsample
    assert crop.w == crop.h
    assert crop.w >= min(MIN_SIDE_PX, 1.2 * max(box.w, box.h)) - step
    assert crop.union(box).area == pytest.approx(crop.area, rel=1e-2)  # nothing of it is cut off
    assert (crop.intersection(box) or crop).area == pytest.approx(box.area, rel=1e-3)
    assert request.x % step == request.y % step == 0
    columns = request.shape[1]
    assert columns >= OVERSAMPLING * side_px - 1 or step == 1
    assert columns <= 2 * OVERSAMPLING * side_px + 1


def test_a_crop_at_the_border_stays_inside_the_section():
    request = crop_request(Box(39_990, 0, 10, 10), SECTION, 128, Plane())
    assert request.box.x1 <= SECTION.x1
    assert request.box.y >= 0


def test_crops_come_from_other_threads_at_the_wanted_size(qtbot, store):
    section = grey_section()
    detections = [make_detection(i, 0.9) for i in range(6)]
    store.set_renderer(drawn(section))
    store.want(detections, 80)
    assert store.get(0) is None
    settle(qtbot, store)
    assert section.readers
    assert threading.get_ident() not in section.readers
    for detection in detections:
        image = store.get(detection.id).image
        assert (image.width(), image.height()) == (80, 80)
    assert store.get(0).crop.contains(*detections[0].box.center)


def test_the_first_wanted_is_read_first_and_the_unwanted_never(qtbot, store):
    section = grey_section()
    section.gate = threading.Event()
    store.set_renderer(drawn(section))
    store.want([make_detection(i, 0.9) for i in range(50)], 64)
    wanted = [make_detection(i, 0.9) for i in (90, 91, 92)]
    order: list[int] = []
    store.ready.connect(order.append)
    store.want(wanted, 64)
    section.gate.set()
    settle(qtbot, store)
    assert [i for i in order if i >= 90] == [90, 91, 92] or set(order[-3:]) == {90, 91, 92}
    assert len(order) <= 3 + 2  # the three, and what the two threads had begun


def test_late_answers_of_another_section_are_dropped(qtbot, store):
    slow, other = grey_section(), grey_section()
    slow.gate = threading.Event()
    store.set_renderer(drawn(slow))
    store.want([make_detection(1, 0.9)], 64)
    qtbot.waitUntil(lambda: not store._queue)
    store.set_renderer(drawn(other))
    with qtbot.assertNotEmitted(store.ready, wait=100):
        slow.gate.set()
    assert store.get(1) is None


def test_memory_is_bounded_and_the_last_used_stays(qtbot):
    store = ThumbnailStore(10 * 64 * 64 * 3)
    store.set_renderer(drawn(grey_section()))
    store.want([make_detection(i, 0.9) for i in range(40)], 64)
    settle(qtbot, store)
    kept = [i for i in range(40) if store.get(i) is not None]
    assert 5 <= len(kept) <= 10
    assert max(kept) >= 38
    store.close()


def test_another_look_shows_old_crops_until_new_ones_come(qtbot, store):
    section = grey_section(dtype=np.uint16)
    detection = make_detection(1, 0.9)
    store.set_renderer(drawn(section))
    store.want([detection], 64)
    settle(qtbot, store)
    before = store.get(1).image.pixelColor(32, 32).lightness()
    store.set_renderer(drawn(section, Look().with_curve(0, 20_000)), keeping=True)
    assert store.get(1) is not None
    store.want([detection], 64)
    settle(qtbot, store)
    assert store.get(1).image.pixelColor(32, 32).lightness() > before + 20


def test_an_unreadable_place_is_told_and_not_read_again(qtbot, store):
    section = grey_section()
    section.fails = True
    store.set_renderer(drawn(section))
    store.want([make_detection(1, 0.9)], 64)
    settle(qtbot, store)
    assert store.get(1).image is None
    reads = section.reads
    store.want([make_detection(1, 0.9)], 64)
    settle(qtbot, store)
    assert section.reads == reads


def test_closing_waits_and_reads_nothing_more(qtbot, store):
    section = ArraySection(np.zeros((500, 500, 1), np.uint8))
    store.set_renderer(drawn(section))
    store.want([make_detection(i, 0.9) for i in range(100)], 64)
    store.close()
    reads = section.reads
    qtbot.wait(30)
    assert section.reads == reads
    assert store.idle
