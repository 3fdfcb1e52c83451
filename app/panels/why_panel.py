"""Decides how "why was this called a defect" is shown for the selected detection, and what is said while it is unknown.

Below the reasons stand the detection's facts (`app.panels.details`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QSlider, QWidget

from app.class_colours import class_colour
from app.gallery.rendering import to_image
from app.layout import Group, Panel, muted, value_label
from app.own_keys import keeps_key
from app.panels.class_scores import ClassScores
from app.panels.details import Details
from app.panels.explainer import Answer, Explainer, Question
from app.panels.why_evidence import EvidencePictures
from app.panels.why_picture import WhyPicture
from app.scan_queue.wording import before_scan
from app.scores import PROBABILITY
from app.session import Session
from core.class_colours import class_name
from core.geometry import Box
from core.top_classes import class_scores

if TYPE_CHECKING:
    from core.explain import Explanation

DEFAULT_BLEND = 55
_PLACES = {Qt.Key.Key_1: 0, Qt.Key.Key_2: 1, Qt.Key.Key_3: 2}
_PLAIN = (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)


class WhyPanel(Panel):
    """The crop with the model's reasons over it, the scores of all classes there, and the detection's facts.

    Of the three surest classes each can be chosen (1 to 3, or a click): the reasons are those for it then.

    `answer`: see `Explainer`.
    """

    def __init__(self, session: Session, parent: QWidget | None = None, answer: Answer | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._shown: tuple[Question, Explanation] | None = None
        self.explainer = Explainer(self, answer)
        self.picture = WhyPicture()
        self.evidence = EvidencePictures()
        self._large = -1  # which piece of evidence is shown large; -1: the crop
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

    def event(self, event: QEvent) -> bool:
        plain = isinstance(event, QKeyEvent) and event.modifiers() in _PLAIN
        return (plain and bool(self.scores.choices) and keeps_key(event, _PLACES)) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        place = _PLACES.get(Qt.Key(event.key())) if event.modifiers() in _PLAIN else None
        if place is None or not self.scores.choices:
            super().keyPressEvent(event)
        else:
            self.scores.choose(place)

    # -- following --------------------------------------------------------------------------------

    def _selection_changed(self) -> None:
        session = self._session
        detection, scan = session.selected, session.scan
        self._shown, self._large = None, -1
        self.evidence.show_evidence(())
        self.blend.setEnabled(False)
        self.reading.clear()
        self._scores_changed()
        if detection is None or scan is None or session.section is None:
            self.explainer.ask(None)
            self._tell_what_first()
            return
        self.picture.show_message("…")
        # Of a class that only people know a model has nothing to say.
        self._ask_about(detection.said_label if detection.said_label in scan.labels else scan.labels[0])

    def _tell_what_first(self) -> None:
        """While there is nothing to give reasons for."""
        session = self._session
        if session.selected is None or session.scan is None:
            first = "Select" if session.scan is not None else f"{before_scan(session)} Then select"
            self.picture.show_message(f"{first} a detection to see what the model went by.")

    def _ask_about(self, label: str) -> None:
        session = self._session
        detection, scan, section = session.selected, session.scan, session.section
        if detection is not None and scan is not None and section is not None:
            self.explainer.ask(Question(section, session.project, scan, detection, label))

    def _scores_changed(self, keep: str = "") -> None:
        """`keep`: the class that stays chosen, if it is still there."""
        session = self._session
        detection, scan, score_map = session.selected, session.scan, session.score_map
        several = detection is not None and scan is not None and score_map is not None and len(scan.labels) > 1
        found = class_scores(score_map, scan.labels, detection) if several else {}  # type: ignore[arg-type, union-attr]
        self._scores_group.setVisible(bool(found))
        unit = scan.score_unit if scan is not None else PROBABILITY
        full = 1.0 if unit == PROBABILITY else max(found.values(), default=1.0)
        self.scores.set_scores(found, scan.labels if scan is not None else (), full or 1.0, unit, keep)

    def _said(self, question: Question, text: str) -> None:
        self.picture.show_message(text)

    def _answered(self, question: Question, explanation: Explanation) -> None:
        self._shown, self._large = (question, explanation), -1
        self.evidence.show_evidence(explanation.evidence)
        has_heat = explanation.heat is not None
        self.blend.setEnabled(has_heat)
        self.reading.setText(_reading(question, has_heat))
        self._draw()

    def _failed(self, question: Question, text: str) -> None:
        self.picture.show_message(text)

    def _draw(self) -> None:
        if self._shown is None:
            return
        from core.explain import overlay

        question, explanation = self._shown
        detection, size = question.detection, question.section.info.pixel_size_um
        pixels, width_px = overlay(explanation, self.blend.value() / 100), explanation.box.w
        crop: Box | None = explanation.box
        if self._large >= 0:
            large = explanation.evidence[self._large]
            pixels, crop, width_px = large.pixels, explanation.box_of(large), explanation.level0_width(large)
        self.picture.show_scale(width_px * size[0] if size is not None else None)
        self.picture.show_image(
            to_image(pixels), crop, detection.box, class_colour(detection.label, question.scan.labels)
        )

    def _enlarge(self, place: int) -> None:
        """Shows a piece of evidence in the crop's place, or the crop again."""
        self._large = place
        self._draw()

    def _blended(self, percent: int) -> None:
        self._percent.setText(f"{percent} %")
        self._draw()

    # -- making -----------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.blend.setRange(0, 100)
        self.blend.setToolTip("How much of the reasons covers the crop")
        self._blend_group.add_wide(self.picture)
        self._blend_group.add_wide(self.evidence)
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
        session.scans_changed.connect(self._tell_what_first)
        session.scan_started.connect(self._tell_what_first)
        session.scan_finished.connect(lambda _: self._tell_what_first())
        session.score_map_changed.connect(lambda: self._scores_changed(self.scores.current))
        self.scores.chosen.connect(self._ask_about)
        self.evidence.chosen.connect(self._enlarge)
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
        if question.scan.score_unit == "rarity":
            return "Bright where the texture is rare in this section."
        return "Bright where it is least like what is normal."
    return f"Bright where the picture speaks for “{class_name(question.label).lower()}” (Grad-CAM)."
