"""The form follows the declarations: kinds, ranges, units, help, and values that pass their own check."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QLabel, QLineEdit, QSpinBox

from app.forms import ParameterForm
from core.parameters import Parameter

PARAMETERS = (
    Parameter("scales", int, 3, "How many scales are compared.", 1, 6),
    Parameter("window_um", float, 12.5, "Side of the window.", 0.5, 200.0, "µm"),
    Parameter("rate", float, 0.0003, "Step of the fit."),
    Parameter("whiten", bool, True, "Whether to decorrelate."),
    Parameter("norm", str, "robust", "How distances are scaled.", choices=("robust", "plain")),
    Parameter("comment", str, "", "Kept with the scan."),
)


@pytest.fixture
def form(qtbot):
    form = ParameterForm(PARAMETERS)
    qtbot.addWidget(form)
    form.show()
    return form


def test_every_kind_gets_its_field_at_its_default(form):
    kinds = [QSpinBox, QDoubleSpinBox, QDoubleSpinBox, QCheckBox, QComboBox, QLineEdit]
    assert [type(form.field(p.name)) for p in PARAMETERS] == kinds
    assert form.values() == {p.name: p.default for p in PARAMETERS}
    assert form.is_default


def test_ranges_units_and_help_come_from_the_declaration(form):
    window = form.field("window_um")
    assert (window.minimum(), window.maximum(), window.suffix()) == (0.5, 200.0, " µm")
    assert "Side of the window." in window.toolTip()
    assert "0.5 to 200 µm" in window.toolTip()
    assert window.accessibleName() == "Window um"
    assert any(label.buddy() is window for label in form.findChildren(QLabel))


def test_typing_changes_the_value_and_tells(form, qtbot):
    scales = form.field("scales")
    scales.setFocus()
    scales.selectAll()
    with qtbot.waitSignal(form.changed):
        QTest.keyClicks(scales, "5")
        QTest.keyClick(scales, Qt.Key.Key_Return)
    assert form.values()["scales"] == 5
    assert not form.is_default
    form.reset()
    assert form.is_default


def test_values_out_of_range_are_held_back(form):
    form.set_values({"scales": 99, "unknown": 1})
    assert form.values()["scales"] == 6


def test_other_parameters_replace_the_fields(form):
    form.set_parameters((Parameter("only", int, 1, ""),))
    assert form.values() == {"only": 1}
    assert len(form.findChildren(QLabel)) <= len(PARAMETERS) + 1


@pytest.mark.parametrize("default", [0.0, 1e-8, 0.125, 1234.5])
def test_defaults_survive_the_field(qtbot, default):
    form = ParameterForm((Parameter("x", float, default, ""),))
    qtbot.addWidget(form)
    assert form.values() == {"x": default}
