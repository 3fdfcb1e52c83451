"""Decides which settings a person changes in a dialog, and how: their name, memory, disk, notifications. Values are kept by `app.settings`."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QPushButton, QSpinBox, QVBoxLayout, QWidget

from app.forms import ParameterForm
from app.jobs import Job
from app.session import Session
from app.settings import Settings
from app.theme import SPACE
from core.memory import LEAST, budget, default_budget
from core.parameters import Parameter
from core.people import call_user

_MB, _GB = 1 << 20, 1 << 30


class SettingsDialog(QDialog):
    """Changes hold from the next start on where the text says so; nothing is changed by Cancel."""

    def __init__(self, settings: Settings, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings, self._session = settings, session
        self.setWindowTitle("Settings")
        self.form = ParameterForm()
        self.form.set_parameters(_parameters())
        self.form.set_values({name: settings.get(setting) for name, setting in _SETTINGS.items()})
        memory = self.form.field("memory_for_images")
        assert isinstance(memory, QSpinBox)
        memory.setSpecialValueText(f"automatic ({default_budget() // _MB:,} MB)")
        self.in_use = QLabel()
        self.empty = QPushButton("Empty the overview cache")
        self.empty.setToolTip("Overviews are made again when a section without them is opened")
        self.empty.clicked.connect(self._empty)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        layout.setSpacing(SPACE)
        layout.addWidget(self.form)
        layout.addWidget(
            QLabel(f"Now up to {budget() / _GB:.1f} GB of memory hold what is shown, ready to be shown again.")
        )
        layout.addWidget(self.in_use)
        layout.addWidget(self.empty)
        layout.addStretch(1)
        layout.addWidget(buttons)
        self.setMinimumWidth(460)
        self._measure()

    def accept(self) -> None:
        for name, value in self.form.values().items():
            self._settings.set(_SETTINGS[name], value)
        call_user(self._settings.get("person"))
        super().accept()

    def _measure(self) -> None:
        """How much the overviews take, told when it is known."""
        from core.overview_cache import OverviewCache

        self.in_use.setText("Overviews on this computer: …")
        job = Job(lambda progress, cancel: OverviewCache().size_bytes(), "Measuring the overview cache")
        job.finished.connect(self._tell)
        self._session.run_io(job)

    def _tell(self, size: int) -> None:
        self.in_use.setText(f"Overviews on this computer: {size / _GB:.1f} GB")

    def _empty(self) -> None:
        from core.overview_cache import OverviewCache

        self.empty.setEnabled(False)
        job = Job(lambda progress, cancel: OverviewCache().empty(), "Emptying the overview cache")
        job.ended.connect(self._emptied)
        self._session.run_io(job)

    def _emptied(self) -> None:
        self.empty.setEnabled(True)
        self._measure()


_SETTINGS = {
    "memory_for_images": "memory_budget_mb",
    "disk_for_overviews": "overview_cache_gb",
    "tell_when_scans_are_over": "tell_when_scanned",
    "your_name": "person",
}  # by field


def _parameters() -> tuple[Parameter, ...]:
    return (
        Parameter("your_name", str, "", "Stands with what you decide and draw. Empty: the name of the login."),
        Parameter(
            "memory_for_images",
            int,
            0,
            "Memory for images kept ready, from the next start on. 0: a quarter of this computer's memory, at most"
            f" 4 GB (here {default_budget() // _MB:,} MB). Not less than {LEAST // _MB} MB.",
            minimum=0,
            maximum=1_000_000,
            unit="MB",
        ),
        Parameter(
            "disk_for_overviews",
            int,
            20,
            "Disk for overviews that files lack; those not used for longest go first.",
            minimum=1,
            maximum=100_000,
            unit="GB",
        ),
        Parameter(
            "tell_when_scans_are_over",
            bool,
            True,
            "A notification of the desktop when scans are over while another window is in front.",
        ),
    )
