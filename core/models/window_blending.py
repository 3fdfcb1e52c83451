"""Decides on which grid the windows of a reconstruction model lie, and how what is said of overlapping ones becomes one.

Windows begin at whole multiples of the stride, counted from the section's corner: a tile begins at one and its halo is as
wide as the stride, so that every window which touches the tile's core lies in the tile. Where windows overlap their weights
rise and fall in a straight line and add up to one. So a place shows the same whatever tile it was computed in.
"""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def window_starts(length: int, stride: int) -> Array:
    """Where windows begin along one side of a tile with a halo of one stride on each side: all that touch its core."""
    return np.arange(0, max(1, length - stride), stride)


def ramp(side: int, stride: int) -> Array:
    """(side,) float32: how much each place of a window counts along one axis; `stride` is at least half of `side`."""
    overlap = side - stride
    rising = (np.arange(overlap, dtype=np.float32) + 0.5) / max(overlap, 1)
    return np.concatenate([rising, np.ones(side - 2 * overlap, np.float32), rising[::-1]])


def blended(windows: Array, stride: int) -> Array:
    """What a grid of windows says, as one.

    Args:
        windows: (rows, columns, channels, side, side) float32, from upper left to lower right.
        stride: from one window to the next, in the same units as `side`.
    Returns:
        (channels, height, width) float32 of all that they cover; all windows count where at least a stride from its edge.
    """
    rows, columns, channels, side, _ = windows.shape
    weight = ramp(side, stride)
    together = np.zeros((channels, (rows - 1) * stride + side, (columns - 1) * stride + side), np.float32)
    weighted = windows * (weight[:, None] * weight)
    for row in range(rows):
        for column in range(columns):
            top, left = row * stride, column * stride
            together[:, top : top + side, left : left + side] += weighted[row, column]
    return together
