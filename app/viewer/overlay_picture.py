"""Decides how another picture is laid over the section: each tile sampled from a small copy of it, near by from the file itself."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from app.viewer.overlay_tiles import TILE, OverlayTile, Painted
from core.errors import CancelledError, InputError
from core.geometry import Box, bounding_box
from core.placement import Placement

if TYPE_CHECKING:
    from core.display import DisplayRange
    from core.jobs import CancelToken, Progress
    from core.section import Section

Array = np.ndarray

MOST_PX = 4_000_000  # of a picture in memory; of a larger one, what is looked at closely is read from its file
_SMALLEST = 64  # px
_MARGIN = 2  # px around a piece, for what is between its px


@dataclass(frozen=True)
class PictureSource:
    """A picture as it is drawn: `copies` are (rows, columns, 4) uint8 BGRA, each half as large as the one before.

    `size` is that of the file in its own px; `downsample` is that of the first copy. `section`: the open file, where the
    copies hold less than it does.
    """

    size: tuple[int, int]
    downsample: int
    copies: tuple[Array, ...]
    section: Section | None
    shown: DisplayRange

    def piece(self, box: Box, downsample: int) -> tuple[Array, int, int] | None:
        """BGRA of a part of the file that holds `box` (its own px), and where that begins; None outside it, or once it
        is closed."""
        from core.display import to_uint8_rgb
        from core.section import Plane, RegionRequest

        inside = box.grown(_MARGIN * downsample).intersection(Box(0, 0, *self.size))
        if inside is None or self.section is None:
            return None
        x, y = (int(edge // downsample) * downsample for edge in (inside.x, inside.y))
        width, height = math.ceil(inside.x1) - x, math.ceil(inside.y1) - y
        try:
            pixels = self.section.read(RegionRequest(x, y, width, height, downsample, Plane()))
        except CancelledError:
            return None
        return _bgra(to_uint8_rgb(pixels, self.shown)), x, y

    def close(self) -> None:
        if self.section is not None:
            self.section.close()


def read_picture(path: str, fingerprint: str, beside: Path, progress: Progress, cancel: CancelToken) -> PictureSource:
    """Any file the program reads, where it was or in the folder `beside`.

    Raises InputError, also where another file has taken its place.
    """
    from app.session_lease import LeasedSection
    from core.display import auto_range, to_uint8_rgb
    from core.readers.base import open_section
    from core.section import Plane, RegionRequest

    section = open_section(_found(Path(path), fingerprint, beside))
    try:
        info = section.info
        downsample = 1
        while info.width_px * info.height_px / downsample**2 > MOST_PX:
            downsample *= 2
        pixels = section.read(RegionRequest(0, 0, info.width_px, info.height_px, downsample, Plane()))
        cancel.check()
        shown = auto_range(section, Plane())
        copies = tuple(_copies(_bgra(to_uint8_rgb(pixels, shown))))
    except BaseException:
        section.close()
        raise
    if downsample == 1:
        section.close()
    kept = LeasedSection(section) if downsample > 1 else None
    return PictureSource((info.width_px, info.height_px), downsample, copies, kept, shown)


def _found(path: Path, fingerprint: str, beside: Path) -> Path:
    from core.readers.fingerprint import fingerprint as fingerprint_of

    found = next((place for place in (path, beside / path.name) if place.exists()), None)
    if found is None:
        raise InputError(
            "the picture over this section is not where it was", path=path, remedy=f"Connect its drive, or put it into {beside}."
        )  # fmt: skip
    if fingerprint_of(found) != fingerprint:
        raise InputError(
            "this is not the picture that was laid over the section: its content has changed",
            path=found,
            remedy="Put the original back, or open the new one in its place.",
        )
    return found


def _bgra(pixels: Array) -> Array:
    out = np.full((*pixels.shape[:2], 4), 255, np.uint8)
    out[..., :3] = pixels[..., ::-1]
    return out


def _copies(picture: Array) -> list[Array]:
    import cv2

    copies = [picture]
    while min(copies[-1].shape[:2]) > 2 * _SMALLEST:
        height, width = copies[-1].shape[:2]
        copies.append(cv2.resize(copies[-1], (width // 2, height // 2), interpolation=cv2.INTER_AREA))
    return copies


class PicturePainter:
    """Paints a picture where a placement lays it."""

    def __init__(self, source: PictureSource, placement: Placement) -> None:
        self._source, self._placement = source, placement

    @property
    def bounds(self) -> Box:
        """Where it lies, in level-0 px."""
        width, height = self._source.size
        corners = [self._placement.to_section(x, y) for x, y in ((0, 0), (width, 0), (0, height), (width, height))]
        return bounding_box(Box(x, y, 0, 0) for x, y in corners)

    def paint(self, tile: OverlayTile) -> Painted:
        if tile.box.intersection(self.bounds) is None:
            return Painted(None)
        device_px = self._placement.scale * tile.zoom  # of a px of the file
        if device_px * self._source.downsample > 1 and self._source.section is not None:
            return self._from_file(tile, device_px)
        copy = self._copy_for(device_px)
        across, down = copy.shape[1] / self._source.size[0], copy.shape[0] / self._source.size[1]
        return Painted(self._warped(tile, copy, (0.0, 0.0), (across, down)))

    def _from_file(self, tile: OverlayTile, device_px: float) -> Painted:
        box = tile.box
        corners = ((box.x, box.y), (box.x1, box.y), (box.x, box.y1), (box.x1, box.y1))
        wanted = bounding_box(Box(*self._placement.to_picture(x, y), 0, 0) for x, y in corners)
        downsample = 1 << max(0, math.floor(math.log2(1 / device_px) + 1e-9)) if device_px < 1 else 1
        piece = self._source.piece(wanted, downsample)
        if piece is None:
            return Painted(None)
        pixels, x, y = piece
        return Painted(self._warped(tile, pixels, (x, y), (1 / downsample, 1 / downsample)))

    def _warped(self, tile: OverlayTile, copy: Array, begin: tuple[float, float], scale: tuple[float, float]) -> Array:
        """`copy` begins at px `begin` of the file and has `scale` px for each of the file's."""
        import cv2

        origin, right, below = (
            self._placement.to_picture(tile.box.x + dx, tile.box.y + dy)
            for dx, dy in ((0.0, 0.0), (1 / tile.zoom, 0.0), (0.0, 1 / tile.zoom))
        )
        matrix = np.array(
            [
                [(right[axis] - origin[axis]) * scale[axis], (below[axis] - origin[axis]) * scale[axis],
                 (origin[axis] - begin[axis]) * scale[axis]]
                for axis in (0, 1)
            ]
        )  # fmt: skip
        matrix[:, 2] += matrix[:, :2].sum(axis=1) / 2 - 0.5  # from px middles to px middles
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(copy, matrix, (TILE, TILE), flags=flags, borderMode=cv2.BORDER_CONSTANT)

    def _copy_for(self, device_px: float) -> Array:
        """The coarsest copy that still has a px for each device px."""
        of_copy = device_px * self._source.downsample
        level = math.floor(math.log2(1 / of_copy) + 1e-9) if of_copy < 1 else 0
        return self._source.copies[min(level, len(self._source.copies) - 1)]
