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

    def score_source(self) -> StoredScores:
        """The scores as far as they are stored. Raises InputError when they are missing or damaged."""
        return StoredScores(self, self._open("scores", "r"))

    def read_chunk(self, name: str, row: int, column: int, shape: tuple[int, int, int]) -> Array:
        """One whole chunk, float32, without Zarr's detours: ten times as fast. NaN where nothing was stored."""
        import imagecodecs

        path = self.folder / name / "c" / "0" / str(row) / str(column)
        with self._damage_told():
            try:
                packed = path.read_bytes()
            except FileNotFoundError:
                return np.full(shape, np.nan, np.float32)
            return np.frombuffer(imagecodecs.zstd_decode(packed), "<f2").reshape(shape).astype(np.float32)

    def stored_chunks(self, name: str) -> Iterator[tuple[int, int]]:
        """Row and column of every chunk that is on the disk."""
        with suppress(FileNotFoundError), os.scandir(self.folder / name / "c" / "0") as rows:
            for row in rows:
                if row.name.isdecimal():
                    for column in os.listdir(row.path):  # noqa: PTH208 - a Path for each of many thousands takes long
                        if column.isdecimal():
                            yield int(row.name), int(column)

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


class StoredScores:
    """Scores of a scan on disk, (labels, rows, columns) in chunks `chunk` cells wide."""

    def __init__(self, maps: ScanMaps, array: Any) -> None:
        self.shape: tuple[int, int, int] = tuple(array.shape)
        self.chunk: int = array.chunks[1]
        self._maps = maps
        self._is_plain = _is_plain(array)

    def read(self, row: int, column: int, rows: int, columns: int) -> Array:
        """(labels, rows, columns) float32; NaN outside the map and where nothing was scanned."""
        if not self._is_plain:
            return self._maps.read("scores", row, column, rows, columns)
        chunk, labels = self.chunk, self.shape[0]
        out = np.full((labels, rows, columns), np.nan, np.float32)
        for r in range(max(row, 0) // chunk, -(-min(row + rows, self.shape[1]) // chunk)):
            for c in range(max(column, 0) // chunk, -(-min(column + columns, self.shape[2]) // chunk)):
                y, x = r * chunk - row, c * chunk - column
                part = out[:, max(y, 0) : max(y + chunk, 0), max(x, 0) : max(x + chunk, 0)]
                values = self._maps.read_chunk("scores", r, c, (labels, chunk, chunk))
                part[...] = values[:, max(-y, 0) :, max(-x, 0) :][:, : part.shape[1], : part.shape[2]]
        return out

    def stored(self) -> Array:
        """(chunk rows, chunk columns) bool."""
        there = np.zeros((-(-self.shape[1] // self.chunk), -(-self.shape[2] // self.chunk)), bool)
        for row, column in self._maps.stored_chunks("scores"):
            if row < there.shape[0] and column < there.shape[1]:
                there[row, column] = True
        return there


def _is_plain(array: Any) -> bool:
    """Whether a chunk is what this program writes: little-endian half floats, packed by Zstandard and nothing else."""
    codecs = [codec.to_dict() for codec in array.metadata.codecs]
    names = [codec["name"] for codec in codecs]
    return names == ["bytes", "zstd"] and codecs[0]["configuration"] == {"endian": "little"} and array.dtype == "<f2"
