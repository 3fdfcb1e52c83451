"""Each format read back: places, sizes and classes are those of the project, by the rules of whoever reads them."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from ome_types import from_xml
from pycocotools.coco import COCO

from app.cli import main
from core.chemistry.composition import Composition
from core.data.reading import read_marks
from core.drive_order import drive_order, path_length
from core.errors import InputError, UsageError
from core.export.base import SOURCES_SUFFIX, export_detections, find_exporter
from core.export.document import ExportDocument, ExportItem
from core.export.pictures import Pictures
from core.listing import listed_detections, rows
from core.project import Project
from core.project.composition_store import CompositionStore
from core.project.registration_store import RegistrationStore
from core.registration.fiducials import Fiducial
from tests.test_export import PIXEL_UM, TEMPLATE, project  # noqa: F401 - a fixture

FIDUCIALS = [
    Fiducial(name, x, y, 10 + 0.0005 * x, 20 - 0.0005 * y, "mm")
    for name, x, y in (("A", 10.0, 10.0), ("B", 500.0, 20.0), ("C", 480.0, 500.0), ("D", 15.0, 470.0))
]


@pytest.fixture
def registered(project: Project) -> Project:  # noqa: F811
    RegistrationStore(project).keep(project.sections()[0].id, FIDUCIALS)
    return project


def listed(project: Project) -> list[dict]:  # noqa: F811
    return rows(project, listed_detections(project))


# -- KLARF -------------------------------------------------------------------------------------------------------------


def klarf(path: Path) -> dict[str, list[str]]:
    """Records by keyword, as the public readers take them: a record runs from its keyword to the next ";"."""
    records = [record.split() for record in path.read_text("ascii").split(";") if record.strip()]
    return {words[0]: words[1:] for words in records}


def test_klarf_says_places_as_its_readers_compute_them(project: Project, tmp_path: Path) -> None:  # noqa: F811
    export_detections(project, "klarf", tmp_path / "list.klarf", settings={"lot": 'a"b;c'})
    records = klarf(tmp_path / "list.klarf")
    section = project.sections()[0]
    assert records["FileVersion"] == ["1", "2"]
    assert records["LotID"] == ['"a_b_c"']
    assert records["EndOfFile"] == []
    width, height = map(float, records["DiePitch"])
    assert (width, height) == (section.width_px * PIXEL_UM, section.height_px * PIXEL_UM)
    count, *columns = records["DefectRecordSpec"]
    assert int(count) == len(columns)
    table = np.array(records["DefectList"], float).reshape(-1, len(columns))
    by_id = {int(line[0]): dict(zip(columns, line, strict=True)) for line in table}
    centre = np.array(records["SampleCenterLocation"], float)
    for row in listed(project):
        one = by_id[row["id"]]
        x, y = one["XREL"] + width * one["XINDEX"] - centre[0], one["YREL"] + height * one["YINDEX"] - centre[1]
        middle = (row["x_px"] + row["w_px"] / 2) * PIXEL_UM, (row["y_px"] + row["h_px"] / 2) * PIXEL_UM
        assert (x, y) == pytest.approx((middle[0] - width / 2, height / 2 - middle[1]), abs=1e-3)
        assert (one["XSIZE"], one["YSIZE"]) == pytest.approx((row["w_px"] * PIXEL_UM, row["h_px"] * PIXEL_UM), rel=1e-3)
        assert one["DEFECTAREA"] == pytest.approx(row["area_um2"], abs=0.01)
    assert int(records["SummaryList"][1]) == len(by_id)


def test_klarf_in_the_sems_frame_is_the_stages_own(registered: Project, tmp_path: Path) -> None:
    export_detections(registered, "klarf", tmp_path / "list.klarf", frame="sem")
    records = klarf(tmp_path / "list.klarf")
    assert [float(v) for v in records["SampleCenterLocation"]] == [0, 0]
    first = np.array(records["DefectList"], float)[:3]
    row = next(one for one in listed(registered) if one["id"] == int(first[0]))
    assert first[1:] == pytest.approx((row["sem_x"] * 1000, row["sem_y"] * 1000), abs=1e-3)


class Klarf18:
    """Nested records as the public readers of KLARF 1.8 take them: records and lists by name, fields as their values."""

    def __init__(self, text: str) -> None:
        self._tokens = iter(re.findall(r'"[^"]*"|[{};]|[^\s{};,]+', text))
        self.file = self._block()

    def _block(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for token in self._tokens:
            if token in ("}", "EndOfFile"):
                break
            name = next(self._tokens)
            if token == "Record":
                while next(self._tokens) != "{":
                    pass
                found.setdefault(name, []).append(self._block())
            elif token == "List":
                assert next(self._tokens) == "{"
                found[name] = self._list()
            else:
                assert token == "Field"
                count, values = int(next(self._tokens)), self._braced()
                assert len(values) == count
                found[name] = values
        return found

    def _list(self) -> list[dict[str, str]]:
        assert next(self._tokens) == "Columns"
        count, typed = int(next(self._tokens)), self._braced()
        assert len(typed) == 2 * count
        assert next(self._tokens) == "Data"
        rows, cells = int(next(self._tokens)), self._braced()
        assert next(self._tokens) == "}"
        lines = [cells[start : start + count] for start in range(0, len(cells), count + 1)]
        assert cells[count :: count + 1] == [";"] * rows
        return [dict(zip(typed[1::2], line, strict=True)) for line in lines]

    def _braced(self) -> list[str]:
        assert next(self._tokens) == "{"
        return list(iter(lambda: next(self._tokens), "}"))


def test_klarf_18_says_the_same_in_nanometres(registered: Project, tmp_path: Path) -> None:
    for frame in ("pixel", "sem"):
        export_detections(registered, "klarf", tmp_path / "a.klarf", frame=frame)
        export_detections(registered, "klarf18", tmp_path / "b.klarf", frame=frame)
        old, (lot,) = (
            klarf(tmp_path / "a.klarf"),
            Klarf18((tmp_path / "b.klarf").read_text("ascii")).file["FileRecord"][0]["LotRecord"],
        )
        wafer, count = lot["WaferRecord"][0], int(old["DefectRecordSpec"][0])
        columns = old["DefectRecordSpec"][1:]
        lines = [
            dict(zip(columns, old["DefectList"][start:], strict=False))
            for start in range(0, len(old["DefectList"]), count)
        ]
        assert len(lines) == len(wafer["DefectList"]) == 12
        for was, now in zip(lines, wafer["DefectList"], strict=True):
            assert was["DEFECTID"] == now["DEFECTID"]
            for name in ("XREL", "YREL", "XSIZE", "YSIZE", "DSIZE"):
                assert int(now[name]) == pytest.approx(1000 * float(was[name]), abs=0.51)
            assert float(now["DEFECTAREA"]) == pytest.approx(1e6 * float(was["DEFECTAREA"]), rel=1e-6)
            assert was["CLASSNUMBER"] == now["CLASSNUMBER"]
        assert [int(v) / 1000 for v in wafer["SampleCenterLocation"]] == [float(v) for v in old["SampleCenterLocation"]]
        assert [int(v) / 1000 for v in lot["DiePitch"]] == [float(v) for v in old["DiePitch"]]
        assert [one["CLASSNAME"] for one in lot["ClassLookupList"]] == ['"unclassified"', '"Anomaly"']


# -- lists for operators -----------------------------------------------------------------------------------------------


def test_the_drive_list_begins_with_the_fiducials(registered: Project, tmp_path: Path) -> None:
    out = tmp_path / "drive.csv"
    export_detections(registered, "operator-csv", out, frame="sem", settings={"mirror_x": "yes"})
    with out.open(newline="", encoding="utf-8-sig") as file:
        lines = list(csv.DictReader(file))
    assert [line["Name"] for line in lines[:4]] == ["A", "B", "C", "D"]
    assert float(lines[0]["X (mm)"]) == pytest.approx(-FIDUCIALS[0].sem_um[0] / 1000, abs=1e-5)
    by_id = {row["id"]: row for row in listed(registered)}
    assert len(lines) == 4 + len(by_id)
    for line in lines[4:]:
        row = by_id[int(line["Name"])]
        assert float(line["X (mm)"]) == pytest.approx(-row["sem_x"], abs=1e-5)
        assert float(line["Y (mm)"]) == pytest.approx(row["sem_y"], abs=1e-5)
        assert float(line["Error (um)"]) == row["predicted_error_um"]
    where = np.array([(float(line["X (mm)"]), float(line["Y (mm)"])) for line in lines[4:]])
    assert path_length(where, np.arange(len(where))) < path_length(where, np.argsort([r["Name"] for r in lines[4:]]))


def test_chemistry_goes_along(project: Project, tmp_path: Path) -> None:  # noqa: F811
    worst = listed_detections(project)[0]
    CompositionStore(project).keep({worst.id: Composition({"Zr": 31.2, "O": 60.1}, "at%", {"Zr": 0.4})})
    export_detections(project, "geojson", tmp_path / "list.geojson")
    features = json.loads((tmp_path / "list.geojson").read_text())["features"]
    assert features[0]["properties"]["measurements"].items() >= {"Zr (at%)": 31.2, "O (at%)": 60.1}.items()
    assert not any("(at%)" in name for name in features[1]["properties"]["measurements"])
    export_detections(project, "coco", tmp_path / "list.json")
    told = COCO(tmp_path / "list.json").anns
    assert told[worst.id]["composition"]["sigma"] == {"Zr": 0.4}
    export_detections(project, "ome-rois", tmp_path / "list.ome.xml")
    described = {roi.id: roi.description for roi in from_xml(tmp_path / "list.ome.xml").rois}
    assert str(described[f"ROI:{worst.id}"]).endswith("O 60.1, Zr 31.2 ± 0.4 at%")


def test_decimal_commas_go_with_semicolons(registered: Project, tmp_path: Path) -> None:
    out = tmp_path / "drive.csv"
    export_detections(
        registered, "operator-csv", out, settings={"separator": "semicolon", "unit": "um", "order": "worst"}
    )
    with out.open(newline="", encoding="utf-8-sig") as file:
        lines = list(csv.DictReader(file, delimiter=";"))
    assert "," in lines[5]["X (um)"]
    assert [int(line["Name"]) for line in lines[4:]] == [row["id"] for row in listed(registered)]
    row = listed(registered)[0]
    assert float(lines[4]["X (um)"].replace(",", ".")) == pytest.approx((row["x_px"] + row["w_px"] / 2) * 0.5, abs=0.01)


def test_serialem_gets_registration_points_and_stage_points(registered: Project, tmp_path: Path) -> None:
    export_detections(registered, "serialem", tmp_path / "list.nav", frame="sem")
    text = (tmp_path / "list.nav").read_text()
    assert text.startswith("AdocVersion = 2.00")
    items = [
        dict(line.split(" = ", 1) for line in part.splitlines() if " = " in line) for part in text.split("[Item")[1:]
    ]
    assert [int(one["RegPt"]) for one in items if "RegPt" in one] == [1, 2, 3, 4]
    places = {tuple(map(float, one["StageXYZ"].split()[:2])) for one in items if "Acquire" in one}
    expected = {(round(r["sem_x"] * 1000, 3), round(r["sem_y"] * 1000, 3)) for r in listed(registered)}
    assert places == expected


def test_zen_positions_go_into_the_users_own_file(project: Project, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "own.czexp").write_text(TEMPLATE)
    out = tmp_path / "list.czexp"
    export_detections(project, "zen", out, settings={"template": str(tmp_path / "own.czexp")})
    root = ElementTree.parse(out).getroot()
    assert root.findtext("Kept") == "yes"
    regions = list(root.iter("SingleTileRegion"))
    assert len(regions) == 12
    assert {one.findtext("Z") for one in regions} == {"123.5"}
    assert {one.findtext("IsUsedForAcquisition") for one in regions} == {"true"}
    places = {(float(one.findtext("X") or 0), float(one.findtext("Y") or 0)) for one in regions}
    assert places == {(row["stage_x_um"], row["stage_y_um"]) for row in listed(project)}
    with pytest.raises(UsageError, match="template is missing"):
        export_detections(project, "zen", out)
    for text in ("no xml", "<a/>", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'):
        (tmp_path / "bad.czexp").write_text(text)
        with pytest.raises(InputError, match=r"not an XML|no list"):
            export_detections(project, "zen", out, settings={"template": str(tmp_path / "bad.czexp")})
    assert len(list(ElementTree.parse(out).getroot().iter("SingleTileRegion"))) == 12  # what was there stays


# -- pictures with boxes -----------------------------------------------------------------------------------------------


def test_coco_holds_boxes_and_areas(project: Project, tmp_path: Path) -> None:  # noqa: F811
    export_detections(project, "coco", tmp_path / "list.json")
    told = COCO(tmp_path / "list.json")
    section = project.sections()[0]
    assert told.loadImgs([section.id]) == [
        {"id": section.id, "file_name": section.name, "width": section.width_px, "height": section.height_px}
    ]
    by_id = told.anns
    assert len(by_id) == 12
    for detection in project.detections():
        if detection.id in by_id:
            box = detection.box
            assert by_id[detection.id]["bbox"] == [box.x, box.y, box.w, box.h]
            assert by_id[detection.id]["area"] == detection.area_px
            assert by_id[detection.id]["segmentation"] == []
    assert [one["name"] for one in told.loadCats(told.getCatIds())] == ["anomaly"]


def test_coco_holds_outlines_where_there_are_any(project: Project, tmp_path: Path) -> None:  # noqa: F811
    plain, *others = project.detections()
    ring = ((10.0, 20.0), (30.004, 20.0), (30.0, 50.5))
    items = [ExportItem(one, {}) for one in (replace(plain, outline=ring), others[0])]
    sections = {one.id: one for one in project.sections()}
    document = ExportDocument(items, "pixel", sections, {}, {"schliff": "0"}, Pictures(project))
    find_exporter("coco").write(document, tmp_path / "list.json", {})
    told = COCO(tmp_path / "list.json")
    assert told.anns[plain.id]["segmentation"] == [[10, 20, 30, 20, 30, 50.5]]
    assert told.anns[others[0].id]["segmentation"] == []


def test_voc_covers_every_pixel_and_reads_back(project: Project, tmp_path: Path) -> None:  # noqa: F811
    export_detections(project, "pascal-voc", tmp_path / "section.ome.xml")
    root = ElementTree.parse(tmp_path / "section.ome.xml").getroot()
    assert root.findtext("filename") == "section.ome.tif"
    boxes = [[int(b.findtext(n) or 0) for n in ("xmin", "ymin", "xmax", "ymax")] for b in root.iter("bndbox")]
    for one, row in zip(boxes, listed(project), strict=True):
        assert one[0] <= max(row["x_px"], 1) < one[0] + 1
        assert one[3] - 1 < row["y_px"] + row["h_px"] <= one[3]
    (picture,) = read_marks(tmp_path).pictures
    whole = {(m.box.x, m.box.y, m.box.w, m.box.h) for m in picture.marks}
    assert whole == {(row["x_px"], row["y_px"], row["w_px"], row["h_px"]) for row in listed(project)}


def test_ome_regions_lie_on_their_image(project: Project, tmp_path: Path) -> None:  # noqa: F811
    export_detections(project, "ome-rois", tmp_path / "list.ome.xml")
    read = from_xml(tmp_path / "list.ome.xml", validate=True)
    assert {ref.id for ref in read.images[0].roi_refs} == {roi.id for roi in read.rois}
    by_id = {roi.id: roi.union[0] for roi in read.rois}
    for row in listed(project):
        one = by_id[f"ROI:{row['id']}"]
        expected = [row["x_px"], row["y_px"], row["w_px"], row["h_px"]]
        assert [one.x, one.y, one.width, one.height] == pytest.approx(expected, abs=0.01)


# -- the drive ---------------------------------------------------------------------------------------------------------


def test_a_drive_visits_every_place_once_and_crosses_nowhere() -> None:
    rng = np.random.default_rng(0)
    places = rng.uniform(0, 20_000, (300, 2))
    order = drive_order(places)
    assert sorted(order.tolist()) == list(range(300))
    # The shortest path through n random places of an area A is about 0.7124 √(n·A) long (Beardwood et al. 1959), some
    # more where n is small; 2-opt comes within a few percent, nearest neighbours alone within a quarter.
    assert path_length(places, order) < 1.15 * 0.7124 * np.sqrt(300 * 20_000**2)
    line = np.column_stack([rng.permutation(50), np.zeros(50)]).astype(float)
    assert path_length(line, drive_order(line, np.array([0.0, 0.0]))) == 49
    assert drive_order(np.zeros((0, 2))).tolist() == []
    assert sorted(drive_order(np.zeros((4, 2))).tolist()) == [0, 1, 2, 3]


def test_the_command_line_says_places_where_somebody_will_drive(project: Project, tmp_path: Path, capsys) -> None:  # noqa: F811
    def frame_of(name: str) -> tuple[str, str]:
        out = tmp_path / f"list.{name}"
        assert main(["export", str(project.path), "--format", name, "--out", str(out)]) == 0
        beside = out.with_name(out.name + SOURCES_SUFFIX)
        return json.loads(beside.read_text())["frame"], capsys.readouterr().out.strip().rpartition(", ")[2]

    assert frame_of("operator-csv") == ("stage", "on the microscope's stage")
    assert frame_of("klarf") == ("stage", "on the microscope's stage")
    assert frame_of("csv")[0] == "pixel"
    RegistrationStore(project).keep(project.sections()[0].id, FIDUCIALS)
    assert frame_of("operator-csv") == ("sem", "on the SEM's stage")
