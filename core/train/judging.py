"""Decides how a finished model is judged on data it hasn't seen: scanned as a user would, compared with the truth.

Works for every family: sections are scanned by the engine itself, into a project that is thrown away.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from core.check import Found, check
from core.data.formats.sections import labelled_sections
from core.data.image_set import NO_DEFECT_NAMES, ImageSet, is_image_set, read_image_set
from core.errors import InputError, UsageError
from core.jobs import CancelToken, Progress, Step, no_progress
from core.models.base import Model, ModelSpec
from core.models.catalog import load_model
from core.project import Project
from core.readers.base import open_section
from core.scan.options import ScanOptions
from core.scan.runner import run_scan
from core.train.class_metrics import class_metrics
from core.train.image_source import ImageSource
from core.truth import TruthBox, read_truth, truth_beside

Array = np.ndarray

# Sections lie this far apart when they are judged together, so that no detection matches another section's truth.
_APART_PX = 1e7


def judge(
    spec: ModelSpec,
    data: Path,
    device: str = "auto",
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> dict[str, Any]:
    """How good a model is on a folder of sections with truth CSVs, or of single labelled images; JSON-ready.

    Raises InputError for data that can't be used, UsageError where the model and the data don't fit each other.
    """
    cancel = cancel or CancelToken()
    started = time.monotonic()
    if not labelled_sections(data) and is_image_set(data):
        figures = _on_images(load_model(spec, device), read_image_set(data), progress, cancel)
    else:
        figures = _on_sections(spec, data, device, progress, cancel)
    return {"model": spec.id, "version": spec.version, **figures, "seconds": round(time.monotonic() - started, 1)}


def _on_sections(spec: ModelSpec, data: Path, device: str, progress: Progress, cancel: CancelToken) -> dict[str, Any]:
    paths = labelled_sections(data)
    if not paths:
        raise InputError("no labelled sections here, nor images", path=data, remedy="See `schliff evaluate --help`.")
    found: list[Found] = []
    marked: list[TruthBox] = []
    megapixels = 0.0
    with tempfile.TemporaryDirectory(prefix="schliff-") as folder, Project.create(Path(folder) / "p") as project:
        for number, path in enumerate(paths):
            progress(Step(number, len(paths), f"Scanning {path.name}"))
            truth = read_truth(truth_beside(path))
            marked += [TruthBox(t.label, t.box.moved(number * _APART_PX, 0)) for t in truth]
            with open_section(path) as section:
                done = run_scan(project, section, load_model(spec, device), ScanOptions(), cancel=cancel)
            megapixels += done.megapixels
            here = project.detections(done.scan_id)
            found += [Found(d.label, d.score, d.box.moved(number * _APART_PX, 0)) for d in here]
    figures = check(found, marked, spec.threshold, frozenset(spec.artefact_labels))
    return {"sections": len(paths), "megapixels": round(megapixels, 1), "threshold": spec.threshold, **figures}


def _on_images(model: Model, images: ImageSet, progress: Progress, cancel: CancelToken) -> dict[str, Any]:
    """One answer for each image: the class with the highest mean logit over the whole of it."""
    spec = model.spec
    if spec.family != "classifier" or spec.output != "map":
        raise UsageError(
            f"{spec.id} names no class for a single image", remedy="Judge it on sections with a truth CSV."
        )
    unknown = sorted(set(images.labels) - set(spec.labels))
    if unknown:
        known = ", ".join(spec.labels)
        raise UsageError(f"{spec.id} doesn't know the class {unknown[0]!r}", remedy=f"It knows: {known}.")
    names = (images.no_defect or NO_DEFECT_NAMES[0], *spec.labels)
    source = ImageSource(images.images, spec.window_px)
    predicted = []
    for index in range(len(images.images)):
        cancel.check()
        predicted.append(int(model.map_tile(source.read(index)).mean((1, 2)).argmax()))
        progress(Step(index + 1, len(images.images), "Looking at images"))
    truth = [names.index(image.label) for image in images.images]
    return class_metrics(np.array(truth), np.array(predicted), names)
