"""Decides how a file of EDX results comes into the window: read and matched in the background, then shown to be confirmed."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog, QInputDialog, QWidget

from app.jobs import Job
from core.errors import SchliffError, UsageError

if TYPE_CHECKING:
    from app.session import Session
    from app.settings import Settings
    from core.chemistry.composition import Unit
    from core.chemistry.importing import Outcome

_FILES = "EDX results (*.csv *.h5oina);;All files (*)"
_UNITS: dict[str, Unit] = {"at.%": "at%", "wt.%": "wt%"}


def ask_and_import(parent: QWidget, session: Session, settings: Settings) -> None:
    """Asks for the file."""
    name, _ = QFileDialog.getOpenFileName(parent, "Import EDX results", settings.get("last_folder"), _FILES)
    if name:
        import_file(parent, session, Path(name))


def import_file(parent: QWidget, session: Session, path: Path, unit: Unit | None = None) -> None:
    """Reads a file and asks what is to become of it. `unit`: of one that doesn't say it."""
    project, record, scan = session.project, session.section_record, session.scan
    if project is None or record is None:
        session.report(
            UsageError("there is nothing that was measured", path=path, remedy="Open a section and scan it first.")
        )
        return

    def read() -> Outcome:
        from core.chemistry.importing import matched, read_measurements

        return matched(project, record, read_measurements(path, unit), [scan.id] if scan is not None else [], path)

    job = Job(lambda progress, cancel: read(), "Reading EDX results")
    job.finished.connect(partial(_show, parent, session, path))
    job.failed.connect(partial(_failed, parent, session, path))
    session.lanes.io.submit(job)


def _show(parent: QWidget, session: Session, path: Path, outcome: Outcome) -> None:
    from app.chemistry.import_dialog import ImportDialog

    dialog = ImportDialog(session, path, outcome, parent)
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()


def _failed(parent: QWidget, session: Session, path: Path, error: SchliffError) -> None:
    """A file that only lacks its unit is read again once somebody has said it."""
    from core.chemistry.edx_csv import UnitNotSaidError

    if not isinstance(error, UnitNotSaidError):
        session.report(error)
        return
    said, ok = QInputDialog.getItem(
        parent, "Import EDX results", f"{path.name} doesn't say its unit. Amounts are in:", list(_UNITS), 0, False
    )
    if ok:
        import_file(parent, session, path, _UNITS[said])
