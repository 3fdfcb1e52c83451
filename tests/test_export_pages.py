"""Pages and pictures to be looked at, printed and driven by: read back by programs of others."""

from __future__ import annotations

import base64
import csv
import io
import json
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
import tifffile
from ome_types import from_xml
from PIL import Image

from core.chemistry.composition import Composition
from core.classes import ClassTable
from core.errors import CancelledError, InputError, UsageError
from core.export.base import export_detections
from core.export.marked import colours_of
from core.export.painting import Mark, with_marks
from core.jobs import CancelToken, Step
from core.listing import listed_detections, rows
from core.project import Project
from core.project.composition_store import CompositionStore
from core.review import Review
from tests.test_export import project  # noqa: F401 - a fixture
from tests.test_export_formats import registered  # noqa: F401 - a fixture

SMALL = {"longest_px": 800}
ORANGE = (242, 165, 22)  # of the class "anomaly"


class Page(HTMLParser):
    """What of a page matters here: every tag with its attributes, and all text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def written(made: Project, format_id: str, out: Path, **asked) -> Path:
    export_detections(made, format_id, out, **asked)
    return out


def seen(path: Path | io.BytesIO) -> Image.Image:
    """The picture in a file that is closed again."""
    with Image.open(path) as image:
        image.load()
        return image


def pdf_text(path: Path) -> str:
    with pypdfium2.PdfDocument(path) as document:
        return "\n".join(page.get_textpage().get_text_bounded() for page in document)


# -- the marked overview -----------------------------------------------------------------------------------------------


def test_every_detection_has_a_ring_of_its_class_where_it_lies(project: Project, tmp_path: Path) -> None:  # noqa: F811
    image = np.asarray(seen(written(project, "overview-png", tmp_path / "o.png", settings=SMALL)), int)
    section = project.sections()[0]
    scale = section.width_px / 800
    assert image.shape[1] == 800, "a small section is enlarged, so that numbers can be read"
    found = listed_detections(project)
    for detection in found:
        (x, y), radius = detection.box.center, max(0.6 * max(detection.box.w, detection.box.h) / scale, 8)
        angles = np.linspace(0, 2 * np.pi, 64, endpoint=False)
        at = np.rint([y / scale + radius * np.sin(angles), x / scale + radius * np.cos(angles)]).astype(int)
        inside = (at[1] >= 0) & (at[1] < 800) & (at[0] >= 0) & (at[0] < 800)
        near = np.abs(image[at[0][inside], at[1][inside]] - ORANGE).max(axis=1) < 40
        assert near.mean() > 0.7, f"the ring of #{detection.id} is drawn"


def test_png_and_tiff_show_the_same_and_name_their_sources(project: Project, tmp_path: Path) -> None:  # noqa: F811
    png = seen(written(project, "overview-png", tmp_path / "o.png", settings=SMALL))
    with tifffile.TiffFile(written(project, "overview-tiff", tmp_path / "o.tif", settings=SMALL)) as tiff:
        pixels, told = tiff.pages[0].asarray(), json.loads(tiff.pages.first.description)
    assert pixels.shape == (png.height, png.width, 3)
    assert np.abs(pixels.astype(int) - np.asarray(png)).mean() < 0.2, "but for the date"
    for sources in (told, json.loads(png.info["Sources"])):
        assert sources["sections"][0]["fingerprint"] == project.sections()[0].fingerprint
        assert sources["scans"][0]["threshold"] == project.scans()[0].threshold


def test_numbers_dodge_each_other() -> None:
    marks = [Mark(500 + 30 * (i % 3), 500 + 30 * (i // 3), 10, str(1000 + i), (255, 0, 0)) for i in range(9)]
    grey = np.full((1000, 1000, 3), 90, np.uint8)
    apart = [np.asarray(with_marks(grey, [one])) for one in marks]
    together = np.asarray(with_marks(grey, marks))
    white = [int((image == 255).all(axis=2).sum()) for image in apart]
    assert (together == 255).all(axis=2).sum() > 0.8 * sum(white), "no number hides another"


# -- profiles of the drive list ----------------------------------------------------------------------------------------


def test_the_operators_csv_has_the_columns_that_were_asked_for(registered: Project, tmp_path: Path) -> None:  # noqa: F811
    worst = listed_detections(registered)[0]
    CompositionStore(registered).keep({worst.id: Composition({"Zr": 31.2, "O": 60.1}, "at%", {})})
    settings = {"columns": "chemistry, NAME,x", "order": "worst", "unit": "um"}
    with written(registered, "operator-csv", tmp_path / "d.csv", settings=settings).open(encoding="utf-8-sig") as file:
        lines = list(csv.DictReader(file))
    assert list(lines[0]) == ["O (at%)", "Zr (at%)", "Name", "X (um)"]
    assert [line["Name"] for line in lines[:5]] == ["A", "B", "C", "D", str(worst.id)]
    assert (lines[4]["Zr (at%)"], lines[5]["Zr (at%)"]) == ("31.2", "")
    with pytest.raises(UsageError, match="no column 'z'"):
        written(registered, "operator-csv", tmp_path / "d.csv", settings={"columns": "X,Y,Z"})


# -- the gallery -------------------------------------------------------------------------------------------------------


def test_the_html_gallery_needs_nothing_but_itself(registered: Project, tmp_path: Path) -> None:  # noqa: F811
    worst = listed_detections(registered)[0]
    CompositionStore(registered).keep({worst.id: Composition({"Zr": 31.2, "O": 60.1}, "at%", {"Zr": 0.4})})
    Review(registered).decide([worst.id], "defect", "<script>alert(1)</script> & more")
    text = written(registered, "gallery-html", tmp_path / "g.html").read_text("utf-8")
    page = Page(text)
    assert [one["id"] for one in page.all("figure")] == [f"d{d.id}" for d in listed_detections(registered)]
    assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object"}
    sources = [value for _, a in page.tags for name, value in a.items() if name in ("src", "href")]
    assert len(sources) == 12
    for source in sources:
        kind, coded = str(source).split(",", 1)
        assert kind == "data:image/jpeg;base64"
        assert seen(io.BytesIO(base64.b64decode(coded))).size == (256, 256)
    row = rows(registered, [worst])[0]
    told = " ".join(page.texts)
    assert "<script>alert(1)</script> & more" in told
    for part in ("O 60.1, Zr 31.2 ± 0.4 at%", f"{row['predicted_error_um']:.1f} µm", f"{row['sem_x']:.4f}", "Defect"):
        assert part in told


def test_the_contact_sheets_hold_all_that_was_asked_for(registered: Project, tmp_path: Path) -> None:  # noqa: F811
    told = pdf_text(written(registered, "gallery-pdf", tmp_path / "g.pdf", settings={"most": "5", "paper": "Letter"}))
    ids = [d.id for d in listed_detections(registered)]
    assert "12 detections, the 5 worst of them shown" in told
    assert [one for one in ids if f"#{one} " in told] == sorted(ids[:5], key=ids.index)
    assert registered.sections()[0].fingerprint in told
    with pypdfium2.PdfDocument(tmp_path / "g.pdf") as document:
        assert document[0].get_size() == (612, 792)
        pictures = [o for page in document for o in page.get_objects() if o.type == pypdfium2.raw.FPDF_PAGEOBJ_IMAGE]
        assert len(pictures) == 5
    few = seen(written(registered, "gallery-png", tmp_path / "g.png", settings={"most": "4", "columns": "2"}))
    many = seen(written(registered, "gallery-png", tmp_path / "h.png", settings={"columns": "2"}))
    assert few.width == many.width
    assert few.height < many.height


# -- the drive list ----------------------------------------------------------------------------------------------------


def test_the_printed_drive_list_says_what_the_csv_says(registered: Project, tmp_path: Path) -> None:  # noqa: F811
    settings = {"mirror_y": "yes"}
    with written(registered, "operator-csv", tmp_path / "d.csv", frame="sem", settings=settings).open(
        newline="", encoding="utf-8-sig"
    ) as file:
        lines = list(csv.DictReader(file))
    page = Page(
        written(registered, "drive-html", tmp_path / "d.html", frame="sem", settings=settings).read_text("utf-8")
    )
    printed = pdf_text(written(registered, "drive-pdf", tmp_path / "d.pdf", frame="sem", settings=settings))
    places = {row["id"]: row for row in rows(registered, listed_detections(registered))}
    names = [text for text in page.texts if text.startswith("#")]
    assert [int(name[1:].split()[0]) for name in names] == [int(line["Name"]) for line in lines[4:]]
    for line in lines:
        for number in (f"{float(line['X (mm)']):.4f}", f"{float(line['Y (mm)']):.4f}"):
            assert number in page.texts
            assert number in printed
    error = places[int(lines[4]["Name"])]["predicted_error_um"]
    assert f"{error:.1f} µm" in page.texts
    assert len(page.all("img")) == 12 + 1


# -- what goes wrong ---------------------------------------------------------------------------------------------------


def test_a_section_that_is_gone_is_told_and_nothing_is_written(project: Project, tmp_path: Path) -> None:  # noqa: F811
    project.sections()[0].path.unlink()
    for format_id in ("overview-png", "gallery-html", "drive-pdf"):
        with pytest.raises(InputError, match="not where it was"):
            export_detections(project, format_id, tmp_path / "o.out")
    assert not (tmp_path / "o.out").exists()


def test_an_export_can_be_watched_and_stopped(project: Project, tmp_path: Path) -> None:  # noqa: F811
    cancel, steps = CancelToken(), []

    def watch(step: Step) -> None:
        steps.append(step)
        if step.done == 3:
            cancel.cancel()

    with pytest.raises(CancelledError):
        export_detections(project, "gallery-html", tmp_path / "o.html", progress=watch, cancel=cancel)
    assert [(step.done, step.total) for step in steps] == [(0, 12), (1, 12), (2, 12), (3, 12)]
    assert not list(tmp_path.glob("*o.html*"))


def test_classes_keep_their_colours(project: Project, tmp_path: Path) -> None:  # noqa: F811
    from core.export.document import export_document
    from core.export.pictures import Pictures

    document = export_document(project, listed_detections(project), "pixel", Pictures(project))
    assert colours_of(document) == {"anomaly": ORANGE}
    Review(project).keep_classes(ClassTable().renamed("anomaly", "void").coloured("void", "#123456"))
    document = export_document(project, listed_detections(project), "pixel", Pictures(project))
    assert colours_of(document) == {"void": (0x12, 0x34, 0x56)}
    export_detections(project, "geojson", tmp_path / "o.geojson")
    features = json.loads((tmp_path / "o.geojson").read_text())["features"]
    assert [f["properties"]["classification"] for f in features] == 12 * [{"name": "void", "color": [0x12, 0x34, 0x56]}]
    export_detections(project, "ome-rois", tmp_path / "o.ome.xml")
    rois = from_xml(tmp_path / "o.ome.xml").rois
    colours = [roi.union[0].stroke_color for roi in rois]
    assert {colour.as_rgb_tuple(alpha=False) for colour in colours if colour} == {(0x12, 0x34, 0x56)}
    assert all(colours)
