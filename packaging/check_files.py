"""Decides which files show that a built program reads what Schliff reads: the same pixels for every reader and codec."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from core.readers.base import open_section
from core.section import RegionRequest
from tests.czi_files import JPEG_XR, Tile, write_czi_file

LOSSLESS = ("none", "zlib", "lzw", "packbits", "zstd", "lzma", "jpeg2000", "jpegxl", "jpegxr", "webp", "lerc", "png")
LOSSY = ("jpeg",)
SIDE = 600  # px


def write_all(section: Path, folder: Path) -> tuple[list[Path], list[Path]]:
    """A corner of a section in every form: those with exactly its pixels, and those that lose some."""
    import tifffile

    with open_section(section) as opened:
        pixels = np.ascontiguousarray(opened.read(RegionRequest(0, 0, SIDE, SIDE)))
    folder.mkdir()
    for compression in (*LOSSLESS, *LOSSY):
        chosen = None if compression == "none" else compression
        tifffile.imwrite(
            folder / f"{compression}.tif", pixels, tile=(256, 256), photometric="rgb", compression=chosen, metadata=None
        )
    blue_first = np.ascontiguousarray(pixels[..., ::-1])
    cv2.imwrite(str(folder / "picture.png"), blue_first)
    cv2.imwrite(str(folder / "picture.jpg"), blue_first)
    _write_tiles(folder / "tiles", blue_first)
    _write_zarr(folder / "section.ome.zarr", pixels)
    write_czi_file(folder / "jpegxr.czi", [Tile(0, 0, blue_first, JPEG_XR)])
    exact = [
        *(folder / f"{name}.tif" for name in LOSSLESS),
        folder / "picture.png",
        folder / "tiles",
        folder / "section.ome.zarr",
        folder / "jpegxr.czi",
    ]
    return exact, [*(folder / f"{name}.tif" for name in LOSSY), folder / "picture.jpg"]


def _write_tiles(folder: Path, blue_first: np.ndarray) -> None:
    folder.mkdir()
    half = SIDE // 2
    lines = ["name,x_px,y_px"]
    for y in (0, half):
        for x in (0, half):
            name = f"tile-{x}-{y}.png"
            cv2.imwrite(str(folder / name), blue_first[y : y + half, x : x + half])
            lines.append(f"{name},{x},{y}")
    (folder / "places.csv").write_text("\n".join(lines), "utf-8")


def _write_zarr(folder: Path, pixels: np.ndarray) -> None:
    import zarr

    planes = np.ascontiguousarray(pixels.transpose(2, 0, 1))
    group = zarr.open_group(folder, mode="w")
    group.create_array("0", shape=planes.shape, dtype=planes.dtype, chunks=(1, 256, 256))[:] = planes
    axes = [{"name": "c", "type": "channel"}, {"name": "y", "type": "space"}, {"name": "x", "type": "space"}]
    scale = [{"type": "scale", "scale": [1, 1, 1]}]
    levels: Any = [{"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": scale}]}]
    group.attrs["ome"] = {"version": "0.5", "multiscales": levels}
