"""Decides how a declared parameter becomes a field: the kind, range, unit and help of `core.parameters.Parameter`.

What the parameters are is for whoever declares them; what happens with the values is for whoever shows the form.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QSpinBox,
    QWidget,
)

from app.combo import ComboBox
from core.parameters import Parameter, resolve

_INT_LIMIT = 2**31 - 1
_FLOAT_LIMIT = 1e12
_MOST_DECIMALS = 8
_ASK = "…ask"  # no path and no value that is offered: a dialog asks


class _Field(Protocol):
    """One editor: its widget and its value."""

    @property
    def widget(self) -> QWidget: ...

    def value(self) -> Any: ...
    def set_value(self, value: Any) -> None: ...


class ParameterForm(QWidget):
    """A field per parameter, in their order, each with its unit, its help as tooltip and an accessible name.

    `changed` is emitted after every edit, by hand or by `set_values`.
    """

    changed = Signal()

    def __init__(self, parameters: Sequence[Parameter] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._layout = QFormLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setHorizontalSpacing(8)
        self._layout.setVerticalSpacing(8)
        self._layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._layout.setRowWrapPolicy(QFormLayout.RowWrapPolicy.DontWrapRows)
        self._parameters: tuple[Parameter, ...] = ()
        self._fields: dict[str, _Field] = {}
        self._names: list[QLabel] = []
        self.set_parameters(parameters)

    def set_parameters(self, parameters: Sequence[Parameter]) -> None:
        """Shows these instead, at their defaults."""
        while self._layout.rowCount():
            self._layout.removeRow(0)
        self._parameters, self._names = tuple(parameters), []
        self._fields = {p.name: self._add_row(p) for p in self._parameters}

    def add_above(self, row: int, title: str, field: QWidget) -> None:
        """A field of somebody else's in a row among these, so that all stand in line."""
        label = QLabel(title)
        label.setBuddy(field)
        label.setMinimumHeight(field.sizeHint().height())  # as those below it
        field.setAccessibleName(title)
        self._layout.insertRow(row, label, field)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return self._parameters

    @property
    def names_width(self) -> int:
        """px, of its widest name."""
        return max((label.sizeHint().width() for label in self._names), default=0)

    def widen_names(self, width_px: int) -> None:
        """So that fields stand below those of another form, or of a group."""
        for label in self._names:
            label.setMinimumWidth(width_px)

    def field(self, name: str) -> QWidget:
        """The widget that edits the parameter of this name."""
        return self._fields[name].widget

    def values(self) -> dict[str, Any]:
        """Every parameter's value, checked by its own declaration. Raises UsageError (a text outside its choices)."""
        return resolve(self._parameters, {name: field.value() for name, field in self._fields.items()})

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Takes over the values it has fields for."""
        for name, value in values.items():
            if name in self._fields:
                self._fields[name].set_value(value)

    def reset(self) -> None:
        self.set_values({p.name: p.default for p in self._parameters})

    @property
    def is_default(self) -> bool:
        return self.values() == resolve(self._parameters, {})

    def _add_row(self, parameter: Parameter) -> _Field:
        field = _make_field(parameter, self.changed)
        label = QLabel(_title(parameter.name.removesuffix(f"_{parameter.unit}")))  # the field says it
        help_text = _help_text(parameter)
        for widget in (label, field.widget):
            widget.setToolTip(help_text)
        field.widget.setAccessibleName(label.text())
        field.widget.setAccessibleDescription(help_text)
        field.widget.setObjectName(f"parameter-{parameter.name}")
        label.setBuddy(field.widget)
        label.setMinimumHeight(field.widget.sizeHint().height())  # else it stands a little above its field
        self._names.append(label)
        self._layout.addRow(label, field.widget)
        return field


def _title(name: str) -> str:
    words = name.replace("_", " ")
    return words.replace("um", "µm", 1) if words.startswith("um ") else words[:1].upper() + words[1:]


def _help_text(parameter: Parameter) -> str:
    lines = [parameter.help]
    low, high = parameter.minimum, parameter.maximum
    if low is not None and high is not None:
        lines.append(f"{low:g} to {high:g} {parameter.unit}".strip())
    lines.append(f"Default: {parameter.default} {parameter.unit}".strip())
    return "\n".join(line for line in lines if line)


def _make_field(parameter: Parameter, changed: Any) -> _Field:
    if parameter.kind is bool:
        return _BoolField(parameter, changed)
    if parameter.choices:
        return _ChoiceField(parameter, changed)
    if parameter.offers:
        return _OfferField(parameter, changed)
    if parameter.kind is int:
        return _IntField(parameter, changed)
    if parameter.kind is float:
        return _FloatField(parameter, changed)
    return _TextField(parameter, changed)


class _IntField:
    def __init__(self, parameter: Parameter, changed: Any) -> None:
        self.widget = QSpinBox()
        low = -_INT_LIMIT if parameter.minimum is None else math.ceil(parameter.minimum)
        high = _INT_LIMIT if parameter.maximum is None else math.floor(parameter.maximum)
        self.widget.setRange(max(low, -_INT_LIMIT), min(high, _INT_LIMIT))
        _dress_spin_box(self.widget, parameter.unit)
        self.widget.setValue(int(parameter.default))
        self.widget.valueChanged.connect(lambda _: changed.emit())

    def value(self) -> int:
        return self.widget.value()

    def set_value(self, value: Any) -> None:
        self.widget.setValue(int(value))


class _FloatField:
    def __init__(self, parameter: Parameter, changed: Any) -> None:
        self.widget = QDoubleSpinBox()
        low = -_FLOAT_LIMIT if parameter.minimum is None else parameter.minimum
        high = _FLOAT_LIMIT if parameter.maximum is None else parameter.maximum
        self.widget.setDecimals(_decimals(float(parameter.default), low, high))
        self.widget.setRange(low, high)
        self.widget.setStepType(QAbstractSpinBox.StepType.AdaptiveDecimalStepType)
        _dress_spin_box(self.widget, parameter.unit)
        self.widget.setValue(float(parameter.default))
        self.widget.valueChanged.connect(lambda _: changed.emit())

    def value(self) -> float:
        return self.widget.value()

    def set_value(self, value: Any) -> None:
        self.widget.setValue(float(value))


class _BoolField:
    def __init__(self, parameter: Parameter, changed: Any) -> None:
        self.widget = QCheckBox()
        self.widget.setChecked(bool(parameter.default))
        self.widget.toggled.connect(lambda _: changed.emit())

    def value(self) -> bool:
        return self.widget.isChecked()

    def set_value(self, value: Any) -> None:
        self.widget.setChecked(bool(value))


class _ChoiceField:
    def __init__(self, parameter: Parameter, changed: Any) -> None:
        self.widget = QComboBox()
        self.widget.addItems([str(choice) for choice in parameter.choices])
        self.widget.setCurrentText(str(parameter.default))
        self.widget.currentTextChanged.connect(lambda _: changed.emit())

    def value(self) -> str:
        return self.widget.currentText()

    def set_value(self, value: Any) -> None:
        self.widget.setCurrentText(str(value))


class _OfferField:
    """What is offered, by the names that people read, and any file or folder beside it."""

    def __init__(self, parameter: Parameter, changed: Any) -> None:
        self.widget = ComboBox()
        self.widget.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._takes_model = parameter.takes_model
        for value, name in parameter.offers:
            self.widget.addItem(name, value)
        self.widget.addItem("Another model folder…" if self._takes_model else "A file…", _ASK)
        self.set_value(parameter.default)
        self._before = self.widget.currentIndex()
        self.widget.currentIndexChanged.connect(lambda _: changed.emit())
        self.widget.activated.connect(self._activated)

    def value(self) -> str:
        value = self.widget.currentData()
        return "" if value == _ASK else value

    def set_value(self, value: Any) -> None:
        index = self.widget.findData(str(value))
        if index < 0:
            index = self.widget.count() - 1
            self.widget.insertItem(index, Path(str(value)).name, str(value))
            self.widget.setItemData(index, str(value), Qt.ItemDataRole.ToolTipRole)
        self.widget.setCurrentIndex(index)
        self._before = index

    def _activated(self, index: int) -> None:
        if self.widget.itemData(index) != _ASK:
            self._before = index
            return
        self.widget.setCurrentIndex(self._before)
        title = self.widget.accessibleName()
        path = (
            QFileDialog.getExistingDirectory(self.widget, title)
            if self._takes_model
            else QFileDialog.getOpenFileName(self.widget, title)[0]
        )
        if path:
            self.set_value(path)


class _TextField:
    def __init__(self, parameter: Parameter, changed: Any) -> None:
        self.widget = QLineEdit(str(parameter.default))
        self.widget.textChanged.connect(lambda _: changed.emit())

    def value(self) -> str:
        return self.widget.text()

    def set_value(self, value: Any) -> None:
        self.widget.setText(str(value))


def _dress_spin_box(box: QSpinBox | QDoubleSpinBox, unit: str) -> None:
    box.setSuffix(f" {unit}" if unit else "")
    box.setKeyboardTracking(False)
    box.setAlignment(Qt.AlignmentFlag.AlignRight)
    box.setGroupSeparatorShown(False)


def _decimals(default: float, low: float, high: float) -> int:
    """Enough to show default and limits exactly, and two more than a narrow range needs."""
    span = high - low
    for_range = 2 + max(0, -math.floor(math.log10(span))) if 0 < span < _FLOAT_LIMIT else 2
    for_values = max(_decimals_of(v) for v in (default, low, high))
    return min(_MOST_DECIMALS, max(for_range, for_values))


def _decimals_of(value: float) -> int:
    text = f"{value:.{_MOST_DECIMALS}f}".rstrip("0")
    return len(text.partition(".")[2])
