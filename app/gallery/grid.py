"""Decides how Qt's list view shows equal cells in lines that fill the width (`app.gallery.flow`), under headings of groups.

`QListView` lays out every row at each change, a quarter of a second for 100,000. What is in a cell is for the delegate.
"""

from __future__ import annotations

from PySide6.QtCore import (
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
)
from PySide6.QtGui import QPainter, QPaintEvent, QRegion, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyleOptionViewItem, QWidget

from app.gallery.flow import Flow

Index = QModelIndex | QPersistentModelIndex
_Move = QAbstractItemView.CursorAction
_Hint = QAbstractItemView.ScrollHint


class GridView(QListView):
    """A list in lines of equal cells, scrolled by pixels. Subclasses say by `cell_for` how large a cell is, by `group_starts`
    where groups begin, and paint their headings by `paint_heading`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cell = QSize(100, 100)
        self._laid: tuple[int, int, int, int, tuple[int, ...]] = (0, 1, 100, 0, ())
        self._flow = self._meant = Flow(*self._laid)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setMouseTracking(True)

    def cell_for(self, width: int) -> QSize:
        """The cell for a viewport of this width; columns share what is left of a row."""
        return QSize(100, 100)

    def group_starts(self) -> tuple[int, ...]:
        """The rows at which groups begin; none where there are no groups."""
        return ()

    def heading_height(self) -> int:
        return 0

    def paint_heading(self, painter: QPainter, rect: QRect, group: int) -> None:
        """What stands above a group."""

    def lay_again(self) -> None:
        """Other cells or another width: the current item stays in sight if it was, else the first one in sight does."""
        before = self._meant  # by which the scroll bar's value is meant; Qt may have asked for another one since
        first, last = before.in_sight(self.verticalOffset(), self.viewport().height())
        self._cell = self.cell_for(self.viewport().width())
        self.updateGeometries()
        self.viewport().update()
        now = self._meant = self.laid_out
        if (now.columns, now.cell) == (before.columns, before.cell):
            return
        current = self.currentIndex()
        if current.isValid() and first <= current.row() <= last:
            self.scrollTo(current, _Hint.PositionAtCenter)
        elif self._count():
            self.scrollTo(self.model().index(min(first, self._count() - 1), 0), _Hint.PositionAtTop)

    @property
    def columns(self) -> int:
        return max(1, self.viewport().width() // self._cell.width())

    @property
    def laid_out(self) -> Flow:
        """Where everything lies now."""
        laid = (self._count(), self.columns, self._cell.height(), self.heading_height(), self.group_starts())
        if laid != self._laid:
            self._laid, self._flow = laid, Flow(*laid)
        return self._flow

    def rows_in_sight(self) -> tuple[int, int]:
        """First and last item that the viewport touches; the last one is before the first where there are none."""
        return self.laid_out.in_sight(self.verticalOffset(), self.viewport().height())

    def group_at(self, point: QPoint) -> int | None:
        """The group whose heading is there."""
        return self.laid_out.group_at(point.y() + self.verticalOffset())

    # -- geometry, as Qt asks for it --------------------------------------------------------------

    def visualRect(self, index: Index) -> QRect:
        return self._rect(index.row()) if index.isValid() else QRect()

    def indexAt(self, point: QPoint) -> QModelIndex:
        width = self.viewport().width()
        if not 0 <= point.x() < width:
            return QModelIndex()
        columns = self.columns
        column = min(point.x() * columns // width, columns - 1)
        row = self.laid_out.row_at(column, point.y() + self.verticalOffset())
        return self.model().index(row, 0) if row is not None else QModelIndex()

    def scrollTo(self, index: Index, hint: _Hint = _Hint.EnsureVisible) -> None:
        """The first line of a group comes into sight with its heading."""
        if not index.isValid():
            return
        bar, height, flow = self.verticalScrollBar(), self.viewport().height(), self.laid_out
        top = flow.place(index.row())[1]
        bottom = top + flow.cell
        begin = top - flow.heading if flow.group_at(top - 1) is not None else top
        if hint == _Hint.PositionAtCenter:
            bar.setValue(top - (height - flow.cell) // 2)
        elif hint == _Hint.PositionAtTop or top < bar.value():
            bar.setValue(begin)
        elif hint == _Hint.PositionAtBottom or bottom > bar.value() + height:
            bar.setValue(bottom - height)

    def verticalOffset(self) -> int:
        return self.verticalScrollBar().value()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """QListView's own moves nothing here: it knows no layout. What is uncovered is painted."""
        self.viewport().scroll(dx, dy)

    def horizontalOffset(self) -> int:
        return 0

    def isIndexHidden(self, index: Index) -> bool:
        return False

    def moveCursor(self, action: _Move, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        count = self._count()
        if not count:
            return QModelIndex()
        current = self.currentIndex()
        if not current.isValid():
            return self.model().index(0, 0)
        page = max(1, self.viewport().height() // self.laid_out.cell)
        aside = {_Move.MoveLeft: -1, _Move.MovePrevious: -1, _Move.MoveRight: 1, _Move.MoveNext: 1}
        lines = {_Move.MoveUp: -1, _Move.MoveDown: 1, _Move.MovePageUp: -page, _Move.MovePageDown: page}
        ends = {_Move.MoveHome: 0, _Move.MoveEnd: count - 1}
        if action in lines:
            return self.model().index(self.laid_out.stepped(current.row(), lines[action]), 0)
        row = ends[action] if action in ends else current.row() + aside[action]
        return self.model().index(min(max(row, 0), count - 1), 0)

    def setSelection(self, rect: QRect, command: QItemSelectionModel.SelectionFlag) -> None:
        """Qt gives the rectangle from the anchor to here; in a list that means all items between the two."""
        start = self.indexAt(rect.topLeft())
        end = self.indexAt(rect.bottomRight())
        selection = QItemSelection()
        if start.isValid() or end.isValid():
            rows = [i.row() for i in (start, end) if i.isValid()]
            selection.select(self.model().index(min(rows), 0), self.model().index(max(rows), 0))
        self.selectionModel().select(selection, command)

    def visualRegionForSelection(self, selection: QItemSelection) -> QRegion:
        region = QRegion()
        first, last = self.rows_in_sight()
        for part in (selection.at(i) for i in range(selection.count())):
            for row in range(max(part.top(), first), min(part.bottom(), last) + 1):
                region += QRegion(self._rect(row))
        return region

    def updateGeometries(self) -> None:
        bar, height = self.verticalScrollBar(), self.viewport().height()
        bar.setRange(0, max(0, self.laid_out.height - height))
        bar.setPageStep(height)
        bar.setSingleStep(max(1, self._cell.height() // 3))
        QAbstractItemView.updateGeometries(self)

    def doItemsLayout(self) -> None:
        QAbstractItemView.doItemsLayout(self)

    # -- events -----------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        QAbstractItemView.resizeEvent(self, event)
        self.lay_again()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        option = QStyleOptionViewItem()
        self.initViewItemOption(option)
        resting = option.state
        hovered = self.indexAt(self.viewport().mapFromGlobal(self.cursor().pos())) if self.underMouse() else None
        first, last = self.rows_in_sight()
        for row in range(first, min(last, self._count() - 1) + 1):
            rect = self._rect(row)
            if not rect.intersects(event.rect()):
                continue
            index = self.model().index(row, 0)
            option.rect = rect
            option.state = resting | self._state(index, index == hovered)
            self.itemDelegateForIndex(index).paint(painter, option, index)
        for group in self.laid_out.headings_in_sight(self.verticalOffset(), self.viewport().height()):
            rect = QRect(0, self.laid_out.heading_top(group) - self.verticalOffset(), self.viewport().width(), 0)
            rect.setHeight(self.laid_out.heading)
            if rect.intersects(event.rect()):
                self.paint_heading(painter, rect, group)
        painter.end()

    def _state(self, index: QModelIndex, hovered: bool) -> QStyle.StateFlag:
        state = QStyle.StateFlag.State_None
        if self.selectionModel().isSelected(index):
            state |= QStyle.StateFlag.State_Selected
        if hovered:
            state |= QStyle.StateFlag.State_MouseOver
        if index == self.currentIndex() and self.hasFocus():
            state |= QStyle.StateFlag.State_HasFocus
        return state

    def _count(self) -> int:
        model = self.model()
        return model.rowCount() if model is not None else 0

    def _rect(self, row: int) -> QRect:
        """Columns share the whole width; what does not divide goes to the first ones, pixel by pixel."""
        columns, width = self.columns, self.viewport().width()
        column, top = self.laid_out.place(row)
        left, right = column * width // columns, (column + 1) * width // columns
        return QRect(left, top - self.verticalOffset(), right - left, self.laid_out.cell)
