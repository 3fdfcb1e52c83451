"""Filters, groups and orders of the gallery in a real window: set by hand, seen, counted, taken away, remembered."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.gallery.panel import GalleryPanel
from core.chemistry.composition import Composition
from core.drawing import Drawing
from core.filters import Filters
from tests.gallery_support import fill, fill_from_project, some_detections


@pytest.fixture
def gallery(qtbot, session):
    panel = GalleryPanel(session)
    qtbot.addWidget(panel)
    panel.resize(460, 760)
    panel.show()
    yield panel
    panel.shut()


@pytest.fixture
def stored(qtbot, session, gallery, tmp_path):
    """A session on a real project."""
    project = fill_from_project(session, tmp_path, some_detections())
    qtbot.waitUntil(lambda: gallery.model.rowCount() == len(session.visible_rows()))
    yield session
    session.saving.now()
    session.adopt(None)
    project.close()


def shown(qtbot, session, gallery, count=60):
    fill(session, some_detections(count))
    qtbot.waitUntil(lambda: gallery.model.rowCount() == len(session.visible_rows()) > 0)


def click(widget):
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)


def type_into(edit, text):
    edit.selectAll()
    QTest.keyClicks(edit, text)
    QTest.keyClick(edit, Qt.Key.Key_Return)


def test_filters_set_by_hand_show_as_chips_and_go_one_by_one(qtbot, session, gallery):
    shown(qtbot, session, gallery)
    total, bar = gallery.model.rowCount(), gallery.bar
    assert not bar.chips.isVisible()
    click(bar.filter_button)
    click(bar.pane.labels["pore"])
    click(bar.pane.labels["crack"])
    type_into(bar.pane.score_range.low, "0.6")
    assert {d.label for d in gallery.model.shown} == {"pore", "crack"}
    assert min(d.score for d in gallery.model.shown) >= 0.6
    assert bar.filter_button.text() == "2"
    assert [chip.text() for chip in bar.chips.chips.values()] == ["Crack, Pore", "Score from 0.6"]
    assert bar.chips.clear_all.isVisible()
    click(bar.filter_button)
    assert not bar.pane.isVisible()
    assert bar.chips.isVisible(), "what holds stays in sight"
    click(bar.chips.chips["labels"])
    assert bar.arrangement.filters == Filters(score=(0.6, None))
    assert not bar.pane.labels["pore"].isChecked()
    assert not bar.chips.clear_all.isVisible(), "one chip takes itself away"
    bar.set_arrangement(bar.arrangement)
    type_into(bar.search, "crack")
    click(bar.chips.clear_all)
    assert gallery.model.rowCount() == total
    assert (bar.search.text(), bar.pane.score_range.low.text(), bar.filter_button.text()) == ("", "", "")


def test_sizes_are_in_micrometres(qtbot, session, gallery):
    shown(qtbot, session, gallery)
    click(gallery.bar.filter_button)
    type_into(gallery.bar.pane.size_range.high, "15")
    assert {max(d.box.w, d.box.h) for d in gallery.model.shown} == {12.0, 21.0, 30.0}, "0.5 µm a px"
    assert gallery.bar.chips.chips["size"].text() == "Size up to 15 µm"
    QTest.keyClicks(gallery.bar.pane.size_range.low, "x")
    assert gallery.bar.pane.size_range.range == (None, 15.0)


def test_a_region_drawn_on_the_section_is_a_filter(qtbot, session, gallery):
    shown(qtbot, session, gallery)
    session.drawings.add(Drawing("box", ((0.0, 0.0), (400.0, 2000.0)), name="Left"))
    session.drawings.add(Drawing("ruler", ((0.0, 0.0), (400.0, 200.0))))
    region = gallery.bar.pane.region
    assert [region.itemText(row) for row in range(region.count())] == ["Anywhere", "Left"]
    region.setCurrentIndex(1)
    assert 0 < gallery.model.rowCount() < len(session.visible_rows())
    assert all(d.box.center[0] < 400 for d in gallery.model.shown)
    assert gallery.bar.chips.chips["region"].text() == "In Left"


def test_groups_have_headings_that_count_and_select(qtbot, stored, gallery):
    click(gallery.bar.grouped)
    view, groups = gallery.view, gallery.model.groups
    assert [group.label for group in groups] == list(dict.fromkeys(d.label for d in stored.visible_detections()))
    second = groups[1]
    first_of_second = view.visualRect(gallery.model.index(second.start))
    last_of_first = view.visualRect(gallery.model.index(second.start - 1))
    heading = QPoint(40, first_of_second.top() - view.heading_height() // 2)
    assert first_of_second.top() == last_of_first.bottom() + 1 + view.heading_height()
    assert view.group_at(heading) == 1
    assert not view.indexAt(heading).isValid()
    view.verticalScrollBar().setValue(first_of_second.top() - 60)
    heading.setY(60 - view.heading_height() // 2)
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=heading)
    chosen = [d.id for d in gallery.model.shown[second.start : second.stop]]
    assert view.selected_ids() == chosen
    assert f"{len(chosen)} selected" in gallery.foot.counts.text()
    gallery.decide("artefact")
    assert gallery.model.reviewed_count(second.start, second.stop) == second.count
    assert gallery.model.reviewed_count() == second.count
    assert gallery.foot.progress.value() == second.count


def test_arrow_keys_cross_headings_in_their_column(qtbot, session, gallery):
    shown(qtbot, session, gallery)
    click(gallery.bar.grouped)
    view, columns = gallery.view, gallery.view.columns
    second = gallery.model.groups[1]
    last_line = second.start - ((second.start - 1) % columns + 1)
    session.select(gallery.model.shown[last_line].id, "viewer")
    QTest.keyClick(view, Qt.Key.Key_Down)
    assert gallery.model.row_of(session.selected_id) == second.start
    assert view.viewport().rect().contains(view.visualRect(gallery.model.index(second.start)).center())
    QTest.keyClick(view, Qt.Key.Key_Up)
    assert gallery.model.row_of(session.selected_id) == last_line
    for key, row in ((Qt.Key.Key_End, gallery.model.rowCount() - 1), (Qt.Key.Key_Home, 0)):
        QTest.keyClick(view, key)
        assert gallery.model.row_of(session.selected_id) == row


def test_a_decision_under_filter_and_groups_takes_its_row_out(qtbot, stored, gallery):
    click(gallery.bar.grouped)
    click(gallery.bar.filter_button)
    click(gallery.bar.pane.statuses["unreviewed"])
    before, groups = gallery.model.rowCount(), gallery.model.groups
    stored.select(gallery.model.shown[groups[0].stop - 1].id, "viewer")
    with qtbot.assertNotEmitted(gallery.model.modelReset):
        gallery.decide("defect")
    assert gallery.model.rowCount() == before - 1
    assert gallery.model.groups[0].count == groups[0].count - 1
    assert gallery.model.groups[-1].stop == before - 1
    assert gallery.model.row_of(stored.selected_id) == groups[0].stop - 1, "the one after it"


def test_sorting_by_distance_asks_to_which_class(qtbot, session, gallery):
    shown(qtbot, session, gallery)
    bar = gallery.bar
    assert not bar.of.isVisible()
    bar.sort.setCurrentIndex(bar.sort.findData("distance"))
    assert bar.of.isVisible()
    assert bar.arrangement.of == bar.of.currentData()
    bar.of.setCurrentIndex(bar.of.findData("crack"))
    cracks = [d.box.center for d in session.visible_detections() if d.label == "crack"]

    def distance(one):
        others = [c for c in cracks if c != one.box.center]
        return min((c[0] - one.box.center[0]) ** 2 + (c[1] - one.box.center[1]) ** 2 for c in others)

    found = [distance(d) for d in gallery.model.shown]
    assert found == pytest.approx(sorted(found))


def test_elements_are_offered_once_there_is_chemistry(qtbot, stored, gallery):
    bar = gallery.bar
    assert bar.sort.findData("element") < 0
    first, second = (d.id for d in gallery.model.shown[4:6])
    stored.chemistry.keep(
        {first: Composition({"Zr": 3.0, "O": 60.0}, "at%", {}), second: Composition({"Zr": 31.0}, "at%", {})}
    )
    bar.sort.setCurrentIndex(bar.sort.findData("element"))
    bar.of.setCurrentIndex(bar.of.findText("Zr"))
    qtbot.waitUntil(lambda: [d.id for d in gallery.model.shown[:2]] == [second, first])
    caption = gallery.view.crop_delegate.caption
    assert [caption(d) for d in gallery.model.shown[:3]] == ["Zr 31.0 at%", "Zr 3.0 at%", "not measured"]
    assert "Zr 31.0" in gallery.model.index(0).data(Qt.ItemDataRole.ToolTipRole)


def test_filters_come_back_with_their_section(qtbot, stored, gallery):
    click(gallery.bar.filter_button)
    click(gallery.bar.pane.labels["pore"])
    stored.settle()
    record, project, section = stored.section_record, stored.project, stored.section
    other = some_detections(9)
    fill(stored, other)
    qtbot.waitUntil(lambda: gallery.model.rowCount() == len(stored.visible_rows()))
    assert gallery.bar.arrangement.filters == Filters(), "those of another section"
    fill(
        stored,
        project.detections(),
        section,
        project=project,
        record=record,
        scans=project.scans(),
        scan=project.scans()[0],
    )
    qtbot.waitUntil(lambda: {d.label for d in gallery.model.shown} == {"pore"})
    assert gallery.bar.pane.labels["pore"].isChecked()


def test_an_empty_answer_says_how_many_filters_hold(qtbot, session, gallery):
    shown(qtbot, session, gallery)
    click(gallery.bar.filter_button)
    click(gallery.bar.pane.statuses["defect"])
    assert gallery.empty.button.text() == "Clear the filter"
    type_into(gallery.bar.pane.score_range.low, "0.9")
    assert "2 filters" in gallery.empty.hint.text()
    click(gallery.empty.button)
    assert gallery.model.rowCount() == len(session.visible_rows())


def test_wide_and_narrow_show_the_same_controls(qtbot, session, gallery):
    shown(qtbot, session, gallery)
    for width in (900, 320):
        gallery.resize(width, 700)
        for control in (
            gallery.bar.search,
            gallery.bar.sort,
            gallery.bar.reverse,
            gallery.bar.grouped,
            gallery.foot.side,
        ):
            assert control.isVisible()
            assert control.width() > 20
            assert gallery.rect().contains(control.mapTo(gallery, control.rect().center()))
