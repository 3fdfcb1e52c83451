"""Decides which window each cell of a logit map stands for, and how likely each class is in it. No network, no torch.

Windows are `window` cells wide and lie `step` cells apart. The map is cut into blocks of step × step cells, counted from
its first row and column; a block shows the window that has the same middle. Where `window` − `step` is odd the window's
outermost cells are covered by half and count half (per axis ½, 1, …, 1, ½: the mean of the two windows on whole cells
that lie closest). So no map is shifted against the section, and

- step 1, window odd: each cell shows the window around it;
- window − step even: each block shows exactly the window that can be cut out there, on whole cells;
- step 1, window even: each cell shows the mean of the logits of the four windows on whole cells around it.
"""

from __future__ import annotations

import cv2
import numpy as np

Array = np.ndarray


def window_probabilities(maps: Array, window: int, step: int = 1) -> Array:
    """Softmax over channels of the mean logits of each cell's window.

    Args:
        maps: (channels, rows, columns) float32; NaN where nothing was scanned (such cells count in no window, nor do
            those beyond the map). Its first row and column begin a block.
        window: cells along one side of a window.
        step: cells from one window to the next.
    Returns:
        The same shape, float32, the same value all over a block; NaN where `maps` is, and where all of a window is.
    """
    known = np.isfinite(maps).all(0)
    filled = np.where(known, maps, 0).astype(np.float32)
    share = _window_means(known.astype(np.float32), window, step)
    means = np.stack([_window_means(plane, window, step) for plane in filled])
    logits = means / np.where(share > 1e-6, share, np.nan)
    exponentials = np.exp(logits - logits.max(0))
    probabilities = spread(exponentials / exponentials.sum(0), step, known.shape)
    probabilities[:, ~known] = np.nan
    return probabilities


def context_of(window: int, step: int = 1) -> int:
    """How many cells beyond itself a cell's score looks, at most."""
    return max(0, -((step - window) // 2)) + step - 1


def _window_means(plane: Array, window: int, step: int) -> Array:
    """The mean over each block's window of a plane that is 0 beyond its edge."""
    pad = window + step
    framed = cv2.copyMakeBorder(plane, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=0)
    means = _means_from(framed, window)
    if (window - step) % 2:
        means = _means_from(means, 2)
    first = pad + (step - window) // 2
    rows, columns = (first + step * np.arange(-(-n // step)) for n in plane.shape)
    return means[rows[:, None], columns[None, :]]


def _means_from(plane: Array, side: int) -> Array:
    """At each cell the mean of the side × side cells that begin there."""
    return cv2.blur(plane, (side, side), anchor=(0, 0), borderType=cv2.BORDER_CONSTANT)


def spread(blocks: Array, step: int, shape: tuple[int, ...]) -> Array:
    """(channels, rows, columns) repeated over `step` × `step` cells each, cut to the rows and columns of `shape`."""
    if step == 1:
        return blocks
    return np.ascontiguousarray(blocks.repeat(step, 1).repeat(step, 2)[:, : shape[0], : shape[1]])
