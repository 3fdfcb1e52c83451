"""Decides what a worker process can be asked to do."""

from __future__ import annotations

from dataclasses import asdict

from core.compute_process import compute_threads, use_threads
from core.evaluation.judging import evaluate as judge
from core.evaluation.request import EvaluateRequest
from core.evaluation.store import save_evaluation
from core.explain_request import ExplainRequest, explain_request
from core.jobs import CancelToken
from core.priority import lower_this_process
from core.scan.executing import run_request
from core.scan.options import Watchers
from core.scan.request import ScanRequest
from core.train.cost import estimate_cost
from core.train.request import TrainRequest
from core.train.running import run_training
from core.worker.child import Task, Tell
from core.worker.kept_model import KeptModel
from core.worker.messages import Json, explanation_to_json, step_to_json

_model = KeptModel()


def scan(given: Json, tell: Tell, cancel: CancelToken) -> Json:
    """A `ScanRequest`; tells "step", "found" (detections) and "tile" (a box); gives a `ScanSummary`."""
    lower_this_process()
    use_threads(compute_threads(beside_window=True))
    watchers = Watchers(
        on_detections=lambda found: tell("found", [asdict(one) for one in found]),
        on_tile=lambda tile: tell("tile", asdict(tile.box)),
    )
    request = ScanRequest.from_json(given)
    summary = run_request(request, lambda s: tell("step", step_to_json(s)), cancel, watchers, _model.load)
    return asdict(summary)


def explain(given: Json, tell: Tell, cancel: CancelToken) -> Json:
    """An `ExplainRequest`; tells "step"; gives an `Explanation`."""
    request = ExplainRequest.from_json(given)
    return explanation_to_json(explain_request(request, lambda s: tell("step", step_to_json(s)), cancel, _model.load))


def train(given: Json, tell: Tell, cancel: CancelToken) -> Json:
    """A `TrainRequest`; tells "step"; gives the metrics."""
    lower_this_process()
    use_threads(compute_threads(beside_window=True))
    return run_training(TrainRequest.from_json(given), lambda s: tell("step", step_to_json(s)), cancel)


def training_cost(given: Json, tell: Tell, cancel: CancelToken) -> Json:
    """A `TrainRequest`; tells "step"; gives a `Cost`."""
    lower_this_process()
    use_threads(compute_threads(beside_window=True))
    return asdict(estimate_cost(TrainRequest.from_json(given), lambda s: tell("step", step_to_json(s)), cancel))


def evaluate(given: Json, tell: Tell, cancel: CancelToken) -> Json:
    """An `EvaluateRequest`; tells "step"; gives the path of the evaluation that is kept."""
    lower_this_process()
    use_threads(compute_threads(beside_window=True))
    request = EvaluateRequest.from_json(given)
    judged = judge(request, lambda s: tell("step", step_to_json(s)), cancel)
    return str(save_evaluation(judged, request.spec())[1])


TASKS: dict[str, Task] = {
    "scan": scan,
    "explain": explain,
    "train": train,
    "evaluate": evaluate,
    "training_cost": training_cost,
}
