"""Decides what stands in the panel that says how good a scan is: precision by a random sample, and a manual inspection."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.checking.inspection_group import InspectionGroup
from app.checking.precision_group import PrecisionGroup
from app.layout import Panel
from app.session import Session


class CheckPanel(Panel):
    """Precision and inspection of the shown scan."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.precision = PrecisionGroup(session)
        self.inspection = InspectionGroup(session)
        self.column.addWidget(self.precision)
        self.column.addWidget(self.inspection, 1)
