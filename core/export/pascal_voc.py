"""Decides how detections of one section are written as Pascal VOC: whole px, corners as LabelImg writes them.

That is [xmin, xmax) counted from 0, with 1 in place of 0 (`core.data.formats.voc` reads them so, too).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

from core.export.base import ExporterSpec
from core.export.document import ExportDocument
from core.export.driving import only_section


def write(document: ExportDocument, path: Path, values: Mapping[str, Any]) -> None:
    """A box covers every px it touches: [x, x + w) in continuous px becomes floor(x) to ceil(x + w)."""
    section_id = only_section(document, "a Pascal VOC file")
    root = Element("annotation")
    if section_id is not None:
        section = document.sections[section_id]
        _texts(root, folder=section.path.parent.name, filename=section.name, path=str(section.path))
        _texts(SubElement(root, "source"), database="Schliff", annotation=", ".join(document.models))
        _texts(SubElement(root, "size"), width=section.width_px, height=section.height_px, depth=3)
        for item in document.items:
            box = item.detection.box
            told = SubElement(root, "object")
            _texts(told, name=item.detection.label, pose="Unspecified", truncated=0, difficult=0)
            low = {"xmin": max(math.floor(box.x), 1), "ymin": max(math.floor(box.y), 1)}
            high = {"xmax": min(math.ceil(box.x1), section.width_px), "ymax": min(math.ceil(box.y1), section.height_px)}
            _texts(SubElement(told, "bndbox"), **low, **high)
    indent(root)
    ElementTree(root).write(path, encoding="utf-8")


def _texts(parent: Element, **values: str | int) -> None:
    for name, value in values.items():
        SubElement(parent, name).text = str(value)


SPEC = ExporterSpec(
    id="pascal-voc",
    name="Pascal VOC",
    suffix=".xml",
    help="Boxes of one section in whole px, as LabelImg reads and writes them.",
    write=write,
    purpose="exchange",
    names_sources=False,
)
