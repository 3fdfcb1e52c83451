"""Where an SEM image lies on a section: through the registration, by hand, by matched places; kept in a project."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError
from core.history import History
from core.placement import Placement
from core.project import Project
from core.project.attachments import Attachments
from core.project.picture_store import PictureStore
from core.registration.fiducials import Fiducial
from core.registration.laid_pictures import LaidPicture, Match, by_matches, misfit_px, newly_laid
from core.registration.registration import register
from core.section_info import SemState
from tests.memory_section import MemorySection

UM_PER_PX = 0.5
CORNERS = ((100.0, 100.0), (4000.0, 200.0), (3900.0, 3000.0), (150.0, 2800.0))


def sem_of(x_px: float, y_px: float, degrees: float, mirrored: bool) -> tuple[float, float]:
    """SEM µm of a level-0 place: seen the same way round (the SEM's Y goes up), or mirrored; turned, shifted."""
    x, y = x_px * UM_PER_PX * (-1 if mirrored else 1), -y_px * UM_PER_PX
    turn = math.radians(degrees)
    return 9000 + math.cos(turn) * x - math.sin(turn) * y, -4000 + math.sin(turn) * x + math.cos(turn) * y


def registration(degrees: float = 0.0, mirrored: bool = False):
    fiducials = [Fiducial(f"F{n}", *place, *sem_of(*place, degrees, mirrored)) for n, place in enumerate(CORNERS)]
    return register(fiducials, (UM_PER_PX, UM_PER_PX))


def picture(stage_um=(9500.0, -4700.0), **changes) -> LaidPicture:
    """800 × 600 px of 0.1 µm."""
    laid = LaidPicture(1, "/sem.tif", "f", (800, 600), Placement(), "registration", (0.1, 0.1), stage_um)
    return replace(laid, **changes)


@pytest.mark.parametrize("degrees", [0.0, 37.0, 180.0])
@pytest.mark.parametrize("mirrored", [False, True])
def test_every_px_lies_where_the_registration_puts_its_stage_position(degrees: float, mirrored: bool):
    fit = registration(degrees, mirrored)
    laid = picture().lies(fit)
    for x, y in ((400, 300), (0, 0), (800, 0), (123, 456)):
        sem = 9500 + (x - 400) * 0.1, -4700 - (y - 300) * 0.1
        assert laid.to_section(x, y) == pytest.approx(fit.to_pixel(*sem), abs=1e-6)
    assert laid.scale == pytest.approx(0.2)
    assert laid.is_mirrored == mirrored


def test_a_turned_scan_is_turned_around_its_middle():
    fit = registration()
    straight, turned = picture().lies(fit), picture(turn_deg=90.0).lies(fit)
    assert turned.to_section(400, 300) == pytest.approx(straight.to_section(400, 300))
    right = np.subtract(turned.to_section(500, 300), turned.to_section(400, 300))
    assert right == pytest.approx((0, -20))  # X to Y, which is up
    assert picture(mirrored=True).lies(fit).to_section(500, 300) == pytest.approx(straight.to_section(300, 300))


def test_a_registration_that_changes_takes_it_along_and_without_one_it_stays():
    laid = picture(placement=Placement.around((5, 5), (800, 600), 1.0))
    assert laid.lies(registration(10.0)) != laid.lies(registration(20.0))
    assert laid.lies(None) == laid.placement
    assert replace(laid, way="hand").lies(registration()) == laid.placement


def test_what_a_file_says_lays_it_through_the_registration_at_first():
    section = MemorySection(np.zeros((60, 80, 1), np.uint8), (0.1, 0.1))
    by_hand = Placement.around((50, 50), (80, 60), 3.0)
    info = replace(section.info, sem=SemState(stage_um=(9500.0, -4700.0), scan_rotation_deg=12.0, tilt_deg=52.0))
    laid = newly_laid(info, "f", 4, registration(), by_hand)
    assert (laid.id, laid.way, laid.turn_deg, laid.tilt_deg) == (4, "registration", 12.0, 52.0)
    assert laid.placement == laid.lies(registration())
    for known, fit in (
        (info, None),
        (section.info, registration()),
        (replace(info, pixel_size_um=None), registration()),
    ):
        other = newly_laid(known, "f", 4, fit, by_hand)
        assert (other.way, other.placement) == ("hand", by_hand)


TRUE = Placement.around((700, 500), (80, 60), 2.5, 30.0)


def matches(*places: tuple[float, float], true: Placement = TRUE):
    return [Match(place, true.to_section(*place)) for place in places]


def test_matches_shift_turn_and_mirror():
    before = Placement.around((0, 0), (80, 60), 2.0)
    one = by_matches(matches((10, 10)), before)
    assert (one.scale, one.rotation_deg) == pytest.approx((2.0, 0.0))
    assert one.to_section(10, 10) == pytest.approx(TRUE.to_section(10, 10))
    two = by_matches(matches((10, 10), (70, 50)), before)
    assert two.to_section(0, 60) == pytest.approx(TRUE.to_section(0, 60))
    mirrored = TRUE.mirrored((80, 60))
    three = by_matches(matches((10, 10), (70, 50), (5, 50), true=mirrored), before)
    assert three.is_mirrored
    assert three.to_section(0, 60) == pytest.approx(mirrored.to_section(0, 60))
    assert mirrored.to_section(40, 30) == pytest.approx(TRUE.to_section(40, 30))


def test_matches_say_how_well_they_fit_from_three_on():
    off = [*matches((10, 10), (70, 50)), Match((5, 50), (0.0, 0.0))]
    assert misfit_px(off[:2], by_matches(off[:2], TRUE)) is None
    assert (misfit_px(off, by_matches(off, TRUE)) or 0) > 10
    assert misfit_px(matches((10, 10), (70, 50), (5, 50)), TRUE) == pytest.approx(0)


def test_matches_in_one_place_only_shift():
    laid = by_matches([Match((10, 10), (5, 5)), Match((10, 10), (7, 7))], TRUE)
    assert laid.scale == pytest.approx(TRUE.scale)
    assert laid.to_section(10, 10) == pytest.approx((6, 6))


def test_all_of_it_comes_back_from_json():
    laid = picture(matches=(Match((1, 2), (3, 4)),), way="matched", tilt_deg=3.0)
    assert LaidPicture.from_json(json.loads(json.dumps(laid.to_json()))) == laid


@pytest.fixture
def project(tmp_path: Path):
    import cv2

    from core.readers.base import open_section

    path = tmp_path / "s.png"
    cv2.imwrite(str(path), np.zeros((8, 8), np.uint8))
    with Project.create(tmp_path / "p.schliff") as project, open_section(path) as section:
        project.add_section(section)
        yield project


def test_several_are_kept_and_undone(project: Project):
    store = PictureStore(project)
    assert store.pictures(1) == []
    one, two = picture(), picture(id=2, way="hand", stage_um=None, pixel_size_um=None)
    assert store.keep(1, [one])
    assert store.keep(1, [one, two])
    assert store.pictures(1) == [one, two]
    replayed = History(project).undo()
    assert replayed is not None
    assert (replayed.kind, replayed.ids) == ("pictures", (1,))
    assert store.pictures(1) == [one]
    store.keep(1, [])
    assert store.pictures(1) == []


@pytest.mark.parametrize(
    "broken", [[{"id": 1}], [3], [picture().to_json() | {"way": "somehow"}], [picture().to_json() | {"size": [1]}]]
)
def test_damaged_ones_are_an_error_that_says_so(project: Project, broken: object):
    Attachments(project, "pictures").keep({1: broken})
    with pytest.raises(InputError, match="can't be read"):
        PictureStore(project).pictures(1)
