"""Decides how the files of a data set are found and read: within its folder, within bounds, errors with their line."""

from __future__ import annotations

import json
import math
import os
import re
from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Literal
from xml.etree.ElementTree import Element

from core.data.image_set import IMAGE_SUFFIXES
from core.errors import InputError

PICTURE_SUFFIXES = IMAGE_SUFFIXES | {".czi"}
MAX_FILES = 1_000_000
MAX_BYTES = 512 << 20
# No picture is larger, and sums of such numbers stay exact.
_LARGEST_NUMBER = 1e7
_REMEDY = "Export it again, or correct it by hand."

Side = Literal["training", "validation", "test"]
_SIDES: dict[str, Side] = {
    "val": "validation", "valid": "validation", "validation": "validation", "test": "test", "testing": "test",
}  # fmt: skip


class DataFolder:
    """All picture files below a folder, by name. Raises InputError where the folder can't be read."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def pictures(self) -> list[Path]:
        return files_below(self.root, PICTURE_SUFFIXES)

    @cached_property
    def _by_name(self) -> dict[str, list[Path]]:
        return _filed((path.name, path) for path in self.pictures)

    @cached_property
    def _by_stem(self) -> dict[str, list[Path]]:
        return _filed((path.stem, path) for path in self.pictures)

    def find(self, name: str, told_by: Path) -> Path | None:
        """The picture that a file of the set calls `name`: beside that file, below the folder, else by its last parts.

        Raises InputError for a name that leads out of the folder. None where there is no such picture.
        """
        parts = safe_parts(name, told_by)
        for base in (told_by.parent, self.root):
            if (path := base.joinpath(*parts)).is_file():
                return path
        return self._best(self._by_name.get(parts[-1], []), parts, told_by)

    def of_stem(self, stem: str, told_by: Path) -> Path | None:
        """The picture called `stem`, whatever its suffix."""
        return self._best(self._by_stem.get(stem, []), (), told_by)

    def _best(self, among: Iterable[Path], parts: tuple[str, ...], told_by: Path) -> Path | None:
        """Of pictures of one name the one whose path ends most like `parts`, on the same side of a split."""
        side = self.side(told_by)
        return max(
            among,
            key=lambda path: (_common_tail(path.parts, parts), self.side(path) == side, -len(path.parts)),
            default=None,
        )

    def side(self, file: Path) -> Side:
        """Which side of a split a file lies on, by the names of the folders it is in."""
        return next((side for part in file.relative_to(self.root).parts[:-1] if (side := side_of(part))), "training")


def files_below(folder: Path, suffixes: frozenset[str]) -> list[Path]:
    """Every file with one of these suffixes in a folder and the folders in it, sorted; hidden ones don't count."""
    found: list[Path] = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += (Path(place, name) for name in names if _suffix(name) in suffixes and not name.startswith("."))
        if len(found) > MAX_FILES:
            raise InputError(f"more than {MAX_FILES:,} files", path=folder, remedy="Split the set.")
    return sorted(found)


def side_of(name: str) -> Side | None:
    """Whether a file or folder is called after a side of a split: "valid", "instances_val2017", "Validation_Images"."""
    words = re.split(r"[^a-z]+", name.lower())
    return next((_SIDES[word] for word in words if word in _SIDES), None)


def safe_parts(name: str, told_by: Path) -> tuple[str, ...]:
    """The parts of a relative path written on any system. Raises InputError for one that leads elsewhere."""
    plain = name.strip().replace("\\", "/")
    parts: list[str] = []
    for part in PurePosixPath(plain).parts:
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    if not parts or "\0" in plain or parts[0] in ("..", "/") or PureWindowsPath(plain).drive:
        raise InputError(
            f"it names {name!r}, which does not lie within this folder", path=told_by,
            remedy="Write file names relative to it.",
        )  # fmt: skip
    return tuple(parts)


def read_text(path: Path, limit: int = MAX_BYTES) -> str:
    """Raises InputError for what can't be read, is no text, or is absurdly large."""
    try:
        if path.stat().st_size > limit:
            raise InputError(f"more than {limit >> 20} MB", path=path, remedy="Split the set.")
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise InputError(f"can't be read ({error.strerror or error})", path=path, remedy="Check the file.") from None
    except UnicodeDecodeError:
        raise InputError("it is no text file in UTF-8", path=path, remedy=_REMEDY) from None


def read_json(path: Path) -> Any:
    """Raises InputError naming the line."""
    try:
        return json.loads(read_text(path), parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise InputError(f"line {error.lineno}: it is broken JSON ({error.msg})", path=path, remedy=_REMEDY) from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"it is no JSON of a data set ({error})", path=path, remedy=_REMEDY) from None


def read_xml(path: Path) -> Element:
    """Raises InputError naming the line; entities are refused."""
    from xml.etree.ElementTree import ParseError

    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        return fromstring(read_text(path, 16 << 20), forbid_dtd=True)
    except ParseError as error:
        raise InputError(f"line {error.position[0]}: it is broken XML", path=path, remedy=_REMEDY) from None
    except (DefusedXmlException, ValueError, LookupError):
        raise InputError("it declares entities, which are not read", path=path, remedy=_REMEDY) from None


def number(value: Any, what: str) -> float:
    """A finite number of believable size. Raises ValueError saying `what` it was."""
    try:
        if isinstance(value, bool):
            raise ValueError
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{what} is {str(value)[:40]!r}, not a number") from None
    if not math.isfinite(found) or abs(found) > _LARGEST_NUMBER:
        raise ValueError(f"{what} is {str(value)[:40]}, beyond any picture")
    return found


def class_name(value: Any) -> str:
    """A class as people wrote it, trimmed. Raises ValueError for what is no name."""
    name = " ".join(str(value if value is not None else "").split())
    if not name or len(name) > 100 or not name.isprintable():
        raise ValueError(f"{name[:40]!r} is no name of a class")
    return name


def _filed(pairs: Iterable[tuple[str, Path]]) -> dict[str, list[Path]]:
    found = defaultdict(list)
    for name, path in pairs:
        found[name].append(path)
    return found


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 - a million times


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is not a number")


def _common_tail(path: tuple[str, ...], parts: tuple[str, ...]) -> int:
    pairs = zip(reversed(path), reversed(parts), strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(path), len(parts)))
