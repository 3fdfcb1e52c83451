"""The drive through the detections, shown over the section: the same way as the printed list goes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt

from core.drive_order import drive_through, path_length
from core.export.base import export_detections
from core.project import Project
from core.project.registration_store import RegistrationStore
from tests.test_registration_project import FIDUCIALS, project  # noqa: F401 - a fixture
from tests.window_support import open_and_wait, open_window, press


@pytest.fixture
def window(qtbot, qapp, project):  # noqa: F811
    RegistrationStore(project).keep(project.sections()[0].id, FIDUCIALS)
    with open_window(qapp) as made:
        open_and_wait(qtbot, made, project.path)
        yield made


def shown(window, qtbot) -> list[tuple[float, float]]:
    layer = window.viewer.drive
    qtbot.waitUntil(lambda: layer.settled, timeout=20_000)
    return layer.item.stops


def test_the_path_is_the_printed_lists_and_follows_decisions(qtbot, window, tmp_path: Path) -> None:
    session, layer = window.session, window.viewer.drive
    assert not layer.item.isVisible()
    assert layer.item.stops == [], "nobody waits for what nobody sees"
    press(qtbot, window, Qt.Key.Key_D, Qt.KeyboardModifier.ShiftModifier)
    assert window.menus.actions["drive"].isChecked()
    stops = shown(window, qtbot)
    everything = session.visible_detections()
    order = drive_through(everything, session.section.info.pixel_size_um)
    assert stops == [everything[index].box.center for index in order]
    places = np.array([one.box.center for one in everything])
    assert path_length(places, np.array(order)) < path_length(places, np.arange(len(places)))
    with Project.open(session.project.path) as own:
        export_detections(own, "serialem", tmp_path / "d.nav", frame="sem")
    listed = [line[8:-1] for line in (tmp_path / "d.nav").read_text().splitlines() if line.startswith("[Item")]
    assert [int(name) for name in listed[len(FIDUCIALS) :]] == [everything[index].id for index in order]
    chosen = [one.id for one in everything[:3]]
    session.decide("defect", chosen)
    qtbot.waitUntil(lambda: len(shown(window, qtbot)) == 3, timeout=20_000)
    assert set(layer.item.stops) == {session.detection(number).box.center for number in chosen}
    session.undo()
    qtbot.waitUntil(lambda: len(shown(window, qtbot)) == len(everything), timeout=20_000)


def test_line_and_numbers_are_painted(qtbot, window) -> None:
    before = window.viewer.picture()
    window.commands.view.show_drive(True)
    shown(window, qtbot)
    after = window.viewer.picture()
    assert before != after
    window.commands.view.show_drive(False)
    assert window.viewer.picture() == before
