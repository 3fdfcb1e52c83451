"""Decides what training holds in memory of labelled data: its pictures at the model's scale, split by group.

A picture that is known everywhere is read whole. One of which only places are known (a project's section) is read as
clips around them (`core.data.clips`): sections of up to 100 GB of which somebody judged a few hundred places. A mark that
several clips show is one mark, of the clip with its middle; what others show of it counts there as not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from core.data.clips import clips_of
from core.data.gathering import without
from core.data.labelled import LabelledData, LabelledPicture, Mark
from core.data.opening import open_picture
from core.data.setting_aside import set_aside
from core.display import auto_range
from core.errors import InputError
from core.geometry import Box
from core.jobs import CancelToken, Progress, Step
from core.models.base import ModelSpec
from core.scan.plan import model_scale
from core.scan.reading import TileSource
from core.section import Plane
from core.train.regions import LabelledSection

_BAND_PX = 1024
# Of the machine's memory; the rest is for the network and everything else.
_SHARE_OF_RAM = 0.5
_BYTES_PER_PX = 3


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
    """Reads every picture as a scan with `spec` would.

    `share` of the groups are validated on where the data has none set aside for that; a single group serves for both.
    Raises InputError for a picture that can't be read or for more than memory holds, UsageError for one too coarse.
    """
    training, validation = data.pictures, data.validation
    if not validation:
        training, validation = set_aside(training, share, rng)
    held = read_pictures((*training, *validation), spec, progress, cancel)
    return TrainingData(
        tuple(section for picture in training for section in held[picture]),
        tuple(section for picture in validation for section in held[picture]),
    )


def read_pictures(
    pictures: Sequence[LabelledPicture], spec: ModelSpec, progress: Progress, cancel: CancelToken
) -> dict[LabelledPicture, list[LabelledSection]]:
    """Each picture once, whole or as clips. Raises as `read_sections`."""
    once = dict.fromkeys(pictures)
    held: dict[LabelledPicture, list[LabelledSection]] = {}
    room = memory_for_pictures()
    for picture in once:
        cancel.check()
        progress(Step(len(held), len(once), f"Reading {picture.path.name}"))
        held[picture] = read_labelled(picture, spec, room)
        room -= sum(section.pixels.nbytes for section in held[picture])
    return held


def memory_for_pictures() -> int:
    """Bytes that pictures may take while a network trains on them."""
    import psutil

    return int(psutil.virtual_memory().total * _SHARE_OF_RAM)


def read_labelled(picture: LabelledPicture, spec: ModelSpec, room: int | None = None) -> list[LabelledSection]:
    """One picture at the model's scale, whole or as clips. `room`: the most bytes it may take.

    Raises InputError when it can't be read or takes more, UsageError when it is too coarse for the model.
    """
    with open_picture(picture) as section:
        scale = model_scale(section.info, spec)
        width, height = max(1, round(section.info.width_px / scale)), max(1, round(section.info.height_px / scale))
        whole = Box(0, 0, width, height)
        clips = [whole] if picture.known is None else clips_of(picture, width, height, scale)
        if room is not None and sum(clip.area for clip in clips) * _BYTES_PER_PX > room:
            raise InputError(
                f"with it, the pictures take more memory than the {memory_for_pictures() / 1e9:.1f} GB there are for them",
                path=picture.path, remedy="Give fewer or smaller pictures, or choose a coarser um_per_px.",
            )  # fmt: skip
        plane = Plane()
        source = TileSource(section, plane, auto_range(section, plane), scale)
        return [_clip(picture, clip, whole, source, spec) for clip in clips]


def _clip(picture: LabelledPicture, clip: Box, whole: Box, source: TileSource, spec: ModelSpec) -> LabelledSection:
    x, y, width, height = clip.outer_pixels()
    bands = [source.read(x, row, width, min(_BAND_PX, y + height - row)) for row in range(y, y + height, _BAND_PX)]
    shown = [(mark, box) for mark in picture.marks if (box := _within(mark.box, clip, source.scale)) is not None]
    seen = [(mark, box) for mark, box in shown if _is_of(mark, clip, whole, source.scale)]
    boxes = _as_array(box for _, box in seen)
    outlined = [mark.outline for mark, _ in seen]
    corners = (np.array(one, np.float32).reshape(-1, 2) / np.float32(source.scale) for one in outlined)
    known = None
    if picture.known is not None:
        others = [box for mark, box in shown if not _is_of(mark, clip, whole, source.scale)]
        parts = (_within(box, clip, source.scale) for box in picture.known)
        told = (piece for part in parts if part is not None for piece in without(part, others))
        known = np.concatenate([_as_array(told), boxes])
    return LabelledSection(
        name=picture.path.name,
        pixels=np.concatenate(bands),
        boxes=boxes,
        classes=np.array([spec.labels.index(mark.label) + 1 for mark, _ in seen], int),
        group=picture.group,
        known=known,
        empty=_all_within(picture.empty, clip, source.scale),
        outlines=tuple(one - np.array([clip.x, clip.y], np.float32) for one in corners) if any(outlined) else (),
    )


def _is_of(mark: Mark, clip: Box, whole: Box, scale: float) -> bool:
    """Whether a clip of the `whole` picture has the mark's middle, as far as the picture shows the mark."""
    seen = mark.box.scaled(1 / scale).intersection(whole)
    return seen is not None and clip.contains(*seen.center)


def _within(box: Box, clip: Box, scale: float) -> Box | None:
    """A level-0 box in px of the clip, as far as it lies in it."""
    common = box.scaled(1 / scale).intersection(clip)
    return None if common is None else common.moved(-clip.x, -clip.y)


def _all_within(boxes: Sequence[Box], clip: Box, scale: float) -> np.ndarray:
    return _as_array(inside for box in boxes if (inside := _within(box, clip, scale)) is not None)


def _as_array(boxes: Iterable[Box]) -> np.ndarray:
    return np.array([(b.x, b.y, b.w, b.h) for b in boxes], np.float32).reshape(-1, 4)
