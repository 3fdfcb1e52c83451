"""The whole way of a model of normal in a real window: regions drawn, a training, a scan, the threshold dragged, crops that follow."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from core.explain_request import explain_request
from core.scan.executing import run_request
from tests.toy import write_image
from tests.training_support import WorkerHere
from tests.window_support import drag_over, open_and_wait, open_window

pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.timeout(400)]

LONG_MS = 120_000
SMALL = {
    "steps": 24, "every": 12, "width": 8, "latent": 8, "batch": 8, "window_px": 64, "input_px": 32, "most": 48,
    "learning_rate": 2e-3,
}  # fmt: skip
SPOTS = ((300, 320), (80, 330))


def grains(size=400):
    """An even grey with a little grain, and two dark spots below the middle."""
    rng = np.random.default_rng(0)
    image = 150 + cv2.GaussianBlur(rng.normal(0, 40, (size, size)).astype(np.float32), (0, 0), 2)
    for x, y in SPOTS:
        cv2.circle(image, (x, y), 11, 20, -1)
    return np.repeat(np.clip(image, 0, 255).astype(np.uint8)[..., None], 3, 2)


class ExplainerHere:
    """Stands for the process that explains."""

    def explain(self, request, progress, cancel):
        return explain_request(request, progress, cancel)

    def close(self):
        """There is nothing to end."""


@pytest.fixture
def window(qtbot, qapp, monkeypatch):
    """All that computes does so in threads of this process: torch is loaded once."""
    monkeypatch.setattr("core.worker.training.TrainingWorker", WorkerHere)
    monkeypatch.setattr("core.worker.supervisor.run_in_worker", run_request)
    monkeypatch.setattr("core.worker.explaining.ExplainingWorker", ExplainerHere)
    with open_window(qapp) as window:
        yield window


def click(qtbot, button):
    qtbot.waitUntil(lambda: button.isVisible() and button.isEnabled(), timeout=LONG_MS)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def drag_line(plot, *scores):
    """From one score to the next, the left button held."""
    press, move, left = QEvent.Type.MouseButtonPress, QEvent.Type.MouseMove, Qt.MouseButton.LeftButton
    port = plot.viewport()
    for number, score in enumerate(scores):
        at = QPointF(plot.mapFromScene(plot.getViewBox().mapViewToScene(QPointF(score, 0.2))))
        kind, button = (move, Qt.MouseButton.NoButton) if number else (press, left)
        event = QMouseEvent(kind, at, port.mapToGlobal(at), button, left, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(port, event)


def test_what_is_normal_is_drawn_learnt_scanned_and_judged_by(qtbot, window, tmp_path):
    session = window.session
    open_and_wait(qtbot, window, write_image(tmp_path / "part.tif", grains()))

    # what is normal
    window.menus.actions["train"].trigger()
    form = window.docks.train.form
    qtbot.waitUntil(form.isVisible)
    form.trainer.choice.setCurrentIndex(form.trainer.choice.findData("vae"))
    form.settings.set_values(SMALL)
    click(qtbot, form.normal.draw_button)
    drag_over(window, 5, 5, 395, 140)
    drag_over(window, 5, 150, 395, 280)
    click(qtbot, form.normal.draw_button)
    qtbot.waitUntil(
        lambda: form.normal.summary is not None and "2 normal regions" in form.normal.summary.text, timeout=LONG_MS
    )
    assert "2 regions" in form.normal.drawn_text.text()
    assert "room for" in form.normal.drawn_text.text()
    form.name.setText("Even grey")

    # a training, with pictures of what it makes of windows meanwhile
    click(qtbot, form.start_button)
    run = window.docks.train.run
    qtbot.waitUntil(lambda: session.training.state not in ("none", "running"), timeout=LONG_MS)
    assert session.training.error is None
    qtbot.waitUntil(run.preview.isVisible, timeout=LONG_MS)
    assert run.preview.titles == ("Input", "Drawn again", "Residual")

    # a scan with it
    click(qtbot, run.scan_button)
    scan = window.docks.scan
    assert scan.model.spec.name == "Even grey"
    click(qtbot, scan.start_button)
    qtbot.waitUntil(lambda: session.scan is not None and session.scan.status == "done", timeout=LONG_MS)
    qtbot.waitUntil(lambda: bool(session.detections) and not session.scanning, timeout=LONG_MS)
    for x, y in SPOTS:
        assert any(d.box.grown(12).contains(x, y) for d in session.detections)

    # the threshold, and what it shows
    window.docks.bring("layers")
    click(qtbot, window.docks.layers.threshold.more)
    panel = window.docks.threshold
    qtbot.waitUntil(lambda: panel.settled and panel.known is not None, timeout=LONG_MS)
    assert panel.known.calibration is not None
    assert "of 1,000 windows without a defect" in panel.words.text()
    scores = sorted(d.score for d in session.detections)
    gallery = window.docks.gallery

    def shows(threshold):
        return [d for d in session.detections if d.score >= threshold]

    for threshold in (scores[0] - 0.05, (scores[-2] + scores[-1]) / 2):
        drag_line(panel.plot, 1.0, (1.0 + threshold) / 2, threshold)
        assert session.threshold == pytest.approx(threshold, abs=0.1)
        expected = {d.id for d in shows(session.threshold)}
        qtbot.waitUntil(lambda: {d.id for d in gallery.model.shown} == expected, timeout=LONG_MS)  # noqa: B023
        assert f"{len(expected):,} of {len(scores):,} detections shown." in panel.words.text()

    # why
    session.select(shows(session.threshold)[0].id, "gallery")
    window.docks.bring("why")
    why = window.docks.why
    qtbot.waitUntil(lambda: bool(why.evidence.pictures), timeout=LONG_MS)
    assert "Input" in [one.text() for one in why.evidence.pictures]
