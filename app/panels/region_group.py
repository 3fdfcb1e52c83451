"""Decides which part of the section is scanned: all of it, what is in sight, or a rectangle that was drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QRadioButton, QWidget

from app.layout import Group
from app.session import Session
from core.geometry import Box

VisibleRegion = Callable[[], Box | None]


class RegionGroup(Group):
    """`region()` is None for the whole section. `region_changed()` when another choice is made."""

    region_changed = Signal()

    def __init__(self, session: Session, visible_region: VisibleRegion, parent: QWidget | None = None) -> None:
        super().__init__("Region", parent)
        self._session = session
        self._visible_region = visible_region
        self._drawn: Box | None = None
        self.whole = QRadioButton("Whole section")
        self.in_view = QRadioButton("What is in view")
        self.drawn = QRadioButton("Drawn rectangle")
        self.whole.setToolTip("Scan everything; resin around the specimen is skipped")
        self.in_view.setToolTip("Scan what the view shows when Scan is pressed")
        self.drawn.setToolTip("Scan the rectangle drawn in the view")
        self._buttons = QButtonGroup(self)
        for button in (self.whole, self.in_view, self.drawn):
            self._buttons.addButton(button)
            self.add_wide(button)
        self.whole.setChecked(True)
        self._buttons.buttonToggled.connect(lambda _, on: self.region_changed.emit() if on else None)
        session.section_changed.connect(self._section_changed)
        session.calibration.changed.connect(self._tell_size)
        self._section_changed()

    def region(self) -> Box | None:
        """The chosen part in whole level-0 px, inside the section."""
        section = self._session.section
        if section is None or self.whole.isChecked():
            return None
        wanted = self._visible_region() if self.in_view.isChecked() else self._drawn
        inside = None if wanted is None else wanted.intersection(section.info.box)
        if inside is None:
            return None
        whole = Box(*map(float, inside.outer_pixels())).intersection(section.info.box)
        return None if whole == section.info.box else whole

    @property
    def outlined(self) -> Box | None:
        """`region()` while that is a rectangle that was drawn: the others are seen without an outline."""
        return self.region() if self.drawn.isChecked() else None

    def set_drawn(self, box: Box | None) -> None:
        """A rectangle was drawn in the view (level-0 px), or taken away."""
        self._drawn = box
        self.drawn.setVisible(box is not None)
        if box is not None:
            self.drawn.setText(f"Drawn rectangle, {self._size(box)}")
            self.drawn.setChecked(True)
        elif self.drawn.isChecked():
            self.whole.setChecked(True)
        self.region_changed.emit()

    def choose(self, regions: Sequence[Box]) -> None:
        """What an earlier scan was of; several rectangles at once can't be chosen here."""
        if len(regions) == 1:
            self.set_drawn(regions[0])
        elif not regions:
            self.whole.setChecked(True)

    def _section_changed(self) -> None:
        self.set_drawn(None)
        self.whole.setChecked(True)
        self._tell_size()

    def _tell_size(self) -> None:
        section = self._session.section
        self.whole.setText(f"Whole section, {self._size(section.info.box)}" if section else "Whole section")

    def _size(self, box: Box) -> str:
        section = self._session.section
        scale = section.info.pixel_size_um if section is not None else None
        if scale is None:
            return f"{box.w:,.0f} × {box.h:,.0f} px"
        width, height = box.w * scale[0], box.h * scale[1]
        if max(width, height) < 1000:
            return f"{width:.0f} × {height:.0f} µm"
        return f"{width / 1000:.1f} × {height / 1000:.1f} mm"
