"""Decides how files that hold a section's pixels are fuzzed: opened, described, looked at and read in several places."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from core.readers.base import open_section
from core.readers.details import details
from core.readers.facts import section_facts
from core.readers.fingerprint import fingerprint
from core.section import Plane, RegionRequest, Section
from tests.czi_files import JPEG, JPEG_XR, LZW, RAW, ZSTD0, ZSTD1, Tile, write_czi_file
from tests.fuzzing.subjects import Subject, raise_first

Array = np.ndarray

_TIFFS = Path(__file__).resolve().parents[3] / "shared" / "data" / "tiff"
_LARGEST_FIXTURE = 60_000
_LOOKED_AT_PX = 256

_XML = b"""<ImageDocument><Metadata><Scaling><Items><Distance Id="X"><Value>2.5e-7</Value></Distance>
<Distance Id="Y"><Value>2.5e-7</Value></Distance></Items></Scaling><Information><Image><SpatialRelations>
<PixelToStageTransform><RotateFlipScaleTranslateImplicitScale><Rotate>3</Rotate><Flip X="true" Y="false"/>
<Translate X="30000" Y="10000"/></RotateFlipScaleTranslateImplicitScale></PixelToStageTransform></SpatialRelations>
<Session SessionId="a" SessionName="b" SessionCreation="c"/><Dimensions><S><Scenes><Scene Index="0" Name="one">
<CenterPosition>100,200</CenterPosition></Scene></Scenes></S><Channels><Channel Name="grey"/></Channels></Dimensions>
</Image></Information></Metadata></ImageDocument>"""


def use_section(path: Path) -> None:
    """As the window does: what it is, a first look, its overviews, pixels here and there. Raises the first SchliffError."""
    with open_section(path) as section:
        raise_first(_steps(section, path))


def _steps(section: Section, path: Path) -> list[Callable[[], object]]:
    info = section.info
    width, height = min(info.width_px, _LOOKED_AT_PX), min(info.height_px, _LOOKED_AT_PX)
    right, bottom = info.width_px - width, info.height_px - height
    last = Plane(len(info.channel_names) - 1, info.z_count - 1, info.t_count - 1)
    places = [(0, 0, Plane()), (right // 2, bottom // 2, last), (right, bottom, Plane())]
    steps: list[Callable[[], object]] = [
        partial(section_facts, info),
        partial(fingerprint, path),
        partial(details, path),
        section.camera_tiles,
        partial(section.preview, section.overview_downsample, Plane()),
        partial(_look_at_all, section),
    ]
    steps += [partial(section.read, RegionRequest(x, y, width, height, 1, plane)) for x, y, plane in places]
    for level in info.levels[1:]:
        scale = 1 << max(0, round(level.downsample) - 1).bit_length()
        if scale <= 1 << 20:
            steps.append(partial(section.read, RegionRequest(0, 0, scale * width, scale * height, scale, Plane())))
    return steps


def _look_at_all(section: Section) -> None:
    """What is drawn first of a whole section, by overviews that are kept nowhere."""
    from core.pyramid import OverviewCache, with_overviews

    with tempfile.TemporaryDirectory() as folder:
        seen = with_overviews(section, OverviewCache(Path(folder), 0))
        d = seen.overview_downsample
        seen.glance(RegionRequest(0, 0, seen.info.width_px, seen.info.height_px, d, Plane()))


# -- sound files -------------------------------------------------------------------------------------------------------


@cache
def texture(samples: int, dtype: str, width: int = 48, height: int = 40) -> Array:
    """(height, width, samples), smooth and noisy, so that every codec has something to say."""
    y, x = np.mgrid[:height, :width]
    smooth = (np.sin(x / 7) + np.cos(y / 5) + 2)[:, :, None] / 4 * np.iinfo(dtype).max * 0.9
    noise = np.random.default_rng(samples).integers(0, np.iinfo(dtype).max // 12, (height, width, samples))
    return np.ascontiguousarray((smooth + noise).astype(dtype))


def _czi(compression: int, samples: int, dtype: str, pyramid: bool, folder: Path) -> list[Path]:
    pixels = texture(samples, dtype)
    tiles = [
        Tile(x - 30, y + 500, pixels, compression, {"C": 0, "S": 0, "M": number})
        for number, (x, y) in enumerate([(0, 0), (40, 0), (0, 36), (40, 36)])
    ]
    if pyramid:
        tiles.append(Tile(-30, 500, pixels, compression, {"C": 0, "S": 0, "M": 4}, 2))
    return [write_czi_file(folder / "s.czi", tiles, _XML)]


def _czi_libczi(folder: Path) -> list[Path]:
    """A file that only libCZI reads: two pixel types in one channel."""
    return [
        write_czi_file(
            folder / "s.czi", [Tile(0, 0, texture(1, "uint8"), ZSTD1), Tile(48, 0, texture(1, "uint16"), RAW)], _XML
        )
    ]


def _tiff(folder: Path, **options: Any) -> list[Path]:
    import tifffile

    samples, dtype = options.pop("samples", 3), options.pop("dtype", "uint8")
    pixels = texture(samples, dtype, 80, 70)
    kind = "rgb" if samples == 3 else "minisblack"
    array = pixels if samples == 3 else pixels[:, :, 0]
    tifffile.imwrite(folder / "s.tif", array, photometric=kind, **options)
    return [folder / "s.tif"]


def _ome_tiff(folder: Path) -> list[Path]:
    import tifffile

    metadata = {"axes": "CYX", "PhysicalSizeX": 0.25, "PhysicalSizeY": 0.25, "Channel": {"Name": ["a", "b"]}}
    pixels = np.stack([texture(1, "uint16", 80, 70)[:, :, 0]] * 2)
    with tifffile.TiffWriter(folder / "s.ome.tif", ome=True, bigtiff=True) as tiff:
        tiff.write(pixels, subifds=1, metadata=metadata, tile=(32, 32), compression="zlib")
        tiff.write(pixels[:, ::2, ::2], subfiletype=1, tile=(32, 32), compression="zlib")
    return [folder / "s.ome.tif"]


def _real_tiffs(folder: Path) -> list[Path]:
    """Small ones of other people, as far as they are here."""
    found = sorted(p for p in _TIFFS.rglob("*.tif*") if p.is_file() and p.stat().st_size <= _LARGEST_FIXTURE)
    return found or _tiff(folder)


def _zarr(version: int, folder: Path, codec: str = "", **options: Any) -> list[Path]:
    """`codec`: a class of numcodecs (version 2), or of zarr."""
    import numcodecs
    import zarr

    if codec:
        options["compressors"] = getattr(numcodecs if version == 2 else zarr.codecs, codec)()
    place = folder / "s.zarr"
    group = zarr.open_group(place, mode="w", zarr_format=version)  # type: ignore[arg-type]
    pixels = np.moveaxis(texture(3, "uint8", 80, 70), -1, 0)
    for name, level in (("0", pixels), ("1", pixels[:, ::2, ::2])):
        stored = group.create_array(name, shape=level.shape, chunks=(1, 32, 32), dtype=level.dtype, **options)
        stored[:] = level
    axes = [{"name": "c", "type": "channel"}] + [{"name": n, "type": "space", "unit": "nanometer"} for n in "yx"]
    datasets = [
        {"path": name, "coordinateTransformations": [{"type": "scale", "scale": [1, s, s]}]}
        for name, s in (("0", 250.0), ("1", 500.0))
    ]
    told: Any = {"multiscales": [{"version": "0.4", "axes": axes, "datasets": datasets}], "omero": {"channels": []}}
    group.attrs.update(told if version == 2 else {"ome": told})
    return [place]


def _picture(suffix: str, samples: int, dtype: str, folder: Path) -> list[Path]:
    assert cv2.imwrite(str(folder / f"s{suffix}"), texture(samples, dtype, 80, 70))
    return [folder / f"s{suffix}"]


def _tiles(folder: Path) -> list[Path]:
    by_table, by_name = folder / "table", folder / "named"
    by_table.mkdir()
    by_name.mkdir()
    lines = ["# pixel_size_um = 0.25", "name;x (µm);y (µm)"]
    for number, (x, y) in enumerate([(0, 0), (40, 0), (0, 30), (40, 30)]):
        cv2.imwrite(str(by_table / f"tile{number}.png"), texture(3, "uint8"))
        cv2.imwrite(str(by_name / f"r{y // 30}c{x // 40}.png"), texture(1, "uint8"))
        lines.append(f"tile{number}.png;{x * 0.25:.2f};{y * 0.25:.2f}")
    (by_table / "positions.csv").write_text("\n".join(lines), "utf-8")
    return [by_table, by_name]


def _subject(name: str, write: Callable[[Path], list[Path]]) -> Subject:
    return Subject(name, write, use_section)


_CZIS = (
    ("raw", RAW, 3, "uint8"), ("zstd0", ZSTD0, 3, "uint8"), ("zstd1", ZSTD1, 1, "uint16"), ("jpeg", JPEG, 3, "uint8"),
    ("jpeg-xr", JPEG_XR, 3, "uint8"), ("jpeg-xr-16", JPEG_XR, 1, "uint16"), ("lzw", LZW, 1, "uint8"),
)  # fmt: skip

SUBJECTS: tuple[Subject, ...] = (
    *(
        _subject(f"czi {name}{' pyramid' if pyramid else ''}", partial(_czi, compression, samples, dtype, pyramid))
        for name, compression, samples, dtype in _CZIS
        for pyramid in (False, True)
        if not pyramid or name in ("raw", "zstd1", "jpeg", "jpeg-xr")
    ),
    _subject("czi libCZI", _czi_libczi),
    _subject("tiff strips", partial(_tiff, rowsperstrip=9)),
    _subject("tiff tiles", partial(_tiff, tile=(32, 32), samples=1, dtype="uint16", byteorder=">")),
    _subject("tiff deflate", partial(_tiff, tile=(32, 32), compression="zlib", predictor=True)),
    _subject("tiff lzw", partial(_tiff, rowsperstrip=16, compression="lzw", bigtiff=True)),
    _subject("tiff jpeg", partial(_tiff, tile=(32, 32), compression="jpeg")),
    _subject("tiff zstd", partial(_tiff, tile=(32, 32), compression="zstd", bigtiff=True)),
    *(
        _subject(f"tiff {name}", partial(_tiff, tile=(32, 32), compression=name))
        for name in ("jpeg2000", "jpegxl", "jpegxr", "webp", "lerc", "png", "lzma", "packbits")
    ),
    _subject("tiff ome", _ome_tiff),
    _subject("tiff of others", _real_tiffs),
    _subject("zarr 0.4", partial(_zarr, 2)),
    _subject("zarr 0.5", partial(_zarr, 3)),
    _subject("zarr 0.5 plain", partial(_zarr, 3, compressors=None)),
    *(_subject(f"zarr 0.4 {name}", partial(_zarr, 2, codec=name)) for name in ("Blosc", "Zlib", "BZ2", "LZMA")),
    *(_subject(f"zarr 0.5 {name}", partial(_zarr, 3, codec=name)) for name in ("GzipCodec", "BloscCodec")),
    *(
        _subject(f"zarr 0.5 shards {name}", partial(_zarr, 3, codec=name, shards=(1, 64, 64)))
        for name in ("ZstdCodec", "GzipCodec", "BloscCodec")
    ),
    _subject("png", partial(_picture, ".png", 3, "uint8")),
    _subject("png 16", partial(_picture, ".png", 1, "uint16")),
    _subject("jpeg", partial(_picture, ".jpg", 3, "uint8")),
    _subject("bmp", partial(_picture, ".bmp", 3, "uint8")),
    _subject("webp", partial(_picture, ".webp", 3, "uint8")),
    _subject("camera tiles", _tiles),
)
