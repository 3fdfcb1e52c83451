"""Every reader keeps the same promises: right pixels anywhere, planes, threads, clear errors, nothing costly to import."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
import zarr

from core.errors import InputError
from core.readers.base import open_section, readers
from core.readers.fingerprint import fingerprint
from core.readers.image import ImageSection
from core.readers.report import section_report
from core.section import Array, Plane, RegionRequest, Section

WIDTH, HEIGHT = 301, 203


def texture(samples: int, dtype: str, seed: int = 0) -> Array:
    """Smooth enough for tiles to differ, rough enough for any shift to show."""
    shape = (HEIGHT, WIDTH, samples)
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


@dataclass(frozen=True)
class Case:
    """One way to write pixels, and how many planes of each kind it takes."""

    name: str
    write: Callable[[Path, Array], Path]
    samples: int
    dtype: str
    format: str


def write_czi(path: Path, pixels: Array, compression: str = "uncompressed:") -> Path:
    from pylibCZIrw import czi

    file = path / "s.czi"
    stored = np.ascontiguousarray(pixels[:, :, ::-1]) if pixels.shape[2] == 3 else pixels
    with czi.create_czi(str(file), compression_options=compression) as document:
        for y in range(0, HEIGHT, 90):
            for x in range(0, WIDTH, 120):
                tile = np.ascontiguousarray(stored[y : y + 90, x : x + 120])
                document.write(tile, location=(x - 77, y + 1234))
        document.write_metadata(scale_x=2.5e-7, scale_y=2.5e-7)
    return file


def write_czi_zstd(path: Path, pixels: Array) -> Path:
    return write_czi(path, pixels, "zstd1:ExplicitLevel=2")


def write_tiff(**options: Any) -> Callable[[Path, Array], Path]:
    def write(path: Path, pixels: Array) -> Path:
        file = path / "s.tif"
        array = pixels if pixels.shape[2] == 3 else pixels[:, :, 0]
        if options.get("planarconfig") == "separate":
            array = np.moveaxis(pixels, -1, 0)
        kind = "rgb" if pixels.shape[2] == 3 else "minisblack"
        tifffile.imwrite(file, array, photometric=kind, metadata=None, **options)
        return file

    return write


def write_ome_tiff(path: Path, pixels: Array) -> Path:
    file = path / "s.ome.tif"
    metadata = {"axes": "YXS" if pixels.shape[2] == 3 else "YX", "PhysicalSizeX": 0.25, "PhysicalSizeY": 0.25}
    array = pixels if pixels.shape[2] == 3 else pixels[:, :, 0]
    options: Any = {"tile": (64, 64), "photometric": "rgb" if pixels.shape[2] == 3 else "minisblack"}
    with tifffile.TiffWriter(file, ome=True, bigtiff=True) as tiff:
        tiff.write(array, subifds=1, metadata=metadata, **options)
        tiff.write(halved(array), subfiletype=1, **options)
    return file


def halved(array: Array) -> Array:
    """The mean of 2 × 2 px, the last ones over what exists."""
    padded = np.pad(array.astype(float), [(0, 1), (0, 1)] + [(0, 0)] * (array.ndim - 2), mode="edge")
    even = padded[: (HEIGHT + 1) // 2 * 2, : (WIDTH + 1) // 2 * 2]
    mean = (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4
    return np.rint(mean).astype(array.dtype)


def write_zarr(version: int) -> Callable[[Path, Array], Path]:
    def write(path: Path, pixels: Array) -> Path:
        folder = path / "s.zarr"
        group = zarr.open_group(folder, mode="w", zarr_format=2 if version == 4 else 3)
        array = np.moveaxis(pixels, -1, 0)
        for name, level in (("0", array), ("1", np.stack([halved(plane) for plane in array]))):
            stored = group.create_array(name, shape=level.shape, chunks=(1, 64, 64), dtype=level.dtype)
            stored[:] = level
        axes = [{"name": "c", "type": "channel"}] + [{"name": n, "type": "space", "unit": "nanometer"} for n in "yx"]
        datasets = [
            {"path": name, "coordinateTransformations": [{"type": "scale", "scale": [1, s, s]}]}
            for name, s in (("0", 250.0), ("1", 500.0))
        ]
        multiscales: Any = [{"version": "0.4", "axes": axes, "datasets": datasets}]
        group.attrs.update({"multiscales": multiscales} if version == 4 else {"ome": {"multiscales": multiscales}})
        return folder

    return write


def write_image(suffix: str) -> Callable[[Path, Array], Path]:
    def write(path: Path, pixels: Array) -> Path:
        file = path / f"s{suffix}"
        assert cv2.imwrite(str(file), pixels[:, :, ::-1])
        return file

    return write


def write_tiles(path: Path, pixels: Array) -> Path:
    """Overlapping camera tiles; a last one in each direction lies further back, as its size is fixed."""
    folder = path / "tiles"
    folder.mkdir()
    lines = ["# pixel_size_um = 0.25", "name;x (µm);y (µm)"]
    for y in (0, 70, HEIGHT - 90):
        for x in (0, 100, WIDTH - 120):
            name = f"tile{len(lines):02}.png"
            assert cv2.imwrite(str(folder / name), pixels[y : y + 90, x : x + 120, ::-1])
            lines.append(f"{name};{(x - 77) * 0.25};{(y + 1234) * 0.25}".replace(".", ",").replace(",png", ".png"))
    (folder / "positions.csv").write_text("\n".join(lines), encoding="utf-8-sig")
    return folder


CASES = [
    Case("czi-gray8", write_czi, 1, "uint8", "CZI"),
    Case("czi-gray16-zstd", write_czi_zstd, 1, "uint16", "CZI"),
    Case("czi-rgb", write_czi, 3, "uint8", "CZI"),
    Case("czi-rgb48-zstd", write_czi_zstd, 3, "uint16", "CZI"),
    Case("tiff-one-strip", write_tiff(rowsperstrip=HEIGHT), 3, "uint8", "TIFF"),
    Case("tiff-strips", write_tiff(rowsperstrip=7, compression="zlib"), 1, "uint16", "TIFF"),
    Case("tiff-tiles-be", write_tiff(tile=(64, 32), byteorder=">"), 1, "uint16", "TIFF"),
    Case("tiff-tiles-zstd", write_tiff(tile=(64, 32), compression="zstd", predictor=True), 3, "uint8", "TIFF"),
    Case("tiff-planar", write_tiff(tile=(32, 64), planarconfig="separate", compression="lzw"), 3, "uint8", "TIFF"),
    Case("tiff-planar-rows", write_tiff(planarconfig="separate"), 3, "uint16", "TIFF"),
    Case("bigtiff-rows", write_tiff(bigtiff=True), 1, "uint8", "TIFF"),
    Case("ome-tiff-subifd", write_ome_tiff, 3, "uint8", "OME-TIFF"),
    Case("ome-tiff-gray16", write_ome_tiff, 1, "uint16", "OME-TIFF"),
    Case("ome-zarr-0.4", write_zarr(4), 3, "uint8", "OME-Zarr"),
    Case("ome-zarr-0.5", write_zarr(5), 1, "uint16", "OME-Zarr"),
    Case("tiles-csv", write_tiles, 3, "uint8", "Camera tiles"),
    Case("tiles-csv-gray16", write_tiles, 1, "uint16", "Camera tiles"),
    Case("png-gray16", write_image(".png"), 1, "uint16", "PNG"),
    Case("png-rgb", write_image(".png"), 3, "uint8", "PNG"),
    Case("bmp", write_image(".bmp"), 3, "uint8", "BMP"),
]


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Case:
    return request.param


@pytest.fixture
def written(case: Case, tmp_path: Path) -> Path:
    return case.write(tmp_path, texture(case.samples, case.dtype))


def mean_of(pixels: Array, x: int, y: int, width: int, height: int, d: int) -> Array:
    """Plain area mean of a region that reaches beyond the picture."""
    rows, columns = -(-height // d) * d, -(-width // d) * d
    values, there = np.zeros((2, rows, columns, pixels.shape[2]))
    x0, y0 = max(x, 0), max(y, 0)
    x1, y1 = min(x + columns, pixels.shape[1]), min(y + rows, pixels.shape[0])
    if x1 > x0 and y1 > y0:
        values[y0 - y : y1 - y, x0 - x : x1 - x] = pixels[y0:y1, x0:x1]
        there[y0 - y : y1 - y, x0 - x : x1 - x] = 1
    sums = [a.reshape(rows // d, d, columns // d, d, -1).sum((1, 3)) for a in (values, there)]
    return np.rint(sums[0] / np.maximum(sums[1], 1))


def test_it_says_what_it_holds(case: Case, written: Path):
    with open_section(written) as section:
        info = section.info
        assert (info.width_px, info.height_px) == (WIDTH, HEIGHT)
        assert (info.samples, info.dtype.name, info.format) == (case.samples, case.dtype, case.format)
        assert info.levels[0].downsample == 1
        assert info.path == written
        assert len(info.channel_names) == info.z_count == info.t_count == 1
        if case.format in ("CZI", "OME-TIFF", "OME-Zarr", "Camera tiles"):
            assert info.pixel_size_um == pytest.approx((0.25, 0.25))
        if case.format in ("OME-TIFF", "OME-Zarr"):
            assert [level.downsample for level in info.levels] == [1, 2]


def test_every_region_at_level0_is_exact(case: Case, written: Path):
    pixels = texture(case.samples, case.dtype)
    rng = np.random.default_rng(1)
    with open_section(written) as section:
        boxes = [(0, 0, WIDTH, HEIGHT), (WIDTH - 1, HEIGHT - 1, 1, 1), (0, HEIGHT - 1, WIDTH, 1), (WIDTH - 3, 0, 3, 99)]
        for _ in range(12):
            x, y = int(rng.integers(0, WIDTH - 1)), int(rng.integers(0, HEIGHT - 1))
            boxes.append((x, y, int(rng.integers(1, WIDTH - x)), int(rng.integers(1, HEIGHT - y))))
        for x, y, w, h in boxes:
            got = section.read_level(0, x, y, w, h, Plane())
            assert got.dtype == pixels.dtype
            assert np.array_equal(got, pixels[y : y + h, x : x + w]), (x, y, w, h)


@pytest.mark.parametrize("downsample", [1, 2, 4, 8])
def test_regions_at_any_scale_are_means(case: Case, written: Path, downsample: int):
    pixels = texture(case.samples, case.dtype)
    with open_section(written) as section:
        for x, y, w, h in [
            (0, 0, WIDTH, HEIGHT),
            (7, 5, 90, 71),
            (-9, -16, 60, 60),
            (280, 190, 64, 64),
            (16, 8, 64, 48),
        ]:
            got = section.read(RegionRequest(x, y, w, h, downsample)).astype(int)
            want = mean_of(pixels, x, y, w, h, downsample)
            difference = np.abs(got - want)
            assert difference.max() <= 1, (x, y, w, h)


def test_outside_is_black(written: Path):
    with open_section(written) as section:
        assert not section.read(RegionRequest(WIDTH + 5, -90, 50, 50)).any()


def test_four_threads_read_the_same_pixels(case: Case, written: Path):
    pixels = texture(case.samples, case.dtype)

    def read(section: Section, index: int) -> bool:
        x, y = (index * 37) % (WIDTH - 64), (index * 53) % (HEIGHT - 64)
        got = section.read(RegionRequest(x, y, 64, 64))
        return bool(np.array_equal(got, pixels[y : y + 64, x : x + 64]))

    with open_section(written) as section, ThreadPoolExecutor(4) as pool:
        assert all(pool.map(lambda index: read(section, index), range(64)))


def test_an_answer_belongs_to_whoever_asked(written: Path):
    with open_section(written) as section:
        first = section.read(RegionRequest(10, 10, 20, 20))
        kept = first.copy()
        first[:] = 0
        assert np.array_equal(section.read(RegionRequest(10, 10, 20, 20)), kept)


def test_a_file_is_known_by_content_not_by_name(case: Case, written: Path, tmp_path: Path):
    renamed = written.rename(tmp_path / "no suffix at all")
    with open_section(renamed) as section:
        assert section.info.format == case.format


def test_a_file_cut_in_half_is_refused_with_its_name(case: Case, written: Path):
    if written.is_dir():
        pytest.skip("a folder can't be cut in half")
    data = written.read_bytes()
    written.write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=written.name), open_section(written) as section:
        section.read(RegionRequest(0, 0, WIDTH, HEIGHT))


def test_the_report_keeps_the_contract_of_the_command_line(case: Case, written: Path):
    with open_section(written) as section:
        report = section_report(section)
    assert {
        "path", "format", "width_px", "height_px", "channels", "dtype", "levels", "pixel_size_um", "scenes", "stage",
        "objective", "acquired", "warnings",
    } <= set(report)  # fmt: skip
    assert report["levels"][0] == {"width_px": WIDTH, "height_px": HEIGHT, "downsample": 1.0}
    assert set(report["stage"]) == {"source", "affine", "residual_um", "disagreement_um"}


def test_a_fingerprint_follows_content_not_name(case: Case, written: Path, tmp_path: Path):
    before = fingerprint(written)
    moved = written.rename(tmp_path / "moved")
    assert fingerprint(moved) == before
    other = tmp_path / "other"
    other.mkdir()
    changed = case.write(other, texture(case.samples, case.dtype, seed=1))
    assert fingerprint(changed) != before


def test_the_fingerprint_of_a_huge_file_sees_its_end(tmp_path: Path):
    file = tmp_path / "huge.bin"
    with file.open("wb") as handle:
        handle.truncate(20 << 30)
    empty = fingerprint(file)
    with file.open("r+b") as handle:
        handle.seek((20 << 30) - 10)
        handle.write(b"x")
    assert fingerprint(file) != empty


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.czi", b"", "empty"),
        ("text.czi", b"this is only text\n" * 50, "not CZI"),
        ("text.tif", b"this is only text\n" * 50, "not TIFF"),
        ("header.czi", b"ZISRAWFILE" + bytes(6), "too early"),
        ("header.tif", b"II*\0\x08\0\0\0", "TIFF"),
        ("header.png", b"\x89PNG\r\n\x1a\n" + bytes(30), "cut short"),
        ("letter.docx", b"PK\x03\x04" * 30, "not known"),
    ],
)
def test_what_is_no_section_is_refused_in_one_line(tmp_path: Path, name: str, content: bytes, says: str):
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(InputError) as caught:
        open_section(file)
    text = str(caught.value)
    assert name in text
    assert says in text
    assert "\n" not in text
    assert caught.value.remedy


def test_a_missing_file_and_a_plain_folder_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match="no such file"):
        open_section(tmp_path / "missing.czi")
    with pytest.raises(InputError, match="no section in this folder"):
        open_section(tmp_path)


def test_readers_are_found_and_import_nothing_costly():
    assert {reader.id for reader in readers()} >= {"czi", "tiff", "ome_zarr", "image", "tile_folder"}
    code = (
        "import sys; from core.readers.base import readers; readers(); "
        "print([m for m in ('pylibCZIrw', 'tifffile', 'zarr', 'imagecodecs', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_picture_that_is_closed_while_it_is_read_gives_its_pixels(tmp_path: Path):
    path, pixels = tmp_path / "a.png", np.arange(64, dtype=np.uint8).reshape(8, 8)
    cv2.imwrite(str(path), pixels)
    section = ImageSection(path)

    class ClosesBehind:
        def __enter__(self) -> None: ...

        def __exit__(self, *exc: object) -> None:
            section.close()

    section._lock = ClosesBehind()  # type: ignore[assignment]
    assert (section.read(RegionRequest(0, 0, 8, 8))[..., 0] == pixels).all()
