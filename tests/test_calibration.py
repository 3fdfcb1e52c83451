"""A pixel size entered by hand: what follows it in core, in projects and on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from app.cli import main
from core.calibration import by_hand, calibrated, measured, pixel_size
from core.data.formats.project import SPEC as PROJECT_DATA
from core.data.opening import open_picture
from core.drawing import Drawing
from core.errors import UsageError
from core.export.document import export_document
from core.export.pictures import Pictures
from core.frames import StageTransform
from core.geometry import Box
from core.history import History
from core.measure import measure
from core.project import Project
from core.project.calibration_store import CalibrationStore
from core.project.drawing_store import DrawingStore
from core.readers.base import open_section
from core.readers.facts import section_facts
from core.readers.report import section_report
from core.section_info import NO_PIXEL_SIZE
from core.train.scales import common_scale
from tests.memory_section import MemorySection

STAGE = StageTransform("pixel_to_stage", ((0.5, 0.0, 1000.0), (0.0, -0.5, 2000.0)))


def info(size=(0.5, 0.5), stage=STAGE):
    return MemorySection(np.zeros((80, 100, 1), np.uint8), size, stage).info


def test_what_is_entered_counts_and_what_the_file_says_comes_back():
    stated = info()
    entered = calibrated(stated, (0.25, 0.25))
    assert entered.pixel_size_um == (0.25, 0.25)
    assert entered.um2_per_px2 == 0.0625
    assert by_hand(entered) == (0.25, 0.25)
    assert by_hand(stated) is None
    assert calibrated(entered, (0.3, 0.3)).as_stated == stated  # not one upon another
    assert calibrated(entered, None) == stated


def test_the_stage_goes_by_the_new_scale_around_the_middle():
    entered = calibrated(info(), (0.25, 0.25))
    assert entered.stage.to_stage(50, 40) == STAGE.to_stage(50, 40)
    assert entered.stage.to_stage(60, 44) == pytest.approx((1025 + 2.5, 1980 - 1.0))
    assert entered.stage.source == "pixel_to_stage"


def test_a_section_without_a_scale_gets_one_and_no_stage():
    entered = calibrated(info(None, StageTransform()), (2.0, 2.0))
    assert entered.pixel_size_um == (2.0, 2.0)
    assert entered.stage == StageTransform()


def test_the_source_says_entered_by_hand():
    entered = calibrated(info(), (0.25, 0.25))
    assert (
        dict(section_facts(entered))["pixel size"] == "0.25 × 0.25 µm, entered by hand (the file states 0.5 × 0.5 µm)"
    )
    assert "file states" not in dict(section_facts(calibrated(info(None), (2.0, 2.0))))["pixel size"]
    section = MemorySection(np.zeros((8, 8, 1), np.uint8))
    section.info = entered
    assert section_report(section)["pixel_size_source"] == "hand"


def test_a_line_over_a_known_length():
    assert measured(((0, 0), (300, 400)), 1000, None) == pytest.approx((2.0, 2.0))
    across, down = measured(((0, 0), (0, 100)), 100, (0.5, 1.0))  # px stay twice as high as wide
    assert (across, down) == pytest.approx((0.5, 1.0))


@pytest.mark.parametrize(("ends", "length"), [(((5, 5), (5, 5)), 10), (((0, 0), (9, 0)), 0), (((0, 0), (9, 0)), -3)])
def test_lines_that_measure_nothing_are_refused(ends, length):
    with pytest.raises(UsageError, match="nothing can be measured"):
        measured(ends, length, None)


@pytest.mark.parametrize("um", [0, -1, 5e4, float("nan"), float("inf")])
def test_scales_of_no_microscope_are_refused(um):
    with pytest.raises(UsageError, match="can't be the scale"):
        pixel_size(um)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    import cv2

    path = tmp_path / "s.png"
    cv2.imwrite(str(path), np.zeros((80, 100), np.uint8))
    return path


def test_a_project_keeps_it_for_whoever_opens_the_section(tmp_path: Path, picture: Path):
    with Project.create(tmp_path / "p.schliff") as project:
        with open_section(picture) as section:
            record = project.add_section(section)
        assert (record.pixel_size_um, record.scale_by_hand) == (None, False)
        assert CalibrationStore(project, "Ada").keep(record.id, (2.0, 2.0))
        assert not CalibrationStore(project, "Ada").keep(record.id, (2.0, 2.0))  # no second step of undo
    with Project.open(tmp_path / "p.schliff") as project:
        (record,) = project.sections()
        assert (record.pixel_size_um, record.scale_by_hand, record.um2_per_px2) == ((2.0, 2.0), True, 4.0)
        for opened in (project.open_section_of(record), given(project, picture), added(project, picture)):
            with opened as section:
                assert section.info.pixel_size_um == (2.0, 2.0)
                assert NO_PIXEL_SIZE not in section.info.warnings
                drawing = Drawing("box", ((0, 0), (10, 10)))
                assert measure(drawing, section.info.pixel_size_um).area_um2 == pytest.approx(400)
        History(project).undo()
        assert project.section(record.id).pixel_size_um is None
        with project.open_section_of(project.section(record.id)) as section:
            assert section.info.as_stated is None
        History(project).redo()
        assert project.section(record.id).pixel_size_um == (2.0, 2.0)


def given(project: Project, picture: Path):
    section = open_section(picture)
    project.give_scale(section)
    return section


def added(project: Project, picture: Path):
    section = open_section(picture)
    project.add_section(section)
    return section


def test_a_section_that_has_one_brings_it_into_a_project(tmp_path: Path, picture: Path):
    with Project.create(tmp_path / "p.schliff") as project, open_section(picture) as section:
        section.info = calibrated(section.info, (2.0, 3.0))
        record = project.add_section(section)
        assert record.pixel_size_um == section.info.pixel_size_um == (2.0, 3.0)
        assert History(project).can_undo


def test_training_and_judging_look_at_it_at_the_entered_scale(tmp_path: Path, picture: Path):
    home = tmp_path / "p.schliff"
    with Project.create(home) as project, open_section(picture) as section:
        record = project.add_section(section)
        CalibrationStore(project).keep(record.id, (2.0, 2.0))
        DrawingStore(project).add(record.id, [Drawing("box", ((10, 10), (30, 30)), label="pore")])
    data = PROJECT_DATA.read(home)
    (labelled,) = data.pictures
    assert labelled.entered_um == (2.0, 2.0)
    with open_picture(labelled) as section:
        assert section.info.pixel_size_um == (2.0, 2.0)
    paths = [labelled.path]
    assert common_scale(paths, 0, home) is None
    assert common_scale(paths, 0, home, {labelled.path: (2.0, 2.0)}) == 2.0


def test_overviews_survive_it():
    section = MemorySection(np.zeros((80, 100, 1), np.uint8))
    entered = calibrated(section.info, (1.0, 1.0))
    assert entered.levels == section.info.levels
    assert calibrated(entered, None).levels == section.info.levels
    assert entered.box == Box(0, 0, 100, 80)


def test_the_command_line_takes_a_number_or_a_line(tmp_path: Path, picture: Path, capsys):
    home = tmp_path / "p.schliff"
    with Project.create(home) as project, open_section(picture) as section:
        project.add_section(section)

    def said(*arguments: str):
        assert main(["calibrate", str(home), *arguments, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    assert said("--um-per-px", "0.5")["pixel_size_um"] == [0.5, 0.5]
    assert said("--um-per-px", "0.5,0.6")["pixel_size_um"] == [0.5, 0.6]
    drawn = said("--line", "0,0,30,40", "--length", "0.1 mm")
    assert (drawn["pixel_size_um"], drawn["pixel_size_source"], drawn["stated_um"]) == ([2.0, 2.0], "hand", None)
    assert main(["calibrate", str(home), "--um-per-px", "3"]) == 0
    assert "3 × 3 µm per px, entered by hand" in capsys.readouterr().out
    assert said("--clear")["pixel_size_source"] is None
    for wrong in (("--line", "1,2,3"), ("--line", "0,0,9,9"), ("--um-per-px", "0"), ("--um-per-px", "wide")):
        assert main(["calibrate", str(home), *wrong]) == 2


def test_what_is_exported_says_who_gave_the_scale(tmp_path: Path, picture: Path):
    with Project.create(tmp_path / "p.schliff") as project, open_section(picture) as section:
        record = project.add_section(section)
        CalibrationStore(project).keep(record.id, (2.0, 3.0))
        DrawingStore(project).add(record.id, [Drawing("box", ((10, 10), (30, 30)), label="pore")])
        with Pictures(project) as pictures:
            document = export_document(project, project.detections(), "pixel", pictures)
    (told,) = document.provenance["sections"]
    assert (told["pixel_size_um"], told["pixel_size_source"], told["stage_source"]) == ([2.0, 3.0], "hand", "none")
    assert document.items[0].row["area_um2"] == pytest.approx(20 * 20 * 6)
