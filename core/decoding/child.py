"""Decides what a helper process does: it decodes what comes through its pipe or lies in a file, and ends when nobody gives any
more, or when something takes too long: then its program may be gone, and nobody else would end it.

It is expected to crash: nothing of worth is in it. What it prints goes to stderr.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from core.decoding.exchange import fill, receive, send

Array = np.ndarray

_CZI_CACHE_BYTES = 256 << 20
_MOST_PAGES = 64
_GRACE_S = 30.0  # its program has long ended it then (`core.decoding.limits`)


def main() -> int:
    """Serves until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for its program, which may still want its tiles
    reader, writer = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _crash_quietly()
    while (asked := receive(reader)) is not None and _serve(asked, reader, writer):
        pass
    return 0


def _serve(asked: dict[str, Any], reader: BinaryIO, writer: BinaryIO) -> bool:
    """Answers once; False where the other side has gone."""
    data = bytearray(asked["bytes"])
    if not fill(reader, memoryview(data)):
        return False
    faulthandler.dump_traceback_later(asked["wait_s"] + _GRACE_S, exit=True)  # ends native code, too
    said: dict[str, Any]
    plain: memoryview | bytes = b""
    try:
        pixels: Array = np.ascontiguousarray(_TASKS[asked["do"]](data, asked))
    except Exception as error:  # each codec has errors of its own
        said = {"error": (str(error).strip().splitlines() or [type(error).__name__])[0][:200]}
    else:
        said = {"shape": pixels.shape, "dtype": pixels.dtype.str}
        plain = pixels.data.cast("B") if pixels.size else b""
    finally:
        faulthandler.cancel_dump_traceback_later()
    try:
        send(writer, said, plain)
    except OSError:
        return False
    return True


def _jpegxr(data: bytearray, asked: dict[str, Any]) -> Array:
    """`shape`, `dtype`: as promised."""
    import imagecodecs

    out = np.zeros(tuple(asked["shape"]), asked["dtype"])
    found: Array = imagecodecs.jpegxr_decode(data, out=out)
    if found.shape != out.shape:
        raise ValueError(f"not the promised {out.shape[1]} × {out.shape[0]} px")
    return found


def _tiff(data: bytearray, asked: dict[str, Any]) -> Array:
    """A tile or strip, the one of number `index`, of the image whose tags lie at `offset` of the file at `path`."""
    there = Path(asked["path"]).stat()
    decode, options = _tiff_decoder(asked["path"], asked["offset"], (there.st_ino, there.st_size, there.st_mtime_ns))
    segment = decode(bytes(data), asked["index"], **options)[0]
    return np.empty(0, np.uint8) if segment is None else segment


@lru_cache(_MOST_PAGES)
def _tiff_decoder(path: str, offset: int, stamp: tuple[int, ...]) -> tuple[Callable[..., Any], dict[str, Any]]:
    """`stamp`: of the file that is there now; another one may have been saved under its name."""
    import tifffile

    with tifffile.TiffFile(path, _multifile=False) as tiff:
        tiff.filehandle.seek(offset)
        page = tifffile.TiffPage(tiff, index=0)
        return page.decode, {} if page.jpegtables is None else {"jpegtables": page.jpegtables}


@lru_cache(1)
def _libczi(path: str) -> Any:
    from pylibCZIrw.czi import CacheOptions, CacheType, CziReader

    cache = CacheOptions(type=CacheType.Standard, max_memory_usage=_CZI_CACHE_BYTES, max_sub_block_count=100_000)
    return CziReader(path, cache_options=cache)


def _czi(data: bytearray, asked: dict[str, Any]) -> Array:
    """A region (h, w, samples; BGR) of the file at `path`; `region`: what libCZI is asked for, None: to open it."""
    reader, region = _libczi(asked["path"]), asked["region"]
    if region is None:
        return np.empty(0, np.uint8)
    pixels: Array = reader.read(**{**region, "roi": tuple(region["roi"])})
    return pixels


def _h5oina(data: bytearray, asked: dict[str, Any]) -> Array:
    """JSON as bytes: `count` acquisitions of the file at `path`, from `first` on."""
    from core.chemistry.h5oina_file import acquisitions

    return np.frombuffer(json.dumps(acquisitions(asked["path"], asked["first"], asked["count"])).encode(), np.uint8)


_TASKS: dict[str, Callable[[bytearray, dict[str, Any]], Array]] = {
    "jpegxr": _jpegxr, "tiff": _tiff, "czi": _czi, "h5oina": _h5oina,
}  # fmt: skip


def _crash_quietly() -> None:
    """No dialog of the system, and no copy of the memory on the disk."""
    if sys.platform == "win32":
        import ctypes

        ctypes.windll.kernel32.SetErrorMode(0x0001 | 0x0002)  # SEM_FAILCRITICALERRORS, SEM_NOGPFAULTERRORBOX
    else:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
