"""Decides what the help windows say: keys, log, and what Schliff is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QFontDatabase, QGuiApplication, QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

import core
from app.commands.base import ActionSpec
from app.theme import SPACE, tokens

MOUSE_KEYS = (
    ("Wheel", "zoom at the pointer"),
    ("Drag", "move the section"),
    ("Double click", "zoom in at the point"),
    ("Shift and drag", "draw a rectangle to scan"),
    ("Click on a box", "select it, in the gallery too"),
    ("Arrow keys", "move the view"),
    ("Side buttons", "back and forward through the views"),
)


def shortcuts_dialog(parent: QWidget, menus: Mapping[str, Sequence[ActionSpec]]) -> QDialog:
    label = QLabel(_shortcuts_html(menus))
    label.setTextFormat(Qt.TextFormat.RichText)
    label.setContentsMargins(SPACE, SPACE, SPACE, SPACE)
    area = QScrollArea()
    area.setFrameShape(QScrollArea.Shape.NoFrame)
    area.setWidgetResizable(True)
    area.setWidget(label)
    return _dialog(parent, "Keyboard shortcuts", area, 520, 640)


def log_dialog(parent: QWidget, lines: Sequence[str], path: Path | None = None) -> QDialog:
    """`path`: the file the lines are in, too; it holds whole traces."""
    text = QPlainTextEdit("\n".join(lines) or "Nothing has happened yet.")
    text.setReadOnly(True)
    text.setAccessibleName("Log")
    text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
    text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
    copy, folder = QPushButton("Copy all"), QPushButton("Show the files")
    copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(text.toPlainText()))
    folder.setEnabled(path is not None)
    if path is not None:
        folder.setToolTip(f"{path}\nand those of earlier starts. They hold no part of any image.")
        folder.clicked.connect(lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.parent))))
    return _dialog(parent, "Log", text, 800, 480, (copy, folder))


def about_dialog(parent: QWidget) -> QDialog:
    label = QLabel(
        f"<h2>Schliff {core.__version__}</h2>"
        "<p>Finds the defects in light-microscope images of whole polished sections,<br>"
        "shows the worst first, and hands them over to the electron microscope.</p>"
        "<p>A score is a model's opinion. A defect is what a person has confirmed.</p>"
    )
    label.setContentsMargins(SPACE, SPACE, SPACE, SPACE)
    return _dialog(parent, "About Schliff", label, 0, 0)


def _dialog(
    parent: QWidget, title: str, body: QWidget, width: int, height: int, more: Sequence[QPushButton] = ()
) -> QDialog:
    dialog = QDialog(parent)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setWindowTitle(title)
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
    buttons.rejected.connect(dialog.reject)
    for button in more:
        buttons.addButton(button, QDialogButtonBox.ButtonRole.ActionRole)
    layout = QVBoxLayout(dialog)
    layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
    layout.setSpacing(SPACE)
    layout.addWidget(body)
    layout.addWidget(buttons)
    if width:
        dialog.resize(width, height)
    return dialog


def _shortcuts_html(menus: Mapping[str, Sequence[ActionSpec]]) -> str:
    muted = tokens().muted
    parts = []
    for menu in ("Review", *(menu for menu in menus if menu != "Review")):  # what the hands do most comes first
        rows = [(_keys(spec.shortcuts), spec.text.rstrip("…")) for spec in menus[menu] if spec.shortcuts]
        if rows:
            parts.append(_table(menu, rows, muted))
    parts.insert(1, _table("Mouse and arrows", MOUSE_KEYS, muted))
    return "".join(parts)


def _keys(shortcuts: Sequence[str]) -> str:
    return " or ".join(QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText) for keys in shortcuts)


def _table(title: str, rows: Sequence[tuple[str, str]], muted: str) -> str:
    body = "".join(
        f"<tr><td width='170' style='padding: 3px 16px 3px 0; color: {muted}'>{escape(keys)}</td>"
        f"<td style='padding: 3px 0'>{escape(text)}</td></tr>"
        for keys, text in rows
    )
    return f"<p style='margin: 8px 0 4px 0'><b>{escape(title)}</b></p><table cellspacing='0'>{body}</table>"
