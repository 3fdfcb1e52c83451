"""Decides which models can be used: bundled ones, and model folders of the user. Lists them without importing torch."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import core.models
import resources
from core.devices import choose_device, other_cards
from core.discovery import find_specs
from core.errors import InputError, UsageError
from core.models.across_devices import AcrossDevices
from core.models.base import Model, ModelFamily, ModelSpec, Source
from core.models.card import CARD_NAME, read_card, spec_from_card
from core.userdirs import models_dir

_log = logging.getLogger(__name__)

BUNDLED_MODELS = Path(resources.__file__).parent / "models"


def families() -> dict[str, ModelFamily]:
    """Every model family there is, by id."""
    return {family.id: family for family in find_specs(core.models, "schliff.models")}


def list_models() -> list[ModelSpec]:
    """Bundled models, then the user's own, each sorted by id. Broken folders are left out, with a line in the log."""
    found, problems = survey_models()
    for problem in problems:
        _log.warning("%s", problem)
    return found


def survey_models() -> tuple[list[ModelSpec], list[InputError]]:
    """As `list_models`, with what is wrong with each folder that can't be used. Of two models with one id the first
    counts, and bundled ones come first."""
    specs = {spec.id: spec for family in families().values() for spec in family.bundled()}
    problems: list[InputError] = []
    for folder, source in _model_folders():
        try:
            spec = read_model_folder(folder, source)
        except InputError as error:
            problems.append(error)
            continue
        specs.setdefault(spec.id, spec)
    return sorted(specs.values(), key=lambda spec: (spec.source != "bundled", spec.id)), problems


def read_model_folder(folder: Path, source: Source = "trained") -> ModelSpec:
    """The spec of a model folder. Raises InputError when its card can't be used."""
    card = read_card(folder)
    family = families().get(card["kind"])
    if family is None:
        raise InputError(
            f"models of kind {card['kind']!r} are not known to this version",
            path=folder / CARD_NAME,
            remedy="Install a newer Schliff, or the plug-in that brings this kind.",
        )
    return family.offer(spec_from_card(card, source, folder))


def find_model(wanted: str | Path) -> ModelSpec:
    """The model with this id, or in this folder.

    Raises UsageError naming the ids there are, InputError for a folder that can't be used.
    """
    specs, _ = survey_models()
    for spec in specs:
        if spec.id == str(wanted):
            return spec
    folder = Path(wanted)
    if folder.is_dir():
        return read_model_folder(folder)
    known = ", ".join(spec.id for spec in specs)
    raise UsageError(f"there is no model {str(wanted)!r}", remedy=f"Name a model folder or one of: {known}.")


def model_of_scan(model_id: str, version: str, folder: Path | None) -> ModelSpec:
    """The very model that made a scan: the one with this id, else the one in this folder.

    Raises UsageError when neither is here any more, or when both were trained anew since.
    """
    offered = [spec for spec in list_models() if spec.id == model_id]
    if folder is not None and folder.is_dir():
        offered.append(read_model_folder(folder))
    for spec in offered:
        if spec.version == version:
            return spec
    what = "has changed since this scan" if offered else "is not here any more"
    raise UsageError(f"the model {model_id!r} {what}", remedy="Scan again with a model of today.")


def configure(spec: ModelSpec, values: Mapping[str, Any]) -> ModelSpec:
    """The model with chosen values of its parameters. Raises UsageError for names and values that don't fit."""
    return _family_of(spec).configure(spec, values)


def load_model(spec: ModelSpec, device: str = "auto") -> Model:
    """The model itself, ready for tiles, as `spec.values` wants it. Imports what is heavy.

    Where `device` names no single graphics card and there are several, it computes on all of them.

    Raises InputError for weights that can't be used, UsageError or ResourceError for the device.
    """
    if device not in ("auto", "cpu"):
        choose_device(device)  # also for models that only use the processor: what was asked for must be there
    family, chosen = _family_of(spec), configure(spec, spec.values)
    model = family.load(chosen, device)
    others = other_cards(str(model.device), device)
    return AcrossDevices([model, *(family.load(chosen, card) for card in others)]) if others else model


def model_row(spec: ModelSpec) -> dict[str, Any]:
    """A row of `schliff models --json`."""
    return {
        "id": spec.id,
        "family": spec.family,
        "name": spec.name,
        "labels": list(spec.labels),
        "um_per_px": spec.um_per_px,
        "tile_px": spec.tile_px,
        "source": spec.source,
        "path": str(spec.path) if spec.path else None,
    }


def _family_of(spec: ModelSpec) -> ModelFamily:
    known = families()
    kind = spec.card.get("kind")
    if kind in known:
        return known[kind]
    for family in known.values():
        if any(offered.id == spec.id for offered in family.bundled()):
            return family
    raise UsageError(f"nothing here can load the model {spec.id!r}", remedy="See `schliff models`.")


def _model_folders() -> Iterator[tuple[Path, Source]]:
    places: tuple[tuple[Path, Source], ...] = ((BUNDLED_MODELS, "bundled"), (models_dir(), "trained"))
    for place, source in places:
        try:
            entries = sorted(place.iterdir())
        except OSError:  # not made yet, or closed to this user: nothing to offer from there
            continue
        yield from ((folder, source) for folder in entries if (folder / CARD_NAME).is_file())
