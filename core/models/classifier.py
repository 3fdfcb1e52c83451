"""Decides what the window classifier offers; the work is in `core.models.networks`, imported when one is loaded."""

from __future__ import annotations

from core.models.base import Model, ModelFamily, ModelSpec


def _load(spec: ModelSpec, device: str) -> Model:
    from core.models.networks.window_classifier import load

    return load(spec, device)


SPEC = ModelFamily(id="classifier", load=_load)
