"""Decides how the log is shown, copied, and saved as one file that can be sent."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QFontDatabase, QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.log_file import pack
from app.theme import SPACE
from core.counting import counted
from core.errors import SchliffError

SIZE = (800, 480)
ZIP_NAME = "schliff-log.zip"


class LogDialog(QDialog):
    """`path`: the file the lines are in, too; it holds whole traces. None where no file could be written."""

    def __init__(self, parent: QWidget, lines: Sequence[str], path: Path | None) -> None:
        super().__init__(parent)
        self._path = path
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Log")
        self.text = QPlainTextEdit("\n".join(lines) or "Nothing has happened yet.", readOnly=True)
        self.text.setAccessibleName("Log")
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.said = QLabel("Logs hold names of files and folders, and no part of any image.")
        self.said.setWordWrap(True)
        self.copy, self.folder, self.save = QPushButton("Copy all"), QPushButton("Show the files"), QPushButton("Save…")
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.text.toPlainText()))
        self.folder.clicked.connect(self._show_folder)
        self.save.clicked.connect(self._save)
        self.save.setToolTip("The logs of the last starts as one ZIP file, to send to whoever helps you")
        self.folder.setToolTip("" if path is None else f"{path}\nand those of earlier starts")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        for button in (self.copy, self.folder, self.save):
            buttons.addButton(button, QDialogButtonBox.ButtonRole.ActionRole)
            button.setEnabled(path is not None or button is self.copy)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        layout.setSpacing(SPACE)
        for widget in (self.text, self.said, buttons):
            layout.addWidget(widget)
        self.resize(*SIZE)

    def _show_folder(self) -> None:
        if self._path is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._path.parent)))

    def _save(self) -> None:
        if self._path is None:
            return
        offered = str(Path.home() / ZIP_NAME)
        name, _ = QFileDialog.getSaveFileName(self, "Save the log", offered, "ZIP (*.zip)")
        if not name:
            return
        out = Path(name) if Path(name).suffix else Path(name).with_suffix(".zip")
        try:
            count = pack(self._path.parent, out)
        except SchliffError as error:
            self.said.setText(str(error))
        else:
            self.said.setText(f"Saved: {out} ({counted(count, 'file')})")
