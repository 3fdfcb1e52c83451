"""The rules that keep the house: who may import whom, what start-up may load, how large a file may grow."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted(path for room in ("app", "core") for path in (ROOT / room).rglob("*.py"))
LONGEST_FILE = 400

IMPORT_ALL = """
import importlib, sys
for name in {blocked!r}:
    sys.modules[name] = None  # importing it raises ImportError
for name in {modules!r}:
    importlib.import_module(name)
print(*[name for name in {unwanted!r} if sys.modules.get(name) is not None])
"""


def modules_of(room: str) -> list[str]:
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in SOURCES
        if path.parts[len(ROOT.parts)] == room
    ]
    return [name.removesuffix(".__init__") for name in names]


def loaded(modules: list[str], *, blocked: tuple[str, ...] = (), unwanted: tuple[str, ...] = ()) -> list[str]:
    """Imports modules in a fresh interpreter; returns which of the unwanted ones came along."""
    code = IMPORT_ALL.format(blocked=blocked, modules=modules, unwanted=unwanted)
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout.split()


def test_core_imports_without_qt():
    loaded(modules_of("core"), blocked=("PySide6", "shiboken6"))


def test_importing_app_loads_no_torch():
    assert loaded(modules_of("app"), unwanted=("torch", "torchvision")) == []


def test_the_window_comes_up_without_what_only_pictures_need():
    at_start = [
        "app.start", "app.main_window", "app.session", "app.window_docks", "app.window_menus", "app.commands.table",
        "app.status_bar", "app.scan_queue.for_window", "app.training.for_window",
    ]  # fmt: skip
    assert loaded(at_start, unwanted=("numpy", "cv2", "pyqtgraph", "torch", "scipy")) == []


def test_the_command_line_loads_neither_qt_nor_torch():
    assert (
        loaded(["app.cli", "core.readers.base", "core.models.catalog"], unwanted=("torch", "PySide6.QtWidgets")) == []
    )


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_is_small_and_says_what_it_decides(path: Path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST_FILE, "it wants to be two files"
    assert not text or text.startswith('"""'), "it opens with what it decides"


def test_nothing_committed_names_a_package_host():
    assert not (ROOT / "uv.lock").exists() or "uv.lock" in (ROOT / ".gitignore").read_text()
