"""Decides how decoders are fuzzed by themselves: mutated streams into arrays of the right and of the wrong size.

An array lies between two guards, so that a decoder that writes beside it is told even where nothing crashes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from core.errors import InputError
from core.readers.zarr_codecs import check_packed
from core.readers.zarr_packing import Packing
from tests.fuzzing.sections import texture
from tests.fuzzing.subjects import Subject

Array = np.ndarray
Shape = tuple[int, ...]

_GUARD = 1 << 16
_PATTERN = 0xA5


@dataclass(frozen=True)
class _Codec:
    """A pair of functions of imagecodecs. `picture`: it knows its own size; else it fills bytes."""

    name: str
    encode: Callable[..., Any]
    decode: Callable[..., Any]
    picture: bool
    dtypes: tuple[str, ...] = ("uint8",)
    samples: tuple[int, ...] = (1, 3)


class WroteBesideError(Exception):
    """A decoder wrote where nobody had asked it to."""


def _use(codec: _Codec, path: Path) -> None:
    """Into the sizes it was written with, smaller and larger ones, of other types, and without any size."""
    data = path.read_bytes()
    dtype = np.dtype("uint16" if "uint16" in path.stem else "uint8")
    samples = 3 if path.stem.endswith("3") else 1
    sizes: list[tuple[Shape, np.dtype]] = [((40, 48), dtype), ((40, 47), dtype), ((7, 5), dtype), ((300, 211), dtype)]
    sizes.append(((40, 48), np.dtype("uint16" if dtype == np.uint8 else "uint8")))
    trouble: Exception | None = None
    for number, (size, kind) in enumerate(sizes):
        try:
            _decoded_between_guards(codec, data, (*size, samples) if samples == 3 else size, kind)
        except (MemoryError, WroteBesideError):
            raise
        except Exception as error:  # each codec has errors of its own
            trouble = error if number == 0 else trouble
    if trouble is not None:
        raise InputError(f"refused ({type(trouble).__name__})", path=path, remedy="None.")


def _decoded_between_guards(codec: _Codec, data: bytes, shape: Shape, dtype: np.dtype) -> None:
    count = int(np.prod(shape)) * dtype.itemsize
    memory = np.full(_GUARD + count + _GUARD, _PATTERN, np.uint8)
    out = memory[_GUARD : _GUARD + count]
    try:
        codec.decode(data, out=out.view(dtype).reshape(shape) if codec.picture else out)
    finally:
        if (memory[:_GUARD] != _PATTERN).any() or (memory[_GUARD + count :] != _PATTERN).any():
            raise WroteBesideError(f"{codec.name} wrote beside its array of {shape} {dtype}")


def _streams(codec: _Codec, folder: Path) -> list[Path]:
    found = []
    for dtype in codec.dtypes:
        for samples in codec.samples:
            pixels = texture(samples, dtype)
            path = folder / f"{dtype} {samples}.bin"
            path.write_bytes(bytes(codec.encode(pixels if samples == 3 else pixels[:, :, 0])))
            found.append(path)
    return found


def _packed(encode: Callable[..., Any], **options: Any) -> Callable[[Array], bytes]:
    return lambda pixels: encode(pixels.tobytes(), **options)


def _codecs() -> list[_Codec]:
    import imagecodecs as codecs

    both = ("uint8", "uint16")
    return [
        _Codec("jpeg", partial(codecs.jpeg8_encode, level=90), codecs.jpeg8_decode, True),
        _Codec("jpeg-xr", partial(codecs.jpegxr_encode, level=1.0), codecs.jpegxr_decode, True, both),
        _Codec("zstd", _packed(codecs.zstd_encode, level=1), codecs.zstd_decode, False, both),
        _Codec("lzw", _packed(codecs.lzw_encode), codecs.lzw_decode, False, both),
        _Codec("deflate", _packed(codecs.deflate_encode), codecs.deflate_decode, False, both),
        _Codec("jpeg2000", codecs.jpeg2k_encode, codecs.jpeg2k_decode, True, both),
        _Codec("lossless jpeg", codecs.ljpeg_encode, codecs.ljpeg_decode, True, ("uint8", "uint16"), (1,)),
        _Codec("jpeg-xl", codecs.jpegxl_encode, codecs.jpegxl_decode, True, both),
        _Codec("webp", codecs.webp_encode, codecs.webp_decode, True, samples=(3,)),
        _Codec("lerc", codecs.lerc_encode, codecs.lerc_decode, True, both),
        _Codec("packbits", _packed(codecs.packbits_encode), codecs.packbits_decode, False),
        _Codec("lzma", _packed(codecs.lzma_encode), codecs.lzma_decode, False),
    ]


def _use_opencv(path: Path) -> None:
    """As pictures are decoded: by OpenCV, from memory. What says that it is huge is left to whoever asks for it."""
    try:
        pixels = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise InputError(f"refused ({error.code})", path=path, remedy="None.") from None
    if pixels is None:
        raise InputError("refused", path=path, remedy="None.")


def _pictures(suffix: str, folder: Path) -> list[Path]:
    for samples, dtype in ((1, "uint8"), (3, "uint8"), (1, "uint16"), (3, "uint16")):
        if dtype == "uint8" or suffix == ".png":
            cv2.imwrite(str(folder / f"{samples}{dtype}{suffix}"), texture(samples, dtype))
    return sorted(folder.iterdir())


def _use_blosc(path: Path) -> None:
    """As a chunk of a Zarr array: what its header says is checked first."""
    from numcodecs import Blosc

    check_packed(path, Packing("blosc"), texture(3, "uint16").nbytes)
    try:
        Blosc().decode(path.read_bytes())
    except (RuntimeError, ValueError) as error:
        raise InputError(f"refused ({error})", path=path, remedy="None.") from None


def _blosc(folder: Path) -> list[Path]:
    from numcodecs import Blosc

    for name in ("lz4", "zstd", "zlib", "blosclz"):
        for shuffle in (0, 1, 2):
            packed = Blosc(cname=name, shuffle=shuffle).encode(texture(3, "uint16"))
            (folder / f"{name}{shuffle}.bin").write_bytes(packed)
    return sorted(folder.iterdir())


SUBJECTS: tuple[Subject, ...] = (
    *(Subject(f"codec {codec.name}", partial(_streams, codec), partial(_use, codec)) for codec in _codecs()),
    *(
        Subject(f"OpenCV {suffix}", partial(_pictures, suffix), _use_opencv)
        for suffix in (".png", ".jpg", ".bmp", ".webp")
    ),
    Subject("codec blosc", _blosc, _use_blosc),
)
