"""Decides what training holds in memory of labelled data: its pictures at the model's scale, split by group.

Pictures that were set aside by whoever made the data are validated on; else a share of the groups is set aside, so that
nothing of one section stands on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.data.labelled import LabelledData, LabelledPicture
from core.display import auto_range
from core.geometry import Box
from core.jobs import CancelToken, Progress, Step
from core.models.base import ModelSpec
from core.readers.base import open_section
from core.scan.plan import model_scale
from core.scan.reading import TileSource
from core.section import Plane, Section
from core.train.regions import LabelledSection

_BAND_PX = 1024


@dataclass(frozen=True)
class TrainingData:
    """Sections in memory, at the model's scale."""

    training: tuple[LabelledSection, ...]
    validation: tuple[LabelledSection, ...]


def read_sections(
    data: LabelledData,
    spec: ModelSpec,
    share: float,
    rng: np.random.Generator,
    progress: Progress,
    cancel: CancelToken,
) -> TrainingData:
    """Reads every picture as a scan with `spec` would. Raises InputError or UsageError for one that can't be used.

    `share` of the pictures are validated on where the data has none set aside for that.
    """
    pictures = data.everything
    sections: list[LabelledSection] = []
    for picture in pictures:
        cancel.check()
        progress(Step(len(sections), len(pictures), f"Reading {picture.path.name}"))
        sections.append(read_labelled(picture, spec))
    training, validation = sections[: len(data.pictures)], sections[len(data.pictures) :]
    if not validation:
        training, validation = _set_aside(training, share, rng)
    return TrainingData(tuple(training), tuple(validation))


def read_labelled(picture: LabelledPicture, spec: ModelSpec) -> LabelledSection:
    """One picture at the model's scale. Raises InputError when it can't be read, UsageError when it is too coarse."""
    with open_section(picture.path) as section:
        scale = model_scale(section.info, spec)
        pixels = _read_whole(section, scale)
    classes = [spec.labels.index(mark.label) + 1 for mark in picture.marks]
    boxes = _as_array([mark.box.scaled(1 / scale) for mark in picture.marks])
    return LabelledSection(picture.path.name, pixels, boxes, np.array(classes, int))


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
