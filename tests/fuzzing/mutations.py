"""Decides how a sound file is damaged: bytes, numbers that look like sizes and offsets, texts, and whole folders.

Everything follows from a `random.Random`, so that a number names a file for ever.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import struct
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

_SIZES = (0, 1, -1, 2, 255, 256, 0x7FFF, 0xFFFF, 1 << 20, 1 << 24, (1 << 31) - 1, -(1 << 31), 1 << 30, (1 << 63) - 1)
_NUMBERS = (
    "0", "-0", "-1", "1", "1e308", "1e999", "-1e400", "nan", "inf", "2147483647", "2147483648", "9223372036854775807",
    "18446744073709551616", "1" * 400, "9" * 5000, "0x10", "1,5", "1e-320", "-9223372036854775809", "1_000", "٣", "true",
)  # fmt: skip
_WORDS = (
    "", "../../../../etc/passwd", "/etc/passwd", "C:\\Windows\\win.ini", "\\\\host\\share\\x", "a\0b", "x" * 70_000,
    "=cmd|' /C calc'!A0", "%s%n%d", "&bomb;", "<!ENTITY", "]]>", "{}", "[]", "null", "\u202e\ufeff", "é" * 300, "\n\r\n",
    ".", "..", "CON", "a" * 300 + ".png", "file:///dev/zero", "/dev/zero", "/dev/stdin", "🧨",
)  # fmt: skip
_ENCODINGS = ("utf-16", "utf-32", "latin-1", "utf-8-sig", "utf-7", "cp037")
_TOKEN = re.compile(rb"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|[A-Za-z_]{2,}|\"[^\"\n]*\"|>[^<>\n]+<")
XML_BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE z [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%s">' % (c + 1, b"&%c;" % c * 12) for c in range(97, 107))
    + b"]>"
)
_OUTSIDE = b'<?xml version="1.0"?><!DOCTYPE z [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
_PNG_CHUNKS = (
    b"PLTE", b"tRNS", b"acTL", b"fcTL", b"fdAT", b"iCCP", b"gAMA", b"sBIT", b"pHYs", b"tEXt", b"zTXt", b"eXIf",
)  # fmt: skip
_LARGEST = 4 << 20  # a line that is repeated a thousand times, again and again, would fill the memory
_TEXTS = (".json", ".csv", ".txt", ".xml", ".yaml", ".zattrs", ".zarray", ".zgroup", ".tsv")


def mutated(data: bytes, rng: random.Random, name: str = "") -> bytes:
    """Other bytes than `data`, mostly near to them; `name` tells what kind of file they are."""
    is_text = name.lower().endswith(_TEXTS)
    if name.lower().endswith((".json", ".zattrs", ".zarray")) and rng.random() < 0.5:
        data = _json_changed(data, rng)
    elif name.lower().endswith(".png") and rng.random() < 0.5:
        data = _png_changed(data, rng)
    elif is_text or rng.random() < 0.1:
        for _ in range(_few(rng)):
            data = rng.choice(_TEXT_CHANGES)(data, rng)[:_LARGEST]
    else:
        for _ in range(_few(rng)):
            data = rng.choice(_CHANGES)(data, rng)
    if name.lower().endswith(".png") and rng.random() < 0.7:
        data = _with_checksums(data)
    return data


def mutate(path: Path, rng: random.Random) -> None:
    """Damages a file, or something in a folder, in place."""
    if path.is_dir():
        mutate_folder(path, rng)
    else:
        path.write_bytes(mutated(path.read_bytes(), rng, path.name))


def mutate_folder(folder: Path, rng: random.Random) -> None:
    """Changes a folder in place: one or two of its files, or which files are there."""
    for _ in range(1 if rng.random() < 0.7 else 2):
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        if not files:
            return
        heads = [path for path in files if path.suffix.lower() in _TEXTS or path.name in _TEXTS]
        path = rng.choice(heads if heads and rng.random() < 0.6 else files)
        if rng.random() < 0.85:
            path.write_bytes(mutated(path.read_bytes(), rng, path.name))
        else:
            rng.choice(_TRICKS)(path, files, rng)


def _few(rng: random.Random) -> int:
    return rng.choice((1, 1, 1, 2, 3, 8))


# -- bytes -------------------------------------------------------------------------------------------------------------


def _flip(data: bytes, rng: random.Random) -> bytes:
    out = bytearray(data or b"\0")
    reach = len(out) if rng.random() < 0.5 else min(len(out), 512)
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        out[rng.randrange(reach)] ^= 1 << rng.randrange(8)
    return bytes(out)


def _cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _spliced(data: bytes, rng: random.Random) -> bytes:
    """A stretch of it somewhere else in it: over what is there, or between."""
    if not data:
        return data
    start, at = rng.randrange(len(data)), rng.randrange(len(data))
    piece = data[start : start + rng.choice((1, 4, 16, 64, 512, 4096))]
    return data[:at] + piece + data[at + (len(piece) if rng.random() < 0.6 else 0) :]


def _left_out(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + data[at + rng.choice((1, 2, 4, 32, 1024)) :]


def _overwritten(data: bytes, rng: random.Random) -> bytes:
    at, count = rng.randrange(len(data) + 1), rng.choice((1, 8, 64, 1024))
    piece = rng.choice((bytes(count), b"\xff" * count, rng.randbytes(count)))
    return data[:at] + piece + data[at + count :]


def _extreme(data: bytes, rng: random.Random) -> bytes:
    """Some number of the file becomes an extreme one, or nearly what it was: sizes, offsets, counts and dimensions."""
    at, kind, value = _field(data, rng)
    if kind is None:
        return data
    bits = 8 * struct.calcsize(kind)
    new = rng.choice((*_SIZES, value + 1, value - 1, value * 2, value * 256, value ^ 0x80, len(data), len(data) - 1))
    out = bytearray(data)
    struct.pack_into(kind, out, at, new & ((1 << bits) - 1))
    return bytes(out)


def _swapped(data: bytes, rng: random.Random) -> bytes:
    one, kind, a = _field(data, rng)
    other, kind_b, b = _field(data, rng)
    if kind is None or kind_b is None or max(one, other) + struct.calcsize(kind) > len(data):
        return data
    out = bytearray(data)
    bits = 8 * struct.calcsize(kind)
    struct.pack_into(kind, out, one, b & ((1 << bits) - 1))
    struct.pack_into(kind, out, other, a & ((1 << bits) - 1))
    return bytes(out)


def _field(data: bytes, rng: random.Random) -> tuple[int, str | None, int]:
    """Where a number lies that may be a size or an offset: not 0, and no larger than the file. None where none is seen."""
    for _ in range(200):
        kind = rng.choice(("<I", "<I", ">I", "<Q", ">Q", "<H", ">H", "<I"))
        size = struct.calcsize(kind)
        reach = len(data) - size
        if reach < 1:
            break
        at = rng.randrange(reach if rng.random() < 0.4 else min(reach, 1024))
        at -= at % rng.choice((1, 2, 4))
        value = struct.unpack_from(kind, data, at)[0]
        if 0 < value <= max(len(data), 4096):
            return at, kind, value
    return 0, None, 0


_CHANGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _flip, _flip, _cut, _spliced, _left_out, _overwritten, _extreme, _extreme, _extreme, _extreme, _swapped,
)  # fmt: skip


def _png_changed(data: bytes, rng: random.Random) -> bytes:
    """A PNG whose stream is sound, and what is packed in it, its header or the order of its chunks isn't."""
    chunks: list[tuple[bytes, bytes]] = []
    at = 8
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    try:
        rows = zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"))
    except zlib.error:  # it was damaged before
        return data
    others = [chunk for chunk in chunks if chunk[0] != b"IDAT"]
    (head, *rest), kind = others or [(b"IHDR", b"")], rng.randrange(4)
    if kind == 0:
        head = (head[0], rng.choice((_extreme, _flip, _overwritten, _cut))(head[1], rng))
    elif kind == 1:
        rest.insert(0, (rng.choice(_PNG_CHUNKS), rng.randbytes(rng.choice((0, 1, 3, 6, 8, 26, 768)))))
    else:
        for _ in range(_few(rng)):
            rows = rng.choice((_flip, _overwritten, _spliced, _left_out, _cut))(rows, rng)
    parts = [head, *rest[:-1], (b"IDAT", zlib.compress(rows, 1)), *rest[-1:]]
    return data[:8] + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )


def _with_checksums(data: bytes) -> bytes:
    """A PNG whose chunks vouch for themselves again, so that what they hold is believed."""
    out, at = bytearray(data), 8
    while at + 12 <= len(out):
        (length,) = struct.unpack_from(">I", out, at)
        if at + 12 + length > len(out):
            break
        struct.pack_into(">I", out, at + 8 + length, zlib.crc32(out[at + 4 : at + 8 + length]))
        at += 12 + length
    return bytes(out)


# -- text --------------------------------------------------------------------------------------------------------------


def _token_changed(data: bytes, rng: random.Random) -> bytes:
    found = list(_TOKEN.finditer(data))
    if not found:
        return data
    one = rng.choice(found)
    old = one.group()
    if old[:1].isdigit() or old[:1] in b"+-":
        new = rng.choice(_NUMBERS if rng.random() < 0.8 else _WORDS).encode("utf-8", "surrogatepass")
    elif old[:1] in b'">':
        inside = rng.choice(_WORDS + _NUMBERS).encode("utf-8", "surrogatepass")
        new = old[:1] + inside + old[-1:]
    else:
        new = rng.choice((rng.choice(found).group(), rng.choice(_WORDS).encode("utf-8", "surrogatepass")))
    return data[: one.start()] + new + data[one.end() :]


def _tokens_swapped(data: bytes, rng: random.Random) -> bytes:
    found = list(_TOKEN.finditer(data))
    if len(found) < 2:
        return data
    a, b = sorted(rng.sample(found, 2), key=lambda one: one.start())
    return data[: a.start()] + b.group() + data[a.end() : b.start()] + a.group() + data[b.end() :]


def _line_changed(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\n")
    at = rng.randrange(len(lines))
    kind = rng.randrange(4)
    if kind == 0:
        del lines[at]
    elif kind == 1:
        lines[at:at] = [lines[at]] * rng.choice((1, 2, 5000 if len(lines[at]) < 1000 else 3))
    elif kind == 2:
        other = rng.randrange(len(lines))
        lines[at], lines[other] = lines[other], lines[at]
    else:
        lines[at] = lines[at] * rng.choice((2, 100))
    return b"\n".join(lines)


def _recoded(data: bytes, rng: random.Random) -> bytes:
    return data.decode("utf-8", "replace").encode(rng.choice(_ENCODINGS), "replace")


def _nested(data: bytes, rng: random.Random) -> bytes:
    """Thousands of brackets or elements within each other, somewhere or around all."""
    count = rng.choice((50, 1000, 100_000))
    left, right = rng.choice(((b"[", b"]"), (b'{"a":', b"}"), (b"<a>", b"</a>"), (b'"', b'"')))
    at = rng.randrange(len(data) + 1)
    end = rng.choice((at, len(data)))
    return data[:at] + left * count + data[at:end] + right * count + data[end:]


def _declared(data: bytes, rng: random.Random) -> bytes:
    """XML with entities: bombs, and other files."""
    entity = rng.choice(((XML_BOMB, b"&k;"), (_OUTSIDE, b"&x;")))
    body = re.sub(rb"^<\?xml[^>]*\?>", b"", data)
    return entity[0] + body.replace(b"</", entity[1] + b"</", 1)


_TEXT_CHANGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _token_changed, _token_changed, _token_changed, _token_changed, _tokens_swapped, _line_changed, _recoded, _nested,
    _declared, _flip, _cut, _left_out,
)  # fmt: skip


def _json_changed(data: bytes, rng: random.Random) -> bytes:
    """One value anywhere in it becomes another one, goes, or changes places."""
    try:
        whole = json.loads(data)
    except ValueError:
        return _token_changed(data, rng)
    places = list(_places(whole))
    if not places:
        return data
    holder, key = rng.choice(places)
    kind = rng.randrange(5)
    if kind == 0 and isinstance(holder, dict):
        del holder[key]
    elif kind == 1 and isinstance(holder, list):
        holder[key:key] = [holder[key]] * rng.choice((1, 3, 3000))
    elif kind == 2:
        other, there = rng.choice(places)
        if key in range(len(holder)) if isinstance(holder, list) else key in holder:
            holder[key] = json.loads(json.dumps(other[there]))
    else:
        holder[key] = rng.choice((
            0, -1, 1, 2**31 - 1, 2**31, 2**63 - 1, 2**64, -(2**63), 10**400, 1e308, 0.5, None, True, [], {}, "", [0], [[]],
            [1, 2, 3], {"a": 1}, 5e-324, *_WORDS,
        ))  # fmt: skip
    return json.dumps(whole, indent=1 if rng.random() < 0.5 else None, ensure_ascii=rng.random() < 0.5).encode(
        "utf-8", "replace"
    )


def _places(value: Any) -> Sequence[tuple[Any, Any]]:
    items = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    return [(value, key) for key, _ in items] + [place for _, item in items for place in _places(item)]


# -- folders -----------------------------------------------------------------------------------------------------------


def _gone(path: Path, files: Sequence[Path], rng: random.Random) -> None:
    path.unlink()


def _emptied(path: Path, files: Sequence[Path], rng: random.Random) -> None:
    path.write_bytes(b"")


def _made_folder(path: Path, files: Sequence[Path], rng: random.Random) -> None:
    path.unlink()
    path.mkdir()


def _made_link(path: Path, files: Sequence[Path], rng: random.Random) -> None:
    path.unlink()
    path.symlink_to(rng.choice(("/etc/passwd", "/nowhere", "..", str(path), "/dev/null")))


def _swapped_files(path: Path, files: Sequence[Path], rng: random.Random) -> None:
    other = rng.choice(files)
    a, b = path.read_bytes(), other.read_bytes()
    path.write_bytes(b)
    other.write_bytes(a)


def _moved(path: Path, files: Sequence[Path], rng: random.Random) -> None:
    path.rename(
        path.with_name(rng.choice((path.name + ".bak", "x" * 200, path.stem, "é\u202e.png", path.name.upper())))
    )


def _copied(path: Path, files: Sequence[Path], rng: random.Random) -> None:
    shutil.copyfile(path, path.with_name(f"{path.stem}_copy{path.suffix}"))


_TRICKS: tuple[Callable[[Path, Sequence[Path], random.Random], None], ...] = (
    _gone, _emptied, _made_folder, _made_link, _swapped_files, _moved, _copied,
)  # fmt: skip
