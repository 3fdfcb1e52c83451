"""Decides what else is said of a model of instances: how well its parts are outlined, and what each was called.

instances   marked, found, too_many; mask_iou: mean over parts that were found; confusion (`core.train.instances_quality`)

A scan keeps no parts without a defect, so in the confusion such ones stand as not found.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.data.labelled import LabelledPicture
from core.detection import Detection
from core.evaluation.asking import is_known
from core.models.base import ModelSpec
from core.models.instances import no_defect_of
from core.train.instances_quality import Part, Pictured, part_figures, ring_of


def instance_figures(
    spec: ModelSpec, pictures: Sequence[LabelledPicture], found: Sequence[Sequence[Detection]]
) -> dict[str, Any]:
    """The figures by the name "instances"; none for other models. What lies where nothing is known, and classes that the
    model doesn't know, are left out."""
    if spec.family != "instances":
        return {}
    no_defect = no_defect_of(spec)
    names = (*spec.labels, *((no_defect,) if no_defect else ()))
    seen = [
        Pictured(
            tuple(
                Part(m.label, m.box, m.outline or ring_of(m.box))
                for m in picture.marks
                if m.label in names and is_known(m.box, picture.known)
            ),
            tuple(Part(d.label, d.box, d.outline, d.score) for d in here),
        )
        for picture, here in zip(pictures, found, strict=True)
    ]
    return {"instances": part_figures(seen, names, no_defect)}
