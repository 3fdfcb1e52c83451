"""Decides what a TIFF says about its scale, stage, channels and optics, and which of that is worth believing."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.frames import DISAGREEMENT_WORTH_A_WARNING_UM, NO_STAGE, StageTransform
from core.readers.parsing import number, parse_xml
from core.readers.scale import believable_resolution, sane_size, to_um
from core.readers.sem_tags import fei_pixel_size, fei_state, zeiss_pixel_size, zeiss_state
from core.section_info import SemState

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


@dataclass(frozen=True, slots=True)
class TiffMetadata:
    """What of a TIFF's texts and tags Schliff uses. Everything may be absent."""

    pixel_size_um: tuple[float, float] | None = None
    stage: StageTransform = NO_STAGE
    channel_names: tuple[str, ...] = ()
    objective: str | None = None
    acquired: str | None = None
    warnings: tuple[str, ...] = ()
    sem: SemState | None = None


def read_metadata(tiff: Any, page: Any, size_px: tuple[int, int]) -> TiffMetadata:
    """OME-XML where there is some; else the instrument's own tags; else a plausible TIFF resolution."""
    if tiff.is_ome:
        found = _from_ome(tiff.ome_metadata, size_px)
        if found is not None:
            return found
    acquired = page.tags.get("DateTime")
    size = _from_instrument(tiff) or _from_resolution(page, tiff)
    when = str(acquired.value) if acquired is not None and acquired.value else None
    return TiffMetadata(size, sem=_sem_state(tiff), acquired=when)


def _from_ome(xml: str | None, size_px: tuple[int, int]) -> TiffMetadata | None:
    root = parse_xml((xml or "").encode())
    image = _find(root, "Image")
    pixels = _find(image, "Pixels")
    if root is None or image is None or pixels is None:
        return None
    x, y = (
        to_um(number(pixels.get(f"PhysicalSize{axis}")), pixels.get(f"PhysicalSize{axis}Unit") or "µm") for axis in "XY"
    )
    pixel_size = sane_size(x, y)
    objective = _find(root, "Instrument/Objective")
    lens = None if objective is None else objective.get("Model") or objective.get("NominalMagnification")
    stage, warnings = _ome_stage(pixels, pixel_size, size_px)
    names = tuple(c.get("Name") or "" for c in pixels.findall("{*}Channel"))
    acquired = image.findtext("{*}AcquisitionDate")
    return TiffMetadata(pixel_size, stage, names, lens, acquired, warnings)


def _ome_stage(
    pixels: Element, pixel_size: tuple[float, float] | None, size_px: tuple[int, int]
) -> tuple[StageTransform, tuple[str, ...]]:
    """Plane PositionX/Y is taken as the position of the image's middle (the schema leaves it open); the first plane's."""
    planes = [one for one in pixels.findall("{*}Plane") if one.get("PositionX") and one.get("PositionY")]
    if not planes:
        return NO_STAGE, ()
    known = [place for one in planes if (place := _plane_position(one)) is not None]
    if len(known) < len(planes):
        return NO_STAGE, ("Its stage position has no unit of length and was not used.",)
    if pixel_size is None:
        return NO_STAGE, ("Its stage position can't be used without a pixel size.",)
    (x, y), (sx, sy) = known[0], pixel_size
    affine = ((sx, 0.0, x - sx * size_px[0] / 2), (0.0, sy, y - sy * size_px[1] / 2))
    apart = max(math.dist(place, known[0]) for place in known)
    warnings: tuple[str, ...] = ()
    if apart > DISAGREEMENT_WORTH_A_WARNING_UM:
        warnings = (f"The stage positions of its planes are up to {apart:.1f} µm apart; the first plane's is used.",)
    return StageTransform("ome_plane", affine, disagreement_um=apart if len(known) > 1 else None), warnings


def _plane_position(plane: Element) -> tuple[float, float] | None:
    """µm, or None where the unit is no length ("reference frame", which is what none means)."""
    x, y = (to_um(number(plane.get(f"Position{axis}")), plane.get(f"Position{axis}Unit")) for axis in "XY")
    return None if x is None or y is None else (x, y)


def _find(node: Element | None, path: str) -> Element | None:
    """The first match in any namespace."""
    return None if node is None else node.find("/".join(f"{{*}}{name}" for name in path.split("/")))


def _from_instrument(tiff: Any) -> tuple[float, float] | None:
    """Pixel size from the tags of Zeiss and FEI electron microscopes, Olympus SIS and Aperio."""
    sizes = []
    for finder in (_sem, _sis, _aperio):
        try:
            sizes.append(finder(tiff))
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            sizes.append(None)
    return next((s for s in sizes if s is not None and sane_size(*s)), None)


def _sem_state(tiff: Any) -> SemState | None:
    """How a Zeiss or FEI microscope stood; None for files of anything else."""
    try:
        return zeiss_state(tiff.sem_metadata or {}) or fei_state(tiff.fei_metadata or {})
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        return None


def _sem(tiff: Any) -> tuple[float, float] | None:
    return zeiss_pixel_size(tiff.sem_metadata or {}) or fei_pixel_size(tiff.fei_metadata or {})


def _sis(tiff: Any) -> tuple[float, float] | None:
    tags = tiff.sis_metadata or {}
    return (float(tags["pixelsizex"]) * 1e6, float(tags["pixelsizey"]) * 1e6) if "pixelsizex" in tags else None


def _aperio(tiff: Any) -> tuple[float, float] | None:
    found = re.search(r"\|\s*MPP\s*=\s*([0-9.]+)", tiff.pages[0].description or "")
    return (float(found[1]), float(found[1])) if found else None


def _from_resolution(page: Any, tiff: Any) -> tuple[float, float] | None:
    """Pixels per unit, with ImageJ's own unit where it has one; screen and printer resolutions mean nothing here."""
    x, y = page.tags.get("XResolution"), page.tags.get("YResolution")
    if x is None or y is None:
        return None
    per_unit = [_ratio(tag.value) for tag in (x, y)]
    if None in per_unit:
        return None
    imagej = str((tiff.imagej_metadata or {}).get("unit", "")) if tiff.is_imagej else ""
    tag = page.tags.get("ResolutionUnit")
    unit = imagej or {2: "inch", 3: "cm"}.get(int(tag.value) if tag is not None else 2, "")
    sizes = [to_um(1.0 / p, unit) for p in per_unit if p]
    return sane_size(*sizes) if imagej else believable_resolution(*sizes)


def _ratio(value: Any) -> float | None:
    try:
        top, bottom = value
        return float(top) / float(bottom) if float(top) > 0 and float(bottom) > 0 else None
    except (TypeError, ValueError):
        return None
