"""Decides how a scan's maps lie on disk: one Zarr group per scan, a chunk per tile, half floats.

`model` holds what the model returned, `scores` what is shown and thresholded. A chunk is written under a temporary
name, renamed (by Zarr's local store) and flushed, and only then the tile's record is stored: neither a killed scan nor a
power cut leaves half a tile.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal
from zipfile import BadZipFile

import numpy as np

from core.disk import disk_errors, written_whole
from core.errors import InputError

Array = np.ndarray


class ScanMaps:
    """The maps of one scan in `folder`: cells of (channels, rows, columns), NaN where nothing was scanned."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._arrays: dict[tuple[str, str], Any] = {}

    def create(self, cells: tuple[int, int], tile_cells: int, map_channels: int, labels: int) -> None:
        """Lays out both arrays. What was there before is replaced."""
        import zarr

        with disk_errors(self.folder):
            self._arrays.clear()
            shutil.rmtree(self.folder, ignore_errors=True)
            group = zarr.open_group(self.folder, mode="w", zarr_format=3)
            for name, channels in (("model", map_channels), ("scores", labels)):
                group.create_array(
                    name,
                    shape=(channels, *cells),
                    chunks=(channels, tile_cells, tile_cells),
                    dtype="float16",
                    fill_value=np.nan,
                    dimension_names=("label", "y", "x"),
                )

    def write(self, name: str, row: int, column: int, values: Array) -> None:
        """Stores (channels, rows, columns) at a cell."""
        with disk_errors(self.folder):
            array = self._open(name, "r+")
            rows, columns = values.shape[1:]
            array[:, row : row + rows, column : column + columns] = np.clip(values, -6e4, 6e4).astype(np.float16)
            self._flush(name, row // array.chunks[1], column // array.chunks[2])

    def _flush(self, name: str, row: int, column: int) -> None:
        """To the disk itself: the record that follows must not outlive the chunk in a power cut."""
        with suppress(FileNotFoundError), (self.folder / name / "c" / "0" / str(row) / str(column)).open("rb+") as file:
            os.fsync(file.fileno())

    def read(self, name: str, row: int, column: int, rows: int, columns: int) -> Array:
        """(channels, rows, columns) float32; NaN outside the map and where nothing was scanned."""
        array = self._open(name, "r")
        height, width = array.shape[1:]
        out = np.full((array.shape[0], rows, columns), np.nan, np.float32)
        r0, c0, r1, c1 = max(row, 0), max(column, 0), min(row + rows, height), min(column + columns, width)
        if r1 > r0 and c1 > c0:
            with self._damage_told():
                out[:, r0 - row : r1 - row, c0 - column : c1 - column] = array[:, r0:r1, c0:c1]
        return out

    def read_all(self, name: str) -> Array:
        array = self._open(name, "r")
        with self._damage_told():
            return np.asarray(array[:], np.float32)

    def exists(self) -> bool:
        return (self.folder / "zarr.json").is_file()

    def save_learned(self, state: Mapping[str, Array]) -> None:
        """Keeps what a model learned from the section, so that a resumed scan goes on with the same model."""
        with written_whole(self._learned) as temporary, temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, **state)

    def load_learned(self) -> dict[str, Array] | None:
        if not self._learned.is_file():
            return None
        with self._damage_told(), np.load(self._learned, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}

    @property
    def _learned(self) -> Path:
        return self.folder / "learned.npz"

    def _open(self, name: str, mode: Literal["r", "r+"]) -> Any:
        if (name, mode) not in self._arrays:
            self._arrays[name, mode] = self._open_anew(name, mode)
        return self._arrays[name, mode]

    def _open_anew(self, name: str, mode: Literal["r", "r+"]) -> Any:
        import zarr

        with self._damage_told():
            return zarr.open_array(self.folder / name, mode=mode)

    @contextmanager
    def _damage_told(self) -> Iterator[None]:
        try:
            yield
        except (OSError, KeyError, ValueError, RuntimeError, BadZipFile) as error:  # codecs raise RuntimeError
            raise InputError(
                f"the map of a scan is missing or damaged ({error})",
                path=self.folder,
                remedy="Scan again with --restart; decisions are kept.",
            ) from error
