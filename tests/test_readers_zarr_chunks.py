"""Chunk files read without zarr hold what zarr would give; whatever isn't plain numbers is left to zarr."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from zarr.codecs import TransposeCodec, ZstdCodec

from core.errors import InputError
from core.readers.zarr_chunks import ChunkReader, open_chunks

SHAPE = (3, 90, 110)
CHUNKS = (2, 32, 48)


def write(folder: Path, dtype: str = "uint16", version: Any = 3, **options: Any) -> np.ndarray:
    options = {"compressors": None, "chunks": CHUNKS, **options}
    pixels = np.random.default_rng(0).integers(0, 250, SHAPE).astype(dtype)
    array: Any = zarr.create_array(folder, shape=SHAPE, dtype=dtype, zarr_format=version, **options)
    array[:] = pixels
    return pixels


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("dtype", ["uint8", ">u2", "<u2", "float32"])
@pytest.mark.parametrize("chunks", [(1, 32, 48), (2, 32, 48), (3, 90, 110)])
def test_any_region_equals_what_zarr_gives(tmp_path: Path, version: int, dtype: str, chunks: tuple[int, ...]):
    pixels = write(tmp_path / "a", dtype, version, chunks=chunks)
    reader = open_chunks(tmp_path / "a", y_axis=1)
    assert reader is not None
    rng = np.random.default_rng(1)
    for _ in range(30):
        y0, x0 = int(rng.integers(0, 90)), int(rng.integers(0, 110))
        y1, x1 = int(rng.integers(y0 + 1, 91)), int(rng.integers(x0 + 1, 111))
        got = reader.read(y0, y1, x0, x1)
        assert got.dtype == np.dtype(dtype).newbyteorder("=")
        assert got.flags.writeable
        assert np.array_equal(got, pixels[:, y0:y1, x0:x1])
        assert np.array_equal(reader.read(y0, y1, x0, x1, before=(2,)), pixels[2, y0:y1, x0:x1])
        assert np.array_equal(reader.read(y0, y1, x0, x1, before=(slice(1, 3),)), pixels[1:3, y0:y1, x0:x1])


def test_axes_after_the_columns_come_whole(tmp_path: Path):
    pixels = np.random.default_rng(0).integers(0, 250, (90, 110, 3), np.uint8)
    array: Any = zarr.create_array(
        tmp_path / "a", shape=pixels.shape, dtype="uint8", chunks=(32, 48, 3), compressors=None
    )
    array[:] = pixels
    reader = ChunkReader(tmp_path / "a", pixels.shape, (32, 48, 3), np.dtype("uint8"), y_axis=0)
    assert np.array_equal(reader.read(3, 90, 40, 101), pixels[3:90, 40:101])
    assert np.array_equal(reader.read(32, 64, 48, 96), pixels[32:64, 48:96])


@pytest.mark.parametrize("version", [2, 3])
def test_a_missing_chunk_holds_the_fill_value(tmp_path: Path, version: int):
    pixels = write(tmp_path / "a", version=version, fill_value=7)
    (tmp_path / "a" / ("c/0/1/1" if version == 3 else "0.1.1")).unlink()
    reader = open_chunks(tmp_path / "a", y_axis=1)
    assert reader is not None
    want = pixels.copy()
    want[0:2, 32:64, 48:96] = 7
    assert np.array_equal(reader.read(0, 90, 0, 110), want)


def test_a_chunk_of_the_wrong_size_is_an_error_that_names_it(tmp_path: Path):
    write(tmp_path / "a")
    chunk = tmp_path / "a" / "c" / "0" / "1" / "1"
    reader = open_chunks(tmp_path / "a", y_axis=1)
    assert reader is not None
    for content in (chunk.read_bytes()[:-1], chunk.read_bytes() + b"x", b""):
        chunk.write_bytes(content)
        with pytest.raises(InputError, match="wrong size") as caught:
            reader.read(40, 41, 50, 51)
        assert caught.value.path == chunk
        assert caught.value.remedy


@pytest.mark.parametrize(
    "options",
    [
        {"compressors": ZstdCodec()},
        {"chunks": (1, 16, 16), "shards": (3, 32, 48)},
        {"version": 2, "compressors": "auto"},
        {"version": 2, "order": "F"},
        {"filters": [TransposeCodec(order=(2, 1, 0))]},
    ],
)
def test_what_is_not_plain_numbers_is_left_to_zarr(tmp_path: Path, options: dict[str, Any]):
    write(tmp_path / "a", **options)
    assert open_chunks(tmp_path / "a", y_axis=1) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"zarr_format": 3}', '{"zarr_format": 3, "codecs": 5}'])
def test_damaged_metadata_is_left_to_zarr(tmp_path: Path, text: str):
    (tmp_path / "zarr.json").write_text(text)
    assert open_chunks(tmp_path, y_axis=1) is None


def test_reading_loads_no_zarr(tmp_path: Path):
    write(tmp_path / "a")
    code = (
        "import sys, pathlib; from core.readers.zarr_chunks import open_chunks; "
        f"open_chunks(pathlib.Path({str(tmp_path / 'a')!r}), 1).read(0, 5, 0, 5); print('zarr' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
