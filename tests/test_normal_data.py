"""Which places count as normal, whatever the data: sections, projects, marked pictures, folders of images."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from core.data.normal import NormalData, find_normal
from core.drawing import Drawing
from core.errors import InputError
from core.project import Project
from core.project.drawing_store import DrawingStore
from core.readers.base import open_section
from core.review import Review
from core.scan.runner import run_scan
from tests.toy import ToyModel, spotted_image, toy_spec, write_image

RING = ((20.0, 20.0), (220.0, 20.0), (220.0, 180.0), (20.0, 180.0))


def _picture(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_image(path, np.random.default_rng(seed).integers(60, 200, (64, 80, 3), np.uint8))


@pytest.fixture
def project(tmp_path: Path, quick_disk: None) -> Path:
    """A project of one section that two scans found the same spots on."""
    section_path = write_image(tmp_path / "s.png", spotted_image())
    with Project.create(tmp_path / "p.schliff") as made, open_section(section_path) as section:
        run_scan(made, section, ToyModel())
        run_scan(made, section, ToyModel(toy_spec(id="second")))
    return tmp_path / "p.schliff"


def _draw(path: Path, *drawings: Drawing) -> None:
    with Project.open(path) as made:
        DrawingStore(made).add(made.sections()[0].id, drawings)


def _decide(path: Path, index: int, status: str) -> None:
    with Project.open(path) as made:
        one = made.detections(made.scans()[0].id)[index]
        Review(made, "somebody").decide([one.id], status)  # type: ignore[arg-type]


def test_a_section_by_itself_is_normal_as_far_as_anybody_knows(tmp_path: Path) -> None:
    found = find_normal(_picture(tmp_path / "s.png"))
    (picture,) = found.pictures
    assert (found.is_sure, picture.regions, picture.defects, picture.is_cut) == (False, None, (), False)
    assert "nobody said" in found.summary


def test_what_a_project_called_normal_is(project: Path) -> None:
    _draw(project, Drawing("polygon", RING, label="Normal"), Drawing("box", ((300, 300), (340, 340)), label="pore"))
    _decide(project, 0, "defect")
    _decide(project, 1, "false_alarm")
    found = find_normal(project)
    (picture,) = found.pictures
    assert found.is_sure
    assert picture.path == project.with_name("s.png")
    assert picture.regions == (RING,)
    assert len(picture.false_alarms) == 1
    with Project.open(project) as made:
        judged = made.detections(made.scans()[0].id)
    assert judged[0].box in picture.defects
    assert any(box.contains(320, 320) for box in picture.defects)
    assert picture.false_alarms == (judged[1].box,)
    # What the other scan found at the same place isn't in doubt; the rest that nobody judged is.
    assert not any(box.iou(judged[1].box) > 0.5 for box in picture.doubtful)
    assert judged[2].box in picture.doubtful


def test_a_name_says_normal_too_but_an_open_line_never_does(project: Path) -> None:
    _draw(project, Drawing("box", ((0, 0), (100, 100)), name="good"), Drawing("ruler", ((0, 0), (9, 9)), name="normal"))
    (picture,) = find_normal(project).pictures
    assert picture.regions == (((0, 0), (100, 0), (100, 100), (0, 100)),)


def test_a_project_without_regions_is_its_section_but_for_what_was_judged(project: Path) -> None:
    _decide(project, 0, "artefact")
    found = find_normal(project)
    (picture,) = found.pictures
    assert (found.is_sure, picture.regions) == (False, None)
    assert len(picture.defects) == 1


def test_what_is_drawn_as_normal_is_no_defect(project: Path) -> None:
    _draw(project, Drawing("box", ((0, 0), (100, 100)), label="normal"))
    with Project.open(project) as made:
        assert not any(one.label == "normal" for one in made.detections())


def test_lost_sections_are_told(project: Path, tmp_path: Path) -> None:
    (tmp_path / "s.png").unlink()
    with pytest.raises(InputError, match=r"s\.png"):
        find_normal(project)


def test_marked_pictures_are_normal_but_for_their_marks(tmp_path: Path) -> None:
    section = _picture(tmp_path / "a.png")
    section.with_suffix(".truth.csv").write_text("class,x_px,y_px,w_px,h_px\npore,10,10,8,8\n")
    _picture(tmp_path / "b.png", 1).with_suffix(".truth.csv").write_text("class,x_px,y_px,w_px,h_px\n")
    found = find_normal(tmp_path)
    assert found.is_sure
    assert [len(one.defects) for one in found.pictures] == [1, 0]
    assert all(one.regions is None for one in found.pictures)


def _names(found: NormalData) -> list[str]:
    return [f"{one.path.parent.name}/{one.path.name}" for one in found.pictures]


def test_of_classes_in_folders_the_one_without_a_defect_counts(tmp_path: Path) -> None:
    for number, label in enumerate(("Free", "crack", "pore")):
        _picture(tmp_path / label / "x_1.png", number)
    found = find_normal(tmp_path)
    assert found.is_sure
    assert _names(found) == ["Free/x_1.png"]
    assert _names(find_normal(tmp_path, "pore")) == ["pore/x_1.png"]
    (tmp_path / "Free").rename(tmp_path / "whatever")
    with pytest.raises(InputError, match="no_defect"):
        find_normal(tmp_path)


def test_images_alone_are_all_normal(tmp_path: Path) -> None:
    for number in range(3):
        _picture(tmp_path / "good" / f"part{number}_{number}.png", number)
    for path in (tmp_path / "good", tmp_path):
        found = find_normal(path)
        assert (found.format, found.is_sure, len(found.pictures)) == ("images", True, 3)
        assert all(one.is_cut for one in found.pictures)


def test_what_says_nothing_of_normal_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        find_normal(tmp_path / "missing")
    (tmp_path / "empty").mkdir()
    (tmp_path / "note.txt").write_text("hello")
    for name in ("empty", "note.txt"):
        with pytest.raises(InputError, match="normal"):
            find_normal(tmp_path / name)
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n nothing")
    with pytest.raises(InputError):
        find_normal(tmp_path / "broken.png")


def test_a_grey_16_bit_section_is_one_as_well(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 4000, (70, 90), np.uint16)
    cv2.imwrite(str(tmp_path / "s.png"), values)
    assert len(find_normal(tmp_path / "s.png").pictures) == 1
