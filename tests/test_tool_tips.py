"""Whatever can be pressed, typed into or chosen from says what it is, and what a number is measured in."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QDoubleSpinBox,
    QLabel,
    QLineEdit,
    QMenuBar,
    QSlider,
    QSpinBox,
    QTabBar,
    QToolBar,
    QWidget,
)

from app.chemistry.rules_dialog import RulesDialog
from app.classes_dialog import ClassesDialog
from app.data_dialog import DataDialog
from app.evaluation.window import EvaluationWindow
from app.export_dialog import Choice, ExportDialog
from app.gallery.weights_dialog import WeightsDialog
from app.goto_dialog import GotoDialog
from app.help.window import HelpWindow
from app.scale_dialog import ScaleDialog
from app.scan_queue.several_dialog import SeveralDialog
from app.section_info import SectionInfoDialog
from app.settings_dialog import SettingsDialog
from app.window_docks import DOCKS
from core.export.base import exporters
from core.models.catalog import list_models
from core.train.trainers import trainers
from tests.gallery_support import fill, some_detections
from tests.window_support import open_window

ASKED = QAbstractButton | QLineEdit | QComboBox | QAbstractSpinBox | QSlider
UNITS = {
    "_px": "px",
    "_um": "µm",
    "_mm": "mm",
    "_um_per_px": "µm/px",
    "um_per_px": "µm/px",
    "_mb": "MB",
    "_gb": "GB",
    "_deg": "°",
}


@pytest.fixture(scope="module")
def widgets(qapp, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCHLIFF_HOME", str(tmp_path_factory.mktemp("home")))
        with open_window(qapp) as window:
            session = window.session
            fill(session, some_detections())
            info = session.section.info
            choices = [Choice("all", 3)]
            dialogs = [
                *(ExportDialog(window, spec, spec.frames, choices) for spec in exporters()),
                SettingsDialog(window.settings, session, window), GotoDialog(window, info, one_to_one=True),
                ScaleDialog(window, info, None), WeightsDialog(session, window), ClassesDialog(session, window),
                DataDialog(session, window), SeveralDialog(session, window.settings, parent=window),
                EvaluationWindow(session, window), SectionInfoDialog(window, session, info),
                RulesDialog(session, window), HelpWindow(window),
            ]  # fmt: skip
            panels = [window.docks.panel(spec.id) for spec in DOCKS]
            window.menus.actions["shortcuts"].trigger()
            window.menus.actions["compare"].trigger()
            assert len(panels) + len(dialogs) > 30
            yield [one for one in window.findChildren(QWidget) if isinstance(one, ASKED) and not is_inside(one)]
            for dialog in dialogs:
                dialog.close()
            window.comparison.leave()


def is_inside(widget: QWidget) -> bool:
    """Of another control, or made by Qt for itself."""
    around = (QComboBox, QAbstractSpinBox, QAbstractItemView, QTabBar, QMenuBar, QToolBar)
    return widget.objectName().startswith("qt_") or isinstance(widget.parentWidget(), around)


def labels_of(widget: QWidget) -> list[str]:
    return [one.text() for one in widget.window().findChildren(QLabel) if one.buddy() is widget]


def says(widget: QWidget) -> str:
    """What is written on it or beside it, or told when the pointer rests on it."""
    written = widget.text() if isinstance(widget, QAbstractButton) else ""
    hint = widget.placeholderText() if isinstance(widget, QLineEdit) else ""
    return " ".join([widget.toolTip(), written, hint, *labels_of(widget)]).strip()


def around(widget: QWidget) -> str:
    names: list[str] = []
    at: QWidget | None = widget
    while at is not None and len(names) < 5:
        names.append(type(at).__name__)
        at = at.parentWidget()
    return f"{' in '.join(names)} ({widget.accessibleName()!r})"


def test_every_control_says_what_it_is(widgets):
    assert len(widgets) > 150
    silent = [around(one) for one in widgets if not says(one) and not one.isHidden()]
    assert silent == []


def test_lengths_and_angles_carry_their_unit(widgets):
    """Those that are no parameter of a form."""
    found = {one.accessibleName(): one.suffix() for one in widgets if isinstance(one, QSpinBox | QDoubleSpinBox)}
    wanted = {"Rotation": "°", "Turn": "°", "µm per px": " µm/px", "Crop": " px", "Memory for images": " MB"}
    assert {name: found[name] for name in wanted} == wanted


def test_parameters_that_are_named_after_a_unit_have_it():
    """Forms, the command line and records take it from there."""
    declared = [
        *((spec.id, one) for spec in exporters() for one in spec.parameters),
        *((spec.id, one) for spec in trainers().values() for one in spec.parameters),
        *((spec.id, one) for spec in list_models() for one in spec.parameters),
    ]
    measured = {(owner, one.name): one.unit for owner, one in declared if one.name.endswith(tuple(UNITS))}
    assert len(measured) > 10
    assert {name: unit for name, unit in measured.items() if unit != UNITS[ending(name[1])]} == {}


def ending(name: str) -> str:
    return max((one for one in UNITS if name.endswith(one)), key=len)
