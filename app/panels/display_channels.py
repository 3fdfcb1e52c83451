"""Decides how channels are chosen, and laid over each other in colours. It is there for sections with several."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QIcon, QPixmap
from PySide6.QtWidgets import QCheckBox, QColorDialog, QRadioButton, QToolButton, QWidget

from app.layout import Group
from app.session import Session

SWATCH = QSize(20, 14)


class ChannelRow:
    """One channel: chosen or not, seen or not, its colour."""

    def __init__(self, name: str) -> None:
        self.chosen = QRadioButton(name)
        self.chosen.setToolTip(
            "Choose this channel: its brightness is changed; unless channels are blended, it is shown"
        )
        self.visible = QCheckBox("Show")
        self.visible.setAccessibleName(f"Show {name}")
        self.colour = QToolButton()
        self.colour.setIconSize(SWATCH)
        self.colour.setToolTip(f"Colour of {name}…")
        self.colour.setAccessibleName(f"Colour of {name}")

    @property
    def widgets(self) -> tuple[QWidget, QWidget, QWidget]:
        return self.chosen, self.visible, self.colour


class ChannelsGroup(Group):
    """Follows and sets `session.plane` and the channels of `session.look`."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("Channels", parent)
        self._session = session
        self.blend = QCheckBox("Blend channels in their colours")
        self.blend.setToolTip("Lay all channels that are shown over each other")
        self.rows: list[ChannelRow] = []
        self.add_wide(self.blend)
        self.blend.toggled.connect(self._set_blended)
        session.section_changed.connect(self._section_changed)
        session.display_changed.connect(self.follow)
        self._section_changed()

    def _section_changed(self) -> None:
        info = self._session.section.info if self._session.section is not None else None
        names = info.channel_names if info is not None and info.samples == 1 else ()
        for row in self.rows:
            for widget in row.widgets:
                widget.setParent(None)
                widget.deleteLater()
        self.rows = []
        self.setVisible(len(names) > 1)
        for number, name in enumerate(names if len(names) > 1 else ()):
            self._add(number, name or f"Channel {number + 1}")
        self.follow()

    def _add(self, number: int, name: str) -> None:
        row = ChannelRow(name)
        self.rows.append(row)
        place = self.grid.rowCount()
        self.grid.addWidget(row.chosen, place, 0, 1, 2)
        self.grid.addWidget(row.visible, place, 2)
        self.grid.addWidget(row.colour, place, 3)
        row.chosen.clicked.connect(partial(self._choose, number))
        row.visible.clicked.connect(partial(self._set_visible, number))
        row.colour.clicked.connect(partial(self._ask_colour, number))

    def follow(self) -> None:
        """Shows the session's channels without setting them again."""
        look, plane = self._session.look, self._session.plane
        self.blend.blockSignals(True)
        self.blend.setChecked(look.blended)
        self.blend.blockSignals(False)
        for number, row in enumerate(self.rows):
            channel = look.channel(number)
            row.chosen.setChecked(number == plane.c)
            row.visible.setChecked(channel.visible)
            pixmap = QPixmap(SWATCH)
            pixmap.fill(QColor(channel.colour))
            row.colour.setIcon(QIcon(pixmap))
            row.visible.setEnabled(look.blended)
            row.colour.setEnabled(look.blended)

    def set_colour(self, number: int, colour: QColor) -> None:
        """A colour for one channel."""
        session = self._session
        session.set_look(session.look.with_channel(number, colour=colour.name()))

    def _ask_colour(self, number: int) -> None:
        dialog = QColorDialog(QColor(self._session.look.channel(number).colour), self)
        dialog.setWindowTitle(f"Colour of {self.rows[number].chosen.text()}")
        dialog.colorSelected.connect(partial(self.set_colour, number))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _choose(self, number: int) -> None:
        self._session.set_plane(replace(self._session.plane, c=number))

    def _set_visible(self, number: int) -> None:
        session, on = self._session, self.rows[number].visible.isChecked()
        session.set_look(session.look.with_channel(number, visible=on))

    def _set_blended(self, on: bool) -> None:
        self._session.set_look(replace(self._session.look, blended=on))
