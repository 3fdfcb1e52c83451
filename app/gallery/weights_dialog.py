"""Decides how "worst" is explained, and how somebody says how much each class counts."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QLabel, QSlider, QVBoxLayout, QWidget

from app.class_colours import class_colours, class_name
from app.gallery.badges import chip_icon
from app.layout import muted, value_label
from app.session import Session
from app.theme import SPACE
from core.errors import SchliffError
from core.ranking import CERTAINTY_SHARE, HALF_SIDE_PX, HALF_SIDE_UM, RARITY_SHARE, SIZE_SHARE

APPLY_AFTER_MS = 200  # once the hand rests: every severity is found anew
WIDTH = 440

_PARTS = (
    (CERTAINTY_SHARE, "how sure the model is", "its score"),
    (SIZE_SHARE, "how large the mark is", "half of that for a mark of {half} by {half}"),
    (
        RARITY_SHARE,
        "how unusual it is",
        "how few detections of its scan are like it: of its class, with half to twice its area",
    ),
)


class WeightsDialog(QDialog):
    """A slider for each class of the scan that is shown. What is chosen is kept in the project and holds at once."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("What “worst” means")
        self._session = session
        self._defaults: dict[str, float] = {}
        self.sliders: dict[str, QSlider] = {}
        self._values: dict[str, QLabel] = {}
        self._resting = QTimer(self, singleShot=True, interval=APPLY_AFTER_MS)
        self._resting.timeout.connect(self.apply)
        self.buttons = QDialogButtonBox()
        self.defaults = self.buttons.addButton("Defaults", QDialogButtonBox.ButtonRole.ResetRole)
        self.buttons.addButton(QDialogButtonBox.StandardButton.Close)
        for button in self.buttons.buttons():
            button.setAutoDefault(False)  # type: ignore[attr-defined]  # they are QPushButtons
        self.defaults.clicked.connect(lambda: self._show(self._defaults))
        self.buttons.rejected.connect(self.close)
        self._lay_out()
        session.section_changed.connect(self.close)
        self.finished.connect(lambda _: self.apply() if self._resting.isActive() else None)
        self.setMinimumWidth(WIDTH)

    def apply(self) -> None:
        """Keeps the weights and sorts by them."""
        self._resting.stop()
        session = self._session
        if session.project is None or session.scan is None:
            return
        chosen = {label: slider.value() / 100 for label, slider in self.sliders.items()}
        try:
            session.project.set_class_weights({k: v for k, v in chosen.items() if v != self._defaults.get(k, 1.0)})
            session.set_scan(session.scan.id)
        except SchliffError as error:
            session.report(error)

    def _weights(self) -> dict[str, float]:
        session = self._session
        if session.project is None or session.scan is None:
            return {}
        try:
            self._defaults = session.project.default_class_weights(session.scan.id)
            return self._defaults | dict(session.project.ranking(session.scan.id).scale.weights)
        except SchliffError as error:
            session.report(error)
            return {}

    def _show(self, weights: dict[str, float]) -> None:
        for label, slider in self.sliders.items():
            slider.setValue(round(100 * weights.get(label, 1.0)))

    def _moved(self, label: str, value: int) -> None:
        self._values[label].setText(f"{value} %")
        self._resting.start()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        column.setSpacing(SPACE)
        column.addWidget(_wrapped("The worst is what has the highest severity, 0 to 100. It adds up from"))
        column.addLayout(self._parts())
        column.addWidget(_wrapped("times the weight of its class. Equal ones come from top to bottom, left to right."))
        column.addSpacing(SPACE)
        weights = self._weights()
        if not self._session.project or not weights:
            column.addWidget(muted("Classes can be weighed once there is a scan."))
        else:
            column.addLayout(self._classes(weights))
            column.addWidget(muted("Kept in this project, for the lists and exports too."))
        self.defaults.setEnabled(bool(self.sliders))
        column.addStretch(1)
        column.addWidget(self.buttons)

    def _parts(self) -> QGridLayout:
        section = self._session.section
        has_scale = section is not None and section.info.pixel_size_um is not None
        half = f"{HALF_SIDE_UM:g} µm" if has_scale else f"{HALF_SIDE_PX:g} px"
        grid = QGridLayout()
        grid.setHorizontalSpacing(SPACE)
        grid.setVerticalSpacing(SPACE // 2)
        grid.setColumnStretch(1, 1)
        for row, (share, name, how) in enumerate(_PARTS):
            number = QLabel(f"<b>{100 * share:.0f}</b>")
            number.setContentsMargins(SPACE, 0, 0, 0)
            grid.addWidget(number, 2 * row, 0, Qt.AlignmentFlag.AlignRight)
            grid.addWidget(QLabel(name), 2 * row, 1)
            grid.addWidget(muted(how.format(half=half)), 2 * row + 1, 1)
        return grid

    def _classes(self, weights: dict[str, float]) -> QGridLayout:
        labels = sorted(set(self._session.table.labels) | set(self._session.scan.labels if self._session.scan else ()))
        grid = QGridLayout()
        grid.setHorizontalSpacing(SPACE)
        grid.setVerticalSpacing(SPACE // 2)
        grid.setColumnStretch(2, 1)
        for row, (label, colour) in enumerate(class_colours(tuple(labels)).items()):
            chip, name, slider = QLabel(), QLabel(class_name(label)), QSlider(Qt.Orientation.Horizontal)
            side = self.fontMetrics().height()
            chip.setPixmap(chip_icon(colour).pixmap(QSize(side, side)))
            slider.setRange(0, 100)
            slider.setPageStep(10)
            slider.setAccessibleName(f"Weight of {class_name(label)}")
            slider.setToolTip("How much a detection of this class counts; at 0 % it comes last")
            name.setBuddy(slider)
            self.sliders[label], self._values[label] = slider, value_label("100 %")
            slider.setValue(round(100 * weights.get(label, 1.0)))
            self._values[label].setText(f"{slider.value()} %")
            slider.valueChanged.connect(lambda value, label=label: self._moved(label, value))
            for place, widget in enumerate((chip, name, slider, self._values[label])):
                grid.addWidget(widget, row, place)
        return grid


def _wrapped(text: str) -> QLabel:
    label = QLabel(text)
    label.setWordWrap(True)
    return label
