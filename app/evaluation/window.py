"""Decides how a model is evaluated by hand: model and data on the left, what came of it on the right, earlier ones at hand."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.evaluation.pictures import Shown, image_of_pixels, with_box
from app.evaluation.result_view import ResultView
from app.evaluation.runner import Carry, EvaluationRunner
from app.jobs import Job
from app.layout import Group, muted
from app.panels.model_group import ListModels, ModelGroup, list_models
from app.session import Session
from app.theme import SPACE, tokens
from app.training.data_group import DataGroup
from app.training.data_summary import summarise_to_judge
from core.errors import InputError, SchliffError
from core.evaluation.cells import CellPlace, places_of
from core.evaluation.crops import crop_around
from core.evaluation.page import write_page
from core.evaluation.request import EvaluateRequest
from core.evaluation.store import read_evaluation, stored_evaluations
from core.evaluation.values import Evaluation
from core.evaluation.words import headline, spoken_label
from core.jobs import CancelToken, Progress, Step

SIZE = (1180, 720)
LEFT = 300
MOST_PICTURES = 24  # of a cell


class EvaluationWindow(QDialog):
    """Stays open beside the section. `carry`: another way to evaluate than a worker process."""

    def __init__(
        self, session: Session, parent: QWidget | None = None, list_them: ListModels = list_models,
        carry: Carry | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._session = session
        self._list_them = list_them
        self.runner = EvaluationRunner(session.lanes.judging, self, carry)
        self.judged: Evaluation | None = None
        self._crops: Job | None = None
        self.setWindowTitle("Evaluate a model")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setModal(False)
        self.model = ModelGroup(list_them)
        self.data = DataGroup(session, "Data to judge it on", summarise_to_judge)
        self.begin, self.stop = QPushButton("Evaluate"), QPushButton("Stop")
        self.bar, self.told = QProgressBar(), muted()
        self.earlier, self.save = QListWidget(), QPushButton("Save as HTML…")
        self.title, self.view = QLabel(), ResultView()
        self._lay_out()
        self._connect()
        self.model.refresh(prefer=session.scan.model_id if session.scan is not None else None)
        self._refresh()
        self.resize(*SIZE)

    # -- evaluating --------------------------------------------------------------------------------

    def _start(self) -> None:
        spec, path = self.model.spec, self.data.path
        if spec is None or path is None:
            return
        self._tell("")
        self.bar.setRange(0, 0)
        self.runner.start(EvaluateRequest.of(spec, path))
        self._refresh()

    def _progressed(self, step: Step) -> None:
        self.bar.setRange(0, step.total)
        self.bar.setValue(step.done)
        self.told.setText(step.message)

    def _finished(self, path: Path) -> None:
        self._tell("")
        self._model_changed()
        self.open_evaluation(path)

    def _failed(self, error: Exception) -> None:
        self._tell(str(error), is_error=True)
        if not isinstance(error, SchliffError):
            self._session.report(error)
        self._refresh()

    def _stopped(self) -> None:
        self._tell("Stopped.")
        self._refresh()

    def _tell(self, text: str, is_error: bool = False) -> None:
        self.told.setText(text)
        self.told.setStyleSheet(f"color: {tokens().error}" if is_error else "")

    # -- looking -----------------------------------------------------------------------------------

    def open_evaluation(self, path: Path) -> None:
        """Shows one that is kept."""
        try:
            judged = read_evaluation(path)
        except SchliffError as error:
            self._tell(str(error), is_error=True)
            return
        self.judged = judged
        self.title.setText(f"<b>{judged.model['name']}</b> on {Path(judged.data['source']).name}".replace("&", "&amp;"))
        self.view.show_evaluation(judged)
        self.view.compare(self._comparable(judged))
        for row in range(self.earlier.count()):
            if self.earlier.item(row).data(Qt.ItemDataRole.UserRole) == str(path):
                self.earlier.setCurrentRow(row)
        self._refresh()

    def _comparable(self, judged: Evaluation) -> list[Evaluation]:
        """All there are on the same data, of any model, newest first."""
        found = [judged]
        for spec in self._list_them():
            for path in stored_evaluations(spec):
                try:
                    other = read_evaluation(path)
                except SchliffError:
                    continue
                if other.name != judged.name and other.data["fingerprint"] == judged.data["fingerprint"]:
                    found.append(other)
        return sorted(found, key=lambda one: one.made["date"], reverse=True)

    def _model_changed(self) -> None:
        """Lists what is known of the chosen model."""
        self.earlier.clear()
        spec = self.model.spec
        for path in stored_evaluations(spec) if spec is not None else ():
            try:
                one = read_evaluation(path)
            except SchliffError:
                continue
            first = next(iter(headline(one).values()))
            figure = "–" if first is None else f"{100 * first:.0f} %"
            date = one.made["date"][:16].replace("T", " ")
            old = "" if one.model["version"] == getattr(spec, "version", "") else ", another version"
            item = QListWidgetItem(f"{Path(one.data['source']).name}: {figure}\n{date}{old}")
            item.setData(Qt.ItemDataRole.UserRole, str(path))
            self.earlier.addItem(item)
        self._refresh()

    def _show_cell(self, truth: str, predicted: str) -> None:
        """Reads the crops in the background; another cell replaces them."""
        judged = self.judged
        if judged is None:
            return
        places = places_of(judged, truth, predicted)
        more = f", {MOST_PICTURES} of them shown" if len(places) > MOST_PICTURES else ""
        self.view.cell_text.setText(f"{spoken_label(truth)} → {spoken_label(predicted)}: {len(places):,}{more}")
        self.view.cell.clear()
        if self._crops is not None:
            self._crops.cancel()

        def read(progress: Progress, cancel: CancelToken) -> None:
            for place in places[:MOST_PICTURES]:
                cancel.check()
                path = judged.pictures[place.picture].path
                try:
                    job.post(_crop(place, path))
                except InputError as error:  # it was moved since
                    job.post(Shown((), path.name, str(error)))

        job = self._crops = Job(read, "Reading pictures")
        job.posted.connect(lambda one: self.view.cell.add(one) if job is self._crops else None)
        self._session.lanes.data.submit(job)

    def _save(self) -> None:
        if self.judged is None:
            return
        name, _ = QFileDialog.getSaveFileName(self, "Save as HTML", f"{self.judged.name}.html", "HTML (*.html)")
        if name:
            try:
                write_page(self.judged, Path(name))
                self._tell(f"Saved {Path(name).name}.")
            except SchliffError as error:
                self._tell(str(error), is_error=True)
            self._refresh()

    def _use(self, threshold: float) -> None:
        self._session.set_threshold(threshold)

    def _show_history(self) -> None:
        spec = self.model.spec
        if spec is not None:
            from app.training.history_dialog import HistoryDialog

            HistoryDialog(self, spec, self._session.lanes.data).open()

    def _refresh(self) -> None:
        running, session = self.runner.running, self._session
        self.begin.setVisible(not running)
        self.begin.setEnabled(self.model.spec is not None and self.data.path is not None)
        self.stop.setVisible(running)
        self.bar.setVisible(running)
        self.told.setVisible(running or bool(self.told.text()))
        self.save.setVisible(self.judged is not None)
        self.view.setVisible(self.judged is not None)
        self.title.setVisible(self.judged is not None)
        self.hint.setVisible(self.judged is None)
        judged, scan = self.judged, session.scan
        fits = judged is not None and scan is not None and scan.model_id == judged.model["id"]
        self.view.use.setVisible(fits and judged is not None and judged.kind == "places")

    # -- making ------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.hint = muted(
            "Choose a model and data that it has not seen: what is marked there is compared with what it finds."
        )
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        earlier = Group("Earlier evaluations")
        earlier.add_wide(self.earlier)
        self.hint.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.earlier.setToolTip("What the chosen model came to before; a click shows it again")
        self.earlier.setAccessibleName("Earlier evaluations of this model")
        self.begin.setDefault(True)
        left = QVBoxLayout()
        left.setSpacing(2 * SPACE)
        for widget in (self.model, self.data, self.begin, self.stop, self.bar, self.told):
            left.addWidget(widget)
        left.addWidget(earlier, 1)
        side = QWidget()
        side.setFixedWidth(LEFT)
        side.setLayout(left)
        left.setContentsMargins(0, 0, 0, 0)
        head = QHBoxLayout()
        head.addWidget(self.title, 1)
        head.addWidget(self.save)
        right = QVBoxLayout()
        right.setSpacing(SPACE)
        right.addLayout(head)
        right.addWidget(self.hint, 1)
        right.addWidget(self.view, 1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        layout.setSpacing(2 * SPACE)
        layout.addWidget(side)
        layout.addLayout(right, 1)

    def _connect(self) -> None:
        self.model.model_changed.connect(self._model_changed)
        self.model.history_requested.connect(self._show_history)
        self.data.changed.connect(self._refresh)
        self.begin.clicked.connect(self._start)
        self.stop.clicked.connect(self.runner.cancel)
        self.save.clicked.connect(self._save)
        self.runner.progressed.connect(self._progressed)
        self.runner.finished.connect(self._finished)
        self.runner.failed.connect(self._failed)
        self.runner.cancelled.connect(self._stopped)
        self.earlier.itemClicked.connect(lambda item: self.open_evaluation(Path(item.data(Qt.ItemDataRole.UserRole))))
        self.earlier.itemActivated.connect(lambda item: self.open_evaluation(Path(item.data(Qt.ItemDataRole.UserRole))))
        self.view.cell_chosen.connect(self._show_cell)
        self.view.threshold_wanted.connect(self._use)
        self._session.scans_changed.connect(self._refresh)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape by mistake ends nothing that took minutes."""
        if event.key() == Qt.Key.Key_Escape and self.runner.running:
            return
        super().keyPressEvent(event)

    def done(self, result: int) -> None:
        """Ends what runs; nothing of it is kept."""
        if self._crops is not None:
            self._crops.cancel()
            self._crops = None
        self.data.leave()
        self.runner.shut()
        super().done(result)


def _crop(place: CellPlace, path: Path) -> Shown:
    """Raises InputError for a picture that can't be read."""
    pixels, shown = crop_around(path, place.box)
    score = "" if place.score is None else f"{place.score:.3f}  "
    return Shown((with_box(image_of_pixels(pixels), shown, place.box),), f"{score}{path.name}", str(path))
