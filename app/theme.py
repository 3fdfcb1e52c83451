"""Decides how Schliff looks: one palette in a dark and a light form, one small stylesheet, spacing in steps of 8 px.

Widgets take their colours from the palette; `Tokens` adds the few that a palette has no role for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QLabel

import resources

ThemeMode = Literal["system", "light", "dark"]
THEME_MODES: tuple[ThemeMode, ...] = ("system", "light", "dark")

_ICONS = Path(resources.__file__).parent / "icons"

SPACE = 8  # px; every margin and gap is this, half or a multiple of it
RADIUS = 4
FLY_MS = 220


@dataclass(frozen=True, slots=True)
class Tokens:
    """The colours of one theme, as #rrggbb."""

    window: str
    surface: str  # lists, fields
    raised: str  # buttons, bars
    border: str
    text: str
    muted: str
    disabled: str
    accent: str
    chosen: str  # behind a button that is on
    on_accent: str
    canvas: str  # around the section
    info: str
    warning: str
    error: str


LIGHT = Tokens(
    window="#f4f5f6",
    surface="#ffffff",
    raised="#ffffff",
    border="#d5d9de",
    text="#1c2126",
    muted="#5c6670",
    disabled="#a4abb3",
    accent="#0b7a75",
    chosen="#d3e7e5",
    on_accent="#ffffff",
    canvas="#e3e6e9",
    info="#0b7a75",
    warning="#a15c00",
    error="#b3261e",
)
DARK = Tokens(
    window="#1e2124",
    surface="#17191c",
    raised="#2a2e33",
    border="#363b41",
    text="#e4e7ea",
    muted="#9aa3ad",
    disabled="#5d656e",
    accent="#3fb8ae",
    chosen="#22403f",
    on_accent="#06201e",
    canvas="#111315",
    info="#3fb8ae",
    warning="#f0a940",
    error="#ff8a80",
)


def tokens() -> Tokens:
    """Those of the palette in use."""
    return DARK if is_dark(QApplication.palette()) else LIGHT


def is_dark(palette: QPalette) -> bool:
    return palette.color(QPalette.ColorRole.Window).lightness() < 128


def animations_wanted() -> bool:
    """Whether things may move by themselves: not where the system, or the style, asks for stillness."""
    from PySide6.QtWidgets import QStyle  # takes milliseconds, and nothing moves while a window comes up

    app = QApplication.instance()
    if not isinstance(app, QApplication) or app.property("still"):
        return False
    return app.style().styleHint(QStyle.StyleHint.SH_Widget_Animation_Duration) > 0


class Theme(QObject):
    """Dresses the application and follows the system while its mode is "system"."""

    changed = Signal()

    def __init__(
        self, app: QApplication, mode: ThemeMode = "system", system: Callable[[], Qt.ColorScheme] | None = None
    ) -> None:
        super().__init__(app)
        self._app = app
        self._system = system or app.styleHints().colorScheme
        self.mode: ThemeMode = mode
        app.styleHints().colorSchemeChanged.connect(self._dress)
        self.set_mode(mode)

    def set_mode(self, mode: ThemeMode) -> None:
        self.mode = mode
        schemes = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark, "system": Qt.ColorScheme.Unknown}
        self._app.styleHints().setColorScheme(schemes[mode])
        self._dress()

    def _dress(self) -> None:
        dark = self.mode == "dark" or (self.mode == "system" and self._system() == Qt.ColorScheme.Dark)
        chosen = DARK if dark else LIGHT
        self._app.setPalette(palette_of(chosen))
        self._app.setStyleSheet(stylesheet_of(chosen))
        _colour_links(self._app)
        self.changed.emit()


def _colour_links(app: QApplication) -> None:
    """Qt gives a link the colour that links have when its text is set."""
    for label in app.allWidgets():
        if isinstance(label, QLabel) and "<a " in (text := label.text()):
            label.clear()
            label.setText(text)


def palette_of(t: Tokens) -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    for which, colour in (
        (role.Window, t.window),
        (role.WindowText, t.text),
        (role.Base, t.surface),
        (role.AlternateBase, t.window),
        (role.Text, t.text),
        (role.Button, t.raised),
        (role.ButtonText, t.text),
        (role.BrightText, t.error),
        (role.ToolTipBase, t.raised),
        (role.ToolTipText, t.text),
        (role.PlaceholderText, t.muted),
        (role.Highlight, t.accent),
        (role.HighlightedText, t.on_accent),
        (role.Accent, t.accent),
        (role.Link, t.accent),
        (role.LinkVisited, t.accent),
        (role.Light, t.raised),
        (role.Midlight, t.border),
        (role.Mid, t.border),
        (role.Dark, t.border),
        (role.Shadow, t.border),
    ):
        palette.setColor(which, QColor(colour))
    for which in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, which, QColor(t.disabled))
    palette.setColor(QPalette.ColorGroup.Disabled, role.Highlight, QColor(t.border))
    return palette


def stylesheet_of(t: Tokens) -> str:
    """What Fusion leaves too heavy: bars, docks, buttons, fields."""
    controls, name = f"{_ICONS.as_posix()}/controls", "dark" if t is DARK else "light"
    return f"""
QToolTip {{ background: {t.raised}; color: {t.text}; border: 1px solid {t.border}; padding: 4px 8px; }}
QMainWindow::separator {{ background: {t.border}; width: 1px; height: 1px; }}
QMenuBar {{ background: {t.window}; border-bottom: 1px solid {t.border}; padding: 2px 4px; }}
QMenuBar::item {{ padding: 4px 8px; border-radius: {RADIUS}px; background: transparent; }}
QMenuBar::item:selected {{ background: {t.border}; }}
QMenu {{ background: {t.raised}; border: 1px solid {t.border}; padding: 4px; }}
QMenu::item {{ padding: 6px 24px 6px 8px; border-radius: {RADIUS}px; }}
QMenu::item:selected {{ background: {t.chosen}; color: {t.text}; }}
QMenu::item:disabled {{ color: {t.disabled}; background: transparent; }}
QMenu::icon {{ padding-left: 8px; }}
QMenu::separator {{ height: 1px; background: {t.border}; margin: 4px 8px; }}
QToolBar {{ background: {t.window}; border: none; border-bottom: 1px solid {t.border}; padding: 4px 8px; spacing: 4px; }}
QToolBar::separator {{ background: {t.border}; width: 1px; margin: 4px 4px; }}
QToolButton {{ border: 1px solid transparent; border-radius: {RADIUS}px; padding: 4px; }}
QToolButton:hover {{ background: {t.border}; }}
QToolButton:pressed {{ background: {t.border}; }}
QToolButton:checked {{ background: {t.chosen}; }}
QToolButton:checked:disabled {{ background: transparent; }}
QToolButton:focus {{ border-color: {t.accent}; }}
QToolButton[chip="true"] {{ border-color: {t.border}; padding: 1px 6px; }}
QDockWidget {{ font-weight: 600; titlebar-close-icon: url({controls}/close-{name}.svg); }}
QDockWidget::title {{ background: {t.window}; padding: 8px; border-bottom: 1px solid {t.border}; text-align: left; }}
QMainWindow > QTabBar {{ qproperty-elideMode: ElideNone; }}
QTabBar::tab {{ padding: 6px 8px; border: none; border-bottom: 2px solid transparent; color: {t.muted}; }}
QTabBar::tab:selected {{ color: {t.text}; border-bottom-color: {t.accent}; }}
QTabBar::tab:hover {{ color: {t.text}; }}
QTabBar::close-button {{ image: url({controls}/close-{name}.svg); width: 12px; height: 12px; border-radius: {RADIUS}px; }}
QTabBar::close-button:hover {{ background: {t.border}; }}
QStatusBar {{ background: {t.window}; border-top: 1px solid {t.border}; color: {t.muted}; }}
QStatusBar::item {{ border: none; }}
QStatusBar QLabel {{ color: {t.muted}; padding: 0 4px; }}
QPushButton {{ background: {t.raised}; border: 1px solid {t.border}; border-radius: {RADIUS}px; padding: 6px 12px; }}
QPushButton:hover {{ border-color: {t.muted}; }}
QPushButton:pressed {{ background: {t.border}; }}
QPushButton:checked {{ background: {t.chosen}; }}
QPushButton:focus {{ border-color: {t.accent}; }}
QPushButton:default {{ background: {t.accent}; color: {t.on_accent}; border-color: {t.accent}; }}
QPushButton:disabled {{ color: {t.disabled}; background: {t.window}; border-color: {t.border}; }}
QLineEdit, QComboBox, QAbstractSpinBox {{ background: {t.surface}; border: 1px solid {t.border};
    border-radius: {RADIUS}px; padding: 4px 8px; min-height: 16px; }}
QComboBox {{ combobox-popup: 0; }}
QComboBox::drop-down {{ border: none; width: 20px; }}
QComboBox::down-arrow {{ image: url({controls}/arrow-down-{name}.svg); width: 12px; height: 12px; }}
QComboBox:disabled, QAbstractSpinBox:disabled, QLineEdit:disabled {{ color: {t.disabled}; background: {t.window}; }}
QComboBox QAbstractItemView {{ background: {t.raised}; color: {t.text}; border: 1px solid {t.border}; padding: 4px;
    outline: none; selection-background-color: {t.chosen}; selection-color: {t.text}; }}
QComboBox QAbstractItemView::item:selected {{ background: {t.chosen}; color: {t.text}; }}
QComboBox QAbstractItemView::item {{ min-height: 24px; }}
QTableView {{ selection-background-color: {t.chosen}; selection-color: {t.text}; }}
QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ border: none; width: 16px; }}
QAbstractSpinBox::up-arrow {{ image: url({controls}/arrow-up-{name}.svg); width: 10px; height: 10px; }}
QAbstractSpinBox::down-arrow {{ image: url({controls}/arrow-down-{name}.svg); width: 10px; height: 10px; }}
QLineEdit:focus, QComboBox:focus, QAbstractSpinBox:focus {{ border-color: {t.accent}; }}
QCheckBox, QRadioButton {{ spacing: {SPACE}px; }}
QCheckBox::indicator, QAbstractItemView::indicator, QRadioButton::indicator {{ width: 14px; height: 14px; border: 1px solid {t.muted};
    background: {t.surface}; }}
QCheckBox::indicator, QAbstractItemView::indicator {{ border-radius: 3px; }}
QRadioButton::indicator {{ border-radius: 8px; }}
QCheckBox::indicator:hover, QAbstractItemView::indicator:hover, QRadioButton::indicator:hover {{ border-color: {t.accent}; }}
QCheckBox::indicator:checked, QAbstractItemView::indicator:checked {{ background: {t.accent}; border-color: {t.accent};
    image: url({controls}/check-{name}.svg); }}
QRadioButton::indicator:checked {{ width: 6px; height: 6px; border: 5px solid {t.accent}; }}
QCheckBox::indicator:disabled, QAbstractItemView::indicator:disabled, QRadioButton::indicator:disabled {{ border-color: {t.border}; background: {t.window}; }}
QCheckBox::indicator:checked:disabled, QAbstractItemView::indicator:checked:disabled {{ background: {t.border}; }}
QRadioButton::indicator:checked:disabled {{ border-color: {t.border}; }}
QProgressBar {{ border: none; border-radius: 3px; background: {t.border}; max-height: 6px; min-height: 6px;
    text-align: center; }}
QProgressBar::chunk {{ background: {t.accent}; border-radius: 3px; }}
QScrollBar:vertical {{ background: transparent; width: 12px; margin: 0; }}
QScrollBar:horizontal {{ background: transparent; height: 12px; margin: 0; }}
QScrollBar::handle {{ background: {t.border}; border-radius: 4px; margin: 2px; min-height: 24px; min-width: 24px; }}
QScrollBar::handle:hover {{ background: {t.muted}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
"""
