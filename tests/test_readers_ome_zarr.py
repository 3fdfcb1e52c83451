"""OME-Zarr: the same pixels however chunks are stored, plain ones without zarr, damage told in one line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from zarr.codecs import ZstdCodec

from core.caches import decoded_parts
from core.errors import InputError
from core.readers.base import open_section
from core.section import Array, Plane, RegionRequest

SHAPE = (2, 3, 4, 150, 210)


def write(folder: Path, shape: tuple[int, ...] = SHAPE, axes: str = "tczyx", version: int = 3, **options: Any) -> Array:
    """One level of random pixels."""
    pixels = np.random.default_rng(0).integers(0, 60_000, shape, np.uint16)
    group = zarr.open_group(folder, mode="w", zarr_format=version)  # type: ignore[arg-type]
    options = {"chunks": (*[1] * (len(shape) - 2), 64, 80), **options}
    stored = group.create_array("0", shape=shape, dtype=pixels.dtype, **options)
    stored[:] = pixels
    kinds = {"t": "time", "c": "channel"}
    multiscales: Any = [
        {
            "axes": [{"name": name, "type": kinds.get(name, "space")} for name in axes],
            "datasets": [
                {"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [1] * len(shape)}]},
            ],
        }
    ]
    group.attrs.update({"ome": {"multiscales": multiscales}} if version == 3 else {"multiscales": multiscales})
    return pixels


@pytest.mark.parametrize(
    "options",
    [
        {"compressors": None},
        {"compressors": ZstdCodec()},
        {"compressors": None, "shards": (1, 1, 1, 128, 160)},
        {"compressors": None, "chunks": (2, 3, 2, 40, 50)},
        {"version": 2, "compressors": None},
        {"version": 2, "compressors": "auto"},
    ],
    ids=["plain", "zstd", "sharded", "thick chunks", "v2 plain", "v2 compressed"],
)
def test_any_region_of_any_plane_is_exact(tmp_path: Path, options: dict[str, Any]):
    pixels = write(tmp_path / "a.zarr", **options)
    with open_section(tmp_path / "a.zarr") as section:
        info = section.info
        assert (info.t_count, len(info.channel_names), info.z_count) == SHAPE[:3]
        for t, c, z in ((0, 0, 0), (1, 2, 3), (1, 0, 2)):
            for x, y, w, h in ((0, 0, 210, 150), (80, 64, 80, 64), (33, 50, 99, 77), (209, 149, 1, 1)):
                got = section.read(RegionRequest(x, y, w, h, 1, Plane(c, z, t)))
                assert np.array_equal(got[:, :, 0], pixels[t, c, z, y : y + h, x : x + w])
                got[:] = 0  # an answer belongs to whoever asked


def test_many_small_compressed_chunks_are_read_at_once_and_not_kept(tmp_path: Path):
    pixels = write(tmp_path / "a.zarr", (150, 210), "yx", chunks=(16, 16), compressors=ZstdCodec())
    with open_section(tmp_path / "a.zarr") as section:
        assert np.array_equal(section.read(RegionRequest(0, 0, 210, 150))[:, :, 0], pixels)
        assert decoded_parts().peek((section._owner, 0, "()", 0, 0)) is None  # type: ignore[attr-defined]
        section.read(RegionRequest(0, 0, 30, 20))
        assert decoded_parts().peek((section._owner, 0, "()", 0, 0)) is not None  # type: ignore[attr-defined]


def test_blocks_are_whole_chunks(tmp_path: Path):
    write(tmp_path / "a.zarr", (3000, 5000), "yx", chunks=(600, 500))
    with open_section(tmp_path / "a.zarr") as section:
        assert section.block_px == (2500, 2400)


def test_plain_chunks_load_no_zarr(tmp_path: Path):
    write(tmp_path / "a.zarr", compressors=None)
    code = (
        "import sys; from core.readers.base import open_section; from core.section import RegionRequest; "
        f"open_section({str(tmp_path / 'a.zarr')!r}).read(RegionRequest(0, 0, 9, 9)); print('zarr' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_first_image_of_a_conversion_is_found(tmp_path: Path):
    zarr.open_group(tmp_path / "a.zarr", mode="w", zarr_format=2).attrs["bioformats2raw.layout"] = 3
    pixels = write(tmp_path / "a.zarr" / "0", (150, 210), "yx", version=2)
    with open_section(tmp_path / "a.zarr") as section:
        assert np.array_equal(section.read(RegionRequest(5, 6, 70, 80))[:, :, 0], pixels[6:86, 5:75])


@pytest.mark.parametrize("compressors", [None, ZstdCodec()])
def test_a_damaged_chunk_is_told_when_it_is_looked_at(tmp_path: Path, compressors: Any):
    write(tmp_path / "a.zarr", (150, 210), "yx", compressors=compressors)
    (tmp_path / "a.zarr" / "0" / "c" / "1" / "1").write_bytes(b"not what was written")
    with open_section(tmp_path / "a.zarr") as section:
        assert section.read(RegionRequest(0, 0, 60, 60)).any()
        with pytest.raises(InputError, match=r"a\.zarr") as caught:
            section.read(RegionRequest(100, 80, 9, 9))
        assert caught.value.remedy


@pytest.mark.parametrize(("shape", "dtype"), [((2, 75, 105), "uint16"), ((4, 75, 105), "float32")])
def test_a_level_of_other_planes_or_numbers_is_not_shown(tmp_path: Path, shape: tuple[int, ...], dtype: str):
    """Writers may halve the planes as well; then plane 1 of the level is another one than plane 1."""
    pixels = write(tmp_path / "a.zarr", (4, 150, 210), "zyx")
    group = zarr.open_group(tmp_path / "a.zarr")
    group.create_array("1", shape=shape, dtype=dtype, chunks=(1, 64, 80), fill_value=7)
    ome: Any = group.attrs["ome"]
    ome["multiscales"][0]["datasets"].append({"path": "1"})
    group.attrs["ome"] = ome
    with open_section(tmp_path / "a.zarr") as section:
        assert len(section.info.levels) == 1
        got = section.read(RegionRequest(0, 0, 210, 150, 2, Plane(0, 3, 0)))
        assert abs(float(got[0, 0, 0]) - pixels[3, :2, :2].mean()) <= 1


def test_a_level_outside_the_folder_is_not_read(tmp_path: Path):
    write(tmp_path / "a.zarr", (150, 210), "yx")
    write(tmp_path / "secret", (150, 210), "yx")
    file = tmp_path / "a.zarr" / "zarr.json"
    metadata = json.loads(file.read_text())
    metadata["attributes"]["ome"]["multiscales"][0]["datasets"][0]["path"] = "../secret/0"
    file.write_text(json.dumps(metadata))
    with pytest.raises(InputError, match="outside the folder"):
        open_section(tmp_path / "a.zarr")


def test_a_group_without_an_image_is_refused(tmp_path: Path):
    zarr.open_group(tmp_path / "a.zarr", mode="w")
    with pytest.raises(InputError, match="holds no OME-Zarr image"):
        open_section(tmp_path / "a.zarr")


def test_an_axis_that_is_named_twice_is_refused(tmp_path: Path):
    write(tmp_path / "a.zarr", (2, 40, 50), "xyx")
    with pytest.raises(InputError, match="axes"):
        open_section(tmp_path / "a.zarr")
