"""Readers that fail in every way that fuzzing must notice: what tests watch the watchers with."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from pathlib import Path

from core.errors import InputError
from tests.fuzzing import child
from tests.fuzzing.subjects import Subject


def _write(folder: Path) -> list[Path]:
    (folder / "a.txt").write_text("1 2 3")
    return [folder / "a.txt"]


def _only_number(number: int, fail: Callable[[Path], object]) -> Callable[[Path], None]:
    """Fails at the first file that is no sound one, and `number` files later."""
    seen = [-1]

    def use(path: Path) -> None:
        seen[0] += path.parent.name == "work"
        if seen[0] == number:
            fail(path)

    return use


def _clearly(path: Path) -> None:
    raise InputError("it is damaged", path=path, remedy="Copy it again.")


def _without_remedy(path: Path) -> None:
    raise InputError("it is damaged", path=path)


def _hang(path: Path) -> None:
    child.faulthandler.dump_traceback_later(0.2, exit=True)  # a shorter patience
    time.sleep(30)


def subjects() -> dict[str, Subject]:
    ways: dict[str, Callable[[Path], object]] = {
        "crashes": lambda path: ctypes.string_at(0),
        "hangs": _hang,
        "trips": lambda path: {"there": 0}["missing"],
        "eats": lambda path: bytearray(3 << 30),
        "mumbles": _without_remedy,
        "refuses": _clearly,
    }
    return {name: Subject(name, _write, _only_number(1, fail)) for name, fail in ways.items()}
