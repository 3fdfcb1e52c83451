"""What a TIFF's pixels should be, by tifffile alone, brought to what the reader promises."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from core.readers.base import open_section
from core.readers.convert import value_range
from core.section import Array, RegionRequest, SectionInfo

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
LARGEST_COMPARED = 1500


def whole(path: Path) -> tuple[SectionInfo, Array]:
    with open_section(path) as section:
        info = section.info
        size = min(info.width_px, LARGEST_COMPARED), min(info.height_px, LARGEST_COMPARED)
        return info, section.read(RegionRequest(0, 0, *size))


def expected(path: Path, info: SectionInfo, shape: tuple[int, ...]) -> Array:
    """tifffile's own pixels of the first plane, brought to what the reader promises."""
    with tifffile.TiffFile(path, _multifile=False) as tiff:
        page: Any = tiff.series[0].keyframe
        pixels = page.asarray()
        if page.photometric == 3 and info.format == "TIFF" and not tiff.is_imagej:
            table = np.asarray(page.colormap)
            colours = (table // 257 if table.max() > 255 else table).astype(np.uint8)
            pixels = np.moveaxis(colours[:, pixels.astype(int)], 0, -1)
        elif page.axes.startswith("S"):
            pixels = np.moveaxis(pixels, 0, -1)
        bits, white = page.bitspersample, page.photometric == 0
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    pixels = pixels[: shape[0], : shape[1], : info.samples]
    if pixels.dtype == bool:
        pixels = pixels.astype(np.uint8) * 255
    elif pixels.dtype == np.uint8 and bits < 8 and info.samples * 255 >= pixels.max() and page.photometric != 3:
        pixels = np.rint(pixels * (255 / (2**bits - 1))).astype(np.uint8)
    elif pixels.dtype.kind == "i" and pixels.dtype.itemsize <= 2:
        pixels = (pixels.astype(int) + 2 ** (8 * pixels.dtype.itemsize - 1)).astype(info.dtype)
    elif pixels.dtype not in (np.uint8, np.uint16):
        pixels = value_range(pixels).to_uint16(pixels)
    if white:
        top = 255 if pixels.dtype == np.uint8 else min(2**bits - 1, 65535)
        pixels = (top - pixels).astype(pixels.dtype)
    return pixels
