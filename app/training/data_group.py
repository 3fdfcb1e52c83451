"""Decides how the data of a training is chosen, and shows what it holds before anything is begun."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QMenu, QSizePolicy, QWidget

from app.combo import ComboBox
from app.jobs import Job
from app.layout import Group, tool_button
from app.session import Session
from app.settings import Settings
from app.theme import SPACE, tokens
from app.training.data_summary import DataSummary, summarise
from core.jobs import CancelToken, Progress

AGAIN_MS = 800  # after a decision: several often follow each other
PROJECT_CHOICE = "This project’s decisions"
# What is found out about data, in a lane: it may be many files. Raises InputError for what can't be used.
Summarise = Callable[[Path, Progress, CancelToken], DataSummary]
_TIP = Qt.ItemDataRole.ToolTipRole


class DataGroup(Group):
    """This project's decisions, or a folder or file of somebody's. `changed()` when another one is chosen or was read.

    `asks`: what the data is for, as people read it; `look`: what is found out about it.
    """

    HINT = (
        "Judge some detections of the open section: its project is offered here then. Or choose a folder of images or of marked "
        "sections, or drop it here."
    )

    changed = Signal()
    used = Signal(str)  # a path that was chosen by hand, for the list of recent ones

    def __init__(
        self,
        session: Session,
        asks: str = "Data to learn from",
        look: Summarise = summarise,
        parent: QWidget | None = None,
        title: str = "Data",
    ) -> None:
        super().__init__(title, parent)
        self._session, self._asks, self._look_at = session, asks, look
        self._recent: list[Path] = []
        self._job: Job | None = None
        self.summary: DataSummary | None = None
        self.error = ""
        self._hint = ""  # in place of an error where nothing is wrong, only not begun
        self.choice = ComboBox()
        self.choose = tool_button("open", "Choose a folder or a file", self._ask)
        self.text, self.odd = QLabel(), QLabel()
        self._again = QTimer(self, singleShot=True, interval=AGAIN_MS)
        self._again.timeout.connect(self.read)
        self._lay_out()
        self._fill(None)
        self.choice.currentIndexChanged.connect(lambda _: self.read())
        session.project_changed.connect(self._project_changed)
        session.decisions_changed.connect(self._decided)

    @property
    def path(self) -> Path | None:
        """What is learnt from, None while nothing is chosen."""
        return self.choice.currentData()

    @property
    def is_project(self) -> bool:
        return self.path is not None and self.path == self._project

    @property
    def reading(self) -> bool:
        return self._job is not None

    def set_recent(self, paths: Sequence[Path]) -> None:
        self._recent = list(paths)
        self._fill(self.path)

    def remember_in(self, settings: Settings) -> None:
        """Offers what was chosen before, in any window, and keeps what is chosen from now on."""
        self.set_recent([Path(name) for name in settings.get("training_data") if isinstance(name, str)])
        self.used.connect(lambda path: settings.put_first("training_data", path))

    def add(self, path: Path) -> None:
        """Chooses a folder or file."""
        whole = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links
        self._recent = [whole, *(one for one in self._recent if one != whole)]
        self._fill(whole)
        self.used.emit(str(whole))

    def read(self) -> None:
        """Finds out anew what the chosen data holds, unless nobody looks: then as soon as somebody does."""
        self.leave()
        self.summary, self.error, self._hint = None, "", ""
        path = self.path
        if path is not None and self.isVisible():
            job = self._job = Job(lambda progress, cancel: self._look_at(path, progress, cancel), "Reading data")
            job.finished.connect(lambda summary: self._read(job, summary, None))
            job.failed.connect(lambda error: self._read(job, None, error))
            self._session.lanes.data.submit(job)
        self._show()

    def leave(self) -> None:
        """Stops looking: what is being read is not waited for."""
        job, self._job = self._job, None
        if job is not None:
            job.cancel()

    def showEvent(self, event: object) -> None:
        super().showEvent(event)  # type: ignore[arg-type]
        if self.summary is None and self._job is None:
            self.read()

    # -- following ---------------------------------------------------------------------------------

    @property
    def _project(self) -> Path | None:
        return self._session.project.path if self._session.project is not None else None

    def _offered(self) -> list[tuple[str, Path]]:
        """What is there to choose before anybody has chosen a path."""
        return [(PROJECT_CHOICE, self._project)] if self._project is not None else []

    def _project_changed(self) -> None:
        """Where the project was chosen it stays chosen, whichever it is now."""
        self._fill(self._project if self.choice.currentText() == PROJECT_CHOICE else self.path)

    def _fill(self, wanted: Path | None) -> None:
        """Lists the project first; chooses `wanted` if it is there."""
        self.choice.blockSignals(True)
        self.choice.clear()
        for name, path in self._offered():
            self.choice.addItem(name, path)
        for path in self._recent:
            self.choice.addItem(path.name, path)
            self.choice.setItemData(self.choice.count() - 1, str(path), _TIP)
        index = next((i for i in range(self.choice.count()) if self.choice.itemData(i) == wanted), 0)
        self.choice.setCurrentIndex(index)
        self.choice.blockSignals(False)
        self.choice.setEnabled(self.choice.count() > 0)
        self.read()

    def _decided(self, ids: list[int]) -> None:
        if self.is_project:
            self._again.start()

    def _read(self, job: Job, summary: DataSummary | None, error: Exception | None) -> None:
        from core.data.reading import NothingJudgedError

        if job is self._job:
            self._job, self.summary, self.error = None, summary, str(error or "")
            if isinstance(error, NothingJudgedError):
                self._hint = f"Nothing has been judged in this project yet. {error.remedy}"
            self._show()

    def _show(self) -> None:
        theme = tokens()
        if self.path is None:
            text, odd = self.HINT, ""
        elif self._job is not None:
            text, odd = "Reading…", ""
        elif self.summary is not None:
            text, odd = self.summary.text, "\n".join(f"• {line}" for line in self.summary.odd)
        elif self._hint:
            text, odd = self._hint, ""
        else:
            text, odd = "", self.error
        self.text.setText(text)
        self.text.setVisible(bool(text))
        self.odd.setText(odd)
        self.odd.setStyleSheet(f"color: {theme.error if self.error else theme.warning}")
        self.odd.setVisible(bool(odd))
        self.choice.setToolTip(str(self.path) if self.path is not None else self._asks)
        self.changed.emit()

    # -- by hand -----------------------------------------------------------------------------------

    def _ask(self) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Folder…", self._ask_folder)
        menu.addAction("File…", self._ask_file)
        menu.popup(self.choose.mapToGlobal(self.choose.rect().bottomLeft()))

    def _ask_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, self._asks)
        if name:
            self.add(Path(name))

    def _ask_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, self._asks)
        if name:
            self.add(Path(name))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.add(paths[0])

    def _lay_out(self) -> None:
        self.setAcceptDrops(True)
        self.choice.setAccessibleName(self._asks)
        self.choice.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.choice.setMinimumContentsLength(12)
        self._row = QWidget()
        line = QHBoxLayout(self._row)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(SPACE // 2)
        line.addWidget(self.choice, 1)
        line.addWidget(self.choose)
        for label in (self.text, self.odd):
            label.setWordWrap(True)
        self.add_wide(self._row)
        self.add_wide(self.text)
        self.add_wide(self.odd)
