"""Help in the program: pages to read, keys to search, and the tour that points at what is really there."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QRect, QSize, Qt, QUrl
from PySide6.QtGui import QImage, QTextDocument
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app import sample
from app.commands.table import MENUS
from app.help.callout import CARD_WIDTH, GAP, place_card
from app.help.pages import SECTIONS, known
from app.help.shortcuts import SIZE as KEYS_SIZE
from app.help.shortcuts import ShortcutsDialog, groups_of, in_columns
from app.help.tour import STEPS, Tour, begin_tour, offer_tour
from app.help.window import HelpWindow
from app.settings import Settings
from app.theme import tokens
from tests.gallery_support import fill, some_detections
from tests.toy import spotted_image
from tests.window_support import open_and_wait, open_window

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture(params=["light"])
def window(request, qapp):
    with open_window(qapp, request.param) as window:
        window.resize(1280, 800)
        yield window


@pytest.fixture
def image(tmp_path):
    import tifffile

    path = tmp_path / "steel.tif"
    tifffile.imwrite(path, spotted_image(512, 12), photometric="rgb")
    return path


def shown(window, kind):
    QApplication.processEvents()
    return next(one for one in window.findChildren(kind) if one.isVisible())


# -- pages -------------------------------------------------------------------------------------------------------------


def test_every_page_opens_from_the_menu_and_shows_its_pictures(window):
    for name in ("tutorial", *(action_id for action_id in window.menus.actions if action_id.startswith("page_"))):
        window.menus.actions[name].trigger()
        view = shown(window, HelpWindow).view
        assert view.name == name.removeprefix("page_")
        assert len(view.toPlainText()) > 500
    assert len(window.findChildren(HelpWindow)) == 1
    window.menus.actions["tutorial"].trigger()
    pictures = [
        view.loadResource(QTextDocument.ResourceType.ImageResource.value, QUrl(f"pictures/{name}.png"))
        for name in ("sample", "why", "export")
    ]
    assert all(isinstance(one, QImage) and 100 < one.width() <= view.viewport().width() for one in pictures)
    view.parentWidget().window().close()


def test_links_lead_on_and_back_leads_back(qtbot, window):
    window.menus.actions["tutorial"].trigger()
    help_ = shown(window, HelpWindow)
    help_.follow(QUrl("numbers.md#severity"))
    assert help_.view.name == "numbers"
    assert help_.view.verticalScrollBar().value() > 0
    assert help_.list.currentItem().text(0) == "What the numbers mean"
    QTest.mouseClick(help_.back_button, LEFT)
    assert help_.view.name == "tutorial"
    QTest.mouseClick(help_.forward_button, LEFT)
    assert help_.view.name == "numbers"
    help_.follow(QUrl("no-such-page.md"))
    assert help_.view.name == "numbers"
    help_.search.setText("Clopper")
    QTest.keyClick(help_.search, Qt.Key.Key_Return)
    assert help_.view.textCursor().selectedText() == "Clopper"
    help_.close()


@pytest.mark.parametrize("window", ["light", "dark"], indirect=True)
def test_pages_can_be_read_in_both_themes(window):
    window.menus.actions["page_numbers"].trigger()
    help_ = shown(window, HelpWindow)
    picture = help_.view.viewport().grab().toImage()
    tones = [picture.pixelColor(x, y).lightness() for x in range(20, 300) for y in range(20, 200)]
    assert max(tones) - min(tones) > 100
    link = next(
        fragment.charFormat().foreground().color().name()
        for fragment in fragments(help_, "tutorial")
        if fragment.charFormat().isAnchor()
    )
    assert link == tokens().accent
    help_.close()


def fragments(help_, page):
    help_.open_page(page)
    block = help_.view.document().begin()
    while block.isValid():
        each = block.begin()
        while not each.atEnd():
            yield each.fragment()
            each += 1
        block = block.next()


def test_without_pages_it_is_said_and_nothing_opens(window, monkeypatch, tmp_path):
    monkeypatch.setattr("app.help.pages.resources.__file__", str(tmp_path / "resources" / "__init__.py"))
    window.menus.actions["tutorial"].trigger()
    QApplication.processEvents()
    assert "Install Schliff again" in window.notifications.text.text()
    assert not [one for one in window.findChildren(HelpWindow) if one.isVisible()]


def test_only_pages_that_are_listed_are_known():
    assert all(known(page.name) for _, pages in SECTIONS for page in pages)
    assert not known("README")


# -- keys --------------------------------------------------------------------------------------------------------------


def test_all_keys_stand_there_as_the_actions_are_called_now(window):
    window.menus.actions["class_1"].setText("Lamellar tearing")
    window.menus.actions["class_1"].setVisible(True)
    window.menus.actions["class_2"].setVisible(False)
    window.menus.actions["shortcuts"].trigger()
    dialog = shown(window, ShortcutsDialog)
    groups = {title: {one.does for one in keys} for title, keys in dialog.groups.items()}
    assert next(iter(groups)) == "Review"
    for menu, specs in MENUS.items():
        for spec in specs:
            action = window.menus.actions.get(spec.id)
            if spec.shortcuts and action.isVisible() and spec.submenu != "Zoom levels":
                assert action.text().rstrip("…") in groups[menu]
    assert "Lamellar tearing" in groups["Review"]
    assert "Class 2" not in groups["Review"]
    assert "Zoom to 1:2 to 1:512" in groups["Go"]
    dialog.close()


def test_typing_leaves_the_keys_that_match(qtbot, window):
    window.menus.actions["shortcuts"].trigger()
    dialog = shown(window, ShortcutsDialog)
    qtbot.keyClicks(dialog.search, "false al")
    assert {one.keys for keys in dialog.found().values() for one in keys} == {"R"}
    dialog.search.setText("there is no such thing")
    assert dialog.nothing.isVisible()
    dialog.search.clear()
    assert dialog.found() == {title: list(keys) for title, keys in dialog.groups.items()}
    assert KEYS_SIZE[0] <= 1280
    assert KEYS_SIZE[1] <= 760
    dialog.close()


@settings(deadline=None)
@given(st.integers(1, 6))
def test_columns_hold_every_group_once(count):
    groups = {name: [None] * (number % 7 + 1) for number, name in enumerate("abcdefghij")}
    from unittest import mock

    with mock.patch("app.help.shortcuts._rows", len):
        columns = in_columns(groups, count)
    assert len(columns) == count
    assert [title for column in columns for title in column] == list(groups)


def test_keys_are_grouped_from_the_menus(window):
    assert {"Mouse and arrows", "While drawing", "In the gallery"} <= set(groups_of(MENUS, window.menus.actions))


# -- the tour ----------------------------------------------------------------------------------------------------------


def pointed_at(tour):
    return tour.spotlight.target


def click(tour, button):
    QTest.mouseClick(button, LEFT)
    QApplication.processEvents()


@pytest.mark.parametrize("size", [(800, 520), (1280, 800), (2560, 1440)])
def test_the_tour_points_at_what_is_there_and_never_covers_it(qtbot, window, size):
    window.resize(*size)
    tour = begin_tour(window)
    assert pointed_at(tour).contains(window.start_page.area.mapTo(window, window.start_page.area.rect().center()))
    fill(window.session, some_detections())
    qtbot.waitUntil(lambda: window.docks.gallery.isVisible() and window.docks.layers.threshold.isVisibleTo(window))
    assert tour.at == 1, "a section that is opened by hand is what the first step asked for"
    widgets = [
        lambda: window.docks.scan.start_button,
        lambda: window.docks.gallery,
        lambda: window.docks.layers.threshold,
        window.menuBar,
    ]
    for number, widget in enumerate(widgets, 1):
        assert tour.at == number
        qtbot.waitUntil(
            lambda w=widget: not pointed_at(tour).isEmpty() and inside(window, w()).intersects(pointed_at(tour))
        )
        assert not tour.card.geometry().intersects(pointed_at(tour))
        assert window.rect().contains(tour.card.geometry())
        assert tour.card.accessibleName() == f"Tour, step {number + 1} of 5: {STEPS[number].title}"
        qtbot.waitUntil(tour.card.next.hasFocus)
        if number < 4:
            click(tour, tour.card.next)
    click(tour, tour.card.next)
    assert window.settings.get("tour_over")
    assert window.findChild(Tour) is None


def inside(window, widget):
    return QRect(widget.mapTo(window, widget.rect().topLeft()), widget.size())


def test_its_first_step_opens_the_sample_where_nothing_is_open(qtbot, window, image, monkeypatch):
    monkeypatch.setattr(sample, "sample_section", lambda progress, cancel: image)
    tour = begin_tour(window)
    assert tour.card.next.text() == "Open the sample"
    click(tour, tour.card.next)
    qtbot.waitUntil(lambda: window.session.section is not None and tour.at == 1, timeout=20_000)
    click(tour, tour.card.back)
    assert tour.at == 0
    assert tour.card.next.text() == "Next"
    tour.end()


def test_a_sample_that_cannot_be_made_can_be_asked_for_again(qtbot, window, monkeypatch):
    def fails(progress, cancel):
        raise OSError("no room")

    monkeypatch.setattr(sample, "sample_section", fails)
    tour = begin_tour(window)
    click(tour, tour.card.next)
    qtbot.waitUntil(lambda: tour.card.next.isEnabled(), timeout=20_000)
    assert tour.at == 0
    tour.end()


def test_escape_ends_it_for_ever_and_help_begins_it_again(qtbot, window):
    begin_tour(window)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    QTest.keyClick(window.findChild(Tour).card.next, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: window.findChild(Tour) is None)
    assert Settings().get("tour_over"), "it is on the disk"
    offer_tour(window)
    assert window.findChild(Tour) is None
    window.menus.actions["tour"].trigger()
    assert window.findChild(Tour).at == 0
    window.findChild(Tour).end()


def test_the_return_key_goes_on(qtbot, window, image):
    open_and_wait(qtbot, window, image)
    tour = begin_tour(window)
    window.activateWindow()
    qtbot.waitUntil(tour.card.next.hasFocus)
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Return)
    assert tour.at == 1
    tour.end()


def test_the_tab_key_stays_in_the_card(qtbot, window, image):
    open_and_wait(qtbot, window, image)
    tour = begin_tour(window)
    tour.go(2)
    window.activateWindow()
    qtbot.waitUntil(tour.card.next.hasFocus)
    reached = []
    for _ in range(4):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        reached.append(QApplication.focusWidget())
    assert reached == [tour.card.skip, tour.card.back, tour.card.next, tour.card.skip]
    tour.end()


def test_only_a_start_by_hand_offers_it(qtbot, qapp, monkeypatch, image):
    from app import start

    offered = []
    monkeypatch.setattr("app.help.tour.offer_tour", offered.append)
    monkeypatch.setattr(start, "TOUR_AFTER_MS", 0)
    window = start.launch(qapp)
    qtbot.wait(50)
    assert offered == []
    window.close()
    made = []
    launch = start.launch

    def launched(app, path):
        made.append(launch(app, path))
        return made[0]

    monkeypatch.setattr(start, "launch", launched)
    monkeypatch.setattr(type(qapp), "exec", lambda *_: qtbot.wait(50) or 0)
    assert start.run_app() == 0
    assert offered == made
    made[0].close()


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.tuples(st.integers(800, 2600), st.integers(520, 1500)),
    st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0.01, 0.45), st.floats(0.01, 1)),
)
def test_the_card_never_lies_on_its_target_where_there_is_room_beside_it(window_size, part):
    room = QRect(8, 8, window_size[0] - 16, window_size[1] - 16)
    width, height = max(1, int(part[2] * window_size[0])), max(1, int(part[3] * window_size[1]))
    x, y = int(part[0] * (window_size[0] - width)), int(part[1] * (window_size[1] - height))
    target, card = QRect(x, y, width, height), QSize(CARD_WIDTH, 200)
    place = place_card(card, target, room)
    assert room.contains(place)
    beside = max(x - room.left(), room.right() - target.right()) >= CARD_WIDTH + GAP
    above = max(y - room.top(), room.bottom() - target.bottom()) >= 200 + GAP
    if beside or above:
        assert not place.intersects(target)
