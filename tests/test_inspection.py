"""What people found by eye beside what a scan found: lists as people write them, agreed, missed, extra."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.cli import main
from core.detection import Candidate
from core.drawing import Drawing
from core.errors import InputError, UsageError
from core.frames import StageTransform
from core.geometry import Box
from core.history import History
from core.inspection import compare, drawings_of, not_drawn_yet, tolerance_in_px
from core.inspection_csv import InspectedPlace, read_places
from core.project import Project, SectionRecord
from core.project.drawing_store import DrawingStore
from core.project.inspection_store import Inspection, InspectionStore
from core.readers.base import open_section
from core.review import Review
from tests.toy import begin_toy_scan, spotted_image, toy_spec, write_image

# Mirrored, turned by 90°, half a µm/px: x_um = 1000 - y / 2, y_um = 2000 - x / 2.
STAGE = StageTransform("pixel_to_stage", ((0.0, -0.5, 1000.0), (-0.5, 0.0, 2000.0)))
SECTION = SectionRecord(1, Path("s.czi"), "f", 400, 300, (0.5, 0.5), STAGE)
NO_STAGE = SectionRecord(1, Path("s.png"), "f", 400, 300, None, StageTransform())


@pytest.fixture
def project(tmp_path: Path):
    """Four pores in a row, a trace of preparation, and a pore below the threshold."""
    path = write_image(tmp_path / "section.png", spotted_image())
    with Project.create(tmp_path / "p.schliff") as made:
        with open_section(path) as section:
            record = made.add_section(section)
        spec = toy_spec(labels=("pore", "cloth"), artefact_labels=("cloth",))
        store = begin_toy_scan(made, record, spec)
        found = [Candidate("pore", 0.6 + i / 20, Box(50 * i, 100, 20, 20), 64, (50 * i, 100)) for i in range(4)]
        found += [
            Candidate("cloth", 0.9, Box(300, 300, 20, 20), 64, (304, 304)),
            Candidate("pore", 0.4, Box(300, 200, 9, 9), 64, (304, 204)),
        ]
        store.emit(0, found)
        yield made


def table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "positions.csv"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x_px,y_px,class,note\n10,20,large pore,odd\n", InspectedPlace(10, 20, "large_pore", "odd")),
        ("Nr;X (px);Y (px);Type\n7;10,5;20;crack\n", InspectedPlace(10.5, 20, "crack", "", "7")),
        ("stage_x_um,stage_y_um\n990,1995\n", InspectedPlace(10, 20)),
        ("X [mm]\tY [mm]\n0,99\t1,995\n", InspectedPlace(10, 20)),
        ("Position X,Position Y\n10,20\n", InspectedPlace(10, 20)),
        ("10;20\n30;40\n", InspectedPlace(10, 20)),
        ("id,class,x_px,y_px,stage_x_um,stage_y_um\n3,pore,10,20,,\n", InspectedPlace(10, 20, "pore", "", "3")),
        ("class,x_px,y_px,w_px,h_px\npore,5,10,10,20\n", InspectedPlace(10, 20, "pore")),
    ],
)  # fmt: skip
def test_lists_are_read_as_people_write_them(tmp_path: Path, text: str, expected: InspectedPlace):
    found = read_places(table(tmp_path, text), SECTION)[0]
    assert (found.label, found.note, found.name) == (expected.label, expected.note, expected.name)
    assert (found.x_px, found.y_px) == pytest.approx((expected.x_px, expected.y_px))


def test_um_may_count_from_the_corner(tmp_path: Path):
    assert read_places(table(tmp_path, "x,y\n5,10\n"), SECTION, "um", "corner") == [InspectedPlace(10, 20)]
    path = table(tmp_path, "x_um,y_um\n5,10\n")
    assert read_places(path, SECTION, frame="corner") == [InspectedPlace(10, 20)]
    with pytest.raises(InputError, match=r"none of its positions lies on s\.czi"):
        read_places(path, SECTION)
    with pytest.raises(InputError, match="scale"):
        read_places(path, NO_STAGE)
    with pytest.raises(InputError, match="states no stage"):
        read_places(path, NO_STAGE, frame="stage")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a,b\n1,2\n", "no columns for x and y"),
        ("x_px,y_px\n", "holds no positions"),
        ("x_px,y_px\n1,two\n", "line 2: y_px is 'two'"),
        ("x_px,y_um\n1,2\n", "no columns"),
    ],
)
def test_what_is_no_list_of_positions_is_told(tmp_path: Path, text: str, what: str):
    with pytest.raises(InputError, match=what):
        read_places(table(tmp_path, text), SECTION)


def test_agreed_missed_and_extra(project: Project):
    scan = project.scans()[0]
    places = [
        InspectedPlace(10, 110, "pore"),  # in the first
        InspectedPlace(75, 110, "crack"),  # 5 px beside the second
        InspectedPlace(12, 112, "pore"),  # the first again: it was found once
        InspectedPlace(304, 204),  # below the threshold
        InspectedPlace(310, 310),  # a trace of preparation is no defect
        InspectedPlace(200, 200, "cloth"),  # nor here
    ]
    found = compare(project, scan, places, 10)
    assert [(place.x_px, one.box.x) for place, one in found.agreed] == [(10, 0), (75, 50)]
    assert [place.x_px for place in found.missed] == [12, 304, 310]
    assert sorted(one.box.x for one in found.extra) == [100, 150]
    assert found.share_found == pytest.approx(0.4)
    assert found.counts() == {
        "": {"manual": 2, "scan": 0, "agreed": 0},
        "crack": {"manual": 1, "scan": 0, "agreed": 1},
        "pore": {"manual": 2, "scan": 4, "agreed": 1},
    }
    Review(project).decide([found.extra[0].id], "defect")
    told = compare(project, scan, places, 10).to_json()
    assert (told["manual"], told["scan"], told["extra_confirmed"], told["extra_rejected"]) == (5, 4, 1, 0)
    assert len(compare(project, scan, places, 4).agreed) == 1
    assert compare(project, scan, [], 4).share_found is None
    with pytest.raises(UsageError, match="tolerance"):
        compare(project, scan, places, -1)


def test_the_nearest_pair_is_one(project: Project):
    between, inside = InspectedPlace(71, 110), InspectedPlace(60, 110)
    found = compare(project, project.scans()[0], [between, inside], 30)
    assert {place.x_px: one.box.x for place, one in found.agreed} == {60: 50, 71: 100}


def test_the_tolerance_is_of_the_specimen():
    assert tolerance_in_px(SECTION) == 60
    assert tolerance_in_px(SECTION, 10) == 20
    assert tolerance_in_px(NO_STAGE) == 50


def test_an_inspection_is_kept_and_what_was_missed_can_be_drawn(project: Project):
    missed = [InspectedPlace(200, 200, "crack", "long", "A"), InspectedPlace(300, 30)]
    store = InspectionStore(project, "Ada")
    assert store.keep(1, Inspection(tuple(missed), 12.5, "list.csv"))
    DrawingStore(project, "Ada").add(1, drawings_of(missed, 40))
    drawn = {one.label: one for one in project.drawn(1)}
    assert drawn["crack"].box == Box(180, 180, 40, 40)
    assert (drawn["crack"].note, drawn["defect"].status) == ("long", "defect")
    more = [*missed, InspectedPlace(350, 350)]
    assert not_drawn_yet(more, project.drawn(1)) == [more[2]]
    project.close()
    with Project.open(project.path) as again:
        assert InspectionStore(again).get(1) == Inspection(tuple(missed), 12.5, "list.csv")
        assert [step.kind for step in (History(again).undo(), History(again).undo()) if step] == [
            "drawing",
            "inspection",
        ]
        assert InspectionStore(again).get(1) is None
        assert again.drawn(1) == []


def test_the_command_line_compares_samples_and_writes_data(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    def said(*words: str) -> str:
        assert main([words[0], str(project.path), *words[1:]]) == 0
        return capsys.readouterr().out

    path = table(tmp_path, "x_px,y_px,class\n10,110,pore\n390,390,crack\n")
    told = json.loads(said("compare", "--positions", str(path), "--json"))
    assert (told["agreed"], told["missed"], told["extra"]) == (1, 1, 3)
    assert "1 agreed (50.0% of those by eye), 1 missed, 3 extra" in said("compare", "--positions", str(path))
    assert main(["precision", str(project.path)]) == 2
    assert "--draw" in capsys.readouterr().err
    assert main(["precision", str(project.path), "--draw", "3"]) == 2
    assert "not finished" in capsys.readouterr().err
    with project.database.writing() as db:
        db.execute("UPDATE scans SET status = 'done'")
    sample = json.loads(said("precision", "--draw", "3", "--seed", "5", "--json"))
    assert (sample["sample"], sample["population"], sample["precision"]) == (3, 4, None)
    Review(project).decide(sample["ids"], "defect")
    assert "precision 100.0%, between 29.2% and 100.0%" in said("precision")
    out = tmp_path / "set"
    assert json.loads(said("export-data", "--format", "coco", "--out", str(out), "--json"))["marks"] == {"pore": 3}
    assert (out / "annotations.json").is_file()
    assert main(["export-data", str(project.path), "--format", "voc", "--out", str(out)]) == 3
    assert "something else" in capsys.readouterr().err


def test_each_place_is_listed_once(project: Project, capsys: pytest.CaptureFixture[str]):
    record = project.sections()[0]
    store = begin_toy_scan(project, record, toy_spec(id="second"))
    same, new = (Candidate("anomaly", 0.7, Box(x, 102, 20, 20), 64, (x, 102)) for x in (2, 250))
    (twin, alone) = store.emit(0, [same, new])
    DrawingStore(project, "Ada").add(1, [Drawing("box", ((148, 98), (172, 122)), label="crack")])

    def listed(*words: str) -> dict[int, list[int]]:
        assert main(["defects", str(project.path), "--json", *words]) == 0
        return {one["id"]: one["also"] for one in json.loads(capsys.readouterr().out)}

    first = {one.box.x: one.id for one in project.detections("toy-1")}
    (drawn,) = project.drawn(1)
    cloth = first[300]
    assert listed() == {
        twin.id: [first[0]],
        alone.id: [],
        drawn.id: [first[150]],
        first[50]: [],
        first[100]: [],
        cloth: [],
    }
    Review(project).decide([first[0]], "false_alarm")
    assert listed("--status", "false_alarm") == {first[0]: [twin.id]}, "what was decided stands for a place"
    assert listed("--scan", "second-1") == {twin.id: [], alone.id: [], drawn.id: []}
    assert len(listed("--every-scan")) == 8
