"""Decides where evaluations are kept: beside the model they are about, one JSON file each, never part of the model.

Bundled models lie where nothing may be written, and some have no folder: theirs are with the user's own files.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.disk import disk_errors, written_whole
from core.errors import InputError
from core.evaluation.values import Evaluation
from core.models.base import ModelSpec
from core.userdirs import data_dir

FOLDER = "evaluations"
MAX_BYTES = 256 << 20
_PLAIN = re.compile(r"[^A-Za-z0-9._-]+")


def evaluations_folder(spec: ModelSpec) -> Path:
    """It need not exist."""
    if spec.path is not None and spec.source != "bundled":
        return spec.path / FOLDER
    return data_dir() / FOLDER / spec.id


def save_evaluation(evaluation: Evaluation, spec: ModelSpec) -> tuple[Evaluation, Path]:
    """Writes it under a name of its own, made of the data's name and the date. Raises ResourceError."""
    folder = evaluations_folder(spec)
    stem = f"{_PLAIN.sub('-', Path(evaluation.data['source']).name)}-{_PLAIN.sub('', evaluation.made['date'])[:17]}"
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        taken = {path.stem for path in folder.glob("*.json")}
    name = next(n for n in (stem, *(f"{stem}-{k}" for k in range(2, 10_000))) if n not in taken)
    named, path = replace(evaluation, name=name), folder / f"{name}.json"
    with written_whole(path) as part:
        part.write_text(json.dumps(named.to_json()), "utf-8")
    return named, path


def stored_evaluations(spec: ModelSpec) -> list[Path]:
    """Those of a model, the newest first. None where they can't be read."""
    try:
        return sorted(evaluations_folder(spec).glob("*.json"), key=lambda path: (-path.stat().st_mtime_ns, path.name))
    except OSError:
        return []


def read_evaluation(path: Path) -> Evaluation:
    """Raises InputError for a file that is none."""
    remedy = "Evaluate the model again."
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError("it is too large for an evaluation", path=path, remedy=remedy)
        stored: Any = json.loads(path.read_text("utf-8"))
        return Evaluation.from_json(stored)
    except InputError as error:
        raise InputError(error.what, path=path, remedy=remedy) from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"it can't be read ({error})", path=path, remedy=remedy) from None
