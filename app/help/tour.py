"""Decides what a first-time user is shown, in five steps, and that nobody sees it twice who doesn't ask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt, QTimer
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication, QScrollArea, QWidget

from app.help.callout import Card, Spotlight, place_card
from app.theme import SPACE

if TYPE_CHECKING:
    from app.main_window import MainWindow

FOLLOW_MS = 100  # how soon it notices that what it points at has moved


@dataclass(frozen=True, slots=True)
class TourStep:
    """`target` brings what is spoken of into sight; gives its rectangle in the window's px, empty if there is none."""

    title: str
    text: str
    target: Callable[[MainWindow], QRect]
    bring: Callable[[MainWindow], None] = lambda window: None


def _open_button(window: MainWindow) -> QRect:
    if window.session.section is None:
        return _rect(window, window.start_page.area)
    return _rect(window, window.menus.tool_bar.widgetForAction(window.menus.actions["open"]))


def _scan_button(window: MainWindow) -> QRect:
    return _rect(window, window.docks.scan.start_button)


def _gallery(window: MainWindow) -> QRect:
    return _rect(window, window.docks.gallery)


def _threshold(window: MainWindow) -> QRect:
    """Without a scan there is none yet: the panel that will hold it."""
    layers = window.docks.layers
    return _rect(window, layers.threshold if layers.threshold.isVisible() else layers)


def _bring_threshold(window: MainWindow) -> None:
    window.docks.bring("layers")
    layers = window.docks.layers
    if isinstance(layers, QScrollArea) and layers.threshold.isVisibleTo(layers):
        layers.ensureWidgetVisible(layers.threshold)


def _file_menu(window: MainWindow) -> QRect:
    bar = window.menuBar()
    return QRect() if bar.isNativeMenuBar() else _inside(window, bar, bar.actionGeometry(bar.actions()[0]))


STEPS: tuple[TourStep, ...] = (
    TourStep(
        "Open a section",
        "The image of a whole polished section: CZI, TIFF, OME-Zarr, PNG or JPEG. A file can be dropped on the window, "
        "too. Schliff only reads it; what you decide goes into a folder beside it.",
        _open_button,
    ),
    TourStep(
        "Scan it",
        "Choose a model above and press <b>Scan</b>. The texture scan needs no training: it learns what is normal from "
        "this section. It can be stopped, and goes on from there.",
        _scan_button,
        lambda window: window.docks.bring("scan"),
    ),
    TourStep(
        "Judge, worst first",
        "<b>A</b> defect, <b>R</b> false alarm, <b>T</b> artefact, <b>S</b> unsure; <b>N</b> goes on to the "
        "next. <b>Ctrl+Z</b> takes back.",
        _gallery,
        lambda window: window.docks.bring("gallery"),
    ),
    TourStep(
        "How much is shown, and why",
        "The threshold says which scores count. The <b>Why</b> panel beside it shows what the model saw in the one that is "
        "selected.",
        _threshold,
        _bring_threshold,
    ),
    TourStep(
        "Hand over",
        "<i>File ▸ Export</i> writes lists, reports and drives. <i>Tools ▸ SEM registration…</i> finds each defect again in "
        "the SEM. <i>Help ▸ Tutorial: ten minutes</i> does all of it once, with pictures.",
        _file_menu,
    ),
)


def offer_tour(window: MainWindow) -> None:
    """At a first start, unless something else is asking already."""
    if window.isVisible() and not window.settings.get("tour_over") and QApplication.activeModalWidget() is None:
        begin_tour(window)


def begin_tour(window: MainWindow) -> Tour:
    """From its first step, be it running already or not."""
    tour = window.findChild(Tour) or Tour(window)
    tour.go(0)
    return tour


class Tour(QObject):
    """One walk through `STEPS`. It ends by its last step, by Skip or by Esc, and is then over for ever."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.at = 0
        self.spotlight, self.card = Spotlight(window), Card(window)
        self._opening = False
        self._following = QTimer(self, interval=FOLLOW_MS)
        self._following.timeout.connect(self._follow)
        self._escape = QShortcut(QKeySequence(Qt.Key.Key_Escape), self.card, self.end)
        self._escape.setContext(Qt.ShortcutContext.WindowShortcut)
        self.card.skip.clicked.connect(self.end)
        self.card.back.clicked.connect(lambda: self.go(self.at - 1))
        self.card.next.clicked.connect(self._next)
        window.session.section_changed.connect(self._section_changed)
        window.session.message.connect(self._told)
        window.installEventFilter(self)
        self._following.start()

    def go(self, at: int) -> None:
        self.at, self._opening = at, False
        step = STEPS[at]
        step.bring(self._window)
        self.card.count.setText(f"{at + 1} of {len(STEPS)}")
        self.card.title.setText(step.title)
        self.card.text.setText(step.text)
        self.card.setAccessibleName(f"Tour, step {at + 1} of {len(STEPS)}: {step.title}")
        self.card.back.setVisible(at > 0)
        self.card.skip.setVisible(at < len(STEPS) - 1)
        self._name_next()
        for widget in (self.spotlight, self.card):
            widget.show()
            widget.raise_()
        self._follow()
        self.card.next.setFocus()
        QTimer.singleShot(0, self, self.card.next.setFocus)  # a section that opens gives the focus to its picture

    def end(self) -> None:
        window = self._window
        window.settings.set("tour_over", True)
        window.removeEventFilter(self)
        self._following.stop()
        for widget in (self.spotlight, self.card):
            widget.hide()
            widget.deleteLater()
        self.setParent(None)
        self.deleteLater()
        if window.session.section is not None:
            window.viewer.canvas.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._follow()
        return False

    # -- going on ---------------------------------------------------------------------------------

    def _next(self) -> None:
        if self.at == len(STEPS) - 1:
            self.end()
        elif self._window.session.section is None:
            self._opening = True
            self._name_next()
            self._window.commands.file.try_sample()
        else:
            self.go(self.at + 1)

    def _name_next(self) -> None:
        nothing_open = self._window.session.section is None
        text = "Finish" if self.at == len(STEPS) - 1 else "Open the sample" if nothing_open else "Next"
        self.card.next.setText("Making it…" if self._opening else text)
        self.card.next.setEnabled(not self._opening)

    def _section_changed(self) -> None:
        """Opened by the tour or by hand: the tour goes on. Closed: it has nothing more to point at than how to open one."""
        has_section = self._window.session.section is not None
        if has_section and self.at == 0:
            self.go(1)
        elif not has_section and self.at > 0:
            self.go(0)
        self._name_next()

    def _told(self, level: str, text: str) -> None:
        if level == "error" and self._opening:
            self._opening = False
            self._name_next()

    def _follow(self) -> None:
        room = self._window.rect()
        target = STEPS[self.at].target(self._window).intersected(room)
        self.card.dress()
        card = place_card(self.card.wanted_size(), target, room.adjusted(SPACE, SPACE, -SPACE, -SPACE))
        self.spotlight.setGeometry(room)
        self.card.setGeometry(card)
        self.spotlight.show_at(target, card)


def _rect(window: QWidget, widget: QWidget) -> QRect:
    return _inside(window, widget, widget.rect()) if widget.isVisible() else QRect()


def _inside(window: QWidget, widget: QWidget, rect: QRect) -> QRect:
    return QRect(widget.mapTo(window, rect.topLeft()) if widget is not window else QPoint(0, 0), rect.size())
