"""Decides what can be chosen of a picture to be exported, and says what will come of it before anything is written."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QLabel,
    QRadioButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.combo import ComboBox
from app.layout import Group, muted
from app.measure_text import bytes_text
from app.picture_overlay import Layer, overlay_for
from app.theme import SPACE, tokens
from core.errors import UsageError
from core.geometry import Box
from core.look import Look
from core.picture import Picture, PictureKind, bytes_needed, picture_shape, pixel_size_um, png_trouble, region_request
from core.section import RegionRequest
from core.section_info import Plane, SectionInfo

_COARSEST_PX = 512
SUFFIXES: dict[PictureKind, str] = {"png": ".png", "tiff": ".ome.tif"}


@dataclass(frozen=True)
class PictureSource:
    """What of the window a picture can be made of. Layers by the name they are offered under."""

    info: SectionInfo
    plane: Plane
    look: Look
    view: Box | None
    region: Box | None
    layers: dict[str, Layer]


class PictureDialog(QDialog):
    """`picture` and `kind` are what was chosen, once it is accepted."""

    def __init__(self, parent: QWidget, source: PictureSource) -> None:
        super().__init__(parent)
        self._source = source
        self.setWindowTitle("Export picture")
        self.in_view = QRadioButton("What the view shows")
        self.in_region = QRadioButton("A region")
        self.whole = QRadioButton("The whole section")
        self._area = QButtonGroup(self)
        self.edges = [QSpinBox() for _ in range(4)]
        self.scale, self.values, self.format = ComboBox(), ComboBox(), ComboBox()
        self.scale_bar = QCheckBox("Scale bar")
        self.layers = {name: QCheckBox(name) for name in source.layers}
        self.summary = QLabel()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self.export = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        self._fill()
        self._lay_out()
        self._connect()
        self._changed()

    # -- what was chosen --------------------------------------------------------------------------

    @property
    def kind(self) -> PictureKind:
        return self.format.currentData()

    @property
    def picture(self) -> Picture:
        """Raises UsageError where the region lies outside the section."""
        source, request = self._source, self._request()
        seen = self.values.currentData()
        layers = [source.layers[name] for name, box in self.layers.items() if seen and box.isChecked()]
        size = source.info.pixel_size_um
        um = size[0] if size is not None else None
        overlay = overlay_for(request, layers, self.scale_bar.isChecked(), um)
        return Picture(request, source.look if seen else None, overlay)

    def _request(self) -> RegionRequest:
        return region_request(self._source.info, self._box(), self.scale.currentData(), self._source.plane)

    def _box(self) -> Box:
        source = self._source
        if self.whole.isChecked():
            return source.info.box
        if self.in_view.isChecked() and source.view is not None:
            return source.view
        x, y, w, h = (edge.value() for edge in self.edges)
        return Box(x, y, w, h)

    # -- making -----------------------------------------------------------------------------------

    def _fill(self) -> None:
        source, info = self._source, self._source.info
        x, y, w, h = (source.region or source.view or info.box).outer_pixels()
        names = ("Left", "Top", "Width", "Height")
        limits = (info.width_px - 1, info.height_px - 1, info.width_px, info.height_px)
        for edge, name, value, most in zip(self.edges, names, (x, y, w, h), limits, strict=True):
            edge.setRange(0 if name in names[:2] else 1, max(most, 1))
            edge.setValue(value)
            edge.setSuffix(" px")
            edge.setAccessibleName(name)
            edge.setToolTip(f"{name}, in px of the section's full resolution")
        (self.in_region if source.region is not None else self.in_view).setChecked(True)
        self.in_view.setEnabled(source.view is not None)
        downsample = 1
        while downsample == 1 or max(info.width_px, info.height_px) / downsample >= _COARSEST_PX:
            self.scale.addItem("Full resolution (1:1)" if downsample == 1 else f"1:{downsample}", downsample)
            downsample *= 2
        self.values.addItem("As displayed (8 bits)", True)
        self.values.addItem(f"As stored ({info.dtype.itemsize * 8} bits)", False)
        self.values.setToolTip("As stored: the camera's own values, without brightness or colours of the display")
        self.format.addItem("PNG", "png")
        self.format.addItem("OME-TIFF, tiled, any size", "tiff")
        self.scale_bar.setChecked(True)
        for name, box in self.layers.items():
            box.setChecked(source.layers[name].offered)
            box.setToolTip("As the screen shows it; only over the section as displayed")
        self.export.setText("Export…")

    def _lay_out(self) -> None:
        area, look = Group("Area"), Group("Picture")
        for button in (self.in_view, self.in_region, self.whole):
            self._area.addButton(button)
            area.add_wide(button)
            if button is self.in_region:
                area.add_wide(self._edges_row())
        for name, control in (("Resolution", self.scale), ("Values", self.values), ("Format", self.format)):
            look.add_row(name, control)
        for box in (self.scale_bar, *self.layers.values()):
            look.add_wide(box)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        layout.setSpacing(2 * SPACE)
        self.summary.setWordWrap(True)
        self.summary.setMinimumHeight(3 * self.summary.fontMetrics().lineSpacing())
        for widget in (area, look, self.summary, self.buttons):
            layout.addWidget(widget)
        self.setMinimumWidth(440)

    def _edges_row(self) -> QWidget:
        row = QWidget()
        grid = QGridLayout(row)
        grid.setContentsMargins(3 * SPACE, 0, 0, 0)
        grid.setSpacing(SPACE)
        for index, edge in enumerate(self.edges):
            grid.addWidget(muted(edge.accessibleName(), wrap=False), index // 2, 2 * (index % 2))
            grid.addWidget(edge, index // 2, 2 * (index % 2) + 1)
            grid.setColumnStretch(2 * (index % 2) + 1, 1)
        return row

    def _connect(self) -> None:
        self._area.buttonToggled.connect(lambda button, on: self._changed())
        for edge in self.edges:
            edge.valueChanged.connect(self._edge_changed)
        for combo in (self.scale, self.values, self.format):
            combo.currentIndexChanged.connect(self._changed)
        for box in (self.scale_bar, *self.layers.values()):
            box.toggled.connect(self._changed)  # colours over grey take three times the bytes
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)

    def _edge_changed(self) -> None:
        self.in_region.setChecked(True)
        self._changed()

    # -- saying what comes of it ------------------------------------------------------------------

    def _changed(self) -> None:
        seen = self.values.currentData()
        for box in self.layers.values():
            box.setEnabled(bool(seen))
        try:
            text, trouble = self._outcome()
        except UsageError as error:
            text, trouble = "", str(error)
        self.export.setEnabled(not trouble)
        self.summary.setStyleSheet(f"color: {tokens().warning if trouble else tokens().muted}")
        self.summary.setText(" ".join(part for part in (text, trouble) if part))

    def _outcome(self) -> tuple[str, str]:
        info = self._source.info
        picture = self.picture
        shape = picture_shape(info, picture)
        um = pixel_size_um(info, picture.request)
        text = f"{shape.width:,} × {shape.height:,} px"
        if um is not None:
            text += f", {um[0]:.4g} µm each"
        text += f"; at most {bytes_text(bytes_needed(shape, self.kind))} on the disk."
        return text, png_trouble(shape) if self.kind == "png" else ""
