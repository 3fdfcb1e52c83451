"""Decides how a model is judged on pictures with marks: scanned by the engine, then compared with the marks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.data.labelled import LabelledPicture
from core.errors import InputError
from core.evaluation.asking import Asking, Scanned, is_known, passing_project
from core.evaluation.failures import of_places, pictured
from core.evaluation.instance_figures import instance_figures
from core.evaluation.place_figures import matched, place_figures
from core.evaluation.values import Evaluation, Failure, Picture, Place
from core.jobs import Step
from core.models.instances import no_defect_of
from core.project import Project

TOP = 3  # classes told of a place


def judge_places(asking: Asking, pictures: Sequence[LabelledPicture], blank: Evaluation) -> Evaluation:
    """Fills in a blank evaluation. Pictures of which nothing is known are left out.

    Raises InputError for files that can't be read, and what a scan raises.
    """
    pictures = [picture for picture in pictures if picture.known != ()]
    if not pictures:
        raise InputError("nothing in it was judged by a person yet", remedy="Decide about some detections first.")
    keep = asking.request.keep_background
    if keep is None:
        keep = blank.data["format"] not in ("sections", "project")
    with passing_project() as project:
        total = len(pictures)
        scans = [asking.scan(project, one, i, total, keep_background=keep) for i, one in enumerate(pictures)]
        found = [Place(i, d.label, d.box, round(d.score, 5)) for i, scan in enumerate(scans) for d in scan.found]
        marked = [
            Place(i, m.label, m.box)
            for i, picture in enumerate(pictures)
            for m in picture.marks
            if is_known(m.box, picture.known) and m.label != no_defect_of(asking.spec)
        ]
        seen = tuple(
            Picture(one.path.absolute(), one.group, scan.width_px, scan.height_px, scan.area_mm2)
            for one, scan in zip(pictures, scans, strict=True)
        )
        judged = replace(blank, pictures=seen, found=tuple(found), marked=tuple(marked))
        figures = {
            "sections": len(pictures),
            "megapixels": round(sum(scan.area_px for scan in scans) / 1e6, 1),
            **place_figures(judged),
            **instance_figures(asking.spec, pictures, [scan.found for scan in scans]),
        }
        failures = of_places(judged, matched(judged))
        shown = tuple(_with_picture(asking, project, scans, seen, one, i) for i, one in enumerate(failures))
    return replace(judged, figures=figures, failures=shown)


def _with_picture(
    asking: Asking, project: Project, scans: Sequence[Scanned], seen: Sequence[Picture], failure: Failure, number: int
) -> Failure:
    asking.cancel.check()
    asking.progress(Step(number, 0, "Looking at the worst mistakes"))
    scan = scans[failure.picture]
    scores = dict(list(scan.highest(asking.spec.labels, failure.box).items())[:TOP])
    with asking.section(project, seen[failure.picture].path, scan.scan_id) as (section, model):
        return pictured(replace(failure, scores=scores), section, model)
