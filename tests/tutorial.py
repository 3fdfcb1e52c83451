"""What `docs/tutorial.md` says, done in a real window step by step; it takes the page's pictures on the way.

python -m tests.tutorial    draws them anew into docs/pictures
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from PIL import Image
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QKeySequence, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QFileDialog, QMenu, QTabBar, QWidget

DOCS = Path(__file__).resolve().parent.parent / "docs"
PICTURES = DOCS / "pictures"
SIZE = (1040, 660)  # of the window in the pictures
CROP = 104  # the side of a crop in the gallery, so that there are two beside each other
GREYS = 20  # of what is not drawn by the program itself: a section is noise, and noise is large
STRONGS, STRONG = 12, 70  # and of what is as colourful as a heat map: so far apart are red, green and blue
SECONDS = 600
MODEL = "Battery cell defects (window classifier)"


class Hands:
    """Does things as a person does, by menu, key and button, and notes what the page must say of it.

    Args:
        pictures: where they go; None: only their names are noted.
    """

    def __init__(self, window: Any, pictures: Path | None = None) -> None:
        self.window, self._pictures = window, pictures
        self.done: list[str] = []  # in the page's own markup
        self.taken: list[str] = []

    def menu(self, *names: str) -> None:
        self.done.append(f"*{' ▸ '.join(names)}*")
        self.window.menus.refresh()
        entry = entry_of(self.window.menuBar().actions(), names)
        assert entry.isEnabled(), f"{' ▸ '.join(names)} can't be chosen"
        entry.trigger()

    def key(self, keys: str) -> None:
        self.done.append(f"<kbd>{keys}</kbd>")
        window = self.window
        window.activateWindow()
        self.until(window.isActiveWindow)
        window.viewer.canvas.setFocus()
        window.menus.refresh()
        QTest.keySequence(window.viewer.canvas, QKeySequence(keys))
        self.settle()

    def turn_wheel(self, x: float, y: float) -> None:
        """Towards the screen by one notch, at a place given in shares of the section."""
        canvas, section = self.window.viewer.canvas, self.window.session.section.info
        box, view = canvas.visible_box(), canvas.viewport()
        right, down = x * section.width_px - box.x, y * section.height_px - box.y
        at = QPointF(right / box.w * view.width(), down / box.h * view.height())
        nothing, none = QPoint(0, 0), Qt.MouseButton.NoButton
        event = QWheelEvent(
            at, view.mapToGlobal(at), nothing, QPoint(0, 120), none, Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(view, event)
        self.settle()

    def tab(self, title: str) -> None:
        self.done.append(f"**{title}**")
        bar, at = next(
            (bar, i)
            for bar in self.window.findChildren(QTabBar)
            for i in range(bar.count())
            if bar.tabText(i) == title and bar.isVisible()
        )
        QTest.mouseClick(bar, Qt.MouseButton.LeftButton, pos=bar.tabRect(at).center())
        self.settle()

    def press(self, within: QWidget, text: str) -> None:
        self.done.append(f"**{text}**")
        button = next(one for one in within.findChildren(QAbstractButton) if one.text() == text and one.isVisible())
        assert button.isEnabled(), f"{text} can't be pressed"
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    def choose(self, combo: QComboBox, text: str) -> None:
        self.done.append(f"**{text}**")
        offered = [uncounted(combo.itemText(row)) for row in range(combo.count())]
        assert text in offered, f"{text} is not among the choices"
        at = offered.index(text)
        combo.setCurrentIndex(at)
        combo.activated.emit(at)

    def picture(self, name: str, of: QWidget | None = None) -> None:
        self.taken.append(f"pictures/{name}.png")
        self.settle()
        if self._pictures is not None:
            place = self._pictures / f"{name}.png"
            (of or self.window).grab().save(str(place))
            with Image.open(place) as drawn:
                small_picture(drawn.convert("RGB")).save(place, optimize=True)

    def settle(self) -> None:
        self.until(lambda: self.window.session.section is None or self.window.is_settled)

    def until(self, condition: Callable[[], object]) -> None:
        end = time.monotonic() + SECONDS
        while not condition():
            assert time.monotonic() < end, f"it took too long; last told: {self.window.notifications.text.text()!r}"
            QApplication.processEvents()
            time.sleep(0.02)
        QApplication.processEvents()


def uncounted(text: str) -> str:
    """A choice without how many it stands for."""
    return re.sub(r" \([\d,]+\)$", "", text)


def small_picture(drawn: Image.Image) -> Image.Image:
    """With a palette in which the window's and the classes' colours stay what they are, and few for the rest."""
    from app.theme import LIGHT
    from core.class_colours import class_hex, colour_of
    from core.synthetic import defect_classes

    own = (name for name in LIGHT.__slots__ if name not in ("warning", "error"))  # a heat map would come near to them
    names = [*(getattr(LIGHT, name) for name in own), *class_hex(defect_classes("battery")).values()]
    pixels = np.asarray(drawn).reshape(-1, 3)
    is_bright = np.ptp(pixels, axis=1) > STRONG
    colours = [part for name in names for part in colour_of(name)]
    for some, count in ((pixels[is_bright], STRONGS), (pixels[~is_bright], GREYS)):
        if len(some):
            row = Image.fromarray(some[None]).quantize(count, dither=Image.Dither.NONE)
            colours += (row.getpalette() or [])[: 3 * count]
    palette = Image.new("P", (1, 1))
    palette.putpalette(colours)
    return drawn.quantize(palette=palette, dither=Image.Dither.NONE)


def entry_of(actions: list[Any], names: tuple[str, ...]) -> Any:
    """The menu entry that is found by going down these names, as they stand there."""
    for depth, name in enumerate(names):
        found = next((one for one in actions if one.text().replace("&", "") == name), None)
        assert found is not None, f"no menu {' ▸ '.join(names[: depth + 1])}"
        menu = found.menu()
        if isinstance(menu, QMenu):
            menu.aboutToShow.emit()
            actions = menu.actions()
    return found


# -- the page's steps --------------------------------------------------------------------------------------------------


def make_a_sample(hands: Hands) -> None:
    hands.menu("File", "Try the sample")
    hands.until(lambda: hands.window.session.section is not None)
    hands.picture("sample")


def look_around(hands: Hands) -> None:
    for _ in range(6):
        hands.turn_wheel(0.31, 0.4)
    hands.key("1")
    assert hands.window.viewer.canvas.camera.zoom == 1
    hands.picture("one-to-one")
    hands.key("F")


def scan(hands: Hands) -> None:
    window = hands.window
    hands.tab("Scan")
    hands.choose(window.docks.scan.model.findChild(QComboBox), MODEL)
    hands.picture("scan")
    hands.press(window.docks.scan, "Scan")
    hands.until(lambda: window.session.scan is not None and window.session.scan.status == "done")
    hands.until(lambda: not window.session.scanning and window.session.visible_detections())


def judge(hands: Hands) -> None:
    session = hands.window.session
    hands.key("N")
    first = session.selected_id
    hands.key("A")
    second = session.selected_id
    assert second != first, "the gallery goes on by itself"
    hands.key("R")
    hands.key("Ctrl+Z")
    assert session.detection(second).status == "unreviewed"
    hands.window.session.select(second, "gallery")
    hands.key("A")
    hands.key("H")
    assert not session.layers.layer("heat").visible
    assert [session.detection(one).status for one in (first, second)] == ["defect", "defect"]
    hands.picture("judged")


def ask_why(hands: Hands) -> None:
    hands.tab("Why")
    why = hands.window.docks.why
    hands.until(lambda: why.blend.isEnabled())
    assert len(why.scores.choices) > 1
    hands.picture("why")


def choose_how_much(hands: Hands) -> None:
    session = hands.window.session
    hands.tab("Layers")
    before = len(session.visible_detections())
    slider = hands.window.docks.layers.threshold.slider
    slider.setValue(round(slider.value() * 0.6))
    hands.until(lambda: len(session.visible_detections()) > before)
    hands.key("F")
    hands.picture("threshold")
    hands.done.remove("<kbd>F</kbd>")  # for the picture only


def add_missed(hands: Hands) -> None:
    from tests.window_support import drag_over

    window = hands.window
    before = len(window.session.detections)
    hands.key("I")
    box = window.viewer.canvas.visible_box()
    x, y = box.center
    drag_over(window, x, y, x + box.w / 20, y + box.h / 20)
    hands.until(lambda: len(window.session.detections) == before + 1)
    hands.key("Esc")
    assert window.session.drawings.tool == "pointer"


def hand_over(hands: Hands) -> None:
    from app.export_dialog import ExportDialog

    window, folder = hands.window, hands.window.session.project.path.parent

    def asking() -> list[ExportDialog]:
        return [one for one in window.findChildren(ExportDialog) if one.isVisible()]

    for number, (name, ending) in enumerate((("Gallery (HTML)…", ".html"), ("CSV list…", ".csv"))):
        hands.menu("File", "Export", name)
        hands.until(asking)
        (dialog,) = asking()
        hands.choose(dialog.which, "defect")
        if not number:
            hands.picture("export", dialog)
        out = folder / f"defects{ending}"
        with mock.patch.object(QFileDialog, "getSaveFileName", lambda *_, out=out: (str(out), "")):
            hands.press(dialog, "Choose file…")
        hands.until(out.exists)
        hands.until(lambda: not window.session.lanes.copies.busy and not asking())


STEPS: dict[str, Callable[[Hands], None]] = {
    "1. Make a sample": make_a_sample,
    "2. Look around": look_around,
    "3. Scan": scan,
    "4. Judge, worst first": judge,
    "5. Ask why": ask_why,
    "6. Choose how much is shown": choose_how_much,
    "7. Add what was missed": add_missed,
    "8. Hand over": hand_over,
}


def sections_of(page: str) -> dict[str, str]:
    """The text under each heading of the second level, by heading."""
    parts = re.split(r"^## (.+)$", (DOCS / page).read_text("utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


# -- the pictures ------------------------------------------------------------------------------------------------------


@contextmanager
def own_home() -> Iterator[None]:
    import os
    import tempfile

    with tempfile.TemporaryDirectory() as home, mock.patch.dict(os.environ, {"SCHLIFF_HOME": home}):
        yield


def main() -> int:
    """The pictures as on a screen without one, in the light theme."""
    import os

    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    PICTURES.mkdir(exist_ok=True)
    with own_home():
        from app.start import make_application, make_window

        app = make_application()
        app.setProperty("still", True)
        window = make_window(app, "light")
        window.resize(*SIZE)
        window.show()
        window.docks.gallery.foot.side.setValue(CROP)
        hands = Hands(window, PICTURES)
        for heading, step in STEPS.items():
            print(heading, flush=True)
            step(hands)
        window.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
