"""Decides how a reference image (a picture of a part of the section, from an SEM for example) is chosen and laid by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QDoubleSpinBox, QFileDialog, QHBoxLayout, QPushButton, QWidget

from app.jobs import Job
from app.layer_styles import ReferenceImage
from app.panels.layout import Group, muted
from app.session import Session
from app.theme import SPACE
from core.placement import Placement
from core.section import Section

_SHARE_OF_VIEW = 1000.0  # device-independent px on the screen that an image without a pixel size is laid across


class ReferenceGroup(Group):
    """Follows and sets `session.layers.reference`."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("Reference image", parent)
        self._session = session
        self._job: Job | None = None
        self.open = QPushButton("Open…")
        self.open.setToolTip("Lay another picture of a part of the section over it, from an SEM for example")
        self.remove = QPushButton("Remove")
        self.name = muted()
        self.movable = QCheckBox("Move with the mouse")
        self.movable.setToolTip("While this is on, dragging the image moves it; elsewhere dragging moves the view")
        self.scale = _spin(0.0001, 10_000.0, 4, "Size of one of its px, in px of the section")
        self.rotation = _spin(-180.0, 180.0, 2, "Clockwise, around the image's middle")
        self.rotation.setSuffix("°")
        self.rotation.setWrapping(True)
        self._lay_out()
        self._connect()
        self.follow()

    def follow(self) -> None:
        """Shows the session's values without setting them again."""
        session, reference = self._session, self._session.layers.reference
        self.open.setEnabled(session.section is not None and self._job is None)
        for control in (self.name, self.movable, self.remove, *self._rows):
            control.setVisible(reference is not None)
        if reference is None:
            return
        controls = (self.movable, self.scale, self.rotation)
        for control in controls:
            control.blockSignals(True)
        self.name.setText(Path(reference.path).name)
        self.name.setToolTip(reference.path)
        self.movable.setChecked(reference.movable)
        self.scale.setValue(reference.placement.scale)
        self.rotation.setValue(reference.placement.rotation_deg)
        for control in controls:
            control.blockSignals(False)

    def open_path(self, path: str) -> None:
        """Lays an image in the middle of the view, at its own pixel size where it has one; shows its layer."""
        session = self._session
        section = session.section
        job = self._job = Job(lambda progress, cancel: _described(path), Path(path).name)
        job.finished.connect(lambda described: self._lay(section, path, *described))
        job.ended.connect(self._opened)
        session.run_io(job)
        self.follow()

    def _opened(self) -> None:
        self._job = None
        self.follow()

    def _lay(
        self, section: Section | None, path: str, size: tuple[int, int], pixel_size_um: tuple[float, float] | None
    ) -> None:
        """Over the section it was chosen for, if that is still open."""
        session, layers = self._session, self._session.layers
        if session.section is None or session.section is not section or session.view is None:
            return
        own = session.section.info.pixel_size_um
        if pixel_size_um is not None and own is not None:
            scale = pixel_size_um[0] / own[0]
        else:
            scale = _SHARE_OF_VIEW / session.view.zoom / size[0]
        laid = Placement.around((session.view.x_px, session.view.y_px), size, scale)
        layers = layers.styled("reference", visible=True)
        session.set_layers(replace(layers, reference=ReferenceImage(path, size, laid, movable=True)))

    def _ask(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Open a reference image")
        if name:
            self.open_path(name)

    def _remove(self) -> None:
        self._session.set_layers(replace(self._session.layers, reference=None))

    def _set_movable(self, movable: bool) -> None:
        reference = self._session.layers.reference
        if reference is not None:
            self._set(replace(reference, movable=movable))

    def _set_scale(self, scale: float) -> None:
        reference = self._session.layers.reference
        if reference is not None:
            self._set(replace(reference, placement=reference.placement.scaled_to(scale, reference.size)))

    def _set_rotation(self, rotation_deg: float) -> None:
        reference = self._session.layers.reference
        if reference is not None:
            self._set(replace(reference, placement=reference.placement.turned_to(rotation_deg, reference.size)))

    def _set(self, reference: ReferenceImage) -> None:
        self._session.set_layers(replace(self._session.layers, reference=reference))

    def _lay_out(self) -> None:
        buttons = QWidget()
        line = QHBoxLayout(buttons)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(SPACE)
        line.addWidget(self.open)
        line.addWidget(self.remove)
        line.addStretch(1)
        self.add_wide(self.name)
        self.add_wide(buttons)
        self.add_wide(self.movable)
        scale = self.add_row("Scale", self.scale)
        rotation = self.add_row("Rotation", self.rotation)
        self._rows = (scale, self.scale, rotation, self.rotation)

    def _connect(self) -> None:
        self.open.clicked.connect(self._ask)
        self.remove.clicked.connect(self._remove)
        self.movable.toggled.connect(self._set_movable)
        self.scale.valueChanged.connect(self._set_scale)
        self.rotation.valueChanged.connect(self._set_rotation)
        self._session.layers_changed.connect(self.follow)
        self._session.section_changed.connect(self.follow)


def _described(path: str) -> tuple[tuple[int, int], tuple[float, float] | None]:
    """Size in px and pixel size in µm. Raises InputError where it can't be read."""
    from core.readers.base import open_section

    with open_section(Path(path)) as section:
        return (section.info.width_px, section.info.height_px), section.info.pixel_size_um


def _spin(low: float, high: float, decimals: int, tool_tip: str) -> QDoubleSpinBox:
    spin = QDoubleSpinBox()
    spin.setRange(low, high)
    spin.setDecimals(decimals)
    spin.setKeyboardTracking(False)
    spin.setToolTip(tool_tip)
    spin.setAlignment(Qt.AlignmentFlag.AlignRight)
    return spin
