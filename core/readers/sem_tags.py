"""Decides what the tags of electron microscopes mean: Zeiss (TIFF tag 34118, CZI), FEI and Thermo Fisher (34680, 34682).

Values come as tifffile or the XML have them; every unit that a file names is read, none is taken for granted. Keys and
units: tifffile's own descriptions of these tags, and files of a Crossbeam 550.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core.readers.parsing import number
from core.readers.scale import to_um
from core.section_info import SemState

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_QUANTITY = re.compile(r"\s*([-+]?[\d.]+(?:[eE][-+]?\d+)?)\s*(\S.*?)?\s*$")
_ZEISS = {
    "stage_x": "ap_stage_at_x", "stage_y": "ap_stage_at_y", "stage_z": "ap_stage_at_z", "tilt": "ap_stage_at_t",
    "rotation": "ap_stage_at_r", "scan_rotation": "ap_scanrotation", "working_distance": "ap_wd", "voltage": "ap_actualkv",
}  # fmt: skip
_CZI = {
    "stage_x": "StageCenterX", "stage_y": "StageCenterY", "stage_z": "StageZPosition", "tilt": "StageTilt",
    "rotation": "StageRotation", "scan_rotation": "ScanRotation", "working_distance": "WorkingDistance",
    "voltage": "AcceleratingVoltage",
}  # fmt: skip
_VOLTS = {"v": 1e-3, "kv": 1.0}


def zeiss_state(tags: Mapping[str, Any]) -> SemState | None:
    """From `TiffFile.sem_metadata`: (name, value, unit) by key; None where nothing of it is there."""
    scan_is_on = tags.get("dp_scan_rot", ("", True))[1] is not False
    found = {name: _listed(tags.get(key)) for name, key in _ZEISS.items()}
    return _state(found if scan_is_on else {**found, "scan_rotation": (0.0, "°")})


def czi_state(parameters: Element | None) -> SemState | None:
    """From `Appliance[@Id='SEM:1']/Data/SEMData/Parameters`: texts such as "48.471 mm"."""
    if parameters is None:
        return None
    scan_is_on = (parameters.findtext("ScanRotationEnabled") or "").strip().lower() != "off"
    found = {name: quantity(parameters.findtext(key)) for name, key in _CZI.items()}
    return _state(found if scan_is_on else {**found, "scan_rotation": (0.0, "°")})


def fei_state(tags: Mapping[str, Any]) -> SemState | None:
    """From `TiffFile.fei_metadata`: sections of plain numbers in metres, radians and volts."""
    stage, beam, scan = (tags.get(name) or {} for name in ("Stage", "Beam", "Scan"))
    column = tags.get(str(beam.get("Beam") or "EBeam")) or {}

    def plain(of: Mapping[str, Any], unit: str, *keys: str) -> tuple[float, str] | None:
        value = next((found for key in keys if (found := number(str(of.get(key, "")))) is not None), None)
        return None if value is None else (value, unit)

    turn = plain(column, "rad", "ScanRotation") or plain(scan, "rad", "ScanRotation")
    working = plain(stage, "m", "WorkingDistance") or plain(column, "m", "WD")
    return _state(
        {
            "stage_x": plain(stage, "m", "StageX"),
            "stage_y": plain(stage, "m", "StageY"),
            "stage_z": plain(stage, "m", "StageZ"),
            "tilt": plain(stage, "rad", "StageTa", "StageT"),
            "rotation": plain(stage, "rad", "StageR"),
            "scan_rotation": turn,
            "working_distance": working,
            "voltage": plain(beam, "V", "HV"),
        }
    )


def zeiss_pixel_size(tags: Mapping[str, Any]) -> tuple[float, float] | None:
    """µm; that of the image where it was stored smaller than it was scanned."""
    sizes = [_um(_listed(tags.get(key))) for key in ("ap_image_pixel_size", "ap_pixel_size")]
    found = next((size for size in sizes if size is not None), None)
    return None if found is None else (found, found)


def fei_pixel_size(tags: Mapping[str, Any]) -> tuple[float, float] | None:
    """µm; metres in the file."""
    scan = tags.get("Scan") or {}
    width, height = (to_um(number(str(scan.get(f"Pixel{side}", ""))), "m") for side in ("Width", "Height"))
    return None if width is None or height is None else (width, height)


def quantity(text: str | None) -> tuple[float, str] | None:
    """A number and the unit written behind it ("" without one); None for what is none."""
    found = _QUANTITY.match(text or "")
    value = number(found[1]) if found else None
    return None if found is None or value is None else (value, found[2] or "")


def _listed(entry: Any) -> tuple[float, str] | None:
    """tifffile's (name, value[, unit]); a value that it could not part from its unit is a text."""
    if not isinstance(entry, tuple) or len(entry) < 2:
        return None
    if isinstance(entry[1], str):
        return quantity(entry[1])
    value = number(str(entry[1]))
    return None if value is None or isinstance(entry[1], bool) else (value, str(entry[2]) if len(entry) > 2 else "")


def _state(found: Mapping[str, tuple[float, str] | None]) -> SemState | None:
    lengths = {name: _um(found[name]) for name in ("stage_x", "stage_y", "stage_z", "working_distance")}
    x, y = lengths["stage_x"], lengths["stage_y"]
    state = SemState(
        stage_um=None if x is None or y is None else (x, y),
        stage_z_um=lengths["stage_z"],
        tilt_deg=_degrees(found["tilt"]),
        rotation_deg=_degrees(found["rotation"]),
        scan_rotation_deg=_degrees(found["scan_rotation"]),
        working_distance_um=lengths["working_distance"],
        voltage_kv=_kilovolts(found["voltage"]),
    )
    return None if state == SemState() else state


def _um(found: tuple[float, str] | None) -> float | None:
    return None if found is None else to_um(*found)


def _degrees(found: tuple[float, str] | None) -> float | None:
    """Without a unit: degrees, as the tags of Zeiss have them where the degree sign was lost."""
    if found is None:
        return None
    return math.degrees(found[0]) if found[1].lower().startswith("rad") else found[0]


def _kilovolts(found: tuple[float, str] | None) -> float | None:
    factor = None if found is None else _VOLTS.get(found[1].lower())
    return None if found is None or factor is None else found[0] * factor
