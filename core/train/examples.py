"""Decides what a classifier of single pictures learns from, whatever it is given: whole images by class, or windows cut
from marked pictures. And how that is split: by group, never within one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from core.data.image_set import ImageSet
from core.data.labelled import LabelledData
from core.errors import InputError
from core.jobs import CancelToken, Progress
from core.models.base import ModelSpec
from core.train.dataset import read_pictures
from core.train.image_source import ImageSource
from core.train.regions import IGNORED
from core.train.scales import common_scale
from core.train.splits import group_folds
from core.train.window_places import NO_DEFECT, windows_on
from core.train.window_source import WindowSource

Array = np.ndarray
Folds = list[tuple[Array, Array]]


class Source(Protocol):
    """Pictures of one size by number: `ImageSource`, `WindowSource`."""

    def read(self, index: int) -> Array:
        """(side, side, 3) uint8, the same each time."""

    def batch(
        self, indices: Sequence[int] | Array, rng: np.random.Generator | None = None, strength: float = 1.0
    ) -> Array:
        """(n, side, side, 3) uint8; with `rng` each one varied."""


@dataclass(frozen=True)
class Examples:
    """Pictures that show one class each.

    Args:
        classes: (n,) int64, 0 for "no defect"; groups: (n,) what each must stay together with.
        set_aside: indices to validate on where whoever made the data set them aside, or where there is only one group,
            which then serves for both; None: to be split.
    """

    source: Source
    classes: Array
    groups: tuple[str, ...]
    set_aside: Array | None = None

    @property
    def is_one_group(self) -> bool:
        """Whether it is validated on what it is trained on."""
        return self.set_aside is not None and len(self.set_aside) == len(self.classes)

    def folds(self, count: int, seed: int, without: Array) -> Folds:
        """(training, validation) indices, `count` times; as many as there are groups where those are fewer, and a single
        time where a part was set aside. Indices in `without` are in none. Raises InputError for images of one group."""
        left = np.setdiff1d(np.arange(len(self.classes)), without)
        if self.is_one_group:
            return [(left, left)]
        if self.set_aside is not None:
            return [(np.setdiff1d(left, self.set_aside), np.setdiff1d(self.set_aside, without))]
        groups = [self.groups[index] for index in left]
        folds = group_folds(self.classes[left], groups, max(2, min(count, len(set(groups)))), seed)
        return [(left[training], left[validation]) for training, validation in folds]


def scale_of(data: LabelledData | ImageSet, stated: float) -> float | None:
    """µm/px at which a classifier looks: `stated`, else (0) what all marked pictures agree on; None where none says.

    Whole images are brought to one size, so of them nothing is known that isn't stated. Raises UsageError where
    pictures differ, InputError for one that can't be read.
    """
    if isinstance(data, ImageSet):
        return stated or None
    entered = {picture.path: picture.entered_um for picture in data.everything if picture.entered_um is not None}
    return common_scale((picture.path for picture in data.everything), stated, data.source, entered)


def read_examples(
    data: LabelledData | ImageSet, spec: ModelSpec, negatives: float, seed: int, progress: Progress, cancel: CancelToken
) -> Examples:
    """Examples of `spec.window_px`, marked pictures at `spec.um_per_px`.

    Args:
        spec: of the model to be; its labels are the data's.
        negatives: windows without a defect for each one with, of marked pictures (`core.train.window_places`).
    Raises InputError for pictures that can't be read, that take more memory than there is, or of which nothing says
    where no defect is; UsageError for pictures too coarse for the model.
    """
    if isinstance(data, ImageSet):
        return _of_images(data, spec.window_px)
    return _of_windows(data, spec, negatives, seed, progress, cancel)


def _of_images(images: ImageSet, side: int) -> Examples:
    classes = np.array([images.class_of(image) for image in images.images])
    groups = tuple(image.group for image in images.images)
    aside = np.flatnonzero([group in images.aside for group in groups]) if images.aside else None
    return Examples(ImageSource(images.images, side), classes, groups, aside)


def _of_windows(
    data: LabelledData, spec: ModelSpec, negatives: float, seed: int, progress: Progress, cancel: CancelToken
) -> Examples:
    held = read_pictures(data.everything, spec, progress, cancel)
    aside = {id(section) for picture in data.validation for section in held[picture]}
    sections = [section for parts in held.values() for section in parts]
    rng = np.random.default_rng(seed)
    windows = [w for w in windows_on(sections, spec.window_px, negatives, rng) if w.shows != IGNORED]
    classes = np.array([window.shows for window in windows])
    if negatives and not (classes == NO_DEFECT).any():
        raise InputError(
            "nothing says where no defect is", path=data.source,
            remedy="Mark some false alarms, choose a smaller input_px, or say negatives=0 to tell defects apart only.",
        )  # fmt: skip
    groups = tuple(sections[window.section].group or sections[window.section].name for window in windows)
    held_back = np.flatnonzero([id(sections[window.section]) in aside for window in windows])
    if not len(held_back) and len(set(groups)) == 1:
        held_back = np.arange(len(windows))
    source = WindowSource(sections, windows, spec.window_px)
    return Examples(source, classes, groups, held_back if len(held_back) else None)
