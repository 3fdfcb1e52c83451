"""Decides how pixels are enhanced for the eye, and says that models don't see it."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QCheckBox, QPushButton, QSlider, QWidget

from app.layout import Group, muted, value_label
from app.panels.display_tones import SETTLE_MS
from app.session import Session

PROMISE = "Models always get the pixels of the file: nothing in this panel changes what they see."


class EnhancementsGroup(Group):
    """Follows and sets sharpening, local contrast and flat field of `session.look`."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("For the eye only", parent)
        self._session = session
        self.sharpening = _percent("Edges are made steeper, noise too")
        self.local_contrast = _percent("Faint differences are made stronger, in each part of the section by itself")
        self._sharpening_text, self._contrast_text = value_label("100 %"), value_label("100 %")
        self.flat_field = QCheckBox("Even out camera tiles")
        self.off = QPushButton("Switch off")
        self.off.setToolTip("Show the pixels as the camera saw them (Shift+E)")
        self.add_wide(muted(PROMISE))
        self.add_row("Sharpening", self.sharpening, self._sharpening_text)
        self.add_row("Local contrast", self.local_contrast, self._contrast_text)
        self.add_wide(self.flat_field)
        self.add_wide(self.off)
        self._settle = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._settle.timeout.connect(self._tell)
        for slider in (self.sharpening, self.local_contrast):
            slider.valueChanged.connect(self._moved)
        self.flat_field.toggled.connect(self._tell)
        self.off.clicked.connect(session.looks.toggle_enhancements)
        session.section_changed.connect(self._section_changed)
        session.display_changed.connect(self.follow)
        self._section_changed()

    def _section_changed(self) -> None:
        from core.looks.flat_field import no_flat_field_because

        section = self._session.section
        self._settle.stop()
        trouble = no_flat_field_because(section.camera_tiles()) if section is not None else ""
        self.setEnabled(section is not None)
        self.flat_field.setEnabled(not trouble)
        self.flat_field.setToolTip(
            trouble or "Take out the shading that all camera tiles have in common; it is measured on the section itself"
        )
        self.follow()

    def follow(self) -> None:
        """Shows the session's look without setting it again; not while a slider is ahead of it."""
        if self._settle.isActive():
            return
        look = self._session.look
        for control in (self.sharpening, self.local_contrast, self.flat_field):
            control.blockSignals(True)
        self.sharpening.setValue(round(look.sharpening * 100))
        self.local_contrast.setValue(round(look.local_contrast * 100))
        self.flat_field.setChecked(look.flat_field)
        for control in (self.sharpening, self.local_contrast, self.flat_field):
            control.blockSignals(False)
        self._show_percents()
        self.off.setEnabled(look.is_enhanced)

    def _show_percents(self) -> None:
        self._sharpening_text.setText(f"{self.sharpening.value()} %")
        self._contrast_text.setText(f"{self.local_contrast.value()} %")

    def _moved(self) -> None:
        self._show_percents()
        if not self._settle.isActive():
            self._settle.start()

    def _tell(self) -> None:
        session = self._session
        look = replace(
            session.look,
            sharpening=self.sharpening.value() / 100,
            local_contrast=self.local_contrast.value() / 100,
            flat_field=self.flat_field.isChecked(),
        )
        session.set_look(look)


def _percent(tip: str) -> QSlider:
    slider = QSlider(Qt.Orientation.Horizontal)
    slider.setRange(0, 100)
    slider.setPageStep(10)
    slider.setToolTip(tip)
    return slider
