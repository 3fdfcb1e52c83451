"""Decides how a defect list is written as CSV: UTF-8, a header, the columns of `schliff defects --json`."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.export.base import ExporterSpec, ExportItem
from core.listing import COLUMNS


def write(items: Sequence[ExportItem], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows([_text(item.row[name]) for name in COLUMNS] for item in items)


def _text(value: Any) -> str | float | int:
    if value is None:
        return ""
    return json.dumps(value) if isinstance(value, dict) else value


SPEC = ExporterSpec(
    id="csv",
    name="CSV list",
    suffix=".csv",
    help="One line per detection with class, score, box in px and stage position in µm; opens in any spreadsheet.",
    write=write,
    frames=("pixel", "stage", "sem"),
)
