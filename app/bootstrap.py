"""Decides how Qt is loaded: what would end the program is said instead, on Windows torch comes first, and imports stay plain.

On Windows, loading torch after Qt can fail while its `c10.dll` starts (WinError 1114). Loading that one library early is
enough and takes milliseconds; torch itself is still imported only when a scan needs it.
"""

from __future__ import annotations

import builtins
import importlib.util
import os
import sys
from pathlib import Path

from core.errors import ResourceError


def prepare() -> None:
    """Call before anything else imports PySide6. Raises ResourceError where Qt would end the program: no screen, or a system
    library missing that its window plug-in needs."""
    if sys.platform == "win32":
        _load_torch_library()
    if sys.platform.startswith("linux"):
        trouble = window_trouble()
        if trouble is not None:
            raise trouble
    _keep_imports_plain()


def window_trouble() -> ResourceError | None:
    """What keeps a window from opening on this Linux system, if anything is known to."""
    if os.environ.get("QT_QPA_PLATFORM"):
        return None
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return ResourceError(
            "there is no screen to open a window on", remedy="Use the other commands, or set QT_QPA_PLATFORM=offscreen."
        )
    missing = [package for library, package in _X11_LIBRARIES.items() if not _loads(library)]
    if missing and not os.environ.get("WAYLAND_DISPLAY"):
        return ResourceError(
            "system libraries that windows need are missing", remedy=f"Run: sudo apt-get install {' '.join(missing)}"
        )
    return None


def _keep_imports_plain() -> None:
    """Loads PySide6 without what it puts before every later import: it reads the source of each module to find out whether
    that may use `from __feature__ import snake_case`. Nothing here does, and reading them takes a tenth of the start."""
    import PySide6  # noqa: F401

    builtins.__import__ = vars(builtins).get("__orig_import__", builtins.__import__)


# What PySide6's X11 plug-in links against and Debian doesn't install by itself.
_X11_LIBRARIES = {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}


def _loads(library: str) -> bool:
    import ctypes

    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _load_torch_library() -> None:
    import ctypes

    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return
    folder = Path(spec.origin).parent / "lib"
    if (folder / "c10.dll").is_file():
        os.add_dll_directory(str(folder))  # type: ignore[attr-defined,unused-ignore]  # Windows only
        ctypes.CDLL(str(folder / "c10.dll"))
