"""Decides what a CZI's XML says about scale, scenes, channels and optics. Where pixels lie on the stage: `czi_stage`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.frames import StageMarker, StageSession
from core.readers.parsing import number, parse_xml
from core.readers.sem_tags import czi_state
from core.section_info import SemState

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_IMAGE = "Metadata/Information/Image"
_APPLIANCES = "Metadata/Appliances/Appliance"


@dataclass(frozen=True, slots=True)
class PixelToStage:
    """PixelToStageTransform as written: degrees, flags, µm."""

    rotate_deg: float
    flip_x: bool
    flip_y: bool
    translate_um: tuple[float, float]

    @property
    def mirrors(self) -> bool:
        """Whether one axis is flipped; both together are half a turn, whichever is which."""
        return self.flip_x != self.flip_y


@dataclass(frozen=True, slots=True)
class SceneText:
    """A scene as the XML has it; `center_um` is the stage position of the middle of its bounding box."""

    name: str = ""
    center_um: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class CziMetadata:
    """What of the XML Schliff uses. Everything may be absent."""

    pixel_size_um: tuple[float, float] | None = None
    pixel_to_stage: PixelToStage | None = None
    session: StageSession | None = None
    markers: tuple[StageMarker, ...] = ()
    sem: SemState | None = None
    scenes: dict[int, SceneText] = field(default_factory=dict)
    channel_names: tuple[str, ...] = ()
    objective: str | None = None
    acquired: str | None = None


def parse_metadata(xml: bytes) -> CziMetadata | None:
    """None where the XML can't be parsed; an empty record where there is none."""
    if not xml:
        return CziMetadata()
    root = parse_xml(xml)
    if root is None:
        return None
    return CziMetadata(
        pixel_size_um=_pixel_size(root),
        pixel_to_stage=_pixel_to_stage(root),
        session=_session(root),
        markers=_markers(root),
        sem=czi_state(root.find(f"{_APPLIANCES}[@Id='SEM:1']/Data/SEMData/Parameters")),
        scenes=_scenes(root),
        channel_names=_channel_names(root),
        objective=_objective(root),
        acquired=_text(root, f"{_IMAGE}/AcquisitionDateAndTime")
        or _text(root, "Metadata/Information/Document/CreationDate"),
    )


def _pixel_size(root: Element) -> tuple[float, float] | None:
    """µm per px; metres in the file. Zero or absurd values (outside 0.1 nm to 10 mm) mean "not calibrated"."""
    sizes = []
    for axis in ("X", "Y"):
        metres = number(_text(root, f"Metadata/Scaling/Items/Distance[@Id='{axis}']/Value"))
        if metres is None or not 1e-10 <= metres <= 1e-2:
            return None
        sizes.append(float(f"{metres * 1e6:.12g}"))
    return sizes[0], sizes[1]


def _pixel_to_stage(root: Element) -> PixelToStage | None:
    node = root.find(f"{_IMAGE}/SpatialRelations/PixelToStageTransform/RotateFlipScaleTranslateImplicitScale")
    translate = node.find("Translate") if node is not None else None
    if node is None or translate is None:
        return None
    tx, ty = number(translate.get("X")), number(translate.get("Y"))
    if tx is None or ty is None:
        return None
    flip = node.find("Flip")
    flags = [flip is not None and flip.get(axis, "").strip().lower() in ("true", "1") for axis in ("X", "Y")]
    return PixelToStage(number(node.findtext("Rotate")) or 0.0, flags[0], flags[1], (tx, ty))


def _session(root: Element) -> StageSession | None:
    node = root.find(f"{_IMAGE}/Session")
    if node is None or not node.get("SessionId"):
        return None
    return StageSession(*(node.get(key) or "" for key in ("SessionId", "SessionName", "SessionCreation")))


def _markers(root: Element) -> tuple[StageMarker, ...]:
    """Those of Shuttle & Find; none where the holder was not calibrated: then all lie at 0, 0."""
    found = []
    for appliance in root.findall(_APPLIANCES):
        if not (appliance.get("Id") or "").startswith("ShuttleAndFind:"):
            continue
        for order, node in enumerate(appliance.findall("Data/ShuttleAndFindData/Calibration/Markers/Marker"), 1):
            x, y = number(node.get("StageXPosition")), number(node.get("StageYPosition"))
            if x is not None and y is not None:
                found.append(StageMarker(node.get("Id") or f"Marker:{order}", x, y))
    return tuple(found) if len({(one.x_um, one.y_um) for one in found}) > 1 else ()


def _scenes(root: Element) -> dict[int, SceneText]:
    scenes = {}
    for order, scene in enumerate(root.findall(f"{_IMAGE}/Dimensions/S/Scenes/Scene")):
        index = number(scene.get("Index"))
        parts = [number(part) for part in (scene.findtext("CenterPosition") or "").split(",")]
        center = (parts[0], parts[1]) if len(parts) == 2 and parts[0] is not None and parts[1] is not None else None
        scenes[order if index is None else int(index)] = SceneText(scene.get("Name") or "", center)
    return scenes


def _channel_names(root: Element) -> tuple[str, ...]:
    image = root.findall(f"{_IMAGE}/Dimensions/Channels/Channel")
    shown = root.findall("Metadata/DisplaySetting/Channels/Channel")
    names = [channel.get("Name") or "" for channel in image]
    for index, channel in enumerate(shown[: len(names)]):
        names[index] = names[index] or channel.get("Name") or ""
    return tuple(names)


def _objective(root: Element) -> str | None:
    wanted = root.find(f"{_IMAGE}/ObjectiveSettings/ObjectiveRef")
    objectives = root.findall("Metadata/Information/Instrument/Objectives/Objective")
    used = [o for o in objectives if wanted is not None and o.get("Id") == wanted.get("Id")] or objectives
    names = [o.get("Name") or (o.findtext("Manufacturer/Model") or "").strip() for o in used]
    scaled = _text(root, "Metadata/Scaling/AutoScaling/ObjectiveName")
    return next((name for name in names if name), scaled)


def _text(root: Element, where: str) -> str | None:
    return (root.findtext(where) or "").strip() or None
