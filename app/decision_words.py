"""Decides how decisions are said: who decided what, when, and whether it was said of this very detection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from core.class_colours import class_name
from core.detection import STATUS_NAMES, Detection

if TYPE_CHECKING:
    from core.project.decision_log import Decision

_SOURCES = {"person": "Drawn", "joined": "Joined of several", "model": ""}


def decided_text(detection: Detection) -> str:
    """As "Ada, 2026-11-21 20:14, carried over from #12"; empty while nobody has."""
    if not detection.decided_by:
        return ""
    carried = "" if detection.carried_from is None else f", carried over from #{detection.carried_from}"
    return f"{detection.decided_by}, {when(detection.decided_at)}{carried}"


def log_text(log: Sequence[Decision]) -> str:
    """A line for each word that was said, the first one first."""
    return "\n".join(_line(one) for one in log)


def model_text(detection: Detection, model: str) -> str:
    """What found it, or who drew it."""
    return (
        _SOURCES[detection.source]
        if detection.is_drawn
        else ", ".join(filter(None, (model, _SOURCES[detection.source].lower())))
    )


def joined_text(parts: Sequence[Detection]) -> str:
    """What becomes of the decisions of parts that are joined; empty where they are judged alike, so that nobody wonders."""
    counted = Counter(one.status for one in parts)
    judged = {status: count for status, count in counted.items() if status != "unreviewed"}
    if not judged or len(counted) == 1:
        return ""
    if len(judged) == 1:
        (status,) = judged
        said = f"{judged[status]} of {len(parts)} parts"
        return f"Joined, and judged “{STATUS_NAMES[status]}” as {said} had been. Undo takes it back."
    told = ", ".join(f"{count} {STATUS_NAMES[status].lower()}" for status, count in judged.items())
    return f"Joined, and not reviewed any more, as its parts were judged differently ({told}). Undo takes it back."


def when(at: str) -> str:
    """A stored time (UTC) on the clock of whoever looks."""
    try:
        return datetime.fromisoformat(at).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return at


def _line(one: Decision) -> str:
    said = [STATUS_NAMES.get(one.status, one.status)]
    said += [class_name(one.label)] if one.label else []
    said += [f"“{one.note}”"] if one.note else []
    carried = " (carried over)" if one.carried else ""
    return f"{when(one.at)}  {one.author}: {', '.join(said)}{carried}"
