"""A notice where a section looks unlike what a model of normal learnt from: before a scan, and above the gallery of one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.drift_notice import DriftNotice
from app.drift_watch import BeforeScan, OfShownScan
from core.anomaly.acquaintance import Acquaintance
from core.anomaly.calibration import SCORE_UNIT
from core.anomaly.drift import Finding
from core.anomaly.looks import looks_of
from core.anomaly.matching import MATCHING
from tests.gallery_support import MODEL, fill, fill_from_project, grey_section, make_detection, scan_record
from tests.test_training_normal import choose_normal, toy_trainer, window  # noqa: F401 - fixtures
from tests.toy import spotted_image, write_image
from tests.window_support import open_and_wait

DARKER = Finding("brightness", "It is darker than what the model learnt from.", 6.0, True)
BLURRED = Finding("sharpness", "It is less sharp than what the model learnt from.", 3.0, False)


def tiles(level):
    rng = np.random.default_rng(level)
    return [rng.integers(level, level + 40, (64, 64, 3)).astype(np.uint8) for _ in range(8)]


def spec_of(level):
    """A model of normal that learnt from tiles of a grey level."""
    card = {"looks": looks_of(tiles(level)).to_json(), "kind": "b_toy", "training": {"settings": {"window_px": 48}}}
    return replace(
        MODEL, family="anomaly", labels=("anomaly",), score_unit=SCORE_UNIT, parameters=(MATCHING,), card=card,
        version=f"learnt-{level}",
    )  # fmt: skip


def links_of(notice):
    return notice.links.text().replace("\N{NO-BREAK SPACE}", " ")


@pytest.fixture
def notice(qtbot):
    notice = DriftNotice()
    qtbot.addWidget(notice)
    return notice


def test_it_says_what_differs_and_offers_what_helps(qtbot, notice):
    notice.show_findings([DARKER, BLURRED], matching=True)
    assert notice.isVisible()
    assert notice.text.text().splitlines() == [DARKER.text, BLURRED.text]
    assert [
        f">{name}<" in links_of(notice) for name in ("Match grey levels", "Match tones", "Train it further", "Ignore")
    ]
    with qtbot.waitSignal(notice.match_requested) as told:
        notice.links.linkActivated.emit("histogram")
    assert told.args == ["histogram"]
    notice.show_findings([BLURRED], matching=True)
    assert "Match" not in notice.links.text()  # it would not help
    notice.show_findings([DARKER], matching=False)
    assert "Match" not in notice.links.text()  # the model can't
    notice.show_findings([], matching=True)
    assert not notice.isVisible()


def test_the_open_section_is_looked_at_before_a_scan(qtbot, session, notice):
    watch = BeforeScan(session, notice)
    fill(session, [], section=grey_section())
    bright = spec_of(10)

    def look(spec):
        watch.look(spec)
        qtbot.waitUntil(lambda: watch.settled, timeout=20_000)

    look(MODEL)  # it says nothing of its training's looks
    assert not notice.isVisible()
    look(bright)
    qtbot.waitUntil(notice.isVisible, timeout=20_000)
    assert "brighter" in notice.text.text()
    watch.matched("grey")
    assert "brighter" not in notice.text.text()
    watch.matched("none")
    assert "brighter" in notice.text.text()
    notice.links.linkActivated.emit("ignore")
    assert not notice.isVisible()
    look(MODEL)
    look(bright)
    assert not notice.isVisible()


def test_the_scan_that_is_shown_tells_until_it_is_ignored(qtbot, session, notice, tmp_path):
    watch = OfShownScan(session, notice)
    project = fill_from_project(session, tmp_path, [make_detection(1, 0.9)])
    known = Acquaintance.made(tiles(200), looks_of(tiles(20)))
    (project.path / "maps" / f"{session.scan.id}.zarr").mkdir(parents=True)
    project.maps(session.scan.id).save_learned(known.to_state())
    of_normal = replace(session.scan, family="anomaly")

    def show(scan):
        session.adopt_scans([scan], None)
        session.adopt_scans([scan], scan)
        qtbot.waitUntil(lambda: watch.settled, timeout=20_000)

    show(of_normal)
    qtbot.waitUntil(notice.isVisible, timeout=20_000)
    assert ">Match grey levels<" in links_of(notice)
    show(replace(of_normal, parameters={"model": {"matching": "histogram"}}))
    assert "brighter" not in notice.text.text() or not notice.isVisible()
    show(of_normal)
    qtbot.waitUntil(notice.isVisible, timeout=20_000)
    notice.links.linkActivated.emit("ignore")
    show(of_normal)
    assert not notice.isVisible()
    project.close()


def test_a_scan_without_a_project_tells_nothing(qtbot, session, notice):
    watch = OfShownScan(session, notice)
    scan = scan_record(family="anomaly")
    fill(session, [], scans=[scan], scan=scan)
    assert watch.settled
    assert not notice.isVisible()


def test_the_window_matches_and_trains_further(qtbot, window, tmp_path):  # noqa: F811
    path = write_image(tmp_path / "bright.tif", spotted_image(400, 0))
    open_and_wait(qtbot, window, path)
    window.docks.bring("scan")
    scan = window.docks.scan
    scan.model._list_them = lambda: [spec_of(5)]
    scan.model.refresh()
    qtbot.waitUntil(scan.drift.isVisible, timeout=20_000)
    scan.drift.links.linkActivated.emit("grey")
    assert scan.form.values()["matching"] == "grey"
    panel = choose_normal(qtbot, window)
    panel.form.trainer.choice.setCurrentIndex(0)
    window.docks.bring("scan")
    scan.drift.links.linkActivated.emit("train")
    qtbot.waitUntil(panel.isVisible)
    assert panel.form.trainer.spec.id == "b_toy"
    assert panel.form.settings.values() == {"window_px": 48}
