"""What changed between two scans of a section, and which detections would teach most: by hand-made scans in a project."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from app.cli.parser import build_parser
from core.detection import Candidate, Detection
from core.errors import UsageError
from core.geometry import Box
from core.project import Project, ScanRecord
from core.project.scan_store import ScanStore
from core.proposals import near_threshold, propose
from core.review import Review
from core.rounds import compare, rounds_of
from tests.gallery_support import MODEL, grey_section

pytestmark = pytest.mark.usefixtures("quick_disk")

Place = tuple[str, float, float, float]  # label, score, x, y of a box of 20 px


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "p.schliff") as made:
        yield made


def scanned(project: Project, version: str, places: Sequence[Place], region: Box | None = None) -> ScanRecord:
    section = grey_section()
    section.info = replace(section.info, path=project.path.parent / "sample.tif")
    section.info.path.write_bytes(b"stands for the section's file")
    stored = None if region is None else [region.x, region.y, region.w, region.h]
    store = ScanStore.begin(
        project, project.add_section(section), replace(MODEL, version=version), parameters={"region": stored},
        tiles_total=1, cell_px=16.0, context_px=64.0, threshold=0.5, device="cpu", provenance={},
    )  # fmt: skip
    boxes = [(label, score, Box(x, y, 20, 20)) for label, score, x, y in places]
    store.emit(0, [Candidate(label, score, box, box.area, box.center) for label, score, box in boxes])
    store.set_status("done", 1.0)
    return project.scan(store.record.id)


def at(project: Project, scan: ScanRecord, x: float) -> Detection:
    return next(one for one in project.detections(scan.id) if one.box.x == x)


def test_places_are_kept_new_or_gone(project: Project):
    before = scanned(project, "1", [("pore", 0.9, 100, 100), ("crack", 0.8, 200, 100), ("pore", 0.4, 300, 100)])
    after = scanned(project, "2", [("crack", 0.7, 104, 102), ("pore", 0.9, 300, 100), ("pore", 0.3, 200, 100)])
    (one,) = rounds_of(project, before.section_id)
    assert (one.before.id, one.after.id) == (before.id, after.id)
    assert [(a.box.x, b.box.x) for a, b in one.kept] == [(100, 104)], "the same place, whatever class and exact box"
    assert [d.box.x for d in one.new] == [300], "below the threshold it was not found before"
    assert [d.box.x for d in one.vanished] == [200], "and now it is not"
    counts = one.counts()
    assert counts["crack"] == {"kept": 1, "new": 0, "vanished": 1, "missed": 0, "other_class": 0, "found_again": 0}
    assert counts["pore"]["new"] == 1


def test_what_was_not_looked_at_has_not_vanished(project: Project):
    before = scanned(project, "1", [("pore", 0.9, 100, 100), ("pore", 0.9, 600, 100)])
    Review(project).decide([at(project, before, 600).id], "defect")
    after = scanned(project, "2", [], Box(0, 0, 400, 400))
    one = compare(project, before, after)
    assert [d.box.x for d in one.vanished] == [100]
    assert one.disagreements == ()
    back = compare(project, after, before)
    assert [d.box.x for d in back.new] == [100], "the earlier one had not looked at the other place"


def test_disagreements_with_what_a_person_said(project: Project):
    places = [("pore", 0.9, 100.0 * n, 100) for n in range(1, 7)]
    before = scanned(project, "1", places)
    review = Review(project)
    review.decide([at(project, before, x).id for x in (100, 200, 300)], "defect")
    review.decide([at(project, before, x).id for x in (400, 500)], "false_alarm")
    review.decide([at(project, before, 600).id], "artefact")
    after = scanned(project, "2", [("crack", 0.8, 200, 100), ("pore", 0.8, 300, 100), ("pore", 0.7, 400, 100),
                                   ("preparation_artefact", 0.9, 600, 100)])  # fmt: skip
    (one,) = rounds_of(project, before.section_id)
    assert {(d.doubt, d.decided.box.x) for d in one.disagreements} == {
        ("missed", 100), ("other_class", 200), ("found_again", 400),
    }  # fmt: skip
    assert next(d.shown.scan_id for d in one.disagreements if d.doubt == "missed") == before.id
    assert next(d.shown.scan_id for d in one.disagreements if d.doubt == "found_again") == after.id
    review.decide([at(project, after, 400).id], "defect")
    (one,) = rounds_of(project, before.section_id)
    assert {d.doubt for d in one.disagreements} == {"missed", "other_class"}, "the last word counts"


def test_the_last_word_about_a_place_counts_over_several_rounds(project: Project):
    first = scanned(project, "1", [("pore", 0.9, 100, 100), ("pore", 0.9, 200, 100)])
    Review(project).decide([at(project, first, 100).id, at(project, first, 200).id], "defect")
    second = scanned(project, "2", [("pore", 0.9, 100, 100)])
    Review(project).decide([at(project, second, 100).id], "false_alarm")
    scanned(project, "3", [("pore", 0.9, 102, 100), ("pore", 0.9, 200, 100)])
    doubts = [{(d.doubt, d.decided.box.x) for d in one.disagreements} for one in rounds_of(project, first.section_id)]
    assert doubts == [{("missed", 200)}, {("found_again", 100)}]


def test_a_scan_that_is_not_over_is_no_round(project: Project):
    first = scanned(project, "1", [("pore", 0.9, 100, 100)])
    second = scanned(project, "2", [])
    with project.database.writing() as db:
        db.execute("UPDATE scans SET status = 'stopped' WHERE id = ?", (second.id,))
    assert rounds_of(project, first.section_id) == []


@pytest.mark.parametrize(("score", "expected"), [(0.5, 1.0), (0.0, 0.0), (1.0, 0.0), (0.8, 0.7219), (0.2, 0.7219)])
def test_doubt_is_the_entropy_of_odds_around_the_threshold(score: float, expected: float):
    assert near_threshold(score, 0.5, is_probability=True) == pytest.approx(expected, abs=1e-4)


def test_doubt_is_largest_at_any_threshold():
    assert near_threshold(0.2, 0.2, is_probability=True) == pytest.approx(1)
    assert near_threshold(1.6, 1.6, is_probability=False) == pytest.approx(1)
    assert near_threshold(4.8, 1.6, is_probability=False) == pytest.approx(0.8113, abs=1e-4)  # odds 3 : 1
    assert near_threshold(0.6, 0.9, is_probability=True) < near_threshold(0.85, 0.9, is_probability=True)


def test_proposals_are_uncertain_unlike_each_other_and_unjudged(project: Project):
    alike = [("pore", 0.5 + n / 1000, 100.0 + 30 * n, 100) for n in range(8)]
    places = [*alike, ("crack", 0.45, 100, 700), ("pore", 0.99, 500, 500), ("pore", 0.44, 900, 900)]
    scan = scanned(project, "1", places)
    first, second, *_ = found = propose(project, scan, 4)
    assert first.detection.score == 0.5, "the nearest to the threshold"
    assert first.uncertainty == pytest.approx(1)
    assert second.detection.label == "crack", "as uncertain, but unlike the first"
    assert 0.99 not in [one.detection.score for one in found]
    assert "below the threshold 0.50" in second.why
    Review(project).decide([second.detection.id], "defect")
    again = propose(project, scan, 4)
    assert second.detection.id not in [one.detection.id for one in again]
    assert [one.detection.id for one in again] == [one.detection.id for one in propose(project, scan, 4)]
    assert again[0].detection.id != first.detection.id or again[1].detection.box.x == 900, "far from what was judged"
    with pytest.raises(UsageError, match="out of range"):
        propose(project, scan, 0)


def test_more_proposals_than_detections_are_all_of_them(project: Project):
    scan = scanned(project, "1", [("pore", 0.6, 100, 100), ("pore", 0.6, 200, 100)])
    assert len(propose(project, scan, 20)) == 2
    Review(project).decide([one.id for one in project.detections(scan.id)], "defect")
    assert propose(project, scan, 20) == []


def test_the_command_line_says_both(project: Project, capsys: pytest.CaptureFixture[str]):
    scanned(project, "1", [("pore", 0.9, 100, 100)])
    scanned(project, "2", [("pore", 0.6, 400, 100)])
    assert run("rounds", str(project.path), "--json") is None
    (told,) = json.loads(capsys.readouterr().out)
    assert told["rounds"][0]["classes"]["pore"]["vanished"] == 1
    run("rounds", str(project.path), "--section", "sample.tif")
    assert "false alarm again" in capsys.readouterr().out
    run("propose", str(project.path), "--count", "5", "--json")
    (proposal,) = json.loads(capsys.readouterr().out)
    assert (proposal["class"], proposal["x_px"]) == ("pore", 400)
    run("propose", str(project.path))
    assert "1 detection to judge" in capsys.readouterr().out
    with pytest.raises(UsageError, match=r"sample\.tif"):
        run("rounds", str(project.path), "--section", "other.tif")


def run(*arguments: str) -> int | None:
    args = build_parser().parse_args(arguments)
    return args.run(args)
