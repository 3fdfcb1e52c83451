"""Decides which detectors there are and how each is built: torchvision's, in px of the tile, whatever a tile's size.

torchvision resizes what it is given; here a network sees tiles as they are (`TileInput`), and the boxes that one-stage
networks start from are so many px large instead of a share of the picture (`PixelBoxes`). Nothing is ever downloaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch
from torch import nn
from torchvision.models import resnet50
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator, DefaultBoxGenerator
from torchvision.models.detection.backbone_utils import mobilenet_backbone, resnet_fpn_backbone
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.ssd import SSD
from torchvision.models.detection.ssdlite import ssdlite320_mobilenet_v3_large
from torchvision.models.detection.transform import GeneralizedRCNNTransform
from torchvision.ops import MultiScaleRoIAlign, box_convert

from core.models.detector import NETWORKS
from core.models.networks.detector_maps import FlatVgg, SsdCells, SsdResNet, SsdVgg, vgg

Detector = nn.Module  # torchvision's FasterRCNN or SSD, which have no types of their own
Targets = list[dict[str, torch.Tensor]]

# Five sizes from 16 to 256 px at three ratios: 15 boxes per position (Badmos 2022, dissertation §3.10).
ANCHORS_PX = (16, 32, 64, 128, 256)
RATIOS = (0.5, 1.0, 2.0)
# Of a training image's proposals so many are learned from, a quarter of them on defects (Ren et al. 2015; Badmos 2022, §3.10).
_LOOKED_AT = 128
# Each map's anchors that may become proposals, for one proposal that is wanted: many lie on the same defect.
_ANCHORS_EACH = 5
# Narrower than 8, gradients of channels-last convolutions overwrite foreign memory (oneDNN in torch 2.14).
_SIZES = {"width": (8, 128), "blocks": (1, 4)}


@dataclass(frozen=True)
class Limits:
    """What a detector gives: boxes of at least `floor`, at most `per_tile`, of `proposals` looked at twice."""

    floor: float = 0.05
    nms_iou: float = 0.5
    per_tile: int = 300
    proposals: int = 300


class TileInput(GeneralizedRCNNTransform):
    """Takes tiles as they are: (n, 3, h, w), already normalised. Boxes come back in px of the tile."""

    def __init__(self) -> None:
        super().__init__(1, 1, [0.0], [1.0])

    def forward(self, images: torch.Tensor, targets: Targets | None = None) -> tuple[ImageList, Targets | None]:
        size = (images.shape[-2], images.shape[-1])
        return ImageList(images, [size] * len(images)), targets


class PixelBoxes(DefaultBoxGenerator):
    """SSD's default boxes (Liu et al. 2016, §2.2) with sides in px and one position per `steps_px`, for any tile size.

    Args:
        ratios: for each map, the aspect ratios beside 1.
        sides_px: of each map's boxes, and one more: the second square of a map is as large as the mean of two.
        steps_px: from one position of a map to the next.
    """

    def __init__(self, ratios: list[list[int]], sides_px: list[float], steps_px: list[int]) -> None:
        super().__init__(ratios, scales=sides_px, steps=steps_px, clip=False)

    def forward(self, image_list: ImageList, feature_maps: list[torch.Tensor]) -> list[torch.Tensor]:
        sizes = [list(one.shape[-2:]) for one in feature_maps]
        boxes = self._grid_default_boxes(sizes, [1, 1])  # a "picture" of one px: what is relative to it is in px
        boxes = box_convert(boxes, "cxcywh", "xyxy").to(feature_maps[0].device)
        return [boxes] * len(image_list.image_sizes)


class JointlyMined(SSD):
    """Hard negatives are the hardest of the whole batch: a crop without defects has some too, where SSD's have none."""

    def compute_loss(
        self,
        targets: Targets,
        head_outputs: dict[str, torch.Tensor],
        anchors: list[torch.Tensor],
        matched_idxs: list[torch.Tensor],
    ) -> dict[str, torch.Tensor]:
        """The batch as one long image."""
        first = [0, *accumulate(len(one["boxes"]) for one in targets)]
        matched = [torch.where(own >= 0, own + n, own) for own, n in zip(matched_idxs, first, strict=False)]
        return super().compute_loss(
            [{name: torch.cat([one[name] for one in targets]) for name in ("boxes", "labels")}],
            {name: values.flatten(0, 1)[None] for name, values in head_outputs.items()},
            [torch.cat(anchors)],
            [torch.cat(matched)],
        )


def build(network: Mapping[str, Any], classes: int, limits: Limits | None = None) -> Detector:
    """The network that a card's `network` describes, for `classes` and the background (class 0).

    Weights are random. Called with images (n, 3, h, w), normalised, it gives for each a dict of boxes (x0, y0, x1, y1),
    scores and labels from 1; in training, with targets of boxes and labels, its losses.
    Raises ValueError for a network this code can't build.
    """
    name = network.get("architecture")
    if name not in NETWORKS:
        raise ValueError("the card describes no detector that is known here")
    sizes = checked_sizes(network, _SIZES if name == "ssd_cells" else {}, "network")
    detector = _BUILDERS[name](classes + 1, limits or Limits(), **sizes)
    detector.transform = TileInput()
    return detector


def checked_sizes(network: Mapping[str, Any], known: Mapping[str, tuple[int, int]], where: str) -> dict[str, int]:
    """What a card's `network` says beside its architecture; `known`: least and most of each. Raises ValueError."""
    sizes = {key: value for key, value in network.items() if key != "architecture"}
    for key, value in sizes.items():
        if key not in known or type(value) is not int or not known[key][0] <= value <= known[key][1]:
            name = network["architecture"]
            raise ValueError(f"{where}.{str(key)[:50]} = {str(value)[:50]} can't be used for {name}")
    return sizes


def two_stages(limits: Limits, anchors: AnchorGenerator) -> dict[str, Any]:
    """What torchvision's detectors of two stages have in common here."""
    return {
        "rpn_anchor_generator": anchors,
        "rpn_pre_nms_top_n_test": _ANCHORS_EACH * limits.proposals,
        "rpn_post_nms_top_n_test": limits.proposals,
        "box_score_thresh": limits.floor,
        "box_nms_thresh": limits.nms_iou,
        "box_detections_per_img": limits.per_tile,
    }


# -- two stages ------------------------------------------------------------------------------------------------------


def _faster_rcnn(backbone: nn.Module, classes: int, limits: Limits, anchors: AnchorGenerator, **parts: Any) -> Detector:
    chosen = {"num_classes": classes} if "box_predictor" not in parts else {}
    given = {**two_stages(limits, anchors), **chosen, **parts}
    return FasterRCNN(backbone, box_batch_size_per_image=_LOOKED_AT, **given)


def _plain_anchors(maps: int = 1) -> AnchorGenerator:
    """All sizes on each map."""
    return AnchorGenerator((ANCHORS_PX,) * maps, (RATIOS,) * maps)


def _resnet50_plain(classes: int, limits: Limits) -> Detector:
    """One map of 16 px; the last stage looks at each proposal (He et al. 2016, "Deep residual learning", appendix A)."""
    whole = resnet50(weights=None)
    first: Any = nn.Sequential(
        whole.conv1, whole.bn1, whole.relu, whole.maxpool, whole.layer1, whole.layer2, whole.layer3
    )
    first.out_channels = 1024
    head = nn.Sequential(whole.layer4, nn.AdaptiveAvgPool2d(1), nn.Flatten(1))
    return _faster_rcnn(
        first, classes, limits, _plain_anchors(), box_roi_pool=MultiScaleRoIAlign(["0"], 14, 2), box_head=head,
        box_predictor=FastRCNNPredictor(2048, classes),
    )  # fmt: skip


def _vgg19_plain(classes: int, limits: Limits) -> Detector:
    backbone = FlatVgg(vgg("E"))
    return _faster_rcnn(
        backbone, classes, limits, _plain_anchors(), box_roi_pool=MultiScaleRoIAlign(["0"], 7, 2),
        box_head=TwoMLPHead(backbone.out_channels * 49, 1024),
    )  # fmt: skip


def _resnet50_fpn(classes: int, limits: Limits) -> Detector:
    """One size on each of five maps (Lin et al. 2017, "Feature pyramid networks", §4.1)."""
    backbone = resnet_fpn_backbone(
        backbone_name="resnet50", weights=None, norm_layer=nn.BatchNorm2d, trainable_layers=5
    )
    anchors = AnchorGenerator(tuple((size,) for size in ANCHORS_PX), (RATIOS,) * len(ANCHORS_PX))
    return _faster_rcnn(backbone, classes, limits, anchors)


def _mobilenet_fpn(classes: int, limits: Limits) -> Detector:
    backbone = mobilenet_backbone(
        backbone_name="mobilenet_v3_large", weights=None, fpn=True, norm_layer=nn.BatchNorm2d, trainable_layers=6
    )
    return _faster_rcnn(backbone, classes, limits, _plain_anchors(3))


# -- one stage -------------------------------------------------------------------------------------------------------


def _ssd_settings(limits: Limits) -> dict[str, Any]:
    """Of a box and a defect that overlap by 0.45 the box is the defect's; three hard negatives for each (SSD, §2.2)."""
    return {
        "score_thresh": limits.floor,
        "nms_thresh": limits.nms_iou,
        "detections_per_img": limits.per_tile,
        "topk_candidates": max(400, limits.per_tile),
        "iou_thresh": 0.45,
        "positive_fraction": 0.25,
    }


def _ssd(backbone: nn.Module, classes: int, limits: Limits, boxes: PixelBoxes) -> Detector:
    return JointlyMined(backbone, boxes, (512, 512), classes, **_ssd_settings(limits))


def _six_maps(first_step_px: int) -> PixelBoxes:
    return PixelBoxes(
        [[2], [2, 3], [2, 3], [2, 3], [2], [2]],
        [16.0, 32.0, 64.0, 128.0, 192.0, 256.0, 320.0],
        [first_step_px * 2**level for level in range(6)],
    )


def _ssd_vgg16(classes: int, limits: Limits) -> Detector:
    return _ssd(SsdVgg(vgg("D")), classes, limits, _six_maps(8))


def _ssd_resnet50(classes: int, limits: Limits) -> Detector:
    return _ssd(SsdResNet(resnet50(weights=None)), classes, limits, _six_maps(8))


def _ssdlite(classes: int, limits: Limits) -> Detector:
    made = ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=classes)
    sides = [24.0, 48.0, 96.0, 144.0, 192.0, 256.0, 320.0]
    boxes = PixelBoxes([[2, 3]] * 6, sides, [16 * 2**level for level in range(6)])
    return JointlyMined(made.backbone, boxes, (512, 512), classes, head=made.head, **_ssd_settings(limits))


def _ssd_cells(classes: int, limits: Limits, width: int = 24, blocks: int = 2) -> Detector:
    """On the window classifier's narrow network, whose trained weights it can start from: small, for processors."""
    boxes = PixelBoxes([[2, 3]] * 4, [16.0, 32.0, 64.0, 128.0, 256.0], [8, 16, 32, 64])
    return _ssd(SsdCells(width, blocks), classes, limits, boxes)


_BUILDERS: Mapping[str, Callable[..., Detector]] = {
    "fasterrcnn_resnet50": _resnet50_plain,
    "fasterrcnn_vgg19": _vgg19_plain,
    "fasterrcnn_resnet50_fpn": _resnet50_fpn,
    "fasterrcnn_mobilenet_v3_fpn": _mobilenet_fpn,
    "ssd_vgg16": _ssd_vgg16,
    "ssd_resnet50": _ssd_resnet50,
    "ssdlite_mobilenet_v3": _ssdlite,
    "ssd_cells": _ssd_cells,
}
