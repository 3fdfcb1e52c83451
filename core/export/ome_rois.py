"""Decides how detections are written as OME-XML: a ROI with a rectangle for each, in px of its image (schema 2016-06)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

from core.class_colours import Colour, colour_of
from core.export.base import ExporterSpec
from core.export.captions import composition_text
from core.export.document import ExportDocument, ExportItem
from core.project import SectionRecord

_SCHEMA = "http://www.openmicroscopy.org/Schemas/OME/2016-06"


def write(document: ExportDocument, path: Path, values: Mapping[str, Any]) -> None:
    root = Element("OME", xmlns=_SCHEMA, Creator=f"Schliff {document.provenance['schliff']}")
    for section in document.sections.values():
        _image(root, section, document)
    notes = SubElement(SubElement(root, "StructuredAnnotations"), "CommentAnnotation", ID="Annotation:0")
    SubElement(notes, "Value").text = json.dumps(document.provenance)
    colours = document.hex_colours()
    for item in document.items:
        _roi(root, item, colour_of(colours[item.detection.label]))
    indent(root)
    ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _image(root: Element, section: SectionRecord, document: ExportDocument) -> None:
    """A rectangle needs an image to lie on; its pixels are where they always were."""
    image = SubElement(root, "Image", ID=f"Image:{section.id}", Name=section.name)
    sizes = {"SizeX": section.width_px, "SizeY": section.height_px, "SizeC": 1, "SizeZ": 1, "SizeT": 1}
    scale = {}
    if section.pixel_size_um is not None:
        scale = {f"PhysicalSize{axis}": repr(um) for axis, um in zip("XY", section.pixel_size_um, strict=True)}
    told = {name: str(value) for name, value in sizes.items()}
    named = {"ID": f"Pixels:{section.id}", "DimensionOrder": "XYCZT", "Type": "uint8"}
    pixels = SubElement(image, "Pixels", named | told | scale)
    SubElement(pixels, "MetadataOnly")
    for item in document.items:
        if item.detection.section_id == section.id:
            SubElement(image, "ROIRef", ID=f"ROI:{item.detection.id}")


def _roi(root: Element, item: ExportItem, rgb: Colour) -> None:
    detection = item.detection
    box = detection.box
    roi = SubElement(root, "ROI", ID=f"ROI:{detection.id}", Name=f"{detection.id} {detection.label}")
    colour = int.from_bytes(bytes((*rgb, 255)), "big", signed=True)
    where = {name: repr(float(v)) for name, v in (("X", box.x), ("Y", box.y), ("Width", box.w), ("Height", box.h))}
    named = {"ID": f"Shape:{detection.id}", "StrokeColor": str(colour), "Text": detection.label}
    SubElement(SubElement(roi, "Union"), "Rectangle", named | where)
    description = (
        f"{detection.status}, score {detection.score:.4g}, severity {detection.severity:.1f}, {detection.model}"
    )
    if composition := composition_text(item.row):
        description += f", {composition}"
    SubElement(roi, "Description").text = description


SPEC = ExporterSpec(
    id="ome-rois",
    name="OME-XML regions",
    suffix=".ome.xml",
    help="Rectangles in full-resolution px for OMERO and Bio-Formats programs.",
    write=write,
    purpose="exchange",
)
