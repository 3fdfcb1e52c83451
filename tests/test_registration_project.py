"""A registration in a project: kept, undone, listed, exported, and said on the command line."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
import tifffile

from app.cli import main
from core.errors import UsageError
from core.export.base import SOURCES_SUFFIX, export_detections
from core.history import History
from core.listing import listed_detections, rows
from core.project import Project
from core.project.registration_store import RegistrationStore
from core.readers.base import open_section
from core.registration.fiducials import Fiducial
from core.scan.runner import run_scan
from tests.toy import ToyModel, spotted_image

# x_sem = 1000 + 0.5 x, y_sem = 2000 - 0.5 y, in µm for px of 0.5 µm
FIDUCIALS = [
    Fiducial(name, x, y, (1000 + 0.5 * x) / 1000, (2000 - 0.5 * y) / 1000, "mm")
    for name, x, y in (("A", 10.0, 10.0), ("B", 500.0, 20.0), ("C", 480.0, 500.0), ("D", 15.0, 470.0))
]
HEAD = "name,x_px,y_px,sem_x,sem_y,sem_unit\n"


@pytest.fixture
def project(tmp_path: Path):
    path = tmp_path / "section.ome.tif"
    size = {"PhysicalSizeX": 0.5, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 0.5, "PhysicalSizeYUnit": "µm"}
    tifffile.imwrite(path, spotted_image(), photometric="rgb", metadata={"axes": "YXS", **size})
    with Project.create(tmp_path / "p.schliff") as made, open_section(path) as section:
        run_scan(made, section, ToyModel())
        yield made


def write_csv(path: Path, fiducials=FIDUCIALS) -> Path:
    lines = [f"{f.name},{f.x_px},{f.y_px},{f.sem_x},{f.sem_y},{f.unit}" for f in fiducials]
    path.write_text(HEAD + "\n".join(lines) + "\n")
    return path


def test_a_registration_is_kept_and_undone_after_a_restart(project: Project) -> None:
    section = project.sections()[0]
    store = RegistrationStore(project, "Mira")
    assert store.registration(section) is None
    assert store.keep(section.id, FIDUCIALS)
    assert not store.keep(section.id, FIDUCIALS)  # nothing new
    assert store.keep(section.id, [*FIDUCIALS[:3], replace(FIDUCIALS[3], sem_x=5.0)], "affine")
    with Project.open(project.path) as again:
        store, history = RegistrationStore(again), History(again)
        assert store.fiducials(section.id)[1] == "affine"
        assert history.undo() is not None
        assert store.fiducials(section.id) == (FIDUCIALS, "auto")
        assert history.undo() is not None
        assert store.fiducials(section.id) == ([], "auto")
        assert not history.can_undo
        history.redo()
        found = store.registration(section)
        assert found is not None
        assert found.rms_um == pytest.approx(0, abs=1e-6)


def test_too_few_fiducials_are_kept_until_there_are_enough(project: Project) -> None:
    section, store = project.sections()[0], RegistrationStore(project)
    store.keep(section.id, FIDUCIALS[:2])
    assert store.fiducials(section.id)[0] == FIDUCIALS[:2]
    assert store.registration(section) is None
    assert rows(project, listed_detections(project))[0]["sem_x"] is None


def test_lists_and_exports_say_where_to_drive(project: Project, tmp_path: Path) -> None:
    section = project.sections()[0]
    RegistrationStore(project).keep(section.id, FIDUCIALS)
    for row in rows(project, listed_detections(project)):
        x, y = row["x_px"] + row["w_px"] / 2, row["y_px"] + row["h_px"] / 2
        assert (row["sem_x"], row["sem_y"]) == pytest.approx((1 + 0.0005 * x, 2 - 0.0005 * y), abs=1e-5)
        assert row["sem_unit"] == "mm"
        assert row["predicted_error_um"] > 0
    export_detections(project, "csv", tmp_path / "list.csv", frame="sem")
    with (tmp_path / "list.csv").open(newline="") as file:
        assert all(float(line["sem_x"]) > 1 for line in csv.DictReader(file))
    sources = json.loads((tmp_path / f"list.csv{SOURCES_SUFFIX}").read_text())
    assert sources["sections"][0]["fingerprint"] == section.fingerprint
    assert sources["scans"][0]["model"] == "toy"
    assert sources["registrations"][0]["sem_unit"] == "mm"


def test_a_spreadsheet_runs_nothing(project: Project, tmp_path: Path) -> None:
    with project.database.writing() as db:
        db.execute("UPDATE detections SET label = '=2+5', x_px = -3.5")
    export_detections(project, "csv", tmp_path / "list.csv")
    with (tmp_path / "list.csv").open(newline="") as file:
        line = next(csv.DictReader(file))
    assert line["class"] == "'=2+5"
    assert float(line["x_px"]) == -3.5  # a number stays one


def test_the_command_line_registers(project: Project, tmp_path: Path, capsys) -> None:
    path = write_csv(tmp_path / "f.csv")
    assert main(["register", str(project.path), "--fiducials", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["kind"] == "similarity"
    assert told["mirrored"] is True
    assert told["scale"] == pytest.approx(1, abs=1e-6)
    assert [one["name"] for one in told["fiducials"]] == ["A", "B", "C", "D"]
    assert main(["register", str(project.path), "--fiducials", str(path)]) == 0
    assert "mirrored" in capsys.readouterr().out
    assert main(["defects", str(project.path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["sem_unit"] == "mm"
    assert main(["register", str(project.path), "--clear"]) == 0
    assert RegistrationStore(project).registration(project.sections()[0]) is None


def test_what_cannot_be_registered_keeps_what_was_there(project: Project, tmp_path: Path, capsys) -> None:
    section, store = project.sections()[0], RegistrationStore(project)
    store.keep(section.id, FIDUCIALS)
    two = write_csv(tmp_path / "two.csv", FIDUCIALS[:2])
    assert main(["register", str(project.path), "--fiducials", str(two)]) == UsageError.exit_code
    assert main(["register", str(project.path), "--fiducials", str(tmp_path / "none.csv")]) == 3
    assert main(["register", str(project.path), "--fiducials", str(two), "--section", "other"]) == UsageError.exit_code
    assert "section.ome.tif" in capsys.readouterr().err
    assert store.fiducials(section.id)[0] == FIDUCIALS
