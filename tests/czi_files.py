"""Writes small CZI files byte by byte, with what libCZI's own writer can't: JPEG-XR, pyramids, any M-index, damage."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

Array = np.ndarray

RAW, JPEG, LZW, JPEG_XR, ZSTD0, ZSTD1 = 0, 1, 2, 4, 5, 6
_PIXEL_TYPES = {("uint8", 1): 0, ("uint16", 1): 1, ("float32", 1): 2, ("uint8", 3): 3, ("uint16", 3): 4}
_HEAD = 32
_RGB24 = bytes.fromhex("24c3dd6f034efe4bb1853d77768dc90d")  # how JPEG-XR names 24-bit RGB


@dataclass(frozen=True)
class Tile:
    """One subblock. `pixels` (h, w, samples) as they are stored: BGR. `shrunk`: level-0 px per stored px."""

    x: int
    y: int
    pixels: Array
    compression: int = RAW
    where: dict[str, int] = field(default_factory=lambda: {"C": 0})
    shrunk: int = 1
    payload: bytes | None = None

    @property
    def pixel_type(self) -> int:
        return _PIXEL_TYPES[self.pixels.dtype.name, self.pixels.shape[2]]

    def entry(self, position: int) -> bytes:
        """The subblock's directory entry, schema DV."""
        height, width = self.pixels.shape[:2]
        places = {"X": (self.x, width * self.shrunk, width), "Y": (self.y, height * self.shrunk, height)}
        dimensions = places | {name: (start, 1, 0) for name, start in self.where.items()}
        head = struct.pack("<2siqii6xi", b"DV", self.pixel_type, position, 0, self.compression, len(dimensions))
        return head + b"".join(
            struct.pack("<4siifi", name.encode(), start, size, float(start), stored)
            for name, (start, size, stored) in dimensions.items()
        )

    def data(self) -> bytes:
        return self.payload if self.payload is not None else encode(self.pixels, self.compression)


def encode(pixels: Array, compression: int) -> bytes:
    """Pixels as a CZI keeps them. 16-bit pixels are packed low bytes first in Zstd1."""
    import imagecodecs

    plain = np.ascontiguousarray(pixels)
    picture = plain[:, :, 0] if pixels.shape[2] == 1 else plain
    if compression == RAW:
        return plain.tobytes()
    rgb = np.ascontiguousarray(picture[..., ::-1]) if picture.ndim == 3 else picture
    if compression == JPEG:
        return bytes(imagecodecs.jpeg8_encode(rgb, level=95))
    if compression == LZW:
        return bytes(imagecodecs.lzw_encode(plain.tobytes()))
    if compression == JPEG_XR:
        return bytes(imagecodecs.jpegxr_encode(rgb, level=1.0)).replace(
            _RGB24, _RGB24[:-1] + b"\x0c"
        )  # ZEN's: 24-bit BGR
    if compression == ZSTD0:
        return bytes(imagecodecs.zstd_encode(plain.tobytes(), level=1))
    if pixels.dtype != np.uint16:
        return b"\x01" + imagecodecs.zstd_encode(plain.tobytes(), level=1)
    packed = plain.view(np.uint8).reshape(-1, 2).T.tobytes()
    return b"\x03\x01\x01" + imagecodecs.zstd_encode(packed, level=1)


def write_czi_file(path: Path, tiles: Sequence[Tile], xml: bytes = b"<ImageDocument/>", thumbnail: bytes = b"") -> Path:
    """Header, subblocks, metadata, an attachment where there is a thumbnail, directory."""
    with path.open("wb") as file:
        file.write(bytes(_HEAD + 512))
        entries = []
        for tile in tiles:
            entry = tile.entry(file.tell())
            data = tile.data()
            body = (struct.pack("<iiq", 0, 0, len(data)) + entry).ljust(256, b"\0")
            entries.append(entry)
            file.write(_segment(b"ZISRAWSUBBLOCK", body + data))
        metadata = file.tell()
        file.write(_segment(b"ZISRAWMETADATA", struct.pack("<ii", len(xml), 0).ljust(256, b"\0") + xml))
        attachments = _write_thumbnail(file.tell(), thumbnail)
        file.write(attachments[0])
        directory = file.tell()
        file.write(_segment(b"ZISRAWDIRECTORY", struct.pack("<i", len(tiles)).ljust(128, b"\0") + b"".join(entries)))
        header = struct.pack(
            "<iiii16s16siqqiq", 1, 0, 0, 0, b"1" * 16, b"1" * 16, 0, directory, metadata, 0, attachments[1]
        )
        file.seek(0)
        file.write(_segment(b"ZISRAWFILE", header.ljust(512, b"\0")))
    return path


def _write_thumbnail(position: int, picture: bytes) -> tuple[bytes, int]:
    """The segments of one attachment and their directory, and where that lies; nothing at 0 without a picture."""
    if not picture:
        return b"", 0
    entry = struct.pack("<2s10xqi16s8s80s8x", b"A1", position, 0, b"2" * 16, b"JPG", b"Thumbnail")[:128]
    attachment = _segment(b"ZISRAWATTACH", (struct.pack("<q8x", len(picture)) + entry).ljust(256, b"\0") + picture)
    directory = _segment(b"ZISRAWATTDIR", struct.pack("<i", 1).ljust(256, b"\0") + entry)
    return attachment + directory, position + len(attachment)


def _segment(name: bytes, body: bytes) -> bytes:
    padded = body.ljust(-(-len(body) // 32) * 32, b"\0")
    return struct.pack("<16sqq", name, len(padded), len(body)) + padded
