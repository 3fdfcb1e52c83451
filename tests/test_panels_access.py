"""Gallery and panels can be used without a mouse and without eyes: reachable, named, explained."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QComboBox, QLineEdit, QScrollArea, QSpinBox, QWidget

from app.gallery.panel import GalleryPanel
from app.panels.layers_panel import LayersPanel
from app.panels.scan_panel import ScanPanel
from app.panels.why_panel import WhyPanel
from app.session import Session
from app.theme import Theme
from tests.gallery_support import MODEL, fill, some_detections

MAKERS: dict[str, Callable[[Session], QWidget]] = {
    "gallery": GalleryPanel,
    "layers": LayersPanel,
    "scan": lambda session: ScanPanel(session, lambda: None, lambda: [MODEL]),
    "why": WhyPanel,
}
NARROW = 288  # the narrowest a dock is likely to be


@pytest.fixture(params=list(MAKERS))
def panel(request, qtbot, qapp):
    Theme(qapp, "light")  # its spacing is what the panels have in the window
    session = Session()
    panel = MAKERS[request.param](session)
    qtbot.addWidget(panel)
    panel.resize(NARROW, 900)
    panel.show()
    fill(session, some_detections())
    session.select(1, "viewer")
    qtbot.wait(100)
    yield panel
    if hasattr(panel, "shut"):
        panel.shut()
    session.close()


def controls(panel):
    """What the Tab key can reach, the insides of compound controls left out."""
    for widget in panel.findChildren(QWidget):
        inner = isinstance(widget.parent(), QComboBox | QSpinBox | QAbstractItemView | QScrollArea)
        named_by_qt = widget.objectName().startswith("qt_")
        if widget.isVisibleTo(panel) and widget.focusPolicy() & Qt.FocusPolicy.TabFocus and not inner | named_by_qt:
            yield widget


def test_every_control_has_a_name(panel):
    found = list(controls(panel))
    assert len(found) >= 4
    for widget in found:
        text = widget.text() if isinstance(widget, QAbstractButton) else ""
        hint = widget.placeholderText() if isinstance(widget, QLineEdit) else ""
        assert widget.accessibleName() or text or hint, f"{type(widget).__name__} has no name"


def test_the_tab_key_visits_every_control_in_turn(panel):
    wanted = [w for w in controls(panel) if w.isEnabled()]
    visited, at = [], panel
    for _ in range(200):
        at = at.nextInFocusChain()
        visited.append(at)
    assert set(wanted) <= set(visited)


def test_nothing_is_cut_off_in_a_narrow_dock(panel):
    for widget in controls(panel):
        right = widget.mapTo(panel, widget.rect().topRight()).x()
        assert right < NARROW, f"{type(widget).__name__} {widget.accessibleName()!r} reaches {right}"
