"""Decides how places are written into an experiment or sample-holder file (.czexp, .czsh) that the user's own ZEN saved.

ZEN's files hold much that only ZEN knows, so one of the user's is taken as a template: its single positions
(`SingleTileRegions/SingleTileRegion`, µm of the stage) are replaced, all else stays. A position of the template serves
as the pattern of all, with its focus (Z) and whatever else stands in it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ElementTree, ParseError, SubElement

from core.errors import InputError, UsageError
from core.export.base import ExporterSpec
from core.export.document import ExportDocument
from core.export.driving import ORDER, Place, places_of
from core.parameters import Parameter

_MAX_BYTES = 64 << 20
_LIST, _ONE = "SingleTileRegions", "SingleTileRegion"
_REMEDY = "In ZEN, set up one position (Tiles, Positions) and save the experiment; name that file as the template."


def write(document: ExportDocument, path: Path, values: Mapping[str, Any]) -> None:
    """Raises UsageError without a template, InputError for one that ZEN didn't save."""
    if not values["template"]:
        raise UsageError("a template is missing", remedy=_REMEDY)
    tree = _template(Path(values["template"]))
    positions = next(tree.iter(_LIST), None)
    if positions is None:
        raise InputError("it holds no list of positions", path=values["template"], remedy=_REMEDY)
    patterns = positions.findall(_ONE)
    for one in patterns:
        positions.remove(one)
    positions.extend(_positions(places_of(document, values["order"]), patterns[0] if patterns else None))
    ElementTree(tree).write(path, encoding="utf-8", xml_declaration=True)


def _positions(places: list[Place], pattern: Element | None) -> Iterator[Element]:
    for number, place in enumerate(places, 1):
        one = copy.deepcopy(pattern) if pattern is not None else Element(_ONE)
        one.set("Name", f"{place.name} {place.kind}")
        one.set("Id", str(number))
        for name, text in (("X", f"{place.x_um:.3f}"), ("Y", f"{place.y_um:.3f}"), ("IsUsedForAcquisition", "true")):
            child = one.find(name)
            (child if child is not None else SubElement(one, name)).text = text
        yield one


def _template(path: Path) -> Element:
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import parse

    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError("a template of more than 64 MB", path=path, remedy=_REMEDY)
        root: Element = parse(path, forbid_dtd=True).getroot()
        return root
    except OSError as error:
        raise InputError(f"can't be read ({error.strerror or error})", path=path, remedy=_REMEDY) from None
    except (ParseError, DefusedXmlException, ValueError):
        raise InputError("it is not an XML file that ZEN saved", path=path, remedy=_REMEDY) from None


SPEC = ExporterSpec(
    id="zen",
    name="ZEN positions (.czexp, .czsh)",
    suffix=".czexp",
    help="Positions in stage µm, put into a file that your own ZEN saved.",
    write=write,
    purpose="drive",
    frames=("stage",),
    parameters=(
        Parameter(
            "template", str, "", "an experiment or sample holder saved by your ZEN", offers=(("", "none chosen"),)
        ),
        ORDER,
    ),
    names_sources=False,
)
