"""Decides whether two files hold the same content, quickly: by size and samples, not by name, place or time."""

from __future__ import annotations

import hashlib
from pathlib import Path
from stat import S_ISREG

from core.errors import InputError
from core.readers.tile_folder_positions import pictures_in, table_of_places

_SAMPLES = 16
_BLOCK = 64 << 10
_METADATA_NAMES = {"zarr.json", ".zgroup", ".zarray", ".zattrs", ".zmetadata"}
_METADATA_DEPTH = 3


def fingerprint(path: Path) -> str:
    """32 hex digits that stay while the content stays. Reads about 1 MB of a file, however large.

    Of a folder, its metadata files (OME-Zarr) down to three levels count, and samples of its other files; all with their
    places. Of camera tiles, the names of all pictures and the table of places count too: they say where tiles lie. What
    else lies there doesn't count: notes, and what file managers leave behind. Raises InputError.
    """
    digest = hashlib.blake2b(digest_size=16)
    try:
        if path.is_dir():
            _add_folder(digest, path)
        else:
            _add_file(digest, path)
    except OSError as error:
        raise InputError(
            f"it can't be read ({error.strerror or error})", path=path, remedy="Check the name and the drive."
        ) from None
    return digest.hexdigest()


def version_of(path: Path) -> tuple[int, int] | None:
    """What changes at once when a file is written to or replaced; None of a folder, and where there is no such file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size) if S_ISREG(found.st_mode) else None


def _add_file(digest: hashlib.blake2b, path: Path) -> None:
    with path.open("rb", buffering=0) as file:
        size = file.seek(0, 2)
        digest.update(f"{size}\n".encode())
        last = max(0, size - _BLOCK)
        for place in sorted({last * k // (_SAMPLES - 1) for k in range(_SAMPLES)}):
            file.seek(place)
            digest.update(file.read(_BLOCK))


def _add_folder(digest: hashlib.blake2b, folder: Path) -> None:
    found = []
    for depth in range(_METADATA_DEPTH):
        pattern = "*/" * depth + "*"
        found += [file for file in folder.glob(pattern) if file.name in _METADATA_NAMES]
    for file in sorted(found):
        digest.update(f"{file.relative_to(folder).as_posix()}\n".encode())
        _add_file(digest, file)
    for file in _spread_files(folder, _SAMPLES) if found else _add_tiles(digest, folder):
        digest.update(f"{file.relative_to(folder).as_posix()} {file.stat().st_size}\n".encode())
        with file.open("rb", buffering=0) as chunk:
            digest.update(chunk.read(_BLOCK))


def _add_tiles(digest: hashlib.blake2b, folder: Path) -> list[Path]:
    """Adds what says where camera tiles lie; gives some of them, spread evenly."""
    pictures, table = pictures_in(folder), table_of_places(folder)
    for file in pictures:
        digest.update(f"{file.name}\n".encode())
    if table is not None:
        digest.update(table.read_bytes())
    most = min(_SAMPLES, len(pictures))
    return [pictures[i * len(pictures) // most] for i in range(most)]


def _spread_files(folder: Path, most: int) -> list[Path]:
    """At most `most` files that are no metadata, spread evenly over the folders below `folder`, in a fixed order."""
    entries = sorted(e for e in folder.iterdir() if e.name not in _METADATA_NAMES and not e.name.startswith("."))
    chosen = [entries[i * len(entries) // most] for i in range(most)] if len(entries) > most else entries
    found = []
    for entry in chosen:
        found += _spread_files(entry, max(1, most // len(chosen))) if entry.is_dir() else [entry]
    return found
