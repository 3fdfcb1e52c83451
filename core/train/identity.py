"""Decides how a trained model is called, and what every model card begins with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.models.card import CARD_FORMAT


@dataclass(frozen=True)
class Identity:
    """How a model is called and what it may be used for."""

    id: str
    name: str
    description: str = ""
    licence: str = ""

    @classmethod
    def of(cls, folder: Path, values: Mapping[str, Any]) -> Identity:
        """What was chosen (`core.train.base.IDENTITY`); a model without an id is called like its folder."""
        chosen = values["id"] or folder.resolve().name
        return cls(chosen, values["name"] or chosen, values["description"], values["licence"])

    def card_head(
        self, kind: str, family: str, labels: Sequence[str], artefact_labels: Sequence[str] = ()
    ) -> dict[str, Any]:
        """The fields that say what a model is, and what it finds."""
        return {
            "format": CARD_FORMAT,
            "id": self.id,
            "name": self.name,
            "kind": kind,
            "family": family,
            "description": self.description,
            "licence": self.licence or "not stated",
            "labels": list(labels),
            "artefact_labels": list(artefact_labels),
        }
