"""Decides what the overview of the keys shows: those of the actions there are now, and those that belong to a place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence, QResizeEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFrame,
    QGridLayout,
    QLabel,
    QLineEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.commands.base import ActionSpec
from app.commands.go import ZOOM_LEVELS
from app.theme import SPACE, tokens

SIZE = (1220, 740)  # fits a screen of 1280 × 800
COLUMN_PX = 285
KEYS_CHARS, DOES_CHARS = 14, 25  # that fit into one line of a column


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys as they stand on the keyboard, and what they do."""

    keys: str
    does: str


# What the mouse does, and keys that mean something only in one place. Those of the menus come from the actions.
PLACES: dict[str, tuple[Keys, ...]] = {
    "Mouse and arrows": (
        Keys("Wheel", "Zoom at the pointer"),
        Keys("Drag", "Move the section"),
        Keys("Double click", "Zoom in at the point"),
        Keys("Shift+Drag", "Draw a rectangle to scan"),
        Keys("Click on a box", "Select it, in the gallery too"),
        Keys("Arrow keys", "Move the view"),
        Keys("Space+Drag", "Move the section with a tool in hand"),
        Keys("Side buttons", "Back and forward through the views"),
    ),
    "In the gallery": (
        Keys("1 to 9", "A defect of the class with this number"),
        Keys("Enter", "Fly to the selected"),
        Keys("Del", "Remove what was drawn by hand"),
        Keys("Ctrl+Wheel", "Larger or smaller crops"),
        Keys("Shift+Click", "Select all between"),
        Keys("Ctrl+Click", "Select one more"),
    ),
    "While drawing": (
        Keys("Enter", "Finish"),
        Keys("Backspace", "Take back the last corner"),
        Keys("Esc", "Drop what was begun; then put the tool away"),
        Keys("Shift", "Steps of 45°, square boxes"),
        Keys("Arrow keys", "Move the selected 1 px; Shift: 10 px"),
        Keys("Del", "Delete the selected drawing or fiducial"),
    ),
    "In lists": (
        Keys("Del", "Remove the selected"),
        Keys("F2", "Rename a place"),
        Keys("Alt+Up, Alt+Down", "Move a scan or a layer"),
        Keys("Ctrl+C", "Copy the rows as a table"),
        Keys("Ctrl+V", "Paste stage positions"),
    ),
    "In a plot": (Keys("Arrow keys", "Move the line"),),
    "Under Why": (Keys("1, 2, 3", "What speaks for that class"),),
}


class ShortcutsDialog(QDialog):
    """All keys in groups, in as many columns as fit; typing leaves those that match."""

    def __init__(
        self,
        parent: QWidget | None,
        menus: Mapping[str, Sequence[ActionSpec]],
        actions: Mapping[str, QAction],
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Keyboard shortcuts")
        self.groups = groups_of(menus, actions)
        self.search = QLineEdit(clearButtonEnabled=True, placeholderText="Search a key or what it does")
        self.search.setAccessibleName("Search the keys")
        self.nothing = QLabel("No key does that. Whatever Schliff can do stands in its menus.")
        self._columns: list[QLabel] = []
        self._shown: tuple[int, str] | None = None
        self._body = QWidget()
        self._grid = QGridLayout(self._body)
        self._lay_out()
        self.search.textChanged.connect(lambda _: self._show())
        self.resize(*SIZE)
        self._show()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show()

    def found(self) -> dict[str, list[Keys]]:
        """The groups that hold what is searched for, with the keys that do. All words must be there."""
        words = self.search.text().lower().split()
        return {
            title: left
            for title, keys in self.groups.items()
            if (left := [one for one in keys if all(w in f"{title} {one.keys} {one.does}".lower() for w in words)])
        }

    def _show(self) -> None:
        """Once for each width and search: a table in rich text takes its time."""
        count = max(1, (self.width() - 4 * SPACE) // COLUMN_PX)
        if (count, self.search.text()) == self._shown:
            return
        self._shown = (count, self.search.text())
        found = self.found()
        for label, groups in zip(self._labels(count), in_columns(found, count), strict=True):
            label.setText("".join(_table(title, found[title]) for title in groups))
        self.nothing.setVisible(not found)

    def _labels(self, count: int) -> list[QLabel]:
        while len(self._columns) < count:
            label = QLabel(textFormat=Qt.TextFormat.RichText, alignment=Qt.AlignmentFlag.AlignTop)
            label.setWordWrap(True)
            self._grid.addWidget(label, 0, len(self._columns))
            self._columns.append(label)
        for at, label in enumerate(self._columns):
            label.setVisible(at < count)
            self._grid.setColumnStretch(at, 1 if at < count else 0)
        return self._columns[:count]

    def _lay_out(self) -> None:
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(3 * SPACE)
        self._grid.setRowStretch(1, 1)
        area = QScrollArea(widgetResizable=True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidget(self._body)
        area.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # so that the arrow keys scroll it
        area.setAccessibleName("Keys")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        layout.setSpacing(SPACE)
        layout.addWidget(self.search)
        layout.addWidget(self.nothing)
        layout.addWidget(area, 1)
        layout.addWidget(buttons)


def groups_of(menus: Mapping[str, Sequence[ActionSpec]], actions: Mapping[str, QAction]) -> dict[str, tuple[Keys, ...]]:
    """What the hands do most comes first. Actions are called as they are now; those that are hidden are left out."""
    order = ("Review", *(menu for menu in menus if menu != "Review"))
    of_menus = {menu: tuple(_of_actions(menus[menu], actions)) for menu in order}
    groups = {"Review": of_menus.pop("Review"), **PLACES, **of_menus}
    return {title: keys for title, keys in groups.items() if keys}


def _of_actions(specs: Iterable[ActionSpec], actions: Mapping[str, QAction]) -> Iterable[Keys]:
    for is_level, some in groupby(specs, lambda spec: spec.submenu == ZOOM_LEVELS):
        found = [_of_action(one, actions[one.id]) for one in some if one.shortcuts and actions[one.id].isVisible()]
        if is_level:  # nine that are alike
            first, last = found[0], found[-1]
            yield Keys(f"{first.keys} to {last.keys}", f"{first.does} to {last.does.rpartition(' ')[2]}")
        else:
            yield from found


def _of_action(spec: ActionSpec, action: QAction) -> Keys:
    keys = (QKeySequence(one).toString(QKeySequence.SequenceFormat.NativeText) for one in spec.shortcuts)
    return Keys(" or ".join(keys), action.text().rstrip("…"))


def _rows(keys: Sequence[Keys]) -> int:
    """Lines they take about, with a heading and a gap."""
    return 2 + sum(max(-(-len(one.does) // DOES_CHARS), -(-len(one.keys) // KEYS_CHARS)) for one in keys)


def in_columns(groups: Mapping[str, Sequence[Keys]], count: int) -> list[list[str]]:
    """The groups one after the other in `count` columns, the longest as short as can be; none is torn apart."""
    rows = {title: _rows(keys) for title, keys in groups.items()}
    height = max(rows.values(), default=0)
    while len(columns := _filled(rows, height)) > count:
        height += 1
    return [*columns, *([] for _ in range(count - len(columns)))]


def _filled(rows: Mapping[str, int], height: int) -> list[list[str]]:
    columns: list[list[str]] = []
    room = 0
    for title, needed in rows.items():
        if needed > room:
            columns.append([])
            room = height
        columns[-1].append(title)
        room -= needed
    return columns


def _table(title: str, keys: Sequence[Keys]) -> str:
    muted = tokens().muted
    rows = "".join(
        f"<tr><td width='38%' style='padding: 2px 12px 2px 0; color: {muted}'>{escape(one.keys)}</td>"
        f"<td style='padding: 2px 0'>{escape(one.does)}</td></tr>"
        for one in keys
    )
    return (
        f"<p style='margin: 12px 0 4px 0'><b>{escape(title)}</b></p><table width='100%' cellspacing='0'>{rows}</table>"
    )
