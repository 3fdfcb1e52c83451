"""A clock that goes backwards changes no order: of decisions, undo, scans, logs, and of what caches forget first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.log_file import KEPT_STARTS, LogFile
from core.geometry import Box
from core.overview_cache import OverviewCache
from core.overview_store import MARKER, last_use
from core.project import Project
from core.project.crop_store import CropStore
from core.review import Review
from core.section import Plane
from tests.memory_section import MemorySection
from tests.test_decisions import get, project, scan_by, section_path  # noqa: F401 - fixtures
from tests.toy import spotted_image


@pytest.fixture(autouse=True)
def backwards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look at the clock is an hour before the one before."""
    now = [datetime(2030, 1, 1, tzinfo=UTC)]

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            now[0] -= timedelta(hours=1)
            return now[0].astimezone(tz)

    monkeypatch.setattr("core.timing.datetime", Clock)
    monkeypatch.setattr("app.log_file.datetime", Clock)
    for module in ("core.overview_store", "core.overview_cache"):
        monkeypatch.setattr(f"{module}.time.time", lambda: Clock.now(UTC).timestamp())


def test_undo_goes_back_in_the_order_in_which_things_were_done(project: Project):  # noqa: F811
    review = Review(project, "Ada")
    for status in ("defect", "unsure", "false_alarm"):
        review.decide([1], status)
    assert [one.status for one in review.log(1)] == ["defect", "unsure", "false_alarm"]
    for status in ("unsure", "defect", "unreviewed"):
        review.undo()
        assert get(project, 1).status == status
    review.redo()
    assert get(project, 1).status == "defect"


def test_what_was_decided_last_goes_on_to_another_models_finding(project: Project):  # noqa: F811
    review, box = Review(project, "Ada"), Box(100, 100, 40, 40)
    ((first,), (second,)) = (scan_by(project, name, ("pore",), [("pore", box)]) for name in ("one", "two"))
    review.decide([first.id], "defect")
    review.decide([second.id], "false_alarm")
    (third,) = scan_by(project, "three", ("pore",), [("pore", box)])
    assert get(project, third.id).status == "false_alarm"
    review.decide([first.id], "artefact")
    (fourth,) = scan_by(project, "four", ("pore",), [("pore", box)])
    assert get(project, fourth.id).status == "artefact"


def test_scans_stand_in_the_order_in_which_they_were_begun(project: Project):  # noqa: F811
    for name in ("one", "two"):
        scan_by(project, name, ("pore",), [])
    assert [one.model_id for one in project.scans()][-2:] == ["one", "two"]
    started = [one.started for one in project.scans()]
    assert started == sorted(started, reverse=True), "the clock did go backwards"


def test_the_latest_log_is_never_taken_for_the_oldest(tmp_path: Path):
    logs = []
    for _ in range(KEPT_STARTS + 3):
        log = LogFile(tmp_path)
        log.install()
        log.remove()
        logs.append(log.path)
    assert sorted(tmp_path.glob("*.log")) == logs[-KEPT_STARTS:]


def test_what_a_cache_used_last_is_kept(tmp_path: Path):
    store = CropStore(tmp_path / "crops", most_bytes=4000)
    for number in range(6):
        store.put(bytes([number]), bytes(1000))
    assert [number for number in range(6) if store.get(bytes([number])) is not None] == [2, 3, 4, 5]
    store.close()
    cache, section = OverviewCache(tmp_path / "overviews"), MemorySection(spotted_image())
    folders = []
    for name in ("first", "second", "first", "third"):
        overviews = cache.open(section, Plane(), name)
        overviews.folder.mkdir(parents=True, exist_ok=True)
        (overviews.folder / MARKER).touch()
        overviews.touch()
        folders.append(overviews.folder)
    order = sorted({*folders}, key=last_use)
    assert [one.name.split("-")[0] for one in order] == ["second", "first", "third"]
