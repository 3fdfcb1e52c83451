"""Decides how what a detector gave for one tile lies in the tile's record: little-endian float32, six for each box.

x0, y0, x1, y1 in level-0 px, score, index into the model's labels (−1: no defect); highest score first. Outlines lie beside
them, `core.outlines.CORNERS` corners for each box; and so do those of detections, as many corners as they have. Nothing is
unpickled, and what doesn't look like boxes or corners is not taken for them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.errors import InputError
from core.outlines import BOX_COLUMNS, COLUMNS, Outline, as_outline

Array = np.ndarray

# More in one tile is noise; the surest stay.
MOST_BOXES = 5000


def packed(boxes: Array) -> tuple[bytes, bytes | None]:
    """Boxes with or without outlines → their bytes and those of the outlines; the surest `MOST_BOXES` of them."""
    order = np.argsort(-boxes[:, 4], kind="stable")[:MOST_BOXES]
    plain, outlines = (np.ascontiguousarray(part, "<f4").tobytes() for part in np.split(boxes[order], [BOX_COLUMNS], 1))
    return plain, outlines if boxes.shape[1] > BOX_COLUMNS else None


def unpacked(stored: object, outlines: object, labels: int, path: Path) -> Array:
    """(n, 6 or more) float32. Raises InputError for what `packed` didn't write for so many labels; `path`: the database's."""
    boxes = _columns(stored, BOX_COLUMNS)
    if boxes is None or len(boxes) > MOST_BOXES:
        raise _damaged(path)
    sizes = boxes[:, 2:4] - boxes[:, :2]
    if not np.isfinite(boxes).all() or (sizes <= 0).any():
        raise _damaged(path)
    if outlines is not None:
        corners = _columns(outlines, COLUMNS - BOX_COLUMNS)
        if corners is None or len(corners) != len(boxes) or not np.isfinite(corners).all():
            raise _damaged(path)
        boxes = np.concatenate([boxes, corners], axis=1)
    if not np.isin(boxes[:, 5], range(0 if outlines is None else -1, labels)).all():
        raise _damaged(path)
    return boxes


def packed_outline(outline: Outline) -> bytes | None:
    return np.array(outline, "<f4").tobytes() if outline else None


def unpacked_outline(stored: object) -> Outline:
    """What doesn't look like an outline is none: the box is still there."""
    corners = _columns(stored, 2)
    return () if corners is None or not np.isfinite(corners).all() else as_outline(corners)


def _columns(stored: object, columns: int) -> Array | None:
    if not isinstance(stored, bytes) or len(stored) % (4 * columns):
        return None
    return np.frombuffer(stored, "<f4").reshape(-1, columns).astype(np.float32)


def _damaged(path: Path) -> InputError:
    return InputError(
        "what was found in a tile is damaged", path=path, remedy="Scan again with --restart; decisions are kept."
    )
