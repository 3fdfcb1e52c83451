"""Decides how a section on a slow drive is copied to this computer on request, and that the copy is opened at the same view."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog

from app.jobs import Job
from app.progress_dialog import ProgressDialog
from app.viewer.camera import Camera
from core.local_copy import copy_locally

if TYPE_CHECKING:
    from app.main_window import MainWindow
    from app.session import Session
    from app.settings import Settings


def ask_and_copy(window: MainWindow, session: Session, settings: Settings) -> None:
    """Asks for a folder; copies, verifies, then opens the copy if its original is still what is looked at."""
    section = session.section
    if section is None:
        return
    source = section.info.path
    chosen = QFileDialog.getExistingDirectory(window, "Copy the section into", settings.get("last_copy_folder"))
    if not chosen:
        return
    settings.set("last_copy_folder", chosen)
    if Path(chosen).resolve() == source.parent.resolve():
        session.message.emit("info", f"{source.name} lies in that folder already. Choose another one to copy it to.")
        return

    def copied(path: Path) -> None:
        shown = session.section
        if shown is not None and shown.info.path == source and path != source:
            session.message.emit("info", f"Copied and verified: {path}")
            _open_there(window, session, path)
        else:
            session.message.emit("info", f"Copied and verified: {path}. Open it from there.")

    job = Job(lambda progress, cancel: copy_locally(source, Path(chosen), progress, cancel), "Copy to this computer")
    job.finished.connect(copied)
    job.failed.connect(session.report)
    job.cancelled.connect(
        lambda: session.message.emit("info", "The copy was stopped; copying again goes on from there.")
    )
    ProgressDialog(window, job, f"Copying {source.name} to {chosen}").show()
    session.lanes.copies.submit(job)


def _open_there(window: MainWindow, session: Session, path: Path) -> None:
    """Opens the copy where its original was looked at."""
    view = session.view

    def opened(what: str) -> None:
        session.path_opened.disconnect(opened)
        if view is not None and what == str(path):
            window.viewer.canvas.fly(Camera(view.x_px, view.y_px, view.zoom), 0)

    session.path_opened.connect(opened)
    session.open_path(path)
