"""Decides how masks are read: for each image a second one of the same size that shows which px are marked.

A mask is known by its name (`NAME_mask.png`, `NAME_label.bmp`), by its folder (`images` and `masks`, `img` and `ann`,
`train` and `train_annot`), or as the PNG, BMP or TIFF beside a JPEG of the same name. Each connected part is one mark.

Where all masks together hold at most 16 values, each value but 0 is a class, named in `classes.txt` (a line for each,
`VALUE NAME`). With one value only, or with more than 16 (edges that were smoothed or compressed), px above 127, or above
half of the largest value, are marked, and their class is the name of the folder they are in, else "defect". An image
without a mask was not looked at and is left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.data.files import DataFolder, class_name, read_text
from core.data.gathering import Gathering
from core.data.labelled import LabelledData
from core.data.outlining import marks_of
from core.data.reading import DataFormat
from core.errors import InputError
from core.readers.base import open_section
from core.section import Plane, RegionRequest

_NAME_ENDS = ("_mask", "_masks", "_label", "_labels", "_gt", "_ground_truth", "_seg", "_segmentation", "_annotation")
_MASK_FOLDERS = frozenset({
    "mask", "masks", "label", "labels", "ann", "annot", "annotation", "annotations", "gt", "ground_truth", "groundtruth",
    "segmentation", "segmentationclass",
})  # fmt: skip
_IMAGE_FOLDERS = frozenset({"image", "images", "img", "imgs", "jpegimages", "picture", "pictures", "input", "data"})
_FOLDER_ENDS = ("_annot", "_ann", "_mask", "_masks", "_label", "_labels", "_gt")
_SIDES = frozenset({"train", "training", "val", "valid", "validation", "test"})
_LOSSY, _LOSSLESS = frozenset({".jpg", ".jpeg"}), frozenset({".png", ".bmp", ".tif", ".tiff"})
_NAMES = "classes.txt"
_MOST_VALUES = 16
_HALF = 127
_MAX_PX = 1 << 28


@dataclass(frozen=True, slots=True)
class _Pair:
    picture: Path
    mask: Path


def _recognises(path: Path) -> bool:
    return path.is_dir() and bool(_pairs(DataFolder(path))[0])


def _pairs(folder: DataFolder) -> tuple[list[_Pair], int]:
    """Pictures with their masks, sorted, and how many pictures there are without one."""
    pictures: dict[tuple[str, ...], list[Path]] = {}
    masks: dict[tuple[str, ...], list[Path]] = {}
    for path in folder.pictures:
        key, is_mask = _key(path.relative_to(folder.root))
        (masks if is_mask else pictures).setdefault(key, []).append(path)
    found, alone = [], 0
    for key, same in pictures.items():
        photo = next((path for path in same if path.suffix.lower() in _LOSSY), same[0])
        beside = [path for path in same if path.suffix.lower() in _LOSSLESS and photo.suffix.lower() in _LOSSY]
        mask = next(iter([*masks.get(key, ()), *beside]), None)
        if mask is None:
            alone += 1
        else:
            found.append(_Pair(photo, mask))
    return found, alone


def _key(path: Path) -> tuple[tuple[str, ...], bool]:
    """What a picture and its mask have in common, and whether this is the mask."""
    is_mask, parts = False, []
    for part in path.parts[:-1]:
        plain = part.lower()
        shortened = _without_end(plain, _FOLDER_ENDS)
        is_mask |= plain in _MASK_FOLDERS or shortened != plain
        if plain not in _MASK_FOLDERS and plain not in _IMAGE_FOLDERS:
            parts.append(shortened)
    stem = _without_end(path.stem, _NAME_ENDS)
    return (*parts, stem), is_mask or stem != path.stem


def _without_end(name: str, ends: Iterable[str]) -> str:
    return next((name[: -len(end)] for end in ends if name.lower().endswith(end) and len(name) > len(end)), name)


def _read(path: Path) -> LabelledData:
    gathering, folder = Gathering(path, SPEC.id), DataFolder(path)
    pairs, alone = _pairs(folder)
    values = _values(pairs)
    names = _class_names(path)
    gathering.declared.update(names.values())
    by_value = values is not None and (len(values) > 1 or bool(names))
    for pair in pairs:
        size = gathering.size_of(pair.picture)
        if size is None:
            continue
        mask = read_mask(pair.mask)
        if mask.shape != (size[1], size[0]):
            raise InputError(
                f"the mask has {mask.shape[1]} × {mask.shape[0]} px, {pair.picture.name} has {size[0]} × {size[1]}",
                path=pair.mask, remedy="A mask must be as large as its image.",
            )  # fmt: skip
        if by_value:
            marks = [one for value in _present(mask) for one in marks_of(mask == value, _called(value, names))]
        else:
            half = _HALF if values is None else max(values, default=_HALF) / 2
            marks = marks_of(mask > half, _folder_class(pair.picture, path))
        gathering.add(pair.picture, size, marks, folder.side(pair.picture))
    if by_value and not names:
        gathering.note(f"{_NAMES} names no classes: they are called by the values in the masks")
    if values is None:
        gathering.note(f"the masks hold more than {_MOST_VALUES} grey values: what is above {_HALF} is marked")
    if alone:
        gathering.note(f"{alone} pictures without a mask left out")
    return gathering.finish()


def read_mask(path: Path) -> np.ndarray:
    """(h, w) uint8 or uint16 as stored. Raises InputError for what can't be read, has colours or is absurdly large."""
    with open_section(path) as section:
        if section.info.width_px * section.info.height_px > _MAX_PX:
            raise InputError("it is too large for a mask", path=path, remedy="Cut the images into smaller ones.")
        pixels = section.read(RegionRequest(0, 0, section.info.width_px, section.info.height_px, 1, Plane()))
    if (pixels != pixels[..., :1]).any():
        raise InputError("a mask in colours", path=path, remedy="Save it as grey values, one for each class.")
    return np.ascontiguousarray(pixels[..., 0])


def _values(pairs: Iterable[_Pair]) -> set[int] | None:
    """Every value but 0 that some mask holds; None where there are more than `_MOST_VALUES`."""
    found: set[int] = set()
    for pair in pairs:
        found.update(_present(read_mask(pair.mask)))
        if len(found) > _MOST_VALUES:
            return None
    return found


def _present(mask: np.ndarray) -> list[int]:
    counts = np.bincount(mask.ravel())
    return [int(value) for value in np.flatnonzero(counts) if value]


def _called(value: int, names: dict[int, str]) -> str:
    return names.get(value, f"class {value}")


def _folder_class(picture: Path, root: Path) -> str:
    """The innermost folder that is called after something: "MT_Crack" of "MT_Crack/Imgs/a.jpg"."""
    parts = reversed(picture.relative_to(root).parts[:-1])
    return next((part for part in parts if part.lower() not in _IMAGE_FOLDERS | _SIDES), "defect")


def _class_names(root: Path) -> dict[int, str]:
    """By value, from classes.txt; empty without one. Raises InputError naming the line."""
    file = root / _NAMES
    names = {}
    for line, text in enumerate(read_text(file).splitlines() if file.is_file() else (), 1):
        value, _, name = text.strip().partition(" ")
        if value:
            try:
                names[int(value)] = class_name(name)
            except ValueError:
                raise InputError(
                    f"line {line}: {text[:40]!r} is not VALUE NAME", path=file, remedy="As: 1 crack"
                ) from None
    return names


SPEC = DataFormat(
    id="masks",
    name="Masks",
    hint="a folder of images with masks (NAME_mask.png, or images and masks)",
    rank=60,
    recognises=_recognises,
    read=_read,
)
