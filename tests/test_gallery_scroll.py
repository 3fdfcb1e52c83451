"""What the gallery shows moves with its scroll bar: what is clicked is what is seen."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt
from PySide6.QtGui import QPaintEvent, QRegion, QWheelEvent
from PySide6.QtWidgets import QApplication

from app.gallery.panel import GalleryPanel
from app.session import Session
from tests.gallery_support import fill, make_detection


class Painted(QObject):
    """Collects where a widget was painted."""

    def __init__(self) -> None:
        super().__init__()
        self.region = QRegion()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QPaintEvent):
            self.region = self.region.united(event.region())
        return False


@pytest.fixture
def view(qtbot):
    session = Session()
    panel = GalleryPanel(session)
    qtbot.addWidget(panel)
    panel.resize(460, 640)
    panel.show()
    fill(session, [make_detection(i, score=1 - i / 500) for i in range(1, 200)])
    qtbot.waitUntil(lambda: panel.model.rowCount() == 199)
    qtbot.waitUntil(lambda: panel.settled)
    yield panel.view
    panel.shut()
    session.close()


def test_the_wheel_paints_what_it_uncovers(qtbot, view):
    viewport, painted = view.viewport(), Painted()
    QApplication.processEvents()
    viewport.installEventFilter(painted)
    middle = QPointF(viewport.rect().center())
    no_button, no_key = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
    wheel = QWheelEvent(
        middle,
        viewport.mapToGlobal(middle),
        QPoint(),
        QPoint(0, -120),
        no_button,
        no_key,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(viewport, wheel)
    moved = view.verticalScrollBar().value()
    assert moved > 0
    uncovered = QRegion(0, viewport.height() - moved, viewport.width(), moved)
    qtbot.waitUntil(lambda: uncovered.subtracted(painted.region).isEmpty())
