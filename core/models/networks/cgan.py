"""Decides the networks that draw a picture from its edges alone, and judge it (Badmos 2022, dissertation §3.12.2, after
Isola et al. 2017, "Image-to-image translation").

What the text leaves open is as in Isola et al.: maps double up to eight times the first layer's, images are halved until
one px is left, and half of what the first three layers of the decoder say is dropped in training.
"""

from __future__ import annotations

from math import log2

import torch
from torch import nn

SLOPE = 0.2
_WIDEST = 8  # times the first layer's maps
_DROPPED = 3  # layers of the decoder with dropout
_JUDGING = 4  # layers of the discriminator: a patch of 46 px is judged
# Grey of red, green and blue (ITU-R BT.601).
_GREY = (0.299, 0.587, 0.114)


def sobel(images: torch.Tensor) -> torch.Tensor:
    """How steep grey is at each px: (n, 3, h, w) of -1 to 1 → (n, 1, h, w), 0 and more; 1 is half of what black beside
    white gives. Beyond the edge the image is mirrored."""
    red, green, blue = (images[:, channel : channel + 1] for channel in range(3))
    grey = _GREY[0] * red + _GREY[1] * green + _GREY[2] * blue
    around = nn.functional.pad(grey, (1, 1, 1, 1), mode="reflect")
    rows = around[:, :, :-2] + 2 * around[:, :, 1:-1] + around[:, :, 2:]
    columns = around[..., :-2] + 2 * around[..., 1:-1] + around[..., 2:]
    across, down = rows[..., 2:] - rows[..., :-2], columns[:, :, 2:] - columns[:, :, :-2]
    return torch.sqrt(across**2 + down**2) / 4


class EdgeToImage(nn.Module):
    """Images (n, 3, side, side) of -1 to 1 → what can be drawn from their edges alone, as large.

    Args:
        side_px: a power of two, 16 or more.
        white: the steepness (see `sobel`) that is 1 in an edge map; one number for all images, so that an edge looks the
            same whatever lies beside it.
    """

    def __init__(self, width: int = 64, side_px: int = 256, white: float = 1.0) -> None:
        super().__init__()
        self.white = white
        depth = int(log2(side_px))
        maps = [width * min(1 << layer, _WIDEST) for layer in range(depth)]
        self.down = nn.ModuleList(
            _halving(before, after, normed=layer > 0)
            for layer, (before, after) in enumerate(zip([1, *maps[:-1]], maps, strict=True))
        )
        inputs = [maps[-1], *(2 * m for m in maps[-2:0:-1])]  # what comes from below, and beside it the skipped one
        self.up = nn.ModuleList(
            _doubling(before, after, dropped=layer < _DROPPED)
            for layer, (before, after) in enumerate(zip(inputs, maps[-2::-1], strict=True))
        )
        self.last = nn.Sequential(nn.ConvTranspose2d(2 * maps[0], 3, 4, 2, 1), nn.Tanh())
        self.apply(_begun)

    def edges(self, images: torch.Tensor) -> torch.Tensor:
        """(n, 1, h, w) of 0 to 1."""
        return (sobel(images) / self.white).clamp(max=1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.drawn(self.edges(images))

    def drawn(self, edges: torch.Tensor) -> torch.Tensor:
        """(n, 1, side, side) → (n, 3, side, side)."""
        skipped = []
        for layer in self.down:
            edges = layer(edges)
            skipped.append(edges)
        values = skipped.pop()
        for layer in self.up:
            values = torch.cat([layer(values), skipped.pop()], 1)
        return self.last(values)


class PatchDiscriminator(nn.Module):
    """Edges (n, 1, h, w) and images (n, 3, h, w) → for each patch the logit of "this image is real"."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        maps = [width << layer for layer in range(_JUDGING)]
        self.layers = nn.Sequential(
            *(
                _halving(before, after, normed=layer > 0)
                for layer, (before, after) in enumerate(zip([4, *maps[:-1]], maps, strict=True))
            ),
            nn.Conv2d(maps[-1], 1, 1),
        )
        self.apply(_begun)

    def forward(self, edges: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
        return self.layers(torch.cat([edges, images], 1))


def _halving(before: int, after: int, *, normed: bool) -> nn.Sequential:
    norm = [nn.BatchNorm2d(after, momentum=0.1)] if normed else []
    return nn.Sequential(nn.Conv2d(before, after, 4, 2, 1, bias=not normed), *norm, nn.LeakyReLU(SLOPE))


def _doubling(before: int, after: int, *, dropped: bool) -> nn.Sequential:
    dropout = [nn.Dropout(0.5)] if dropped else []
    return nn.Sequential(
        nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False),
        nn.BatchNorm2d(after, momentum=0.1),
        *dropout,
        nn.ReLU(),
    )


def _begun(layer: nn.Module) -> None:
    """Weights from N(0, 0.02); those of batch norms around 1, as in Isola et al."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(layer.weight, 0.0, 0.02)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    elif isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, 1.0, 0.02)
