"""Decides how somebody sees which spectrum goes to which defect before it does, and is asked where that isn't clear."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.combo import ComboBox
from app.layout import muted
from app.session import Session
from app.theme import SPACE
from core.chemistry.composition import Composition
from core.chemistry.importing import Outcome
from core.chemistry.matching import Candidate, Match
from core.class_colours import class_name

SIZE = (820, 460)
_HEADS = ("Spectrum", "Composition", "Goes to", "Measured before")
_SPECTRUM, _COMPOSITION, _DEFECT = range(3)
_LEFT_OUT = "choose…"


class ImportDialog(QDialog):
    """`chosen()` says what is attached: all that is clear, and of the rest what somebody chose. Accepting attaches it."""

    def __init__(self, session: Session, path: Path, outcome: Outcome, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._outcome = session, outcome
        self._matches = (*outcome.ambiguous, *outcome.attached, *outcome.unmatched)  # what is asked comes first
        self.setWindowTitle("Import EDX results")
        self.summary, self.warning = QLabel(), muted("")
        self.table = QTableWidget(len(self._matches), len(_HEADS))
        self._before_items: list[QTableWidgetItem] = []  # by row
        self.choices: dict[int, ComboBox] = {}  # by row, of those that are asked for
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self._fill()
        self._lay_out(path)
        self.table.currentCellChanged.connect(lambda row, *_: self._show_in_section(row))
        self._changed()

    def chosen(self) -> dict[int, Composition]:
        """By the detection's id."""
        chosen = {}
        for row, match in enumerate(self._matches):
            target = self._target(row)
            if target is not None:
                chosen[target] = match.measurement.composition
        return chosen

    def accept(self) -> None:
        chosen, twice = self.chosen(), self._twice()
        if not chosen or twice:
            return
        self._session.chemistry.keep(chosen)
        spectra = "1 spectrum" if len(chosen) == 1 else f"{len(chosen):,} spectra"
        self._session.message.emit("info", f"The chemistry of {spectra} is kept with the defects. Edit ▸ Undo takes it back.")  # fmt: skip
        super().accept()

    # -- rows -------------------------------------------------------------------------------------

    def _target(self, row: int) -> int | None:
        """The id of the detection that a row goes to."""
        if row in self.choices:
            target: int | None = self.choices[row].currentData()
            return target
        match = self._matches[row]
        return match.candidates[0].detection.id if match.candidates else None

    def _twice(self) -> set[int]:
        """Detections to which several spectra would go."""
        targets = Counter(self._target(row) for row in range(len(self._matches)))
        return {target for target, count in targets.items() if target is not None and count > 1}

    def _fill(self) -> None:
        asked = len(self._outcome.ambiguous)
        for row, match in enumerate(self._matches):
            composition = match.measurement.composition
            texts = (composition.spectrum or "(no name)", composition.text(), _goes_to(match), self._before(match))
            for column, text in enumerate(texts):
                item = QTableWidgetItem(text)
                if not match.candidates:
                    item.setForeground(self.palette().placeholderText())
                item.setToolTip(composition.text(20, sigmas=True) if column == _COMPOSITION else text)
                self.table.setItem(row, column, item)
            self._before_items.append(item)  # that of the last column
            if row < asked:
                self.choices[row] = self._asked(row, match)

    def _asked(self, row: int, match: Match) -> ComboBox:
        combo = ComboBox()
        combo.addItem(_LEFT_OUT, None)
        for one in match.candidates:
            combo.addItem(_named(one), one.detection.id)
        combo.setToolTip("Several defects may have been measured here, nearest first; only you know which one was")
        combo.currentIndexChanged.connect(lambda _: self._chose(row))
        self.table.setCellWidget(row, _DEFECT, combo)
        return combo

    def _before(self, match: Match) -> str:
        if len(match.candidates) != 1:
            return ""
        before = self._session.chemistry.of(match.candidates[0].detection.id)
        return before.text(3) if before is not None else ""

    def _chose(self, row: int) -> None:
        before = self._session.chemistry.of(self._target(row))
        self._before_items[row].setText(before.text(3) if before is not None else "")
        self._show_in_section(row)
        self._changed()

    def _show_in_section(self, row: int) -> None:
        """Where somebody chooses, they must see what."""
        match = self._matches[row] if 0 <= row < len(self._matches) else None
        if match is not None and match.candidates:
            self._session.select(self._target(row) or match.candidates[0].detection.id, "chemistry")

    def _changed(self) -> None:
        count, twice = len(self.chosen()), self._twice()
        ok = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        ok.setText(f"Attach {count:,}" if count else "Attach")
        ok.setEnabled(bool(count) and not twice)
        named = ", ".join(f"#{number}" for number in sorted(twice))
        self.warning.setText(f"Several spectra go to {named}. Choose one for each defect." if twice else "")
        self.warning.setVisible(bool(twice))

    # -- looks ------------------------------------------------------------------------------------

    def _lay_out(self, path: Path) -> None:
        outcome, table = self._outcome, self.table
        self.summary.setText(
            f"<b>{path.name}</b>: {len(outcome.attached):,} of {len(self._matches):,} spectra are clear"
            + (f", {len(outcome.ambiguous):,} to be chosen by you" if outcome.ambiguous else "")
            + (f", {len(outcome.unmatched):,} where no defect is" if outcome.unmatched else "")
            + "."
        )
        table.setHorizontalHeaderLabels(_HEADS)
        table.verticalHeader().hide()
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setWordWrap(False)
        header = table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(_SPECTRUM, QHeaderView.ResizeMode.ResizeToContents)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        column.setSpacing(SPACE)
        for widget in (self.summary, table, self.warning, self.buttons):
            column.addWidget(widget, 1 if widget is table else 0)
        self.resize(*SIZE)


def _goes_to(match: Match) -> str:
    if not match.candidates:
        return "no defect there"
    return _named(match.candidates[0]) if len(match.candidates) == 1 else ""


def _named(one: Candidate) -> str:
    away = "by its number" if one.distance_um is None else f"{one.distance_um:.1f} µm away"
    return f"#{one.detection.id} {class_name(one.detection.label)}, {away}"
