"""The view says so while some of it stands in for pixels that haven't been read."""

from __future__ import annotations

from dataclasses import replace

from app.viewer import unread_badge
from tests.memory_section import MemorySection, noise
from tests.viewer_support import rgb, show, wait_sharp


class Guessing(MemorySection):
    """A section that knows only roughly what it looks like, for a while."""

    exact = False

    def glance(self, request):
        return replace(super().glance(request), exact=self.exact)


def test_guessed_pixels_are_said_to_be_unread_until_they_are_read(qtbot, viewer, monkeypatch):
    monkeypatch.setattr(unread_badge, "AFTER_S", 0.0)
    section, badge = Guessing(noise(2000, 2000, 1)), viewer.unread_badge
    show(viewer, section)
    viewer.canvas.one_to_one()
    qtbot.waitUntil(badge.isVisible)
    assert badge.text() == "Not all of this view has been read yet"
    assert badge.pos().x() > 0
    dark = rgb(viewer.picture())[badge.y() : badge.y() + 4, badge.x() + 20 : badge.x() + 60]
    assert dark.std() > 20, "it is in no picture of the view"
    assert badge.isVisible()
    section.exact = True
    viewer.session.overviews_changed.emit(None)
    qtbot.waitUntil(badge.isHidden)
    assert viewer.is_sharp


def test_a_view_that_is_read_at_once_never_says_so(qtbot, viewer, monkeypatch):
    told = []
    viewer.unread_badge.toggled.connect(lambda: told.append(True))
    show(viewer, MemorySection(noise(2000, 2000, 1)))
    wait_sharp(qtbot, viewer)
    qtbot.waitUntil(lambda: not viewer.unread_badge.watching)
    assert not told


def test_it_waits_for_the_view_to_rest(qtbot, viewer, monkeypatch):
    monkeypatch.setattr(unread_badge, "AFTER_S", 1e6)
    show(viewer, Guessing(noise(2000, 2000, 1)))
    qtbot.waitUntil(lambda: viewer.unread_badge.watching)
    viewer.unread_badge.look()
    assert viewer.unread_badge.isHidden()


def test_both_badges_have_room(qtbot, viewer, monkeypatch):
    monkeypatch.setattr(unread_badge, "AFTER_S", 0.0)
    show(viewer, Guessing(noise(2000, 2000, 1)), look=replace(viewer.session.look, sharpening=0.5))
    qtbot.waitUntil(lambda: viewer.unread_badge.isVisible() and viewer.look_badge.isVisible())
    assert not viewer.unread_badge.geometry().intersects(viewer.look_badge.geometry())
