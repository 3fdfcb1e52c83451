"""Decides what is read of an .h5oina file: its layout (Oxford's published specification, format version 8), and within which bounds.

Each slice is one acquisition, or one feature of a particle analysis: `Header/Stage Position/{X,Y}` in mm,
`Data/Composition/<element>` in wt% for every pixel, `Data/Composition Sigma`, and, where it was written, `Data/Beam
Position {X,Y}` in µm from the image's middle. How the image lies on the stage isn't said, so a beam that was not in the
middle is known by its distance only.

HDF5 hangs or crashes on some damaged files, so this runs in a helper process (`core.decoding`); `core.chemistry.h5oina` asks it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from core.chemistry.composition import Composition
from core.chemistry.elements import ELEMENTS

MAX_SLICES = 100_000
MAX_VALUES = 100_000_000
_MOST_LABELS = 1000
_LONGEST_LABEL = 200
# What nobody compresses by more (deflate: 1032), beyond so few bytes.
_MOST_RATIO, _FEW_BYTES = 1100, 1 << 20


def acquisitions(path: str, first: int, count: int) -> dict[str, Any]:
    """Plain values: `slices`, how many there are; `measured`, of `count` of them from `first` on those with a composition,
    maps and lines as the mean over their pixels: `composition` (as `Composition.to_json`), `place`, `reach_um`.

    Raises ValueError, or one of many errors of h5py, for what is no such file.
    """
    with h5py.File(path, "r") as file:
        if "Format Version" not in file or "Index" not in file:
            raise ValueError("it has no format version or no index")
        if file["Index"].size > MAX_SLICES:
            raise ValueError(f"more than {MAX_SLICES:,} acquisitions")
        names = list(dict.fromkeys(_text(name) for name in np.ravel(_values(file["Index"], MAX_SLICES))))
        measured = list(_measured(file, names[first : first + count], Path(path).name))
        return {"slices": len(names), "measured": measured}


def _measured(file: Any, names: list[str], source: str) -> Iterator[dict[str, Any]]:
    for name in names:
        part = file.get(name)
        if part is None or not hasattr(part, "keys"):
            continue
        for technique in sorted(part):
            if technique.startswith("EDS") and "Composition" in part[technique].get("Data", {}):
                yield _measurement(part[technique], name, source)
                break


def _measurement(technique: Any, name: str, source: str) -> dict[str, Any]:
    data, header = technique["Data"], technique["Header"]
    sigmas = _means(data["Composition Sigma"]) if "Composition Sigma" in data else {}
    label = next(
        (_text(_values(header[key], _MOST_LABELS)) for key in ("Analysis Label", "Site Label") if key in header), name
    )
    amounts = _means(data["Composition"])
    composition = Composition(amounts, "wt%", {s: v for s, v in sigmas.items() if s in amounts}, label, source)
    place, reach = None, 0.0
    if "Stage Position" in header:
        stage = header["Stage Position"]
        place = [1000 * float(np.ravel(_values(stage[axis], _MOST_LABELS))[0]) for axis in ("X", "Y")]
        if {"Beam Position X", "Beam Position Y"} <= set(data):
            beam = [_mean(data[f"Beam Position {axis}"]) for axis in ("X", "Y")]
            reach = float(np.hypot(*beam)) if None not in beam else 0.0  # type: ignore[arg-type]
    return {"composition": composition.to_json(), "place": place, "reach_um": reach}


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
    return (first.decode("utf-8", "replace") if isinstance(first, bytes) else str(first))[:_LONGEST_LABEL]
