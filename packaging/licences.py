"""Says under which licence each package lies that a Schliff build would carry, and fails where one is not allowed.

Run it in the environment that is built from: `python packaging/licences.py`. Allowed are permissive licences and the
LGPL (Qt, through PySide6); the GPL is not. With `--texts FOLDER` it also writes the licence texts that come with each.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

ROOT = "schliff"
TEXTS = Path(__file__).resolve().parent / "texts"
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*")
_FORBIDDEN = re.compile(r"(?<!L)(?<!Lesser )(?:\bA?GPL|GNU (?:Affero )?General Public)", re.IGNORECASE)
_ALLOWED_BESIDE_GPL = re.compile(r"LGPL|Lesser General Public", re.IGNORECASE)


_TEXTS = re.compile(r"(?:licen[cs]e|copying|notice|copyright)", re.IGNORECASE)


def main() -> int:
    bad = 0
    texts = Path(sys.argv[2]) if sys.argv[1:2] == ["--texts"] else None
    for name in sorted({ROOT, *_closure(ROOT)} if texts else _closure(ROOT), key=str.lower):
        if texts is not None:
            _write_texts(name, texts / name)
        licence = _licence(name)
        forbidden = bool(_FORBIDDEN.search(licence)) and not _ALLOWED_BESIDE_GPL.search(licence)
        bad += forbidden
        print(f"{name:<32}{metadata.version(name):<16}{licence}{'   NOT ALLOWED' if forbidden else ''}")
    return 1 if bad else 0


def _write_texts(name: str, folder: Path) -> None:
    """Every licence text among the files of a package, and what the package says of itself where there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    found = [
        path for path in metadata.files(name) or () if _TEXTS.match(path.name) and path.suffix not in {".py", ".pyc"}
    ]
    for number, path in enumerate(found):
        source = Path(str(path.locate()))
        if source.is_file():
            (folder / (path.name if number == 0 else f"{number}-{path.name}")).write_bytes(source.read_bytes())
    if "LGPL" in _licence(name):  # which adds to the GPL's text
        for text in TEXTS.iterdir():
            (folder / text.name).write_bytes(text.read_bytes())
    elif not found:
        about = metadata.metadata(name)
        places = "\n".join(about.get_all("Project-URL") or about.get_all("Home-page") or [])
        (folder / "LICENCE.txt").write_text(f"{name}: {_licence(name)}\n{places}\n", "utf-8")


def _closure(root: str) -> set[str]:
    """Every installed package that `root` needs, however far down; `root` itself left out."""
    seen: set[str] = set()
    waiting = [root]
    while waiting:
        for name in _needs(waiting.pop()):
            if name not in seen:
                seen.add(name)
                waiting.append(name)
    return seen


def _needs(name: str) -> Iterator[str]:
    for text in metadata.requires(name) or ():
        found = _NAME.match(text)
        if found is None or "extra ==" in text:
            continue
        try:
            yield metadata.distribution(found.group()).metadata["Name"]
        except metadata.PackageNotFoundError:
            continue  # for another system


def _licence(name: str) -> str:
    about = metadata.metadata(name)
    stated = str(about.json.get("license_expression") or "")
    classified = [c.rpartition(":: ")[2] for c in about.get_all("Classifier") or () if c.startswith("License")]
    free_text = str(about.json.get("license") or "").strip().splitlines()
    return stated or ", ".join(classified) or (free_text[0] if free_text else "not stated")


if __name__ == "__main__":
    sys.exit(main())
