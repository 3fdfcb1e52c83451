"""Decides what an evaluation is: everything a model answered on some data, the figures that come of it, and its JSON.

Nothing in it needs the model or the data again: curves, thresholds and tables are made of what is kept here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from core.errors import InputError
from core.geometry import Box

FORMAT = 1
ANOMALY = "anomaly"  # the one label of models that know no classes

# images: one answer for each whole image; places: detections on pictures, compared with marks.
EvaluationKind = Literal["images", "places"]
FailureKind = Literal["miss", "false_alarm", "confusion"]

# Figures that whoever shows an evaluation may count on.
_ALWAYS = frozenset({"classes", "confusion", "thresholds", "curves", "calibration", "intervals"})
_FIGURES: Mapping[EvaluationKind, frozenset[str]] = {
    "images": _ALWAYS | {"images", "accuracy", "balanced_accuracy", "macro_f1", "auroc", "auprc"},
    "places": _ALWAYS
    | {"defects", "map50", "map50_95", "average_precision", "area_mm2", "artefact_classes", "artefacts_called_defects"},
}


@dataclass(frozen=True, slots=True)
class Picture:
    """One file that was judged on.

    Args:
        area_mm2: of what was judged (all of it, or the parts that are known); None without a scale.
    """

    path: Path
    group: str
    width_px: int
    height_px: int
    area_mm2: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said of a whole image.

    Args:
        picture: index into the evaluation's pictures.
        truth, predicted: names of classes.
        scores: of each class, in the model's unit; probabilities that add up to 1 where `probabilistic` holds.
        defect: how surely there is any defect, whichever; the higher the surer.
    """

    picture: int
    truth: str
    predicted: str
    scores: Mapping[str, float]
    defect: float


@dataclass(frozen=True, slots=True)
class Place:
    """What is marked, or found, somewhere on a picture. Box in level-0 px.

    Args:
        score: of what was found; 0 for marks.
    """

    picture: int
    label: str
    box: Box
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Failure:
    """One of the worst wrong answers, as it can be shown.

    Args:
        truth, predicted: class names; empty where nothing is marked, or nothing was found.
        scores: of classes at this place, surest first, as far as the model tells them.
        shown: level-0 box of the crop; box: of what it is about.
        crop, heat: JPEG as base64, the crop alone and with the model's reasons laid over; empty where there is none.
    """

    kind: FailureKind
    picture: int
    truth: str
    predicted: str
    score: float
    scores: Mapping[str, float]
    box: Box
    shown: Box
    crop: str = ""
    heat: str = ""


@dataclass(frozen=True)
class Evaluation:
    """One model on some data.

    Args:
        model: id, name, version, family, labels, artefact_labels, score_unit, threshold, commands, learning_curve (its JSON
            or None; see `core.train.learning_curve_file`).
        data: source, format, part, fingerprint, notes.
        made: date, seconds, device, versions, command.
        threshold: the score from which a place, or a defect on an image, counts as found.
        probabilistic: whether scores of a whole image are probabilities of its classes.
        figures: see `core.evaluation.image_figures` and `core.evaluation.place_figures`.
    """

    name: str
    kind: EvaluationKind
    model: Mapping[str, Any]
    data: Mapping[str, Any]
    made: Mapping[str, Any]
    threshold: float
    pictures: tuple[Picture, ...]
    figures: Mapping[str, Any]
    answers: tuple[Answer, ...] = ()
    found: tuple[Place, ...] = ()
    marked: tuple[Place, ...] = ()
    failures: tuple[Failure, ...] = ()
    probabilistic: bool = False

    def to_json(self) -> dict[str, Any]:
        """Plain values; `from_json` takes them back."""
        pictures = [{**asdict(one), "path": str(one.path)} for one in self.pictures]
        return {"format": FORMAT, **asdict(self), "pictures": pictures}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Evaluation:
        """Raises InputError for what `to_json` didn't write."""
        try:
            if stored["format"] != FORMAT:
                raise ValueError(f"format {stored['format']!r} is not known to this version")
            lacking = _FIGURES[stored["kind"]] - set(stored["figures"])
            if lacking:
                raise ValueError(f"figures are missing: {', '.join(sorted(lacking))}")
            values = {name: value for name, value in stored.items() if name != "format"}
            return cls(**{
                **values,
                "pictures": tuple(Picture(**{**one, "path": Path(one["path"])}) for one in stored["pictures"]),
                "answers": tuple(Answer(**one) for one in stored["answers"]),
                "found": tuple(_place(one) for one in stored["found"]),
                "marked": tuple(_place(one) for one in stored["marked"]),
                "failures": tuple(
                    Failure(**{**one, "box": Box(**one["box"]), "shown": Box(**one["shown"])})
                    for one in stored["failures"]
                ),
            })  # fmt: skip
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"an evaluation can't be read ({error})", remedy="Evaluate the model again.") from None


def _place(stored: Mapping[str, Any]) -> Place:
    return Place(**{**stored, "box": Box(**stored["box"])})
