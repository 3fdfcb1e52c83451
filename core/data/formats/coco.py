"""Decides how COCO is read: one JSON file with images, categories and annotations, and the images it names.

Boxes are x, y, width, height in px, continuous, from the top left (Lin et al. 2014; cocodataset.org, "Data format"). Of an
annotation with several polygons the largest is its outline. `iscrowd`: many objects at once, so nothing can be learnt
there: the place is not known. In a folder, files and folders called val or valid are validated on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.data.files import DataFolder, class_name, number, read_json, side_of
from core.data.gathering import Gathering, outlined
from core.data.labelled import LabelledData, Mark
from core.data.outlining import marks_of
from core.data.reading import DataFormat
from core.data.rle import decode
from core.errors import InputError
from core.geometry import Box
from core.measure import area

_PLACES = frozenset({"annotations", "annotation", "train", "val", "valid", "test"})
_KEYS = (b'"images"', b'"annotations"', b'"categories"')
_PEEK = 64 << 10
_REMEDY = "It must be COCO: images, categories and annotations with bbox or segmentation."
_SEVERAL = "of annotations with several outlines the largest counts"


def _recognises(path: Path) -> bool:
    return bool(_files(path))


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if path.suffix.lower() == ".json" else []
    places = [path, *sorted(p for p in path.iterdir() if p.name.lower() in _PLACES and p.is_dir())]
    return [file for place in places for file in sorted(place.glob("*.json")) if _is_coco(file)]


def _is_coco(file: Path) -> bool:
    """By what stands at its beginning and its end, since such files are large."""
    try:
        with file.open("rb") as stream:
            text = stream.read(_PEEK)
            stream.seek(max(0, file.stat().st_size - _PEEK))
            text += stream.read(_PEEK)
    except OSError:
        return False
    return sum(key in text for key in _KEYS) >= 2


def _read(path: Path) -> LabelledData:
    root = path if path.is_dir() else path.parent
    if path.is_file() and root.name.lower().startswith("annotation"):
        root = root.parent
    gathering = Gathering(path, SPEC.id)
    folder = DataFolder(root)
    for file in _files(path):
        _add(file, gathering, folder)
    return gathering.finish()


def _add(file: Path, gathering: Gathering, folder: DataFolder) -> None:
    content = read_json(file)
    images, categories, annotations = (_rows(content, name, file) for name in ("images", "categories", "annotations"))
    where = "categories"
    try:
        names = {row["id"]: class_name(row["name"]) for row in categories}
        gathering.declared.update(names.values())
        of_image: dict[Any, list[Mapping[str, Any]]] = defaultdict(list)
        known = {row["id"] for row in images}
        for place, row in enumerate(annotations):
            where = f"annotations[{place}]"
            if row["image_id"] not in known:
                raise ValueError(f"no image has the id {row['image_id']!r}")
            if row["category_id"] not in names:
                raise ValueError(f"no category has the id {row['category_id']!r}")
            of_image[row["image_id"]].append({**row, "at": where})
        for place, row in enumerate(images):
            where = f"images[{place}]"
            name = str(row["file_name"])
            picture = folder.find(name, file)
            if picture is None:
                gathering.missing(name)
            elif (size := gathering.size_of(picture)) is not None:
                marks, crowds = [], []
                for annotation in of_image[row["id"]]:
                    where = annotation["at"]
                    box, outline = _place(annotation, size, gathering)
                    if annotation.get("iscrowd"):
                        crowds.append(box)
                    else:
                        marks.append(Mark(names[annotation["category_id"]], box, outline))
                side = side_of(file.stem) or folder.side(file)
                gathering.add(picture, size, marks, side, crowds)
    except KeyError as error:
        raise InputError(f"{where}: it has no {error}", path=file, remedy=_REMEDY) from None
    except (ValueError, TypeError) as error:
        raise InputError(f"{where}: {error}", path=file, remedy=_REMEDY) from None


def _rows(content: Any, name: str, file: Path) -> list[Mapping[str, Any]]:
    rows = content.get(name) if isinstance(content, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(f"it has no list called {name!r}", path=file, remedy=_REMEDY)
    return rows


def _place(
    annotation: Mapping[str, Any], size: tuple[int, int], gathering: Gathering
) -> tuple[Box, tuple[tuple[float, float], ...]]:
    """The box and the outline (() where there is none); `size`: of the picture. Raises ValueError."""
    parts = _outlines(annotation.get("segmentation"), size)
    if len(parts) > 1:
        gathering.note(_SEVERAL)
    largest = max(parts, key=lambda part: area(list(part.outline)), default=None)
    outline = () if largest is None else largest.outline
    if annotation.get("bbox"):
        x, y, w, h = (number(value, "a value of bbox") for value in annotation["bbox"])
        return Box(x, y, max(w, 0.0), max(h, 0.0)), outline
    if not parts:
        raise ValueError("it has neither a bbox nor a segmentation")
    around = parts[0].box
    for part in parts[1:]:
        around = around.union(part.box)
    return around, outline


def _outlines(segmentation: Any, size: tuple[int, int]) -> list[Mark]:
    if isinstance(segmentation, Mapping):
        height, width = (int(number(value, "the size of a mask")) for value in segmentation["size"])
        if (width, height) != size:
            raise ValueError(f"a mask of {width} × {height} px for a picture of {size[0]} × {size[1]} px")
        return marks_of(decode(segmentation["counts"], height, width), "")
    parts = []
    for polygon in segmentation or ():
        values = [number(value, "a corner of a segmentation") for value in polygon]
        if len(values) % 2 or len(values) < 6:
            raise ValueError(f"a polygon of {len(values)} numbers")
        parts.append(outlined("", list(zip(values[::2], values[1::2], strict=True))))
    return parts


SPEC = DataFormat(
    id="coco",
    name="COCO",
    hint="a COCO JSON file, or a folder with one and its images",
    rank=10,
    recognises=_recognises,
    read=_read,
)
