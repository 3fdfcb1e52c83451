"""Decides the network behind the window classifier: a narrow ResNet, cut so that each of its cells is 8 px.

The blocks are torchvision's (He et al. 2016, "Deep residual learning", tables 1 and eq. 1). There is no global layer
(no squeeze-and-excite, no pooling over the image): a cell depends on its surroundings only, wherever it was cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torchvision.models.resnet import BasicBlock

STRIDE_PX = 8
WIDTHS = (4, 128)
BLOCKS = (1, 4)


class ResNetCells(nn.Module):
    """Images (n, 3, h, w), normalised → logits per cell (n, classes, h / 8, w / 8); h and w multiples of 8.

    Class 0 is "no defect". The head is one 1×1 convolution, so that the mean over cells of the logits is what global
    average pooling and a linear layer would give (Zhou et al. 2016, "Learning deep features", eq. 1).
    """

    stride_px = STRIDE_PX

    def __init__(self, classes: int, width: int = 24, blocks: int = 2, dropout: float = 0.0) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, 7, 2, 3, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2, 1),
        )
        self.layer1 = _stage(width, width, blocks, 1)
        self.layer2 = _stage(width, 2 * width, blocks, 2)
        self.layer3 = _stage(2 * width, 4 * width, blocks, 1)
        self.dropout = nn.Dropout2d(dropout)
        self.head = nn.Conv2d(4 * width, classes, 1)
        self.reach_px = _reach_px(blocks)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """(n, 4·width, h / 8, w / 8), what the head weighs."""
        return self.layer3(self.layer2(self.layer1(self.stem(images))))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.dropout(self.features(images)))


def build(network: Mapping[str, Any], classes: int) -> ResNetCells:
    """The network that a card's `network` describes. Raises ValueError for one this code can't build."""
    width, blocks = network.get("width"), network.get("blocks")
    if network.get("backbone") != "resnet_cells" or type(width) is not int or type(blocks) is not int:
        raise ValueError("the card describes no network that is known here")
    if not (WIDTHS[0] <= width <= WIDTHS[1] and BLOCKS[0] <= blocks <= BLOCKS[1]):
        raise ValueError(f"width must be {WIDTHS[0]} to {WIDTHS[1]}, blocks {BLOCKS[0]} to {BLOCKS[1]}")
    return ResNetCells(classes, width, blocks)


def normalise(pixels: torch.Tensor, mean: float | torch.Tensor, deviation: float | torch.Tensor) -> torch.Tensor:
    """uint8 RGB (n, h, w, 3) → (n, 3, h, w) float32, (value / 255 − mean) / deviation; per channel for (3, 1, 1)."""
    return (pixels.permute(0, 3, 1, 2).float() / 255 - mean) / deviation


def _stage(width_in: int, width_out: int, blocks: int, stride: int) -> nn.Sequential:
    shortcut = None
    if stride != 1 or width_in != width_out:
        shortcut = nn.Sequential(nn.Conv2d(width_in, width_out, 1, stride, bias=False), nn.BatchNorm2d(width_out))
    first = BasicBlock(width_in, width_out, stride, shortcut)
    return nn.Sequential(first, *(BasicBlock(width_out, width_out) for _ in range(blocks - 1)))


def _reach_px(blocks: int) -> int:
    """How many px around its own 8 a cell may depend on, at most on each side; rounded up to whole cells."""
    reach, jump = 0, 1
    for kernel, stride, count in ((7, 2, 1), (3, 2, 1), (3, 1, 2 * blocks), (3, 2, 1), (3, 1, 4 * blocks - 1)):
        for _ in range(count):
            reach += kernel // 2 * jump
            jump *= stride
    return -(-reach // STRIDE_PX) * STRIDE_PX
