"""The list of what changed between scans, and the short list it puts into the gallery: by real clicks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.gallery.panel import GalleryPanel
from app.panels.rounds_panel import RoundsPanel
from core.project import Project, ScanRecord
from core.review import Review
from tests.gallery_support import fill, grey_section
from tests.test_rounds import at, scanned

pytestmark = pytest.mark.usefixtures("quick_disk")


class Window(QWidget):
    gallery: GalleryPanel
    rounds: RoundsPanel
    scans: tuple[ScanRecord, ScanRecord]


@pytest.fixture
def shown(qtbot, session, tmp_path: Path):
    """A window with gallery and rounds: two scans of one section, decisions on the first, the second one shown."""
    project = Project.create(tmp_path / "p.schliff")
    first = scanned(project, "1", [("pore", 0.9, 100.0 * n, 100) for n in range(1, 6)] + [("crack", 0.8, 100, 500)])
    review = Review(project, "tester")
    review.decide([at(project, first, x).id for x in (200, 300)], "defect")
    review.decide([at(project, first, 400).id], "false_alarm")
    second = scanned(project, "2", [("pore", 0.9, 100, 100), ("crack", 0.8, 300, 100), ("pore", 0.6, 400, 100),
                                    ("pore", 0.55, 700, 700), ("crack", 0.95, 800, 700), ("pore", 0.4, 900, 900)])  # fmt: skip
    record = project.sections()[0]
    fill(
        session, project.detections(second.id), grey_section(), project=project, record=record, review=review,
        scans=project.scans(record.id), scan=second,
    )  # fmt: skip
    window = Window()
    qtbot.addWidget(window)
    window.gallery, window.rounds = GalleryPanel(session), RoundsPanel(session)
    row = QHBoxLayout(window)
    row.addWidget(window.gallery, 1)
    row.addWidget(window.rounds, 1)
    window.resize(820, 640)
    window.show()
    window.scans = first, second
    qtbot.waitUntil(lambda: window.rounds.tree.topLevelItemCount() > 0, timeout=10_000)
    yield window
    window.gallery.shut()
    session.close()


def texts(tree) -> dict[str, str]:
    items = [tree.topLevelItem(row) for row in range(tree.topLevelItemCount())]
    return {item.text(0): item.text(1) for item in items}


def click(qtbot, tree, *path: str) -> None:
    item = tree.findItems(path[0], Qt.MatchFlag.MatchExactly)[0]
    for name in path[1:]:
        item.setExpanded(True)
        item = next(item.child(row) for row in range(item.childCount()) if item.child(row).text(0) == name)
    tree.scrollToItem(item)
    qtbot.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=tree.visualItemRect(item).center())


def places(gallery) -> list[float]:
    return [one.box.x for one in gallery.model.shown]


def test_it_says_what_changed(shown):
    assert texts(shown.rounds.tree) == {
        "New finds": "2", "Vanished": "3", "Defects not found": "1", "Defects called something else": "1",
        "False alarms again": "1", "Found in both": "3",
    }  # fmt: skip


def test_a_click_shows_exactly_these_and_goes_there(qtbot, session, shown):
    click(qtbot, shown.rounds.tree, "New finds", "Crack")
    qtbot.waitUntil(lambda: places(shown.gallery) == [800])
    assert session.selected is not None
    assert session.selected.box.x == 800
    assert shown.gallery.picked_bar.title.text() == "New finds: Crack"
    assert shown.gallery.foot.counts.text().startswith("1")
    qtbot.mouseClick(shown.gallery.picked_bar.close_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(places(shown.gallery)) == 5)
    assert not shown.gallery.picked_bar.isVisible()


def test_what_vanished_is_shown_in_the_scan_that_had_it(qtbot, session, shown):
    first, second = shown.scans
    click(qtbot, shown.rounds.tree, "Vanished")
    qtbot.waitUntil(lambda: sorted(places(shown.gallery)) == [100, 200, 500], timeout=10_000)
    assert session.scan.id == first.id
    qtbot.waitUntil(lambda: session.selected is not None and session.selected.scan_id == first.id)
    session.set_scan(second.id)
    qtbot.waitUntil(lambda: len(places(shown.gallery)) == 5, timeout=10_000)
    assert session.picking.picked is None, "another scan is another list"


def test_leaving_what_vanished_goes_back_to_the_scan_that_was_open(qtbot, session, shown):
    first, second = shown.scans
    click(qtbot, shown.rounds.tree, "Vanished")
    qtbot.waitUntil(lambda: len(places(shown.gallery)) == 3, timeout=10_000)
    click(qtbot, shown.rounds.tree, "False alarms again")
    qtbot.waitUntil(lambda: places(shown.gallery) == [400], timeout=10_000)
    click(qtbot, shown.rounds.tree, "Vanished")
    qtbot.waitUntil(lambda: len(places(shown.gallery)) == 3 and session.scan.id == first.id, timeout=10_000)
    qtbot.mouseClick(shown.gallery.picked_bar.close_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: session.scan.id == second.id and len(places(shown.gallery)) == 5, timeout=10_000)


def test_a_disagreement_goes_when_it_is_judged_anew(qtbot, session, shown):
    click(qtbot, shown.rounds.tree, "False alarms again")
    qtbot.waitUntil(lambda: places(shown.gallery) == [400])
    shown.gallery.decide("defect")
    qtbot.waitUntil(lambda: texts(shown.rounds.tree)["False alarms again"] == "0", timeout=10_000)


def test_what_teaches_most_is_a_short_list_with_reasons(qtbot, session, shown):
    shown.rounds.count.setValue(5)
    qtbot.mouseClick(shown.rounds.propose_button, Qt.MouseButton.LeftButton)
    # The two of six that an earlier scan found as well have been judged there.
    qtbot.waitUntil(lambda: shown.gallery.picked_bar.title.text().startswith("4 whose"), timeout=10_000)
    qtbot.waitUntil(lambda: set(places(shown.gallery)) == {100, 700, 800, 900})
    assert places(shown.gallery)[0] == 900, "near the threshold, below it too, and far from what was judged"
    assert shown.gallery.picked_bar.hint.text() == "Score 0.40, below the threshold 0.50"
    shown.gallery.next()
    assert shown.gallery.picked_bar.hint.text().startswith("Score 0.")
    assert shown.gallery.picked_bar.hint.text() != "Score 0.40, below the threshold 0.50"


def test_scans_of_another_section_are_listed_anew_though_their_ids_are_the_same(session, shown):
    session.scans = [replace(scan, started="2031-02-03T12:05:06+00:00") for scan in shown.scans]
    session.scans_changed.emit()
    assert shown.rounds.after.currentText().startswith("03 Feb")


def test_without_a_second_scan_it_says_what_is_missing(qtbot, session, tmp_path: Path):
    fill(session, [], grey_section())
    panel = RoundsPanel(session)
    qtbot.addWidget(panel)
    panel.show()
    assert panel.empty.isVisible()
    assert not panel.tree.isVisible()
    session.close()
