"""The file of a section that is moved, renamed, replaced by another, or cut short while it is open."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton

from app.start import launch
from core.errors import InputError
from core.project import Project
from core.project.section_place import SectionMissingError
from core.readers.base import open_section
from core.review import Review
from core.section import Plane
from tests.czi_files import Tile, write_czi_file
from tests.test_project import scan_with
from tests.toy import spotted_image, write_image
from tests.window_support import open_and_wait, open_window


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A project with five detections, one of them judged, beside its section."""
    (tmp_path / "lab").mkdir()
    section = write_image(tmp_path / "lab" / "section.png", spotted_image())
    with Project.create(tmp_path / "lab" / "section.schliff") as made:
        scan_with(made, section, 5)
        Review(made, "Ada").decide([2], "defect", "judged")
    return made.path


def test_a_section_under_another_name_is_known_by_its_content(path: Path):
    path.with_name("section.png").rename(path.with_name("HS17051_75.png"))
    write_image(path.with_name("a.png"), spotted_image(seed=3))
    path.with_name("b.png").write_bytes(b"no picture at all")
    with Project.open(path) as project:
        (record,) = project.sections()
        section = project.open_section_of(record)
        assert section.info.path.name == "HS17051_75.png"
        section.close()
        write_image(path.with_name("section.png"), spotted_image(seed=4))  # another one takes its old name
        section = project.open_section_of(record)
        assert section.info.path.name == "HS17051_75.png"
        section.close()
        path.with_name("HS17051_75.png").unlink()
        with pytest.raises(InputError, match="content has changed"):
            project.open_section_of(record)
        path.with_name("section.png").unlink()
        with pytest.raises(SectionMissingError, match="not where it was"):
            project.open_section_of(record)


def test_the_window_asks_where_a_section_went_and_takes_no_other(qtbot, qapp, path: Path, tmp_path: Path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    moved = path.with_name("section.png").rename(tmp_path / "elsewhere" / "moved.png")
    other = write_image(tmp_path / "elsewhere" / "other.png", spotted_image(seed=3))
    chosen = [other, moved]
    monkeypatch.setattr(
        "app.section_file.QFileDialog.getOpenFileName", lambda *args: (str(chosen.pop(0)), "any filter")
    )
    with open_window(qapp) as window:
        told = []
        window.session.message.connect(lambda level, text: told.append((level, text)))
        for expected in ("another image", None):
            window.session.open_path(path)
            qtbot.waitUntil(lambda: window.section_file.question is not None, timeout=20_000)
            box = window.section_file.question
            assert str(path.with_name("section.png")) in box.informativeText()
            button = next(one for one in box.findChildren(QPushButton) if one.text() == "Show the file…")
            qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
            if expected is not None:
                qtbot.waitUntil(lambda: any("another image" in text for _, text in told), timeout=20_000)
        qtbot.waitUntil(lambda: window.session.section is not None, timeout=20_000)
        assert window.session.section.info.path == moved
        assert window.session.detection(2).status == "defect"
    with Project.open(path) as project:
        assert [one.path for one in project.sections()] == [moved]


def test_it_asks_at_the_start_too(qtbot, qapp, path: Path, tmp_path: Path):
    path.with_name("section.png").rename(tmp_path / "moved.png")
    window = launch(qapp, path)
    try:
        with qtbot.waitSignal(window.session.failed_to_open, timeout=20_000):
            pass
        assert window.section_file.question is not None
        window.section_file.question.reject()
    finally:
        window.close()
        window.deleteLater()


def test_a_file_replaced_while_it_is_open_is_noticed(qtbot, qapp, path: Path):
    section = path.with_name("section.png")
    with open_window(qapp) as window:
        told = []
        window.session.message.connect(lambda level, text: told.append((level, text)))
        open_and_wait(qtbot, window, section)
        watch = window.section_file.watch
        qtbot.waitUntil(lambda: window.section_file._known is not None)
        watch.timer.setInterval(20)
        later = section.stat().st_mtime_ns + 1_000_000_000
        os.utime(section, ns=(later, later))
        qtbot.wait(200)
        assert not [text for level, text in told if level == "error"], "only its time is another"
        write_image(section, spotted_image(seed=3))
        qtbot.waitUntil(lambda: any("changed or replaced while it was open" in text for _, text in told))
        qtbot.wait(100)
        assert sum("changed or replaced" in text for _, text in told) == 1
        told.clear()
        open_and_wait(qtbot, window, section)
        assert "holds results of another file" in told[-1][1]
        assert window.session.detections == [], "nothing is shown over another image"


@pytest.mark.parametrize("kind", ["tif", "czi"])
def test_a_file_cut_short_while_it_is_open_is_an_error_with_its_name(kind: str, tmp_path: Path):
    path = tmp_path / f"section.{kind}"
    noise = np.random.default_rng(1).integers(0, 255, (900, 900, 3), np.uint8)
    if kind == "tif":
        tifffile.imwrite(path, noise, tile=(128, 128))
    else:
        write_czi_file(path, [Tile(x, y, noise[:300, :300]) for y in (0, 300, 600) for x in (0, 300, 600)])
    section = open_section(path)
    try:
        os.truncate(path, path.stat().st_size // 3)
        with pytest.raises(InputError) as told:
            section.read_level(0, 0, 0, section.info.width_px, section.info.height_px, Plane())
        assert told.value.path == path
        assert told.value.remedy
    finally:
        section.close()
