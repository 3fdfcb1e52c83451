"""Decides how Pascal VOC is read: an XML file for each image, beside it or in a folder of its own, as LabelImg writes it.

VOC counts px from 1 and both corners belong to the box (Everingham and Winn 2012, VOC development kit §4), so px `xmin` to
`xmax` cover [xmin - 1, xmax). LabelImg, which means to write the same, does not: it cuts the corners as drawn (from 0, at
the edges of px) down to whole numbers and writes 1 for 0 (`convert_points_to_bnd_box`), so that they cover [xmin, xmax).
Its files are known by their `path`. Sets in which a 0 stands are read so, too. NEU-DET says nothing of it; its corners
lie from 1 to 200 on images of 200 px, as VOC's do.

An image without an XML file was not looked at yet and is left out; `difficult` and `truncated` objects count as others.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

from core.data.files import DataFolder, class_name, files_below, number, read_xml
from core.data.gathering import Gathering
from core.data.labelled import LabelledData, Mark
from core.data.reading import DataFormat
from core.errors import InputError
from core.geometry import Box

_ROOT = "annotation"
_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_REMEDY = "It must be Pascal VOC: objects with a name and a bndbox of xmin, ymin, xmax, ymax."


@dataclass(frozen=True, slots=True)
class _Object:
    label: str
    corners: tuple[float, float, float, float]

    def mark(self, from_one: bool) -> Mark:
        x0, y0, x1, y1 = self.corners
        # LabelImg's 1 may have been a 0.
        x0, y0 = (value - 1 if from_one or value == 1 else value for value in (x0, y0))
        return Mark(self.label, Box(x0, y0, max(x1 - x0, 0.0), max(y1 - y0, 0.0)))


def _recognises(path: Path) -> bool:
    if not path.is_dir():
        return False
    folders = [path, *sorted(place for place in path.iterdir() if place.is_dir())]
    first = next((file for folder in folders for file in sorted(folder.glob("*.xml"))), None)
    return first is not None and _is_annotation(first)


def _is_annotation(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            return f"<{_ROOT}".encode() in stream.read(4096)
    except OSError:
        return False


def _read(path: Path) -> LabelledData:
    gathering, folder = Gathering(path, SPEC.id), DataFolder(path)
    read = [(file, root) for file in files_below(path, frozenset({".xml"})) if (root := read_xml(file)).tag == _ROOT]
    objects = {file: _objects(file, root) for file, root in read}
    from_zero = any(0 in one.corners[:2] for found in objects.values() for one in found)
    for file, root in read:
        name = (root.findtext("filename") or "").strip()
        picture = (folder.find(name, file) if name else None) or folder.of_stem(file.stem, file)
        if picture is None:
            gathering.missing(name or file.stem)
        elif (size := gathering.size_of(picture)) is not None:
            from_one = not from_zero and root.find("path") is None
            gathering.add(picture, size, [one.mark(from_one) for one in objects[file]], folder.side(file))
    unlabelled = len(folder.pictures) - len(read)
    if unlabelled > 0:
        gathering.note(f"{unlabelled} pictures without an XML file left out")
    return gathering.finish()


def _objects(file: Path, root: Element) -> list[_Object]:
    found = []
    for place, node in enumerate(root.findall("object"), 1):
        try:
            values = [number((node.findtext(f"bndbox/{name}") or "").strip(), name) for name in _CORNERS]
            found.append(_Object(class_name(node.findtext("name")), (values[0], values[1], values[2], values[3])))
        except ValueError as error:
            raise InputError(f"object {place}: {error}", path=file, remedy=_REMEDY) from None
    return found


SPEC = DataFormat(
    id="voc",
    name="Pascal VOC",
    hint="a folder of images with Pascal VOC XML files, as LabelImg writes them",
    rank=30,
    recognises=_recognises,
    read=_read,
)
