"""Decides how a network that finds parts is judged while it learns."""

from __future__ import annotations

from collections.abc import Sequence

from core.average_precision import mean_average_precision
from core.jobs import CancelToken
from core.models.base import ModelSpec
from core.models.networks.detectors import Detector
from core.models.networks.instance_model import InstanceModel
from core.train.best_state import Measured
from core.train.instances_quality import findings, look_at, matched, mean_overlap
from core.train.regions import LabelledSection

PARTS = "parts"


def measure_parts(
    network: Detector,
    spec: ModelSpec,
    sections: Sequence[LabelledSection],
    names: Sequence[str],
    cancel: CancelToken,
) -> Measured[None]:
    """Of equal precision, better outlines count.

    `names`: of the classes from 1; what comes after the spec's labels has no defect. Raises CancelledError.
    """
    cancel.check()
    model = InstanceModel(spec, network, None, next(network.parameters()).device)
    pictures = look_at(model, sections, names)
    found = findings(pictures, names, 0.0)
    pairs = [(m, f) for picture in pictures for m, f in matched(picture) if f is not None]
    figures = {
        "map50": round(mean_average_precision(found.found, found.marked, 0.5), 4),
        "mask_iou": mean_overlap(pairs) or 0.0,
    }
    return Measured((figures["map50"], figures["mask_iou"]), figures, None)
