"""Decides how a plain picture (PNG, JPEG, BMP, WebP) becomes a section: decoded whole, once, when first looked at.

EXIF orientation is not applied and colours are not managed: pixels stay as stored. Alpha is dropped.
"""

from __future__ import annotations

import struct
import threading
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from core.errors import InputError
from core.readers.base import ReaderSpec, unreadable
from core.readers.convert import with_samples
from core.readers.limits import refuse_absurd
from core.readers.scale import believable_resolution
from core.section import Array, Plane, PyramidLevel, Section, SectionInfo
from core.section_info import NO_PIXEL_SIZE

_LARGEST_BYTES = 1 << 30
_LARGEST_FILE = 2 << 30
_HEAD_BYTES, _TAIL_BYTES = 4 << 20, 64 << 10
_PNG, _JPEG, _BMP = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM"
_COPY_AGAIN = "Copy or export it again; the transfer may have been cut short."


@dataclass(frozen=True, slots=True)
class _Header:
    """What the first bytes of a picture say. `pixel_size_um` only where a PNG says something plausible."""

    format: str
    width: int
    height: int
    samples: int
    dtype: str
    pixel_size_um: tuple[float, float] | None = None


class ImageSection(Section):
    """One picture. Regions come from the decoded whole, which is kept."""

    def __init__(self, path: Path) -> None:
        if path.stat().st_size > _LARGEST_FILE:
            raise InputError("it is too large for a plain picture", path=path, remedy="Save it as a tiled TIFF.")
        self._path, self._lock = path, threading.Lock()
        self._pixels: Array | None = None
        header = self._read_header()
        refuse_absurd(path, header.width, header.height)
        megabytes = header.width * header.height * header.samples * np.dtype(header.dtype).itemsize / 1e6
        if megabytes * 1e6 > _LARGEST_BYTES:
            raise InputError(
                f"decoding its {header.width} × {header.height} px would take {megabytes:.0f} MB of memory",
                path=path,
                remedy="Save it as a tiled TIFF and open that.",
            )
        warnings = () if header.pixel_size_um else (NO_PIXEL_SIZE,)
        self.info = SectionInfo(
            path=path,
            format=header.format,
            width_px=header.width,
            height_px=header.height,
            samples=header.samples,
            dtype=np.dtype(header.dtype),
            levels=(PyramidLevel(header.width, header.height, 1.0),),
            pixel_size_um=header.pixel_size_um,
            warnings=warnings,
        )

    def read_level(self, level: int, x: int, y: int, width: int, height: int, plane: Plane) -> Array:
        with self._lock:
            if self._pixels is None:
                self._pixels = self._decode()
            pixels = self._pixels  # another thread may close meanwhile
        return pixels[y : y + height, x : x + width].copy()

    def close(self) -> None:
        self._pixels = None

    def _read_header(self) -> _Header:
        head, tail = self._ends()
        try:
            header = (
                _png(head, tail) if head.startswith(_PNG) else _jpeg(head, tail) if head.startswith(_JPEG) else None
            )
        except (struct.error, IndexError):
            raise InputError("the picture is cut short", path=self._path, remedy=_COPY_AGAIN) from None
        if header is None:
            # BMP and WebP say too little in few bytes; WebP ends at 16383 px, BMP at the file's own size.
            pixels = _decode(self._path, self._content())
            name = "BMP" if head.startswith(_BMP) else "WebP"
            header = _Header(name, pixels.shape[1], pixels.shape[0], pixels.shape[2], pixels.dtype.name)
            self._pixels = pixels
        return header

    def _content(self) -> bytes:
        try:
            return self._path.read_bytes()
        except OSError as error:
            raise unreadable(self._path, error) from error

    def _ends(self) -> tuple[bytes, bytes]:
        """The first and the last bytes: enough for what a header says, and whether the file is whole."""
        with self._path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
            file.seek(max(0, self._path.stat().st_size - _TAIL_BYTES))
            return head, file.read(_TAIL_BYTES)

    def _decode(self) -> Array:
        pixels = with_samples(_decode(self._path, self._content()), self.info.samples, self.info.dtype)
        if pixels.shape[:2] != (self.info.height_px, self.info.width_px):
            raise InputError("its size is not what it says", path=self._path, remedy=_COPY_AGAIN)
        return pixels


def _decode(path: Path, data: bytes) -> Array:
    """(h, w, 1 or 3) uint8 or uint16, RGB order."""
    if data.startswith(_PNG) and not _has_all_chunks(data):
        raise InputError("the picture is cut short", path=path, remedy=_COPY_AGAIN)
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise InputError("the picture can't be decoded", path=path, remedy=_COPY_AGAIN) from error
    if pixels is None or pixels.dtype not in (np.uint8, np.uint16):
        raise InputError("the picture can't be decoded", path=path, remedy=_COPY_AGAIN)
    if pixels.ndim == 2:
        return pixels[:, :, None]
    if pixels.shape[2] == 3:  # in its place: another copy of a large picture would take as much memory again
        return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB, dst=pixels)
    return cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGB) if pixels.shape[2] == 4 else pixels[:, :, :1]


def _png(data: bytes, tail: bytes) -> _Header:
    width, height, depth, colour = struct.unpack_from(">IIBB", data, 16)
    if b"IEND" not in tail[-4096:]:
        raise struct.error
    samples = 3 if colour in (2, 3, 6) else 1
    return _Header("PNG", width, height, samples, "uint16" if depth == 16 else "uint8", _png_pixel_size(data))


def _has_all_chunks(data: bytes) -> bool:
    """Whether a PNG's chunks end within it: its decoder makes room for what one says it holds, however much, before it looks."""
    at, kind = len(_PNG), b""
    while kind != b"IEND":
        if at + 12 > len(data):
            return False
        length, kind = struct.unpack_from(">I4s", data, at)
        at += 12 + length
    return at <= len(data)


def _png_pixel_size(data: bytes) -> tuple[float, float] | None:
    at = data.find(b"pHYs", 0, 65536)
    if at < 0:
        return None
    x, y, unit = struct.unpack_from(">IIB", data, at + 4)
    return believable_resolution(1e6 / x, 1e6 / y) if unit == 1 and x and y else None


def _jpeg(data: bytes, tail: bytes) -> _Header:
    """Walks the markers to the start of frame."""
    if b"\xff\xd9" not in tail:
        raise struct.error
    at = 2
    while True:
        marker, length = struct.unpack_from(">HH", data, at)
        if 0xFFC0 <= marker <= 0xFFCF and marker not in (0xFFC4, 0xFFC8, 0xFFCC):
            _, height, width, components = struct.unpack_from(">BHHB", data, at + 4)
            return _Header("JPEG", width, height, 1 if components == 1 else 3, "uint8")
        if marker >> 8 != 0xFF:
            raise struct.error
        at += 1 if marker == 0xFFFF else 2 + length


def _is_picture(path: Path, head: bytes) -> bool:
    return head.startswith((_PNG, _JPEG)) or _is_bmp(head) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


def _is_bmp(head: bytes) -> bool:
    return (
        head.startswith(_BMP) and len(head) > 18 and struct.unpack_from("<I", head, 14)[0] in (12, 40, 52, 56, 108, 124)
    )


SPEC = ReaderSpec(
    id="image",
    name="a picture (PNG, JPEG, BMP, WebP)",
    suffixes=(".png", ".jpg", ".jpeg", ".bmp", ".webp"),
    sniff=_is_picture,
    open=ImageSection,
)
