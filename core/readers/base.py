"""Decides what a reader is, and which one opens a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import core.readers
from core.discovery import find_specs, own_specs, specs_named
from core.errors import InputError
from core.section import Section


@dataclass(frozen=True, slots=True)
class ReaderSpec:
    """A file format. `suffixes` are lower case with the dot. `sniff` sees the first bytes of a file (none for a
    folder) and tells whether they are of this format, whatever the file is called. `open` does the work."""

    id: str
    name: str
    suffixes: tuple[str, ...]
    sniff: Callable[[Path, bytes], bool]
    open: Callable[[Path], Section]


@cache
def readers() -> tuple[ReaderSpec, ...]:
    """Every reader there is."""
    return tuple(find_specs(core.readers, "schliff.readers"))


@cache
def _own_readers() -> tuple[ReaderSpec, ...]:
    return tuple(own_specs(core.readers))


def _reader_of(path: Path, head: bytes) -> ReaderSpec | None:
    """The reader that knows the content: the one named like the file first, then Schliff's own, so that what isn't needed
    isn't loaded."""
    for among in (partial(specs_named, core.readers, path.suffix[1:].lower()), _own_readers, readers):
        for reader in among():
            if reader.sniff(path, head):
                return reader
    return None


def known_suffixes() -> tuple[str, ...]:
    return tuple(sorted({suffix for reader in readers() for suffix in reader.suffixes}))


def open_section(path: str | Path) -> Section:
    """Opens a section of any known format, chosen by content, not by name.

    Raises InputError (missing, no permission, empty, unknown or corrupt), naming the file and the remedy.
    """
    path = Path(path)
    head = _head(path)
    reader = _reader_of(path, head)
    if reader is not None:
        return reader.open(path)
    suffix = path.name.lower()
    claimed = next((r for r in readers() if suffix.endswith(r.suffixes)), None)
    if claimed is not None:
        raise InputError(
            f"its content is not {claimed.name}",
            path=path,
            remedy="Copy or export it again from the microscope's software.",
        )
    what = "there is no section in this folder" if path.is_dir() else "this kind of file is not known"
    raise InputError(what, path=path, remedy="Schliff opens " + ", ".join(known_suffixes()) + ".")


def unreadable(path: Path, error: OSError) -> InputError:
    """What is said where the system can't give a file's bytes: the drive is gone, or failing."""
    return InputError(
        f"it can't be read ({error.strerror or error})", path=path, remedy="Check the drive or the network."
    )


def _head(path: Path) -> bytes:
    try:
        if path.is_dir():
            next(path.iterdir(), None)  # may it be read?
            return b""
        with path.open("rb") as file:
            head = file.read(4096)
    except FileNotFoundError:
        raise InputError(
            "there is no such file", path=path, remedy="Check the name, or whether the drive is connected."
        ) from None
    except PermissionError:
        raise InputError(
            "no permission to read it", path=path, remedy="Ask its owner, or copy it to a folder of yours."
        ) from None
    except OSError as error:
        raise unreadable(path, error) from None
    if not head:
        raise InputError("the file is empty", path=path, remedy="Copy it again; the transfer may have failed.")
    return head
