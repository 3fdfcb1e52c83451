"""Files made to do harm: each is refused in one clear line, takes no memory to speak of, and leads nowhere."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import pickle
import struct
import sys
from pathlib import Path
from typing import Any

import cv2
import h5py
import imagecodecs
import numcodecs
import numpy as np
import psutil
import pytest
import tifffile
from zarr.codecs import BloscCodec, GzipCodec, ZstdCodec

from core.chemistry.h5oina import read_h5oina
from core.data.formats import schliff, voc
from core.errors import InputError, SchliffError
from core.readers.base import open_section
from core.readers.details import details
from core.section import RegionRequest
from core.tables import header_of
from tests.czi_files import RAW, Tile, write_czi_file
from tests.fuzzing.mutations import XML_BOMB
from tests.fuzzing.sections import texture
from tests.test_chemistry import write_h5oina
from tests.test_readers_ome_zarr import write as write_zarr

EVERYTHING = RegionRequest(0, 0, 210, 150)


def refusal(path: Path, request: RegionRequest = EVERYTHING) -> SchliffError:
    """What opening a section or reading it says."""
    with pytest.raises(InputError) as caught, open_section(path) as section:
        section.read(request)
    assert caught.value.path is not None
    assert caught.value.remedy
    return caught.value


def peak_bytes() -> int:
    """The most that this process ever held."""
    memory = psutil.Process().memory_info()
    if sys.platform == "win32":
        return memory.peak_pagefile
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


# -- what is quoted ----------------------------------------------------------------------------------------------------


def test_what_an_error_quotes_is_one_readable_line():
    error = InputError("it says \x1b[31m" + "x" * 70_000 + "\0\u202e\nthe end", path="a.csv", remedy="Correct it.")
    assert str(error).isprintable()
    assert len(str(error)) < 500
    assert "the end" in str(error)
    assert InputError("10 µm × 3 – “so”", path="a").what == "10 µm × 3 – “so”"
    assert str(InputError("it is damaged", path="\u202egnp.é")) == "\N{REPLACEMENT CHARACTER}gnp.é: it is damaged."


def test_a_first_line_too_long_for_a_table_has_no_columns():
    assert header_of('"' + "x" * 200_000) == []


# -- sections ----------------------------------------------------------------------------------------------------------


def test_an_xml_bomb_in_a_czi_is_not_set_off(tmp_path: Path):
    path = write_czi_file(tmp_path / "s.czi", [Tile(0, 0, texture(1, "uint8"), RAW)], XML_BOMB + b"<a>&k;</a>")
    with open_section(path) as section:
        assert any("metadata is damaged" in warning for warning in section.info.warnings)
    assert "ha" * 50 not in str(details(path))


def test_images_listed_in_a_circle_are_refused(tmp_path: Path):
    path = tmp_path / "s.tif"
    with tifffile.TiffWriter(path) as tiff:
        for _ in range(3):
            tiff.write(texture(1, "uint8")[:, :, 0], metadata=None)
    with tifffile.TiffFile(path) as tiff:
        first, last = tiff.pages[0].offset, tiff.pages[2].offset
        tags = len(tiff.pages[2].aspage().tags)
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, last + 2 + 12 * tags, first)
    path.write_bytes(data)
    assert "circle" in refusal(path).what


@pytest.mark.parametrize("shape", [(2**31, 40, 50), (1, 2**40, 50), (1, 3_000_000, 3_000_000)])
def test_a_section_of_absurd_size_is_refused(tmp_path: Path, shape: tuple[int, ...]):
    write_zarr(tmp_path / "a.zarr", (1, 40, 50), "zyx", chunks=(1, 40, 50), compressors=None)
    file = tmp_path / "a.zarr" / "0" / "zarr.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "shape": shape}))
    assert "it says it has" in refusal(tmp_path / "a.zarr").what


def test_tiles_of_a_czi_that_lie_absurdly_far_apart_are_refused(tmp_path: Path):
    pixels = texture(1, "uint8")
    path = write_czi_file(tmp_path / "s.czi", [Tile(0, 0, pixels), Tile(5_000_000, 0, pixels)])
    assert "no section is so large" in refusal(path).what


@pytest.mark.parametrize(("suffix", "mark", "behind"), [(".png", b"IHDR", 8), (".jpg", b"\xff\xc0", 5)])
def test_a_picture_without_rows_is_refused(tmp_path: Path, suffix: str, mark: bytes, behind: int):
    data = bytearray(cv2.imencode(suffix, texture(3, "uint8"))[1].tobytes())
    rows = data.index(mark) + behind
    count = 4 if suffix == ".png" else 2
    data[rows : rows + count] = bytes(count)
    (tmp_path / f"a{suffix}").write_bytes(data)
    assert "× 0 px" in refusal(tmp_path / f"a{suffix}").what


@pytest.mark.parametrize("chunk", [b"IDAT", b"tEXt"])
def test_a_png_that_says_it_holds_more_than_its_file_is_refused_before_room_is_made(tmp_path: Path, chunk: bytes):
    data = cv2.imencode(".png", texture(3, "uint8"))[1].tobytes()
    if chunk != b"IDAT":
        data = data.replace(b"\0\0\0\0IEND", struct.pack(">I4s", 8, chunk) + bytes(8 + 4) + b"\0\0\0\0IEND")
    at = data.index(chunk) - 4
    (tmp_path / "a.png").write_bytes(data[:at] + struct.pack(">I", 2**31 - 1) + data[at + 4 :])
    before = peak_bytes()
    assert "cut short" in refusal(tmp_path / "a.png").what
    assert peak_bytes() - before < 1 << 29


def test_what_follows_a_png_is_let_be(tmp_path: Path):
    data = cv2.imencode(".png", texture(3, "uint8"))[1].tobytes()
    (tmp_path / "a.png").write_bytes(data + b"a comment of some program")
    with open_section(tmp_path / "a.png") as section:
        assert section.read(RegionRequest(0, 0, 48, 40)).any()


# -- codecs of Zarr ----------------------------------------------------------------------------------------------------


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was executed",))


@pytest.mark.parametrize("place", ["compressor", "filters"])
def test_a_pickle_as_a_codec_is_refused_and_not_run(tmp_path: Path, place: str):
    write_zarr(tmp_path / "a.zarr", (150, 210), "yx", version=2)
    file = tmp_path / "a.zarr" / "0" / ".zarray"
    pickled: Any = {"id": "pickle"}
    told = json.loads(file.read_text()) | {"compressor": None, "filters": None}
    file.write_text(json.dumps(told | {place: pickled if place == "compressor" else [pickled]}))
    (tmp_path / "a.zarr" / "0" / "0.0").write_bytes(pickle.dumps(Bomb()))
    assert "'pickle'" in refusal(tmp_path / "a.zarr").what


def test_a_codec_inside_a_shard_is_looked_at_too(tmp_path: Path):
    write_zarr(tmp_path / "a.zarr", (150, 210), "yx", compressors=ZstdCodec(), shards=(128, 160))
    file = tmp_path / "a.zarr" / "0" / "zarr.json"
    file.write_text(file.read_text().replace('"zstd"', '"vlen-bytes"'))
    assert "'vlen-bytes'" in refusal(tmp_path / "a.zarr").what


def test_packers_one_in_another_are_refused(tmp_path: Path):
    """Of the inner one nobody could tell what it holds."""
    write_zarr(tmp_path / "a.zarr", (150, 210), "yx", compressors=[ZstdCodec(), GzipCodec()])
    assert "packed by 'zstd' and then by 'gzip'" in refusal(tmp_path / "a.zarr").what


def _unsized_zstd(size: int) -> bytes:
    """Zeros in a frame that doesn't say how many: blocks of one repeated byte."""
    blocks = [(1 << 1 | 1 << 20).to_bytes(3, "little") + b"\0"] * (size >> 17)
    return b"\x28\xb5\x2f\xfd\0\x58" + b"".join(blocks) + b"\x01\0\0"


_ZSTD_BOMB = imagecodecs.zstd_encode(bytes(1 << 20))
_SKIPPED = struct.pack("<II", 0x184D2A50, 4) + b"skip"
_ZEROS = bytes(1 << 20)


@pytest.mark.parametrize(
    ("codec", "bomb"),
    [
        (ZstdCodec(), _ZSTD_BOMB),
        (ZstdCodec(), _unsized_zstd(1 << 20)),
        (ZstdCodec(), imagecodecs.zstd_encode(b"small") + _ZSTD_BOMB),
        (ZstdCodec(), _SKIPPED + _ZSTD_BOMB),
        (GzipCodec(), gzip.compress(b"small") + bytes(8) + gzip.compress(_ZEROS)),
        (GzipCodec(), gzip.compress(bytes(1 << 30), 1)[: 1 << 22]),
        (BloscCodec(), struct.pack("<BBBBiii", 2, 1, 0, 1, 2**31 - 1, 4096, 16)),
    ],
    ids=[
        "zstd",
        "zstd unsized",
        "second zstd",
        "zstd after others",
        "second gzip",
        "gzip",
        "blosc",
    ],
)
def test_a_bomb_in_a_chunk_is_not_set_off(tmp_path: Path, codec: Any, bomb: bytes, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("core.readers.zarr_codecs._HARMLESS_BYTES", 1 << 14)
    write_zarr(tmp_path / "a.zarr", (150, 210), "yx", compressors=codec)
    chunk = tmp_path / "a.zarr" / "0" / "c" / "0" / "0"
    chunk.write_bytes(bomb[: 2 * 64 * 80 * 2 + (60 << 10)])
    assert "holds more than it can" in refusal(tmp_path / "a.zarr").what


@pytest.mark.parametrize(("codec", "pack"), [(numcodecs.BZ2(), bz2.compress), (numcodecs.LZMA(), lzma.compress)])
def test_a_bomb_behind_another_stream_is_not_set_off(tmp_path: Path, codec: Any, pack: Any):
    write_zarr(tmp_path / "a.zarr", (150, 210), "yx", version=2, compressors=codec)
    (tmp_path / "a.zarr" / "0" / "0.0").write_bytes(pack(b"small") + pack(_ZEROS))
    assert "holds more than it can" in refusal(tmp_path / "a.zarr").what


@pytest.mark.parametrize("place", ["start", "end"])
@pytest.mark.parametrize(("codec", "bomb"), [(ZstdCodec(), _ZSTD_BOMB), (GzipCodec(), gzip.compress(_ZEROS))])
def test_a_bomb_in_a_shard_is_not_set_off(
    tmp_path: Path, codec: Any, bomb: bytes, place: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("core.readers.zarr_codecs._HARMLESS_BYTES", 1 << 10)
    shards = {"shape": (128, 160), "index_location": place}
    pixels = write_zarr(tmp_path / "a.zarr", (150, 210), "yx", compressors=codec, shards=shards)
    shard = tmp_path / "a.zarr" / "0" / "c" / "0" / "0"
    data = bytearray(shard.read_bytes())
    index = 0 if place == "start" else len(data) - 4 * 16 - 4
    at, length = struct.unpack_from("<QQ", data, index + 16)  # of the chunk at 80, 0
    assert len(bomb) < length
    data[at : at + length] = bomb.ljust(length, b"\0")
    shard.write_bytes(data)
    with open_section(tmp_path / "a.zarr") as section:
        sound = RegionRequest(0, 0, 80, 64)
        np.testing.assert_array_equal(section.read(sound)[:, :, 0], pixels[:64, :80])
        with pytest.raises(InputError, match="holds more than it can"):
            section.read(RegionRequest(80, 0, 80, 64))


def test_shards_within_shards_are_refused(tmp_path: Path):
    write_zarr(tmp_path / "a.zarr", (150, 210), "yx", compressors=ZstdCodec(), shards=(128, 160))
    file = tmp_path / "a.zarr" / "0" / "zarr.json"
    told = json.loads(file.read_text())
    told["codecs"][0]["configuration"]["codecs"] = json.loads(file.read_text())["codecs"]
    file.write_text(json.dumps(told))
    assert "shards in its shards" in refusal(tmp_path / "a.zarr").what


def test_a_chunk_in_many_small_frames_that_do_not_say_their_size_is_read(tmp_path: Path):
    write_zarr(tmp_path / "a.zarr", (150, 210), "yx", compressors=ZstdCodec())
    chunk = tmp_path / "a.zarr" / "0" / "c" / "0" / "0"
    plain = np.arange(64 * 80, dtype="<u2").tobytes()
    head = b"\x28\xb5\x2f\xfd\0\x58"
    raw = [
        (len(plain[at : at + 64]) << 3).to_bytes(3, "little") + plain[at : at + 64] for at in range(0, len(plain), 64)
    ]
    chunk.write_bytes(head + b"".join(raw) + b"\x01\0\0")
    with open_section(tmp_path / "a.zarr") as section:
        assert section.read(RegionRequest(0, 0, 80, 64)).tobytes() == plain


def test_a_blosc_chunk_that_says_another_size_than_it_has_is_refused(tmp_path: Path):
    """Its decoder would read beyond the memory it is given."""
    write_zarr(tmp_path / "a.zarr", (150, 210), "yx", compressors=BloscCodec())
    chunk = tmp_path / "a.zarr" / "0" / "c" / "0" / "0"
    data = bytearray(chunk.read_bytes())
    struct.pack_into("<i", data, 12, 2**30)
    chunk.write_bytes(data)
    assert "damaged" in refusal(tmp_path / "a.zarr").what


# -- labelled data -----------------------------------------------------------------------------------------------------


def test_an_xml_bomb_in_voc_is_refused(tmp_path: Path):
    (tmp_path / "Annotations").mkdir()
    (tmp_path / "JPEGImages").mkdir()
    (tmp_path / "Annotations" / "a.xml").write_bytes(XML_BOMB + b"<annotation><filename>&k;</filename></annotation>")
    with pytest.raises(InputError, match="entities"):
        voc.SPEC.read(tmp_path)


@pytest.mark.parametrize("classes", [5, "pore", {"pore": 1}])
def test_a_training_set_whose_classes_are_no_list_is_refused(tmp_path: Path, classes: Any):
    told = {"format": 1, "classes": classes, "pictures": []}
    (tmp_path / "schliff-data.json").write_text(json.dumps(told))
    with pytest.raises(InputError, match="no training set of this version"):
        schliff.SPEC.read(tmp_path)


@pytest.mark.parametrize(
    ("mark", "problem"),
    [({"box": [1, 2, 3]}, "a box is not four numbers"), ({"outline": [[1, 2, 3]]}, "a corner is not two numbers")],
)
def test_a_mark_of_a_training_set_with_too_few_or_too_many_numbers_is_told(tmp_path: Path, mark: Any, problem: str):
    cv2.imwrite(str(tmp_path / "a.png"), texture(3, "uint8"))
    marks = [{"class": "pore", "box": [1, 2, 3, 4]} | mark]
    picture = {"file": "a.png", "group": "a", "marks": marks, "known": None, "empty": []}
    (tmp_path / "schliff-data.json").write_text(json.dumps({"format": 1, "classes": [], "pictures": [picture]}))
    with pytest.raises(InputError, match=problem):
        schliff.SPEC.read(tmp_path)


def test_an_h5oina_whose_values_lie_in_another_file_is_refused(tmp_path: Path):
    secret = tmp_path / "secret.bin"
    secret.write_bytes(np.arange(4, dtype="f4").tobytes())
    with h5py.File(write_h5oina(tmp_path / "a.h5oina"), "r+") as file:
        del file["1/EDS/Data/Composition/Fe"]
        file.create_dataset("1/EDS/Data/Composition/Fe", (4,), "f4", external=[(str(secret), 0, 16)])
    with pytest.raises(InputError, match="another file") as caught:
        read_h5oina(tmp_path / "a.h5oina")
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("name", "size", "reason"),
    [
        ("Index", 10**9, "more than 100,000 acquisitions"),
        ("1/EDS/Data/Composition/Fe", 90_000_000, "more values than are stored"),
        ("1/EDS/Header/Stage Position/X", 10**9, "1,000,000,000 values"),
    ],
)
def test_an_h5oina_that_says_it_holds_more_than_is_stored_is_refused(tmp_path: Path, name: str, size: int, reason: str):
    """HDF5 would fill the memory with values that nobody wrote."""
    with h5py.File(write_h5oina(tmp_path / "a.h5oina"), "r+") as file:
        del file[name]
        file.create_dataset(name, (size,), "f4", chunks=(10_000,))
    with pytest.raises(InputError, match=reason):
        read_h5oina(tmp_path / "a.h5oina")
