"""How precise a scan is: from a random sample, kept, with the exact interval."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.detection import Candidate
from core.drawing import Drawing
from core.errors import UsageError
from core.geometry import Box
from core.precision import clopper_pearson, draw_sample, latest_sample, precision_of
from core.project import Project
from core.project.drawing_store import DrawingStore
from core.readers.base import open_section
from core.review import Review
from tests.toy import begin_toy_scan, spotted_image, toy_spec, write_image

FOUND = 40


@pytest.fixture
def project(tmp_path: Path):
    """A scan that shows 40 pores, one trace of preparation, and hides one below its threshold."""
    path = write_image(tmp_path / "section.png", spotted_image())
    with Project.create(tmp_path / "p.schliff") as made:
        with open_section(path) as section:
            record = made.add_section(section)
        spec = toy_spec(labels=("pore", "cloth"), artefact_labels=("cloth",))
        store = begin_toy_scan(made, record, spec)
        found = [Candidate("pore", 0.6 + i / 200, Box(9 * i, 5, 8, 8), 64, (9 * i + 4, 9)) for i in range(FOUND)]
        found += [
            Candidate("cloth", 0.9, Box(0, 50, 8, 8), 64, (4, 54)),
            Candidate("pore", 0.4, Box(0, 90, 8, 8), 64, (4, 94)),
        ]
        store.emit(0, found)
        store.set_status("done")
        DrawingStore(made).add(1, [Drawing("box", ((0, 200), (30, 230)), label="pore")])
        yield made


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        # Newcombe (1998), Statistics in Medicine 17, 857, Table I, method 5 (Clopper and Pearson).
        (81, 263, 0.2527, 0.3676),
        (15, 148, 0.0578, 0.1617),
        (0, 20, 0.0, 0.1684),
        (1, 29, 0.0009, 0.1776),
        (0, 0, 0.0, 1.0),
    ],
)
def test_the_interval_is_clopper_and_pearsons(successes: int, trials: int, low: float, high: float):
    assert clopper_pearson(successes, trials) == pytest.approx((low, high), abs=5e-5)


def test_a_sample_is_drawn_by_its_seed_and_kept(project: Project):
    scan = project.scans()[0]
    assert latest_sample(project, scan.id) is None
    sample = draw_sample(project, scan, 10, seed=7, author="Ada")
    again = draw_sample(project, scan, 10, seed=7)
    assert (sample.ids, sample.population, sample.seed, sample.author) == (again.ids, FOUND, 7, "Ada")
    assert len(set(sample.ids)) == 10
    other = draw_sample(project, scan, 10, seed=8)
    assert other.ids != sample.ids
    project.close()
    with Project.open(project.path) as opened:
        assert latest_sample(opened, scan.id) == other
        pores = {one.id for one in opened.detections(scan.id, 0.5) if one.label == "pore"}
        assert set(draw_sample(opened, scan, 500).ids) == pores


def test_it_is_random_not_worst_first(project: Project):
    """Every detection is as likely, in a sample and in its first half."""
    scan = project.scans()[0]
    worst = {one.id for one in project.detections(scan.id, 0.5)[1 : FOUND // 2 + 1]}
    hits = [len(worst & set(draw_sample(project, scan, 10, seed=seed).ids[:5])) for seed in range(60)]
    assert 0.4 < sum(hits) / (60 * 5) < 0.6  # 4 standard errors are 0.11


def test_precision_is_said_once_all_were_looked_at(project: Project):
    scan, review = project.scans()[0], Review(project, "Ada")
    sample = draw_sample(project, scan, 10, seed=1)
    first = precision_of(project, sample)
    assert (first.precision, first.low, first.high, first.unreviewed) == (None, 0.0, 1.0, 10)
    review.decide(sample.ids[:7], "defect")
    review.decide(sample.ids[7:9], "false_alarm")
    half = precision_of(project, sample)
    assert half.precision is None
    assert (half.low, half.high) == (clopper_pearson(7, 10)[0], clopper_pearson(8, 10)[1])
    review.decide(sample.ids[9:], "unsure")
    doubted = precision_of(project, sample)
    assert doubted.precision == pytest.approx(7 / 9)
    assert (doubted.low, doubted.high, doubted.unsure) == (half.low, half.high, 1)
    review.decide(sample.ids[9:], "artefact")
    done = precision_of(project, sample)
    assert (done.precision, done.undecided, done.low, done.high) == (0.7, 0, *clopper_pearson(7, 10))
    assert done.to_json()["precision"] == 0.7


def test_what_others_decided_elsewhere_says_nothing(project: Project):
    scan = project.scans()[0]
    sample = draw_sample(project, scan, 10, seed=1)
    others = [one.id for one in project.detections(scan.id) if one.id not in sample.ids]
    Review(project).decide(others, "defect")
    assert precision_of(project, sample).right == 0


def test_a_part_of_a_joined_one_is_judged_as_that_is(project: Project):
    scan, review = project.scans()[0], Review(project)
    sample = draw_sample(project, scan, 10, seed=1)
    whole, *_ = review.join([sample.ids[0], sample.ids[1]])
    review.decide([whole], "defect")
    assert precision_of(project, sample).right == 2


def test_a_joined_one_that_is_taken_apart_can_still_be_judged(project: Project):
    scan, review = project.scans()[0], Review(project)
    low = [one.id for one in project.detections(scan.id, 0.5) if one.label == "pore"][:4]
    whole, *_ = review.join(low[:2])
    larger, *_ = review.join([whole, low[2]])
    sample = draw_sample(project, scan, 500)
    assert larger in sample.ids
    assert not {*low[:3], whole} & {*sample.ids}
    review.decide([one for one in sample.ids if one != larger], "artefact")
    review.split([larger])
    review.split([whole])
    found = precision_of(project, sample)
    assert set(found.standing) == ({*sample.ids} - {larger}) | {*low[:3]}
    assert found.unreviewed == 1
    review.decide(low[:2], "false_alarm")
    assert precision_of(project, sample).unreviewed == 1, "a part is still to be judged"
    review.decide(low[2:3], "defect")
    found = precision_of(project, sample)
    assert (found.right, found.unreviewed, found.wrong) == (1, 0, len(sample.ids) - 1)


def test_a_scan_that_is_not_finished_has_no_sample(project: Project):
    with project.database.writing() as db:
        db.execute("UPDATE scans SET status = 'interrupted'")
    with pytest.raises(UsageError, match="not finished"):
        draw_sample(project, project.scans()[0], 10)


def test_what_cannot_be_drawn_is_told(project: Project):
    scan = project.scans()[0]
    with pytest.raises(UsageError, match="out of range"):
        draw_sample(project, scan, 0)
    project.set_threshold(scan.id, 2)
    with pytest.raises(UsageError, match="no defects"):
        draw_sample(project, project.scans()[0])
