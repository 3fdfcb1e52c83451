"""Decides how a scan's maps lie on disk: one Zarr group per scan, a chunk per tile, half floats.

`model` holds what the model returned, `scores` what is shown and thresholded. A chunk is written under a temporary
name, flushed and renamed (`core.project.map_chunks`), and only then the tile's record is stored: neither a killed scan nor
a power cut leaves half a tile. The arrays themselves are laid out before the scan is recorded.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from zipfile import BadZipFile

import numpy as np

from core.disk import disk_errors, flush_folder, written_whole
from core.errors import InputError
from core.npz import read_arrays
from core.project.map_array import MapArray
from core.project.map_chunks import ZSTD_LEVEL

Array = np.ndarray
MapName = Literal["model", "scores"]


class ScanMaps:
    """The maps of one scan in `folder`: cells of (channels, rows, columns), NaN where nothing was scanned."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._arrays: dict[tuple[MapName, str], MapArray] = {}

    def create(self, cells: tuple[int, int], tile_cells: int, map_channels: int, labels: int) -> None:
        """Lays out both arrays. What was there before is replaced."""
        import zarr
        from zarr.codecs import ZstdCodec

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
                    compressors=ZstdCodec(level=ZSTD_LEVEL),
                    dimension_names=("label", "y", "x"),
                )
            self._flush()

    def _flush(self) -> None:
        """What says how the arrays lie, to the disk itself."""
        for path in self.folder.rglob("zarr.json"):
            with path.open("rb+") as file:
                os.fsync(file.fileno())
            flush_folder(path.parent)
        flush_folder(self.folder.parent)

    def write(self, name: MapName, row: int, column: int, values: Array) -> None:
        """Stores (channels, rows, columns) at a cell, to the disk itself: a record that follows must not outlive it."""
        with disk_errors(self.folder):
            self._open(name, "r+").write(row, column, values)

    def read(self, name: MapName, row: int, column: int, rows: int, columns: int) -> Array:
        """(channels, rows, columns) float32; NaN outside the map and where nothing was scanned."""
        array = self._open(name, "r+" if (name, "r+") in self._arrays else "r")
        with self._damage_told():
            return array.read(row, column, rows, columns)

    def take_model(self, other: ScanMaps, chunks: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """Makes chunks (row, column) of another scan's model map this scan's too; which of them are here now.

        None of them where the two maps are laid out differently, or the other one can't be read.
        """
        try:
            theirs = other._open("model", "r")
        except InputError:
            return []
        with disk_errors(self.folder):
            mine = self._open("model", "r+")
            return mine.files.take(theirs.files, list(chunks)) if mine.has_layout_of(theirs) else []

    def score_source(self) -> StoredScores:
        """The scores as far as they are stored. Raises InputError when they are missing or damaged."""
        return StoredScores(self)

    @property
    def channels(self) -> int:
        """Of the map that the model returned. Raises InputError when it is missing or damaged."""
        return self._open("model", "r").shape[0]

    @property
    def levels_folder(self) -> Path:
        """Where the maxima of blocks of a large map are kept (`core.project.map_levels`)."""
        return self.folder.with_suffix(".levels")

    def exists(self) -> bool:
        return (self.folder / "zarr.json").is_file()

    def save_learned(self, state: Mapping[str, Array]) -> None:
        """Keeps what a model learned from the section, so that a resumed scan goes on with the same model."""
        with written_whole(self._learned) as temporary, temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, **state)
        flush_folder(self.folder)

    def load_learned(self) -> dict[str, Array] | None:
        if not self._learned.is_file():
            return None
        with self._damage_told():
            return read_arrays(self._learned)

    @property
    def specimen_path(self) -> Path:
        """Where the mask of what was scanned is kept (`core.specimen_mask`)."""
        return self.folder / "specimen.npz"

    @property
    def _learned(self) -> Path:
        return self.folder / "learned.npz"

    def _open(self, name: MapName, mode: Literal["r", "r+"]) -> MapArray:
        if (name, mode) not in self._arrays:
            import zarr

            with self._damage_told():
                array = zarr.open_array(self.folder / name, mode=mode)
                # Each tile's scores need the model's map of all its neighbours, while a scan writes it; else it is looked at.
                scanning = (name, mode) == ("model", "r+")
                self._arrays[name, mode] = MapArray(self.folder / name, array, keep_recent=scanning)
        return self._arrays[name, mode]

    @contextmanager
    def _damage_told(self) -> Iterator[None]:
        try:
            yield
        except (
            OSError,
            LookupError,
            ValueError,
            TypeError,
            RuntimeError,
            BadZipFile,
        ) as error:  # codecs raise RuntimeError
            raise InputError(
                f"the map of a scan is missing or damaged ({error})",
                path=self.folder,
                remedy="Scan again with --restart; decisions are kept.",
            ) from error


class StoredScores:
    """Scores of a scan on disk, (labels, rows, columns) in chunks `chunk` cells wide. May be used from any thread."""

    def __init__(self, maps: ScanMaps) -> None:
        self._maps = maps
        self._array = maps._open("scores", "r")
        self.shape = self._array.shape
        self.chunk = self._array.side

    def read(self, row: int, column: int, rows: int, columns: int) -> Array:
        """(labels, rows, columns) float32; NaN outside the map and where nothing was scanned."""
        with self._maps._damage_told():
            return self._array.read(row, column, rows, columns)

    def stored(self) -> Array:
        """(chunk rows, chunk columns) bool."""
        there = np.zeros(self._array.grid, bool)
        for row, column in self._array.files.stored():
            if row < there.shape[0] and column < there.shape[1]:
                there[row, column] = True
        return there
