"""Decides how pictures of a part of the section, from an SEM for example, are opened, laid over it and swept aside."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QDoubleSpinBox, QFileDialog, QHBoxLayout, QPushButton, QWidget

from app.combo import ComboBox
from app.jobs import Job
from app.layout import Group, muted
from app.session import Session
from app.theme import SPACE
from core.placement import Placement
from core.section import Section, SectionInfo

if TYPE_CHECKING:
    from core.registration.laid_pictures import LaidPicture, Way

_SHARE_OF_VIEW = 1000.0  # device-independent px on the screen that a picture without a pixel size is laid across
_TILT_WORTH_TELLING = 1.0  # degrees
WAYS: dict[Way, str] = {"registration": "Through the registration", "hand": "By hand", "matched": "By matched places"}


class PicturesGroup(Group):
    """Follows and sets `session.pictures`."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("SEM images and other pictures", parent)
        self._session = session
        self._job: Job | None = None
        self.open, self.remove = QPushButton("Open…"), QPushButton("Remove")
        self.chosen, self.way = ComboBox(), ComboBox()
        self.match = QPushButton("Match places")
        self.forget = QPushButton("Forget matches")
        self.movable, self.swipe = QCheckBox("Move with the mouse"), QCheckBox("Swipe")
        self.mirrored = QCheckBox("Mirrored")
        self.scale = _spin(0.0001, 10_000.0, 4, "Size of one of its px, in px of the section")
        self.rotation = _spin(-180.0, 180.0, 2, "Clockwise, around the picture's middle")
        self.turn = _spin(-180.0, 180.0, 2, "From the SEM's X towards its Y: how the scan was turned")
        self.told = muted()
        self._lay_out()
        self._connect()
        self.follow()

    def follow(self) -> None:
        """Shows the session's values without setting them again."""
        session, pictures = self._session, self._session.pictures
        picture = pictures.chosen
        self.open.setEnabled(session.section is not None and self._job is None)
        controls = (
            self.chosen,
            self.way,
            self.movable,
            self.swipe,
            self.scale,
            self.rotation,
            self.turn,
            self.mirrored,
        )
        for control in controls:
            control.blockSignals(True)
        self._fill_choice()
        if picture is not None:
            self._fill(picture)
        for control in controls:
            control.blockSignals(False)
        self._show_rows(picture)

    def open_path(self, path: str) -> None:
        """Lays a picture where its file and the registration say, else in the middle of the view; shows its layer."""
        session = self._session
        section = session.section
        job = self._job = Job(lambda progress, cancel: _described(path), Path(path).name)
        job.finished.connect(lambda described: self._lay(section, *described))
        job.ended.connect(self._opened)
        session.run_io(job)
        self.follow()

    def _opened(self) -> None:
        self._job = None
        self.follow()

    def _lay(self, section: Section | None, info: SectionInfo, fingerprint: str) -> None:
        """Over the section it was chosen for, if that is still open."""
        from core.registration.laid_pictures import newly_laid

        session = self._session
        if session.section is None or session.section is not section or session.view is None:
            return
        own, size = session.section.info.pixel_size_um, (info.width_px, info.height_px)
        if info.pixel_size_um is not None and own is not None:
            scale = info.pixel_size_um[0] / own[0]
        else:
            scale = _SHARE_OF_VIEW / session.view.zoom / size[0]
        by_hand = Placement.around((session.view.x_px, session.view.y_px), size, scale)
        pictures = session.pictures
        laid = newly_laid(info, fingerprint, pictures.next_id(), session.registration.fit, by_hand)
        pictures.add(laid)
        pictures.set_movable(laid.way == "hand")

    # -- what it shows ----------------------------------------------------------------------------

    def _fill_choice(self) -> None:
        pictures = self._session.pictures
        names = [(Path(one.path).name, one.id) for one in pictures.items]
        if names != [(self.chosen.itemText(row), self.chosen.itemData(row)) for row in range(self.chosen.count())]:
            self.chosen.clear()
            for name, picture_id in names:
                self.chosen.addItem(name, picture_id)
        self.chosen.setCurrentIndex(self.chosen.findData(pictures.chosen_id))

    def _fill(self, picture: LaidPicture) -> None:
        pictures = self._session.pictures
        lies = pictures.lies(picture)
        self.chosen.setToolTip(picture.path)
        offered = [way for way in WAYS if way == "hand" or way == picture.way or _can_be(picture, way)]
        self.way.clear()
        for way in offered:
            self.way.addItem(WAYS[way], way)
        self.way.setCurrentIndex(self.way.findData(picture.way))
        self.movable.setChecked(pictures.movable)
        self.swipe.setChecked(pictures.swipe is not None)
        self.scale.setValue(lies.scale)
        self.rotation.setValue(lies.rotation_deg)
        self.turn.setValue(picture.turn_deg)
        self.mirrored.setChecked(picture.mirrored if picture.way == "registration" else lies.is_mirrored)
        self.match.setChecked(self._session.drawings.tool == "match")
        self.told.setText(self._text(picture))

    def _show_rows(self, picture: LaidPicture | None) -> None:
        registered = picture is not None and picture.way == "registration"
        by_hand = picture is not None and picture.way == "hand"
        for control in (self.remove, self.swipe, self.match, *self._rows["all"]):
            control.setVisible(picture is not None)
        for control in self._rows["hand"]:
            control.setVisible(by_hand)
        for control in self._rows["registration"]:
            control.setVisible(registered)
        self.movable.setVisible(picture is not None)
        self.mirrored.setVisible(registered or by_hand)
        self.forget.setVisible(picture is not None and bool(picture.matches))
        self.told.setVisible(picture is not None and bool(self.told.text()))

    def _text(self, picture: LaidPicture) -> str:
        """What is known of how well it lies."""
        from core.registration.laid_pictures import misfit_px

        told = []
        if picture.way == "registration" and self._session.registration.fit is None:
            told.append("There is no registration now; it lies where it was laid first.")
        elif picture.way == "registration":
            told.append(
                "If it is turned or mirrored against the section, set that here: its file doesn't say for sure."
            )
        if picture.way == "matched":
            count, apart = len(picture.matches), misfit_px(picture.matches, self._session.pictures.lies(picture))
            places = f"{count} matched place{'s' if count > 1 else ''}"
            told.append(places + (f", {apart:.1f} px apart (rms)" if apart is not None else ""))
        if picture.tilt_deg is not None and abs(picture.tilt_deg) >= _TILT_WORTH_TELLING:
            told.append(f"It was taken tilted by {picture.tilt_deg:.1f}°: unless that was corrected, it is shortened.")
        return " ".join(told)

    # -- what it does -----------------------------------------------------------------------------

    def _ask(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Open a picture of a part of the section")
        if name:
            self.open_path(name)

    def _set_way(self) -> None:
        pictures, way = self._session.pictures, self.way.currentData()
        picture = pictures.chosen
        if picture is not None and way != picture.way:
            pictures.change(picture.id, way=way, placement=pictures.lies(picture))

    def _set_placement(self, placement: Placement) -> None:
        pictures = self._session.pictures
        if pictures.chosen is not None:
            pictures.lay_by_hand(pictures.chosen.id, placement)

    def _set_scale(self, scale: float) -> None:
        if (picture := self._session.pictures.chosen) is not None:
            self._set_placement(self._session.pictures.lies(picture).scaled_to(scale, picture.size))

    def _set_rotation(self, rotation_deg: float) -> None:
        if (picture := self._session.pictures.chosen) is not None:
            self._set_placement(self._session.pictures.lies(picture).turned_to(rotation_deg, picture.size))

    def _set_turn(self, turn_deg: float) -> None:
        if (picture := self._session.pictures.chosen) is not None:
            self._session.pictures.change(picture.id, turn_deg=turn_deg)

    def _set_mirrored(self, mirrored: bool) -> None:
        pictures = self._session.pictures
        picture = pictures.chosen
        if picture is None:
            return
        if picture.way == "registration":
            pictures.change(picture.id, mirrored=mirrored)
        else:
            self._set_placement(pictures.lies(picture).mirrored(picture.size))

    def _match(self, on: bool) -> None:
        """Taken in hand, or put away."""
        self._session.drawings.set_tool("match" if on else "pointer")
        if on:
            self._session.message.emit(
                "info", "Pull from a place in the picture to where the section shows the same; three places or more."
            )

    def _remove(self) -> None:
        pictures = self._session.pictures
        if pictures.chosen_id is not None:
            pictures.remove(pictures.chosen_id)

    # -- making -----------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.open.setToolTip("Lay another picture of a part of the section over it, from an SEM for example")
        self.chosen.setMinimumContentsLength(10)
        self.way.setToolTip("What says where it lies. A registration that changes takes along what lies through it")
        self.movable.setToolTip("While this is on, dragging the picture moves it; elsewhere dragging moves the view")
        self.swipe.setToolTip("A divider in the view: left of it the section, right of it what lies over it")
        self.match.setCheckable(True)
        self.match.setToolTip("Pull from a place in the picture to where the section shows the same")
        self.forget.setToolTip("It stays where it lies")
        for spin in (self.rotation, self.turn):
            spin.setSuffix("°")
            spin.setWrapping(True)
        self.add_wide(_line(self.open, self.remove))
        picture = self.add_row("Picture", self.chosen)
        way = self.add_row("Lies", self.way)
        scale = self.add_row("Scale", self.scale)
        rotation = self.add_row("Rotation", self.rotation)
        turn = self.add_row("Turn", self.turn)
        self.add_wide(_line(self.mirrored, self.movable))
        self.add_wide(_line(self.match, self.forget))
        self.add_wide(self.swipe)
        self.add_wide(self.told)
        self._rows = {
            "all": (picture, self.chosen, way, self.way),
            "hand": (scale, self.scale, rotation, self.rotation),
            "registration": (turn, self.turn),
        }

    def _connect(self) -> None:
        session, pictures = self._session, self._session.pictures
        self.open.clicked.connect(self._ask)
        self.remove.clicked.connect(self._remove)
        self.chosen.activated.connect(lambda _: pictures.choose(self.chosen.currentData()))
        self.way.activated.connect(lambda _: self._set_way())
        self.movable.toggled.connect(pictures.set_movable)
        self.swipe.toggled.connect(lambda on: pictures.set_swipe(0.5 if on else None))
        self.mirrored.toggled.connect(self._set_mirrored)
        self.scale.valueChanged.connect(self._set_scale)
        self.rotation.valueChanged.connect(self._set_rotation)
        self.turn.valueChanged.connect(self._set_turn)
        self.match.clicked.connect(self._match)
        self.forget.clicked.connect(pictures.forget_matches)
        for changed in (
            pictures.changed,
            pictures.chosen_changed,
            session.section_changed,
            session.drawings.tool_changed,
        ):
            changed.connect(self.follow)


def _can_be(picture: LaidPicture, way: Way) -> bool:
    """Whether enough is known to lay it so."""
    return picture.can_be_registered if way == "registration" else bool(picture.matches)


def _described(path: str) -> tuple[SectionInfo, str]:
    """What is known of it, and what it is. Raises InputError where it can't be read."""
    from core.readers.base import open_section
    from core.readers.fingerprint import fingerprint

    with open_section(Path(path)) as section:
        return section.info, fingerprint(section.info.path)


def _line(*widgets: QWidget) -> QWidget:
    holder = QWidget()
    line = QHBoxLayout(holder)
    line.setContentsMargins(0, 0, 0, 0)
    line.setSpacing(SPACE)
    for widget in widgets:
        line.addWidget(widget)
    line.addStretch(1)
    return holder


def _spin(low: float, high: float, decimals: int, tool_tip: str) -> QDoubleSpinBox:
    spin = QDoubleSpinBox()
    spin.setRange(low, high)
    spin.setDecimals(decimals)
    spin.setKeyboardTracking(False)
    spin.setToolTip(tool_tip)
    spin.setAlignment(Qt.AlignmentFlag.AlignRight)
    return spin
