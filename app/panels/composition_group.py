"""Decides how the chemistry of the selected detection is shown: each element with its amount, in at.% and in wt.%."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

from app.layout import Group, muted
from app.session import Session
from core.chemistry.composition import Composition, Unit

_UNITS: tuple[tuple[Unit, str], ...] = (("at%", "at.%"), ("wt%", "wt.%"))


class CompositionGroup(Group):
    """Follows the session; hidden where nothing was measured."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("Composition", parent)
        self._session = session
        self.amounts, self.source = QLabel(), muted("")
        self.amounts.setTextFormat(Qt.TextFormat.RichText)
        self.amounts.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.add_wide(self.amounts)
        self.add_wide(self.source)
        session.chemistry.changed.connect(self.follow)
        session.selection_changed.connect(lambda _: self.follow())
        session.detections_changed.connect(self.follow)
        self.follow()

    def follow(self) -> None:
        composition = self._session.chemistry.of(self._session.selected_id)
        self.setVisible(composition is not None)
        if composition is not None:
            self.amounts.setText(_table(composition))
            self.source.setText(", ".join(part for part in (composition.spectrum, composition.source) if part))


def _table(composition: Composition) -> str:
    """As measured, with 1 sigma; in the other unit as far as it can be converted."""
    units = sorted(_UNITS, key=lambda one: one[0] != composition.unit)
    heads = "".join(f"<td align='right'>&nbsp;&nbsp;{head}</td>" for head in ("", units[0][1], "±", units[1][1]))
    rows = []
    for symbol in composition.largest_first:
        other = composition.amount_in(symbol, units[1][0])
        sigma = composition.sigmas.get(symbol)
        cells = (
            f"{composition.amounts[symbol]:.2f}",
            "" if sigma is None else f"{sigma:.2f}",
            "" if other is None else f"{other:.2f}",
        )
        numbers = "".join(f"<td align='right'>&nbsp;&nbsp;{text}</td>" for text in cells)
        rows.append(f"<tr><td><b>{escape(symbol)}</b></td>{numbers}</tr>")
    return f"<table cellspacing='0' cellpadding='1'><tr>{heads}</tr>{''.join(rows)}</table>"
