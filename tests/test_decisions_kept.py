"""What is kept of decisions whatever happens beside them: a scan started over, a class renamed, a decision forgotten."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace

import pytest

from app.cli.judging import precision
from core.chemistry.composition import Composition
from core.classes import ClassTable
from core.data.judged import judged_sections
from core.detection import Candidate
from core.errors import UsageError
from core.geometry import Box
from core.project import Project
from core.project.composition_store import CompositionStore
from core.project.drawing_store import DrawingStore
from core.project.scan_store import ScanStore
from core.review import Review
from tests.test_decisions import BOX, get, project, scan_by, section_path  # noqa: F401 - fixtures
from tests.toy import begin_toy_scan, toy_spec


def started_over(project: Project, scan_id: str) -> ScanStore:  # noqa: F811
    """The same scan once more in place of the one before."""
    spec, section = toy_spec(id="one", labels=("pore",)), project.sections()[0]
    return begin_toy_scan(project, section, spec, ScanStore.find(project, section, spec, project.scan(scan_id).key))


def test_what_was_drawn_and_joined_stays_when_its_scan_is_started_over(project: Project):  # noqa: F811
    review, box = Review(project, "Ada"), Box(12, 122, 30, 30)
    (found,) = scan_by(project, "one", ("pore",), [("pore", box)])
    DrawingStore(project, "Ada").add(1, [BOX])
    (drawn,) = project.drawn(1)
    review.join([found.id, drawn.id])
    assert project.drawn(1) == []
    started_over(project, found.scan_id)
    assert [one.id for one in project.drawn(1)] == [drawn.id]
    while review.can_redo:
        review.redo()
    assert [one.id for one in project.drawn(1)] == [drawn.id], "what is joined no more isn't hidden again"


@pytest.mark.parametrize("judged", [True, False])
def test_chemistry_goes_along_to_the_same_finding(project: Project, judged: bool):  # noqa: F811
    box, measured = Box(100, 100, 40, 40), Composition({"O": 40.0, "Zr": 60.0}, "at%", {})
    ((first,), (second,)) = (scan_by(project, name, ("pore",), [("pore", box)]) for name in ("one", "two"))
    store, review = CompositionStore(project), Review(project, "Ada")
    store.keep({first.id: measured})
    if judged:
        review.decide([first.id], "defect")
        assert review.take_over(second.scan_id) == [second.id]
        assert store.compositions() == {first.id: measured, second.id: measured}
        review.undo()
        assert store.compositions() == {first.id: measured}
    (repeated,) = started_over(project, first.scan_id).emit(0, [Candidate("pore", 0.8, box, box.area / 2, box.center)])
    assert store.compositions()[repeated.id] == measured
    assert repeated.status == ("defect" if judged else "unreviewed")


def test_traces_of_preparation_are_known_by_their_new_name(project: Project):  # noqa: F811
    review = Review(project, "Ada")
    review.keep_classes(ClassTable().renamed("preparation_artefact", "scratch").renamed("scratch", "mark"))
    review.decide([1], label="mark")
    DrawingStore(project, "Ada").add(1, [replace(BOX, label="mark")])
    assert get(project, 1).status == "artefact"
    assert [one.status for one in project.drawn(1)] == ["artefact"]
    (judged,) = judged_sections(project)
    assert {mark.label for mark in judged.marks} == {"mark"}
    review.keep_classes(ClassTable().merged(["preparation_artefact"], "anomaly"))
    review.decide([2], label="anomaly")
    assert get(project, 2).status == "defect", "merged into a class of defects it is one"


def test_the_weight_of_a_class_stays_when_it_is_renamed(project: Project):  # noqa: F811
    scan = project.scans()[0]
    project.set_class_weights({"anomaly": 0.5})
    before = {one.id: one.severity for one in project.detections()}
    review = Review(project)
    review.keep_classes(project.classes().renamed("anomaly", "odd").renamed("odd", "strange"))
    assert project.ranking(scan.id).scale.weights["strange"] == 0.5
    assert {one.id: one.severity for one in project.detections()} == before
    review.undo()
    assert {one.id: one.severity for one in project.detections()} == before


def test_what_is_marked_as_not_reviewed_has_the_models_class_again(project: Project):  # noqa: F811
    review = Review(project, "Ada")
    review.decide([1], label="pore")
    assert review.decide([1], "unreviewed") == [1]
    assert (get(project, 1).label, get(project, 1).decided_by) == ("anomaly", "")
    review.undo()
    assert (get(project, 1).label, get(project, 1).status) == ("pore", "defect")


def test_a_scan_that_was_started_over_is_not_judged_any_more(project: Project):  # noqa: F811
    (found,) = scan_by(project, "one", ("pore",), [("pore", Box(100, 100, 40, 40))])
    started_over(project, found.scan_id)
    asked = Namespace(project=project.path, scans=[found.scan_id], draw=1, seed=0, json=False)
    with pytest.raises(UsageError, match="started over"):
        precision(asked)
