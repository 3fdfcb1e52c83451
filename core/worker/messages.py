"""Decides how the values that two processes tell each other are written in JSON, and read back as what they were."""

from __future__ import annotations

import base64
import io
import traceback
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

import core.errors
from core.errors import ResourceError, SchliffError
from core.geometry import Box
from core.jobs import Step
from core.scan.options import ScanStep
from core.train.base import TrainStep

if TYPE_CHECKING:
    from core.explain import Explanation

Array = np.ndarray
Json = Any


_STEPS: Mapping[str, type[Step]] = {kind.__name__: kind for kind in (Step, ScanStep, TrainStep)}


def step_to_json(step: Step) -> Json:
    return {"kind": type(step).__name__, **asdict(step)}


def step_from_json(told: Mapping[str, Any]) -> Step:
    values = dict(told)
    return _STEPS[values.pop("kind")](**values)


def array_to_json(array: Array | None) -> Json:
    """As a base64 text of numpy's own file format."""
    if array is None:
        return None
    file = io.BytesIO()
    np.save(file, np.ascontiguousarray(array), allow_pickle=False)
    return base64.b64encode(file.getbuffer()).decode()


def array_from_json(told: str | None) -> Array | None:
    if told is None:
        return None
    return _array(told)


def explanation_to_json(explanation: Explanation) -> Json:
    """Its pictures as `array_to_json` writes them."""
    return {
        "pixels": array_to_json(explanation.pixels),
        "heat": array_to_json(explanation.heat),
        "box": asdict(explanation.box),
        "evidence": [{"title": one.title, "pixels": array_to_json(one.pixels)} for one in explanation.evidence],
    }


def explanation_from_json(told: Mapping[str, Any]) -> Explanation:
    from core.explain import Explanation
    from core.models.base import Evidence

    evidence = tuple(Evidence(one["title"], _array(one["pixels"])) for one in told["evidence"])
    return Explanation(_array(told["pixels"]), array_from_json(told["heat"]), Box(**told["box"]), evidence)


def error_to_json(error: BaseException) -> Json:
    """`kinds`: the error's class and those above it, nearest first, since the other side may not know a plug-in's own."""
    trace = "".join(traceback.format_exception(error))
    if isinstance(error, MemoryError):
        error = ResourceError("not enough memory", remedy="Close other programs, or scan a smaller region.")
    if not isinstance(error, SchliffError):
        what = " ".join(traceback.format_exception_only(error)[-1].split())
        return {"kinds": [], "what": what, "path": None, "remedy": "", "trace": trace}
    kinds = [kind.__name__ for kind in type(error).__mro__ if issubclass(kind, SchliffError)]
    return {"kinds": kinds, "what": error.what, "path": error.path, "remedy": error.remedy, "trace": trace}


def error_from_json(told: Mapping[str, Any]) -> Exception:
    """The same error of `core.errors`; RuntimeError for what nobody foresaw. Its trace goes along as a note."""
    known = [getattr(core.errors, name) for name in told["kinds"] if hasattr(core.errors, name)]
    if not known:
        error: Exception = RuntimeError(told["what"])
    else:
        error = known[0](told["what"], path=told["path"], remedy=told["remedy"])
    error.add_note(told["trace"])
    return error


def _array(told: str) -> Array:
    array: Array = np.load(io.BytesIO(base64.b64decode(told)), allow_pickle=False)
    return array
