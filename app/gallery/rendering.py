"""Decides how a crop becomes a picture: read from the section or taken from what the project kept; and what lies over it.

Everything here runs in any thread. What a crop covers is decided by `app.gallery.crop`.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QBuffer, QIODevice, Qt
from PySide6.QtGui import QImage, QImageWriter

from app.gallery.crop import crop_request
from core.detection import Detection
from core.errors import CancelledError
from core.geometry import Box
from core.look import Look
from core.looks.aids import aids_of
from core.looks.drawing import draw
from core.section import Array, Plane, RegionRequest, Section

if TYPE_CHECKING:
    from core.project.crop_store import CropStore
    from core.project.score_map import ScoreMap

# Crops are kept in these sides only, so that another size on the screen finds them again; larger ones are not kept.
KEPT_SIDES_PX = (128, 192, 288, 432)
KEPT_QUALITY = 90  # of JPEG: for the eye only, nothing is measured in them
KEPT_VERSION = 1  # another one when the same look draws other pixels
REASON_SIDE_PX = 48  # a map has few cells in a crop; more are not read
REASON_ALPHA = 0.62

_log = logging.getLogger("schliff.gallery")


@dataclass(frozen=True, slots=True)
class Picture:
    """What a crop shows (level-0 px) and its pixels; `image` is None where there is nothing to be shown."""

    crop: Box
    image: QImage | None


@dataclass(frozen=True, slots=True)
class CropRenderer:
    """Draws crops of a section. `kept`: where they are kept; `identity`: the section's fingerprint.

    `side`: how much of the section a crop shows, in level-0 px; None: as much as the detection and `wide` ask for.
    """

    section: Section
    plane: Plane
    look: Look
    wide: bool = False
    kept: CropStore | None = None
    identity: str = ""
    side: float | None = None

    def __call__(self, detection: Detection, side_px: int) -> Picture:
        """A square picture, `side_px` px wide at most. Raises CancelledError when the section is closed meanwhile."""
        side = next((side for side in KEPT_SIDES_PX if side >= side_px), None) if self.kept is not None else None
        around = self.section.info.box
        request = crop_request(detection.box, around, side or side_px, self.plane, wide=self.wide, side=self.side)
        try:
            image = self._drawn(request) if side is None else self._kept_or_drawn(request, side)
        except CancelledError:
            raise
        except Exception:  # one unreadable place must not empty the gallery; it is shown as unreadable
            _log.info("a crop can't be drawn", exc_info=True)
            return Picture(request.box, None)
        return Picture(request.box, shrunk(image, side_px))

    def _kept_or_drawn(self, request: RegionRequest, side: int) -> QImage:
        assert self.kept is not None
        if aids_of(self.section).lacks(self.look, self.plane):
            return self._drawn(request)  # without what the look still lacks: not to be shown tomorrow
        key = self._key(request, side)
        data = self.kept.get(key)
        image = QImage.fromData(data) if data is not None else QImage()
        if image.isNull():
            image = shrunk(self._drawn(request), side)
            self.kept.put(key, _jpeg(image))
        return image

    def _key(self, request: RegionRequest, side: int) -> bytes:
        place = (request.x, request.y, request.width, request.height, request.downsample, side)
        plane = (self.plane.c, self.plane.z, self.plane.t)
        said = json.dumps([KEPT_VERSION, self.identity, place, plane, self.look.to_json()], sort_keys=True)
        return blake2b(said.encode(), digest_size=16).digest()

    def _drawn(self, request: RegionRequest) -> QImage:
        return to_image(draw(self.section.read, self.section.info, request, self.look, aids_of(self.section)))


@dataclass(frozen=True, slots=True)
class ReasonRenderer:
    """Draws what speaks for a detection's class around it, from the map that the scan stored: no model is needed.

    `labels`: of the map, in its order; `low`: scores below are transparent, `high` is the brightest, unless there are
    higher ones in the crop.
    """

    score_map: ScoreMap
    labels: tuple[str, ...]
    section: Box
    low: float
    high: float
    wide: bool = False

    def __call__(self, detection: Detection, side_px: int) -> Picture:
        """A picture of few px, to be drawn smoothly over the crop. None of what the map doesn't say."""
        crop = crop_request(detection.box, self.section, side_px, Plane(), wide=self.wide).box
        label = self.labels.index(detection.said_label) if detection.said_label in self.labels else None
        try:
            scores = self._scores(crop, label if self.score_map.labels == len(self.labels) else None)
        except Exception:  # a damaged map: the crop shows without it
            _log.info("no reasons for a crop", exc_info=True)
            return Picture(crop, None)
        return Picture(crop, self._coloured(scores) if np.isfinite(scores).any() else None)

    def _scores(self, crop: Box, label: int | None) -> Array:
        """(rows, columns) evenly over the crop, smooth between the middles of the map's cells."""
        import cv2

        score_map, side = self.score_map, min(REASON_SIDE_PX, max(round(crop.w), 1))
        level = 0
        while level < score_map.coarsest and score_map.cell_px * 2**level * side < crop.w:
            level += 1
        cell = score_map.cell_px * 2**level
        column, row = int(crop.x // cell) - 1, int(crop.y // cell) - 1
        columns, rows = int(crop.x1 // cell) + 2 - column, int(crop.y1 // cell) + 2 - row
        block = np.nan_to_num(score_map.look(level, row, column, rows, columns, label).scores, nan=0.0)
        step = crop.w / side / cell
        left, top = crop.x / cell - column + step / 2 - 0.5, crop.y / cell - row + step / 2 - 0.5
        matrix = np.array([[step, 0.0, left], [0.0, step, top]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(
            block.astype(np.float32), matrix, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE
        )

    def _coloured(self, scores: Array) -> QImage:
        from app.colour_maps import colour_table

        high = max(self.high, float(scores.max()))
        share = np.clip((scores - self.low) / max(high - self.low, 1e-9), 0, 1)
        alpha = share * REASON_ALPHA
        colours = colour_table("inferno")[np.rint(share * 255).astype(np.uint8)][..., ::-1] * alpha[..., None]
        bgra = np.concatenate([colours, alpha[..., None] * 255], axis=2)
        pixels = np.rint(bgra).astype(np.uint8)
        rows, columns = scores.shape
        return QImage(pixels.tobytes(), columns, rows, 4 * columns, QImage.Format.Format_ARGB32_Premultiplied).copy()


def to_image(pixels: Array) -> QImage:
    """(h, w, 1 or 3) uint8, grey or RGB → an image that owns its pixels."""
    rows, columns, samples = pixels.shape
    kind = QImage.Format.Format_Grayscale8 if samples == 1 else QImage.Format.Format_RGB888
    return QImage(pixels.tobytes(), columns, rows, columns * samples, kind).copy()


def shrunk(image: QImage, side_px: int) -> QImage:
    """A square image, no wider than this."""
    if image.width() <= side_px:
        return image
    smooth = Qt.TransformationMode.SmoothTransformation
    return image.scaled(side_px, side_px, Qt.AspectRatioMode.IgnoreAspectRatio, smooth)


def _jpeg(image: QImage) -> bytes:
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QImageWriter(buffer, b"jpg")
    writer.setQuality(KEPT_QUALITY)
    writer.write(image)
    return bytes(buffer.data().data())
