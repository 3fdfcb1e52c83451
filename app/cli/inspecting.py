"""Decides what `schliff info`, `models` and `doctor` say."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import platform
import sys
from importlib import metadata
from types import ModuleType
from typing import Any

import app
import core
from app.bootstrap import window_trouble
from app.cli.console import print_json, print_table
from core.export.base import exporters
from core.readers.base import open_section, readers
from core.readers.details import Detail, as_text, details
from core.readers.facts import section_facts
from core.userdirs import models_dir

_LIBRARIES = ("numpy", "PySide6-Essentials", "torch", "torchvision", "pylibCZIrw", "tifffile", "imagecodecs", "zarr")
_REMEDY = "Install Schliff again with its dependencies: python -m pip install ."


def info(args: argparse.Namespace) -> None:
    from core.readers.report import section_report

    with open_section(args.path) as section:
        report, facts = section_report(section), section_facts(section.info)
    everything = details(args.path) if args.all else None
    if args.json:
        print_json(report | ({"metadata": _as_json(everything)["children"]} if everything else {}))
        return
    for name, text in facts:
        print(f"{name:<14}{text}")
    if everything is not None:
        print(as_text(everything), end="")


def _as_json(detail: Detail) -> dict[str, Any]:
    return {"name": detail.name, "value": detail.value, "children": [_as_json(child) for child in detail.children]}


def models(args: argparse.Namespace) -> None:
    from core.models.catalog import model_row, survey_models

    specs, broken = survey_models()
    rows = [model_row(spec) for spec in specs]
    for error in broken:
        print(f"schliff: {error}", file=sys.stderr)
    if args.json:
        print_json(rows)
        return
    shown = {
        "id": "id",
        "family": "family",
        "finds": "finds",
        "um_per_px": "µm/px",
        "tile_px": "tile",
        "source": "source",
    }
    print_table([{**row, "finds": ", ".join(row["labels"])} for row in rows], shown)


def doctor(args: argparse.Namespace) -> None:
    """What is here, what is missing, and how to get it. Missing things are findings, not failures."""
    from core.models.catalog import survey_models
    from core.train.trainers import trainers

    versions = {name: _version(name) for name in _LIBRARIES}
    specs, broken = survey_models()
    missing = [f"{name} is missing. {_REMEDY}" for name, version in versions.items() if version is None]
    no_window = window_trouble()
    missing += [str(no_window)] if no_window else []
    devices, no_torch = _devices() if versions["torch"] else ([], [])
    document: dict[str, Any] = {
        "schliff": core.__version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "libraries": versions,
        "devices": devices,
        "readers": [reader.id for reader in readers()],
        "models": [spec.id for spec in specs],
        "models_folder": str(models_dir()),
        "exporters": [exporter.id for exporter in exporters()],
        "trainers": sorted(trainers()),
        "problems": missing
        + no_torch
        + [str(error) for error in broken]
        + (unloadable(core, app) if args.load else []),
    }
    if args.json:
        print_json(document)
        return
    named = [f"{device['id']} ({device['name']})" for device in devices]
    for name, value in {**document, "devices": named}.items():
        print(f"{name.replace('_', ' '):<15}{_spoken(value)}")


def _devices() -> tuple[list[dict[str, Any]], list[str]]:
    """What there is to compute on, and what is wrong where torch can't be loaded."""
    from core.devices import describe_devices

    try:
        return describe_devices(), []
    except (ImportError, OSError) as error:
        return [], [f"torch can't be loaded ({error}). {_REMEDY}"]


def unloadable(*packages: ModuleType) -> list[str]:
    """Loads every module of packages, heavy ones too; names those that can't be, and why."""
    found = []
    for package in packages:
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.", onerror=lambda name: None):
            try:
                importlib.import_module(module.name)
            except Exception as error:
                found.append(f"{module.name} can't be loaded: {type(error).__name__}: {error}")
    return found


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _spoken(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {'–' if one is None else one}" for name, one in value.items())
    if isinstance(value, list):
        return "; ".join(_spoken(one) for one in value) or "none"
    return str(value)
