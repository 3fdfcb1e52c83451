"""Drawings handed over: every measure in CSV, GeoJSON in QuPath's terms, whole files or none."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from core.classes import ClassTable
from core.drawing import Drawing
from core.errors import InputError, ResourceError, UsageError
from core.export.base import exporters
from core.export.drawings import COLUMNS, export_drawings
from core.frames import NO_STAGE, StageTransform
from core.project import SectionRecord

STAGE = StageTransform("pixel_to_stage", ((0.5, 0.0, 1000.0), (0.0, 0.5, 2000.0)), 0.0, None)
SECTION = SectionRecord(1, Path("/lab/section.czi"), "print", 1000, 800, (0.5, 0.5), STAGE)
BARE = SectionRecord(1, Path("/lab/section.png"), "print", 1000, 800, None, NO_STAGE)
ALL = [
    Drawing("ruler", ((0, 0), (30, 40)), name='the "gap", µm', id=1, author="Ada"),
    Drawing("ruler", ((10, 0), (0, 0), (0, 10)), id=2),
    Drawing("box", ((30, 40), (10, 20)), label="pore", id=3),
    Drawing("polygon", ((0, 0), (4, 0), (0, 3)), id=4, note="look"),
    Drawing("area", ((0, 0), (4, 0), (4, 4), (0, 4)), id=5),
    Drawing("point", ((7.5, 8.25),), id=6),
    Drawing("profile", ((0, 0), (10, 0)), width_px=5, id=7),
]


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_csv_says_every_measure(tmp_path):
    assert export_drawings(ALL, SECTION, tmp_path / "d.csv") == 7
    lines = read_csv(tmp_path / "d.csv")
    assert tuple(lines[0]) == COLUMNS
    assert [line["kind"] for line in lines] == ["ruler", "angle", "box", "polygon", "outline", "point", "profile"]
    assert lines[0]["name"] == 'the "gap", µm'
    assert (lines[0]["length_px"], lines[0]["length_um"]) == ("50.0", "25.0")
    assert lines[1]["angle_deg"] == "90.0"
    assert lines[1]["length_px"] == ""
    assert (lines[2]["area_px2"], lines[2]["area_um2"], lines[2]["perimeter_um"]) == ("400.0", "100.0", "40.0")
    assert (lines[2]["x_px"], lines[2]["w_px"]) == ("10", "20")
    assert (lines[2]["stage_x_um"], lines[2]["stage_y_um"]) == ("1010.0", "2015.0")
    assert lines[5]["points_px"] == "7.50 8.25"
    assert lines[6]["width_px"] == "5"
    export_drawings(ALL, BARE, tmp_path / "bare.csv")
    bare = read_csv(tmp_path / "bare.csv")
    assert {line[name] for line in bare for name in ("length_um", "area_um2", "stage_x_um")} == {""}


def test_geojson_is_what_qupath_reads(tmp_path):
    export_drawings(ALL, SECTION, tmp_path / "d.geojson")
    document = json.loads((tmp_path / "d.geojson").read_text("utf-8"))
    assert document["type"] == "FeatureCollection"
    features = document["features"]
    kinds = [f["geometry"]["type"] for f in features]
    assert kinds == ["LineString", "LineString", "Polygon", "Polygon", "Polygon", "Point", "LineString"]
    for feature in features:
        assert feature["properties"]["objectType"] == "annotation"
        if feature["geometry"]["type"] == "Polygon":
            (ring,) = feature["geometry"]["coordinates"]
            assert ring[0] == ring[-1]
            assert len(ring) >= 4
    assert len({f["id"] for f in features}) == 7
    assert features[2]["properties"]["classification"] == {"name": "pore", "color": [0x56, 0xB4, 0xE9]}
    assert features[2]["properties"]["measurements"]["area_um2"] == 100
    assert "classification" not in features[0]["properties"]
    assert features[5]["geometry"]["coordinates"] == [7.5, 8.25]
    assert features[3]["properties"]["name"] == "Polygon 4"


def test_classes_are_called_and_coloured_as_in_the_project(tmp_path):
    table = ClassTable().renamed("pore", "void").coloured("void", "#102030")
    export_drawings(ALL, SECTION, tmp_path / "d.geojson", table)
    features = json.loads((tmp_path / "d.geojson").read_text("utf-8"))["features"]
    assert features[2]["properties"]["classification"] == {"name": "void", "color": [0x10, 0x20, 0x30]}
    export_drawings(ALL, SECTION, tmp_path / "d.csv", table)
    assert [line["class"] for line in read_csv(tmp_path / "d.csv")] == ["", "", "void", "", "", "", ""]


def test_an_empty_list_is_a_file_and_a_failure_is_none(tmp_path):
    for name in ("d.csv", "d.geojson"):
        assert export_drawings([], SECTION, tmp_path / name) == 0
        assert (tmp_path / name).stat().st_size > 20
        with pytest.raises(ResourceError):
            export_drawings(ALL, SECTION, tmp_path / "no folder" / name)
    with pytest.raises(UsageError, match=r"\.xlsx"):
        export_drawings(ALL, SECTION, tmp_path / "d.xlsx")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d.csv", "d.geojson"]


def test_no_list_is_written_into_a_folder_of_tiles(tmp_path):
    section = SectionRecord(1, tmp_path, "print", 1000, 800, None, NO_STAGE)
    with pytest.raises(InputError, match="section itself"):
        export_drawings(ALL, section, tmp_path / "positions.csv")


def test_drawings_are_no_exporter_of_detections():
    assert "drawings" not in {spec.id for spec in exporters()}
