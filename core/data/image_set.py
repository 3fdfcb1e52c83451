"""Decides what a folder of labelled images is: one folder for each class, or a `labels.csv` that says what each shows.

`labels.csv` has the columns file, class and, if wanted, group; files may lie in any folder. Images of one group (one section,
one part, one micrograph) never stand on both sides of a split: what looks alike for other reasons than the defect would be
learnt.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import InputError
from core.tables import Row, parse_rows, table_text
from core.truth import is_no_defect

LABELS_NAME = "labels.csv"
IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})
MAX_IMAGES = 1_000_000
_FEWEST_GROUPS = 10
_REMEDY = f"Put the images into one folder for each class, or write {LABELS_NAME} with the columns file,class,group."
_NUMBER = re.compile(r"\d+")
_LAST_NUMBER = re.compile(r"(\d+)(?=\D*$)")


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """One image that shows one class. `group`: what it must stay together with."""

    path: Path
    label: str
    group: str


@dataclass(frozen=True)
class ImageSet:
    """`labels` are the defects, sorted; `no_defect` is the name of the class without one, None where there is none.

    `aside`: groups to validate on, where somebody chose them.
    """

    labels: tuple[str, ...]
    no_defect: str | None
    images: tuple[LabelledImage, ...]
    aside: frozenset[str] = frozenset()

    def class_of(self, image: LabelledImage) -> int:
        """0 for "no defect", else 1 + the place in `labels`."""
        return 0 if image.label == self.no_defect else 1 + self.labels.index(image.label)


def is_image_set(folder: Path) -> bool:
    """Whether a folder is meant as one: it has a `labels.csv`, or folders with images in them."""
    return (folder / LABELS_NAME).is_file() or any(_images_in(place) for place in _folders(folder))


def empty_folders(folder: Path) -> list[str]:
    """Folders that look like a class and hold no image; none where a table says what there is."""
    if not folder.is_dir() or (folder / LABELS_NAME).is_file():
        return []
    return [place.name for place in _folders(folder) if not _images_in(place)]


def read_image_set(folder: Path, no_defect: str = "") -> ImageSet:
    """Raises InputError for a folder that holds no labelled images, or names images that aren't there."""
    table = folder / LABELS_NAME
    rows = list(_from_table(table)) if table.is_file() else list(_from_folders(folder))
    if not rows:
        raise InputError("no labelled images here", path=folder, remedy=_REMEDY)
    if len(rows) > MAX_IMAGES:
        raise InputError(f"more than {MAX_IMAGES:,} images", path=folder, remedy="Split the set.")
    names = sorted({label for _, label, _ in rows})
    if no_defect and no_defect not in names:
        raise InputError(f"no image is of the class {no_defect!r}", path=folder, remedy="Known: " + ", ".join(names))
    negative = no_defect or next((n for n in names if is_no_defect(n)), None)
    guessed = groups_of([path for path, _, _ in rows])
    images = (LabelledImage(path, label, own or g) for (path, label, own), g in zip(rows, guessed, strict=True))
    labels = tuple(name for name in names if name != negative)
    if not labels:
        raise InputError("it has only one class, without a defect", path=folder, remedy=_REMEDY)
    return ImageSet(labels, negative, tuple(images))


def groups_of(paths: Sequence[Path]) -> list[str]:
    """A group for each image, from its name: what stands before the last number, as "slice2" in "slice2_017.png".

    Where that leaves fewer than ten groups, or each image alone, neighbouring numbers are one group, since they were
    taken after each other: about twenty groups in all.
    """
    stems = [_LAST_NUMBER.sub("", path.stem, count=1) for path in paths]
    different = len(set(stems))
    if _FEWEST_GROUPS <= different < len(stems):
        return stems
    order = [_order(path.stem, by_all=different == len(stems)) for path in paths]
    places = sorted(set(order))
    per_group = max(1, len(places) // (2 * _FEWEST_GROUPS))
    block = {place: f"#{index // per_group}" for index, place in enumerate(places)}
    return [block[place] for place in order]


def _order(stem: str, by_all: bool) -> tuple[str, tuple[int, ...]]:
    """Neighbours come after each other: by all numbers in a name, or by the last one whatever stands before it.

    By the last one alone where names differ little ("exp1_num_17", "exp2_num_18": two exposures of one part).
    """
    numbers = tuple(int(number) for number in _NUMBER.findall(stem))
    if by_all:
        return _NUMBER.sub("#", stem), numbers
    return "" if numbers else stem, numbers[-1:]


def counts(images: Iterable[LabelledImage]) -> dict[str, int]:
    """How many images there are of each class."""
    return dict(sorted(Counter(image.label for image in images).items()))


def _from_folders(folder: Path) -> Iterable[tuple[Path, str, str]]:
    for place in _folders(folder):
        yield from ((path, place.name, "") for path in _images_in(place))


def _from_table(table: Path) -> Iterable[tuple[Path, str, str]]:
    def parse(row: Row) -> tuple[Path, str, str]:
        path = table.parent / row.text("file")
        if not path.is_file():
            raise ValueError(f"it names {row.text('file')!r}, which is not there")
        return path, row.text("class"), row.values.get("group", "")

    return parse_rows(table_text(table, "a table of labels"), ["file", "class"], parse, table, _REMEDY)


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(place for place in folder.iterdir() if place.is_dir() and not place.name.startswith("."))
    except OSError as error:
        raise InputError(f"can't be read ({error.strerror})", path=folder, remedy=_REMEDY) from None


def _images_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file())
