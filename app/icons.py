"""Decides how the icons of `resources/icons` become QIcons: one set of line drawings, in the colours of the palette.

The drawings say `currentColor`; widgets given an icon by `set_icon` follow a change of theme by themselves.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from PySide6.QtCore import QByteArray, QEvent, QObject, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QIconEngine, QPainter, QPalette, QPixmap
from PySide6.QtWidgets import QAbstractButton, QApplication

import resources

_DRAWINGS = Path(resources.__file__).parent  # `importlib.resources` takes longer to load than the drawings to be drawn


def icon(name: str, colour: QColor | None = None) -> QIcon:
    """The icon `resources/icons/NAME.svg` in `colour`, or in the text colour of the application's palette."""
    palette = QApplication.palette()
    normal = colour or palette.color(QPalette.ColorRole.WindowText)
    disabled = palette.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.WindowText)
    return _icon(name, normal.name(), disabled.name())


def program_icon() -> QIcon:
    """Schliff's own, in its own colours."""
    return QIcon(str(_DRAWINGS / "schliff.svg"))


def icon_pixmap(name: str, side: int, colour: QColor, ratio: float = 1.0) -> QPixmap:
    """One drawing, `side` device-independent px wide, for a screen of this device pixel ratio."""
    pixmap = QPixmap(_render(name, round(side * ratio), colour.name()))
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


def set_icon(button: QAbstractButton, name: str) -> None:
    """Gives a button an icon that changes colour with the theme."""
    button.setIcon(icon(name))
    button.installEventFilter(_Recolour(button, name))


class _Recolour(QObject):
    def __init__(self, button: QAbstractButton, name: str) -> None:
        super().__init__(button)
        self._button, self._name = button, name

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.PaletteChange and watched is self._button:
            self._button.setIcon(icon(self._name))
        return False


@lru_cache(maxsize=256)
def _icon(name: str, normal: str, disabled: str) -> QIcon:
    return QIcon(_Drawing(name, normal, disabled))


class _Drawing(QIconEngine):
    """Drawn when a size of it is needed: dozens of icons in every size would delay the window."""

    def __init__(self, name: str, normal: str, disabled: str) -> None:
        super().__init__()
        self._look = (name, normal, disabled)

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        if size.isEmpty():  # its button has not been laid out yet
            return QPixmap()
        name, normal, disabled = self._look
        return _render(name, min(size.width(), size.height()), disabled if mode == QIcon.Mode.Disabled else normal)

    def scaledPixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State, scale: float) -> QPixmap:
        return self.pixmap(size, mode, state)

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        ratio = painter.device().devicePixelRatioF()
        painter.drawPixmap(rect, self.pixmap(rect.size() * ratio, mode, state))

    def clone(self) -> QIconEngine:
        return _Drawing(*self._look)


@lru_cache(maxsize=512)
def _render(name: str, side_px: int, colour: str) -> QPixmap:
    from PySide6.QtSvg import QSvgRenderer

    pixmap = QPixmap(side_px, side_px)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    QSvgRenderer(QByteArray(_drawing(name).replace("currentColor", colour).encode())).render(
        painter, QRectF(0, 0, side_px, side_px)
    )
    painter.end()
    return pixmap


@lru_cache(maxsize=128)
def _drawing(name: str) -> str:
    return (_DRAWINGS / "icons" / f"{name}.svg").read_text(encoding="utf-8")
