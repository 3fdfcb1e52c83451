"""What is handed over: the contract's columns, QuPath's terms, whole files or none."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from core.errors import InputError, ResourceError, UsageError
from core.export.base import SOURCES_SUFFIX, export_detections, exporters
from core.listing import COLUMNS, listed_detections, rows, sorted_rows
from core.project import Project
from core.readers.base import open_section
from core.review import Review
from core.scan.runner import run_scan
from tests.toy import ToyModel, spotted_image

PIXEL_UM = 0.5


@pytest.fixture
def project(tmp_path: Path):
    """A scanned section that states its scale and its place on the stage."""
    path = tmp_path / "section.ome.tif"
    position = {"PositionX": [1000.0], "PositionXUnit": ["µm"], "PositionY": [2000.0], "PositionYUnit": ["µm"]}
    size = {"PhysicalSizeX": PIXEL_UM, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": PIXEL_UM, "PhysicalSizeYUnit": "µm"}
    metadata = {"axes": "YXS", **size, "Plane": position}
    tifffile.imwrite(path, spotted_image(), photometric="rgb", metadata=metadata)
    with Project.create(tmp_path / "p.schliff") as made, open_section(path) as section:
        run_scan(made, section, ToyModel())
        yield made


@pytest.mark.parametrize("spec", exporters(), ids=lambda spec: spec.id)
def test_every_exporter_writes_what_was_asked_for_or_nothing(spec, project: Project, tmp_path: Path):
    out = tmp_path / f"list{spec.suffix}"
    settings = needed_settings(spec, tmp_path)
    assert export_detections(project, spec.id, out, settings=settings) == 12
    whole = out.read_bytes()
    assert len(whole) > 500
    assert [p.name for p in tmp_path.glob(".*")] == [], "no temporary file stays behind"
    if not spec.names_sources:
        assert project.sections()[0].fingerprint in out.with_name(out.name + SOURCES_SUFFIX).read_text()
    else:
        assert project.sections()[0].fingerprint.encode() in whole, "the file itself says where all comes from"
    assert export_detections(project, spec.id, out, statuses=["defect"], settings=settings) == 0
    assert 0 < len(out.read_bytes()) < len(whole), "an empty list is a valid file too"
    with pytest.raises(ResourceError):
        export_detections(project, spec.id, tmp_path / "no" / "such" / "folder" / "list", settings=settings)
    with pytest.raises(UsageError, match="no parameter 'nonsense'"):
        export_detections(project, spec.id, out, settings={"nonsense": "1"})
    assert spec.name
    assert spec.help


def needed_settings(spec, folder: Path) -> dict[str, str]:
    """What a format can't be written without."""
    if "template" not in {p.name for p in spec.parameters}:
        return {}
    (folder / "own.czexp").write_text(TEMPLATE)
    return {"template": str(folder / "own.czexp")}


TEMPLATE = """<?xml version="1.0"?>
<HardwareExperiment Version="1.0"><ExperimentBlocks><AcquisitionBlock><SubDimensionSetups><RegionsSetup><SampleHolder>
<SingleTileRegions><SingleTileRegion Name="P1" Id="1"><X>5</X><Y>6</Y><Z>123.5</Z><ContourSize>1,1</ContourSize>
<IsUsedForAcquisition>false</IsUsedForAcquisition></SingleTileRegion><SingleTileRegion Name="P2" Id="2"/></SingleTileRegions>
</SampleHolder></RegionsSetup></SubDimensionSetups></AcquisitionBlock></ExperimentBlocks><Kept>yes</Kept>
</HardwareExperiment>
"""


def test_csv_has_the_contracts_columns_and_right_places(project: Project, tmp_path: Path):
    export_detections(project, "csv", tmp_path / "list.csv", frame="stage")
    with (tmp_path / "list.csv").open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert tuple(lines[0]) == COLUMNS
    severities = [float(line["severity"]) for line in lines]
    assert severities == sorted(severities, reverse=True)
    image = spotted_image().mean(axis=2) > 200
    stage = project.sections()[0].stage
    for line in lines:
        x, y, w, h = (float(line[name]) for name in ("x_px", "y_px", "w_px", "h_px"))
        assert image[int(y) : int(y + h), int(x) : int(x + w)].sum() >= 0.9 * 24 * 24
        assert stage.to_stage(x + w / 2, y + h / 2) == pytest.approx(
            (float(line["stage_x_um"]), float(line["stage_y_um"])), abs=1e-3
        )
        assert float(line["area_um2"]) <= w * h * PIXEL_UM**2


def test_two_sections_are_never_laid_over_each_other(project: Project, tmp_path: Path):
    tifffile.imwrite(tmp_path / "other.tif", spotted_image()[:400], photometric="rgb")
    with open_section(tmp_path / "other.tif") as section:
        other = run_scan(project, section, ToyModel()).scan_id
    with pytest.raises(InputError, match="one section only"):
        export_detections(project, "geojson", tmp_path / "list.geojson")
    export_detections(project, "geojson", tmp_path / "list.geojson", scans=[other])
    assert export_detections(project, "geojson", tmp_path / "list.geojson", on=[project.sections()[0].id]) == 12
    assert json.loads((tmp_path / "list.geojson").read_text())["provenance"]["frame"] == "pixel"


def test_geojson_speaks_qupaths_terms(project: Project, tmp_path: Path):
    export_detections(project, "geojson", tmp_path / "list.geojson")
    document = json.loads((tmp_path / "list.geojson").read_text())
    assert document["type"] == "FeatureCollection"
    assert len(document["features"]) == 12
    worst = project.detections()[0]
    feature = document["features"][0]
    ring = np.array(feature["geometry"]["coordinates"][0])
    assert feature["geometry"]["type"] == "Polygon"
    assert (ring[0] == ring[-1]).all()
    assert ring.min(axis=0).tolist() == [worst.box.x, worst.box.y]
    assert ring.max(axis=0).tolist() == [worst.box.x1, worst.box.y1]
    properties = feature["properties"]
    assert properties["objectType"] == "annotation"
    assert properties["classification"]["name"] == "anomaly"
    assert all(0 <= part <= 255 for part in properties["classification"]["color"])
    assert all(isinstance(value, int | float) for value in properties["measurements"].values())
    assert len({f["id"] for f in document["features"]}) == 12


def test_a_frame_that_isnt_known_is_an_error_with_a_remedy(project: Project, tmp_path: Path):
    with pytest.raises(InputError, match="Register it"):
        export_detections(project, "csv", tmp_path / "list.csv", frame="sem")
    with pytest.raises(UsageError, match="pixel"):
        export_detections(project, "geojson", tmp_path / "list.geojson", frame="stage")
    with pytest.raises(UsageError, match="csv"):
        export_detections(project, "klingon", tmp_path / "list")
    assert not (tmp_path / "list.csv").exists()


def test_lists_follow_threshold_status_class_and_order(project: Project):
    scan = project.scans()[0]
    ids = [d.id for d in listed_detections(project)]
    Review(project).decide(ids[:3], "defect")
    assert [d.id for d in listed_detections(project, statuses=["defect"])] == ids[:3]
    assert listed_detections(project, classes=["anomaly"], scans=[scan.id]) == listed_detections(project)
    with pytest.raises(UsageError, match="class"):
        listed_detections(project, classes=["crack"])
    with pytest.raises(UsageError, match="scan"):
        listed_detections(project, scans=["toy-99"])
    with pytest.raises(UsageError, match="status"):
        listed_detections(project, statuses=["great"])
    project.set_threshold(scan.id, 1.1)
    assert listed_detections(project) == []
    everything = rows(project, listed_detections(project, below_threshold=True))
    assert len(everything) >= 12
    by_x = [row["x_px"] for row in sorted_rows(everything, "x_px")]
    assert by_x == sorted(by_x)
    with pytest.raises(UsageError, match="sort"):
        sorted_rows(everything, "beauty")
