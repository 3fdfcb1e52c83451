"""Decides where the sample section of "Try the sample" and `schliff demo` lies, and makes it when it isn't there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from core.jobs import CancelToken, Progress

if TYPE_CHECKING:
    from core.synthetic import Kind

SIZE_PX, SEED = 6000, 7


def sample_section(
    progress: Progress,
    cancel: CancelToken,
    kind: Kind = "battery",
    size_px: int = SIZE_PX,
    folder: Path | None = None,
) -> Path:
    """The sample section's file in `folder`, by default in the user's data folder.

    Raises ResourceError when it can't be written.
    """
    from core.disk import disk_errors
    from core.synthetic import default_defects, make_sample, write_sample

    path = (folder or demo_dir()) / f"{kind}-{size_px}.czi"
    if not path.exists():
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_sample(make_sample(kind, size_px, default_defects(kind, size_px), SEED), path, progress, cancel)
    return path


def demo_dir() -> Path:
    from core.userdirs import data_dir

    return data_dir() / "demo"
