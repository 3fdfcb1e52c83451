"""Decides how several detections are compared: side by side, each with the same µm on the same width."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QSlider, QVBoxLayout, QWidget

from app.gallery.crop import crop_side
from app.gallery.delegate import format_length
from app.gallery.model import GalleryModel
from app.gallery.rendering import CropRenderer
from app.gallery.thumbnails import ThumbnailStore
from app.gallery.view import CropView
from app.layout import muted, value_label
from app.session import Session
from app.theme import SPACE
from core.detection import Detection

MOST = 24
BYTES = 64 << 20  # all of them, as large as they are shown
SIDE = 220  # device-independent px of a crop at least
_STEPS, _FINEST, _COARSEST = 60, 0.25, 8.0  # of how much is shown, by what the largest one needs


class SideBySide(QDialog):
    """A window of its own, over the crops of one moment; the slider says how much of the section each one shows.

    `fly_requested(id)`: Enter or a double click on a crop.
    """

    fly_requested = Signal(int)

    def __init__(self, session: Session, detections: list[Detection], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Side by side")
        self._session = session
        shown = detections[:MOST]
        self._needed = max(crop_side(d.box, wide=False) for d in shown)
        self.thumbnails = ThumbnailStore(BYTES, self)
        self.model = GalleryModel(self)
        self.view = CropView(self.model, self.thumbnails, parent=self)
        self.field = QSlider(Qt.Orientation.Horizontal)
        self.field_text = value_label("0,000 µm")
        self.copy = QPushButton("Copy picture")
        self._lay_out(len(detections))
        scan, section = session.scan, session.section
        size = section.info.pixel_size_um if section is not None else None
        self._um_per_px = size[0] if size is not None else None
        if scan is not None:
            self.view.crop_delegate.set_scan(scan.labels, self._um_per_px, scan.score_unit)
        self.view.set_side(SIDE)
        self.view.crop_delegate.fade_dismissed = False  # whoever compares looks at false alarms too
        self.model.set_detections(shown, score_unit=scan.score_unit if scan is not None else "")
        self.view.opened.connect(self.fly_requested)
        self.field.valueChanged.connect(lambda _: self._draw_anew())
        self.copy.setAutoDefault(False)
        self.copy.clicked.connect(self._copy)
        session.section_changed.connect(self.close)
        self.finished.connect(self.thumbnails.close)
        self._draw_anew()
        columns = min(len(shown), 4)
        self.resize(columns * (SIDE + 24) + 48, min(-(-len(shown) // columns), 2) * (SIDE + 72) + 96)

    @property
    def field_px(self) -> float:
        """The side of what each crop shows, level-0 px."""
        share = self.field.value() / _STEPS
        return self._needed * math.exp(math.log(_FINEST) * (1 - share) + math.log(_COARSEST) * share)

    def _draw_anew(self) -> None:
        session, side = self._session, self.field_px
        if session.section is None:
            return
        unit = f"{side:,.0f} px" if self._um_per_px is None else f"{format_length(side * self._um_per_px)} µm"
        self.field_text.setText(unit)
        self.thumbnails.set_renderer(
            CropRenderer(session.section, session.plane, session.look, side=side), keeping=True
        )
        self.view.want_crops()

    def _copy(self) -> None:
        QGuiApplication.clipboard().setPixmap(self.view.viewport().grab())
        self._session.message.emit("info", "The picture is on the clipboard.")

    def _lay_out(self, count: int) -> None:
        self.field.setRange(0, _STEPS)
        self.field.setValue(round(_STEPS * math.log(1 / _FINEST) / math.log(_COARSEST / _FINEST)))
        self.field.setToolTip("How much of the section each crop shows; all of them the same")
        name = QLabel("Field")
        name.setBuddy(self.field)
        row = QHBoxLayout()
        row.setSpacing(SPACE)
        row.addWidget(name)
        row.addWidget(self.field, 1)
        row.addWidget(self.field_text)
        row.addSpacing(SPACE)
        row.addWidget(self.copy)
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE, SPACE, SPACE, SPACE)
        column.setSpacing(SPACE)
        if count > MOST:
            column.addWidget(muted(f"The first {MOST} of the {count:,} selected."))
        column.addWidget(self.view, 1)
        column.addLayout(row)
