"""Decides how a CSV of EDX results is read: a line for each spectrum, a column for each element.

Element columns are called by symbol ("Zr"), with a unit if wanted ("Zr (at.%)", "Zr Wt%"), and "Zr sigma" holds its
1-sigma. Where it was measured is said by `id` (our number of the defect), or by x and y on the SEM's stage ("X (mm)",
"sem_x" with a column "sem_unit"). `spectrum` or `name` says what the instrument called it. Beside a column "X" a plain "Y"
is a place, not yttrium.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.chemistry.composition import Composition, Measurement, Unit
from core.chemistry.elements import ELEMENTS
from core.errors import InputError
from core.registration.fiducials import UM_PER_UNIT, sem_unit
from core.tables import Row, header_of, parse_rows, table_text

_REMEDY = (
    "It needs a column for each element (Zr, or Zr (at.%)), and id, or X (mm) and Y (mm), or sem_x, sem_y and sem_unit."
)
_BETWEEN = re.compile(r"[\s_/()\[\].%]+")
_UNITS: Mapping[str, Unit] = {"at": "at%", "atomic": "at%", "wt": "wt%", "weight": "wt%", "mass": "wt%"}
_SIGMA = ("sigma", "σ", "error")
_NO_ELEMENTS = ("No", "At")  # a running number and a unit; nobody finds nobelium or astatine in a section
_PLACE = re.compile(r"^(?P<axis>[xy])\s*\((?P<unit>[^)]+)\)$", re.IGNORECASE)
_IDS, _NAMES = ("id", "defect_id", "defect"), ("spectrum", "name", "label", "spectrum label")


class UnitNotSaidError(InputError):
    """Somebody must say whether amounts are in at.% or wt.%."""


@dataclass(frozen=True)
class _Columns:
    """Which column says what."""

    amounts: Mapping[str, str]
    sigmas: Mapping[str, str]
    unit: Unit
    id: str | None
    name: str | None
    place: tuple[str, str] | None
    um_per_unit: float | None  # None: a column `sem_unit` says


def read_csv(path: Path, unit: Unit | None = None) -> list[Measurement]:
    """Every line of a CSV. `unit`: of columns that don't say it.

    Raises InputError naming the line: for a file that is no such CSV, without elements, places, a unit, or results.
    """
    text = table_text(path, "EDX results")
    columns = _columns(header_of(text), path, unit)
    found = parse_rows(text, (), lambda row: _measurement(row, columns, path), path, _REMEDY)
    if not found:
        raise InputError("it holds no results, only the names of columns", path=path, remedy="Export it again.")
    return found


def has_elements(header: Sequence[str]) -> bool:
    """Whether some of a table's columns are elements."""
    return bool(_elements(header))


@dataclass(frozen=True, slots=True)
class _Element:
    """What a column says of an element."""

    symbol: str
    unit: Unit | None
    is_sigma: bool


def _elements(header: Sequence[str]) -> dict[str, _Element]:
    """By column."""
    places = {"Y"} if {"X", "x"} & set(header) else set()
    found = {name: _element(name) for name in header if name not in places}
    return {name: one for name, one in found.items() if one is not None}


def _element(name: str) -> _Element | None:
    symbol, *words = [word for word in _BETWEEN.split(name) if word] or [""]
    words = [word.lower() for word in words]
    if symbol not in ELEMENTS or symbol in _NO_ELEMENTS or not {*_UNITS, *_SIGMA} >= set(words):
        return None
    return _Element(symbol, next((_UNITS[word] for word in words if word in _UNITS), None), not set(words) <= {*_UNITS})


def _columns(header: Sequence[str], path: Path, unit: Unit | None) -> _Columns:
    elements = _elements(header)
    amounts = {one.symbol: name for name, one in elements.items() if not one.is_sigma}
    sigmas = {one.symbol: name for name, one in elements.items() if one.is_sigma}
    units = {one.unit for one in elements.values() if one.unit}
    if not amounts:
        raise InputError("line 1: no column is an element", path=path, remedy=_REMEDY)
    if len(units) > 1:
        raise InputError(
            "line 1: some elements are in at.% and some in wt.%", path=path, remedy="Export one of the two."
        )
    said = next(iter(units), unit)
    if said is None:
        raise UnitNotSaidError(
            "line 1: at.% or wt.% is not said", path=path, remedy="Say it with --unit, or in the columns."
        )
    place, um_per_unit = _place(header, path)
    by_name = {name.lower(): name for name in header}
    own_id = next((by_name[one] for one in _IDS if one in by_name), None)
    label = next((by_name[one] for one in _NAMES if one in by_name), None)
    if own_id is None and place is None:
        what = "X and Y don't say their unit" if {"x", "y"} <= by_name.keys() else "nothing says where it was measured"
        raise InputError(f"line 1: {what}", path=path, remedy=_REMEDY)
    return _Columns(amounts, sigmas, said, own_id, label, place, um_per_unit)


def _place(header: Sequence[str], path: Path) -> tuple[tuple[str, str] | None, float | None]:
    if {"sem_x", "sem_y", "sem_unit"} <= set(header):
        return ("sem_x", "sem_y"), None
    axes = {found["axis"].lower(): (name, found["unit"]) for name in header if (found := _PLACE.match(name))}
    if set(axes) != {"x", "y"}:
        return None, None
    try:
        units = {sem_unit(unit) for _, unit in axes.values()}
    except ValueError as error:
        raise InputError(f"line 1: {error}", path=path, remedy=_REMEDY) from None
    if len(units) > 1:
        raise InputError("line 1: X and Y are in different units", path=path, remedy=_REMEDY)
    return (axes["x"][0], axes["y"][0]), UM_PER_UNIT[units.pop()]


def _measurement(row: Row, columns: _Columns, path: Path) -> Measurement:
    amounts = _numbers(row, columns.amounts)
    if not amounts:
        raise ValueError("no element has an amount")
    for symbol, amount in amounts.items():
        if not -1 <= amount <= 101:  # fits go a little below nothing
            raise ValueError(f"{symbol} is {amount:g} %")
    name = row.values.get(columns.name, "") if columns.name else ""
    composition = Composition(amounts, columns.unit, _numbers(row, columns.sigmas), name, path.name)
    return Measurement(composition, _id(row, columns), _where(row, columns))


def _numbers(row: Row, columns: Mapping[str, str]) -> dict[str, float]:
    """Elements that a spectrum doesn't have are left empty."""
    return {symbol: row.number(name) for symbol, name in columns.items() if row.values.get(name)}


def _id(row: Row, columns: _Columns) -> int | None:
    text = row.values.get(columns.id, "") if columns.id else ""
    if not text:
        return None
    if not text.isdecimal():
        raise ValueError(f"{columns.id} is {text!r}, not the number of a defect")
    return int(text)


def _where(row: Row, columns: _Columns) -> tuple[float, float] | None:
    if columns.place is None or not all(row.values.get(name) for name in columns.place):
        return None
    factor = columns.um_per_unit or UM_PER_UNIT[sem_unit(row.text("sem_unit"))]
    x, y = (row.number(name) * factor for name in columns.place)
    return x, y
