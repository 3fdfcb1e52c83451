"""Decides how a picture gets from the window into a file: chosen in a dialog, written in the background, watched."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog

from app.jobs import Job
from app.picture_dialog import SUFFIXES, PictureDialog, PictureSource
from app.picture_overlay import Layer
from app.picture_painters import drawings_painter, fiducials_painter, grid_painter
from app.progress_dialog import ProgressDialog
from app.session_pictures import layer_of
from core.picture import Picture, Shape, write_region

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from app.session import Session
    from app.settings import Settings
    from app.viewer.viewer import Viewer
    from core.section import Section


def ask_and_export(window: QWidget, session: Session, viewer: Viewer, settings: Settings) -> None:
    """The dialog, then the file's name, then the writing."""
    section = session.section
    if section is None:
        return
    dialog = PictureDialog(window, _source(section, session, viewer))

    def accepted() -> None:
        path = _ask_path(window, section, dialog, settings)
        if path is not None:
            export(window, session, section, dialog.picture, path)

    dialog.accepted.connect(accepted)
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()


def export(window: QWidget, session: Session, section: Section, picture: Picture, path: Path) -> Job:
    """Writes in a lane of its own; what comes of it is told in the window."""

    def told(shape: Shape) -> None:
        session.message.emit("info", f"Picture saved: {path} ({shape.width:,} × {shape.height:,} px)")

    job = Job(lambda progress, cancel: write_region(section, picture, path, progress, cancel), "Export picture")
    job.finished.connect(told)
    job.failed.connect(session.report)
    job.cancelled.connect(lambda: session.message.emit("info", "The picture was not written."))
    ProgressDialog(window, job, f"Writing {path.name}").show()
    session.lanes.copies.submit(job)
    return job


def _source(section: Section, session: Session, viewer: Viewer) -> PictureSource:
    """Layers from the lowest to the highest."""
    styles, overlays, info = session.layers, viewer.overlays, section.info
    layers: dict[str, Layer] = {}
    for picture in session.pictures.items:
        painter, style = overlays.pictures.item(picture.id).painter, styles.layer(layer_of(picture.id))
        if painter is not None:
            layers[style.name] = Layer(painter, style.opacity, offered=style.visible)
    grid = styles.layer("grid")
    layers["Grid"] = Layer(grid_painter(styles.grid, info), grid.opacity, in_proportion=True, offered=grid.visible)
    for layer_id, name, item in (
        ("heat", "Heat map", overlays.heat.item),
        ("detections", "Detections", overlays.boxes),
    ):
        if item.painter is not None:
            layers[name] = Layer(item.painter, styles.layer(layer_id).opacity)
    if drawings := session.drawings.items:
        painter, opacity = drawings_painter(drawings, info), styles.layer("drawings").opacity
        layers["Drawings"] = Layer(painter, opacity, in_proportion=True, offered=True)
    if session.registration.fiducials:
        layers["Fiducials"] = Layer(fiducials_painter(session.registration, info), 1.0, in_proportion=True)
    drawn = session.drawings.selected
    region = drawn.box if drawn is not None and drawn.box.area > 0 else None
    return PictureSource(info, session.plane, session.look, viewer.visible_region(), region, layers)


def _ask_path(window: QWidget, section: Section, dialog: PictureDialog, settings: Settings) -> Path | None:
    suffix = SUFFIXES[dialog.kind]
    offered = Path(settings.get("last_folder")) / f"{section.info.path.stem} picture{suffix}"
    name, _ = QFileDialog.getSaveFileName(window, "Export picture", str(offered), f"Pictures (*{suffix})")
    if not name:
        return None
    path = Path(name)
    ending = path.suffix.lower()
    wanted = (".png",) if dialog.kind == "png" else (".tif", ".tiff")
    return path if ending in wanted else path.with_name(path.name + suffix)
