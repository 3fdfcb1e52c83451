"""Decides what a place looks like to a feature memory: what a frozen network's middle layers say of it and its neighbours.

As in PatchCore (Roth et al. 2022, "Towards total recall in industrial anomaly detection", §3.1): two layers that are neither
edges nor classes, each averaged over 3 × 3 of its cells, the coarser one interpolated to the cells of the finer one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from core.models.networks.backbones import BACKBONES, DenseBackbone
from core.models.networks.computing import Network
from core.models.networks.resnet_cells import ResNetCells


@dataclass(frozen=True)
class Taps:
    """Which children of a network's trunk are listened to, the finer one first, of cells of `FINE_PX` and `coarse_px`.

    `reach_px`: how far beyond a cell of the finer one the pair looks at most, averaging and interpolation included.
    """

    fine: str
    coarse: str
    coarse_px: int
    reach_px: int


FINE_PX = 8
TAPS: Mapping[str, Taps] = {
    "resnet18": Taps("layer2", "layer3", 16, 137),
    "resnet50": Taps("layer2", "layer3", 16, 165),
    "vgg16": Taps("22", "29", 16, 122),
    "vgg19": Taps("26", "35", 16, 150),
    "googlenet": Taps("inception3b", "inception4e", 16, 149),
}


class LocalFeatures(nn.Module):
    """Images (n, 3, h, w), normalised → (n, channels, h / 8, w / 8); h and w multiples of `coarse_px`.

    A copy of what it needs of a network, in which nothing learns any more.
    """

    stride_px = FINE_PX

    def __init__(self, network: Network) -> None:
        super().__init__()
        trunk, self.taps = _listened(network)
        children = OrderedDict(trunk.named_children())
        names = list(children)
        at_fine, at_coarse = names.index(self.taps.fine), names.index(self.taps.coarse)
        self.fine = nn.Sequential(OrderedDict((name, children[name]) for name in names[: at_fine + 1]))
        self.coarse = nn.Sequential(OrderedDict((name, children[name]) for name in names[at_fine + 1 : at_coarse + 1]))
        self.eval().requires_grad_(False)

    @property
    def halo_px(self) -> int:
        """`reach_px` in whole cells of the coarser layer, so that a tile with its halo begins on its grid."""
        return -(-self.taps.reach_px // self.taps.coarse_px) * self.taps.coarse_px

    @property
    def channels(self) -> int:
        with torch.no_grad():
            return self(torch.zeros(1, 3, 64, 64, device=next(self.parameters()).device)).shape[1]

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        fine = self.fine(images)
        coarse = _averaged(self.coarse(fine))
        if self.taps.coarse_px != FINE_PX:
            coarse = functional.interpolate(coarse, fine.shape[-2:], mode="bilinear", align_corners=False)
        return torch.cat([_averaged(fine), coarse], 1)


def _listened(network: Network) -> tuple[nn.Module, Taps]:
    if isinstance(network, ResNetCells):
        return network, Taps("layer2", "layer3", FINE_PX, network.reach_px + FINE_PX)
    if isinstance(network, DenseBackbone):
        name = next(name for name, backbone in BACKBONES.items() if backbone is network.backbone)
        return network.trunk, TAPS[name]
    raise TypeError(type(network).__name__)


def _averaged(features: torch.Tensor) -> torch.Tensor:
    """Over 3 × 3 cells, at the edge over those there are."""
    return functional.avg_pool2d(features, 3, 1, 1, count_include_pad=False)
