"""Decides what Schliff says of itself in the Help menu."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

import core
from app.icons import program_icon
from app.theme import SPACE

_ICON_SIDE = 72


def about_dialog(parent: QWidget) -> QDialog:
    label = QLabel(
        f"<h2>Schliff {core.__version__}</h2>"
        "<p>Finds the defects in light-microscope images of whole polished sections,<br>"
        "shows the worst first, and hands them over to the electron microscope.</p>"
        "<p>A score is a model's opinion. A defect is what a person has confirmed.</p>"
    )
    picture, body = QLabel(), QWidget()
    picture.setPixmap(program_icon().pixmap(_ICON_SIDE))
    row = QHBoxLayout(body)
    row.setContentsMargins(SPACE, SPACE, SPACE, SPACE)
    row.setSpacing(3 * SPACE)
    row.addWidget(picture, alignment=Qt.AlignmentFlag.AlignTop)
    row.addWidget(label)
    licences = QPushButton("Licences")
    licences.setToolTip("Of Schliff, and of all that it consists of")
    dialog = QDialog(parent)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setWindowTitle("About Schliff")
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
    buttons.rejected.connect(dialog.reject)
    buttons.addButton(licences, QDialogButtonBox.ButtonRole.ActionRole)
    layout = QVBoxLayout(dialog)
    layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
    layout.setSpacing(SPACE)
    layout.addWidget(body)
    layout.addWidget(buttons)
    licences.clicked.connect(lambda: _show_licences(dialog))  # a button that held the parent could be its end
    return dialog


def _show_licences(beside: QDialog) -> None:
    from app.licences_dialog import LicencesDialog

    LicencesDialog(beside.parentWidget()).show()
