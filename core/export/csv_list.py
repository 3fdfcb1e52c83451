"""Decides how a defect list is written as CSV: UTF-8, a header, the columns of `schliff defects --json`."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.export.base import ExporterSpec
from core.export.document import ExportDocument
from core.listing import COLUMNS
from core.tables import harmless


def write(document: ExportDocument, path: Path, values: Mapping[str, Any]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows([_cell(item.row[name]) for name in COLUMNS] for item in document.items)


def _cell(value: Any) -> str | float | int:
    if value is None:
        return ""
    if isinstance(value, list):
        return " ".join(map(str, value))
    return harmless(json.dumps(value) if isinstance(value, dict) else value)


SPEC = ExporterSpec(
    id="csv",
    name="CSV list",
    suffix=".csv",
    help="One line per detection with class, score, box in px and stage position in µm; opens in any spreadsheet.",
    write=write,
    purpose="exchange",
    frames=("pixel", "stage", "sem"),
    names_sources=False,
)
