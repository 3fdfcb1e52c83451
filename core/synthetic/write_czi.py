"""Decides how a sample is written as CZI: one subblock per camera tile, scaling and stage in the metadata as ZEN writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from defusedxml.ElementTree import fromstring

from core.errors import ResourceError
from core.jobs import CancelToken, Progress, Step
from core.synthetic.sample import SampleSection
from core.synthetic.stage import Placement

_OBJECTIVE = "EC Epiplan-Neofluar 10x/0.25 HD DIC"


def write_czi(sample: SampleSection, path: Path, placement: Placement, progress: Progress, cancel: CancelToken) -> None:
    """Writes all tiles, then the metadata. Holds one camera tile in memory. Raises CancelledError, ResourceError."""
    from pylibCZIrw import czi

    try:
        with czi.create_czi(str(path), exist_ok=True, compression_options="zstd1:ExplicitLevel=1") as file:
            _write_tiles(sample, file, progress, cancel)
            scale = sample.pixel_size_um
            file.write_metadata(
                "Sample section", channel_names={0: "Brightfield"}, scale_x=scale * 1e-6, scale_y=scale * 1e-6
            )
        with czi.edit_czi(str(path)) as editor, editor.edit_session() as builder:
            builder.set_xml(_with_stage(builder.get_xml(), placement))
    except RuntimeError as error:
        # libCZI reports a failing disk as a RuntimeError with the system's words in it.
        raise ResourceError(
            f"it can't be written ({str(error).splitlines()[0][:120]})",
            path=path,
            remedy="Check the free space and the drive.",
        ) from error


def _write_tiles(sample: SampleSection, file: Any, progress: Progress, cancel: CancelToken) -> None:
    count = sample.grid.count
    for index in range(count * count):
        cancel.check()
        x, y, pixels = sample.render_tile(index % count, index // count)
        if not file.write(pixels[..., ::-1], location=(x, y), plane={"C": 0, "Z": 0, "T": 0}, scene=0):
            raise RuntimeError("libCZI refused a tile")
        progress(Step(index + 1, count * count, "Writing camera tiles"))


def _with_stage(xml: str, placement: Placement) -> str:
    """The metadata with the stage transform, the scene's centre and the objective put in."""
    root = fromstring(xml)
    image = _child(_child(root, "Metadata/Information"), "Image")
    stage = _child(image, "SpatialRelations/PixelToStageTransform/RotateFlipScaleTranslateImplicitScale")
    _child(stage, "Rotate").text = repr(placement.turn_deg)
    _child(stage, "Flip").attrib.update(X="false", Y="false")
    tx, ty = placement.translate_um
    _child(stage, "Translate").attrib.update(X=repr(tx), Y=repr(ty))
    scene = _child(image, "Dimensions/S/Scenes/Scene")
    scene.attrib.setdefault("Index", "0")
    scene.attrib.setdefault("Name", "TR1")
    cx, cy = placement.center_um
    _child(scene, "CenterPosition").text = f"{cx:.3f},{cy:.3f}"
    extent = placement.size_px * placement.pixel_size_um
    _child(scene, "ContourSize").text = f"{extent:.3f},{extent:.3f}"
    _child(image, "ObjectiveSettings/ObjectiveRef").attrib["Id"] = "Objective:1"
    lens = _child(_child(root, "Metadata/Information"), "Instrument/Objectives/Objective")
    lens.attrib.update(Id="Objective:1", Name=_OBJECTIVE)
    return tostring(root, encoding="unicode")


def _child(node: Element, where: str) -> Element:
    """The first element at a path below `node`, made where it isn't there."""
    for name in where.split("/"):
        found = node.find(name)
        node = SubElement(node, name) if found is None else found
    return node
