"""Decides what is looked at before data is trained on, and how it is summed up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.data.check_classes import odd_classes, odd_groups
from core.data.check_pictures import odd_pictures, same_pictures
from core.data.findings import Example, Finding, examples_of, named
from core.data.image_set import ImageSet, empty_folders
from core.data.labelled import LabelledData
from core.data.reading import entered, kind_of
from core.jobs import CancelToken, Progress, no_progress


def check_data(
    path: Path, data: LabelledData | ImageSet, progress: Progress = no_progress, cancel: CancelToken | None = None
) -> list[Finding]:
    """Everything odd about data that was read from `path`, problems first. Of large sets only a part is opened.

    Raises CancelledError.
    """
    cancel = cancel or CancelToken()
    examples = examples_of(data)
    is_split = any(example.aside for example in examples)
    declared = data.declared if isinstance(data, LabelledData) else empty_folders(entered(path))
    found = [
        *_unreadable(data),
        *_too_few_classes(data),
        *odd_classes(examples, declared),
        *odd_groups(examples, is_split),
        *same_pictures(examples, is_split, cancel),
        *odd_pictures(examples, progress, cancel),
        *_notes(data),
    ]
    return sorted(found, key=lambda one: one.level != "problem")


def check_pictures(
    data: LabelledData | ImageSet, progress: Progress = no_progress, cancel: CancelToken | None = None
) -> list[Finding]:
    """What is odd about data a model is judged on: its pictures, and not how they can be split. Raises CancelledError."""
    return [*_unreadable(data), *odd_pictures(examples_of(data), progress, cancel or CancelToken()), *_notes(data)]


def summary(data: LabelledData | ImageSet) -> dict[str, Any]:
    """What the data holds, JSON-ready: `format, kind, pictures, validation, groups, classes{label: {…}}`."""
    examples = examples_of(data)
    labels = sorted({label for example in examples for label in example.labels})
    return {
        "format": data.format if isinstance(data, LabelledData) else "images",
        "kind": kind_of(data),
        "pictures": len(examples),
        "unmarked": sum(not example.labels for example in examples),
        "validation": sum(example.aside for example in examples),
        "groups": len({example.group for example in examples}),
        "classes": {label: _of_class(label, examples) for label in labels},
    }


def _of_class(label: str, examples: list[Example]) -> dict[str, int]:
    showing = [example for example in examples if label in example.labels]
    return {
        "examples": sum(example.labels.count(label) for example in showing),
        "pictures": len(showing),
        "validation": sum(example.aside for example in showing),
        "groups": len({example.group for example in showing}),
    }


def _notes(data: LabelledData | ImageSet) -> list[Finding]:
    return [
        Finding("hint", note, "See Help ▸ Look up ▸ Labelled data (docs/labelled-data.md).")
        for note in getattr(data, "notes", ())
    ]


def _unreadable(data: LabelledData | ImageSet) -> list[Finding]:
    """Pictures that were left out when the data was read."""
    broken = data.unreadable if isinstance(data, LabelledData) else ()
    if not broken:
        return []
    several = "s" if len(broken) > 1 else ""
    names = named([f"{path.name} ({why})" for path, why in broken])
    what = f"{len(broken)} picture{several} can't be opened and {'are' if several else 'is'} left out: {names}"
    return [Finding("problem", what, "Copy or export again what is broken.", tuple(path for path, _ in broken))]


def _too_few_classes(data: LabelledData | ImageSet) -> list[Finding]:
    if isinstance(data, LabelledData) or len(data.labels) + (data.no_defect is not None) > 1:
        return []
    what = f"all images are of one class ({data.labels[0]})"
    return [Finding("problem", what, "There is nothing to tell it from: add images without a defect.", stops=True)]
