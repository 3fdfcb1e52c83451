"""What a built program carries: all of Schliff, nothing it doesn't need, nothing it mustn't; and what its check notices."""

from __future__ import annotations

import ast
import configparser
import importlib
import json
import os
import pkgutil
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import defusedxml.ElementTree
import pytest

import core
from core.licences import INDEX, Carried, about, allowed, carried, needed, read_index, write_index

ROOT = Path(__file__).resolve().parent.parent
FOUND_BY_LOOKING = (
    "core.readers", "core.models", "core.export", "core.train.families", "core.data.formats", "core.data.writing",
)  # fmt: skip


def packaging_module(name: str) -> Any:
    """A module of `packaging/`, which is no package: a package of that name is installed."""
    sys.path.insert(0, str(ROOT / "packaging"))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(ROOT / "packaging"))


@pytest.fixture(scope="module")
def contents() -> Any:
    return packaging_module("contents")


@pytest.fixture(scope="module")
def licences() -> Any:
    return packaging_module("licences")


# -- what goes in -------------------------------------------------------------------------------------


def with_spec(package: ModuleType) -> Iterator[str]:
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        if hasattr(importlib.import_module(found.name), "SPEC"):
            yield found.name


@pytest.mark.parametrize("package", FOUND_BY_LOOKING)
def test_every_module_that_is_found_by_looking_goes_in(package: str, contents: Any):
    names = list(with_spec(importlib.import_module(package)))
    assert names
    assert set(names) <= set(contents.own_modules())


def test_what_is_imported_by_a_name_in_quotes_goes_in(contents: Any):
    quoted = re.compile(r'"((?:core|app)(?:\.\w+)+)"')
    named = {
        name
        for room in ("app", "core")
        for path in (ROOT / room).rglob("*.py")
        for name in quoted.findall(path.read_text("utf-8"))
        if (ROOT / name.replace(".", "/")).with_suffix(".py").is_file()
    }
    assert "core.train.reconstruction" in named
    assert named <= set(contents.own_modules())


def test_everything_that_schliff_reads_of_its_own_goes_in(
    contents: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from app.help.pages import SECTIONS
    from core.models.catalog import read_model_folder

    for file, place in contents.own_files():
        (tmp_path / place).mkdir(parents=True, exist_ok=True)
        shutil.copy(file, tmp_path / place)
    inside = tmp_path / "resources"
    monkeypatch.setattr("resources.__file__", str(inside / "__init__.py"))
    listed = subprocess.run(["git", "ls-files", "resources"], cwd=ROOT, capture_output=True, text=True)
    for name in (line for line in listed.stdout.splitlines() if not line.endswith(".py")):
        assert (tmp_path / name).read_bytes() == (ROOT / name).read_bytes(), name
    for folder in (ROOT / "resources" / "models").iterdir():
        assert read_model_folder(inside / "models" / folder.name).labels
    pages = {page.name for _, section in SECTIONS for page in section}
    assert {path.stem for path in (ROOT / "docs").glob("*.md")} & pages <= {
        path.stem for path in (inside / "docs").glob("*.md")
    }
    assert not list(tmp_path.rglob("*.py*"))


def test_nothing_that_schliff_imports_is_left_out(contents: Any):
    left_out = set(contents.excluded_modules())
    assert {"pytest", "hypothesis", "mypy", "readline", "triton"} <= left_out
    imported = set()
    for room in ("app", "core"):
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Import):
                    imported |= {name.name.split(".")[0] for name in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    imported.add(node.module.split(".")[0])
    assert {"torch", "PySide6", "imagecodecs"} <= imported
    assert not imported & left_out


@pytest.mark.parametrize(
    ("place", "wanted"),
    [
        ("reportlab/fonts/DarkGardenMK.pfb", False),
        ("torch\\bin\\protoc.exe", False),
        ("torch/bin/torch_shm_manager", True),
        ("torch/lib/libtorch.so", True),
        ("hypothesis-6.0.dist-info/METADATA", False),
        ("PySide6_Essentials-6.8.0.dist-info/METADATA", True),
    ],
)
def test_unused_files_stay_out(place: str, wanted: bool, contents: Any):
    assert contents.wanted_file(place) is wanted


def test_an_installed_schliff_has_its_resources_and_pages():
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["packages"] == ["app", "core", "resources"]
    assert wheel["force-include"] == {"docs": "resources/docs"}


def test_there_is_one_version():
    stated = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert core.__version__ == stated


# -- licences -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("licence", "may"),
    [
        ("MIT", True),
        ("LGPL-3.0-only OR GPL-2.0-only OR GPL-3.0-only", True),
        ("GNU Lesser General Public License v3 (LGPLv3)", True),
        ("BSD License, GNU General Public License v2 (GPLv2)", True),
        ("GPL-3.0-or-later WITH GCC-exception-3.1", True),
        ("LicenseRef-NVIDIA-Proprietary", True),
        ("GPL-3.0-only", False),
        ("GPLv2 or later", False),
        ("MIT AND GPL-2.0-or-later", False),
        ("GNU Affero General Public License v3", False),
        ("GNU General Public License v3 or later (GPLv3+)", False),
    ],
)
def test_the_gpl_is_refused_where_there_is_no_choice(licence: str, may: bool):
    assert allowed(licence) is may


def test_all_that_is_needed_is_known_with_its_licence():
    parts = {part.name: part for part in carried()}
    assert next(iter(parts)) == "schliff"
    assert {"numpy", "torch", "PySide6_Essentials", "shiboken6", "Python"} <= set(parts)
    assert all(allowed(part.licence) for part in parts.values())
    assert "GNU LESSER GENERAL PUBLIC LICENSE" in parts["PySide6_Essentials"].text()
    assert "Permission is hereby granted" in parts["schliff"].text()


def test_extras_that_are_asked_for_count_as_needed(monkeypatch: pytest.MonkeyPatch):
    class Found:
        def __init__(self, name: str) -> None:
            self.metadata = {"Name": name}

    wants = {
        "a": ["b[fast]>=1", 'c ; extra == "never"', "absent"],
        "b": ['d ; extra == "fast"', 'e; extra == "slow"'],
        "c": [], "d": [], "e": [],
    }  # fmt: skip

    def distribution(name: str) -> Found:
        if name not in wants:
            raise importlib.metadata.PackageNotFoundError(name)
        return Found(name)

    monkeypatch.setattr("core.licences.metadata.requires", wants.get)
    monkeypatch.setattr("core.licences.metadata.distribution", distribution)
    assert needed("a") == {"b", "d"}


def test_texts_are_written_and_read_back(tmp_path: Path):
    first, second = tmp_path / "LICENSE", tmp_path / "more" / "LICENSE"
    second.parent.mkdir()
    first.write_text("You may.")
    second.write_text("You may, too.")
    written = [
        Carried("zeta", "2", "MIT", (first, second)),
        Carried("alpha", "1", "BSD"),
        Carried("schliff", "3", "MIT"),
    ]
    write_index(written, tmp_path / "out")
    parts = read_index(tmp_path / "out")
    assert [(part.name, part.version, part.licence) for part in parts] == [
        ("schliff", "3", "MIT"), ("alpha", "1", "BSD"), ("zeta", "2", "MIT"),
    ]  # fmt: skip
    assert parts[2].text() == "You may.\n\n\nYou may, too."
    assert parts[1].text() == "alpha: BSD"


def test_a_built_program_shows_what_was_written_when_it_was_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_index([Carried("libxcb", "Linux", "MIT")], tmp_path / "licences")
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    assert [part.name for part in carried()] == ["libxcb"]


def test_each_file_brings_the_licence_of_its_package(licences: Any, tmp_path: Path):
    import numpy
    import PySide6

    files = [numpy.__file__, PySide6.__file__, str(ROOT / "app" / "icons.py"), os.__file__]
    parts = licences.write(tmp_path / "licences", files)
    assert {part.name for part in parts} == {"schliff", "Python", "PyInstaller", "numpy", "PySide6_Essentials"}
    assert (tmp_path / "licences" / INDEX).is_file()
    assert "NumPy" in (tmp_path / "licences" / "numpy" / "LICENSE.txt").read_text("utf-8")


@pytest.mark.parametrize("library", ["/usr/lib/libreadline.so.8", "/usr/lib/libnobodyknows.so.1"])
def test_a_library_that_nobody_has_looked_at_stops_the_build(library: str, licences: Any, tmp_path: Path):
    with pytest.raises(SystemExit, match=Path(library).name.split(".")[0]):
        licences.write(tmp_path / "licences", [library])
    assert not (tmp_path / "licences").exists()


@pytest.mark.parametrize(
    ("library", "licence"),
    [
        ("/lib/x86_64-linux-gnu/libxcb-cursor.so.0", "MIT"),
        ("/lib/libglib-2.0.so.0", "LGPL-2.1-or-later"),
        ("C:\\Windows\\vcruntime140_1.dll", "Microsoft's, made to be passed on"),
    ],
)
def test_libraries_of_the_system_are_known_by_name(library: str, licence: str, licences: Any):
    assert licences.system_library(Path(library.replace("\\", "/"))).licence == licence


def test_a_package_that_is_not_there_says_so():
    assert about("no-such-package").version == "not installed"


# -- what the check notices ---------------------------------------------------------------------------

SAME = {
    "readers": ["czi"], "models": ["texture"], "exporters": ["csv"], "trainers": ["vae"],
    "problems": [], "schliff": "1", "libraries": {"torch": "2"},
}  # fmt: skip


@pytest.mark.parametrize("kind", ["readers", "models", "exporters", "trainers", "schliff", "libraries"])
def test_a_build_that_lacks_something_is_noticed(kind: str):
    check = packaging_module("check_build")
    check.check_lists(SAME, SAME)
    with pytest.raises(SystemExit, match="differ"):
        check.check_lists(SAME | {kind: []}, SAME)


def test_a_part_that_cannot_be_loaded_is_noticed():
    check = packaging_module("check_build")
    with pytest.raises(SystemExit, match="can't be loaded"):
        check.check_lists(SAME | {"problems": ["core.x can't be loaded"]}, SAME)


def test_a_build_without_a_licence_text_is_noticed(tmp_path: Path):
    check = packaging_module("check_build")
    names = ("schliff", "Python", "PySide6_Essentials", "torch")
    write_index([Carried(name, "1", "MIT") for name in names], tmp_path / "_internal" / "licences")
    check.check_licences(tmp_path)
    (tmp_path / "_internal" / "licences" / "torch" / "LICENCE.txt").unlink()
    with pytest.raises(SystemExit, match="torch"):
        check.check_licences(tmp_path)


def test_a_module_that_cannot_be_loaded_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from app.cli.inspecting import unloadable

    package = tmp_path / "half_packed"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "good.py").write_text("")
    (package / "bad.py").write_text("import nothing_of_that_name")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert unloadable(importlib.import_module("half_packed")) == [
        "half_packed.bad can't be loaded: ModuleNotFoundError: No module named 'nothing_of_that_name'"
    ]


def test_doctor_tells_of_a_torch_that_lacks_a_library(capsys: Any, monkeypatch: pytest.MonkeyPatch):
    from app.cli import main

    def broken() -> None:
        raise ImportError("libcufft.so.12: cannot open shared object file")

    monkeypatch.setattr("core.devices.describe_devices", broken)
    assert main(["doctor", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["devices"] == []
    assert any("libcufft" in problem for problem in told["problems"])


def test_forms_of_pictures_keep_their_pixels(tmp_path: Path):
    """Those the check takes for exact are."""
    import cv2
    import numpy as np

    from core.readers.base import open_section
    from core.section import RegionRequest

    files = packaging_module("check_files")
    pixels = np.full((files.SIDE, files.SIDE, 3), 90, np.uint8)
    pixels[250:350, 250:350] = np.random.default_rng(0).integers(0, 255, (100, 100, 3))
    cv2.imwrite(str(tmp_path / "section.png"), pixels[..., ::-1])
    exact, lossy = files.write_all(tmp_path / "section.png", tmp_path / "forms")
    for path in (*exact, *lossy):
        with open_section(path) as section:
            read = section.read(RegionRequest(0, 0, files.SIDE, files.SIDE))
        assert np.array_equal(read, pixels) == (path in exact), path


# -- what a system is told ----------------------------------------------------------------------------


@pytest.fixture
def installed(tmp_path: Path) -> tuple[Path, Path]:
    """Where the program is, and the user's data folder that it was made known in."""
    folder, data = tmp_path / "my programs" / "Schliff", tmp_path / "data"
    folder.mkdir(parents=True)
    for path in (*(ROOT / "packaging" / "linux").iterdir(), ROOT / "resources" / "schliff.svg"):
        shutil.copy(path, folder)
    make_known(folder, data)
    return folder, data


def make_known(folder: Path, data: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = ["sh", str(folder / "install-desktop.sh"), *words]
    return subprocess.run(command, env=os.environ | {"XDG_DATA_HOME": str(data)}, capture_output=True, text=True)


linux = pytest.mark.skipif(sys.platform != "linux", reason="desktop entries are Linux's")


@linux
def test_the_desktop_entry_starts_the_program_wherever_it_lies(installed: tuple[Path, Path]):
    folder, data = installed
    entry = data / "applications" / "schliff.desktop"
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(entry, "utf-8")
    about_it = dict(parser["Desktop Entry"])
    assert shlex.split(about_it["Exec"]) == [str(folder / "Schliff"), "%f"]
    assert (data / "icons" / "hicolor" / "scalable" / "apps" / f"{about_it['Icon']}.svg").is_file()
    (mime,) = defusedxml.ElementTree.parse(data / "mime" / "packages" / "schliff.xml").getroot()
    assert mime.attrib["type"] in about_it["MimeType"].split(";")
    if shutil.which("desktop-file-validate"):
        told = subprocess.run(["desktop-file-validate", entry], capture_output=True, text=True)
        assert (told.returncode, told.stdout) == (0, "")


@linux
def test_the_desktop_entry_goes_as_it_came(installed: tuple[Path, Path]):
    folder, data = installed
    assert make_known(folder, data, "--remove").returncode == 0
    assert not list(data.rglob("schliff*"))


@linux
def test_a_place_that_a_desktop_entry_cannot_name_is_refused(tmp_path: Path):
    folder = tmp_path / "100% mine"
    shutil.copytree(ROOT / "packaging" / "linux", folder)
    told = make_known(folder, tmp_path / "data")
    assert told.returncode == 2
    assert "Move this folder" in told.stderr
    assert not (tmp_path / "data").exists()


def test_other_programs_find_their_own_libraries(monkeypatch: pytest.MonkeyPatch):
    start = packaging_module("start")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/built/_internal")
    monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", "/of/the/user")
    start.give_back_search_path()
    assert os.environ["LD_LIBRARY_PATH"] == "/of/the/user"
    start.give_back_search_path()
    assert "LD_LIBRARY_PATH" not in os.environ


def test_the_icon_is_drawn_in_every_form(tmp_path: Path, qapp: object):
    from PIL import Image

    packaging_module("build").draw_icons(tmp_path)
    with Image.open(tmp_path / "schliff.ico") as icon:
        assert {(16, 16), (48, 48), (256, 256)} <= icon.info["sizes"]
    with Image.open(tmp_path / "schliff.png") as icon:
        assert icon.getpixel((4, 128)) == (0x0B, 0x7A, 0x75, 255)
        assert icon.getpixel((0, 0))[3] == 0  # type: ignore[index]
    assert (tmp_path / "schliff.icns").stat().st_size > 10_000


def test_windows_is_told_the_version():
    assert "filevers=(1, 2, 3, 0)" in packaging_module("build").windows_version("1.2.3")


# -- in the window ------------------------------------------------------------------------------------


def test_help_shows_version_and_licences(qtbot: Any):
    from PySide6.QtCore import Qt
    from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget

    from app.licences_dialog import LicencesDialog
    from app.window_dialogs import about_dialog

    parent = QWidget()
    qtbot.addWidget(parent)
    dialog = about_dialog(parent)
    dialog.show()
    assert any(core.__version__ in label.text() for label in dialog.findChildren(QLabel))
    button = next(one for one in dialog.findChildren(QPushButton) if one.text() == "Licences")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    shown = next(one for one in QApplication.topLevelWidgets() if isinstance(one, LicencesDialog) and one.isVisible())
    assert shown.text.toPlainText() == about("schliff").text()
    qtbot.keyClicks(shown.search, "pyside6")
    rows = [shown.list.topLevelItem(row) for row in range(shown.list.topLevelItemCount())]
    visible = [item for item in rows if item is not None and not item.isHidden()]
    assert [item.text(0) for item in visible] == ["PySide6_Essentials"]
    shown.list.setCurrentItem(visible[0])
    assert "GNU LESSER GENERAL PUBLIC LICENSE" in shown.text.toPlainText()
    shown.close()
    dialog.close()
