"""Decides how a channel, focus step or time is chosen. The bar is there only for files that have some to choose from."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSlider, QWidget

from app.session import Session
from app.theme import SPACE
from core.section import Plane


class PlaneBar(QWidget):
    """Channel by name, z and t by slider; follows the session both ways."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setAutoFillBackground(True)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE, SPACE // 2, SPACE, SPACE // 2)
        layout.setSpacing(SPACE)
        self._channel_label = QLabel("Channel")
        self.channel = QComboBox()
        self.channel.setAccessibleName("Channel")
        self.channel.setToolTip("Which channel of the image is shown, and scanned")
        layout.addWidget(self._channel_label)
        layout.addWidget(self.channel)
        self.z, self._z_label = self._slider("Focus", layout)
        self.t, self._t_label = self._slider("Time", layout)
        layout.addStretch(1)
        self.channel.activated.connect(self._chosen)
        self.z.valueChanged.connect(self._chosen)
        self.t.valueChanged.connect(self._chosen)
        session.section_changed.connect(self._section_changed)
        session.display_changed.connect(self._show)
        self._section_changed()

    def _slider(self, name: str, layout: QHBoxLayout) -> tuple[QSlider, QLabel]:
        slider, label = QSlider(Qt.Orientation.Horizontal), QLabel(name)
        slider.setMaximumWidth(160)
        slider.setAccessibleName(name)
        slider.setToolTip(f"{name}: which plane of the image is shown, and scanned")
        label.setMinimumWidth(label.fontMetrics().horizontalAdvance(f"{name} 000 / 000"))
        layout.addWidget(label)
        layout.addWidget(slider)
        return slider, label

    def _section_changed(self) -> None:
        info = self._session.section.info if self._session.section is not None else None
        names = info.channel_names if info is not None else ("",)
        z_count, t_count = (info.z_count, info.t_count) if info is not None else (1, 1)
        for widget in (self.channel, self.z, self.t):
            widget.blockSignals(True)
        self.channel.clear()
        self.channel.addItems([name or f"Channel {index + 1}" for index, name in enumerate(names)])
        self.z.setRange(0, z_count - 1)
        self.t.setRange(0, t_count - 1)
        for widget in (self.channel, self.z, self.t):
            widget.blockSignals(False)
        for count, chooser, label in (
            (len(names), self.channel, self._channel_label),
            (z_count, self.z, self._z_label),
            (t_count, self.t, self._t_label),
        ):
            chooser.setVisible(count > 1)
            label.setVisible(count > 1)
        self.setVisible(max(len(names), z_count, t_count) > 1)
        self._show()

    def _show(self) -> None:
        plane = self._session.plane
        for widget, value in ((self.z, plane.z), (self.t, plane.t)):
            widget.blockSignals(True)
            widget.setValue(value)
            widget.blockSignals(False)
        self.channel.setCurrentIndex(plane.c)
        self._z_label.setText(f"Focus {plane.z + 1} / {self.z.maximum() + 1}")
        self._t_label.setText(f"Time {plane.t + 1} / {self.t.maximum() + 1}")

    def _chosen(self) -> None:
        self._session.set_plane(Plane(max(self.channel.currentIndex(), 0), self.z.value(), self.t.value()))
