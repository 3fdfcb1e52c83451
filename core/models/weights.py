"""Decides how a model folder is written and how its weights are believed: safetensors only, every tensor expected.

What the card says is for `core.models.card`. A weights file comes from anywhere: sizes are bounded, its hash must be
the card's, names and shapes must be the network's, values finite. Nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike
from safetensors import SafetensorError
from safetensors.numpy import load as parse_tensors
from safetensors.numpy import save as dump_tensors

from core.disk import take_place
from core.errors import InputError, ResourceError
from core.models.card import CARD_NAME, MAX_CARD_BYTES, WEIGHTS_NAME, check_card

Array = np.ndarray

MAX_WEIGHTS_BYTES = 1 << 30
MAX_HEADER_BYTES = 1 << 20
_BYTES_PER_VALUE = {"F16": 2, "F32": 4, "F64": 8}
_REMEDY = "Don't use it. Get the model folder again from whoever trained it."


def load_weights(
    folder: Path, card: Mapping[str, Any], expected: Mapping[str, tuple[int, ...]], dtype: DTypeLike = np.float32
) -> dict[str, Array]:
    """The tensors of a model folder as `dtype`, exactly those in `expected` (name → shape).

    Raises InputError when the file is missing, too large, not safetensors, not the one the card was written with,
    or holds other tensors than the network needs.
    """
    path = folder / WEIGHTS_NAME
    _refuse_link_outside(path, folder)
    content = _read_bounded(path)
    declared = read_header(content, path)
    if hashlib.blake2b(content, digest_size=16).hexdigest() != card["weights"]["blake2b"]:
        raise InputError(f"the weights are not those that {CARD_NAME} belongs to", path=path, remedy=_REMEDY)
    _compare(declared, expected, path)
    try:
        tensors = parse_tensors(content)
    except SafetensorError as error:
        raise InputError(f"it is not a safetensors file ({error})", path=path, remedy=_REMEDY) from None
    for name, values in tensors.items():
        if not np.isfinite(values).all():
            raise InputError(f"tensor {name!r} holds values that are not numbers", path=path, remedy=_REMEDY)
    return {name: values.astype(dtype) for name, values in tensors.items()}


def read_header(content: bytes, path: Path) -> dict[str, tuple[int, ...]]:
    """Name → shape of each tensor a safetensors file declares, checked against the file's own size.

    Raises InputError for other kinds of file (pickles above all) and for headers that don't add up.
    """
    if content[:2] in (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"):
        raise InputError("this is a pickle (a program), not safetensors", path=path, remedy=_REMEDY)
    length = struct.unpack("<Q", content[:8])[0] if len(content) >= 8 else 0
    if not 2 <= length <= min(MAX_HEADER_BYTES, len(content) - 8):
        raise InputError("it is not a safetensors file (its header's length is wrong)", path=path, remedy=_REMEDY)
    try:
        header = json.loads(content[8 : 8 + length].decode("utf-8"))
        header.pop("__metadata__", None)
        return {name: _declared_shape(entry, len(content) - 8 - length) for name, entry in header.items()}
    except (ValueError, RecursionError, AttributeError, KeyError, TypeError):
        raise InputError("it is not a safetensors file (its header is broken)", path=path, remedy=_REMEDY) from None


def save_model(
    folder: Path, card: Mapping[str, Any], tensors: Mapping[str, Array], dtype: DTypeLike = np.float16
) -> dict[str, Any]:
    """Writes a model folder (tensors as `dtype`) and returns the card as written, with the hash of the weights.

    Each file is written under a temporary name and then renamed, the card last, so that a folder with a card is
    whole. Raises ResourceError when the disk refuses.
    """
    content = dump_tensors({name: np.ascontiguousarray(values, dtype) for name, values in tensors.items()})
    whole = {**card, "weights": {"blake2b": hashlib.blake2b(content, digest_size=16).hexdigest()}}
    check_card(whole)
    text = json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n"
    if len(text) > MAX_CARD_BYTES:
        raise ValueError("the card is too large to be read again")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _replace(folder / WEIGHTS_NAME, content)
        _replace(folder / CARD_NAME, text)
    except OSError as error:
        raise ResourceError(
            f"the model can't be written ({error.strerror or error})", path=folder, remedy="Choose another folder."
        ) from None
    return whole


def _declared_shape(entry: Mapping[str, Any], data_bytes: int) -> tuple[int, ...]:
    """The shape of one header entry. Raises ValueError when type, shape and place contradict each other."""
    shape, (start, stop) = tuple(entry["shape"]), entry["data_offsets"]
    if not all(type(n) is int and n >= 0 for n in (*shape, start, stop)) or len(shape) > 8:
        raise ValueError("shape")
    size = _BYTES_PER_VALUE[entry["dtype"]]
    for n in shape:
        size *= n
    if stop - start != size or stop > data_bytes:
        raise ValueError("offsets")
    return shape


def _compare(declared: Mapping[str, tuple[int, ...]], expected: Mapping[str, tuple[int, ...]], path: Path) -> None:
    for name in sorted(declared.keys() ^ expected.keys()):
        which = "is not part of" if name in declared else "is missing for"
        raise InputError(f"tensor {name[:100]!r} {which} the network in {CARD_NAME}", path=path, remedy=_REMEDY)
    for name, shape in expected.items():
        if declared[name] != shape:
            raise InputError(f"tensor {name!r} is {declared[name]}, not {shape}", path=path, remedy=_REMEDY)


def _refuse_link_outside(path: Path, folder: Path) -> None:
    try:
        is_inside = path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):  # links in a circle
        is_inside = False
    if not is_inside:
        raise InputError("it is a link to a file outside the model folder", path=path, remedy=_REMEDY)


def _read_bounded(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > MAX_WEIGHTS_BYTES:
                raise InputError(f"weights of {size >> 20} MB are too large", path=path, remedy=_REMEDY)
            return file.read(MAX_WEIGHTS_BYTES)
    except FileNotFoundError:
        raise InputError("the model's weights are missing", path=path, remedy=_REMEDY) from None
    except OSError as error:
        raise InputError(f"can't be read ({error.strerror or error})", path=path, remedy=_REMEDY) from None


def _replace(path: Path, content: bytes) -> None:
    """Writes beside, flushes to the disk, renames."""
    handle, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(beside).chmod(0o644)
        take_place(Path(beside), path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
