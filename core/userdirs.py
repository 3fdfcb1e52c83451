"""Decides where a user's own files lie: settings, caches, and models they trained or imported.

`SCHLIFF_HOME` puts all of them into one folder; else the operating system's usual places are taken.
None of the folders need exist yet; whoever writes makes them.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

_NAME = "schliff"
PROJECT_SUFFIX = ".schliff"  # of the folder of a project, which lies beside its section


def config_dir() -> Path:
    """Settings."""
    return _own("config") or platformdirs.user_config_path(_NAME, appauthor=False)


def cache_dir() -> Path:
    """What can be made again: overviews, thumbnails."""
    return _own("cache") or platformdirs.user_cache_path(_NAME, appauthor=False)


def data_dir() -> Path:
    """What the user made without saying where: the demo, projects of sections on read-only drives."""
    return _own("data") or platformdirs.user_data_path(_NAME, appauthor=False)


def logs_dir() -> Path:
    """What happened at the last starts."""
    return _own("logs") or platformdirs.user_log_path(_NAME, appauthor=False)


def models_dir() -> Path:
    """Model folders that every project of this user can use."""
    return _own("models") or data_dir() / "models"


def _own(part: str) -> Path | None:
    home = os.environ.get("SCHLIFF_HOME")
    return Path(home) / part if home else None
