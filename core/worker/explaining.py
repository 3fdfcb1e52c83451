"""Decides how an explanation is computed in another process than this one, so that this one never loads torch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from core.explain import Explanation
from core.explain_request import ExplainRequest
from core.jobs import CancelToken, Progress, no_progress
from core.worker.messages import explanation_from_json, step_from_json
from core.worker.supervisor import Worker

IDLE_S = 300.0


class ExplainingWorker:
    """A process for explanations alone: the one that scans is busy for an hour. It starts with the first question."""

    def __init__(self, idle_s: float = IDLE_S) -> None:
        self.worker = Worker("the explanation's", idle_s, "Select the detection again.")

    def explain(
        self, request: ExplainRequest, progress: Progress = no_progress, cancel: CancelToken | None = None
    ) -> Explanation:
        """As `core.explain_request.explain_request`. Raises ResourceError when the process dies."""

        def heard(kind: str, value: Any) -> None:
            if kind == "step":
                progress(step_from_json(value))

        request.spec()  # what is not here any more need not start a process
        project = request.project.absolute() if request.project else None
        here = replace(request, section=request.section.absolute(), project=project)
        return explanation_from_json(self.worker.do("explain", here.to_json(), heard, cancel or CancelToken()))

    def close(self) -> None:
        """Ends the process at once; whoever waits for an answer is cancelled."""
        self.worker.close()
