"""Decides what a model's card (`model.json`) must hold, and turns it into a spec. Reads no weights, imports no torch.

A card comes from anywhere, so each value is checked before it is believed: kinds, ranges, lengths, unknown families.
"""

from __future__ import annotations

import hashlib
import json
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from core.errors import InputError, UsageError
from core.models.base import Family, ModelSpec, Output, Source
from core.seen_range import RANGE

CARD_NAME = "model.json"
WEIGHTS_NAME = "weights.safetensors"
CARD_FORMAT = 1
CODE_VERSION = 1  # raise it when the same card and weights would give another map
MAX_CARD_BYTES = 1 << 20
MAX_LABELS = 100

# What changes the map or how it is read; the rest of a card can be edited without making another model of it.
_SCAN_FIELDS = ("kind", "family", "labels", "artefact_labels", "input", "network", "scan", "weights")
_SCAN_FIELDS_OF_SOME = ("calibration", "calibrations", "looks")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HASH = re.compile(r"[0-9a-f]{32}")
_REMEDY = "Copy the model folder again from where it was trained, or train it again."


def read_card(folder: Path) -> dict[str, Any]:
    """The checked content of a model folder's card. Raises InputError naming the file and what is wrong with it."""
    path = folder / CARD_NAME
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode):
            raise InputError("it is not a plain file", path=path, remedy=_REMEDY)
        if found.st_size > MAX_CARD_BYTES:
            raise InputError(f"a model card of more than {MAX_CARD_BYTES >> 20} MB", path=path, remedy=_REMEDY)
        card = json.loads(path.read_text("utf-8"), parse_constant=_no_constant)
    except FileNotFoundError:
        raise InputError(
            f"no model here: {CARD_NAME} is missing", path=folder, remedy="Name a folder that `schliff train` wrote."
        ) from None
    except OSError as error:
        raise InputError(f"can't be read ({error.strerror or error})", path=path, remedy=_REMEDY) from None
    except (ValueError, RecursionError):
        raise InputError("it is not valid JSON", path=path, remedy=_REMEDY) from None
    try:
        check_card(card)
    except CardError as error:
        raise InputError(str(error), path=path, remedy=_REMEDY) from None
    return card


def spec_from_card(card: Mapping[str, Any], source: Source, path: Path | None) -> ModelSpec:
    """The spec a checked card describes."""
    scan = card["scan"]
    return ModelSpec(
        id=card["id"],
        name=card["name"],
        family=card["family"],
        labels=tuple(card["labels"]),
        artefact_labels=tuple(card["artefact_labels"]),
        um_per_px=card["input"]["um_per_px"],
        tile_px=scan["tile_px"],
        halo_px=scan["halo_px"],
        window_px=scan["window_px"],
        stride_px=scan["stride_px"],
        map_channels=scan.get("map_channels", 0),
        context_cells=scan.get("context_cells", 0),
        output=_output(scan),
        score_unit=scan["score_unit"],
        score_floor=scan["score_floor"],
        threshold=scan["threshold"],
        version=version_of(card),
        source=source,
        path=path,
        description=card.get("description", ""),
        licence=card.get("licence", ""),
        card=card,
    )


def draft_of(card: Mapping[str, Any]) -> ModelSpec:
    """The spec of a model that isn't trained yet; raises UsageError now for what could not be saved later."""
    whole = {**card, "weights": {"blake2b": "0" * 32}}
    try:
        check_card(whole)
    except CardError as error:
        raise UsageError(f"such a model can't be saved: {error}", remedy="Choose another value with --set.") from None
    return spec_from_card(whole, "trained", None)


def version_of(card: Mapping[str, Any]) -> str:
    """Changes when the same section would get another map: weights (by their hash), what the scan uses, this code."""
    relevant = {"code": CODE_VERSION, **{name: card[name] for name in _SCAN_FIELDS}}
    relevant |= {name: card[name] for name in _SCAN_FIELDS_OF_SOME if name in card}
    text = json.dumps(relevant, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


class CardError(ValueError):
    """One thing that is wrong with a card, without its path."""


def check_card(card: Any) -> None:
    """Raises CardError naming the first value that can't be used."""
    _require(isinstance(card, dict), "the card is not a JSON object")
    _require(card.get("format") == CARD_FORMAT, f"card format {card.get('format')!r} is not known to this version")
    for name in ("id", "kind"):
        _require(_NAME.fullmatch(_text(card, name, 64)) is not None, f"{name} is not a plain name")
    _text(card, "name", 200)
    for name in ("description", "licence"):
        if name in card:
            _text(card, name, 10_000, shortest=0)
    _require(card.get("family") in get_args(Family), f"family {card.get('family')!r} is not known")
    _check_labels(card)
    _check_input(_object(card, "input"))
    _object(card, "network")
    _check_scan(_object(card, "scan"))
    weights = _object(card, "weights")
    _require(_HASH.fullmatch(_text(weights, "blake2b", 32)) is not None, "weights.blake2b is not a hash")


def _check_labels(card: Mapping[str, Any]) -> None:
    labels, artefacts = _names(card, "labels"), _names(card, "artefact_labels")
    _require(0 < len(labels) <= MAX_LABELS, f"labels must be 1 to {MAX_LABELS} names")
    _require(len(set(labels)) == len(labels), "a label stands twice in labels")
    _require(set(artefacts) <= set(labels), "artefact_labels has a name that labels lacks")


def _check_input(values: Mapping[str, Any]) -> None:
    if values.get("um_per_px") is not None:
        _number(values, "um_per_px", 1e-4, 1e4)
    else:
        _require("um_per_px" in values, "input.um_per_px is missing")
    if RANGE in values:
        told = values[RANGE]
        is_pair = isinstance(told, list) and len(told) == 2 and all(type(one) is int for one in told)
        _require(is_pair and 0 <= told[0] < told[1] <= 65535, f"input.{RANGE} is no range of 16-bit values")


def _output(scan: Mapping[str, Any]) -> Output:
    return scan.get("output", "map")


def _check_scan(scan: Mapping[str, Any]) -> None:
    _require(_output(scan) in get_args(Output), f"scan.output {scan.get('output')!r} is not known")
    of_maps = [rule for rule in _MAP_WHOLE if _output(scan) == "map" or rule[0] in scan]
    for name, low, high in (*_SCAN_WHOLE, *of_maps):
        _number(scan, name, low, high)
        _require(isinstance(scan[name], int), f"{name} must be a whole number")
    for name in ("tile_px", "halo_px"):
        _require(scan[name] % scan["stride_px"] == 0, f"{name} must be a multiple of stride_px")
    for name in ("score_floor", "threshold"):
        _number(scan, name, -1e6, 1e6)
    _text(scan, "score_unit", 100)


_SCAN_WHOLE = (
    ("stride_px", 1, 256),
    ("tile_px", 16, 8192),
    ("halo_px", 0, 2048),
    ("window_px", 1, 4096),
)
_MAP_WHOLE = (
    ("map_channels", 1, 4096),
    ("context_cells", 0, 512),
)


def _require(good: bool, problem: str) -> None:
    if not good:
        raise CardError(problem)


def _object(card: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = card.get(name)
    if not isinstance(value, dict):
        raise CardError(f"{name} is missing or not an object")
    return value


def _text(card: Mapping[str, Any], name: str, longest: int, shortest: int = 1) -> str:
    value = card.get(name)
    if not isinstance(value, str) or not shortest <= len(value) <= longest:
        raise CardError(f"{name} must be a text of {shortest} to {longest} characters")
    return value


def _names(card: Mapping[str, Any], name: str) -> list[str]:
    value = card.get(name)
    if not isinstance(value, list) or not all(isinstance(v, str) and 0 < len(v) <= 100 for v in value):
        raise CardError(f"{name} is not a list of names")
    return value


def _number(card: Mapping[str, Any], name: str, low: float, high: float) -> None:
    value = card.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
        raise CardError(f"{name} must be a number from {low:g} to {high:g}")


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
