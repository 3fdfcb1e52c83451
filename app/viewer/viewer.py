"""Decides how canvas, tiles, overlays and the session belong together: this is the widget that shows the section."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QTimer, Signal
from PySide6.QtGui import QHideEvent, QImage
from PySide6.QtWidgets import QToolTip, QWidget

from app.class_colours import class_name
from app.scores import PROBABILITY, score_text
from app.session import Session
from app.session_state import ViewState
from app.theme import SPACE
from app.tools.toolbox import Toolbox
from app.viewer.camera import Camera
from app.viewer.drawings_layer import DrawingsLayer
from app.viewer.drive_layer import DriveLayer
from app.viewer.fiducials_layer import FiducialsLayer
from app.viewer.inspection_layer import InspectionLayer
from app.viewer.minimap import Minimap
from app.viewer.overlays import Overlays
from app.viewer.plane_bar import PlaneBar
from app.viewer.readout import position_text, value_text
from app.viewer.region_layer import RegionLayer
from app.viewer.section_view import SectionView
from app.viewer.swipe import Swipe
from app.viewer.tile_reader import Probed
from app.viewer.tiles import TileKey
from core.detection import Detection
from core.drawing import Drawing
from core.geometry import Box

PROBE_AFTER_MS = 40


class Viewer(SectionView):
    """The section that is open, its overlays, scale bar and minimap."""

    readout_changed = Signal(str)  # what is under the pointer; "" = nothing
    zoom_changed = Signal(float)  # device px per level-0 px
    first_picture = Signal()  # something of a section can be seen, for the first time or better than before

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._minimap_wanted = True
        self.minimap = Minimap(self.canvas.viewport())
        self.overlays = Overlays(session, self.canvas)
        self.overlays.marks_changed.connect(self.minimap.set_marks)
        self.overlays.stack.add("section", "Section", self._section_item)
        self.drive = DriveLayer(session, self.overlays.stack)
        self.drawings = DrawingsLayer(session, self.overlays.stack)
        self.fiducials = FiducialsLayer(session, self.overlays.stack, self.canvas)
        self.inspection = InspectionLayer(session, self.overlays.stack, self.canvas)
        self.region = RegionLayer(self.overlays.stack)
        self.swipe = Swipe(session, self.canvas, self.overlays.pictures)
        self.tools = Toolbox(session, self.canvas, self.drawings.item)
        self.column.insertWidget(0, PlaneBar(session, self))
        self._pointer: tuple[float, float] | None = None
        self._probe_timer = QTimer(self, singleShot=True, interval=PROBE_AFTER_MS)
        self._probe_timer.timeout.connect(self._probe)
        self._connect()
        self._section_changed()

    def _connect(self) -> None:
        session, canvas, provider = self._session, self.canvas, self.provider
        session.section_changed.connect(self._section_changed)
        session.display_changed.connect(self._display_changed)
        session.calibration.changed.connect(self._camera_changed)
        session.overviews_changed.connect(self._overviews_changed)
        session.selection_changed.connect(self._selection_changed)
        session.drawings.wanted.connect(self.show_drawing)
        canvas.clicked.connect(self._clicked)
        canvas.pointer_moved.connect(self._pointer_moved)
        canvas.pointer_left.connect(self._pointer_left)
        canvas.tip_wanted.connect(self._show_tip)
        provider.probed.connect(self._probed)
        provider.failed.connect(session.report)
        self.overlays.failed.connect(session.report)
        self.look_badge.switched_off.connect(session.looks.toggle_enhancements)
        self.minimap.moved.connect(canvas.look_at)

    # -- for the window ---------------------------------------------------------------------------

    def picture(self) -> QImage:
        """What the view shows, with its overlays, scale bar included, without minimap and badges."""
        shown = [widget for widget in (self.minimap, self.look_badge, self.unread_badge) if widget.isVisible()]
        for widget in shown:
            widget.hide()
        self.overlays.settle()
        image = super().picture()
        for widget in shown:
            widget.show()
        return image

    def visible_region(self) -> Box | None:
        """The part of the section in sight, in level-0 px."""
        view, section = self.canvas.visible_box(), self._session.section
        return view.intersection(section.info.box) if view is not None and section is not None else None

    def show_detection(self, detection: Detection) -> None:
        """Flies there."""
        self.canvas.fly_to(detection.box.grown(16))

    def show_minimap(self, wanted: bool) -> None:
        """Whether it is there at all, while it is of use."""
        self._minimap_wanted = wanted
        self.minimap.setVisible(wanted and self.minimap.is_useful)

    def show_drawing(self, drawing: Drawing) -> None:
        """Flies there."""
        self.canvas.fly_to(drawing.box.grown(16), share=0.5)

    def close_tiles(self) -> None:
        """Ends the reading threads."""
        self._probe_timer.stop()
        self.overlays.close()
        super().close_tiles()

    # -- the section ------------------------------------------------------------------------------

    def _section_changed(self) -> None:
        session = self._session
        section = session.section
        self.provider.set_section(section, session.plane, session.look)
        box = self._set_extent(section)
        self.minimap.set_section(box)
        view = session.view
        self.canvas.set_section(box, Camera(view.x_px, view.y_px, view.zoom) if view is not None else None)
        self._pointer_left()

    def _improving(self) -> bool:
        return not self._session.overviews.ready

    def _overviews_changed(self, area: Box | None) -> None:
        self.provider.sharpen(area)

    def _display_changed(self) -> None:
        self.provider.set_display(self._session.plane, self._session.look)

    def _camera_changed(self) -> None:
        camera, view, section = self.canvas.camera, self.canvas.visible_box(), self._session.section
        if camera is None or view is None or section is None or section is not self._section:
            self.minimap.hide()
            return
        self._point_again()
        self.minimap.set_view(view)
        self.minimap.setVisible(self._minimap_wanted and self.minimap.is_useful)
        super()._camera_changed()
        self._session.set_view(ViewState(camera.x, camera.y, camera.zoom))
        self.zoom_changed.emit(camera.zoom * self.canvas.devicePixelRatioF())

    def _tile_ready(self, key: TileKey) -> None:
        super()._tile_ready(key)
        if key.downsample == self.provider.coarsest:
            picture = self.provider.overview
            if picture is not None:
                self.minimap.set_picture(picture)
                self._session.overviews.first_picture()
                self.first_picture.emit()

    # -- the pointer ------------------------------------------------------------------------------

    def _clicked(self, x_px: float, y_px: float) -> None:
        if self.tools.click(x_px, y_px):
            return
        hit = self.overlays.hit(x_px, y_px, self._zoom())
        self._session.select(hit.id if hit is not None else None, "viewer")

    def _pointer_moved(self, x_px: float, y_px: float) -> None:
        section = self._session.section
        if section is None or not section.info.box.contains(x_px, y_px):
            self._pointer_left()
            return
        self._pointer = (x_px, y_px)
        self.readout_changed.emit(position_text(section.info, x_px, y_px))
        self._probe_timer.start()

    def _point_again(self) -> None:
        """The view has moved under the pointer, or the pointer is elsewhere."""
        pointed = self.canvas.pointed
        if pointed is None:
            self._pointer_left()
        elif pointed != self._pointer:
            self._pointer_moved(*pointed)

    def _pointer_left(self) -> None:
        self._pointer = None
        self._probe_timer.stop()
        self.readout_changed.emit("")

    def _probe(self) -> None:
        if self._pointer is not None and not self.canvas.moving:
            self.provider.reader.probe(int(self._pointer[0]), int(self._pointer[1]))

    def _probed(self, probed: Probed) -> None:
        section = self._session.section
        if section is None or self._pointer is None:
            return
        if (int(self._pointer[0]), int(self._pointer[1])) == (probed.x, probed.y):
            text = position_text(section.info, *self._pointer)
            self.readout_changed.emit(f"{text}   {value_text(probed.values)}")

    def _show_tip(self, x_px: float, y_px: float, position: QPoint) -> None:
        hit = self.overlays.hit(x_px, y_px, self._zoom())
        if hit is None:
            QToolTip.hideText()
            return
        scan = self._session.scan
        score_unit = scan.score_unit if scan is not None else PROBABILITY
        unit = "" if score_unit == PROBABILITY else f" ({score_unit})"
        score = score_text(hit, score_unit) if hit.is_drawn else f"score {score_text(hit, score_unit)}{unit}"
        status = hit.status.replace("_", " ")
        QToolTip.showText(position, f"<b>{class_name(hit.label)}</b><br>{score}<br>{status}", self)

    def _selection_changed(self, source: str) -> None:
        detection = self._session.selected
        if detection is not None and source != "viewer" and source != "session":
            self.show_detection(detection)

    def _zoom(self) -> float:
        return self.canvas.camera.zoom if self.canvas.camera is not None else 1.0

    # -- looks ------------------------------------------------------------------------------------

    def _place_overlays(self) -> None:
        super()._place_overlays()
        area, small = self.canvas.rect(), self.minimap
        small.move(area.width() - small.width() - 2 * SPACE, area.height() - small.height() - 2 * SPACE)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._pointer_left()
