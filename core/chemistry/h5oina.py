"""Decides how EDX results are read from Oxford's .h5oina (AZtec; the published specification, format version 8).

Each slice is one acquisition, or one feature of a particle analysis: `Header/Stage Position/{X,Y}` in mm,
`Data/Composition/<element>` in wt% for every pixel, `Data/Composition Sigma`, and, where it was written, `Data/Beam
Position {X,Y}` in µm from the image's middle. How the image lies on the stage isn't said, so a beam that was not in the
middle is known by its distance only.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from core.chemistry.composition import Composition, Measurement
from core.chemistry.elements import ELEMENTS
from core.errors import InputError

MAX_SLICES = 100_000
MAX_VALUES = 100_000_000
_MOST_LABELS = 1000
# What nobody compresses by more (deflate: 1032), beyond so few bytes.
_MOST_RATIO, _FEW_BYTES = 1100, 1 << 20
_REMEDY = "Export the acquisition from AZtec as H5OINA again, with its composition."


def read_h5oina(path: Path) -> list[Measurement]:
    """A measurement for each slice that holds a composition; maps and lines give the mean over their pixels.

    Raises InputError for a file that is no such one, or holds no composition.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            if "Format Version" not in file or "Index" not in file:
                raise InputError("it is no H5OINA file", path=path, remedy=_REMEDY)
            found = list(_slices(file, path))
    except (OSError, KeyError, ValueError, TypeError, AttributeError, RuntimeError) as error:
        if not path.exists():
            raise InputError("there is no such file", path=path, remedy="Check the name.") from None
        raise InputError(f"it can't be read as H5OINA ({error})", path=path, remedy=_REMEDY) from None
    if not found:
        raise InputError("it holds no composition", path=path, remedy=_REMEDY)
    return found


def _slices(file: Any, path: Path) -> Iterator[Measurement]:
    if file["Index"].size > MAX_SLICES:
        raise InputError(f"more than {MAX_SLICES:,} acquisitions", path=path, remedy="Export fewer of them.")
    names = [_text(name) for name in np.ravel(_values(file["Index"], MAX_SLICES))]
    for name in names:
        part = file.get(name)
        if part is None or not hasattr(part, "keys"):
            continue
        for technique in sorted(part):
            if technique.startswith("EDS") and "Composition" in part[technique].get("Data", {}):
                yield _measurement(part[technique], name, path)
                break


def _measurement(technique: Any, name: str, path: Path) -> Measurement:
    data, header = technique["Data"], technique["Header"]
    sigmas = _means(data["Composition Sigma"]) if "Composition Sigma" in data else {}
    label = next(
        (_text(_values(header[key], _MOST_LABELS)) for key in ("Analysis Label", "Site Label") if key in header), name
    )
    amounts = _means(data["Composition"])
    composition = Composition(amounts, "wt%", {s: v for s, v in sigmas.items() if s in amounts}, label, path.name)
    place, reach = None, 0.0
    if "Stage Position" in header:
        stage = header["Stage Position"]
        place = tuple(1000 * float(np.ravel(_values(stage[axis], _MOST_LABELS))[0]) for axis in ("X", "Y"))
        if {"Beam Position X", "Beam Position Y"} <= set(data):
            beam = [_mean(data[f"Beam Position {axis}"]) for axis in ("X", "Y")]
            reach = float(np.hypot(*beam)) if None not in beam else 0.0  # type: ignore[arg-type]
    return Measurement(composition, None, place, reach)  # type: ignore[arg-type]  # it has two values


def _means(group: Any) -> dict[str, float]:
    found = {symbol: _mean(group[symbol]) for symbol in group if symbol in ELEMENTS}
    return {symbol: value for symbol, value in found.items() if value is not None}


def _mean(dataset: Any) -> float | None:
    """Over the pixels that were measured; None where there is none."""
    values = np.asarray(_values(dataset, MAX_VALUES))
    measured = np.isfinite(values)
    return float(values.mean(dtype=float, where=measured)) if measured.any() else None


def _values(dataset: Any, most: int) -> Any:
    """All that a data set holds. Raises ValueError for more than `most` values, and for more than are stored."""
    if dataset.is_virtual or dataset.external:  # HDF5 would read any file that this one names
        raise ValueError("its values lie in another file")
    if dataset.size > most:
        raise ValueError(f"{dataset.size:,} values")
    if dataset.nbytes > max(_FEW_BYTES, _MOST_RATIO * dataset.id.get_storage_size()):
        raise ValueError("more values than are stored")
    return dataset[()]


def _text(value: Any) -> str:
    first = np.ravel(value)[0] if not isinstance(value, bytes | str) else value
    return first.decode("utf-8", "replace") if isinstance(first, bytes) else str(first)
