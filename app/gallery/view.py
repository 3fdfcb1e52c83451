"""Decides how the crops flow and scroll, and which of them are wanted next; no widget per crop.

What is drawn in a cell is decided by `app.gallery.delegate`, what a choice means by `app.gallery.panel`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QEvent, QItemSelection, QItemSelectionModel, QModelIndex, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QWidget

from app.gallery.delegate import MARGIN, CropDelegate, heading_height
from app.gallery.grid import GridView
from app.gallery.model import GalleryModel, Index
from app.gallery.thumbnails import ThumbnailStore
from app.own_keys import keeps_key

_Key = Qt.Key
CLASS_KEYS = tuple(Qt.Key(_Key.Key_1 + number) for number in range(9))
_OWN_KEYS = frozenset(
    (
        _Key.Key_Left,
        _Key.Key_Right,
        _Key.Key_Up,
        _Key.Key_Down,
        _Key.Key_Home,
        _Key.Key_End,
        _Key.Key_PageUp,
        _Key.Key_PageDown,
        _Key.Key_Return,
        _Key.Key_Enter,
        _Key.Key_Delete,
        *CLASS_KEYS,
    )
)

SMALLEST_SIDE, LARGEST_SIDE = 64, 288
MOST_GROWTH = 1.6  # a lone crop in a row doesn't get larger than this


class CropView(GridView):
    """The crops in lines that fill the width, in groups if the model has any.

    `chosen(id)`: the user went to another crop; `opened(id)`: Enter or a double click on one;
    `side_wanted(px)`: Ctrl and the wheel ask for another crop size; `selection_counted(int)`: so many are selected;
    `class_wanted(int)`: a number key, from 0; `delete_wanted()`.
    """

    chosen = Signal(int)
    selection_counted = Signal(int)
    opened = Signal(int)
    side_wanted = Signal(int)
    class_wanted = Signal(int)
    delete_wanted = Signal()

    def __init__(
        self,
        model: GalleryModel,
        thumbnails: ThumbnailStore,
        reasons: ThumbnailStore | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._model = model
        self._thumbnails, self._reasons = thumbnails, reasons
        self._following = False
        self._side = 128
        self.crop_delegate = CropDelegate(thumbnails, reasons, self)
        self.setModel(model)
        self.setItemDelegate(self.crop_delegate)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName("Detections")
        self._wants = QTimer(self, singleShot=True, interval=0)
        self._wants.timeout.connect(self._want_crops)
        self.verticalScrollBar().valueChanged.connect(lambda _: self._wants.start())
        for changed in (model.modelReset, model.rowsInserted, model.rowsRemoved, model.layoutChanged):
            changed.connect(lambda *_: self._wants.start())
        for store in (thumbnails, reasons):
            if store is not None:
                store.ready.connect(self._show_crop)
        self.activated.connect(self._open)
        self._fit_cells()

    # -- what the panel asks ----------------------------------------------------------------------

    def set_side(self, side: int) -> None:
        """The least side of a picture, device independent px; they grow to fill the row."""
        side = min(max(side, SMALLEST_SIDE), LARGEST_SIDE)
        if side != self._side:
            self._side = side
            self._fit_cells()

    def follow(self, detection_id: int | None) -> None:
        """Makes this crop the current one and scrolls to it, without telling it as the user's choice."""
        row = self._model.row_of(detection_id)
        if row == self.currentIndex().row() and self.selectionModel().isSelected(self.currentIndex()):
            return
        with self.held():
            if row is None:
                self.selectionModel().clear()
            else:
                flags = QItemSelectionModel.SelectionFlag.ClearAndSelect
                self.selectionModel().setCurrentIndex(self._model.index(row), flags)
                self.scrollTo(self._model.index(row), QAbstractItemView.ScrollHint.EnsureVisible)

    @contextmanager
    def held(self) -> Iterator[None]:
        """While rows change or another part of the window selects, nothing is told as the user's choice."""
        before, self._following = self._following, True
        try:
            yield
        finally:
            self._following = before

    def selected_ids(self) -> list[int]:
        """All selected crops, in the gallery's order."""
        selection = self.selectionModel().selection()
        parts = sorted((selection.at(i).top(), selection.at(i).bottom() + 1) for i in range(selection.count()))
        return [d.id for start, stop in parts for d in self._model.shown[start:stop]]

    def want_crops(self) -> None:
        """Asks for the crops in sight soon; to be called when they may look different."""
        self._wants.start()

    # -- Qt ---------------------------------------------------------------------------------------

    def currentChanged(self, current: Index, previous: Index) -> None:
        super().currentChanged(current, previous)
        detection = self._model.detection(current.row())
        if detection is not None and not self._following:
            self.chosen.emit(detection.id)

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        super().selectionChanged(selected, deselected)
        selection = self.selectionModel().selection()
        parts = [selection.at(i) for i in range(selection.count())]
        self.selection_counted.emit(sum(part.bottom() - part.top() + 1 for part in parts))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click on a heading selects its group."""
        group = self.group_at(event.position().toPoint())
        if group is None or event.button() != Qt.MouseButton.LeftButton:
            super().mousePressEvent(event)
            return
        one, flag = self._model.groups[group], QItemSelectionModel.SelectionFlag
        whole = QItemSelection(self._model.index(one.start), self._model.index(one.stop - 1))
        self.selectionModel().setCurrentIndex(self._model.index(one.start), flag.NoUpdate)
        self.selectionModel().select(whole, flag.ClearAndSelect)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Getting the focus chooses nothing: Qt would make the first crop current, and the view would fly to it."""
        had_current = self.currentIndex().isValid()
        with self.held():
            super().focusInEvent(event)
            if not had_current:
                self.selectionModel().clearCurrentIndex()

    def keyboardSearch(self, search: str) -> None:
        """Letters are the window's shortcuts, not a search by name."""

    def event(self, event: QEvent) -> bool:
        """Keys that move through the crops are the gallery's while it has the focus, whatever the window does by them."""
        return keeps_key(event, _OWN_KEYS) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers():
            self._open(self.currentIndex())
        elif event.key() in CLASS_KEYS:
            self.class_wanted.emit(CLASS_KEYS.index(Qt.Key(event.key())))
        elif event.key() == Qt.Key.Key_Delete:
            self.delete_wanted.emit()
        else:
            super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            steps = event.angleDelta().y() / 120
            self.side_wanted.emit(round(self._side * 1.15**steps))
            event.accept()
            return
        super().wheelEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._wants.start()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit_cells()

    # -- groups -----------------------------------------------------------------------------------

    def group_starts(self) -> tuple[int, ...]:
        if self.model() is None:
            return ()  # Qt asks before there is one
        return tuple(group.start for group in self._model.groups)

    def heading_height(self) -> int:
        return heading_height(self.font())

    def paint_heading(self, painter: QPainter, rect: QRect, group: int) -> None:
        one = self._model.groups[group]
        reviewed = self._model.reviewed_count(one.start, one.stop)
        self.crop_delegate.paint_heading(painter, rect, one, reviewed, self.palette(), self.font())

    # -- crops ------------------------------------------------------------------------------------

    def cell_for(self, width: int) -> QSize:
        """As many pictures as fit at their least side, then as large as the row allows."""
        columns = max(1, width // (self._side + 2 * MARGIN))
        self.crop_delegate.side = min(
            max(width // columns - 2 * MARGIN, SMALLEST_SIDE), round(MOST_GROWTH * self._side)
        )
        return self.crop_delegate.cell_size(self.font())

    def _fit_cells(self) -> None:
        self.lay_again()
        self._wants.start()

    def _want_crops(self) -> None:
        """In sight first, then a screen ahead, then half a screen back."""
        first, last = self.rows_in_sight()
        page = last - first + 1
        rows = [*range(first, last + 1 + page), *range(first - 1, first - 1 - page // 2, -1)]
        detections = [d for d in map(self._model.detection, rows) if d is not None]
        side = round(self.crop_delegate.side * self.devicePixelRatioF())
        self._thumbnails.want(detections, side)
        if self._reasons is not None:
            self._reasons.want(detections if self.crop_delegate.show_reasons else (), side)

    def _show_crop(self, detection_id: int) -> None:
        row = self._model.row_of(detection_id)
        if row is not None:
            self.update(self._model.index(row))

    def _open(self, index: QModelIndex) -> None:
        detection = self._model.detection(index.row())
        if detection is not None:
            self.opened.emit(detection.id)
