"""What the line above the section says belongs to the section that is shown."""

from __future__ import annotations

import pytest

from app.notifications import NotificationBar
from tests.toy import spotted_image, write_image
from tests.window_support import open_and_wait, open_window


@pytest.fixture
def window(qtbot, qapp):
    with open_window(qapp) as made:
        yield made


def test_an_error_about_one_file_does_not_stand_over_the_next(qtbot, window, tmp_path):
    with qtbot.waitSignal(window.session.failed_to_open):
        window.commands.file.open_path(tmp_path / "missing.czi")
    qtbot.waitUntil(window.notifications.isVisible)
    open_and_wait(qtbot, window, write_image(tmp_path / "spots.png", spotted_image(spots=3)))
    assert "missing.czi" not in window.notifications.text.text() or not window.notifications.isVisible()


def test_what_a_file_lacks_is_told_when_it_is_opened(qtbot, window, tmp_path):
    open_and_wait(qtbot, window, write_image(tmp_path / "spots.png", spotted_image(spots=3)))
    assert window.notifications.isVisible()
    assert window.notifications.level == "warning"
    assert window.notifications.text.text().startswith("spots.png: It has no pixel size")


def test_a_fresh_error_stays_an_old_one_gives_way(qtbot, monkeypatch):
    bar = NotificationBar()
    qtbot.addWidget(bar)
    bar.tell("error", "it failed")
    bar.tell("info", "all is well")
    assert bar.text.text() == "it failed"
    monkeypatch.setattr("app.notifications.ERROR_AT_LEAST_MS", 1)
    qtbot.waitUntil(lambda: bar._shown.hasExpired(1))
    bar.tell("info", "all is well")
    assert bar.text.text() == "all is well"
