"""Decides how what a detector gave for one tile lies in the tile's record: little-endian float32, six for each box.

x0, y0, x1, y1 in level-0 px, score, index into the model's labels; highest score first. Nothing is unpickled, and what
doesn't look like boxes is not taken for them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.errors import InputError

Array = np.ndarray

# More in one tile is noise; the surest stay.
MOST_BOXES = 5000
_COLUMNS = 6


def packed(boxes: Array) -> bytes:
    """(n, 6) → bytes; the surest `MOST_BOXES` of them."""
    order = np.argsort(-boxes[:, 4], kind="stable")[:MOST_BOXES]
    return np.ascontiguousarray(boxes[order], "<f4").tobytes()


def unpacked(stored: object, labels: int, path: Path) -> Array:
    """(n, 6) float32. Raises InputError for what `packed` didn't write for so many labels; `path`: of the database."""
    if not isinstance(stored, bytes) or len(stored) % (4 * _COLUMNS) or len(stored) > 4 * _COLUMNS * MOST_BOXES:
        raise _damaged(path)
    boxes = np.frombuffer(stored, "<f4").reshape(-1, _COLUMNS).astype(np.float32)
    sizes = boxes[:, 2:4] - boxes[:, :2]
    if not np.isfinite(boxes).all() or (sizes <= 0).any() or not np.isin(boxes[:, 5], range(labels)).all():
        raise _damaged(path)
    return boxes


def _damaged(path: Path) -> InputError:
    return InputError(
        "what was found in a tile is damaged", path=path, remedy="Scan again with --restart; decisions are kept."
    )
