"""What training reads of pictures that are known in places only, and how data is split."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.data.clips import LARGEST_PX, MARGIN_PX, clips_of
from core.data.labelled import LabelledData, LabelledPicture, Mark
from core.data.setting_aside import set_aside
from core.errors import InputError
from core.geometry import Box
from core.jobs import CancelToken, no_progress
from core.models.catalog import find_model
from core.train import dataset
from core.train.dataset import read_labelled, read_sections
from core.train.regions import Crop, LabelledSection, cell_targets, no_boxes
from core.train.sampling import CropSampler

SIDE = 4096


def _picture(*boxes: Box, known: tuple[Box, ...] = (), empty: tuple[Box, ...] = ()) -> LabelledPicture:
    return LabelledPicture(Path("s.png"), tuple(Mark("pore", box) for box in boxes), "s", known, empty)


def _spec(*labels: str):
    return replace(find_model("texture"), labels=labels, um_per_px=None)


# -- clips -----------------------------------------------------------------------------------------------------------


def test_a_place_is_read_with_its_surroundings() -> None:
    (clip,) = clips_of(_picture(Box(1000, 2000, 30, 40)), SIDE, SIDE, 1.0)
    assert clip == Box(1000 - MARGIN_PX, 2000 - MARGIN_PX, 30 + 2 * MARGIN_PX, 40 + 2 * MARGIN_PX)


def test_places_near_each_other_share_a_clip_and_clips_never_overlap() -> None:
    rng = np.random.default_rng(0)
    places = [Box(float(x), float(y), 40, 20) for x, y in rng.uniform(0, SIDE - 60, (120, 2))]
    clips = clips_of(_picture(*places[:60], known=tuple(places), empty=tuple(places[90:])), SIDE, SIDE, 1.0)
    assert 1 < len(clips) < len(places)
    assert not any(a.intersection(b) for i, a in enumerate(clips) for b in clips[:i])
    for place in places:
        shown = sum(common.area for clip in clips if (common := clip.intersection(place)))
        assert shown == pytest.approx(place.area)


def test_clips_are_bounded_and_pieces_that_show_nothing_are_left_out() -> None:
    """A chain of places from one corner to the other is one clip around all of the picture."""
    chain = [Box(200.0 * i, 200.0 * i, 20, 20) for i in range(100)]
    clips = clips_of(_picture(*chain), 20_020, 20_020, 1.0)
    assert max(max(clip.w, clip.h) for clip in clips) <= LARGEST_PX
    assert sum(clip.area for clip in clips) < 0.25 * 20_020**2
    assert all(sum(clip.contains(*place.center) for clip in clips) == 1 for place in chain)


def test_clips_are_in_px_of_the_model_and_end_with_the_picture() -> None:
    (clip,) = clips_of(_picture(Box(20, 4000, 40, 80)), 1000, 1030, 4.0)
    assert clip == Box(0, 1000 - MARGIN_PX, 5 + 10 + MARGIN_PX, 30 + MARGIN_PX)
    assert clips_of(_picture(Box(5000, 10, 40, 80)), 1000, 1030, 4.0) == []


def test_a_picture_known_in_places_is_read_in_clips(tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (900, 1200, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "s.png"), pixels[..., ::-1])
    marked, looked_at = Box(300, 200, 40, 30), Box(900, 700, 50, 20)
    picture = LabelledPicture(
        tmp_path / "s.png", (Mark("pore", marked),), "s", (marked.grown(20), looked_at), (looked_at,)
    )
    first, second = read_labelled(picture, _spec("crack", "pore"))
    assert np.array_equal(first.pixels, pixels[52:378, 152:488])
    assert first.boxes.tolist() == [[148, 148, 40, 30]]
    assert first.classes.tolist() == [2]
    assert first.known is not None
    assert first.known.tolist() == [[128, 128, 80, 70], [148, 148, 40, 30]]
    assert [first.group, second.group] == ["s", "s"]
    assert first.empty.shape == (0, 4)
    assert second.empty.tolist() == [[128, 128, 50, 20]]
    assert len(second.boxes) == 0
    assert first.knows(130, 130)
    assert not first.knows(100, 130)


def test_a_mark_on_the_seam_of_two_clips_is_one_mark(tmp_path: Path) -> None:
    side = LARGEST_PX + 200
    cv2.imwrite(str(tmp_path / "s.png"), np.zeros((300, side, 3), np.uint8))
    seam = side // 2
    marks = tuple(Mark("pore", Box(x, 100, 60, 40)) for x in (10, seam - 20, side - 70))
    picture = LabelledPicture(tmp_path / "s.png", marks, "s", (Box(0, 0, side, 300),))
    left, right = read_labelled(picture, _spec("pore"))
    assert left.boxes.tolist() == [[10, 100, 60, 40]]
    assert right.boxes.tolist() == [[0, 100, 40, 40], [side - 70 - seam, 100, 60, 40]]
    assert left.pixels.shape[1] == seam
    assert not left.knows(seam - 1, 120)  # it shows what is told of in the other clip
    assert left.knows(seam - 1, 99)
    assert left.knows(seam - 21, 120)


def test_pictures_that_memory_cannot_hold_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cv2.imwrite(str(tmp_path / "s.png"), np.zeros((300, 300, 3), np.uint8))
    data = LabelledData(tmp_path, "x", (LabelledPicture(tmp_path / "s.png", (Mark("a", Box(1, 1, 9, 9)),), "s"),))
    monkeypatch.setattr(dataset, "memory_for_pictures", lambda: 269_999)
    with pytest.raises(InputError, match=r"more memory.*coarser um_per_px"):
        read_sections(data, _spec("a"), 0.2, np.random.default_rng(0), no_progress, CancelToken())
    monkeypatch.setattr(dataset, "memory_for_pictures", lambda: 270_000)
    read = read_sections(data, _spec("a"), 0.2, np.random.default_rng(0), no_progress, CancelToken())
    assert read.training == read.validation


# -- what is not known is not "no defect" ------------------------------------------------------------------------------


def test_cells_outside_of_what_is_known_say_nothing() -> None:
    known = np.array([[32, 32, 64, 40]], np.float32)
    crop = Crop(np.zeros((160, 160, 3), np.uint8), np.array([[48, 40, 16, 16]], np.float32), np.array([1]), known)
    plain = cell_targets(crop, 8, 1).plain
    rows, columns = np.nonzero(plain == 0)
    assert [rows.min(), rows.max(), columns.min(), columns.max()] == [4, 8, 4, 11]
    assert (plain[5:7, 6:8] == -1).all()  # the box
    assert np.count_nonzero(plain == 0) < 5 * 8


def test_only_what_is_known_is_sampled() -> None:
    known = np.array([[500, 100, 20, 20], [100, 700, 20, 20]], np.float32)
    section = LabelledSection(
        "s", np.zeros((1000, 1000, 3), np.uint8), no_boxes(), np.zeros(0, int), "s", known, known[1:]
    )
    sampler = CropSampler([section], 64, np.random.default_rng(0))
    crops = [sampler.draw() for _ in range(100)]
    assert all(crop.known is not None and len(crop.known) for crop in crops)
    # Half of what remains is drawn where somebody looked and found nothing.
    sides = [sum(float(w * h) > 0 for w, h in crop.known[:, 2:]) for crop in crops if crop.known is not None]
    assert set(sides) == {1}


def test_places_found_empty_are_looked_at_often() -> None:
    pixels = np.zeros((1000, 1000, 3), np.uint8)
    empty = np.array([[10, 10, 20, 20]], np.float32)
    section = LabelledSection("s", pixels, no_boxes(), np.zeros(0, int), "s", None, empty)
    pixels[10:30, 10:30] = 255
    sampler = CropSampler([section], 64, np.random.default_rng(0))
    shown = sum(bool(sampler.draw().pixels.any()) for _ in range(200))
    assert 70 < shown < 130


def test_a_detector_does_not_see_what_is_not_known() -> None:
    pixels = np.full((64, 64, 3), 40, np.uint8)
    pixels[:, 32:] = 200
    known = np.array([[-5, 8, 37, 16]], np.float32)
    crop = Crop(pixels, no_boxes(), np.zeros(0, int), known)
    shown = crop.without_unknown()
    assert (shown == 40).all()
    assert (pixels[:, 32:] == 200).all()  # the crop itself stays what it is
    whole = Crop(pixels, no_boxes(), np.zeros(0, int))
    assert whole.without_unknown() is pixels


# -- splits ------------------------------------------------------------------------------------------------------------


def _labelled(name: str, group: str, *labels: str) -> LabelledPicture:
    return LabelledPicture(Path(name), tuple(Mark(label, Box(0, 0, 9, 9)) for label in labels), group)


def test_a_group_is_never_split_and_every_class_is_on_both_sides() -> None:
    common = [_labelled(f"c{i}", f"g{i // 3}", "pore") for i in range(60)]
    rare = [_labelled("r1", "a", "crack"), _labelled("r2", "a", "crack"), _labelled("r3", "b", "crack")]
    for seed in range(5):
        training, validation = set_aside([*common, *rare], 0.2, np.random.default_rng(seed))
        assert len(training) + len(validation) == 63
        assert not {p.group for p in training} & {p.group for p in validation}
        assert all({m.label for p in side for m in p.marks} == {"pore", "crack"} for side in (training, validation))
        assert 6 <= len(validation) <= 18


def test_a_class_of_one_group_is_trained_on() -> None:
    pictures = [_labelled(f"c{i}", f"g{i}", "pore") for i in range(4)] + [_labelled("r", "r", "crack")]
    for seed in range(5):
        training, _ = set_aside(pictures, 0.4, np.random.default_rng(seed))
        assert "crack" in {m.label for p in training for m in p.marks}


def test_one_group_serves_for_both() -> None:
    pictures = [_labelled("a", "g", "pore"), _labelled("b", "g", "pore")]
    assert set_aside(pictures, 0.2, np.random.default_rng(0)) == (tuple(pictures), tuple(pictures))
