"""Decides where "Try the sample" keeps its section, and makes it when it isn't there."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from core.jobs import CancelToken, Progress

KIND: Final = "battery"
SIZE_PX, SEED = 6000, 7


def sample_section(progress: Progress, cancel: CancelToken) -> Path:
    """The sample section's file, in the user's data folder. Raises ResourceError when it can't be written."""
    from core.synthetic import default_defects, make_sample, write_sample
    from core.userdirs import data_dir

    path = data_dir() / "demo" / f"{KIND}-{SIZE_PX}.czi"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_sample(make_sample(KIND, SIZE_PX, default_defects(KIND, SIZE_PX), SEED), path, progress, cancel)
    return path
