"""Decides what the Train menu offers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.commands.base import ActionSpec, Commands, gap
from core.errors import SchliffError

if TYPE_CHECKING:
    from core.models.base import ModelSpec

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec(
        "train",
        "Train a model…",
        "train",
        ("Ctrl+Alt+T",),
        tip="Learn from this project's decisions, or from other data, what a defect is",
    ),
    ActionSpec(
        "evaluate",
        "Evaluate a model…",
        "evaluate",
        ("Ctrl+Alt+E",),
        tip="How much of what is marked does a model find, and how often is it wrong?",
    ),
    gap(),
    ActionSpec(
        "pause_training",
        "Pause training",
        "pause_training",
        tip="The training stands still until this is taken off",
        needs="training",
        checkable=True,
    ),
    ActionSpec(
        "stop_training",
        "Stop training",
        "stop_training",
        tip="What was learnt is kept; it can be gone on with",
        needs="training",
    ),
)


class TrainCommands(Commands):
    """The handlers of `ACTIONS`."""

    def train(self) -> None:
        self.docks.bring("train")

    def train_further(self, spec: ModelSpec) -> None:
        """Asks for a training that goes on from a model."""
        self.docks.bring("train")
        self.docks.train.further(spec)

    def train_scanned_with(self) -> None:
        """From the model of the scan that is shown."""
        from core.models.catalog import model_of_scan

        scan = self.session.scan
        if scan is not None:
            try:
                self.train_further(model_of_scan(scan.model_id, scan.model_version, scan.model_path))
            except SchliffError as error:
                self.session.report(error)

    def evaluate(self) -> None:
        """Brings up the window that is open already, else a new one."""
        from app.evaluation.window import EvaluationWindow

        window = self.window.findChild(EvaluationWindow)
        if window is None:
            window = EvaluationWindow(self.session, self.window)
            window.data.remember_in(self.settings)
        window.show()
        window.raise_()
        window.activateWindow()

    def pause_training(self, on: bool) -> None:
        self.session.training.pause() if on else self.session.training.go_on()

    def stop_training(self) -> None:
        self.session.training.cancel()
