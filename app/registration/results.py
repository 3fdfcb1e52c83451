"""Decides what is shown of a registration beside the table: how it is fitted, how good it is, what to beware of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QWidget

from app.combo import ComboBox
from app.layout import Panel, muted
from app.registration.wording import UNIT_NAMES, arrows_text, error_text, field_text, fit_facts, missing_text, sem_text
from app.theme import SPACE, tokens
from core.registration.arrows import arrow_factor

if TYPE_CHECKING:
    from app.session import Session
    from core.registration.registration import RegistrationKind

KINDS: dict[RegistrationKind, str] = {"auto": "Automatic", "similarity": "Similarity", "affine": "Affine"}
WIDTH = 320
_TEXT_WIDTH = WIDTH - 2 * SPACE - 12  # beside a scroll bar
_FACTS = ("Fit", "Scale", "Rotation", "Mirrored", "Residuals")


class Results(Panel):
    """Follows the session; kind of fit and unit are chosen here."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.kind, self.unit = ComboBox(), ComboBox()
        self.facts: dict[str, QLabel] = {name: QLabel() for name in _FACTS}
        self._facts = QWidget()
        self.reason = muted()
        self.warnings = QLabel(wordWrap=True)
        self.arrows = muted()
        self.place = QLabel(wordWrap=True)
        self._texts = (self.reason, self.warnings, self.place, self.arrows)
        self.setFixedWidth(WIDTH)
        self._lay_out()
        self._connect()
        self.follow()

    def follow(self) -> None:
        registration, selected = self._session.registration, self._session.selected
        fit = registration.fit
        for combo, chosen in ((self.kind, registration.kind), (self.unit, registration.unit)):
            combo.blockSignals(True)
            combo.setCurrentIndex(combo.findData(chosen))
            combo.blockSignals(False)
        self.reason.setText("" if fit else missing_text(registration))
        self.reason.setVisible(fit is None)
        self._facts.setVisible(fit is not None)
        told = "\n".join(fit.warnings) if fit else ""
        self.warnings.setText(told)
        self.warnings.setVisible(bool(told))
        self._colour()
        arrows = arrows_text(arrow_factor(fit)) if fit else ""
        self.arrows.setText(arrows)
        self.arrows.setVisible(bool(arrows))
        where = ""
        if fit is not None and selected is not None:
            x, y = selected.box.center
            field = field_text(fit, selected.box)
            where = f"#{selected.id} in the SEM: {sem_text(fit, x, y)}, {error_text(fit, x, y)}"
            where += f"; a field {field} shows it" if field else ""
        self.place.setText(where)
        self.place.setVisible(bool(where))
        for name, text in (fit_facts(fit) if fit else {}).items():
            self.facts[name].setText(text)
        for label in self._texts:  # else wrapped texts are squeezed rather than scrolled
            label.setMinimumHeight(max(label.heightForWidth(_TEXT_WIDTH), 0))

    def _colour(self) -> None:
        palette = self.warnings.palette()
        palette.setColor(QPalette.ColorRole.WindowText, tokens().warning)
        self.warnings.setPalette(palette)

    def _lay_out(self) -> None:
        for kind, name in KINDS.items():
            self.kind.addItem(name, kind)
        self.kind.setAccessibleName("Kind of fit")
        self.kind.setToolTip("Automatic: a similarity, from five fiducials on an affine where it fits clearly better")
        for unit, name in UNIT_NAMES.items():
            self.unit.addItem(name, unit)
        self.unit.setAccessibleName("Unit of SEM positions")
        self.unit.setToolTip("In which the SEM shows its stage; the numbers in the table stay as they are")
        choices = QHBoxLayout()
        choices.setSpacing(SPACE)
        choices.addWidget(self.kind, 2)
        choices.addWidget(self.unit, 1)
        grid = QGridLayout(self._facts)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(SPACE)
        grid.setVerticalSpacing(SPACE // 2)
        for place, (name, value) in enumerate(self.facts.items()):
            label = muted(name, wrap=False)
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            value.setAccessibleName(name)
            grid.addWidget(label, place // 2, 2 * (place % 2))
            grid.addWidget(value, place // 2, 2 * (place % 2) + 1)
        self._facts.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)
        self.column.setSpacing(SPACE)
        self.column.addLayout(choices)
        for widget in (self._facts, *self._texts):
            self.column.addWidget(widget)
        self.column.addStretch(1)

    def _connect(self) -> None:
        session = self._session
        session.registration.changed.connect(self.follow)
        session.selection_changed.connect(lambda source: self.follow())
        session.detections_changed.connect(self.follow)
        self.kind.currentIndexChanged.connect(lambda _: session.registration.set_kind(self.kind.currentData()))
        self.unit.currentIndexChanged.connect(lambda _: session.registration.set_unit(self.unit.currentData()))
