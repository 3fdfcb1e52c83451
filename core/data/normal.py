"""Decides where nothing is wrong, as far as anybody knows: which pictures, and which places on them, a model of normal sees.

- A section file: the section itself, robustly: nobody said that it is good, so a few defects must not hurt.
- A project: regions drawn and called normal, and places judged a false alarm. Without such regions its sections
  themselves, robustly, but for what was judged or drawn as something else.
- Marked pictures in any format: everything that is known and not marked.
- A folder for each class: the images of the class without a defect. A folder of images alone: all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from core.data.files import PICTURE_SUFFIXES
from core.data.image_set import ImageSet, groups_of, is_image_set, read_image_set
from core.data.judged import JudgedSection, judged_sections
from core.data.labelled import LabelledData, LabelledPicture
from core.data.part import is_part
from core.data.reading import entered, formats, read_data
from core.errors import InputError
from core.geometry import Box
from core.project import Project, SectionRecord
from core.project.drawing_store import DrawingStore
from core.readers.base import open_section
from core.truth import is_no_defect

Ring = tuple[tuple[float, float], ...]

_REMEDY = (
    "Give a section, a project with regions called normal, marked pictures, or a folder of images without a defect."
)


@dataclass(frozen=True, slots=True)
class NormalPicture:
    """One picture and where on it nothing is wrong. Level-0 px.

    Args:
        group: what it must stay together with when data is split.
        regions: corners of closed outlines within which all is normal but `defects`; None: everywhere.
        defects: places known to be something else.
        false_alarms: places somebody looked at and found normal, whatever `regions` say; doubtful: places nobody has
            judged, which such a one is not shown with.
        entered_um: (x, y) µm per px as a person entered it; None: as its file says.
        is_cut: a picture of a part of a specimen, all of it specimen; otherwise a section with resin around it.
    """

    path: Path
    group: str
    regions: tuple[Ring, ...] | None = None
    defects: tuple[Box, ...] = ()
    false_alarms: tuple[Box, ...] = ()
    doubtful: tuple[Box, ...] = ()
    is_cut: bool = False
    entered_um: tuple[float, float] | None = None


@dataclass(frozen=True)
class NormalData:
    """Pictures with places in which nothing is wrong.

    Args:
        format: the id of the format it was read from, "section" or "images".
        is_sure: whether somebody said so; otherwise a few defects may be among them.
        notes: what was left out and why, one line each, for people.
    """

    source: Path
    format: str
    pictures: tuple[NormalPicture, ...]
    is_sure: bool = True
    notes: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """One line for people."""
        regions = sum(len(picture.regions or ()) for picture in self.pictures)
        count = f"{len(self.pictures)} picture{'s' if len(self.pictures) > 1 else ''}"
        if not self.is_sure:
            return f"{count} as a whole: nobody said what is normal, so what is rare is left out"
        return f"{regions} normal regions on {count}" if regions else f"what is not marked on {count}"


def find_normal(path: Path, no_defect: str = "") -> NormalData:
    """Where nothing is wrong in some data. `no_defect`: the class of images without a defect.

    Raises InputError for data that says nothing of what is normal, or can't be read.
    """
    if not path.exists():
        raise InputError("there is no such file or folder", path=path, remedy="Check the name.")
    if is_part(path):
        return _of_labelled(read_data(path, no_defect), path)
    try:
        inner = entered(path)
        if Project.is_project(inner):
            return _of_project(inner)
        for spec in formats():
            if spec.recognises(inner):
                return _of_labelled(spec.read(inner), path)
        if inner.is_dir() and is_image_set(inner):
            return _of_labelled(read_image_set(inner, no_defect), path)
        return _of_files(inner)
    except OSError as error:
        raise InputError(f"can't be read ({error.strerror or error})", path=path, remedy="Check its folders.") from None


def _of_labelled(data: LabelledData | ImageSet, path: Path) -> NormalData:
    if isinstance(data, ImageSet):
        if data.no_defect is None:
            raise InputError(
                "no class of these images is known to be without a defect", path=path,
                remedy="Say which one is: --set no_defect=NAME.",
            )  # fmt: skip
        chosen = [one for one in data.images if one.label == data.no_defect]
        pictures = tuple(NormalPicture(one.path, one.group, is_cut=True) for one in chosen)
        return NormalData(path, "images", pictures)
    found = tuple(_of_marked(picture) for picture in data.everything)
    return NormalData(data.source, data.format, found, notes=data.notes)


def _ring(box: Box) -> Ring:
    return ((box.x, box.y), (box.x1, box.y), (box.x1, box.y1), (box.x, box.y1))


def _of_marked(picture: LabelledPicture) -> NormalPicture:
    known = None if picture.known is None else tuple(_ring(box) for box in picture.known)
    marks = tuple(mark.box for mark in picture.marks if not is_no_defect(mark.label))
    return NormalPicture(
        picture.path, picture.group, known, marks, false_alarms=picture.empty, entered_um=picture.entered_um
    )


def _of_files(path: Path) -> NormalData:
    """A section by itself, or a folder of images. Raises InputError for anything else."""
    try:
        with open_section(path):
            return NormalData(path, "section", (NormalPicture(path, path.name),), is_sure=False)
    except InputError as error:
        if not path.is_dir():
            raise InputError(f"nothing says what is normal in it: {error.what}", path=path, remedy=_REMEDY) from None
    images = sorted(one for one in path.iterdir() if one.suffix.lower() in PICTURE_SUFFIXES and one.is_file())
    if not images:
        raise InputError("nothing in this folder says what is normal", path=path, remedy=_REMEDY)
    groups = groups_of(images)
    pictures = (NormalPicture(one, group, is_cut=True) for one, group in zip(images, groups, strict=True))
    return NormalData(path, "images", tuple(pictures))


def _of_project(path: Path) -> NormalData:
    with Project.open(path) as project:
        store, judged = DrawingStore(project), {one.record.id: one for one in judged_sections(project)}
        drawn = {
            section.id: [one for one in store.drawings(section.id) if one.is_normal] for section in project.sections()
        }
        has_regions, waiting = any(drawn.values()), _waiting(project)
        pictures: list[NormalPicture] = []
        lost: list[InputError] = []
        for section in project.sections():
            regions = tuple(one.outline for one in drawn[section.id]) if has_regions else None
            said = _said_of(section, regions, judged.get(section.id), waiting)
            if said is not None:
                try:
                    pictures.append(replace(said, path=_place(project, section), entered_um=section.entered_um))
                except InputError as error:
                    lost.append(error)
    if not pictures:
        problem = str(lost[0]) if lost else "it holds no section yet"
        raise InputError(problem, path=path, remedy="Open a section in it first.")
    notes = tuple(f"left out: {error}" for error in lost)
    return NormalData(path, "project", tuple(sorted(pictures, key=lambda p: p.path)), has_regions, notes)


def _waiting(project: Project) -> frozenset[Box]:
    """Where a scan shows something that nobody has decided; what it scores below its threshold nobody is asked about."""
    thresholds = {scan.id: scan.threshold for scan in project.scans()}
    found = project.detections()
    return frozenset(one.box for one in found if not one.is_decided and one.score >= thresholds.get(one.scan_id, 0.0))


def _place(project: Project, section: SectionRecord) -> Path:
    with project.open_section_of(section) as opened:
        return opened.info.path


def _said_of(
    section: SectionRecord, regions: tuple[Ring, ...] | None, judged: JudgedSection | None, waiting: frozenset[Box]
) -> NormalPicture | None:
    """None where nothing on it is normal as far as anybody said."""
    if judged is None:
        return None if regions == () else NormalPicture(section.path, section.name, regions)
    if regions == () and not judged.empty:
        return None
    # What a model found in a region somebody drew, and nobody judged, is normal: they have looked at it.
    defects, doubtful = (mark.box for mark in judged.marks), (box for box in judged.waiting if box in waiting)
    return NormalPicture(section.path, section.name, regions, tuple(defects), judged.empty, tuple(doubtful))
