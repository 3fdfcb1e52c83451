"""Decides how YOLO is read: a text file for each image, a line for each box or outline, in shares of the image.

`CLASS X Y W H` is a box by its middle and size, `CLASS X Y X Y X Y …` an outline. Text files lie in `labels` where images
lie in `images` (below or above `train` and `val`), or beside the images. Classes are numbers, from 0; their names stand in
`data.yaml` or `classes.txt`. An image without a text file shows no defect.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from core.data.files import DataFolder, class_name, files_below, number, read_text
from core.data.gathering import Gathering, outlined
from core.data.labelled import LabelledData, Mark
from core.data.reading import DataFormat
from core.errors import InputError
from core.geometry import Box

_IMAGES, _LABELS = "images", "labels"
_YAML = ("data.yaml", "data.yml", "dataset.yaml")
_NAMES = ("classes.txt", "obj.names")
_REMEDY = "A line is CLASS X Y W H, or CLASS and the corners of an outline, in shares of the image from 0 to 1."
_MAX_CLASSES = 100_000


def _recognises(path: Path) -> bool:
    if path.is_file():
        return path.name in _YAML
    if _has_folders(path):
        return True
    named = any((path / name).is_file() for name in (*_YAML, *_NAMES))
    return named and any(file.name not in _NAMES for file in files_below(path, frozenset({".txt"})))


def _has_folders(path: Path) -> bool:
    """`labels` with text files and `images`, here or in a folder."""
    for place in (path, *sorted(p for p in path.iterdir() if p.is_dir())):
        labels = place / _LABELS
        if (place / _IMAGES).is_dir() and labels.is_dir() and any(labels.rglob("*.txt")):
            return True
    return False


def _read(path: Path) -> LabelledData:
    root = path if path.is_dir() else path.parent
    gathering, folder = Gathering(path, SPEC.id), DataFolder(root)
    names = _class_names(root)
    gathering.declared.update(names.values())
    pictures = folder.pictures
    if _has_folders(root):
        pictures = [picture for picture in pictures if _IMAGES in picture.relative_to(root).parts[:-1]]
    for picture in pictures:
        size = gathering.size_of(picture)
        if size is not None:
            labels = _labels_of(picture, root)
            marks = _marks(labels, names, size) if labels is not None else []
            gathering.add(picture, size, marks, folder.side(picture))
    if not names:
        gathering.note("neither data.yaml nor classes.txt names the classes: they are called by their numbers")
    return gathering.finish()


def _labels_of(picture: Path, root: Path) -> Path | None:
    inside = picture.relative_to(root).with_suffix(".txt")
    swapped = Path(*(_LABELS if part == _IMAGES else part for part in inside.parts))
    return next((file for place in (swapped, inside) if (file := root / place).is_file()), None)


def _marks(file: Path, names: dict[int, str], size: tuple[int, int]) -> list[Mark]:
    marks = []
    for line, text in enumerate(read_text(file).splitlines(), 1):
        if text.strip():
            try:
                marks.append(_mark(text.split(), names, size))
            except ValueError as error:
                raise InputError(f"line {line}: {error}", path=file, remedy=_REMEDY) from None
    return marks


def _mark(words: list[str], names: dict[int, str], size: tuple[int, int]) -> Mark:
    if not words[0].isascii() or not words[0].isdigit() or int(words[0]) >= _MAX_CLASSES:
        raise ValueError(f"{words[0][:40]!r} is no number of a class")
    if names and int(words[0]) not in names:
        raise ValueError(f"there is no name for class {words[0]}")
    label = names.get(int(words[0]), f"class {words[0]}")
    values = [number(word, "a coordinate") for word in words[1:]]
    width, height = size
    if len(values) in (4, 5):  # a fifth number is how sure a model was
        x, y, w, h = values[0] * width, values[1] * height, values[2] * width, values[3] * height
        if w < 0 or h < 0:
            raise ValueError(f"{words[3]} {words[4]} is no size")
        return Mark(label, Box(x - w / 2, y - h / 2, w, h))
    if len(values) < 6 or len(values) % 2:
        raise ValueError(f"it has {len(values)} numbers after the class")
    return outlined(label, [(x * width, y * height) for x, y in zip(values[::2], values[1::2], strict=True)])


def _class_names(root: Path) -> dict[int, str]:
    """By number; empty where nothing names them. Raises InputError for names that can't be read."""
    for name in _YAML:
        if (root / name).is_file() and (names := _yaml_names(root / name)):
            return names
    for name in _NAMES:
        for file in (root / name, root / _LABELS / name):
            if file.is_file():
                return _numbered(enumerate(line for line in read_text(file).splitlines() if line.strip()), file)
    return {}


def _yaml_names(file: Path) -> dict[int, str]:
    """`names` of a data.yaml: [a, b], or a line for each with a dash or its number. YAML has more; that is not read."""
    text = "\n".join(re.sub(r"(^|\s)#.*", "", line) for line in read_text(file, 1 << 20).splitlines())
    found = re.search(
        r"^names\s*:[ \t]*(\[[^\]]*\]|\{[^}]*\})?((?:\n[ \t]*(?:-|\d+[ \t]*:).*|\n[ \t]*$)*)", text, re.MULTILINE
    )
    if found is None:
        return {}
    inline, block = found.groups()
    items = [item.strip() for item in (inline[1:-1].split(",") if inline else block.splitlines()) if item.strip()]
    rows = []
    for place, item in enumerate(items):
        numbered = re.match(r"(\d{1,6})\s*:\s*(.*)", item)
        rows.append((int(numbered[1]), numbered[2]) if numbered else (place, item.removeprefix("-").strip()))
    return _numbered(((place, name.strip("'\"")) for place, name in rows), file)


def _numbered(rows: Iterable[tuple[int, str]], file: Path) -> dict[int, str]:
    try:
        return {place: class_name(name) for place, name in rows}
    except ValueError as error:
        raise InputError(str(error), path=file, remedy="Write one name for each class.") from None


SPEC = DataFormat(
    id="yolo",
    name="YOLO",
    hint="a folder with images and labels of YOLO",
    rank=40,
    recognises=_recognises,
    read=_read,
)
