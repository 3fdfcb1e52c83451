"""Decides how somebody says what is skipped as empty background, and reads what that comes to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QCheckBox, QSlider, QWidget

from app.layout import Group, muted, value_label
from app.session import Session

if TYPE_CHECKING:
    from core.scan.options import Foreground

REST_MS = 200  # the slider has come to rest
LOOK_AFTER_MS = 600  # a section that was just opened is drawn first

_WORDS = ("bold", "bold", "bold", "rather bold", "rather bold", "usual", "careful", "careful", *3 * ("very careful",))


class ForegroundGroup(Group):
    """Follows and sets `session.foreground`; while it is used, what is skipped is shown over the section."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("Background", parent)
        self._session = session
        self.skip = QCheckBox("Skip empty background")
        self.skip.setToolTip("Mounting resin, empty glass and gaps of the mosaic are not scanned")
        self.caution = QSlider(Qt.Orientation.Horizontal)
        self.caution.setRange(0, 10)
        self.caution.setPageStep(2)
        self.caution.setToolTip(
            "Bold skips whatever is flat and looks like the section's border; careful only what surely is empty"
        )
        self.caution.setAccessibleDescription("From bold to careful")
        self._word = value_label("very careful")
        self.figure = muted()
        self.add_wide(self.skip)
        self._name = self.add_row("Caution", self.caution, self._word)
        self.add_wide(self.figure)
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._rested)
        self._look = QTimer(self, singleShot=True, interval=LOOK_AFTER_MS)
        self._look.timeout.connect(session.foreground.want)
        self.caution.installEventFilter(self)
        self.skip.clicked.connect(self._clicked)
        self.caution.valueChanged.connect(self._moved)
        self.caution.sliderPressed.connect(lambda: session.foreground.set_adjusting(True))
        session.foreground.changed.connect(self.follow)
        session.foreground.mask_changed.connect(self._say)
        session.section_changed.connect(self._section_changed)
        session.calibration.changed.connect(self.follow)
        session.display_changed.connect(self._wanted_soon)
        self.follow()

    def follow(self) -> None:
        """Shows the session's values without setting them again."""
        chosen = self._session.foreground
        self.skip.setChecked(chosen.skip)
        self.caution.blockSignals(True)
        self.caution.setValue(round(10 * chosen.caution))
        self.caution.blockSignals(False)
        for widget in (self._name, self.caution, self._word):
            widget.setEnabled(chosen.skip)
        self._word.setText(_WORDS[self.caution.value()])
        self._say()

    def options(self) -> Foreground:
        """What is chosen, at once."""
        if self._rest.isActive():
            self._rested()
        return self._session.foreground.options()

    def _say(self) -> None:
        self.figure.setText(_said_of(self._session))
        self.figure.setVisible(bool(self.figure.text()))

    # -- choosing ---------------------------------------------------------------------------------

    def _clicked(self, skip: bool) -> None:
        self._session.foreground.choose(skip=skip)
        self._session.foreground.set_adjusting(True)

    def _moved(self, value: int) -> None:
        self._word.setText(_WORDS[value])
        self._session.foreground.set_adjusting(True)
        self._rest.start()

    def _rested(self) -> None:
        self._rest.stop()
        self._session.foreground.choose(caution=self.caution.value() / 10)

    # -- showing ----------------------------------------------------------------------------------

    def _section_changed(self) -> None:
        self._rest.stop()
        self._wanted_soon()
        self.follow()

    def _wanted_soon(self) -> None:
        if self.isVisible():
            self._look.start()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._look.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._look.stop()
        self._session.foreground.set_adjusting(False)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        if not self.caution.isSliderDown():
            self._session.foreground.set_adjusting(False)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.FocusOut:
            self._session.foreground.set_adjusting(False)
        return False


def _said_of(session: Session) -> str:
    """What the choice comes to, in one sentence."""
    chosen, section = session.foreground, session.section
    if section is None:
        return ""
    if not chosen.skip:
        return "Everything is scanned."
    if chosen.looking:
        return f"Looking for the specimen… {chosen.looked_at} %" if chosen.looked_at else "Looking for the specimen…"
    if chosen.mask is None:
        return ""
    info = section.info
    empty = chosen.mask.empty_px2(info.box)
    if not empty:
        return "No empty background is found; everything is scanned."
    area = "" if info.um2_per_px2 is None else f" ({_area(empty * info.um2_per_px2)})"
    return f"{_percent(empty / info.box.area)} of the section{area} shows no specimen: nothing is marked there, and whole tiles of it are skipped."


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.1f} %"


def _area(um2: float) -> str:
    mm2 = um2 / 1e6
    return f"{mm2:.3g} mm²" if mm2 < 100 else f"{mm2:,.0f} mm²"
