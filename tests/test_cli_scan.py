"""`schliff scan` in bulk: folders, patterns, several models, one failure among many; replay, and what a scan was made with."""

from __future__ import annotations

import io
import json
import os
import signal
import sqlite3
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from app.cli import console
from app.cli.scan_inputs import sections_of
from app.cli.scan_progress import ScanProgress
from app.cli.scanning import _remove_if_empty
from core.errors import CancelledError, InputError
from core.jobs import Step
from core.models import catalog
from core.models.base import ModelFamily
from core.parameters import Parameter
from core.project import Project
from core.scan.options import ScanStep
from tests.test_cli import document, run
from tests.toy import ToyModel, spotted_image, toy_spec, write_image

TOYS = (
    toy_spec(version="2", parameters=(Parameter("grain", int, 3, "Choose 1 to 9.", minimum=1, maximum=9),)),
    toy_spec(id="toy-too"),
)


@pytest.fixture(autouse=True)
def toy_family(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models that cost nothing stand beside the real ones."""
    known = catalog.families()
    toys = ModelFamily("toys", lambda spec, device: ToyModel(spec), bundled=lambda: TOYS)
    monkeypatch.setattr(catalog, "families", lambda: {**known, "toys": toys})


def picture(path: Path, seed: int = 1) -> Path:
    return write_image(path, spotted_image(256, 6, seed))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two sections, and what else lies about."""
    folder = tmp_path / "sections"
    folder.mkdir()
    picture(folder / "b.png", 2)
    picture(folder / "a.png", 1)
    (folder / "a.truth.csv").write_text("id,class\n")
    (folder / "notes.txt").write_text("hello")
    return folder


@pytest.fixture
def scanned(capsys, tmp_path: Path, folder: Path) -> Path:
    code, _, err = run(capsys, "scan", folder / "a.png", "--model", "toy", "--project", tmp_path / "p")
    assert code == 0, err
    return tmp_path / "p"


# -- which sections are meant ----------------------------------------------------------------------------------------


def test_folders_and_patterns_stand_for_their_sections_once(folder: Path):
    notes: list[str] = []
    a, b = folder / "a.png", folder / "b.png"
    assert sections_of([str(folder)], notes.append) == [a, b]
    assert sections_of([str(folder / "*.png")], notes.append) == [a, b]
    assert sections_of([str(folder.parent / "**" / "b.*")], notes.append) == [b]
    assert sections_of([str(b), str(folder / "missing.czi")], notes.append) == [b, folder / "missing.czi"]
    assert notes == []
    assert sections_of([str(b), str(folder)], notes.append) == [b, a]
    assert len(notes) == 1
    assert "b.png" in notes[0]


def test_a_name_with_brackets_is_that_file(folder: Path):
    odd = picture(folder / "x[1].png")
    assert sections_of([str(odd)], print) == [odd]


def test_a_folder_of_camera_tiles_is_one_section(tmp_path: Path):
    tiles = tmp_path / "tiles"
    tiles.mkdir()
    for name in ("r0c0.png", "r0c1.png", "r1c0.png", "r1c1.png"):
        picture(tiles / name, len(name))
    assert sections_of([str(tiles)], print) == [tiles]


def test_nothing_to_scan_is_an_input_error(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    for word in ("empty", "*.czi"):
        with pytest.raises(InputError):
            sections_of([str(tmp_path / word)], print)


def test_a_folder_of_folders_says_how_to_reach_what_lies_deeper(folder: Path):
    with pytest.raises(InputError, match=r"\*\*"):
        sections_of([str(folder.parent)], print)


# -- many at once ----------------------------------------------------------------------------------------------------


def test_a_failing_section_does_not_stop_the_rest(capsys, tmp_path: Path, folder: Path):
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    words = ("scan", folder, "--model", "toy", "--project", tmp_path / "p")
    code, out, err = run(capsys, *words, "--json")
    rows = json.loads(out)
    assert code == 3
    assert [Path(row["section"]).name for row in rows] == ["a.png", "b.png", "broken.png"]
    assert ["error" in row for row in rows] == [False, False, True]
    assert "broken.png" in rows[2]["error"]
    assert rows[2]["scan_id"] is None
    assert len(err.strip().splitlines()) == len({"scale of a", "scale of b", "broken"}), err

    code, out, err = run(capsys, *words)
    assert code == 3
    assert "failed: " in out
    lines = out.strip().splitlines()
    assert len(lines) == 1 + 3 + 1
    assert lines[-1].startswith("all")
    assert "1 failed" in lines[-1]


def test_several_models_over_several_sections_are_one_project(capsys, tmp_path: Path, folder: Path):
    rows = document(capsys, "scan", folder, "--model", "toy", "--model", "toy-too", "--project", tmp_path / "p")
    names = [(Path(row["section"]).name, row["model"]) for row in rows]
    assert names == [(name, model) for name in ("a.png", "b.png") for model in ("toy", "toy-too")]
    listed = document(capsys, "scans", tmp_path / "p")
    assert [row["scan_id"] for row in listed] == [row["scan_id"] for row in rows]


def test_an_unknown_parameter_names_the_known_ones(capsys, tmp_path: Path, folder: Path):
    words = ("scan", folder, "--model", "toy", "--project", tmp_path / "p")
    for given in ("nonsense=1", "nonsense", "grain=99", "grain=coarse"):
        code, out, err = run(capsys, *words, "--set", given)
        assert (code, out) == (2, "")
        assert len(err.strip().splitlines()) == 1
        assert given != "nonsense=1" or "grain" in err
    assert not (tmp_path / "p").exists()


def test_parameters_are_for_the_models_that_know_them(capsys, tmp_path: Path, folder: Path):
    models = ("--model", "toy", "--model", "toy-too")
    document(capsys, "scan", folder / "a.png", *models, "--set", "grain=5", "--project", tmp_path / "p")
    toy, other = document(capsys, "scans", tmp_path / "p")
    assert toy["parameters"]["model"] == {"grain": 5}
    assert "model" not in other["parameters"]
    assert document(capsys, "scan", "--replay", "toy-1", "--project", tmp_path / "p")["identical"]
    assert "grain=5" in run(capsys, "scans", tmp_path / "p")[1]


def test_background_can_be_kept(capsys, tmp_path: Path, folder: Path):
    words = ("scan", folder / "a.png", "--model", "toy", "--project", tmp_path / "p")
    kept = document(capsys, *words, "--background", "keep")
    careful = document(capsys, *words, "--caution", "1")
    assert kept["tiles_skipped"] == 0
    assert kept["skipped_megapixels"] == 0
    assert kept["scan_id"] != careful["scan_id"]
    assert run(capsys, *words, "--caution", "2")[0] == 2


def test_stopping_keeps_what_is_done_and_says_so(capsys, tmp_path: Path, folder: Path, monkeypatch):
    from core.scan import executing

    def stopped(*args: object, **options: object) -> None:
        raise CancelledError

    monkeypatch.setattr(executing, "run_request", stopped)
    code, out, err = run(capsys, "scan", folder, "--model", "toy", "--project", tmp_path / "p", "--json")
    assert code == 4
    assert [row["error"] for row in json.loads(out)] == ["stopped"]
    assert "go on" in err
    assert run(capsys, "scan", folder / "a.png", "--model", "toy", "--project", tmp_path / "p", "--json")[:2] == (
        4,
        "",
    )


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_the_first_signal_stops_politely_and_the_second_at_once():
    with console.stop_by_signal() as cancel:
        os.kill(os.getpid(), signal.SIGTERM)
        assert cancel.cancelled
        with pytest.raises(KeyboardInterrupt):
            _interrupt_myself()


def _interrupt_myself() -> None:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(5)


# -- what the terminal shows -----------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Call it in the test itself: pytest puts its own stderr in place when one begins."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "200")
    return terminal


def test_progress_says_how_far_this_scan_and_all_of_them_are(monkeypatch: pytest.MonkeyPatch):
    terminal = on_terminal(monkeypatch)
    progress = ScanProgress(2)
    progress.begin("a.png · toy")
    progress(ScanStep(4, 4, "Scanning", 1.0, 2.0, 3.5, 0.97))
    progress.found(5)
    progress.begin("b.png · toy")
    progress(ScanStep(2, 2, "Scanning"))
    progress.clear()
    drawn = terminal.getvalue()
    assert "a.png · toy" in drawn
    assert "4 of 4 tiles, 2 mm², 3.5 MP/s, busy 97 %" in drawn
    assert "1 of 2 scans" in drawn
    assert " 50 %" in drawn
    assert "2 of 2 scans" in drawn
    assert "5 found" in drawn
    assert drawn.endswith("\x1b[1A\x1b[J")


def test_no_line_is_wider_than_the_terminal(monkeypatch: pytest.MonkeyPatch):
    terminal = on_terminal(monkeypatch)
    monkeypatch.setenv("COLUMNS", "30")
    progress = ScanProgress(1)
    progress.begin("a-name-that-is-much-longer-than-the-terminal-is-wide.czi")
    progress(Step(1, 1, "Scanning"))
    assert terminal.getvalue() == "\r\x1b[J" + "a-name-that-is-much-longer-th"


def test_a_terminal_that_goes_away_stops_nothing(monkeypatch: pytest.MonkeyPatch):
    terminal = on_terminal(monkeypatch)
    terminal.close()
    progress = ScanProgress(1)
    progress.begin("a.png")
    progress(Step(1, 1, "Scanning"))
    progress.clear()


def test_nothing_is_drawn_where_nobody_looks(capsys):
    progress = ScanProgress(2)
    progress.begin("a.png")
    progress(ScanStep(1, 2))
    progress.clear()
    assert capsys.readouterr().err == ""


# -- the same again --------------------------------------------------------------------------------------------------


def everything(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """All of a project but ids, times and places."""
    with sqlite3.connect(path / "project.sqlite") as db:
        detections = "SELECT tile, label, score, x_px, y_px, w_px, h_px, area_px, status FROM detections"
        scans = (
            "SELECT id, key, status, threshold, spec, tiles_total, cell_px, context_px, device, parameters FROM scans"
        )
        found = {
            "detections": db.execute(detections + " ORDER BY tile, label, x_px, y_px").fetchall(),
            "scans": db.execute(scans).fetchall(),
            "tiles": db.execute("SELECT scan_id, tile, state FROM tiles ORDER BY 1, 2").fetchall(),
        }
    db.close()
    return found


@pytest.mark.parametrize("model", ["texture", "battery-windows"])
def test_the_same_section_gives_the_same_scan(capsys, tmp_path: Path, folder: Path, model: str):
    rng = np.random.default_rng(1)
    image = rng.normal(120, 6, (400, 400, 3)).clip(0, 255).astype(np.uint8)
    image[150:250, 200:300] = 10
    write_image(folder / "a.png", image)
    for name in ("p", "q"):
        document(capsys, "scan", folder / "a.png", "--model", model, "--project", tmp_path / name)
    first, second = everything(tmp_path / "p"), everything(tmp_path / "q")
    assert first == second
    assert first["detections"]
    scan_id = str(first["scans"][0][0])
    with Project.open(tmp_path / "p") as p, Project.open(tmp_path / "q") as q:
        shape = p.maps(scan_id).score_source().shape
        for kind in ("model", "scores"):
            one, other = (project.maps(scan_id).read(kind, 0, 0, *shape[-2:]) for project in (p, q))
            np.testing.assert_array_equal(one, other)


def test_a_replay_is_identical_and_leaves_the_project_alone(capsys, scanned: Path, tmp_path: Path):
    before = everything(scanned)
    result = document(capsys, "scan", "--replay", "toy-1", "--project", scanned)
    assert result["identical"]
    assert result["equal"] == result["before"] == result["now"] == len(before["detections"]) > 0
    assert (result["changed"], result["gone"], result["new"]) == (0, 0, 0)
    assert result["versions"] == result["parameters"] == {}
    assert everything(scanned) == before
    code, out, _ = run(capsys, "scan", "--replay", "toy-1", "--project", scanned, "--out", tmp_path / "again")
    assert code == 0
    assert out.startswith("toy-1: identical: ")
    assert everything(tmp_path / "again")["detections"] == before["detections"]
    code, _, err = run(capsys, "scan", "--replay", "toy-1", "--project", scanned, "--out", tmp_path / "again")
    assert code == 3
    assert "again" in err


def test_a_replay_keeps_region_background_and_threshold(capsys, tmp_path: Path, folder: Path):
    words = ("scan", folder / "a.png", "--model", "toy", "--project", tmp_path / "p", "--region", "10,20,200,150")
    document(capsys, *words, "--background", "keep", "--threshold", "0.6")
    result = document(capsys, "scan", "--replay", "toy-1", "--project", tmp_path / "p")
    assert result["identical"]
    assert result["threshold"] == 0.6


def test_a_replay_says_what_differs(capsys, scanned: Path):
    with sqlite3.connect(scanned / "project.sqlite") as db:
        db.execute("UPDATE detections SET score = score + 0.25, x_px = x_px + 3, status = 'defect'")
        db.execute(
            "INSERT INTO detections (id, scan_id, tile, label, score, x_px, y_px, w_px, h_px, area_px, status)"
            " SELECT 999, scan_id, tile, label, 9.0, 0, 0, 5, 5, 25, 'defect' FROM detections LIMIT 1"
        )
        db.execute("UPDATE scans SET provenance = json_set(provenance, '$.schliff', '0.0.1')")
    db.close()
    result = document(capsys, "scan", "--replay", "toy-1", "--project", scanned)
    assert not result["identical"]
    assert result["changed"] == result["now"] >= 1
    assert (result["equal"], result["gone"], result["new"]) == (0, 1, 0)
    assert result["largest_score_difference"] == pytest.approx(0.25)
    assert result["largest_box_difference_px"] == pytest.approx(3)
    assert result["versions"]["schliff"]["then"] == "0.0.1"
    code, out, _ = run(capsys, "scan", "--replay", "toy-1", "--project", scanned)
    assert code == 0
    assert "not identical" in out
    assert "schliff: 0.0.1 then" in out


def test_what_cannot_be_replayed_is_said_in_one_line(capsys, scanned: Path, folder: Path):
    def refused(*words: str | Path) -> tuple[int, str]:
        code, out, err = run(capsys, "scan", "--project", scanned, "--replay", *words)
        assert out == ""
        assert len(err.strip().splitlines()) == 1, err
        return code, err

    code, err = refused("wishful-7")
    assert code == 2
    assert "toy-1" in err
    assert refused("toy-1", "--model", "toy")[0] == 2
    assert refused("toy-1", "--out", scanned)[0] == 3
    original = (folder / "a.png").read_bytes()
    picture(folder / "a.png", seed=9)
    code, err = refused("toy-1")
    assert code == 3
    assert "changed" in err
    (folder / "a.png").unlink()
    code, err = refused("toy-1")
    assert code == 3
    assert "a.png" in err
    (folder / "a.png").write_bytes(original)
    set_scan(scanned, "spec = json_set(spec, '$.version', 'another')")
    code, err = refused("toy-1")
    assert code == 2
    assert "changed" in err
    set_scan(scanned, "status = 'interrupted'")
    code, err = refused("toy-1")
    assert code == 2
    assert "not finished" in err


def set_scan(project: Path, assignment: str) -> None:
    with sqlite3.connect(project / "project.sqlite") as db:
        db.execute(f"UPDATE scans SET {assignment}")
    db.close()


def test_a_new_project_without_tiles_goes_unless_another_program_scans_into_it(capsys, scanned: Path):
    set_scan(scanned, "status = 'running', provenance = json_set(provenance, '$.runs[0].status', 'running')")
    with sqlite3.connect(scanned / "project.sqlite") as db:
        db.execute("DELETE FROM tiles")
    db.close()
    _remove_if_empty(scanned)
    assert Project.is_project(scanned)
    set_scan(scanned, "provenance = json_set(provenance, '$.runs[0].process[1]', 1.0)")
    _remove_if_empty(scanned)
    assert not scanned.exists()


def test_a_scan_that_was_killed_is_listed_as_interrupted(capsys, scanned: Path):
    set_scan(scanned, "status = 'running', provenance = json_set(provenance, '$.runs[0].status', 'running')")
    (row,) = document(capsys, "scans", scanned)
    assert row["state"] == "running", "this process, which scanned, is still here"
    set_scan(scanned, "provenance = json_set(provenance, '$.runs[0].process[1]', 1.0)")
    (row,) = document(capsys, "scans", scanned)
    assert row["state"] == "interrupted"


def test_scans_lists_what_each_was_made_with(capsys, scanned: Path):
    (row,) = document(capsys, "scans", scanned)
    assert (row["scan_id"], row["model"], row["state"], row["device"]) == ("toy-1", "toy", "done", "cpu")
    assert row["parameters"]["region"] is None
    assert row["provenance"]["schliff"]
    code, out, _ = run(capsys, "scans", scanned)
    assert code == 0
    assert "toy-1" in out
