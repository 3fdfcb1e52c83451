"""Decides what a fiducial is, and how a list of them becomes a CSV and is read from one:
`name,x_px,y_px,sem_x,sem_y,sem_unit[,role]`."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from core.tables import Row, harmless, parse_rows, table_text

SemUnit = Literal["um", "mm"]
Role = Literal["fiducial", "check"]
COLUMNS = ("name", "x_px", "y_px", "sem_x", "sem_y", "sem_unit")
UM_PER_UNIT: dict[SemUnit, float] = {"um": 1.0, "mm": 1000.0}

_SPELLINGS: dict[str, SemUnit] = {"um": "um", "µm": "um", "μm": "um", "micron": "um", "microns": "um", "mm": "mm"}
_REMEDY = "It needs the columns " + ",".join(COLUMNS) + "; x_px and y_px in level-0 px, sem_unit mm or um."


@dataclass(frozen=True, slots=True)
class Fiducial:
    """One place on the section, and on the SEM's stage once it was seen there.

    Args:
        x_px, y_px: level-0 px, continuous.
        sem_x, sem_y: as the SEM shows them, in `unit`; None: not seen there yet, then it takes part in nothing.
        role: a "check" is not fitted to; its error is the only one that nobody could have tuned.
        detection_id: the defect that was centred in the SEM, where it is one.
    """

    name: str
    x_px: float
    y_px: float
    sem_x: float | None
    sem_y: float | None
    unit: SemUnit = "um"
    role: Role = "fiducial"
    detection_id: int | None = None

    @property
    def is_seen(self) -> bool:
        """Whether its place in the SEM is known."""
        return self.sem_x is not None and self.sem_y is not None

    @property
    def sem_um(self) -> tuple[float, float]:
        """Of one that is seen."""
        assert self.sem_x is not None
        assert self.sem_y is not None
        factor = UM_PER_UNIT[self.unit]
        return self.sem_x * factor, self.sem_y * factor


def sem_unit(text: str) -> SemUnit:
    """A unit however it is spelled. Raises ValueError."""
    try:
        return _SPELLINGS[text.strip().lower()]
    except KeyError:
        raise ValueError(f"the unit {text!r} is neither mm nor um") from None


def read_fiducials(path: Path) -> list[Fiducial]:
    """Every row of a CSV; one whose SEM cells are both empty was not seen there yet. Raises InputError naming the line when the file is missing, no such CSV, or a row is no fiducial."""
    return fiducials_in(table_text(path, "fiducials"), path)


def fiducials_in(text: str, path: Path | None = None) -> list[Fiducial]:
    """As `read_fiducials`, from the text itself, as it was pasted. Raises InputError naming the line."""
    return parse_rows(text, COLUMNS, _fiducial, path, _REMEDY)


def fiducials_csv(fiducials: Sequence[Fiducial]) -> str:
    """As `fiducials_in` reads them; the SEM's cells of those not seen yet are empty, to be filled in at the SEM."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*COLUMNS, "role"])
    for one in fiducials:
        sem = ["" if value is None else repr(value) for value in (one.sem_x, one.sem_y)]
        writer.writerow([harmless(one.name), f"{one.x_px:.3f}", f"{one.y_px:.3f}", *sem, one.unit, one.role])
    return file.getvalue()


def _fiducial(row: Row) -> Fiducial:
    role = (row.values.get("role") or "fiducial").lower()
    if role not in get_args(Role):
        raise ValueError(f"the role {role!r} is neither fiducial nor check")
    x, y = map(row.number, COLUMNS[1:3])
    is_seen = any(row.values.get(name) for name in COLUMNS[3:5])
    sem_x, sem_y = map(row.number, COLUMNS[3:5]) if is_seen else (None, None)
    return Fiducial(row.text("name"), x, y, sem_x, sem_y, sem_unit(row.text("sem_unit")), role)  # type: ignore[arg-type]
