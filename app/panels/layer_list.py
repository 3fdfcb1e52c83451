"""Decides how layers are shown, hidden, faded and put in order: a list with the uppermost first, and what acts on its row."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QSlider,
    QToolButton,
    QWidget,
)

from app.icons import set_icon
from app.layer_styles import LayerStyle
from app.layout import Group, value_label
from app.session import Session
from app.theme import SPACE

_ROW_PX = 24
_ID = Qt.ItemDataRole.UserRole
_FLAGS = (
    Qt.ItemFlag.ItemIsUserCheckable
    | Qt.ItemFlag.ItemIsEnabled
    | Qt.ItemFlag.ItemIsSelectable
    | Qt.ItemFlag.ItemIsDragEnabled
)


class LayerList(Group):
    """Follows and sets the stack of `session.layers`. Rows are moved by dragging, by the buttons or by Alt+Up and Alt+Down."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("Layers", parent)
        self._session = session
        self._following = False
        self.rows = QListWidget()
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.up, self.down = (
            _button(f"Move the layer {where} (Alt+{where.title()})", where) for where in ("up", "down")
        )
        self._percent = value_label("100 %")
        self._keys = _MoveKeys(self.rows)
        self._lay_out()
        self._connect()
        self.follow()

    @property
    def chosen(self) -> str:
        """The id of the layer that buttons and opacity act on; "" where there is none."""
        item = self.rows.currentItem()
        return item.data(_ID) if item is not None else ""

    def follow(self) -> None:
        """Shows the session's layers without setting them again."""
        chosen, layers = self.chosen, list(reversed(self._session.layers.stack))
        self._following = True
        if [layer.id for layer in layers] != self._ids():
            self._fill(layers)
        for place, layer in enumerate(layers):
            state = Qt.CheckState.Checked if layer.visible else Qt.CheckState.Unchecked
            item, missing = self.rows.item(place), self._missing(layer.id)
            item.setCheckState(state)
            item.setFlags(_FLAGS & ~Qt.ItemFlag.ItemIsEnabled if missing else _FLAGS)
            item.setToolTip(missing)
        self.rows.setCurrentRow(next((place for place, layer in enumerate(layers) if layer.id == chosen), 0))
        self._following = False
        self._show_chosen()

    def _missing(self, layer_id: str) -> str:
        """Why a layer has nothing to show yet, whatever is chosen for it; "" when it has, or may have at any time."""
        if layer_id == "fiducials" and not self._session.registration.fiducials:
            return "There are no fiducials. Tools ▸ SEM registration picks them."
        if layer_id == "inspection" and self._session.inspection.inspection is None:
            return "There are no positions. Review ▸ Precision and inspection imports them."
        if layer_id == "heat" and self._session.scan is None:
            return "There is no heat map before a scan."
        return ""

    def _ids(self) -> list[str]:
        return [self.rows.item(row).data(_ID) for row in range(self.rows.count())]

    def _fill(self, layers: list[LayerStyle]) -> None:
        self.rows.clear()
        for layer in layers:
            item = QListWidgetItem(layer.name)
            item.setData(_ID, layer.id)
            item.setSizeHint(QSize(0, _ROW_PX))
            self.rows.addItem(item)
        self.rows.setFixedHeight(_ROW_PX * max(len(layers), 1) + 2 * self.rows.frameWidth())
        for holder in (self.body, self):  # Qt tells the scrolled column only the next time it has to lay itself out
            holder.updateGeometry()

    def _show_chosen(self) -> None:
        layers, chosen = self._session.layers, self.chosen
        place = layers.place_of(chosen) if chosen in layers else 0
        percent = round(100 * layers.layer(chosen).opacity) if chosen in layers else 100
        self.up.setEnabled(place < len(layers.stack) - 1)
        self.down.setEnabled(place > 0)
        self.opacity.blockSignals(True)
        self.opacity.setValue(percent)
        self.opacity.blockSignals(False)
        self._percent.setText(f"{percent} %")

    def shift(self, steps: int) -> None:
        """Moves the chosen layer up (or with a negative number down) among the others."""
        layers, chosen = self._session.layers, self.chosen
        if chosen in layers:
            self._session.set_layers(layers.moved(chosen, layers.place_of(chosen) + steps))

    def _checked(self, item: QListWidgetItem) -> None:
        if not self._following:
            visible = item.checkState() == Qt.CheckState.Checked
            self._session.set_layers(self._session.layers.styled(item.data(_ID), visible=visible))

    def _dragged(self) -> None:
        layers = self._session.layers
        stack = tuple(layers.layer(layer_id) for layer_id in reversed(self._ids()))
        if not self._following and len(stack) == len(layers.stack):
            self._session.set_layers(replace(layers, stack=stack))

    def _fade(self, percent: int) -> None:
        if self.chosen:
            self._session.set_layers(self._session.layers.styled(self.chosen, opacity=percent / 100))

    def _lay_out(self) -> None:
        rows = self.rows
        rows.setAccessibleName("Layers, the uppermost first")
        rows.setToolTip("What lies over the section, the uppermost first. Drag a layer, or use Alt+Up and Alt+Down")
        rows.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        rows.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        rows.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.opacity.setRange(0, 100)
        self.opacity.setToolTip("How much of what lies below the chosen layer covers")
        self.add_wide(rows)
        buttons = QWidget()
        line = QHBoxLayout(buttons)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(SPACE // 2)
        line.addWidget(self._percent)
        line.addWidget(self.up)
        line.addWidget(self.down)
        self.add_row("Opacity", self.opacity, buttons)

    def _connect(self) -> None:
        session = self._session
        for changed in (session.layers_changed, session.scans_changed, session.registration.changed):
            changed.connect(self.follow)
        self.rows.itemChanged.connect(self._checked)
        self.rows.currentRowChanged.connect(lambda _: None if self._following else self._show_chosen())
        self.rows.model().rowsMoved.connect(self._dragged)
        self._keys.moved.connect(self.shift)
        self.opacity.valueChanged.connect(self._fade)
        self.up.clicked.connect(lambda: self.shift(1))
        self.down.clicked.connect(lambda: self.shift(-1))


class _MoveKeys(QObject):
    """Alt+Up and Alt+Down in a list."""

    moved = Signal(int)

    def __init__(self, rows: QListWidget) -> None:
        super().__init__(rows)
        rows.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        steps = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1}
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            step = steps.get(Qt.Key(event.key()))
            if step is not None and event.modifiers() & Qt.KeyboardModifier.AltModifier:
                self.moved.emit(step)
                return True
        return False


def _button(tool_tip: str, icon_name: str) -> QToolButton:
    button = QToolButton()
    set_icon(button, icon_name)
    button.setToolTip(tool_tip)
    button.setAccessibleName(tool_tip)
    return button
