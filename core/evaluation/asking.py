"""Decides what belongs together while a model is being judged: the model, the request, who watches, who may stop it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from core.data.labelled import LabelledPicture
from core.data.opening import open_picture
from core.detection import Detection
from core.evaluation.request import EvaluateRequest
from core.geometry import Box, disjoint
from core.jobs import CancelToken, Progress, Step
from core.models.base import Model, ModelSpec
from core.models.catalog import load_model
from core.project import Project, ScoreMap
from core.readers.base import open_section
from core.scan.options import Foreground, ScanOptions
from core.scan.runner import run_scan
from core.section import Section

_PARTS = 100  # steps of progress for each picture


@dataclass
class Asking:
    """Scans pictures with one model; `threshold` is the one that counts."""

    spec: ModelSpec
    request: EvaluateRequest
    progress: Progress
    cancel: CancelToken
    _model: Model | None = field(default=None, init=False)

    @property
    def device(self) -> str:
        """What the model computed on."""
        return str(self.model().device) if self._model is None else str(self._model.device)

    @property
    def threshold(self) -> float:
        return self.spec.threshold if self.request.threshold is None else self.request.threshold

    def model(self) -> Model:
        """The loaded model; anew for each picture when it learns from the picture itself."""
        if self._model is None or self.spec.learns:
            self._model = load_model(self.spec, self.request.device)
        return self._model

    def scan(
        self, project: Project, picture: LabelledPicture, number: int, total: int, *, keep_background: bool
    ) -> Scanned:
        """Scans a picture as a user would, where it is known what there is."""
        told = f"Scanning {picture.path.name}"

        def tell(step: Step) -> None:
            share = step.done / step.total if step.total else 0.0
            self.progress(Step(round((number + share) * _PARTS), total * _PARTS, told))

        tell(Step(0, 0))
        options = ScanOptions(
            regions=picture.known or (), threshold=self.threshold, foreground=Foreground(skip=not keep_background)
        )
        with open_picture(picture) as section:
            info = section.info
            summary = run_scan(project, section, self.model(), options, tell, self.cancel)
        found = [d for d in project.detections(summary.scan_id) if is_known(d.box, picture.known)]
        judged = sum(b.area for b in disjoint(picture.known)) if picture.known else info.box.area
        um2 = info.um2_per_px2
        return Scanned(
            summary.scan_id, found, project.score_map(summary.scan_id), info.width_px, info.height_px,
            judged, None if um2 is None else judged * um2 / 1e6, summary.megapixels,
        )  # fmt: skip

    @contextmanager
    def section(self, project: Project, path: Path, scan_id: str) -> Iterator[tuple[Section, Model]]:
        """A scanned picture again, with the model as it was when it scanned it."""
        model = self.model()
        learned = project.maps(scan_id).load_learned()
        if learned is not None:
            model.restore(learned)
        with open_section(path) as section:
            project.give_scale(section)
            yield section, model


@dataclass(frozen=True)
class Scanned:
    """What a scan of one picture gave. Areas of what was judged: level-0 px, and mm² where there is a scale."""

    scan_id: str
    found: list[Detection]
    score_map: ScoreMap | None
    width_px: int
    height_px: int
    area_px: float
    area_mm2: float | None
    megapixels: float

    def highest(self, labels: tuple[str, ...], box: Box | None = None) -> dict[str, float]:
        """The highest score of each label in a box (or anywhere), surest first; labels without any score are missing."""
        area = box or Box(0, 0, self.width_px, self.height_px)
        scores: dict[str, float] = {}
        if self.score_map is not None and self.score_map.labels == len(labels):
            values = self.score_map.highest_in(area)
            if values is not None:
                scores = {n: float(v) for n, v in zip(labels, values, strict=True) if np.isfinite(v)}
        else:  # a detector says nothing of places where it found nothing
            for one in self.found:
                if one.box.intersection(area):
                    scores[one.label] = max(scores.get(one.label, 0.0), one.score)
        return dict(sorted(scores.items(), key=lambda item: -item[1]))


def is_known(box: Box, known: tuple[Box, ...] | None) -> bool:
    """Whether a box lies where everything there is has been marked: its middle does."""
    return known is None or any(part.contains(*box.center) for part in known)


@contextmanager
def passing_project() -> Iterator[Project]:
    """A project that is thrown away."""
    with TemporaryDirectory(prefix="schliff-") as folder, Project.create(Path(folder) / "p") as project:
        yield project
