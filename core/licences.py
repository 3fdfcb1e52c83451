"""Decides of which packages Schliff consists, what licence each states, and where the texts of these licences lie.

Run from source, the packages that are installed are asked. A built program has a folder with the answers instead, which
`packaging/licences.py` wrote when it was built.
"""

from __future__ import annotations

import json
import platform
import re
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

import resources

ROOT = "schliff"
INDEX = "index.json"
_OWN_TEXTS = Path(resources.__file__).parent / "licences"  # for packages that leave the LGPL's text out
_REQUIREMENT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[([^\]]*)\])?")
_EXTRA = re.compile(r"extra\s*==\s*['\"]([^'\"]+)['\"]")
_TEXT = re.compile(r"licen[cs]e|copying|notice|copyright", re.IGNORECASE)
_LESSER = re.compile(r"LGPL|Lesser General Public", re.IGNORECASE)
_GENERAL = re.compile(r"\bA?GPL|GNU (?:Affero )?General Public", re.IGNORECASE)
_EXCEPTION = re.compile(r"\bWITH\b|exception", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Carried:
    """A part of Schliff that somebody else made. `licence`: as it says itself; `texts`: files, perhaps none."""

    name: str
    version: str
    licence: str
    texts: tuple[Path, ...] = ()

    def text(self) -> str:
        """All its texts, one after the other; what it states where it brings none."""
        found = [path.read_text("utf-8", errors="replace").strip() for path in self.texts if path.is_file()]
        return "\n\n\n".join(dict.fromkeys(found)) or f"{self.name}: {self.licence}"


def carried() -> list[Carried]:
    """Schliff and all it consists of here, by name."""
    built = _built_folder()
    if built is not None:
        return read_index(built)
    parts = [python(), *(about(name) for name in {ROOT, *needed(ROOT)})]
    return sorted(parts, key=lambda part: (part.name != ROOT, part.name.lower()))


def allowed(licence: str) -> bool:
    """Whether something under that licence may be part of Schliff: anything but the GPL, unless there is a choice (OR, or
    several classifiers) or an exception for programs like this."""
    choices = re.split(r"\bOR\b|,", licence)
    return any(not _GENERAL.search(choice) or _EXCEPTION.search(choice) for choice in choices)


def needed(root: str) -> set[str]:
    """Every installed package that `root` needs, however far down, with the extras that are asked for; `root` left out."""
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [(root, frozenset[str]())]
    while waiting:
        for found in _requirements(*waiting.pop()):
            if found not in seen:
                seen.add(found)
                waiting.append(found)
    return {name for name, _ in seen}


def _requirements(name: str, extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    for text in _distribution_requires(name):
        condition, found = _EXTRA.search(text), _REQUIREMENT.match(text)
        if found is None or (condition is not None and condition.group(1) not in extras):
            continue
        asked = frozenset(part.strip() for part in (found.group(2) or "").split(",") if part.strip())
        try:
            yield metadata.distribution(found.group(1)).metadata["Name"], asked
        except metadata.PackageNotFoundError:
            continue  # for another system


def _distribution_requires(name: str) -> list[str]:
    try:
        return metadata.requires(name) or []
    except metadata.PackageNotFoundError:  # run from a folder, not installed
        return []


def about(name: str) -> Carried:
    """What an installed package says of itself."""
    try:
        distribution = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return Carried(name, "not installed", "not stated")
    licence = _stated(distribution.metadata)
    texts = [Path(str(path.locate())) for path in distribution.files or () if _is_text(path)]
    if not texts and _LESSER.search(licence):
        texts = sorted(_OWN_TEXTS.iterdir())
    return Carried(distribution.metadata["Name"], distribution.version, licence, tuple(texts))


def python() -> Carried:
    text = Path(sysconfig.get_path("stdlib")) / "LICENSE.txt"
    return Carried("Python", platform.python_version(), "PSF-2.0", (text,) if text.is_file() else ())


def _is_text(path: metadata.PackagePath) -> bool:
    return bool(_TEXT.match(path.name)) and path.suffix not in {".py", ".pyc", ".pyi"}


def _stated(of: metadata.PackageMetadata) -> str:
    expression = of.get("License-Expression", "")  # type: ignore[attr-defined,unused-ignore]
    classified = [line.rpartition(":: ")[2] for line in of.get_all("Classifier") or () if line.startswith("License")]
    free = (of.get("License", "") or "").strip().splitlines()  # type: ignore[attr-defined,unused-ignore]
    return expression or ", ".join(classified) or (free[0] if free else "not stated")


# -- the folder of a built program --------------------------------------------------------------------


def write_index(parts: Iterable[Carried], folder: Path) -> None:
    """Copies the texts of all parts into `folder`, one folder for each part, and lists them for `read_index`."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for part in sorted(parts, key=lambda part: (part.name != ROOT, part.name.lower())):
        home = folder / part.name
        home.mkdir(exist_ok=True)
        texts = []
        for number, path in enumerate(path for path in part.texts if path.is_file()):
            copy = home / (path.name if number == 0 else f"{number}-{path.name}")
            copy.write_bytes(path.read_bytes())
            texts.append(copy.relative_to(folder).as_posix())
        if not texts:
            (home / "LICENCE.txt").write_text(f"{part.text()}\n", "utf-8")
            texts = [f"{part.name}/LICENCE.txt"]
        rows.append(asdict(part) | {"texts": texts})
    (folder / INDEX).write_text(json.dumps(rows, indent=1), "utf-8")


def read_index(folder: Path) -> list[Carried]:
    rows = json.loads((folder / INDEX).read_text("utf-8"))
    return [
        Carried(row["name"], row["version"], row["licence"], tuple(folder / text for text in row["texts"]))
        for row in rows
    ]


def _built_folder() -> Path | None:
    inside = getattr(sys, "_MEIPASS", None)  # where PyInstaller's programs keep their files
    folder = Path(inside) / "licences" if inside else None
    return folder if folder is not None and (folder / INDEX).is_file() else None
