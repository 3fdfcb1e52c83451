"""Decides how a trained network is made fast without changing what it says: batch norms folded, the stem in bands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from itertools import pairwise
from typing import TypeVar

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

# Rows of px that a stem is run on at once: what it fills stays small enough to be used again, not given back.
BAND_PX = 256

Network = TypeVar("Network", bound=nn.Module)


def folded(network: Network) -> Network:
    """A copy for inference in which each batch norm is part of the convolution right before it.

    Differs by rounding alone. A network where a batch norm has no convolution before it keeps that one.
    """
    copy = deepcopy(network).eval()
    for module in list(copy.modules()):
        for (name, one), (following, other) in pairwise(list(module.named_children())):
            if isinstance(one, nn.Conv2d | nn.ConvTranspose2d) and isinstance(other, nn.BatchNorm2d):
                setattr(module, name, fuse_conv_bn_eval(one, other, isinstance(one, nn.ConvTranspose2d)))
                setattr(module, following, nn.Identity())
    return copy


def in_bands(
    stem: Callable[[torch.Tensor], torch.Tensor], pixels: torch.Tensor, stride: int, reach: int, band: int = BAND_PX
) -> torch.Tensor:
    """What `stem` gives for a whole picture, computed on bands of its rows, so that it never lies in memory at full size.

    Args:
        stem: (1, h, w, 3) → (1, channels, h / stride, w / stride); looks at most `reach` px beyond a cell.
        pixels: (1, h, w, 3); h a multiple of `stride`.
        stride, reach, band: px; `reach` and `band` are multiples of `stride`.
    Returns:
        The same as `stem(pixels)`: only what a band's edge has changed is computed twice and thrown away.
    """
    parts = []
    for first, last, top, bottom in _bands(pixels.shape[1], reach, band):
        part = stem(pixels[:, top:bottom])
        parts.append(part[:, :, (first - top) // stride : (last - top) // stride])
    return parts[0] if len(parts) == 1 else torch.cat(parts, 2)


def _bands(height: int, reach: int, band: int) -> Iterator[tuple[int, int, int, int]]:
    """First and last row of each band, and those of what is read for it."""
    for first in range(0, height, band):
        last = min(height, first + band)
        yield first, last, max(0, first - reach), min(height, last + reach)
