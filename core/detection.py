"""Decides what a detection is: what a model says stands somewhere. What a person confirmed is a defect (`core.review`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from core.geometry import Box

if TYPE_CHECKING:
    from core.outlines import Outline  # it loads OpenCV, which the window's start doesn't wait for

# unsure: somebody looked and couldn't tell, so that it isn't decided.
Status = Literal["unreviewed", "defect", "artefact", "false_alarm", "unsure"]
STATUSES: tuple[Status, ...] = get_args(Status)
STATUS_CODES = {status: code for code, status in enumerate(STATUSES)}  # as columns of many detections hold them
UNDECIDED: frozenset[Status] = frozenset({"unreviewed", "unsure"})

# joined: several detections that somebody made one of.
Source = Literal["model", "person", "joined"]
BY_PERSON: Literal["person"] = "person"
STATUS_NAMES: dict[Status, str] = {
    "unreviewed": "Unreviewed",
    "defect": "Defect",
    "artefact": "Artefact",
    "false_alarm": "False alarm",
    "unsure": "Unsure",
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
    """A stored finding and its current review decision.

    `label` is the class that counts: a person's where somebody gave one, else the model's, as the project's table of classes
    calls it (`core.classes`); `model_label` is the model's own word where that is another, else "". `decided_by`,
    `decided_at`: who decided last, and when (UTC, ISO 8601), "" while nobody has; `carried_from`: the detection of another
    scan that this was said of. `drawing_id`: what was drawn, of those by a person.
    """

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
    model_label: str = ""
    decided_by: str = ""
    decided_at: str = ""
    carried_from: int | None = None
    source: Source = "model"
    drawing_id: int | None = None

    @property
    def is_decided(self) -> bool:
        return self.status not in UNDECIDED

    @property
    def is_drawn(self) -> bool:
        """Whether a person drew it: no model found it, and no threshold hides it."""
        return self.source == BY_PERSON

    @property
    def said_label(self) -> str:
        """The class as the model said it, whatever people call it."""
        return self.model_label or self.label

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> Detection:
        """From what `dataclasses.asdict` makes of one."""
        outline = tuple((x, y) for x, y in values.get("outline", ()))
        return cls(**{**values, "box": Box(**values["box"]), "outline": outline})
