"""Decides what `schliff info`, `models` and `doctor` say."""

from __future__ import annotations

import argparse
import platform
import sys
from importlib import metadata
from typing import Any

import core
from app.bootstrap import window_trouble
from app.cli.console import print_json, print_table
from core.export.base import exporters
from core.readers.base import open_section, readers

_LIBRARIES = ("numpy", "PySide6-Essentials", "torch", "torchvision", "pylibCZIrw", "tifffile", "imagecodecs", "zarr")
_REMEDY = "Install Schliff again with its dependencies: python -m pip install ."


def info(args: argparse.Namespace) -> None:
    from core.readers.report import section_report

    with open_section(args.path) as section:
        report = section_report(section)
    if args.json:
        print_json(report)
        return
    for name, text in _facts(report):
        print(f"{name:<14}{text}")


def _facts(report: dict[str, Any]) -> list[tuple[str, str]]:
    size, stage = report["pixel_size_um"], report["stage"]
    facts = [
        ("file", report["path"]),
        ("format", report["format"]),
        (
            "size",
            f"{report['width_px']} × {report['height_px']} px, {report['channels']} channel(s), {report['dtype']}",
        ),
        ("levels", ", ".join(f"{level['width_px']} × {level['height_px']}" for level in report["levels"])),
        ("pixel size", f"{size[0]:.5g} × {size[1]:.5g} µm" if size else "not stated"),
        ("scenes", str(len(report["scenes"]))),
        ("stage", _stage_text(stage)),
        ("objective", report["objective"] or "not stated"),
        ("acquired", report["acquired"] or "not stated"),
    ]
    return facts + [("warning", text) for text in report["warnings"]]


def _stage_text(stage: dict[str, Any]) -> str:
    if stage["affine"] is None:
        return "not stated"
    (_, _, x), (_, _, y) = stage["affine"]
    text = f"top-left corner at {x:.3f}, {y:.3f} µm, from {stage['source'].replace('_', ' ')}"
    if stage["residual_um"] is not None:
        text += f", residual {stage['residual_um']:.2f} µm"
    if stage["disagreement_um"] is not None:
        text += f", other sources disagree by up to {stage['disagreement_um']:.2f} µm"
    return text


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
    from core.devices import describe_devices
    from core.models.catalog import survey_models

    versions = {name: _version(name) for name in _LIBRARIES}
    specs, broken = survey_models()
    missing = [f"{name} is missing. {_REMEDY}" for name, version in versions.items() if version is None]
    no_window = window_trouble()
    missing += [str(no_window)] if no_window else []
    document: dict[str, Any] = {
        "schliff": core.__version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "libraries": versions,
        "devices": describe_devices() if versions["torch"] else [],
        "readers": [reader.id for reader in readers()],
        "models": [spec.id for spec in specs],
        "exporters": [exporter.id for exporter in exporters()],
        "problems": missing + [str(error) for error in broken],
    }
    if args.json:
        print_json(document)
        return
    devices = [f"{device['id']} ({device['name']})" for device in document["devices"]]
    for name, value in {**document, "devices": devices}.items():
        print(f"{name:<11}{_spoken(value)}")


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
