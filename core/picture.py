"""Decides how a region of a section becomes a picture file of any size: piece by piece, in memory that doesn't grow.

How the bytes of a PNG or a TIFF are laid out is for `core.picture_png` and `core.picture_tiff`.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from core.disk import clear_left, keep_off, written_whole
from core.errors import InputError, ResourceError, UsageError
from core.geometry import Box
from core.jobs import CancelToken, Progress, Step, no_progress
from core.look import Look
from core.looks.aids import aids_of
from core.looks.drawing import draw
from core.looks.shown import is_blended
from core.section import Array, Plane, RegionRequest, Section, SectionInfo

PictureKind = Literal["png", "tiff"]

PNG_MOST_PIXELS = 400_000_000
PNG_MOST_SIDE = 65_000
PIECE_PX = 512  # rows of a piece, and the side of a TIFF's tiles
_PIECE_COLUMNS = 8 * PIECE_PX

# x, y, width, height in px of the picture → (height, width, 4) uint8 to lay over it (straight alpha), or None.
Overlay = Callable[[int, int, int, int], Array | None]


@dataclass(frozen=True, slots=True)
class Picture:
    """What is to be written. `look` None: the values as the file has them, 16 bits included; else as the eye sees it."""

    request: RegionRequest
    look: Look | None = None
    overlay: Overlay | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """Size and values of a picture before it is written."""

    width: int
    height: int
    samples: int
    dtype: np.dtype

    @property
    def nbytes(self) -> int:
        """Uncompressed."""
        return self.width * self.height * self.samples * self.dtype.itemsize


@dataclass(frozen=True, slots=True)
class Piece:
    """Pixels of a part of the picture, (h, w, samples), and where they belong, in px of the picture."""

    x: int
    y: int
    pixels: Array


def region_request(info: SectionInfo, region: Box, downsample: int = 1, plane: Plane | None = None) -> RegionRequest:
    """The whole px around `region` (level-0 px) that lie in the section, on the grid of that scale.

    Raises UsageError when nothing of it lies there.
    """
    inside = region.intersection(info.box)
    if inside is None:
        raise UsageError("the region lies outside the section", remedy="Choose one that lies on it.")
    d = downsample
    x0, y0 = math.floor(inside.x / d) * d, math.floor(inside.y / d) * d
    x1, y1 = min(math.ceil(inside.x1 / d) * d, info.width_px), min(math.ceil(inside.y1 / d) * d, info.height_px)
    return RegionRequest(x0, y0, x1 - x0, y1 - y0, d, plane or Plane())


def picture_shape(info: SectionInfo, picture: Picture) -> Shape:
    rows, columns = picture.request.shape
    if picture.look is None:
        return Shape(columns, rows, info.samples, info.dtype)
    is_grey = info.samples == 1 and picture.overlay is None and not is_blended(picture.look, info)
    return Shape(columns, rows, 1 if is_grey else 3, np.dtype(np.uint8))


def kind_of(path: Path) -> PictureKind:
    """By the name's ending. Raises UsageError for others."""
    suffix = path.suffix.lower()
    if suffix == ".png":
        return "png"
    if suffix in (".tif", ".tiff"):
        return "tiff"
    raise UsageError(f"pictures are not written as {suffix or 'files without ending'}", path=path, remedy=_ENDINGS)


def png_trouble(shape: Shape) -> str:
    """Why this can't be a PNG, or "": most programs fail to open larger ones."""
    if max(shape.width, shape.height) <= PNG_MOST_SIDE and shape.width * shape.height <= PNG_MOST_PIXELS:
        return ""
    return (
        f"A PNG may have {PNG_MOST_PIXELS // 1_000_000} megapixels and sides of {PNG_MOST_SIDE:,} px; "
        f"this picture has {shape.width * shape.height / 1e6:,.0f}. Choose OME-TIFF, or a coarser resolution."
    )


def write_region(
    section: Section,
    picture: Picture,
    path: str | Path,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> Shape:
    """Writes `picture` of `section` to `path`: PNG or a tiled OME-TIFF with its coarser levels, by the name's ending.

    What was there before is replaced only when the new file is whole. Raises UsageError (ending, too large for PNG),
    InputError (over the section itself; unreadable pixels), ResourceError (disk), CancelledError.
    """
    path, cancel = Path(path), cancel or CancelToken()
    kind, shape = kind_of(path), picture_shape(section.info, picture)
    _check_target(section.info.path, path)
    if kind == "png" and (trouble := png_trouble(shape)):
        raise UsageError("it is too large for a PNG", path=path, remedy=trouble)
    clear_left(path.parent)
    _check_space(path, bytes_needed(shape, kind))
    if picture.look is not None:
        aids_of(section).find(section, picture.look, picture.request.plane, lambda: cancel.cancelled)
    pieces = _pieces(section, picture, shape, progress, cancel)
    with written_whole(path) as temporary:
        if kind == "png":
            from core.picture_png import write_png

            write_png(temporary, shape, pieces, pixel_size_um(section.info, picture.request))
        else:
            from core.picture_tiff import write_tiff

            write_tiff(temporary, shape, pieces, section.info, picture.request, cancel)
    return shape


def pixel_size_um(info: SectionInfo, request: RegionRequest) -> tuple[float, float] | None:
    """µm per px of the picture."""
    size = info.pixel_size_um
    return None if size is None else (size[0] * request.downsample, size[1] * request.downsample)


def bytes_needed(shape: Shape, kind: PictureKind) -> int:
    """On the disk while it is written, at most: nothing may compress; a TIFF's levels are kept aside meanwhile."""
    return shape.nbytes if kind == "png" else shape.nbytes + 2 * shape.nbytes // 3


_ENDINGS = "Let its name end in .png, or in .ome.tif for a picture of any size."


def _check_target(source: Path, path: Path) -> None:
    keep_off(source, path)
    if path.is_dir():
        raise InputError("this is a folder", path=path, remedy="Choose another name for the picture.")


def _check_space(path: Path, needed: int) -> None:
    try:
        free = shutil.disk_usage(path.parent).free
    except OSError:
        return  # writing will say what is wrong
    if needed > free:
        raise ResourceError(
            f"the picture may need {needed / 1e9:.1f} GB and only {free / 1e9:.1f} GB are free",
            path=path,
            remedy="Choose another drive, a smaller region or a coarser resolution.",
        )


def _pieces(
    section: Section, picture: Picture, shape: Shape, progress: Progress, cancel: CancelToken
) -> Iterator[Piece]:
    """The picture from top to bottom, each row of pieces from left to right."""
    across = -(-shape.width // _PIECE_COLUMNS)
    total = across * -(-shape.height // PIECE_PX)
    for done in range(total):
        cancel.check()
        progress(Step(done, total, "Writing the picture"))
        x, y = done % across * _PIECE_COLUMNS, done // across * PIECE_PX
        width, height = min(_PIECE_COLUMNS, shape.width - x), min(PIECE_PX, shape.height - y)
        yield Piece(x, y, _read(section, picture, x, y, width, height))
    progress(Step(total, total, "Writing the picture"))


def _read(section: Section, picture: Picture, x: int, y: int, width: int, height: int) -> Array:
    request, d = picture.request, picture.request.downsample
    x0, y0 = request.x + x * d, request.y + y * d
    w, h = min(width * d, request.x + request.width - x0), min(height * d, request.y + request.height - y0)
    part = RegionRequest(x0, y0, w, h, d, request.plane)
    if picture.look is None:
        pixels = section.read(part)
    else:
        pixels = draw(section.read, section.info, part, picture.look, aids_of(section))
        if pixels.shape[2] < picture_shape(section.info, picture).samples:
            pixels = np.repeat(pixels, 3, axis=2)
    over = picture.overlay(x, y, width, height) if picture.overlay is not None else None
    return pixels if over is None else _laid_over(pixels, over)


def _laid_over(pixels: Array, over: Array) -> Array:
    """`over` (h, w, 4) uint8 on top of pixels of any depth; on grey it is grey."""
    touched = over[..., 3] > 0
    if not touched.any():
        return pixels
    top = np.iinfo(pixels.dtype).max
    colour = over[..., :3][touched].astype(np.float32) * (top / 255)
    if pixels.shape[2] == 1:
        colour = colour.mean(axis=1, keepdims=True)
    share = over[..., 3][touched].astype(np.float32)[:, None] / 255
    result = pixels.copy()
    result[touched] = np.rint(pixels[touched] * (1 - share) + colour * share).astype(pixels.dtype)
    return result
