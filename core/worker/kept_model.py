"""Decides how long a worker keeps a loaded model: until another one is wanted. One that learns is loaded anew."""

from __future__ import annotations

import json

from core.models.base import Model, ModelSpec
from core.models.catalog import load_model


class KeptModel:
    """`load` as `core.models.catalog.load_model`, but at once for the model that was loaded last."""

    def __init__(self) -> None:
        self._key = ""
        self._model: Model | None = None

    def load(self, spec: ModelSpec, device: str) -> Model:
        key = json.dumps([spec.id, spec.version, str(spec.path), dict(spec.values), device], sort_keys=True)
        if self._model is not None and key == self._key:
            return self._model
        self._model = None  # its memory may be needed for the next one
        model = load_model(spec, device)
        if not spec.learns:
            self._key, self._model = key, model
        return model
