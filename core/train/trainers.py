"""Decides which ways to train there are, and which one is meant by a family's name and some data."""

from __future__ import annotations

import core.train.families
from core.data.labelled import DataKind
from core.discovery import find_specs
from core.errors import UsageError
from core.train.base import TrainerSpec


def trainers() -> dict[str, TrainerSpec]:
    """Every way to train, by id."""
    return {spec.id: spec for spec in find_specs(core.train.families, "schliff.trainers")}


def trainers_called(wanted: str) -> list[TrainerSpec]:
    """The trainer with this id, or all of this family. Raises UsageError naming what there is."""
    known = trainers()
    asked = [known[wanted]] if wanted in known else [spec for spec in known.values() if spec.family == wanted]
    if not asked:
        names = sorted({*known, *(spec.family for spec in known.values())})
        raise UsageError(f"there is no way to train {wanted!r}", remedy="Choose one of: " + ", ".join(names) + ".")
    return asked


def learns_normal(wanted: str) -> bool:
    """Whether that is a way to learn what is normal, which needs no marks. Raises UsageError as `trainers_called`."""
    return all(spec.data == ("normal",) for spec in trainers_called(wanted))


def find_trainer(wanted: str, kind: DataKind, settings: frozenset[str] = frozenset()) -> TrainerSpec:
    """Of `trainers_called` the one made for such data; the first one that knows all of `settings` (names) counts.

    Raises UsageError when none learns from it.
    """
    asked = trainers_called(wanted)
    fitting = sorted((spec for spec in asked if kind in spec.data), key=lambda spec: spec.data.index(kind))
    if not fitting:
        wants = " or ".join(sorted({one for spec in asked for one in spec.data}))
        raise UsageError(
            f"{wanted} learns from {wants}, not from {kind}", remedy="Choose other data, or another family."
        )
    return next((s for s in fitting if settings <= {p.name for p in s.parameters}), fitting[0])
