"""Says under which licence each package lies that a Schliff build would carry, and fails where one is not allowed.

Run it in the environment that is built from: `python packaging/licences.py`. Allowed are permissive licences and the
LGPL (Qt, through PySide6); the GPL is not.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib import metadata

ROOT = "schliff"
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*")
_FORBIDDEN = re.compile(r"(?<!L)(?<!Lesser )(?:\bA?GPL|GNU (?:Affero )?General Public)", re.IGNORECASE)
_ALLOWED_BESIDE_GPL = re.compile(r"LGPL|Lesser General Public", re.IGNORECASE)


def main() -> int:
    bad = 0
    for name in sorted(_closure(ROOT), key=str.lower):
        licence = _licence(name)
        forbidden = bool(_FORBIDDEN.search(licence)) and not _ALLOWED_BESIDE_GPL.search(licence)
        bad += forbidden
        print(f"{name:<32}{metadata.version(name):<16}{licence}{'   NOT ALLOWED' if forbidden else ''}")
    return 1 if bad else 0


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
