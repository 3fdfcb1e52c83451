"""Decides how the severity of a detection is explained wherever it is shown."""

from __future__ import annotations

from app.session import Session
from core.detection import Detection
from core.errors import SchliffError


def severity_words(session: Session, detection: Detection) -> str:
    """A line for the severity, and one for each of its parts, as far as these are known."""
    try:
        ranking = session.project.ranking(detection.scan_id) if session.project is not None else None
    except SchliffError:
        ranking = None
    if ranking is None:
        return f"Severity {detection.severity:.0f} of 100"
    return "\n".join(ranking.parts(detection).words())
