"""Decides how "why was this called a defect" is shown for the selected detection, and what is said while it is unknown.

Below the reasons stand the detection's facts (`app.panels.details`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSlider, QWidget

from app.class_colours import class_colour
from app.gallery.thumbnails import to_image
from app.panels.class_scores import ClassScores, scores_at
from app.panels.details import Details
from app.panels.explainer import Answer, Explainer, Question
from app.panels.layout import Group, Panel, muted, value_label
from app.panels.why_picture import WhyPicture
from app.session import Session
from core.class_colours import class_name

if TYPE_CHECKING:
    from core.explain import Explanation

DEFAULT_BLEND = 55


class WhyPanel(Panel):
    """The crop with the model's reasons over it, the scores of the other classes there, and the detection's facts.

    `answer`: see `Explainer`.
    """

    def __init__(self, session: Session, parent: QWidget | None = None, answer: Answer | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._shown: tuple[Question, Explanation] | None = None
        self.explainer = Explainer(self, answer)
        self.picture = WhyPicture()
        self.reading = muted()
        self.blend = QSlider(Qt.Orientation.Horizontal)
        self._percent = value_label("100 %")
        self.scores = ClassScores()
        self.details = Details(session)
        self._blend_group = Group("Why")
        self._scores_group = Group("Scores here")
        self._lay_out()
        self._connect()
        self._selection_changed()

    def shut(self) -> None:
        """Ends what computes; to be called before the window goes."""
        self.explainer.close()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.picture.fit_into(event.size().height())
        super().resizeEvent(event)

    # -- following --------------------------------------------------------------------------------

    def _selection_changed(self) -> None:
        session = self._session
        detection, scan, section = session.selected, session.scan, session.section
        self._shown = None
        self._blend_group.body.setEnabled(False)
        self.reading.clear()
        self._scores_changed()
        if detection is None or scan is None or section is None:
            self.explainer.ask(None)
            self.picture.show_message("Select a detection to see what the model went by.")
            return
        self.picture.show_message("…")
        self.explainer.ask(Question(section, session.project, scan, detection))

    def _scores_changed(self) -> None:
        session = self._session
        detection, scan, score_map = session.selected, session.scan, session.score_map
        several = detection is not None and scan is not None and score_map is not None and len(scan.labels) > 1
        found = scores_at(detection, scan, score_map) if several else {}  # type: ignore[arg-type]
        self._scores_group.setVisible(bool(found))
        if found and scan is not None:
            full = 1.0 if scan.score_unit == "probability" else max(found.values())
            self.scores.set_scores(found, scan.labels, full or 1.0, scan.score_unit)
            self.scores.setToolTip(f"The highest score of each class within the box ({scan.score_unit})")

    def _said(self, question: Question, text: str) -> None:
        self.picture.show_message(text)

    def _answered(self, question: Question, explanation: Explanation) -> None:
        self._shown = question, explanation
        has_heat = explanation.heat is not None
        self._blend_group.body.setEnabled(has_heat)
        self.reading.setText(_reading(question, has_heat))
        self._draw()

    def _failed(self, question: Question, text: str) -> None:
        self.picture.show_message(text)

    def _draw(self) -> None:
        if self._shown is None:
            return
        from core.explain import overlay

        question, explanation = self._shown
        detection = question.detection
        blended = overlay(explanation, self.blend.value() / 100)
        colour = class_colour(detection.label, question.scan.labels)
        self.picture.show_image(to_image(blended), explanation.box, detection.box, colour)

    def _blended(self, percent: int) -> None:
        self._percent.setText(f"{percent} %")
        self._draw()

    # -- making -----------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.blend.setRange(0, 100)
        self.blend.setToolTip("How much of the reasons covers the crop")
        self._blend_group.add_wide(self.picture)
        self._blend_group.add_row("Reasons", self.blend, self._percent)
        self._blend_group.add_wide(self.reading)
        self._scores_group.add_wide(self.scores)
        self.column.addWidget(self._blend_group)
        self.column.addWidget(self._scores_group)
        self.column.addWidget(self.details)
        self.column.addStretch(1)

    def _connect(self) -> None:
        session = self._session
        session.selection_changed.connect(lambda _: self._selection_changed())
        session.section_changed.connect(self._selection_changed)
        session.score_map_changed.connect(self._scores_changed)
        self.explainer.said.connect(self._said)
        self.explainer.answered.connect(self._answered)
        self.explainer.failed.connect(self._failed)
        self.blend.valueChanged.connect(self._blended)
        self.blend.setValue(DEFAULT_BLEND)


def _reading(question: Question, has_heat: bool) -> str:
    """How to read the picture, by what kind of model it comes from."""
    if not has_heat:
        return f"{question.scan.model_name} gives no reasons for what it finds. This is what it saw."
    if question.scan.family == "anomaly":
        return "Bright where the texture is rare in this section."
    return f"Bright where the picture speaks for “{class_name(question.detection.label).lower()}” (Grad-CAM)."
