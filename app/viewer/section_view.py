"""Decides how one section is shown by itself: its tiles in a canvas, with a scale bar. Knows no session.

Overlays, minimap, pointer and selection are for `app.viewer.viewer`, which is one of these with all that around it.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent
from PySide6.QtGui import QColor, QHideEvent, QImage, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.theme import SPACE, tokens
from app.viewer.canvas import Canvas
from app.viewer.look_badge import LookBadge
from app.viewer.scale_bar import ScaleBar
from app.viewer.section_item import SectionItem
from app.viewer.tile_provider import TileProvider
from app.viewer.tiles import TileKey
from app.viewer.unread_badge import UnreadBadge
from core.geometry import Box
from core.section import Section


class SectionView(QWidget):
    """A canvas over the tiles of `provider`."""

    def __init__(self, parent: QWidget | None = None, cache_bytes: int | None = None) -> None:
        """`cache_bytes` for ready tiles; None: all of their share of the budget."""
        super().__init__(parent)
        self.provider = TileProvider(self, cache_bytes)
        self.canvas = Canvas(self)
        self.scale_bar = ScaleBar(self.canvas.viewport())
        self.look_badge = LookBadge(self.canvas.viewport())
        self.unread_badge = UnreadBadge(self.canvas.viewport(), self._is_read)
        self.unread_badge.toggled.connect(self._place_overlays)
        self._section: Section | None = None  # the one in the canvas
        self._section_item = SectionItem(self.provider)
        self.canvas.scene().addItem(self._section_item)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(0)
        self.column.addWidget(self.canvas, 1)
        self.canvas.camera_changed.connect(self._camera_changed)
        self.provider.tile_ready.connect(self._tile_ready)
        self.provider.look_changed.connect(self._look_changed)
        self._show_theme()

    @property
    def is_sharp(self) -> bool:
        """Whether everything in sight is drawn from tiles of its own level, as well as it will ever be."""
        view, zoom = self.canvas.visible_box(), self._device_zoom()
        if view is None or self.provider.is_sharp(view, zoom):
            return True
        return not self._improving() and self.provider.is_current(view, zoom)

    def _is_read(self) -> bool:
        """Whether all that is in sight is exact, whatever may come yet."""
        view = self.canvas.visible_box()
        return view is None or self.provider.is_sharp(view, self._device_zoom())

    def _improving(self) -> bool:
        """Whether overviews are on their way that will make tiles better."""
        return False

    def missing(self) -> tuple[float, float]:
        """Shares of the section in sight that are still blank, and that are not yet drawn from their own level."""
        view = self.canvas.visible_box()
        return self.provider.missing(view, self._device_zoom()) if view is not None else (0.0, 0.0)

    def picture(self) -> QImage:
        """What the view shows, with all that lies over it."""
        self._section_item.settle()
        return self.canvas.grab().toImage()

    def close_tiles(self) -> None:
        """Ends the reading threads."""
        self.provider.close()

    # -- for those who show more ------------------------------------------------------------------

    def _camera_changed(self) -> None:
        self._place_overlays()  # a scroll has taken them along
        camera, section = self.canvas.camera, self._section
        if camera is None or section is None:
            return
        self._want_tiles()
        self.unread_badge.view_changed()
        size = section.info.pixel_size_um
        self.scale_bar.show_scale(camera.zoom, size[0] if size is not None else None)

    def _device_zoom(self) -> float:
        """Device px per level-0 px."""
        camera = self.canvas.camera
        return camera.zoom * self.canvas.devicePixelRatioF() if camera is not None else 1.0

    def _want_tiles(self) -> None:
        view = self.canvas.visible_box()
        if view is None or not self.isVisible():
            return
        pointed = self.canvas.pointed
        focus = pointed if pointed is not None and view.contains(*pointed) else view.center
        self.provider.want(view, self._device_zoom(), focus)

    def _tile_ready(self, key: TileKey) -> None:
        view = self.canvas.visible_box()
        if view is not None:
            self._section_item.tile_changed(key, view)
        self.unread_badge.watch()

    def _look_changed(self) -> None:
        self.look_badge.show_look(self.provider.look, preparing=self.provider.preparing)
        self._place_overlays()
        self.unread_badge.view_changed()

    def _set_extent(self, section: Section | None) -> Box | None:
        """The area that is painted."""
        self._section = section
        box = section.info.box if section is not None else None
        self._section_item.set_box(box)
        self.scale_bar.setVisible(box is not None)
        return box

    def _place_overlays(self) -> None:
        """What lies over the section is in the viewport: beside it, it would keep Qt from scrolling what is painted."""
        self.look_badge.move(2 * SPACE, 2 * SPACE)
        below = 0 if self.look_badge.isHidden() else self.look_badge.height() + SPACE
        self.unread_badge.move(2 * SPACE, 2 * SPACE + below)
        self.scale_bar.move(2 * SPACE, self.canvas.rect().height() - self.scale_bar.height() - 2 * SPACE)

    def _show_theme(self) -> None:
        self.canvas.setBackgroundBrush(QColor(tokens().canvas))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._show_theme()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_overlays()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._want_tiles()
        self.unread_badge.view_changed()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.provider.pause()
        self.unread_badge.stop()
