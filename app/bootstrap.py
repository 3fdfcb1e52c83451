"""Decides what must happen before Qt is loaded: nothing, except on Windows, where torch's libraries have to come first.

There, loading torch after Qt can fail while its `c10.dll` starts (WinError 1114). Loading that one library early is
enough and takes milliseconds; torch itself is still imported only when a scan needs it.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path


def prepare() -> None:
    """Call before the first import of PySide6."""
    if sys.platform == "win32":
        _load_torch_library()


def _load_torch_library() -> None:
    import ctypes
    import os

    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return
    folder = Path(spec.origin).parent / "lib"
    if (folder / "c10.dll").is_file():
        os.add_dll_directory(str(folder))  # type: ignore[attr-defined,unused-ignore]  # Windows only
        ctypes.CDLL(str(folder / "c10.dll"))
