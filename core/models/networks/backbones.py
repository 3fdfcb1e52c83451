"""Decides which networks a window classifier can have, and that each one gives a map of logits before anything is pooled.

torchvision's networks end in global average pooling and one linear layer. A linear layer and a mean change places
without changing the result, so a 1×1 convolution comes first and the mean last (Zhou et al. 2016, "Learning deep
features", eq. 1 and 2): one pass over a tile then holds the logits of every window in it, and its class activation maps.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torchvision.models import googlenet, resnet18, resnet50
from torchvision.models.vgg import cfgs as vgg_layers
from torchvision.models.vgg import make_layers

from core.models.classifier import CELL_PX, SURROUNDINGS_PX
from core.models.networks import resnet_cells
from core.models.networks.resnet_cells import ResNetCells

IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


@dataclass(frozen=True)
class Backbone:
    """One of torchvision's networks, cut where it is pooled.

    Args:
        trunk: makes everything before the pooling, under torchvision's own names.
        channels: feature maps that leave the trunk.
        stem: how many of the trunk's first children are the stem, which is run in bands (`core.models.networks.folding`).
        stem_stride_px, stem_reach_px: px per cell of what leaves the stem; how far beyond a cell it looks at most.
        normalisation: mean and deviation per channel that torchvision's weights were trained with.
    """

    trunk: Callable[[], nn.Sequential]
    channels: int
    stem: int
    stem_stride_px: int
    stem_reach_px: int
    normalisation: tuple[list[float], list[float]] = IMAGENET


class DenseBackbone(nn.Module):
    """Images (n, 3, h, w), normalised → logits per cell (n, classes, h / 32, w / 32); h and w multiples of 32.

    Class 0 is "no defect". Beyond `reach_px` around a cell nothing changes its logits by more than rounding to half
    floats does (measured, not derived: the outermost of what such a network could see has next to no weight).
    """

    stride_px = CELL_PX
    reach_px = SURROUNDINGS_PX

    def __init__(self, backbone: Backbone, classes: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.backbone = backbone
        self.trunk = backbone.trunk()
        self.dropout = nn.Dropout2d(dropout)
        self.head = nn.Conv2d(backbone.channels, classes, 1)
        self.apply(_initialise)
        nn.init.normal_(self.head.weight, 0, 0.01)

    @property
    def stem(self) -> nn.Sequential:
        return self.trunk[: self.backbone.stem]

    @property
    def body(self) -> nn.Sequential:
        return self.trunk[self.backbone.stem :]

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """(n, channels, h / 32, w / 32), what the head weighs."""
        return self.trunk(images)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.dropout(self.features(images)))


def build(network: Mapping[str, Any], classes: int) -> ResNetCells | DenseBackbone:
    """The network that a card's `network` describes. Raises ValueError for one this code can't build."""
    name = network.get("backbone")
    if not isinstance(name, str) or name not in BACKBONES:
        return resnet_cells.build(network, classes)
    extra = sorted(str(key)[:50] for key in network.keys() - {"backbone"})
    if extra:
        raise ValueError(f"network.{extra[0]} is not known for {name}")
    return DenseBackbone(BACKBONES[name], classes)


def _resnet(make: Callable[..., nn.Module]) -> Callable[[], nn.Sequential]:
    return lambda: _without(make(weights=None), "avgpool", "fc")


def _vgg(letter: str) -> Callable[[], nn.Sequential]:
    """VGG's convolutions alone: of its fully connected layers nothing is kept, as in Zhou et al. 2016 (VGG-GAP).

    Turned into 7×7 and 1×1 convolutions they would fix the window at 224 px, have no class activation map, and hold
    nine tenths of the network's weights.
    """
    return lambda: make_layers(vgg_layers[letter])


def _googlenet() -> nn.Sequential:
    return _without(googlenet(weights=None, aux_logits=False, init_weights=False), "avgpool", "dropout", "fc")


def _without(network: nn.Module, *names: str) -> nn.Sequential:
    kept = OrderedDict((name, child) for name, child in network.named_children() if name not in names)
    return nn.Sequential(kept)


def _initialise(module: nn.Module) -> None:
    """He et al. 2015, "Delving deep into rectifiers", eq. 15, as torchvision does for its residual networks."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)


BACKBONES: Mapping[str, Backbone] = {
    "resnet18": Backbone(_resnet(resnet18), 512, 4, 4, 8),
    "resnet50": Backbone(_resnet(resnet50), 2048, 4, 4, 8),
    "vgg16": Backbone(_vgg("D"), 512, 10, 4, 8),
    "vgg19": Backbone(_vgg("E"), 512, 10, 4, 8),
    # torchvision puts its own normalisation to ImageNet's before this network: together that is 0.5 and 0.5.
    "googlenet": Backbone(_googlenet, 1024, 5, 8, 16, ([0.5] * 3, [0.5] * 3)),
}
