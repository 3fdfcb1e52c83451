"""Decides what a training folder is: sections in any format Schliff reads, each with its truth CSV beside it.

`DIR/s.czi` with `DIR/s.truth.csv`. Sections in `DIR/validation/` are validated on; without that folder a share of the
others is set aside, whole sections at a time, so that no section stands on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.display import auto_range
from core.errors import InputError
from core.geometry import Box
from core.jobs import CancelToken, Progress, Step
from core.models.base import ModelSpec
from core.readers.base import open_section
from core.scan.plan import model_scale
from core.scan.reading import TileSource
from core.section import Plane, Section
from core.train.regions import LabelledSection
from core.truth import SUFFIX, TruthBox, read_truth, truth_beside

VALIDATION_FOLDER = "validation"
_REMEDY = f"Put sections into it, each with NAME{SUFFIX} beside it."
_BAND_PX = 1024


@dataclass(frozen=True)
class TrainingFolder:
    """What is marked in a folder, before any pixel is read. `labels` in the order of their class numbers, 1 and up."""

    labels: tuple[str, ...]
    training: dict[Path, list[TruthBox]]
    validation: dict[Path, list[TruthBox]]


@dataclass(frozen=True)
class TrainingData:
    """Sections in memory, at the model's scale."""

    training: tuple[LabelledSection, ...]
    validation: tuple[LabelledSection, ...]


def survey(folder: Path) -> TrainingFolder:
    """Raises InputError for a folder without labelled sections, or a truth that can't be used."""
    paths = labelled_sections(folder)
    held = labelled_sections(folder / VALIDATION_FOLDER) if (folder / VALIDATION_FOLDER).is_dir() else []
    if not paths:
        raise InputError("no labelled sections here", path=folder, remedy=_REMEDY)
    training, validation = ({path: read_truth(truth_beside(path)) for path in group} for group in (paths, held))
    labels = tuple(sorted({box.label for boxes in [*training.values(), *validation.values()] for box in boxes}))
    if not labels:
        raise InputError("nothing is marked in its truth files", path=folder, remedy="Mark some defects first.")
    return TrainingFolder(labels, training, validation)


def labelled_sections(folder: Path) -> list[Path]:
    """Files and folders that have a truth CSV beside them, sorted by name. Raises InputError without such a folder."""
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"can't be read ({error.strerror})", path=folder, remedy=_REMEDY) from None
    return [p for p in entries if not p.name.endswith(SUFFIX) and truth_beside(p).is_file()]


def read_sections(
    folder: TrainingFolder,
    spec: ModelSpec,
    share: float,
    rng: np.random.Generator,
    progress: Progress,
    cancel: CancelToken,
) -> TrainingData:
    """Reads every section as a scan with `spec` would. Raises InputError or UsageError for one that can't be used.

    `share` of the sections are validated on where the folder has none set aside for that.
    """
    truths = {**folder.training, **folder.validation}
    sections: list[LabelledSection] = []
    for path, boxes in truths.items():
        cancel.check()
        progress(Step(len(sections), len(truths), f"Reading {path.name}"))
        sections.append(read_labelled(path, boxes, spec))
    training, validation = sections[: len(folder.training)], sections[len(folder.training) :]
    if not validation:
        training, validation = _set_aside(training, share, rng)
    return TrainingData(tuple(training), tuple(validation))


def read_labelled(path: Path, boxes: Sequence[TruthBox], spec: ModelSpec) -> LabelledSection:
    """One section at the model's scale. Raises InputError when it can't be read, UsageError when it is too coarse."""
    with open_section(path) as section:
        scale = model_scale(section.info, spec)
        pixels = _read_whole(section, scale)
    classes = [spec.labels.index(box.label) + 1 for box in boxes]
    return LabelledSection(
        path.name, pixels, _as_array([b.box.scaled(1 / scale) for b in boxes]), np.array(classes, int)
    )


def _read_whole(section: Section, scale: float) -> np.ndarray:
    plane = Plane()
    source = TileSource(section, plane, auto_range(section, plane), scale)
    width, height = round(section.info.width_px / scale), round(section.info.height_px / scale)
    bands = [source.read(0, y, width, min(_BAND_PX, height - y)) for y in range(0, height, _BAND_PX)]
    return np.concatenate(bands)


def _as_array(boxes: Sequence[Box]) -> np.ndarray:
    return np.array([(b.x, b.y, b.w, b.h) for b in boxes], np.float32).reshape(-1, 4)


def _set_aside(
    sections: Sequence[LabelledSection], share: float, rng: np.random.Generator
) -> tuple[list[LabelledSection], list[LabelledSection]]:
    """Whole sections by chance, at least one when there are two; a single section serves for both."""
    if len(sections) == 1:
        return list(sections), list(sections)
    count = min(len(sections) - 1, max(1, round(share * len(sections))))
    chosen = set(rng.permutation(len(sections))[:count].tolist())
    return (
        [s for i, s in enumerate(sections) if i not in chosen],
        [s for i, s in enumerate(sections) if i in chosen],
    )
