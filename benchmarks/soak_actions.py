"""What `soak.py` does with a window, as a hand would: one action per frame, by events, actions of menus, and controls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QMenu, QWidget

from benchmarks.pan_path import Path as CameraPath

if TYPE_CHECKING:
    from app.main_window import MainWindow

Action = Callable[[], None]
DIALOGS = ("shortcuts", "settings", "info", "log", "about", "goto", "classes", "scan_several")
DRAG_FRAMES = 45
WAIT_FRAMES = 1200  # at most, for something that takes as long as it takes


def nothing() -> None:
    """A frame in which the hand rests."""


class Hand:
    """Uses a window on `section`, whose scan `scan_id` has detections; `other` is opened in between."""

    def __init__(
        self, window: MainWindow, section: Path, other: Path, seed: int = 1, drag_frames: int = DRAG_FRAMES
    ) -> None:
        self._window, self._session = window, window.session
        self._section, self._other = section, other
        self._random = np.random.default_rng(seed)
        self._drag_frames = drag_frames
        scan = self._session.scan
        self._scan_id = scan.id if scan is not None else None
        self.kinds: dict[str, Callable[[], Iterator[Action]]] = {
            "pan": self.pan,
            "zoom": self.zoom,
            "sort": self.sort,
            "search": self.search,
            "scroll": self.scroll,
            "threshold": self.threshold,
            "decide": self.decide,
            "layers": self.layers,
            "dialogs": self.dialogs,
            "scan": self.scan,
            "other section": self.other_section,
        }

    def work(self) -> Iterator[tuple[str, Action]]:
        """Round after round, each kind once in random order, moving about in between; for ever."""
        while True:
            yield from self.round()

    def round(self, *, moving: bool = True) -> Iterator[tuple[str, Action]]:
        """Each kind once; `moving`: a drag after each."""
        names = list(self.kinds)
        for number in self._random.permutation(len(names)):
            name = names[number]
            yield from ((name, action) for action in self.kinds[name]())
            if moving:
                yield from (("pan", action) for action in self.pan())

    # -- looking ----------------------------------------------------------------------------------

    @property
    def _camera(self) -> CameraPath:
        section = self._session.section
        assert section is not None
        return CameraPath(self._window.viewer.canvas, section.info.width_px, self._drag_frames)

    def pan(self) -> Iterator[Action]:
        zoom = float(2.0 ** self._random.uniform(-6, 0.5))
        dx, dy = (int(v) for v in self._random.integers(-30, 31, 2))
        return self._camera.pan(zoom, float(self._random.uniform(0.2, 0.8)), dx, dy)

    def zoom(self) -> Iterator[Action]:
        x, y = (float(v) for v in self._random.uniform(0.1, 0.9, 2))
        return self._camera.zoom([(x, y)], 10)

    def layers(self) -> Iterator[Action]:
        for action_id in ("heat", "boxes", "minimap", "fit", "back", "one_to_one", "back", "minimap", "boxes", "heat"):
            yield self._trigger(action_id)
            yield from [nothing] * 8

    # -- the list ---------------------------------------------------------------------------------

    def sort(self) -> Iterator[Action]:
        bar = self._window.docks.gallery.bar
        for _ in range(3):
            choice = int(self._random.integers(0, max(1, bar.sort.count())))
            yield partial(bar.sort.setCurrentIndex, choice)
            yield from [nothing] * 8
        for button in (bar.reverse, bar.grouped, bar.grouped, bar.reverse):
            yield button.click
            yield from [nothing] * 8
        yield lambda: bar.sort.setCurrentIndex(0)

    def search(self) -> Iterator[Action]:
        bar = self._window.docks.gallery.bar
        for key in "crack":
            yield partial(QTest.keyClicks, bar.search, key)
            yield from [nothing] * 4
        yield from [nothing] * 20
        yield bar.search.clear
        yield from [nothing] * 20

    def scroll(self) -> Iterator[Action]:
        scroll = self._window.docks.gallery.view.verticalScrollBar()
        begin = int(self._random.uniform(0, 0.9) * scroll.maximum())
        for step in range(self._drag_frames):
            yield partial(scroll.setValue, begin + 24 * step)

    def threshold(self) -> Iterator[Action]:
        for value in np.linspace(0.3, float(self._random.uniform(0.5, 0.9)), 12).tolist():
            yield partial(self._session.set_threshold, value)
            yield nothing
        yield lambda: self._session.set_threshold(0.5)

    def decide(self) -> Iterator[Action]:
        yield self._trigger("worst")
        decisions = ("defect", "false_alarm", "artefact", "unsure", "class_2", "defect")
        for action_id in decisions:
            yield self._trigger("next")
            yield from [nothing] * 6
            yield self._trigger(action_id)
            yield from [nothing] * 6
        for action_id in ("undo",) * len(decisions) + ("redo", "undo"):
            yield self._trigger(action_id)
            yield from [nothing] * 6

    # -- what takes a while -----------------------------------------------------------------------

    def dialogs(self) -> Iterator[Action]:
        for action_id in DIALOGS:
            yield self._close_soon
            yield self._trigger(action_id)
            yield from self._until(lambda: not _dialogs())

    def scan(self) -> Iterator[Action]:
        """What is in view, stopped in the middle; then the first scan again."""
        yield from self.pan()
        before = self._session.scan
        yield self._trigger("scan_region")
        yield from self._until(lambda: self._session.scanning, 60)
        for _ in range(3):
            yield from self.pan()
        yield from [nothing] * int(self._random.integers(0, 200))
        yield self._trigger("cancel_scan")
        yield from self._until(lambda: not self._session.scanning)
        if before is not None:
            yield lambda: self._session.set_scan(self._scan_id)
            yield from self._until(lambda: self._session.scan is not None and self._session.scan.id == self._scan_id)

    def other_section(self) -> Iterator[Action]:
        for path in (self._other, self._section):
            yield partial(self._window.commands.file.open_path, path)
            yield from self._until(partial(self._shows, path))
            yield from self.pan()
            yield from self.zoom()

    def _shows(self, path: Path) -> bool:
        section = self._session.section
        return section is not None and section.info.path == path and self._window.is_settled

    def _until(self, wanted: Callable[[], bool], most: int = WAIT_FRAMES) -> Iterator[Action]:
        for _ in range(most):
            yield nothing
            if wanted():
                return

    def _trigger(self, action_id: str) -> Action:
        """As a menu would: only what can be used now."""

        def trigger() -> None:
            action = self._window.menus.actions[action_id]
            if action.isEnabled():
                action.trigger()

        return trigger

    def _close_soon(self) -> None:
        QTimer.singleShot(250, self._window, lambda: [dialog.close() for dialog in _dialogs()])


def _dialogs() -> list[QWidget]:
    return [w for w in QApplication.topLevelWidgets() if isinstance(w, QDialog | QMenu) and w.isVisible()]
