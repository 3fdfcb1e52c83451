"""Where a project can't be written: a folder that may only be read, a drive that goes and comes back, another window."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.cli import main
from core.drawing import Drawing
from core.errors import InputError, ResourceError
from core.export.base import export_detections
from core.project import Project, holding
from core.project.drawing_store import DrawingStore
from core.project.schema import VERSION
from core.readers.base import open_section
from core.review import Review
from core.scan.runner import run_scan
from tests.test_project import scan_with
from tests.toy import ToyModel, spotted_image, write_image

OLD = Path(__file__).parent / "data"
BOX = Drawing("box", ((10, 120), (50, 160)), label="pore")


@pytest.fixture
def section_path(tmp_path: Path) -> Path:
    return write_image(tmp_path / "section.png", spotted_image())


@pytest.fixture
def path(tmp_path: Path, section_path: Path) -> Path:
    """A project with five detections, one of them judged."""
    with Project.create(tmp_path / "section.schliff") as made:
        scan_with(made, section_path, 5)
        Review(made, "Ada").decide([2], "defect", "judged")
    return made.path


@pytest.fixture
def read_only(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No folder may be written to, whoever runs the tests."""
    with monkeypatch.context() as patch:
        patch.setattr("core.project.project.may_be_written", lambda database: False)
        yield


def content(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


# -- a folder that may only be read ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("read_only")
def test_a_project_on_a_read_only_drive_is_looked_at_and_not_touched(path: Path, section_path: Path, tmp_path: Path):
    before = content(path)
    with Project.open(path, hold=True) as project:
        assert [one.note for one in project.detections() if one.status == "defect"] == ["judged"]
        assert export_detections(project, "csv", tmp_path / "list.csv") == 3  # above the threshold
        with open_section(section_path) as section:
            assert project.add_section(section).id == 1
            with pytest.raises(ResourceError, match="can't be written to"):
                run_scan(project, section, ToyModel())
        with pytest.raises(ResourceError, match="nothing can be stored") as refused:
            Review(project).decide([3], "defect")
        assert refused.value.path == path
        assert "Copy the folder" in refused.value.remedy
        other = write_image(tmp_path / "other.png", spotted_image(seed=5))
        with open_section(other) as section, pytest.raises(ResourceError, match="nothing can be stored"):
            project.add_section(section)
        copy = project.database._copy
        assert copy is not None
        assert Path(copy.name).is_dir()
    assert not Path(copy.name).exists()
    assert content(path) == before


@pytest.mark.usefixtures("read_only")
def test_what_a_killed_program_left_in_the_log_is_seen_on_a_read_only_drive(path: Path, tmp_path: Path):
    left = tmp_path / "left.schliff"
    writer = sqlite3.connect(path / "project.sqlite", isolation_level=None)
    writer.execute("UPDATE detections SET note = 'only in the log' WHERE id = 2")
    shutil.copytree(path, left, ignore=shutil.ignore_patterns("*-shm"))
    writer.close()
    assert (left / "project.sqlite-wal").stat().st_size > 0
    before = content(left)
    with Project.open(left) as project:
        assert {one.note for one in project.detections()} == {"", "only in the log"}
    assert content(left) == before


@pytest.mark.usefixtures("read_only")
@pytest.mark.parametrize("version", range(1, VERSION + 1))
def test_an_older_version_on_a_read_only_drive_is_brought_up_to_date_in_a_copy(version: int):
    old = OLD / f"project-v{version}.schliff"
    before = content(old)
    with Project.open(old) as project, project.database.reading() as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == VERSION
        assert any(one.status != "unreviewed" for one in project.detections())
        assert project.look_only is not None
    assert content(old) == before


@pytest.mark.skipif(
    os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere"
)
def test_a_folder_without_permission_to_write_is_recognised(path: Path):
    path.chmod(0o555)
    try:
        with Project.open(path) as project:
            assert project.look_only is not None
    finally:
        path.chmod(0o755)


@pytest.mark.parametrize("hold", [True, False])
def test_a_folder_that_only_looks_writable_is_looked_at(path: Path, monkeypatch: pytest.MonkeyPatch, hold: bool):
    """As by the access rules of Windows, or of a network share."""

    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(holding, "_take", denied)
    monkeypatch.setattr(holding, "owner", lambda _: holding.Owner("Ada", "another one", 1, "2026-01-01T08:00:00Z"))
    with Project.open(path, hold=hold) as project:
        assert project.look_only is not None
        assert "can't be written" in project.look_only.what
        assert len(project.detections()) == 5


# -- a drive that goes and comes back ---------------------------------------------------------------------------------


@contextmanager
def gone(path: Path) -> Iterator[Path]:
    away = path.with_name("away")
    path.rename(away)
    try:
        yield away
    finally:
        if away.exists():
            away.rename(path)


def test_a_project_whose_drive_is_gone_says_so_and_goes_on_when_it_is_back(path: Path):
    with Project.open(path) as project:
        review = Review(project)
        with gone(path):
            with pytest.raises(ResourceError, match="isn't there any more") as told:
                review.decide([3], "defect")
            assert "Connect its drive" in told.value.remedy
            assert not path.exists()
        review.decide([4], "defect")
    with Project.open(path) as project:
        assert {one.id for one in project.detections() if one.status == "defect"} == {2, 4}


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_project_behind_a_link_is_closed_though_the_link_is_gone(path: Path, tmp_path: Path):
    link = tmp_path / "link.schliff"
    link.symlink_to(path, target_is_directory=True)
    project = Project.open(link, hold=True)
    link.unlink()
    project.close()
    assert holding.owner(path) is None
    with Project.open(path, hold=True) as again:
        assert again.look_only is None


def test_a_connection_that_was_lost_is_made_anew(path: Path):
    """As after a server has forgotten its handles: the same files under other numbers."""
    with Project.open(path) as project:
        review = Review(project)
        with gone(path) as away:
            shutil.copytree(away, path)
            review.decide([4], "defect")
            assert {one.id for one in project.detections() if one.status == "defect"} == {2, 4}
            shutil.rmtree(away)
    with Project.open(path) as project:
        assert {one.id for one in project.detections() if one.status == "defect"} == {2, 4}


def test_an_error_of_the_drive_makes_it_connect_anew(path: Path):
    class Failing:
        def __init__(self, real: sqlite3.Connection) -> None:
            self._real = real

        def execute(self, *args: object) -> None:
            raise sqlite3.OperationalError("disk I/O error")

        def close(self) -> None:
            self._real.close()

    with Project.open(path) as project:
        project.database._connection = Failing(project.database._connection)  # type: ignore[assignment]
        with pytest.raises(ResourceError, match="failing"):
            project.detections()
        assert len(project.detections()) == 5
        assert Review(project).decide([3], "defect") == [3]


def test_an_older_copy_that_lies_there_instead_is_not_written_to(path: Path, tmp_path: Path):
    backup = Path(shutil.copytree(path, tmp_path / "backup"))
    with Project.open(path) as project:
        Review(project).decide([3], "defect")
        with gone(path):
            shutil.copytree(backup, path)
            with pytest.raises(InputError, match="older copy"):
                Review(project).decide([4], "defect")
            shutil.rmtree(path)
        Review(project).decide([4], "defect")
    with Project.open(path) as project:
        assert {one.id for one in project.detections() if one.status == "defect"} == {2, 3, 4}


def test_a_scan_whose_project_went_away_makes_no_folders_there_and_goes_on(path: Path, section_path: Path):
    class Leaving(ToyModel):
        def map_tile(self, pixels):
            if self.mapped == 10 and path.exists():
                path.rename(path.with_name("away"))
            return super().map_tile(pixels)

    with Project.open(path) as project, open_section(section_path) as section:
        with pytest.raises(ResourceError, match=r"isn't there any more|does not exist"):
            run_scan(project, section, Leaving())
        assert not path.exists()
        path.with_name("away").rename(path)
        summary = run_scan(project, section, ToyModel())
    assert summary.resumed
    assert summary.tiles_done == summary.tiles_total


# -- two windows --------------------------------------------------------------------------------------------------------

_HOLDER = """
import sys
from pathlib import Path
from core.project import holding
print(type(getattr(holding, sys.argv[2])(Path(sys.argv[1]))).__name__, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other_window(path: Path) -> Iterator[subprocess.Popen]:
    yield from _other_program(path, "hold")


@pytest.fixture
def other_scan(path: Path) -> Iterator[subprocess.Popen]:
    """Of the command line."""
    yield from _other_program(path, "join")


def _other_program(path: Path, how: str) -> Iterator[subprocess.Popen]:
    command = [sys.executable, "-c", _HOLDER, str(path), how]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[1])
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline() == b"Hold\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()
    process.stdin.close()


def test_a_second_window_may_look_and_hears_who_has_it_until_that_one_is_gone(path: Path, other_window):
    with Project.open(path, hold=True) as project:
        assert project.look_only is not None
        assert f"process {other_window.pid}" in project.look_only.what
        assert "another window" in project.look_only.what
        assert len(project.detections()) == 5
        with pytest.raises(ResourceError, match="another window"):
            Review(project).decide([3], "defect")
    with Project.open(path) as command_line:  # of this computer
        assert Review(command_line).decide([3], "defect") == [3]
    other_window.kill()  # what a crash leaves behind is in nobody's way
    other_window.wait()
    assert holding.owner(path) is not None
    for _ in range(2):
        with Project.open(path, hold=True) as project, Project.open(path, hold=True):
            assert project.look_only is None
            found = holding.owner(path)
            assert found is not None
            assert found.process == os.getpid()
    assert holding.owner(path) is None


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """As if the other program's process were on another computer, once this one has another name."""
    monkeypatch.setattr("core.project.holding._works_here", lambda process, signed: False)
    return monkeypatch


def test_programs_of_another_computer_may_only_look(path: Path, other_window, elsewhere: pytest.MonkeyPatch):
    elsewhere.setattr("core.project.holding.platform.node", lambda: "another one")
    with Project.open(path) as command_line:
        assert command_line.look_only is not None
    other_window.kill()
    other_window.wait()
    with Project.open(path) as command_line:
        assert command_line.look_only is None


@pytest.mark.skipif(sys.platform == "win32", reason="a computer keeps its name there")
def test_a_computer_that_got_another_name_is_no_other_computer(path: Path, other_scan, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("core.project.holding.platform.node", lambda: "another-name.local")
    with Project.open(path, hold=True) as window, Project.open(path) as command_line:
        assert window.look_only is None
        assert command_line.look_only is None


def test_a_scan_of_another_computer_keeps_windows_and_scans_here_from_writing(
    path: Path, other_scan, elsewhere: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    with Project.open(path, hold=True) as window, Project.open(path) as command_line:  # of this computer
        assert window.look_only is None
        assert command_line.look_only is None
    node = platform.node()
    elsewhere.setattr("core.project.holding.platform.node", lambda: "another one")
    with Project.open(path, hold=True) as window, Project.open(path) as command_line:
        assert window.look_only is not None
        assert f"on another computer ({node}, process {other_scan.pid})" in window.look_only.what
        assert command_line.look_only == window.look_only
        section = str(window.sections()[0].path)
    assert main(["scan", section, "--model", "texture", "--project", str(path)]) == 5
    told = capsys.readouterr().err
    assert "works in it on another computer" in told
    assert "Wait for its end" in told
    other_scan.kill()
    other_scan.wait()
    for sign in path.glob(".in-use-*"):  # what a killed one leaves goes once it is surely nobody's
        os.utime(sign, (0, 0))
    with Project.open(path, hold=True) as window:
        assert window.look_only is None
        assert len(list(path.glob(".in-use-*"))) == 1
    assert not list(path.glob(".in-use-*"))


# -- in the window ----------------------------------------------------------------------------------------------------


def opened(qtbot, session, path: Path) -> list[tuple[str, str]]:
    told: list[tuple[str, str]] = []
    session.message.connect(lambda level, text: told.append((level, text)))
    with qtbot.waitSignal(session.path_opened, timeout=20_000):
        session.open_path(path)
    return told


@pytest.mark.usefixtures("read_only")
def test_the_window_says_that_nothing_can_be_stored_and_refuses_decisions(qtbot, session, path: Path):
    from app.status_bar import StatusBar

    bar = StatusBar(session)
    qtbot.addWidget(bar)
    told = opened(qtbot, session, path)
    assert told[-1][0] == "warning"
    assert "section.schliff can only be looked at" in told[-1][1]
    assert bar.project.text() == "section.schliff (only to look at)"
    session.decide("defect", [3])
    assert told[-1][0] == "error"
    assert "nothing can be stored" in told[-1][1]
    assert session.detection(3).status == "unreviewed", "nothing looks decided that isn't stored"
    before = len(told)
    session.set_threshold(0.9)
    session.close_section()
    assert len(told) == before, "how the view is left needs no complaint"


def test_while_the_drive_is_gone_drawings_wait_and_decisions_are_refused(qtbot, session, path: Path):
    told = opened(qtbot, session, path.with_name("section.png"))
    session.drawings._retry._timer.setInterval(20)
    with gone(path):
        session.decide("defect", [3])
        assert "isn't there any more" in told[-1][1]
        assert session.detection(3).status == "unreviewed"
        session.drawings.add(BOX)
        assert told[-1][1].startswith("The drawing is not saved yet.")
        assert [one.id for one in session.drawings.items] == [-1]
        qtbot.wait(60)
        assert sum("not saved yet" in text for _, text in told) == 1, "it is said once"
    qtbot.waitUntil(lambda: told[-1] == ("info", "The drawing is saved now."))
    session.decide("defect", [3])
    session.close_section()
    with Project.open(path) as project:
        assert [one.points for one in DrawingStore(project).drawings(1)] == [BOX.points]
        assert {one.id for one in project.detections() if one.status == "defect"} >= {2, 3}


def test_leaving_while_the_drive_is_gone_says_what_is_lost(qtbot, session, path: Path):
    told = opened(qtbot, session, path.with_name("section.png"))
    with gone(path):
        session.drawings.add(BOX)
        session.close_section()
    assert any(text.startswith("The drawing is lost.") for _, text in told)


def test_what_another_program_stores_meanwhile_is_shown_within_seconds(qtbot, session, path: Path):
    section = path.with_name("section.png")
    opened(qtbot, session, section)
    session.others.watch.timer.setInterval(20)
    (before,) = session.scans
    session.select(4, "gallery")
    session.decide("artefact", [1])
    with Project.open(path) as command_line:
        assert Review(command_line).decide([3], "defect") == [3]
    qtbot.waitUntil(lambda: session.detection(3).status == "defect")
    assert session.detection(1).status == "artefact"
    assert session.selected_id == 4
    with Project.open(path) as command_line, open_section(section) as image:
        summary = run_scan(command_line, image, ToyModel())
    qtbot.waitUntil(lambda: [one.id for one in session.scans] == [before.id, summary.scan_id])
    assert session.scan.id == before.id, "what is looked at stays"
    session.close_section()
