"""Decides what goes into the program folder beside what imports lead to, and what of the environment stays out.

`schliff.spec` asks here; nothing here knows PyInstaller.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from importlib import metadata
from pathlib import Path

from core.licences import ROOT as SCHLIFF
from core.licences import needed

FOLDER = Path(__file__).resolve().parent.parent
OWN = ("app", "core", "resources")

# What loads parts of itself by name: each codec when a file needs it, what reads Zarr's chunks.
LOADED_BY_NAME = ("imagecodecs", "numcodecs", "zarr")
# `schliff doctor` names their versions.
NAMED_VERSIONS = (
    "numpy", "torch", "torchvision", "tifffile", "imagecodecs", "zarr", "PySide6-Essentials", "pylibCZIrw",
)  # fmt: skip

_COMPILERS_AND_TESTS = ("triton", "cmake", "setuptools", "pip", "tkinter", "torch.utils.tensorboard", "PySide6.QtTest")
_GPL = ("readline", "_gdbm", "_dbm", "dbm.gnu", "dbm.ndbm")  # of Python's own modules, those that load a GPL library

_UNUSED_FILES = re.compile(r"DarkGarden|torch/bin/protoc")  # a demo font under the GPL, a compiler
_DESCRIPTION = re.compile(r"([^/]+?)-[^/-]+\.dist-info/")  # of an installed package


def own_modules() -> list[str]:
    """Every module of Schliff: readers, models, exporters and trainers are found by looking through folders, so nothing
    imports them by name."""
    paths = [path.relative_to(FOLDER).with_suffix("") for package in OWN for path in (FOLDER / package).rglob("*.py")]
    return sorted({".".join(path.parts).removesuffix(".__init__") for path in paths})


def own_files() -> list[tuple[str, str]]:
    """Everything else that lies in Schliff's packages: file, and folder in the program. Models, icons, fonts; and the
    pages that Help shows, which lie where an installed Schliff has them."""
    places = {FOLDER / package: package for package in OWN} | {FOLDER / "docs": "resources/docs"}
    return sorted(
        (str(path), (place / path.parent.relative_to(root)).as_posix())
        for root, place in ((root, Path(place)) for root, place in places.items())
        for path in root.rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc"}
    )


def excluded_modules() -> list[str]:
    """What compiles, tests or lies under the GPL, and whatever else is installed that Schliff doesn't need."""
    foreign = [
        module
        for module, owners in metadata.packages_distributions().items()
        if module.isidentifier() and not any(_plain(owner) in _wanted_packages() for owner in owners)
    ]
    return sorted({*_COMPILERS_AND_TESTS, *_GPL, *foreign})


def wanted_file(place: str) -> bool:
    """Whether a file that imports led to is of use; `place`: in the program folder."""
    place = place.replace("\\", "/")
    described = _DESCRIPTION.match(place)
    if described is not None and _plain(described.group(1)) not in _wanted_packages():
        return False
    return _UNUSED_FILES.search(place) is None


@cache
def _wanted_packages() -> frozenset[str]:
    return frozenset(_plain(name) for name in {SCHLIFF, *needed(SCHLIFF)})


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def graphics_libraries() -> list[tuple[str, str]]:
    """What NVIDIA's compiler of kernels loads by name when it is asked for one: file, and folder in the program."""
    site = [Path(place) for place in sys.path if place.endswith("site-packages")]
    found = [
        path for place in site for path in place.glob("nvidia/*/lib/libnvrtc-builtins*.so*") if ".alt." not in path.name
    ]
    return [(str(path), path.parent.relative_to(path.parents[3]).as_posix()) for path in found]
