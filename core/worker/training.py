"""Decides how a training runs in another process than this one: it may last for hours and never stalls a window."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from core.jobs import CancelToken, Progress, no_progress
from core.train.cost import Cost
from core.train.request import TrainRequest
from core.worker.messages import step_from_json
from core.worker.supervisor import Worker

IDLE_S = 30.0


class TrainingWorker:
    """A process for one training after another, beside those that scan and explain."""

    def __init__(self, idle_s: float = IDLE_S) -> None:
        self.worker = Worker("the training's", idle_s, "What was learnt is kept; start it again to go on.")

    def train(
        self, request: TrainRequest, progress: Progress = no_progress, cancel: CancelToken | None = None
    ) -> dict[str, Any]:
        """As `core.train.running.run_training`; `progress` is called in this thread.

        Raises what that raises, and ResourceError when the process dies; it can be gone on with then.
        """
        metrics: dict[str, Any] = self._do("train", request, progress, cancel)
        return metrics

    def cost(self, request: TrainRequest, progress: Progress = no_progress, cancel: CancelToken | None = None) -> Cost:
        """As `core.train.cost.estimate_cost`, where and how it will be trained. Raises as `train`."""
        return Cost(**self._do("training_cost", request, progress, cancel))

    def _do(self, task: str, request: TrainRequest, progress: Progress, cancel: CancelToken | None) -> Any:
        def heard(kind: str, value: Any) -> None:
            if kind == "step":
                progress(step_from_json(value))

        here = replace(request, data=request.data.absolute(), out=request.out.absolute())
        return self.worker.do(task, here.to_json(), heard, cancel or CancelToken())

    def close(self) -> None:
        """Ends the process at once; what was learnt up to the last checkpoint is kept."""
        self.worker.close()
