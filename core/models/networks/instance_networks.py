"""Decides which networks find parts and their outlines: torchvision's Mask R-CNN (He et al. 2017) on three backbones.

As `core.models.networks.detectors`: tiles as they are, boxes in px of the tile, nothing downloaded. Masks come as the
network gives them, 28 px over each box.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import mobilenet_backbone, resnet_fpn_backbone
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.ops import FeaturePyramidNetwork, MultiScaleRoIAlign

from core.models.instances import CELLS, MOBILENET, NETWORKS, RESNET50
from core.models.networks.detector_maps import Maps, SsdCells
from core.models.networks.detectors import (
    ANCHORS_PX,
    RATIOS,
    Detector,
    Limits,
    TileInput,
    checked_sizes,
    two_stages,
)

# Narrower than 8, gradients of channels-last convolutions overwrite foreign memory (oneDNN in torch 2.14).
SIZES = {"width": (8, 128), "blocks": (1, 4)}
# Of the light network: maps of its pyramid, neurons of what judges a box.
_PYRAMID, _NEURONS = 64, 256
_PROPOSALS_TRAINED = 128


class MaskInput(TileInput):
    """Masks stay as they are, instead of each one being drawn into a picture as large as the tile."""

    def postprocess(self, result: Any, image_shapes: Any, original_image_sizes: Any) -> Any:
        return result


class CellsPyramid(nn.Module):
    """The light detector's maps, 8 to 64 px, each told what the coarser ones see (Lin et al. 2017)."""

    out_channels = _PYRAMID

    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        self.maps = SsdCells(width, blocks)
        self.pyramid = FeaturePyramidNetwork(self.maps.out_channels, _PYRAMID)

    def forward(self, images: torch.Tensor) -> Maps:
        return self.pyramid(self.maps(images))


def build_parts(network: Mapping[str, Any], classes: int, limits: Limits | None = None) -> Detector:
    """The network that finds parts which a card's `network.parts` describes, for `classes` and the background (class 0).

    Weights are random. As `core.models.networks.detectors.build`, with masks (n, 1, 28, 28) of 0 to 1 beside the boxes;
    targets have masks (n, h, w) too. Raises ValueError for a network this code can't build.
    """
    name = network.get("architecture")
    if name not in NETWORKS:
        raise ValueError("the card describes no network for parts that is known here")
    sizes = checked_sizes(network, SIZES if name == CELLS else {}, "network.parts")
    made = _BUILDERS[name](classes + 1, limits or Limits(), **sizes)
    made.transform = MaskInput()
    return made


def _mask_rcnn(backbone: nn.Module, limits: Limits, anchors: AnchorGenerator, **parts: Any) -> Detector:
    return MaskRCNN(backbone, **two_stages(limits, anchors), **parts)


def _resnet50(classes: int, limits: Limits) -> Detector:
    backbone = resnet_fpn_backbone(
        backbone_name="resnet50", weights=None, norm_layer=nn.BatchNorm2d, trainable_layers=5
    )
    anchors = AnchorGenerator(tuple((size,) for size in ANCHORS_PX), (RATIOS,) * len(ANCHORS_PX))
    return _mask_rcnn(backbone, limits, anchors, num_classes=classes)


def _mobilenet(classes: int, limits: Limits) -> Detector:
    backbone = mobilenet_backbone(
        backbone_name="mobilenet_v3_large", weights=None, fpn=True, norm_layer=nn.BatchNorm2d, trainable_layers=6
    )
    anchors = AnchorGenerator((ANCHORS_PX,) * 3, (RATIOS,) * 3)
    # torchvision's own parts pool from maps "0" to "3", of which this backbone has two.
    names = ["0", "1"]
    return _mask_rcnn(
        backbone, limits, anchors, num_classes=classes, box_roi_pool=MultiScaleRoIAlign(names, 7, 2),
        mask_roi_pool=MultiScaleRoIAlign(names, 14, 2),
    )  # fmt: skip


def _cells(classes: int, limits: Limits, width: int = 24, blocks: int = 2) -> Detector:
    """Small, for processors; it can start from the window classifier's or the light detector's weights."""
    names = ["0", "1", "2"]
    anchors = AnchorGenerator(((16, 24), (32, 48), (64, 96), (128, 192)), (RATIOS,) * 4)
    return _mask_rcnn(
        CellsPyramid(width, blocks), limits, anchors,
        box_roi_pool=MultiScaleRoIAlign(names, 7, 2),
        box_head=TwoMLPHead(_PYRAMID * 49, _NEURONS),
        box_predictor=FastRCNNPredictor(_NEURONS, classes),
        box_batch_size_per_image=_PROPOSALS_TRAINED,
        mask_roi_pool=MultiScaleRoIAlign(names, 14, 2),
        mask_head=MaskRCNNHeads(_PYRAMID, (_PYRAMID, _PYRAMID), 1),
        mask_predictor=MaskRCNNPredictor(_PYRAMID, _PYRAMID, classes),
    )  # fmt: skip


_BUILDERS: Mapping[str, Callable[..., Detector]] = {RESNET50: _resnet50, MOBILENET: _mobilenet, CELLS: _cells}
