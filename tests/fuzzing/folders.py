"""Decides how model folders and projects are fuzzed: listed and loaded; opened and read as the window does."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import numpy as np

from core.geometry import Box
from core.models.card import CARD_NAME, WEIGHTS_NAME
from core.models.catalog import BUNDLED_MODELS, load_model, read_model_folder
from core.models.weights import load_weights, save_model
from core.project import Project
from core.project.project import DATABASE_NAME
from tests.fuzzing.mutations import mutate
from tests.fuzzing.subjects import Subject, raise_first
from tests.test_weights import CARD, SHAPES

_VALUES = (
    None,
    0,
    -1,
    2**63 - 1,
    -(2**63),
    1e308,
    -1e308,
    "",
    "x",
    "[]",
    "{}",
    "null",
    "[1",
    "../..",
    b"\x00\xff",
    "é" * 500,
    "1e999",
)
_JSON_VALUES = (
    "[]",
    "{}",
    "null",
    "1",
    '"x"',
    "[1, 2",
    "[" * 5000,
    '{"a": 1}',
    "[NaN, 1]",
    "[[1, 2], [3]]",
    '["a", "b"]',
)


def mutate_model(path: Path, rng: random.Random) -> None:
    """Mostly under a card that vouches for what was done to the weights."""
    mutate(path, rng)
    card, weights = path / CARD_NAME, path / WEIGHTS_NAME
    if rng.random() < 0.7:
        with suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
            told = json.loads(card.read_bytes())
            told["weights"]["blake2b"] = hashlib.blake2b(weights.read_bytes(), digest_size=16).hexdigest()
            card.write_text(json.dumps(told))


def mutate_project(path: Path, rng: random.Random) -> None:
    """Half of the time a stored value, else bytes of a file."""
    if rng.random() < 0.5:
        return mutate(path, rng)
    with closing(sqlite3.connect(path / DATABASE_NAME)) as db, suppress(sqlite3.Error):
        for _ in range(rng.choice((1, 1, 3))):
            tables = [
                row[0]
                for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
            ]
            filled = [name for name in tables if db.execute(f"SELECT 1 FROM {name}").fetchone()]
            table = rng.choice(filled)
            kind = rng.randrange(12)
            if kind == 0:
                db.execute(f"DROP TABLE {table}")
            elif kind == 1:
                db.execute(f"DELETE FROM {table}")
            elif kind == 2:
                db.execute(f"PRAGMA user_version = {rng.choice((0, -1, 1, 2, 3, 4, 99, 2**31 - 1))}")
            else:
                columns = [(row[1], row[2]) for row in db.execute(f"PRAGMA table_info({table})")]
                name, _ = rng.choice(columns)
                old = db.execute(f"SELECT {name} FROM {table}").fetchone()[0]
                is_json = isinstance(old, str) and old[:1] in "[{"
                new = rng.choice(_JSON_VALUES if is_json and rng.random() < 0.7 else _VALUES)
                db.execute(f"UPDATE OR IGNORE {table} SET {name} = ?", (new,))
        db.commit()
    return None


def use_project(path: Path) -> None:
    """What opening it in the window and listing and exporting its findings reads."""
    from core.listing import listed_detections
    from core.project.composition_store import CompositionStore
    from core.project.drawing_store import DrawingStore
    from core.project.inspection_store import InspectionStore
    from core.project.picture_store import PictureStore
    from core.project.registration_store import RegistrationStore

    with Project.open(path) as project:
        sections, scans = project.sections(), project.scans()
        steps: list[Callable[[], object]] = [project.classes, CompositionStore(project).compositions]
        for section in sections:
            steps += [
                partial(RegistrationStore(project).registration, section),
                partial(DrawingStore(project).drawings, section.id),
                partial(InspectionStore(project).get, section.id),
                partial(PictureStore(project).pictures, section.id),
                partial(project.drawn, section.id),
            ]
        for scan in scans:
            steps += [partial(step, scan.id) for step in (project.detections, project.ranking, project.provenance)]
            steps.append(partial(_read_maps, project, scan.id))
        steps += [
            partial(listed_detections, project),
            partial(_decide, project),
            partial(project.set_state, "view", {"x": 1}),
        ]
        raise_first(steps)


def _read_maps(project: Project, scan: str) -> None:
    found = project.score_map(scan)
    if found is not None:
        found.refresh()
        found.look(found.coarsest, 0, 0, 8, 8)
        found.scores_in(Box(0, 0, 100, 100))
        project.maps(scan).read("model", 0, 0, 16, 16)
        project.maps(scan).load_learned()


def _decide(project: Project) -> None:
    from core.history import History
    from core.review import Review

    ids = [one.id for one in project.detections()[:2]]
    if ids:
        Review(project).decide(ids, "defect", "seen")
        History(project).undo()
        History(project).undo()


def use_model(path: Path) -> None:
    load_model(read_model_folder(path), "cpu")


def _project(folder: Path) -> list[Path]:
    """One with a section, a scan with maps, decisions, drawings, fiducials and compositions."""
    from core.chemistry.composition import Composition
    from core.drawing import Drawing
    from core.project.composition_store import CompositionStore
    from core.project.drawing_store import DrawingStore
    from core.project.registration_store import RegistrationStore
    from core.readers.base import open_section
    from core.registration.fiducials import fiducials_in
    from core.review import Review
    from core.scan.runner import run_scan
    from tests.fuzzing.tables import _FIDUCIALS
    from tests.toy import ToyModel, spotted_image, toy_spec, write_image

    image = write_image(folder / "section.png", spotted_image(240, 4))
    path = folder / "p.schliff"
    with Project.create(path) as project, open_section(image) as section:
        run_scan(project, section, ToyModel(toy_spec()))
        record = project.sections()[0]
        ids = [one.id for one in project.detections()]
        Review(project).decide(ids[:2], "defect", "look")
        Review(project).decide(ids[1:3], "false_alarm", "")
        RegistrationStore(project).keep(record.id, fiducials_in(_FIDUCIALS))
        DrawingStore(project).add(record.id, [Drawing("polygon", ((1, 2), (30, 2), (30, 40)), label="pore")])
        CompositionStore(project).keep({ids[0]: Composition({"Fe": 50.0, "O": 50.0}, "at%", {}, "S1", "e.csv")})
        project.set_state("class weights", {"anomaly": 0.5})
    return [path]


def _old_projects(folder: Path) -> list[Path]:
    stored = sorted((Path(__file__).parents[1] / "data").glob("project-v*.schliff"))
    return [Path(shutil.copytree(one, folder / one.name)) for one in stored]


def _model(name: str, folder: Path) -> list[Path]:
    return [Path(shutil.copytree(BUNDLED_MODELS / name, folder / name))]


def _weights(folder: Path) -> list[Path]:
    """A small one, to be read without torch."""
    tensors = {name: np.full(shape, 0.5, np.float32) for name, shape in SHAPES.items()}
    save_model(folder / "small", CARD, tensors)
    return [folder / "small"]


def _use_weights(path: Path) -> None:
    spec = read_model_folder(path)
    load_weights(path, spec.card, SHAPES)


SUBJECTS: tuple[Subject, ...] = (
    Subject("project", _project, use_project, mutate_project),
    Subject("project of before", _old_projects, use_project, mutate_project),
    Subject("model weights", _weights, _use_weights, mutate_model),
    Subject("model of windows", partial(_model, "battery-windows"), use_model, mutate_model),
    Subject("model detector", partial(_model, "battery-detector"), use_model, mutate_model),
)
