"""Fixtures every test may use: where real data lies, and a user's folders that are the test's own."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reading_threads import reading_threads_left

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real microscope files beside the checkout; tests that need it skip where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"real data not found at {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture(autouse=True)
def own_user_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the settings and caches of whoever runs it."""
    monkeypatch.setenv("SCHLIFF_HOME", str(tmp_path / "schliff-home"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test of a real window that fails gets one more look, and the summary names it (`-rR`): on a crowded machine the window's
    thread, scans and decoders share two cores, and one wait of 5 s among a thousand can end too early. What is wrong fails twice."""
    for item in items:
        if "qtbot" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Garbage is looked for between tests only, as `app.garbage` has it in the window: another thread that does it by chance
    would end what belongs to Qt, and the process with it."""
    if "PySide6" in sys.modules:
        gc.disable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """A file of tests that leaves a window or a viewer's threads behind makes later tests of windows hang: it fails."""
    yield
    is_last = nextitem is None or nextitem.path != item.path
    gc.collect(2 if is_last else 1)
    widgets = sys.modules.get("PySide6.QtWidgets")
    if widgets is None or not is_last:
        return  # fixtures of the whole file are still in use
    application = widgets.QApplication.instance()
    left = [one for one in application.topLevelWidgets() if one.isVisible()] if application is not None else []
    names = {type(one).__name__ for one in left}
    names.update(reading_threads_left())
    for one in left:
        one.close()
    assert not names, f"tests of {item.path.name} leave behind: {', '.join(sorted(names))}"


@pytest.fixture
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing waits for the drive: for tests of many small scans in which no power fails."""
    monkeypatch.setattr("core.disk.os.fsync", lambda handle: None)


@pytest.fixture(scope="module")
def one_thread():
    """Torch with one thread: small batches are slower on several, and far slower where other work shares the cores."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def one_openmp_thread():
    """As `one_thread`, for what scikit-learn learns: only libraries that are loaded can be held back."""
    import sklearn.ensemble  # noqa: F401
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield


@pytest.fixture
def whole_floats(monkeypatch):
    """Networks in 32-bit floats, also on processors with units for shorter ones: for what must be equal but for rounding."""
    monkeypatch.setattr("core.models.networks.computing._has_half_units", lambda: False)


@pytest.fixture(scope="session")
def qapp_args():
    """As the program starts its own."""
    from app.start import STYLE

    return ["schliff", *STYLE]


@pytest.fixture
def session(qtbot):
    """A session as the window holds it."""
    from app.session import Session

    session = Session()
    yield session
    session.close()


@pytest.fixture
def gallery(qtbot, session):
    """The gallery of that session, as narrow as a dock."""
    from app.gallery.panel import GalleryPanel

    panel = GalleryPanel(session)
    qtbot.addWidget(panel)
    panel.resize(460, 640)
    panel.show()
    yield panel
    panel.shut()


@pytest.fixture
def still(qapp):
    """No flights and no fades while a test looks."""
    qapp.setProperty("still", True)
    yield
    qapp.setProperty("still", False)


@pytest.fixture
def viewer(qtbot, still, session):
    """A viewer on that session, 640 × 480, which leaves no thread behind."""
    from PySide6.QtCore import QEvent
    from PySide6.QtWidgets import QApplication

    from app.viewer.viewer import Viewer

    viewer = Viewer(session)
    viewer.session = session
    viewer.resize(640, 480)
    viewer.show()
    yield viewer
    session.close()
    viewer.close_tiles()
    viewer.close()
    viewer.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert not reading_threads_left()
