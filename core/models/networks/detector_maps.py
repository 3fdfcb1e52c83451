"""Decides which feature maps the detectors look at where torchvision has no backbone for them.

Maps come in an ordered dict, finest first, each half as fine as the one before.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import torch
from torch import nn
from torchvision.models import ResNet
from torchvision.models.detection.ssd import SSDFeatureExtractorVGG
from torchvision.models.vgg import cfgs as vgg_layers
from torchvision.models.vgg import make_layers

from core.models.networks.resnet_cells import ResNetCells

Maps = OrderedDict[str, torch.Tensor]


class FlatVgg(nn.Module):
    """VGG up to its last convolution: one map of 16 px (Simonyan and Zisserman 2015; Ren et al. 2015, §3.1)."""

    out_channels = 512

    def __init__(self, features: nn.Sequential) -> None:
        super().__init__()
        self.features = features[:-1]

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.features(images)


class SsdVgg(SSDFeatureExtractorVGG):
    """torchvision's maps of VGG-16 with its names and weights; the last two are halved instead of cut at the edges.

    torchvision's are made for 300 px. Without padding their positions lie elsewhere in a tile of another size.
    """

    def __init__(self, features: nn.Sequential) -> None:
        super().__init__(features, False)
        for block in self.extra[3:]:
            block[2].stride, block[2].padding = (2, 2), (1, 1)
        self.out_channels = [512, 1024, 512, 256, 256, 256]


class SsdResNet(nn.Module):
    """ResNet's stages from 8 px on, and three more: six maps."""

    def __init__(self, resnet: ResNet, channels: int = 256) -> None:
        super().__init__()
        self.stem = nn.Sequential(resnet.conv1, resnet.bn1, resnet.relu, resnet.maxpool, resnet.layer1)
        self.layer2, self.layer3, self.layer4 = resnet.layer2, resnet.layer3, resnet.layer4
        self.extra = nn.ModuleList([halved(2048, channels), halved(channels, channels), halved(channels, channels)])
        self.out_channels = [512, 1024, 2048, channels, channels, channels]

    def forward(self, images: torch.Tensor) -> Maps:
        return chain(self.stem(images), [self.layer2, self.layer3, self.layer4, *self.extra])


class SsdCells(nn.Module):
    """The window classifier's features of 8 px, and three coarser maps."""

    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        cells: Any = ResNetCells(1, width, blocks)
        cells.head = nn.Identity()
        self.cells = cells
        fine, coarse = 4 * width, 6 * width
        self.extra = nn.ModuleList([halved(fine, coarse), halved(coarse, coarse), halved(coarse, coarse)])
        self.out_channels = [fine, coarse, coarse, coarse]

    def forward(self, images: torch.Tensor) -> Maps:
        return chain(self.cells.features(images), [nn.Identity(), *self.extra])


def vgg(letter: str) -> nn.Sequential:
    """The convolutions of VGG-16 ("D") or VGG-19 ("E"), as torchvision starts them."""
    layers = make_layers(vgg_layers[letter])
    for layer in layers:
        if isinstance(layer, nn.Conv2d) and layer.bias is not None:
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    return layers


def chain(start: torch.Tensor, stages: list[nn.Module]) -> Maps:
    """What each stage makes of the one before."""
    maps: Maps = OrderedDict()
    for number, stage in enumerate(stages):
        start = stage(start)
        maps[str(number)] = start
    return maps


def halved(channels_in: int, channels_out: int) -> nn.Sequential:
    """One map more, half as fine: squeezed, then looked at with a stride of 2 (SSD, figure 2)."""
    between = channels_out // 2
    return nn.Sequential(
        nn.Conv2d(channels_in, between, 1, bias=False),
        nn.BatchNorm2d(between),
        nn.ReLU(inplace=True),
        nn.Conv2d(between, channels_out, 3, 2, 1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(inplace=True),
    )
