"""Decides how an OME-Zarr folder (0.4 and 0.5) becomes a section: which image, which levels, what scale.

Levels whose chunk files are plain numbers are read directly (`zarr_chunks`), all others by zarr (`zarr_levels`). An image
whose three 8-bit channels are red, green and blue is read as RGB.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from core.caches import decoded_parts
from core.errors import InputError, SchliffError
from core.readers.base import ReaderSpec
from core.readers.convert import number_scaling
from core.readers.levels import pyramid_level
from core.readers.limits import refuse_absurd
from core.readers.scale import sane_size, to_um
from core.readers.zarr_chunks import open_chunks
from core.readers.zarr_levels import ZarrLevel
from core.readers.zarr_packing import packing_of
from core.section import Array, Plane, Section, SectionInfo
from core.section_info import NO_PIXEL_SIZE

_LARGEST_CHUNK_BYTES = 1 << 30
_SAMPLE_PX = 1024
_BLOCK_SIDE = 2048
_COPY_AGAIN = "Copy the whole folder again, or export it again as OME-Zarr 0.4 or 0.5."


class OmeZarrSection(Section):
    """The first multiscale image of an OME-Zarr folder."""

    def __init__(self, path: Path) -> None:
        self._path, self._owner = path, object()
        try:
            self._load()
        except SchliffError:
            raise
        except Exception as error:  # whatever a broken folder trips in the parser
            raise InputError(
                f"it can't be read as OME-Zarr ({_reason(error)})", path=path, remedy=_COPY_AGAIN
            ) from error

    def read_level(self, level: int, x: int, y: int, width: int, height: int, plane: Plane) -> Array:
        stored = self._stored(level, x, y, width, height, plane)
        return np.ascontiguousarray(self._scale(stored))

    @property
    def block_px(self) -> tuple[int, int]:
        """Whole chunks."""
        rows, columns = self._arrays[0].chunks[-2:]
        width, height = (-(-_BLOCK_SIDE // side) * side for side in (columns, rows))
        return min(width, self.info.width_px), min(height, self.info.height_px)

    def close(self) -> None:
        decoded_parts().forget(self._owner)

    def _load(self) -> None:
        folder, attributes = _find_image(self._path)
        multiscale = attributes["multiscales"][0]
        self._axes = [str(axis["name"] if isinstance(axis, Mapping) else axis).lower() for axis in multiscale["axes"]]
        paths = [str(dataset["path"]) for dataset in multiscale["datasets"]]
        self._arrays = [self._open_level(folder, number, path) for number, path in enumerate(paths)]
        self._check()
        base = self._arrays[0]
        width, height = self._size(base)
        self._rgb = self._is_rgb(attributes.get("omero", {}))
        self._scale, dtype, _, warnings, is_own = number_scaling(base.dtype, base.dtype.itemsize * 8, self._sample)
        pixel_size = _pixel_size(multiscale, self._axes)
        if pixel_size is None:
            warnings += (NO_PIXEL_SIZE,)
        self.info = SectionInfo(
            path=self._path,
            format="OME-Zarr",
            width_px=width,
            height_px=height,
            samples=3 if self._rgb else 1,
            dtype=dtype,
            levels=tuple(pyramid_level(*self._size(array), width, height) for array in self._arrays),
            channel_names=("",) if self._rgb else self._channel_names(attributes.get("omero", {})),
            z_count=self._count("z"),
            t_count=self._count("t"),
            pixel_size_um=pixel_size,
            warnings=warnings,
            is_own_scale=is_own,
        )

    def _open_level(self, folder: Path, number: int, path: str) -> Any:
        if ".." in Path(path).parts or Path(path).is_absolute():
            raise InputError("a level of it lies outside the folder", path=self._path, remedy=_COPY_AGAIN)
        packing = packing_of(folder / path, self._path)
        direct = open_chunks(folder / path, len(self._axes) - 2) if len(self._axes) >= 2 else None
        return direct or ZarrLevel(folder / path, (self._owner, number), packing)

    def _check(self) -> None:
        """Raises InputError. Levels with other planes than the first are left out: they show something else."""
        names = set(self._axes)
        if self._axes[-2:] != ["y", "x"] or not names <= set("tczyx") or len(names) < len(self._axes):
            raise InputError(
                f"its axes {self._axes} are not t, c, z, y, x", path=self._path, remedy="Export it as OME-Zarr 0.4."
            )
        base = self._arrays[0]
        for array in self._arrays:
            if len(array.shape) != len(self._axes) or array.dtype.kind not in "biuf" or 0 in array.shape:
                raise InputError("its pixels are of no known kind", path=self._path, remedy=_COPY_AGAIN)
            if math.prod(int(n) for n in array.chunks) * array.dtype.itemsize > _LARGEST_CHUNK_BYTES:
                raise InputError(
                    "its chunks are larger than 1 GB", path=self._path, remedy="Write it with chunks of about 1024 px."
                )
        self._arrays = [one for one in self._arrays if one.shape[:-2] == base.shape[:-2] and one.dtype == base.dtype]
        refuse_absurd(self._path, *self._size(base), math.prod(int(n) for n in base.shape[:-2]))

    def _stored(self, level: int, x: int, y: int, width: int, height: int, plane: Plane) -> Array:
        chosen: dict[str, Any] = {"t": plane.t, "z": plane.z, "c": slice(0, 3) if self._rgb else plane.c}
        where = tuple(chosen[axis] for axis in self._axes[:-2])
        try:
            pixels = self._arrays[level].read(y, y + height, x, x + width, where)
        except (InputError, MemoryError):  # where memory runs out the file may be sound
            raise
        except Exception as error:
            raise InputError(
                f"its chunks can't be decoded ({_reason(error)})", path=self._path, remedy=_COPY_AGAIN
            ) from error
        return cv2.merge(list(pixels)) if self._rgb else pixels[..., None]

    def _sample(self) -> Array:
        """The top-left part of the coarsest level, to find the range of values that aren't 8 or 16 bits."""
        array = self._arrays[-1]
        width, height = self._size(array)
        return self._stored(len(self._arrays) - 1, 0, 0, min(width, _SAMPLE_PX), min(height, _SAMPLE_PX), Plane())

    def _size(self, array: Any) -> tuple[int, int]:
        return int(array.shape[-1]), int(array.shape[-2])

    def _count(self, axis: str) -> int:
        return int(self._arrays[0].shape[self._axes.index(axis)]) if axis in self._axes else 1

    def _is_rgb(self, omero: Mapping[str, Any]) -> bool:
        if self._count("c") != 3 or self._arrays[0].dtype != np.uint8:
            return False
        colours = [str(channel.get("color", "")).upper() for channel in omero.get("channels", [])]
        return not any(colours) or colours == ["FF0000", "00FF00", "0000FF"]

    def _channel_names(self, omero: Mapping[str, Any]) -> tuple[str, ...]:
        names = [str(channel.get("label", "")) for channel in omero.get("channels", [])]
        count = self._count("c")
        return tuple((names + [""] * count)[:count])


def _find_image(path: Path) -> tuple[Path, Mapping[str, Any]]:
    """The folder of the first image and its OME attributes."""
    attributes = _attributes(path)
    if "multiscales" not in attributes and ("bioformats2raw.layout" in attributes or (path / "0").is_dir()):
        path = path / "0"
        attributes = _attributes(path)
    if not attributes.get("multiscales"):
        raise InputError("it holds no OME-Zarr image", path=path, remedy="Open the folder that holds the image itself.")
    return path, attributes


def _attributes(folder: Path) -> Mapping[str, Any]:
    """Of a group, in Zarr 3 (OME-Zarr 0.5 keeps its own under "ome") or Zarr 2."""
    if (folder / "zarr.json").is_file():
        attributes = json.loads((folder / "zarr.json").read_bytes()).get("attributes", {})
    elif (folder / ".zattrs").is_file():
        attributes = json.loads((folder / ".zattrs").read_bytes())
    else:
        return {}
    return attributes.get("ome", attributes)


def _pixel_size(multiscale: Mapping[str, Any], axes: Sequence[str]) -> tuple[float, float] | None:
    """The first level's scale, in the axes' unit of length, times the scale of the whole."""
    scale = np.ones(len(axes))
    for transforms in (multiscale["datasets"][0], multiscale):
        for transform in transforms.get("coordinateTransformations", []):
            if transform.get("type") == "scale":
                scale = scale * np.asarray(transform["scale"], float)
    units = [axis.get("unit") if isinstance(axis, Mapping) else None for axis in multiscale["axes"]]
    return sane_size(to_um(float(scale[-1]), units[-1]), to_um(float(scale[-2]), units[-2]))


def _reason(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]


def _is_zarr(path: Path, head: bytes) -> bool:
    return not head and path.is_dir() and any((path / name).is_file() for name in ("zarr.json", ".zgroup", ".zattrs"))


SPEC = ReaderSpec(id="ome_zarr", name="OME-Zarr", suffixes=(".zarr",), sniff=_is_zarr, open=OmeZarrSection)
