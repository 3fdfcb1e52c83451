"""Decides what `schliff scan` says at its end: a line for each scan, and all of them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from app.cli.console import print_table
from core.counting import counted
from core.scan.options import ScanSummary

Row = dict[str, Any]

_SHOWN = {
    "scan_id": "scan", "section": "section", "found": "found", "threshold": "threshold", "tiles_done": "tiles",
    "skipped_mm2": "skipped mm²", "skipped_percent": "skipped %", "megapixels": "MP", "seconds": "s",
    "speed": "MP/s", "note": "",
}  # fmt: skip
_SUMMED = ("detections", "tiles_done", "megapixels", "seconds", "skipped_megapixels", "skipped_mm2")


def finished_row(summary: ScanSummary) -> Row:
    return asdict(summary)


def failed_row(section: Path, model: str, error: str) -> Row:
    """As `finished_row`, with nothing known but what was asked for and why it failed."""
    return {
        **dict.fromkeys(one.name for one in fields(ScanSummary)),
        "section": str(section),
        "model": model,
        "error": error,
    }


def print_summary(rows: Sequence[Row]) -> None:
    shown = [_shown(row, _note(row)) for row in rows]
    if len(rows) > 1:
        shown.append(_total(rows))
    print_table(shown, _SHOWN)


def _shown(row: Row, note: str) -> Row:
    scanned, skipped, seconds = row["megapixels"], row["skipped_megapixels"], row["seconds"]
    return {
        **row,
        "scan_id": row["scan_id"] or row["model"],
        "section": Path(row["section"]).name,
        "found": row["detections"],
        "skipped_percent": round(100 * skipped / (scanned + skipped), 1) if scanned or skipped else None,
        "speed": round(scanned / seconds, 2) if scanned and seconds else None,
        "note": note,
    }


def _note(row: Row) -> str:
    if "error" in row:
        return f"failed: {row['error']}"
    return "resumed" if row["resumed"] else ""


def _total(rows: Sequence[Row]) -> Row:
    failed = sum("error" in row for row in rows)
    sums = {name: _sum([row[name] for row in rows]) for name in _SUMMED}
    whole = {**sums, "scan_id": "all", "section": counted(len(rows), "scan"), "threshold": None}
    return _shown(whole, f"{failed} failed" if failed else "")


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(sum(known), 4) if known else None
