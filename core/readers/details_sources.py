"""Decides where each format keeps what it says of itself: XML, tags, attributes, text chunks."""

from __future__ import annotations

import os
import struct
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from core.readers.czi_segments import MAGIC as CZI_MAGIC
from core.readers.czi_segments import read_contents, read_xml
from core.readers.details import Budget, Detail, Read, cut, json_file, tree_of
from core.readers.details_xml import xml_tree

_TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_ZARR_FILES = ("zarr.json", ".zattrs", ".zgroup", ".zarray")
_MOST_PAGES = 48
_MOST_VALUES = 16
_MOST_FILES = 200
_LONGEST_TEXT_CHUNK = 1 << 20
_COMPRESSIONS = {0: "none", 1: "JPEG", 2: "LZW", 4: "JPEG-XR", 5: "Zstandard 0", 6: "Zstandard 1"}
_CZI_PIXELS = {0: "Gray8", 1: "Gray16", 2: "Gray32Float", 3: "Bgr24", 4: "Bgr48"}


def sources_of(path: Path) -> list[tuple[str, Read]]:
    """What can be asked of this file, by its content."""
    if path.is_dir():
        return [("Folder", lambda budget: _folder(path, budget))]
    head = _head(path)
    if head.startswith(CZI_MAGIC):
        return [
            ("CZI metadata", lambda budget: [xml_tree("CZI metadata", read_xml(path, read_contents(path)), budget)]),
            ("Tiles", lambda budget: [_czi_tiles(path)]),
        ]
    if head.startswith(_TIFF_MAGIC):
        return [("TIFF", lambda budget: _tiff(path, budget))]
    if head.startswith(_PNG_MAGIC):
        return [("PNG", lambda budget: [_png(path)])]
    return []


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(16)
    except OSError:
        return b""


# -- CZI ---------------------------------------------------------------------------------------------------------------


def _czi_tiles(path: Path) -> Detail:
    tiles = read_contents(path).directory
    full = tiles.is_level0
    kinds = Counter(zip(tiles.pixel_type.tolist(), tiles.compression.tolist(), strict=True))
    rows = [Detail("Stored", f"{len(tiles):,}"), Detail("At full resolution", f"{int(full.sum()):,}")]
    for (pixels, compression), count in kinds.items():
        packed = _COMPRESSIONS.get(compression, f"type {compression}")
        rows.append(Detail(_CZI_PIXELS.get(pixels, f"Pixel type {pixels}"), f"{count:,} tiles, compression {packed}"))
    for name, starts in sorted(tiles.where.items()):
        values = np.unique(starts[full])
        if values.size:
            rows.append(Detail(f"Dimension {name}", f"{values.size:,} ({values[0]} to {values[-1]})"))
    return Detail("Tiles", "", tuple(rows))


# -- TIFF --------------------------------------------------------------------------------------------------------------


def _tiff(path: Path, budget: Budget) -> Sequence[Detail]:
    import tifffile

    with tifffile.TiffFile(path, _multifile=False) as tiff:
        found = [Detail("Kind", ", ".join(sorted(tiff.flags)) or "plain")]
        found += [part for name in _metadata_names(tiff) for part in _tiff_metadata(tiff, name, budget)]
        for index, page in enumerate(tiff.pages):
            if index >= _MOST_PAGES or budget.left <= 0:
                found.append(Detail("More pages", f"{len(tiff.pages) - index:,}"))
                break
            found.append(_page(f"Page {index}", page, budget))
    return found


def _metadata_names(tiff: Any) -> list[str]:
    names = [name for name in dir(type(tiff)) if name.endswith("_metadata") and name != "shaped_metadata"]
    return sorted(names, key=lambda name: name != "ome_metadata")


def _tiff_metadata(tiff: Any, name: str, budget: Budget) -> Sequence[Detail]:
    title = name.removesuffix("_metadata").upper() + " metadata"
    try:
        value = getattr(tiff, name)
    except Exception as error:  # the parsers of other makers' tags are not always ready for damage
        return [Detail(title, f"can't be read ({error})")]
    if not value:
        return []
    if isinstance(value, str) and value.lstrip().startswith("<"):
        return [xml_tree(title, value.encode(), budget)]
    return [tree_of(title, value, budget)]


def _page(name: str, page: Any, budget: Budget) -> Detail:
    if not hasattr(page, "tags"):  # one of many alike
        page = page.aspage()
    rows = []
    for tag in page.tags:
        if not budget.take():
            break
        rows.append(_tag(tag))
    for index, inner in enumerate(page.pages or ()):
        if index < _MOST_PAGES and budget.left > 0:
            rows.append(_page(f"Inner page {index}", inner, budget))
    return Detail(name, f"{' × '.join(str(n) for n in page.shape)} {page.dtype}", tuple(rows))


def _tag(tag: Any) -> Detail:
    is_text = tag.dtype is not None and int(tag.dtype) in (2, 7)
    if tag.count > _MOST_VALUES and not is_text:
        return Detail(str(tag.name), f"{tag.count:,} values")
    try:
        value = tag.value
    except Exception as error:  # a tag may point anywhere
        return Detail(str(tag.name), f"can't be read ({error})")
    if isinstance(value, bytes):
        return Detail(str(tag.name), f"{len(value):,} bytes")
    return Detail(str(tag.name), cut(value.name if hasattr(value, "name") else value))


# -- OME-Zarr and folders ----------------------------------------------------------------------------------------------


def _folder(path: Path, budget: Budget) -> Sequence[Detail]:
    """The attributes of groups and arrays, without looking into the folders of chunks."""
    found: list[Detail] = []
    for folder, folders, files in os.walk(path):
        budget.take()
        here = Path(folder)
        texts = [name for name in _ZARR_FILES if name in files]
        for name in texts:
            inner = here.relative_to(path) / name
            try:
                found.append(Detail(str(inner), "", json_file(here / name, budget).children))
            except (OSError, ValueError) as error:
                found.append(Detail(str(inner), f"can't be read ({error})"))
        if here == path and not texts:
            return _pictures(files, path, budget)
        is_array = ".zarray" in texts or ("zarr.json" in texts and "c" in folders)
        folders[:] = [] if is_array or len(found) >= _MOST_FILES else sorted(folders)
    return found


def _pictures(files: Sequence[str], path: Path, budget: Budget) -> Sequence[Detail]:
    """A folder of camera tiles: how many there are of each kind, and what the first says of itself."""
    kinds = Counter(Path(name).suffix.lower() or "without ending" for name in files)
    found = [Detail("Files", f"{len(files):,}", tuple(Detail(kind, f"{n:,}") for kind, n in sorted(kinds.items())))]
    for name in sorted(files):
        told = [part for _, read in sources_of(path / name) for part in read(budget)]
        if told:
            return [*found, Detail(name, "the first of them", tuple(told))]
    return found


# -- PNG ---------------------------------------------------------------------------------------------------------------


def _png(path: Path) -> Detail:
    """Its text chunks and its resolution."""
    rows = []
    with path.open("rb") as file:
        file.seek(len(_PNG_MAGIC))
        while (chunk := _png_chunk(file)) is not None:
            kind, data = chunk
            if kind == b"pHYs" and len(data) == 9:
                x, y, unit = struct.unpack(">IIB", data)
                rows.append(Detail("Resolution", f"{x} × {y} px per {'metre' if unit else 'unit'}"))
            elif kind in (b"tEXt", b"zTXt", b"iTXt"):
                rows.append(_png_text(kind, data))
    return Detail("PNG", "", tuple(rows))


def _png_chunk(file: BinaryIO) -> tuple[bytes, bytes] | None:
    head = file.read(8)
    if len(head) < 8 or head[4:] == b"IEND":
        return None
    length = int.from_bytes(head[:4], "big")
    wanted = head[4:] in (b"pHYs", b"tEXt", b"zTXt", b"iTXt") and length <= _LONGEST_TEXT_CHUNK
    data = file.read(length) if wanted else b""
    file.seek(length - len(data) + 4, 1)
    return head[4:], data


def _png_text(kind: bytes, data: bytes) -> Detail:
    name, _, rest = data.partition(b"\0")
    if kind == b"zTXt":
        rest = zlib.decompressobj().decompress(rest[1:], _LONGEST_TEXT_CHUNK)
    elif kind == b"iTXt" and len(rest) > 2:
        packed, rest = rest[0], rest[2:].split(b"\0", 2)[-1]
        rest = zlib.decompressobj().decompress(rest, _LONGEST_TEXT_CHUNK) if packed else rest
    encoding = "utf-8" if kind == b"iTXt" else "latin-1"
    return Detail(name.decode("latin-1"), cut(rest.decode(encoding, "replace")))
