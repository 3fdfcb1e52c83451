"""The scan panel: models, regions, and real scans of a small file with a simple model, started, stopped and resumed."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from app.checking.precision_group import PrecisionGroup
from app.panels.layers_panel import LayersPanel
from app.panels.scan_panel import ScanPanel
from app.panels.scan_progress import ScanProgress
from app.panels.threshold_panel import ThresholdPanel
from app.panels.why_panel import WhyPanel
from core.errors import ResourceError
from core.geometry import Box
from core.parameters import Parameter
from core.scan.options import ScanStep, ScanSummary
from tests.gallery_support import MODEL, fill, grey_section, scan_record, some_detections
from tests.scan_support import entry_of, scan_here
from tests.toy import ToyModel, spotted_image, toy_spec, write_image

TEXTURE = toy_spec(id="texture-toy", name="Texture", description="Works on any micrograph.")
WITH_PARAMETERS = toy_spec(id="tuned", name="Tuned", parameters=(Parameter("gain", float, 1.0, "How loud.", 0.0, 4.0),))
COARSE = replace(MODEL, id="coarse", name="Fine structures", um_per_px=0.001)


class SlowModel(ToyModel):
    """Waits for a gate before each tile after the first 24; remembers the spec it was loaded with."""

    loaded: list = []  # noqa: RUF012 - emptied by the fixture
    gate: threading.Event | None = None
    fails = False

    def map_tile(self, pixels):
        if self.fails:
            raise ResourceError("the device ran out of memory", remedy="Scan on the CPU.")
        if self.gate is not None and self.mapped >= 24:
            self.gate.wait(5)
        return super().map_tile(pixels)


@pytest.fixture
def models(monkeypatch):
    SlowModel.loaded, SlowModel.gate, SlowModel.fails = [], None, False

    def load(spec, device):
        SlowModel.loaded.append((spec, device))
        return SlowModel(spec)

    known = [MODEL, TEXTURE, WITH_PARAMETERS, COARSE]
    scan_here(monkeypatch, SlowModel, *known)
    monkeypatch.setattr("core.scan.executing.load_model", load)
    return known


@pytest.fixture
def panel(qtbot, session, models):
    panel = ScanPanel(session, lambda: Box(10.2, 20.0, 100.0, 80.0), lambda: models)
    qtbot.addWidget(panel)
    panel.resize(320, 800)
    panel.show()
    return panel


@pytest.fixture
def opened(qtbot, session, panel, tmp_path):
    session.open_path(write_image(tmp_path / "spots.png", spotted_image()))
    qtbot.waitUntil(lambda: session.section is not None, timeout=5000)
    return session


def press(button):
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def finish(qtbot, session):
    qtbot.waitUntil(lambda: not session.scanning, timeout=10000)


def test_without_a_section_nothing_can_be_scanned(panel):
    assert not panel.start_button.isEnabled()
    assert "Open a section" in panel.note.text()


def test_a_new_file_gets_the_model_that_needs_no_training(panel, opened):
    assert panel.model.spec.id == "texture-toy"
    assert panel.model.description.text() == "Works on any micrograph."
    panel.model.choose("battery")
    assert "Foreign" in panel.model.finds.text()
    assert panel.threshold.value() == MODEL.threshold


def test_a_long_description_begins_with_its_first_sentences(panel, session, models):
    first = "Draws windows again from edges, and marks what comes out <wrong>."
    rest = "It was made in minutes from ten synthetic magnets. " * 5
    models.append(toy_spec(id="wordy", name="Wordy", description=f"{first} {rest.strip()}"))
    panel.model.refresh()
    panel.model.choose("wordy")
    label = panel.model.description
    assert "&lt;wrong&gt;. It was made" in label.text()
    assert label.text().count("ten synthetic") == 2
    label.linkActivated.emit("more")
    assert label.text().count("ten synthetic") == 5
    assert "href" not in label.text()


def test_the_model_of_the_shown_scan_is_chosen(panel, session):
    fill(session, some_detections())
    assert panel.model.spec.id == scan_record().model_id


def test_a_model_that_does_not_fit_says_so_and_cannot_start(panel, session):
    fill(session, [], grey_section(), scans=[], scan=None)
    panel.model.choose("coarse")
    assert not panel.start_button.isEnabled()
    assert "too coarse" in panel.note.text()
    panel.model.choose("texture-toy")
    assert panel.start_button.isEnabled()


def test_another_section_does_not_keep_the_model_of_the_one_before(panel, session):
    fill(session, some_detections())
    assert panel.model.spec.id == "battery"
    fill(session, [], grey_section(), scans=[], scan=None)
    assert panel.model.spec.id == "texture-toy"
    panel.model.choose("tuned")
    fill(session, [], grey_section(), scans=[], scan=None)
    assert panel.model.spec.id == "texture-toy"
    fill(session, some_detections())
    assert panel.model.spec.id == "battery"


@pytest.mark.parametrize(
    ("pixel_size_um", "said"),
    [
        (0.028, "This model was trained at 0.5 µm per px; this section has 0.028. Results will be poor."),
        (1.6, "This model was trained at 0.5 µm per px; this section has 1.6. Results will be poor."),
        (None, "This model was trained at 0.5 µm per px; this section does not state its scale. Results may be poor."),
        (0.2, ""),
        (1.4, ""),
    ],
)
def test_a_scale_that_the_model_was_not_trained_at_is_said_before_the_start(panel, session, pixel_size_um, said):
    section = grey_section()
    size = None if pixel_size_um is None else (pixel_size_um, pixel_size_um)
    section.info = replace(section.info, pixel_size_um=size)
    fill(session, [], section, scans=[], scan=None)
    assert panel.note.text() == ""
    panel.model.choose("battery")
    assert panel.note.text() == said
    assert panel.note.isVisible() == bool(said)
    assert panel.start_button.isEnabled()


def test_a_scan_runs_and_its_summary_counts(qtbot, panel, opened):
    press(panel.start_button)
    assert opened.scanning
    assert panel.cancel_button.isVisible()
    assert panel.start_button.text() == "Add to queue"
    finish(qtbot, opened)
    qtbot.waitUntil(lambda: bool(opened.detections), timeout=5000)
    above = len(opened.visible_detections())
    assert above > 5
    assert panel.progress.headline.text() == f"Found {above} detections above the threshold"
    assert "MP" in panel.progress.detail.text()
    assert panel.start_button.text() == "Scan"
    assert "done already" in panel.note.text()


def test_a_scan_is_stopped_resumed_and_started_over(qtbot, panel, opened):
    SlowModel.gate = threading.Event()
    press(panel.start_button)
    qtbot.waitUntil(lambda: panel.progress.bar.value() >= 24, timeout=10000)
    press(panel.cancel_button)
    SlowModel.gate.set()
    finish(qtbot, opened)
    assert panel.progress.headline.text() == "Stopped"
    qtbot.waitUntil(lambda: bool(opened.scans) and opened.scans[-1].status == "interrupted", timeout=5000)
    assert panel.start_button.text() == "Resume"
    assert 0 < opened.scans[-1].tiles_done < 49
    assert panel.note.text() == f"Interrupted at {opened.scans[-1].tiles_done} of 49 tiles."
    press(panel.start_button)
    finish(qtbot, opened)
    qtbot.waitUntil(lambda: opened.scan is not None and opened.scan.status == "done", timeout=5000)
    press(panel.restart)
    assert panel.start_button.text() == "Scan"
    opened.queue.ended.emit(entry_of("/s/another.tif", state="cancelled"), None)
    assert panel.restart.isChecked()
    press(panel.start_button)
    finish(qtbot, opened)
    assert not panel.restart.isChecked()


def test_in_a_low_window_the_progress_stays_in_sight(qtbot, panel, opened):
    SlowModel.gate = threading.Event()
    panel.resize(320, 420)
    press(panel.start_button)
    qtbot.waitUntil(lambda: panel.progress.bar.value() >= 24, timeout=10000)
    for widget in (panel.progress.headline, panel.progress.detail, panel.cancel_button):
        assert widget.visibleRegion().boundingRect().size() == widget.size()
    SlowModel.gate.set()
    finish(qtbot, opened)


def test_what_failed_is_said_in_place(qtbot, panel, opened):
    SlowModel.fails = True
    press(panel.start_button)
    finish(qtbot, opened)
    assert "ran out of memory" in panel.progress.headline.text()
    assert "Scan on the CPU" in panel.progress.headline.text()


def test_regions_reach_the_scan(qtbot, panel, opened):
    assert panel.region.region() is None
    panel.region.in_view.click()
    assert panel.region.region() == Box(10, 20, 101, 80)
    panel.set_drawn_region(Box(50.5, 60.0, 64.0, 64.0))
    assert panel.region.drawn.isChecked()
    assert "64 × 64 px" in panel.region.drawn.text()
    press(panel.start_button)
    finish(qtbot, opened)
    qtbot.waitUntil(lambda: opened.scan is not None, timeout=5000)
    assert opened.scan.parameters["region"] == [50, 60, 65, 64]
    assert "done already" in panel.note.text()
    panel.region.whole.click()
    assert "done already" not in panel.note.text()
    panel.region.drawn.click()
    panel.set_drawn_region(None)
    assert panel.region.whole.isChecked()


def test_a_stopped_scan_of_a_region_is_resumed_whatever_is_chosen_meanwhile(qtbot, panel, opened):
    SlowModel.gate = threading.Event()
    panel.model.choose("tuned")
    panel.form.field("gain").setValue(2.5)
    panel.set_drawn_region(Box(50.0, 60.0, 350.0, 340.0))
    press(panel.start_button)
    qtbot.waitUntil(lambda: panel.progress.bar.value() >= 24, timeout=10000)
    press(panel.cancel_button)
    SlowModel.gate.set()
    finish(qtbot, opened)
    qtbot.waitUntil(lambda: opened.scan is not None and opened.scan.status == "interrupted", timeout=5000)
    stopped = opened.scan
    panel.model.choose("texture-toy")
    panel.set_drawn_region(None)
    panel.resume(stopped)
    assert panel.model.spec.id == "tuned"
    assert panel.region.region() == Box(50, 60, 350, 340)
    finish(qtbot, opened)
    qtbot.waitUntil(lambda: opened.scan is not None and opened.scan.status == "done", timeout=5000)
    assert [scan.id for scan in opened.scans] == [stopped.id]
    assert opened.scan.parameters["model"] == {"gain": 2.5}


def test_the_region_of_a_stopped_scan_is_chosen_when_its_section_is_opened_again(panel, session):
    stopped = replace(scan_record(), status="interrupted", parameters={"region": [100, 50, 200, 150]})
    fill(session, [], grey_section(), scans=[stopped], scan=stopped)
    assert panel.region.region() == Box(100, 50, 200, 150)
    done = replace(stopped, status="done")
    fill(session, [], grey_section(), scans=[done], scan=done)
    assert panel.region.region() is None


def test_device_threshold_and_parameters_are_handed_over(qtbot, panel, opened):
    panel.model.choose("tuned")
    panel.form.field("gain").setValue(2.5)
    panel.device.setCurrentIndex(panel.device.findData("cpu"))
    panel.threshold.setValue(0.8)
    press(panel.start_button)
    finish(qtbot, opened)
    spec, device = SlowModel.loaded[-1]
    assert device == "cpu"
    assert spec.values == {"gain": 2.5}
    qtbot.waitUntil(lambda: opened.scan is not None, timeout=5000)
    assert opened.scan.threshold == 0.8


def test_progress_speaks_of_tiles_area_time_speed_and_device(qtbot):
    progress = ScanProgress()
    qtbot.addWidget(progress)
    progress.begin()
    progress.step(ScanStep(412, 1150, "Scanning", 812.0, 12.41, 8.12, 0.968, "cpu"), 180.0)
    assert progress.headline.text() == "412 of 1,150 tiles · 35 %"
    assert progress.detail.text() == "12.4 mm² · 3 min left · 8.1 MP/s · processor busy 97\N{NO-BREAK SPACE}%"
    assert (progress.bar.value(), progress.bar.maximum()) == (412, 1150)
    progress.step(ScanStep(413, 1150, "Scanning"), None)
    assert progress.headline.text().startswith("412")  # numbers that change faster can't be read
    qtbot.waitUntil(lambda: progress.headline.text().startswith("413"))
    assert progress.detail.text() == "Scanning"


def test_a_summary_says_what_was_left_out(qtbot):
    progress = ScanProgress()
    qtbot.addWidget(progress)
    summary = ScanSummary("id", "a.tif", "toy", "cpu", 0.5, 10, 10, 2, 7, 40.0, 80.0, False, 20.0, 3.21)
    progress.show_summary(summary, 7)
    assert progress.headline.text() == "Found 7 detections above the threshold"
    assert progress.detail.text() == (
        "40 s on the processor · 80 MP · 2.0 MP/s · 3.21 mm² (20 %) skipped, no specimen there"
    )


def test_a_scan_pauses_and_goes_on(qtbot, panel, opened):
    SlowModel.gate = threading.Event()
    press(panel.start_button)
    qtbot.waitUntil(lambda: panel.progress.bar.value() >= 24, timeout=10000)
    press(panel.pause_button)
    assert panel.pause_button.text() == "Go on"
    assert panel.progress.detail.text() == "Paused"
    SlowModel.gate.set()
    qtbot.wait(150)
    assert opened.queue.running.done < opened.queue.running.total
    press(panel.pause_button)
    finish(qtbot, opened)
    assert panel.progress.headline.text().startswith("Found")


def test_another_model_waits_in_the_queue_for_its_turn(qtbot, panel, opened):
    SlowModel.gate = threading.Event()
    press(panel.start_button)
    panel.model.choose("tuned")
    press(panel.start_button)
    assert "1 scan waits" in panel.waiting.text()
    press(panel.start_button)  # the very same once more
    assert "1 scan waits" in panel.waiting.text()
    SlowModel.gate.set()
    finish(qtbot, opened)
    qtbot.waitUntil(lambda: [scan.model_id for scan in opened.scans] == ["texture-toy", "tuned"], timeout=5000)
    assert not panel.waiting.isVisible()


def test_while_the_first_scan_loads_its_model_other_panels_say_that_it_begins(qtbot, panel, opened, monkeypatch):
    loads = threading.Event()

    def load(spec, device):
        assert loads.wait(10)
        return SlowModel(spec)

    monkeypatch.setattr("core.scan.executing.load_model", load)
    why, layers, threshold = WhyPanel(opened), LayersPanel(opened), ThresholdPanel(opened)
    check = PrecisionGroup(opened)
    for one in (why, layers, threshold, check):
        qtbot.addWidget(one)

    def said():
        shown = [label.text() for label in layers.findChildren(QLabel) if label.isVisibleTo(layers)]
        return [why.picture.message, " ".join(shown), threshold.hint.text(), check.unfinished.text()]

    assert all("No scan yet: press Scan" in text for text in said())
    press(panel.start_button)
    qtbot.waitUntil(lambda: all("The scan is beginning." in text for text in said()), timeout=5000)
    loads.set()
    finish(qtbot, opened)
    qtbot.waitUntil(lambda: opened.scan is not None and opened.scan.status == "done", timeout=5000)
    assert why.picture.message == "Select a detection to see what the model went by."
    assert not any("No scan yet" in text or "is beginning" in text for text in said()[:2])
    why.shut()
