"""Decides what the program remembers between runs, outside any project: one small JSON file in the user's folder.

Sparse (only what differs from the default), versioned, and never in the way: a broken file counts as none.
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VERSION = 1
MAX_RECENT = 10

_log = logging.getLogger("schliff.settings")


@dataclass(frozen=True, slots=True)
class Setting:
    """One remembered value: its kind and what holds while nobody changed it."""

    name: str
    kind: type
    default: Any


SETTINGS: tuple[Setting, ...] = (
    Setting("theme", str, "system"),
    Setting("recent", list, []),
    Setting("geometry", str, ""),  # base64 of QMainWindow.saveGeometry
    Setting("docks", str, ""),  # base64 of QMainWindow.saveState
    Setting("gallery", dict, {}),
    Setting("last_folder", str, ""),
    Setting("overview_cache_gb", int, 20),  # of overviews that files lack, on the disk
    Setting("memory_budget_mb", int, 0),  # of all caches together; 0 = a quarter of the machine's memory, at most 4 GiB
    Setting("person", str, ""),  # who decides and draws; "" = whoever has logged in
    Setting("last_copy_folder", str, ""),
    Setting("minimap", bool, True),
    Setting("exports", dict, {}),  # the settings that were last chosen of each export format
    Setting("tell_when_scanned", bool, True),  # by a notification of the desktop
    Setting("training_data", list, []),  # folders and files that were learnt from or judged on, newest first
    Setting("tour_over", bool, False),  # the tour was taken or skipped, and doesn't begin by itself any more
    Setting("compare", dict, {}),  # mode, and where the divider of each mode stands
)
_DECLARED = {setting.name: setting for setting in SETTINGS}


class Settings:
    """Reads once; writes on every change, aside and then in place. Names that aren't declared raise KeyError."""

    def __init__(self, path: Path | None = None) -> None:
        if path is None:
            from core.userdirs import config_dir

            path = config_dir() / "settings.json"
        self.path = path
        self._values = _read(path)

    def get(self, name: str) -> Any:
        setting = _DECLARED[name]
        value = self._values.get(name)
        return value if isinstance(value, setting.kind) else setting.default

    def set(self, name: str, value: Any) -> None:
        if value == self.get(name):
            return
        if value == _DECLARED[name].default:
            self._values.pop(name, None)
        else:
            self._values[name] = value
        self._write()

    @property
    def recent(self) -> list[Path]:
        """What was opened last, newest first, each once. A relative path says nothing in another working folder."""
        known = {
            os.path.normcase(i): Path(i) for i in self.get("recent") if isinstance(i, str) and Path(i).is_absolute()
        }
        return list(known.values())

    def add_recent(self, path: Path) -> None:
        whole = os.path.abspath(path)  # noqa: PTH100 - resolve() would follow links
        others = [str(item) for item in self.recent if os.path.normcase(item) != os.path.normcase(whole)]
        self.set("recent", [whole, *others][:MAX_RECENT])

    def put_first(self, name: str, value: str) -> None:
        """Puts a text at the head of a list of recent ones, each once."""
        self.set(name, [value, *(item for item in self.get(name) if item != value)][:MAX_RECENT])

    def forget_recent(self) -> None:
        self.set("recent", [])

    def _write(self) -> None:
        """Losing a setting is not worth an error: the log has it."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            aside = self.path.with_name(f"{self.path.name}.{os.getpid()}")
            aside.write_text(json.dumps({"version": VERSION} | self._values, indent=1), encoding="utf-8")
            aside.replace(self.path)
        except OSError as error:
            _log.warning("settings not saved: %s", error)


def _read(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        _log.warning("settings not read, starting with defaults: %s", error)
        return {}
    if not isinstance(values, dict) or values.pop("version", None) != VERSION:
        return {}
    return {name: value for name, value in values.items() if name in _DECLARED}
