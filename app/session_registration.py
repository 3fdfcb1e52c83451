"""Decides which fiducials the open section has, and when they are stored; the fit to them is made when somebody asks for it.

A section without a project gets one with its first fiducial. What can't be stored yet is kept and stored with the next try.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from app.session_keeping import Keeper
from core.counting import counted
from core.errors import SchliffError, UsageError

if TYPE_CHECKING:
    from app.session import Session
    from core.project import Project, SectionRecord
    from core.registration.fiducials import Fiducial, SemUnit
    from core.registration.registration import Registration, RegistrationKind


class RegistrationControl(QObject):
    """The fiducials of the session's section, in the order they were made, and the registration they give.

    They are known by their row. Every change is one step of undo.
    """

    changed = Signal()  # the fiducials, the kind of fit, or the unit
    selection_changed = Signal(str)  # who selected: "viewer", "panel", "session"
    held_changed = Signal()  # the mouse or the keys move one of them
    wanted = Signal(int)  # the row of one that somebody asked to see in the section

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self.fiducials: tuple[Fiducial, ...] = ()
        self.kind: RegistrationKind = "auto"
        self.selected_row: int | None = None
        self.held: tuple[int | None, float, float] | None = None  # row (None: a new one), level-0 px
        self._unit: SemUnit = "mm"  # while there are none
        self._is_fitted = False
        self._fit: Registration | None = None
        self._reason = ""
        self._keeper = Keeper(session, "fiducials", self._store)
        self._keeper.stored.connect(self.changed)
        session.calibration.changed.connect(self._tell)

    @property
    def unit(self) -> SemUnit:
        """In which all SEM positions are given."""
        return self.fiducials[0].unit if self.fiducials else self._unit

    @property
    def fit(self) -> Registration | None:
        """None while the fiducials don't suffice: `reason` says why."""
        self._make_fit()
        return self._fit

    @property
    def reason(self) -> str:
        self._make_fit()
        return self._reason

    @property
    def selected(self) -> Fiducial | None:
        return self.fiducials[self.selected_row] if self.selected_row is not None else None

    def select(self, row: int | None, source: str) -> None:
        if row != self.selected_row:
            self.selected_row = row
            self.selection_changed.emit(source)

    def show(self, row: int) -> None:
        """Asks the viewer to go there."""
        self.wanted.emit(row)

    def nearest(self, x_px: float, y_px: float, reach_px: float) -> int | None:
        """The row of the nearest fiducial within `reach_px` level-0 px of a point."""
        away = [(math.dist((one.x_px, one.y_px), (x_px, y_px)), row) for row, one in enumerate(self.fiducials)]
        distance, row = min(away, default=(math.inf, 0))
        return row if distance <= reach_px else None

    def hold(self, held: tuple[int | None, float, float] | None) -> None:
        """Shows a fiducial elsewhere until it is let go; nothing is stored of it."""
        if held != self.held:
            self.held = held
            self.held_changed.emit()

    # -- changing them ----------------------------------------------------------------------------

    def add(self, x_px: float, y_px: float) -> None:
        """Picked on the section, to be seen in the SEM yet; it is selected."""
        taken = {one.name for one in self.fiducials}
        number = next(n for n in range(1, len(taken) + 2) if f"F{n}" not in taken)
        self._add(f"F{number}", x_px, y_px, None)

    def add_defect(self) -> None:
        """The middle of the selected detection: it will be centred in the SEM, and its stage position typed in."""
        detection = self._session.selected
        if detection is None:
            return
        row = next((r for r, one in enumerate(self.fiducials) if one.detection_id == detection.id), None)
        if row is not None:
            self.select(row, "session")
        else:
            self._add(f"#{detection.id}", *detection.box.center, detection.id)

    def change(self, row: int, **values: Any) -> None:
        """As in `change(0, sem_x=1.25)`."""
        changed = replace(self.fiducials[row], **values)
        self._take((*self.fiducials[:row], changed, *self.fiducials[row + 1 :]))

    def remove(self, rows: Collection[int]) -> None:
        self._take(tuple(one for row, one in enumerate(self.fiducials) if row not in rows))

    def replace_all(self, fiducials: Sequence[Fiducial]) -> None:
        self._take(tuple(fiducials))

    def fill(self, positions: Sequence[tuple[float, float]], first_row: int) -> None:
        """Gives fiducials, from one row on, their positions in the SEM. Raises UsageError where there are too few."""
        room = len(self.fiducials) - first_row
        if len(positions) > room:
            raise UsageError(
                f"{counted(len(positions), 'position')} copied, but there is room for {room} from the chosen row on",
                remedy="Pick the missing fiducials first, or choose an earlier row.",
            )
        filled = list(self.fiducials)
        for row, (x, y) in enumerate(positions, first_row):
            filled[row] = replace(filled[row], sem_x=x, sem_y=y)
        self._take(tuple(filled))

    def set_kind(self, kind: RegistrationKind) -> None:
        if kind != self.kind:
            self.kind = kind
            self._keep()

    def set_unit(self, unit: SemUnit) -> None:
        """The numbers stay, what they mean changes: it is the unit that the SEM shows them in."""
        if unit == self.unit:
            return
        self._unit = unit
        if self.fiducials:
            self._take(tuple(replace(one, unit=unit) for one in self.fiducials))
        else:
            self.changed.emit()

    def refresh(self, section_ids: Collection[int]) -> None:
        """Reads again what undo or redo has changed."""
        record, project = self._session.section_record, self._session.project
        if record is None or project is None:
            return
        if record.id not in section_ids:
            self._session.message.emit("info", "That was the registration of another section of this project.")
            return
        from core.project.registration_store import RegistrationStore

        self.adopt(*RegistrationStore(project).fiducials(record.id))

    def adopt(self, fiducials: Sequence[Fiducial], kind: RegistrationKind) -> None:
        """Those that are stored; call `settle` before another section comes."""
        self.fiducials, self.kind = tuple(fiducials), kind
        self._keeper.forget()
        self._tell()

    def settle(self) -> None:
        """Stores what waits for its project, now: the section is about to be left."""
        self._keeper.settle()

    # -- storing them -----------------------------------------------------------------------------

    def _add(self, name: str, x_px: float, y_px: float, detection_id: int | None) -> None:
        from core.registration.fiducials import Fiducial

        if self._session.section is None:
            return
        new = Fiducial(name, x_px, y_px, None, None, self.unit, detection_id=detection_id)
        self._take((*self.fiducials, new))
        self.select(len(self.fiducials) - 1, "viewer")

    def _take(self, fiducials: tuple[Fiducial, ...]) -> None:
        if fiducials != self.fiducials:
            self._unit = (fiducials or self.fiducials)[0].unit
            self.fiducials = fiducials
            self._keep()

    def _keep(self) -> None:
        self._tell()
        self._keeper.keep()

    def _tell(self) -> None:
        self._is_fitted, self.held = False, None
        if self.selected_row is not None and self.selected_row >= len(self.fiducials):
            self.select(None, "session")
        self.changed.emit()

    def _store(self, project: Project, record: SectionRecord) -> None:
        from core.project.registration_store import RegistrationStore

        RegistrationStore(project).keep(record.id, self.fiducials, self.kind)

    def _make_fit(self) -> None:
        if self._is_fitted:
            return
        self._is_fitted, self._fit, self._reason = True, None, ""
        section = self._session.section
        if not self.fiducials or section is None:
            return
        from core.registration.registration import register

        try:
            self._fit = register(self.fiducials, section.info.pixel_size_um, self.kind)
        except SchliffError as error:
            self._reason = str(error)
