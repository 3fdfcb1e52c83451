"""Looks and the session: what old projects saved, what is found in the background, and that models never see a look."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from app.session import Session
from app.session_opening import Opened
from app.session_state import SavedView
from core.look import Curve, Look
from core.project import Project
from core.scan.options import ScanOptions
from core.section import Plane
from tests.memory_section import MemorySection, noise
from tests.scan_support import scan_here
from tests.test_looks import Mosaic
from tests.toy import ToyModel, spotted_image, toy_spec

LOUD = Look(inverted=True, sharpening=1, local_contrast=1, flat_field=True).with_curve(90, 91)


def open_and_wait(qtbot, session, path):
    with qtbot.waitSignal(session.path_opened, timeout=20_000):
        session.open_path(path)


# -- what was saved -----------------------------------------------------------------------------------


def test_the_two_numbers_of_old_projects_become_a_look():
    old = SavedView().to_json() | {"display_range": [120, 4000]}
    del old["look"]
    assert SavedView.from_json(old).look == Look().with_curve(120, 4000)
    assert SavedView.from_json(old | {"display_range": None}).look is None
    assert SavedView.from_json(old | {"display_range": [9, 3]}).look is None
    assert SavedView.from_json(old | {"look": LOUD.to_json()}).look == LOUD


def test_an_old_project_opens_with_its_range(qtbot, session, tmp_path):
    cv2.imwrite(str(tmp_path / "deep.png"), noise(40, 50, 1, np.uint16))
    with Project.create(tmp_path / "deep.schliff"):
        pass
    open_and_wait(qtbot, session, tmp_path / "deep.png")
    old = SavedView().to_json() | {"display_range": [120, 4000]}
    del old["look"]
    record, project = session.section_record, session.project
    session.saving.now()
    session.close_section()
    project = Project.open(tmp_path / "deep.schliff")
    project.set_state(f"view:{record.id}", old)
    project.close()
    open_and_wait(qtbot, session, tmp_path / "deep.png")
    assert session.look == Look().with_curve(120, 4000)


# -- models -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_models_never_see_a_look(qtbot, monkeypatch, tmp_path, dtype):
    seen: list[bytes] = []

    class Spy(ToyModel):
        def map_tile(self, pixels):
            seen.append(pixels.tobytes())
            return super().map_tile(pixels)

    scan_here(monkeypatch, Spy)
    pixels = cv2.cvtColor(spotted_image(spots=6), cv2.COLOR_RGB2GRAY).astype(dtype)
    found = {}
    for name, look in (("plain", None), ("loud", LOUD)):
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / "s.png"), pixels * (1 if dtype is np.uint8 else 200))
        session = Session()
        open_and_wait(qtbot, session, tmp_path / name / "s.png")
        if look is not None:
            session.set_look(look)
        with qtbot.waitSignal(session.scan_finished, timeout=30_000):
            session.start_scan(toy_spec(), ScanOptions())
        qtbot.waitUntil(lambda s=session: not (s.scanning or s.lanes.io.busy), timeout=20_000)
        assert session.look == look or look is None
        assert session.detections
        found[name] = [(d.box, d.score, d.severity, d.label) for d in session.detections], sorted(seen)
        seen.clear()
        session.close()
    assert found["plain"] == found["loud"]


# -- in the background --------------------------------------------------------------------------------


def test_what_is_found_for_a_section_that_was_closed_is_dropped(qtbot, session):
    first = MemorySection(noise(60, 60, 1, np.uint16))
    session.adopt(Opened(first))
    first.gate.clear()
    session.looks.find_curves(None)
    session.adopt(Opened(MemorySection(noise(60, 60, 1))))
    first.gate.set()
    qtbot.waitUntil(lambda: not session.lanes.eye.busy)
    assert session.look == Look()


def test_another_channel_of_16_bits_gets_its_curve_once(qtbot, session):
    session.adopt(Opened(MemorySection(noise(60, 60, 1, np.uint16), channels=3)))
    session.set_plane(Plane(c=2))
    qtbot.waitUntil(lambda: bool(session.look.channel(2).curves))
    assert session.look.channel(0).curves == session.look.channel(1).curves == ()
    session.set_look(session.look.with_curve(5, 6, channel=2))
    session.set_plane(Plane(c=0))
    session.set_plane(Plane(c=2))
    qtbot.waitUntil(lambda: not session.lanes.eye.busy)
    assert session.look.channel(2).curves == (Curve(5, 6),)


def test_only_what_was_switched_off_comes_back(session):
    session.adopt(Opened(Mosaic(noise(400, 400, 1))))
    assert not session.looks.can_toggle
    session.set_look(LOUD)
    session.looks.toggle_enhancements()
    assert session.look == LOUD.without_enhancements()
    session.set_look(Look())
    session.looks.toggle_enhancements()
    assert session.look == Look(sharpening=1, local_contrast=1, flat_field=True)
    session.adopt(Opened(MemorySection(noise(40, 40, 1))))
    assert not session.looks.can_toggle
