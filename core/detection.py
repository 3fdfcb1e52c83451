"""Decides what a detection is: what a model says stands somewhere. What a person confirmed is a defect (`core.review`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from core.geometry import Box

if TYPE_CHECKING:
    from core.outlines import Outline  # it loads OpenCV, which the window's start doesn't wait for

Status = Literal["unreviewed", "defect", "artefact", "false_alarm"]
STATUSES: tuple[Status, ...] = get_args(Status)
STATUS_NAMES: dict[Status, str] = {
    "unreviewed": "Unreviewed",
    "defect": "Defect",
    "artefact": "Artefact",
    "false_alarm": "False alarm",
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A finding before it is stored: `label` as in the model's card, `score` in the model's own units, box in level-0 px.

    `area_px` is the marked area in level-0 px² (at most the box's), `peak` the level-0 point of the highest score,
    `outline` what encloses the area, from models that give one (level-0 px).
    """

    label: str
    score: float
    box: Box
    area_px: float
    peak: tuple[float, float]
    outline: Outline = ()


@dataclass(frozen=True, slots=True)
class Detection:
    """A stored finding and its current review decision."""

    id: int
    section_id: int
    scan_id: str
    model: str
    label: str
    score: float
    box: Box
    area_px: float
    severity: float
    status: Status = "unreviewed"
    note: str = ""
    outline: Outline = ()

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> Detection:
        """From what `dataclasses.asdict` makes of one."""
        outline = tuple((x, y) for x, y in values.get("outline", ()))
        return cls(**{**values, "box": Box(**values["box"]), "outline": outline})
