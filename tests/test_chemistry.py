"""Chemistry comes back: read, matched by number or place, asked where it isn't clear, kept, listed, undone."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from app.cli import main
from core.chemistry.composition import Composition, Measurement
from core.chemistry.edx_csv import read_csv
from core.chemistry.h5oina import read_h5oina
from core.chemistry.importing import import_measurements, sorted_out
from core.chemistry.matching import match_measurements
from core.detection import Detection
from core.errors import InputError
from core.geometry import Box
from core.history import History
from core.listing import listed_detections, rows
from core.project import Project
from core.project.composition_store import CompositionStore
from core.project.registration_store import RegistrationStore
from core.registration.registration import register
from tests.test_registration_project import FIDUCIALS, project  # noqa: F401 - a fixture

OXIDE = Composition({"Zr": 33.0, "O": 67.0}, "at%", {"Zr": 0.4}, "S1", "edx.csv")


def write(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


# -- reading -----------------------------------------------------------------------------------------------------------


def test_a_csv_by_number_with_units_and_sigmas(tmp_path: Path) -> None:
    path = write(
        tmp_path / "e.csv", "id,Spectrum,Zr (at.%),Zr sigma,O (at.%),Total\n7,S1,33,0.4,67,100\n8,S2,,,99.5,100\n"
    )
    first, second = read_csv(path)
    assert first.detection_id == 7
    assert first.composition == Composition({"Zr": 33, "O": 67}, "at%", {"Zr": 0.4}, "S1", "e.csv")
    assert second.composition.amounts == {"O": 99.5}  # what a spectrum doesn't have is no zero
    assert first.composition.text() == "O 67.0, Zr 33.0 at%"
    assert Composition.from_json(first.composition.to_json()) == first.composition


def test_a_csv_by_place_in_any_unit(tmp_path: Path) -> None:
    (one,) = read_csv(write(tmp_path / "e.csv", "X (mm);Y (mm);Fe wt%\n1,25;-2,5;12,5\n"))
    assert one.place == (1250, -2500)
    assert one.composition.unit == "wt%"
    (one,) = read_csv(write(tmp_path / "e.csv", "sem_x,sem_y,sem_unit,Fe\n1.25,-2.5,mm,12.5\n"), "at%")
    assert one.place == (1250, -2500)
    assert one.composition.unit == "at%"


def test_names_of_columns_as_instruments_write_them(tmp_path: Path) -> None:
    (one,) = read_csv(
        write(tmp_path / "e.csv", "No,ID,Zr [At.%],Zr Sigma,O_at%,Y (At%),In stats.\n3,7,33,0.4,60,7,1\n")
    )
    assert one.detection_id == 7
    assert one.composition == Composition({"Zr": 33, "O": 60, "Y": 7}, "at%", {"Zr": 0.4}, "", "e.csv")
    (one,) = read_csv(write(tmp_path / "e.csv", "id,X,Y,Zr (Wt%),Zr error (Wt%)\n7,12.5,40.2,33,1\n"))
    assert one.composition == Composition({"Zr": 33}, "wt%", {"Zr": 1}, "", "e.csv")  # Y was a place


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no column is an element"),
        ("id,Fe (at.%)\n", "it holds no results"),
        ("id,Fe (at.%)\n7\n8,20\n", "line 2: no element has an amount"),
        ("id,Fe (at.%),Ni (at.%)\n7,20,30\n8,2", "line 3: it ends in the middle"),
        ("X,Y,Fe (at.%)\n1,2,3\n", "X and Y don't say their unit"),
        ("id,colour\n1,red\n", "no column is an element"),
        ("id,Fe\n1,20\n", "at.% or wt.% is not said"),
        ("id,Fe (at.%),Ni (wt%)\n1,20,30\n", "some elements are in at.%"),
        ("Fe (at.%)\n20\n", "nothing says where"),
        ("id,Fe (at.%)\nseven,20\n", "line 2: id is 'seven'"),
        ("id,Fe (at.%)\n7,lots\n", "line 2: Fe .* is 'lots'"),
        ("id,Fe (at.%)\n7,20\n8,2000\n", "line 3: Fe is 2000 %"),
        ("X (furlong),Y (furlong),Fe (at.%)\n1,2,3\n", "furlong"),
        ("X (mm),Y (um),Fe (at.%)\n1,2,3\n", "different units"),
        ("sem_x,sem_y,sem_unit,Fe (at.%)\n1,2,mile,3\n", "line 2: the unit 'mile'"),
    ],
)
def test_a_broken_csv_names_its_line(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        read_csv(write(tmp_path / "e.csv", text))


def write_h5oina(path: Path, beam=(0.0, 0.0)) -> Path:
    """Two features as the published specification lays them out, one a map with pixels that weren't measured."""
    with h5py.File(path, "w") as file:
        file["Format Version"], file["Index"] = ["8.0"], ["1", "2"]
        for name, place, values in (("1", (1.1, 1.95), [10.0]), ("2", (1.2, 1.9), [20.0, np.nan, 40.0])):
            part = file.create_group(f"{name}/EDS")
            part["Header/Stage Position/X"], part["Header/Stage Position/Y"] = [place[0]], [place[1]]
            part["Header/Analysis Label"] = [f"Feature {name}"]
            part["Data/Composition/Fe"] = np.array(values, np.float32)
            part["Data/Composition Sigma/Fe"] = np.array([0.5] * len(values), np.float32)
            part["Data/Beam Position X"], part["Data/Beam Position Y"] = [beam[0]], [beam[1]]
    return path


def test_an_h5oina_gives_stage_composition_and_sigma(tmp_path: Path) -> None:
    first, second = read_h5oina(write_h5oina(tmp_path / "a.h5oina", beam=(3.0, 4.0)))
    assert first.place == pytest.approx((1100, 1950))
    assert first.reach_um == pytest.approx(5)
    assert (first.composition.spectrum, first.composition.unit) == ("Feature 1", "wt%")
    assert first.composition.amounts == {"Fe": 10}
    assert second.composition.amounts == {"Fe": 30}
    assert second.composition.sigmas == {"Fe": 0.5}


def test_what_is_no_h5oina_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_h5oina(tmp_path / "none.h5oina")
    with pytest.raises(InputError, match="can't be read as H5OINA"):
        read_h5oina(write(tmp_path / "text.h5oina", "no HDF5"))
    with h5py.File(tmp_path / "other.h5oina", "w") as file:
        file["data"] = [1]
    with pytest.raises(InputError, match="no format version"):
        read_h5oina(tmp_path / "other.h5oina")
    with h5py.File(tmp_path / "empty.h5oina", "w") as file:
        file["Format Version"], file["Index"] = ["8.0"], ["1"]
        file.create_group("1/EDS/Data")
    with pytest.raises(InputError, match="no composition"):
        read_h5oina(tmp_path / "empty.h5oina")


# -- matching ----------------------------------------------------------------------------------------------------------


def found(number: int, x: float, y: float) -> Detection:
    return Detection(number, 1, "toy-1", "toy", "pore", 0.9, Box(x - 5, y - 5, 10, 10), 80.0, 50.0)


def measured(x_px: float, y_px: float, reach: float = 0.0) -> Measurement:
    """At a level-0 place, by the truth behind `FIDUCIALS`."""
    return Measurement(OXIDE, None, (1000 + 0.5 * x_px, 2000 - 0.5 * y_px), reach)


def test_the_nearest_within_reach_is_meant_and_two_are_asked() -> None:
    registration = register(FIDUCIALS, (0.5, 0.5))
    near, twin, far = found(1, 100, 100), found(2, 106, 100), found(3, 300, 300)
    at_far, between, nowhere, wide = match_measurements(
        [measured(301, 299), measured(103, 100), measured(200, 200), measured(200, 200, reach=80)],
        [near, twin, far],
        registration,
    )
    assert at_far.clear == far
    assert at_far.candidates[0].distance_um == pytest.approx(0.5 * np.sqrt(2), abs=1e-6)
    assert between.clear is None
    assert {one.detection.id for one in between.candidates} == {1, 2}
    assert nowhere.candidates == ()
    assert len(wide.candidates) == 3  # the beam was somewhere on a circle: never guessed
    outcome = sorted_out([at_far, between, nowhere])
    assert [len(part) for part in (outcome.attached, outcome.ambiguous, outcome.unmatched)] == [1, 1, 1]


def test_numbers_go_before_places_and_twice_is_asked() -> None:
    one, other = found(1, 100, 100), found(2, 300, 300)
    named = Measurement(OXIDE, 2, measured(100, 100).place)
    (match,) = match_measurements([named], [one, other], register(FIDUCIALS, (0.5, 0.5)))
    assert match.clear == other
    twice = match_measurements([Measurement(OXIDE, 1), Measurement(OXIDE, 1), Measurement(OXIDE, 99)], [one], None)
    outcome = sorted_out(twice)
    assert [len(part) for part in (outcome.attached, outcome.ambiguous, outcome.unmatched)] == [0, 2, 1]


# -- in a project ------------------------------------------------------------------------------------------------------


def test_chemistry_is_kept_listed_and_undone(project: Project) -> None:  # noqa: F811
    section, listed = project.sections()[0], listed_detections(project)
    RegistrationStore(project).keep(section.id, FIDUCIALS)
    x, y = listed[0].box.center
    outcome = import_measurements(project, section, [measured(x, y), Measurement(OXIDE, listed[1].id)])
    assert len(outcome.attached) == 2
    told = {row["id"]: row["composition"] for row in rows(project, listed)}
    assert told[listed[0].id]["elements"] == {"Zr": 33.0, "O": 67.0}
    assert told[listed[1].id]["unit"] == "at%"
    assert sum(one is not None for one in told.values()) == 2
    history = History(project)
    history.undo()
    assert CompositionStore(project).compositions() == {}
    assert RegistrationStore(project).registration(section) is not None
    history.redo()
    with Project.open(project.path) as again:
        assert set(CompositionStore(again).compositions()) == {listed[0].id, listed[1].id}


def test_without_numbers_and_registration_nothing_is_guessed(project: Project) -> None:  # noqa: F811
    with pytest.raises(InputError, match="isn't registered"):
        import_measurements(project, project.sections()[0], [measured(100, 100)])


def test_the_command_line_imports(project: Project, tmp_path: Path, capsys) -> None:  # noqa: F811
    number = listed_detections(project)[0].id
    path = write(tmp_path / "edx.csv", f"id,Fe (at.%),O (at.%)\n{number},40,60\n9999,50,50\n")
    assert main(["import-edx", str(project.path), str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["id"] for one in told["attached"]] == [number]
    assert len(told["unmatched"]) == 1
    assert main(["defects", str(project.path), "--json"]) == 0
    listed = {row["id"]: row for row in json.loads(capsys.readouterr().out)}
    assert listed[number]["composition"]["elements"] == {"Fe": 40.0, "O": 60.0}
    assert main(["import-edx", str(project.path), str(path)]) == 0
    assert "1 of 2 spectra attached" in capsys.readouterr().out
    assert main(["import-edx", str(project.path), str(tmp_path / "none.csv")]) == 3
