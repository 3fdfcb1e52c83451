"""Decides how arrays that lie packed in one file (npz) are read back: never unpickled, and never more than they can be."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

Array = np.ndarray

MOST_BYTES = 1 << 30


def read_arrays(path: Path) -> dict[str, Array]:
    """Every array by its name. Raises OSError, ValueError, KeyError or zipfile.BadZipFile for what can't be such a file."""
    with zipfile.ZipFile(path) as packed:
        if sum(part.file_size for part in packed.infolist()) > MOST_BYTES:
            raise ValueError(f"it holds more than {MOST_BYTES >> 20} MB")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (MemoryError, AttributeError, EOFError, NotImplementedError, zipfile.LargeZipFile) as error:
        raise ValueError(f"its arrays can't be read ({error})") from None
