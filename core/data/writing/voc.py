"""Decides how a training set is written as Pascal VOC: an XML file in `Annotations` for each picture in `JPEGImages`.

Px count from 1 and both corners belong to the box (VOC development kit §4), so boxes are widened to whole px.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

from core.data.labelled import Mark
from core.data.writing.base import DataWriter, WrittenTile


def _write(folder: Path, tiles: Sequence[WrittenTile], labels: Sequence[str]) -> None:
    (folder / "Annotations").mkdir()
    for one in tiles:
        root = Element("annotation")
        _texts(root, folder="JPEGImages", filename=one.file)
        _texts(SubElement(root, "source"), database="Schliff", image=one.group)
        _texts(SubElement(root, "size"), width=round(one.tile.box.w), height=round(one.tile.box.h), depth=3)
        _texts(root, segmented=0)
        for mark in one.tile.marks:
            _object(root, mark.mark)
        indent(root)
        ElementTree(root).write((folder / "Annotations" / one.file).with_suffix(".xml"), "utf-8")


def _object(root: Element, mark: Mark) -> None:
    found, box = SubElement(root, "object"), mark.box
    _texts(found, name=mark.label, pose="Unspecified", truncated=0, difficult=0)
    corners = {
        "xmin": math.floor(box.x) + 1, "ymin": math.floor(box.y) + 1, "xmax": math.ceil(box.x1), "ymax": math.ceil(box.y1),
    }  # fmt: skip
    _texts(SubElement(found, "bndbox"), **corners)


def _texts(parent: Element, **values: str | int) -> None:
    for name, value in values.items():
        SubElement(parent, name).text = str(value)


SPEC = DataWriter(id="voc", name="Pascal VOC", pictures="JPEGImages", hides_unknown=True, write=_write)
