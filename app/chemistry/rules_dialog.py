"""Decides how rules are written, how their proposals are shown, and that a person confirms each before it becomes a class."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.layout import muted
from app.session import Session
from app.theme import SPACE
from core.chemistry.rules import EXAMPLE, Proposal, parse_rules, proposals
from core.class_colours import class_name
from core.errors import UsageError

SIZE = (820, 560)
_HEADS = ("Defect", "Measured", "Is now", "May be", "By the rule")
_AFTER_MS = 250


class RulesDialog(QDialog):
    """Rules above, below them what they propose for the detections that are shown; those with a tick are accepted."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._proposals: list[Proposal] = []
        self._ticks: list[QTableWidgetItem] = []  # by row
        self.setWindowTitle("Classes from chemistry")
        self.rules = QPlainTextEdit(session.chemistry.rules)
        self.trouble, self.found = QLabel(), QLabel()
        self.table = QTableWidget(0, len(_HEADS))
        self.all, self.none = QPushButton("Tick all"), QPushButton("Tick none")
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.take = self.buttons.addButton("Accept", QDialogButtonBox.ButtonRole.ApplyRole)
        self._timer = QTimer(self, singleShot=True, interval=_AFTER_MS)
        self._timer.timeout.connect(self.propose)
        self._lay_out()
        self._connect()
        self.propose()

    @property
    def ticked(self) -> list[Proposal]:
        checked = Qt.CheckState.Checked
        return [one for one, tick in zip(self._proposals, self._ticks, strict=True) if tick.checkState() == checked]

    def propose(self) -> None:
        """Reads the rules as they are now."""
        self._timer.stop()
        try:
            rules, trouble = parse_rules(self.rules.toPlainText()), ""
        except UsageError as error:
            rules, trouble = [], str(error)
        self.trouble.setText(trouble)
        self.trouble.setVisible(bool(trouble))
        compositions = self._session.chemistry.compositions
        self._proposals = proposals(rules, self._session.visible_detections(), compositions)
        self._fill()
        shown = sum(one.id in compositions for one in self._session.visible_detections())
        told = f"{len(self._proposals):,} proposed for the {shown:,} measured of those that are shown"
        self.found.setText(
            told if compositions else "Nothing is measured yet: Tools ▸ Import EDX results… brings it here."
        )

    def accept_ticked(self) -> None:
        """Gives each its proposed class: one step of undo for each class."""
        labels: dict[str, list[int]] = {}
        for one in self.ticked:
            labels.setdefault(one.rule.label, []).append(one.detection.id)
        for label, ids in labels.items():
            self._session.decide(None, ids, label=label)
        self.propose()

    def done(self, result: int) -> None:
        """Rules are kept with the project, also those that aren't finished."""
        self._session.chemistry.keep_rules(self.rules.toPlainText())
        super().done(result)

    # -- rows -------------------------------------------------------------------------------------

    def _fill(self) -> None:
        table = self.table
        table.blockSignals(True)
        table.setRowCount(len(self._proposals))
        self._ticks = [QTableWidgetItem(f"#{one.detection.id}") for one in self._proposals]
        for row, one in enumerate(self._proposals):
            measured = one.composition.text(3, sigmas=True)
            now, proposed = class_name(one.detection.label), class_name(one.rule.label)
            close = " (close to the limit)" if one.is_close else ""
            texts = (measured, now, proposed, one.rule.text + close)
            for column, item in enumerate((self._ticks[row], *map(QTableWidgetItem, texts))):
                item.setToolTip(item.text())
                item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEditable)
                table.setItem(row, column, item)
            # What the measurement doesn't decide is not decided by default.
            self._ticks[row].setCheckState(Qt.CheckState.Unchecked if one.is_close else Qt.CheckState.Checked)
        table.blockSignals(False)
        self._ticks_changed()

    def _tick(self, state: Qt.CheckState) -> None:
        for tick in self._ticks:
            tick.setCheckState(state)

    def _ticks_changed(self) -> None:
        count = len(self.ticked)
        self.take.setText(f"Accept {count:,}" if count else "Accept")
        self.take.setEnabled(bool(count))

    def _show_in_section(self, row: int) -> None:
        if 0 <= row < len(self._proposals):
            self._session.select(self._proposals[row].detection.id, "chemistry")

    # -- making -----------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        table = self.table
        self.rules.setPlaceholderText(f"{EXAMPLE}\nMn > 20 at.% and S > 20 at.% → sulphide")
        self.rules.setAccessibleName("Rules")
        self.rules.setFixedHeight(6 * self.fontMetrics().lineSpacing())
        self.trouble.setWordWrap(True)
        table.setHorizontalHeaderLabels(_HEADS)
        table.verticalHeader().hide()
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setWordWrap(False)
        header = table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Fixed)
        table.setColumnWidth(0, self.fontMetrics().horizontalAdvance("#1234567") + 4 * SPACE)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for button in (self.all, self.none):
            button.setAutoDefault(False)
        self.buttons.button(QDialogButtonBox.StandardButton.Close).setAutoDefault(False)
        self.take.setDefault(True)
        ticks = QHBoxLayout()
        ticks.addWidget(self.found, 1)
        ticks.addWidget(self.all)
        ticks.addWidget(self.none)
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        column.setSpacing(SPACE)
        column.addWidget(muted("A rule in each line; the first one that holds counts. They are kept with the project."))
        column.addWidget(self.rules)
        column.addWidget(self.trouble)
        column.addLayout(ticks)
        column.addWidget(table, 1)
        column.addWidget(muted("Nothing changes until you accept it. A measurement within two sigma of a limit has no tick."))  # fmt: skip
        column.addWidget(self.buttons)
        self.resize(*SIZE)

    def _connect(self) -> None:
        self.rules.textChanged.connect(self._timer.start)
        self.table.itemChanged.connect(lambda _: self._ticks_changed())
        self.table.currentCellChanged.connect(lambda row, *_: self._show_in_section(row))
        self.all.clicked.connect(lambda: self._tick(Qt.CheckState.Checked))
        self.none.clicked.connect(lambda: self._tick(Qt.CheckState.Unchecked))
        self.take.clicked.connect(self.accept_ticked)
        self.buttons.rejected.connect(self.reject)
