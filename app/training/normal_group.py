"""Decides how it is chosen what is normal: the section itself, regions drawn on it, or something else believed good."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QPushButton, QRadioButton, QWidget

from app.layout import muted
from app.session import Session
from app.training.data_group import DataGroup
from app.training.data_summary import summarise_normal
from core.data.drawn_normal import NORMAL, DrawnNormal, drawn_normal

_ITSELF, _DRAWN, _OTHER = range(3)
_NAMES = ("This section itself", "Regions drawn as normal", "Another section, or a folder")
_ROBUST = "A few defects in it don’t hurt: what is rare is left out after a first look."


class NormalGroup(DataGroup):
    """What a model of normal learns from. `draw_requested()`: regions called normal are to be drawn on the section."""

    HINT = "Choose a section believed good or a folder of images without a defect, or drop it here."

    draw_requested = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        self.ways = [QRadioButton(name) for name in _NAMES]
        self.robust, self.drawn_text = muted(_ROBUST), muted()
        self.draw_button = QPushButton("Draw one")
        self._window_px: float | None = None
        self.drawn = DrawnNormal()
        super().__init__(session, "What is normal", summarise_normal, parent, title="What is normal")
        session.section_changed.connect(self._section_changed)
        session.drawings.changed.connect(self._drawings_changed)
        session.drawings.tool_changed.connect(self._show_drawn)
        self._section_changed()

    @property
    def path(self) -> Path | None:
        section = self._session.section
        if self._way.checkedId() == _ITSELF:
            return section.info.path if section is not None else None
        if self._way.checkedId() == _DRAWN:
            return self._project if self.drawn.regions else None
        return super().path

    @property
    def is_project(self) -> bool:
        return self._way.checkedId() == _DRAWN

    def set_window(self, side_px: float | None) -> None:
        """The side of a window in level-0 px of the open section, for how many have room; None: nobody knows."""
        if side_px != self._window_px:
            self._window_px = side_px
            self._count()

    def add(self, path: Path) -> None:
        self.ways[_OTHER].setChecked(True)
        super().add(path)

    # -- following ---------------------------------------------------------------------------------

    def _offered(self) -> list[tuple[str, Path]]:
        return []

    def _section_changed(self) -> None:
        section = self._session.section
        self.ways[_ITSELF].setEnabled(section is not None)
        self.ways[_ITSELF].setToolTip("" if section is not None else "Open a section first")
        self._count()
        if section is None and self._way.checkedId() != _OTHER:
            self.ways[_OTHER].setChecked(True)
        self._chosen()

    def _project_changed(self) -> None:
        self._count()
        if self.is_project:
            self._again.start()

    def _drawings_changed(self) -> None:
        before = self.drawn
        self._count()
        if self.drawn == before:
            return
        if not before.regions and self._session.drawings.label == NORMAL:
            self.ways[_DRAWN].setChecked(True)  # whoever draws them wants them
        elif not self.drawn.regions and self.is_project:
            self.ways[_ITSELF].setChecked(True)
        if self.is_project:
            self._again.start()

    def _count(self) -> None:
        section, drawings = self._session.section, self._session.drawings.items
        size = section.info.pixel_size_um if section is not None else None
        self.drawn = drawn_normal(drawings if section is not None else (), size, self._window_px)
        self._show_drawn()

    def _show_drawn(self) -> None:
        drawn, drawings, has_section = self.drawn, self._session.drawings, self._session.section is not None
        self.ways[_DRAWN].setEnabled(bool(drawn.regions))
        self.drawn_text.setText(drawn_text(drawn))
        is_drawing = drawings.label == NORMAL
        self.draw_button.setEnabled(has_section)
        self.draw_button.setText("Stop drawing" if is_drawing else "Draw another" if drawn.regions else "Draw one")
        tip = "Drag a box over what is normal in the section; any outline of the class “normal” counts"
        self.draw_button.setToolTip(tip if has_section else "Open a section first")

    def _show(self) -> None:
        super()._show()
        if self._way.checkedId() == _ITSELF and not self.error:
            self.text.hide()  # nothing but what is said above

    def _chosen(self) -> None:
        is_other = self._way.checkedId() == _OTHER
        self._row.setVisible(is_other)
        self.robust.setVisible(self._way.checkedId() == _ITSELF)
        self.read()

    # -- making ------------------------------------------------------------------------------------

    def _draw(self) -> None:
        drawings = self._session.drawings
        if drawings.label == NORMAL:
            drawings.set_tool("pointer")
        else:
            drawings.set_tool("box", NORMAL)
            self.draw_requested.emit()

    def _lay_out(self) -> None:
        self._way = QButtonGroup(self)
        for number, way in enumerate(self.ways):
            self._way.addButton(way, number)
        self.ways[_ITSELF].setChecked(True)
        self.add_wide(self.ways[_ITSELF])
        self.add_wide(self.robust)
        self.add_wide(self.ways[_DRAWN])
        row = self.grid.rowCount()
        self.grid.addWidget(self.drawn_text, row, 0, 1, 2)
        self.grid.addWidget(self.draw_button, row, 2)
        self.add_wide(self.ways[_OTHER])
        super()._lay_out()
        self.draw_button.clicked.connect(self._draw)
        self._way.idToggled.connect(lambda number, on: self._chosen() if on else None)


def drawn_text(drawn: DrawnNormal) -> str:
    """What is drawn as normal, in words; how to begin where nothing is."""
    from core.counting import counted

    if not drawn.regions:
        return "None drawn yet on this section."
    size = f"{drawn.area_px / 1e6:.2g} MP" if drawn.area_mm2 is None else f"{drawn.area_mm2:.3g} mm²"
    told = f"{counted(drawn.regions, 'region')}, {size}"
    if drawn.windows is None:
        return f"{told}."
    room = f"room for {counted(drawn.windows, 'window')}" if drawn.windows else "too small for a single window"
    return f"{told}, {room}."
