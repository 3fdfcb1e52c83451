"""Decides how an evaluation runs in another process than this one: the model computes, the window goes on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from core.evaluation.request import EvaluateRequest
from core.jobs import CancelToken, Progress, no_progress
from core.worker.messages import step_from_json
from core.worker.supervisor import Worker

IDLE_S = 30.0


class EvaluatingWorker:
    """A process for one evaluation after another, beside those that scan and train."""

    def __init__(self, idle_s: float = IDLE_S) -> None:
        self.worker = Worker("the evaluation's", idle_s, "Evaluate again.")

    def evaluate(
        self, request: EvaluateRequest, progress: Progress = no_progress, cancel: CancelToken | None = None
    ) -> Path:
        """As `core.evaluation.judging.evaluate`; the file it is kept in. `progress` is called in this thread.

        Raises what that raises, and ResourceError when the process dies or the disk refuses.
        """

        def heard(kind: str, value: Any) -> None:
            if kind == "step":
                progress(step_from_json(value))

        path = request.model_path.absolute() if request.model_path else None
        here = replace(request, data=request.data.absolute(), model_path=path)
        return Path(self.worker.do("evaluate", here.to_json(), heard, cancel or CancelToken()))

    def close(self) -> None:
        """Ends the process at once."""
        self.worker.close()
