"""Markers of Shuttle & Find as fiducials: from the section's own CZI, and from one that the SEM has saved."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QFileDialog

from app.cli import main
from app.registration.panel import RegistrationPanel
from core.errors import InputError, UsageError
from core.project import Project
from core.readers.base import open_section
from core.registration.fiducials import Fiducial
from core.registration.markers import markers_of, read_markers, seen_at
from tests.czi_files import Tile, write_czi_file
from tests.window_support import open_and_wait, open_window

UM_PER_PX = 0.5
# On the light microscope's stage, µm; its pixel 0, 0 lies at 30000, 10000, +x right and +y down.
LM = ((5_000.0, 5_000.0), (45_000.0, 5_000.0), (45_000.0, 35_000.0))
PX = tuple(((x - 30_000) / UM_PER_PX, (y - 10_000) / UM_PER_PX) for x, y in LM)


def sem_of(x_um: float, y_um: float) -> tuple[float, float]:
    """Mirrored in X, as the stages of ZEISS are, and shifted."""
    return 90_000 - x_um, 60_000 + y_um


def markers_xml(places, kind: str) -> str:
    told = "".join(
        f'<Marker Id="Marker:{n}" StageXPosition="{x}" StageYPosition="{y}" FocusPosition="0"/>'
        for n, (x, y) in enumerate(places, 1)
    )
    return (
        '<Appliances><Appliance Id="ShuttleAndFind:1"><Data><ShuttleAndFindData><Calibration>'
        f"<MicroscopeType>{kind}</MicroscopeType><Markers>{told}</Markers></Calibration></ShuttleAndFindData></Data>"
        "</Appliance></Appliances>"
    )


def write(path: Path, markers: str, *, placed: bool = True) -> Path:
    size = "".join(f'<Distance Id="{axis}"><Value>{UM_PER_PX * 1e-6}</Value></Distance>' for axis in "XY")
    stage = (
        "<Information><Image><SpatialRelations><PixelToStageTransform><RotateFlipScaleTranslateImplicitScale>"
        '<Rotate>0</Rotate><Flip X="false" Y="false"/><Translate X="30000" Y="10000"/>'
        "</RotateFlipScaleTranslateImplicitScale></PixelToStageTransform></SpatialRelations></Image></Information>"
    )
    xml = f"<ImageDocument><Metadata><Scaling><Items>{size}</Items></Scaling>{stage if placed else ''}{markers}</Metadata></ImageDocument>"
    return write_czi_file(path, [Tile(0, 0, np.full((300, 400, 1), 90, np.uint8))], xml.encode())


@pytest.fixture
def section(tmp_path: Path) -> Path:
    return write(tmp_path / "lm.czi", markers_xml(LM, "LM"))


@pytest.fixture
def sem(tmp_path: Path) -> Path:
    return write(tmp_path / "sem.czi", markers_xml([sem_of(*place) for place in LM], "SEM"))


def test_markers_lie_where_the_stage_had_them_mostly_beside_the_section(section: Path, sem: Path):
    with open_section(section) as opened:
        found = markers_of(opened.info, "mm")
    assert [(one.x_px, one.y_px) for one in found] == [pytest.approx(place) for place in PX]
    assert not any(one.is_seen for one in found)
    seen = seen_at(found, read_markers(sem))
    assert seen[0].sem_um == pytest.approx(sem_of(*LM[0]))
    assert seen[0].sem_x == pytest.approx(85.0)


def test_what_holds_no_markers_says_so(tmp_path: Path, section: Path):
    plain = write(tmp_path / "plain.czi", "")
    with open_section(plain) as opened, pytest.raises(UsageError, match="no Shuttle & Find markers"):
        markers_of(opened.info)
    with pytest.raises(InputError, match="no Shuttle & Find markers"):
        read_markers(plain)
    nowhere = write(tmp_path / "nowhere.czi", markers_xml(LM, "LM"), placed=False)
    with open_section(nowhere) as opened, pytest.raises(UsageError, match="where its pixels lie"):
        markers_of(opened.info)
    with pytest.raises(UsageError, match="no fiducial is called Marker:1"):
        seen_at([Fiducial("F1", 0, 0, None, None)], read_markers(section))


def test_the_command_line_registers_by_markers(tmp_path: Path, section: Path, sem: Path, capsys):
    home = tmp_path / "p.schliff"
    with Project.create(home) as project, open_section(section) as opened:
        project.add_section(opened)
    assert main(["register", str(home), "--markers", str(sem), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["kind"], told["mirrored"]) == ("similarity", True)
    assert told["rms_um"] == pytest.approx(0, abs=1e-3)


def test_the_panel_takes_them_and_is_told_where_the_sem_saw_them(qtbot, qapp, section, sem, monkeypatch):
    with open_window(qapp) as window:
        open_and_wait(qtbot, window, section)
        window.docks.bring("registration")
        panel = window.findChild(RegistrationPanel)
        qtbot.waitUntil(panel.buttons["markers"].isVisible)
        panel.buttons["markers"].click()
        registration = window.session.registration
        assert [one.name for one in registration.fiducials] == ["Marker:1", "Marker:2", "Marker:3"]
        panel.buttons["markers"].click()
        assert len(registration.fiducials) == 3, "each one once"
        monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(sem), ""))
        panel.buttons["import"].click()
        assert registration.fit is not None
        assert registration.fit.fit.mirrored
        x, y = registration.fit.to_sem(0, 0)
        assert (x * 1000, y * 1000) == pytest.approx(sem_of(30_000, 10_000), abs=0.01)
        qtbot.waitUntil(lambda: window.session.project is not None, timeout=10_000)


def test_an_sem_file_alone_brings_the_sections_own_markers(qtbot, qapp, section, sem, monkeypatch):
    with open_window(qapp) as window:
        open_and_wait(qtbot, window, section)
        window.docks.bring("registration")
        panel = window.findChild(RegistrationPanel)
        monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(sem), ""))
        panel.buttons["import"].click()
        assert all(one.is_seen for one in window.session.registration.fiducials)
        assert len(window.session.registration.fiducials) == 3
        qtbot.waitUntil(lambda: window.session.project is not None, timeout=10_000)
