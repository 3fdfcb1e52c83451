"""Decides which facts of the selected detection are shown, and how its status and note are changed by hand."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QPalette
from PySide6.QtWidgets import (
    QApplication,
    QButtonGroup,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.class_colours import class_colour
from app.combo import ComboBox
from app.decision_words import decided_text, log_text, model_text
from app.gallery.badges import chip_icon, status_icon
from app.layout import Group
from app.panels.composition_group import CompositionGroup
from app.registration.wording import error_text, field_text, sem_numbers, sem_text
from app.scores import PROBABILITY, format_score
from app.session import Session
from app.severity_words import severity_words
from app.theme import SPACE
from core.class_colours import class_name
from core.detection import STATUS_NAMES, STATUSES, Detection, Status
from core.frames import StageSource
from core.section import SectionInfo

STAGE_SOURCES: dict[StageSource, str] = {
    "pixel_to_stage": "the file's own pixel-to-stage transform",
    "tile_positions": "a fit to the positions of the camera tiles",
    "scene_center": "the centre of the scene, the least exact source",
    "ome_plane": "the plane position in the OME metadata",
    "none": "",
}
_FACTS = (
    "Decided",
    "Score",
    "Severity",
    "Size",
    "Area",
    "Pixel",
    "Stage",
    "SEM",
    "SEM error",
    "SEM field",
    "From corner",
    "Model",
    "Model says",
)


class Details(QWidget):
    """Class, score, size, position (in the SEM too, where the section is registered), status and note of the selection."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._shown: Detection | None = None
        self._before_note: QWidget | None = None
        self._facts = Group("")
        self._values: dict[str, QLabel] = {}
        self._names: dict[str, QLabel] = {}
        self._chip = QLabel()
        self._title = QLabel()
        self._judgement = Group("Review")
        self.status_buttons: dict[Status, QToolButton] = {}
        self.class_choice = ComboBox()
        self.note = QLineEdit(placeholderText="Note", clearButtonEnabled=True, maxLength=2000)
        self.copy = QPushButton("Copy position")
        self.copy_sem = QPushButton("Copy SEM position")
        self._lay_out()
        self._connect()
        self.follow()

    def fact(self, name: str) -> str:
        """The text shown for one of `_FACTS`."""
        return self._values[name].text()

    def begin_note(self) -> None:
        """The note is written next; Enter gives the keyboard back to whoever had it."""
        self._before_note = QApplication.focusWidget()
        self.note.setFocus(Qt.FocusReason.ShortcutFocusReason)

    # -- following --------------------------------------------------------------------------------

    def follow(self) -> None:
        """Shows the selected detection as it is now."""
        detection, section = self._session.selected, self._session.section
        shown = detection is not None and section is not None
        self.setVisible(shown)
        before, self._shown = self._shown, detection
        if detection is None or section is None:
            return
        icon = chip_icon(class_colour(detection.label, self._session.classes.labels))
        self._chip.setPixmap(icon.pixmap(self.fontMetrics().height()))
        self._title.setText(f"{class_name(detection.label)} <span>#{detection.id}</span>")
        for name, text in self._describe(detection, section.info).items():
            self._values[name].setText(text)
            for widget in (self._names[name], self._values[name]):
                widget.setVisible(bool(text))
        self._values["Severity"].setToolTip(severity_words(self._session, detection))
        self._values["Stage"].setToolTip(f"From {STAGE_SOURCES[section.info.stage.source]}")
        self._values["Decided"].setToolTip(log_text(self._session.reviewing.log(detection.id)))
        self.status_buttons[detection.status].setChecked(True)
        self._show_class(detection)
        if before is None or _note_of(before) != _note_of(detection):
            self.note.setText(detection.note)
        has_stage = section.info.stage.affine is not None
        self.copy.setText("Copy stage position" if has_stage else "Copy pixel position")
        self.copy_sem.setVisible(self._session.registration.fit is not None)

    def _describe(self, detection: Detection, info: SectionInfo) -> dict[str, str]:
        """Every fact as text; empty where the section doesn't say."""
        scan, box, scale = self._session.scan, detection.box, info.pixel_size_um
        score_unit = scan.score_unit if scan is not None else PROBABILITY
        unit = f" ({score_unit})" if score_unit else ""
        x, y = box.center
        stage = info.stage.to_stage(x, y)
        size = f"{box.w:.0f} × {box.h:.0f} px"
        area = f"{detection.area_px:,.0f} px²"
        corner = ""
        if scale is not None:
            size = f"{_um(box.w * scale[0])} × {_um(box.h * scale[1])} µm"
            area = f"{_um(detection.area_px * scale[0] * scale[1])} µm²"
            corner = f"{x * scale[0]:,.1f}, {y * scale[1]:,.1f} µm" if stage is None else ""
        fit = self._session.registration.fit
        return {
            "Score": "" if detection.is_drawn else f"{format_score(detection.score, score_unit)}{unit}",
            "Severity": f"{detection.severity:.0f} of 100",
            "Size": size,
            "Area": area,
            "Pixel": f"{x:,.1f}, {y:,.1f}",
            "Stage": f"{stage[0]:,.1f}, {stage[1]:,.1f} µm" if stage is not None else "",
            "SEM": sem_text(fit, x, y) if fit is not None else "",
            "SEM error": error_text(fit, x, y) if fit is not None else "",
            "SEM field": field_text(fit, box) if fit is not None else "",
            "From corner": corner,
            "Model": model_text(detection, scan.model_name if scan is not None else detection.model),
            "Model says": class_name(detection.model_label) if detection.model_label else "",
            "Decided": decided_text(detection),
        }

    def _show_class(self, detection: Detection) -> None:
        """The class that counts, among those that it may be."""
        choices = dict.fromkeys((*self._session.classes.choices, detection.label))
        if [self.class_choice.itemData(row) for row in range(self.class_choice.count())] != list(choices):
            self.class_choice.clear()
            for label in choices:
                self.class_choice.addItem(
                    chip_icon(class_colour(label, self._session.classes.labels)), class_name(label), label
                )
        self.class_choice.setCurrentIndex(self.class_choice.findData(detection.label))

    # -- following the user -----------------------------------------------------------------------

    def _decide(self, status: Status) -> None:
        self._session.decide(status)

    def _choose_class(self) -> None:
        detection, label = self._shown, self.class_choice.currentData()
        if detection is not None and label != detection.label:
            self._session.decide(None, [detection.id], label=label)

    def _keep_note(self) -> None:
        """Of the detection it was written for, whatever is selected by now."""
        detection, note = self._shown, self.note.text().strip()
        if detection is None or note == detection.note:
            return
        now = self._session.detection(detection.id)
        if now is not None and now.scan_id == detection.scan_id:  # ids begin anew in every project
            self._session.decide(detection.status, [detection.id], note=note)

    def _end_note(self) -> None:
        before, self._before_note = self._before_note, None
        if before is None:
            self.note.clearFocus()
        else:
            before.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _selection_changed(self) -> None:
        self._keep_note()
        self.follow()

    def _copy_position(self) -> None:
        """Numbers only, with a tab between, so that stage software and tables take them."""
        detection, section = self._session.selected, self._session.section
        if detection is None or section is None:
            return
        x, y = detection.box.center
        place = section.info.stage.to_stage(x, y) or (x, y)
        QGuiApplication.clipboard().setText(f"{place[0]:.2f}\t{place[1]:.2f}")
        self._session.message.emit("info", f"Copied {self.copy.text().removeprefix('Copy ')} of #{detection.id}")

    def _copy_sem_position(self) -> None:
        """As `_copy_position`, in the unit of the registration."""
        detection, fit = self._session.selected, self._session.registration.fit
        if detection is not None and fit is not None:
            QGuiApplication.clipboard().setText("\t".join(sem_numbers(fit, *detection.box.center)))
            self._session.message.emit("info", f"Copied the SEM position of #{detection.id}")

    # -- making -----------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        title = QWidget()
        line = QHBoxLayout(title)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(SPACE)
        self._title.setTextFormat(Qt.TextFormat.RichText)
        font = self._title.font()
        font.setBold(True)
        self._title.setFont(font)
        line.addWidget(self._chip)
        line.addWidget(self._title, 1)
        self._facts.heading.hide()
        self._facts.add_wide(title)
        for name in _FACTS:
            value = QLabel()
            value.setTextInteractionFlags(
                Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
            )
            value.setWordWrap(True)
            self._names[name] = self._facts.add_row(name, value)
            self._names[name].setForegroundRole(QPalette.ColorRole.PlaceholderText)
            self._values[name] = value
        self.copy.setToolTip("Two numbers with a tab between, as tables and stage software take them")
        self.copy_sem.setToolTip(self.copy.toolTip())
        for button in (self.copy, self.copy_sem):
            self._facts.add_wide(button)
        self._judgement.add_wide(self._make_status_buttons())
        self.class_choice.setToolTip("The class that counts, in lists, exports and training (Ctrl and a number)")
        self._judgement.add_row("Class", self.class_choice)
        self.note.setAccessibleName("Note")
        self.note.setToolTip("Kept with the detection in the project")
        self._judgement.add_wide(self.note)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2 * SPACE)
        column.addWidget(self._judgement)
        column.addWidget(CompositionGroup(self._session))
        column.addWidget(self._facts)

    def _make_status_buttons(self) -> QWidget:
        rows = QWidget()
        grid = QGridLayout(rows)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(SPACE // 2)
        group = QButtonGroup(rows)
        for place, status in enumerate(STATUSES):
            button = QToolButton()
            button.setCheckable(True)
            button.setIcon(status_icon(status))
            button.setText(STATUS_NAMES[status])
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            button.setToolTip(f"Mark as: {STATUS_NAMES[status].lower()}")
            button.clicked.connect(lambda _, chosen=status: self._decide(chosen))
            group.addButton(button)
            grid.addWidget(button, place // 2, place % 2)
            self.status_buttons[status] = button
        return rows

    def _connect(self) -> None:
        session = self._session
        session.selection_changed.connect(lambda _: self._selection_changed())
        session.leaving.connect(self._keep_note)
        for changed in (session.section_changed, session.scans_changed, session.detections_changed):
            changed.connect(self.follow)
        session.decisions_changed.connect(lambda _: self.follow())
        session.registration.changed.connect(self.follow)
        self.copy.clicked.connect(self._copy_position)
        self.copy_sem.clicked.connect(self._copy_sem_position)
        self.note.editingFinished.connect(self._keep_note)
        self.note.returnPressed.connect(self._end_note)
        self.class_choice.activated.connect(lambda _: self._choose_class())
        session.classes.changed.connect(self.follow)


def _note_of(detection: Detection) -> tuple[str, int, str]:
    """Which note it is, and what it says."""
    return detection.scan_id, detection.id, detection.note


def _um(value: float) -> str:
    return f"{value:,.1f}" if value < 100 else f"{value:,.0f}"
