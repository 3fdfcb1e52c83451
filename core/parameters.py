"""Decides how a setting of a model or a job is declared: as data. Forms, CLI options and provenance come from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import UsageError


@dataclass(frozen=True, slots=True)
class Parameter:
    """One named value. `kind` is int, float, bool or str; `choices` restricts a str.

    `rereads`: it only changes how a model's stored map is read, so that another value needs no new scan.
    `main`: one of the few that everybody should see; the rest may stand behind "More".
    `offers`: (value, what people read) of a str that may be something else, too: a path. `takes_model`: a model folder's.
    """

    name: str
    kind: type
    default: Any
    help: str
    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""
    choices: tuple[str, ...] = ()
    rereads: bool = False
    main: bool = False
    offers: tuple[tuple[str, str], ...] = ()
    takes_model: bool = False

    def parse(self, value: Any) -> Any:
        """`value` (a str from the command line, or already typed) as this parameter's kind. Raises UsageError."""
        try:
            parsed = _as_bool(value) if self.kind is bool else self.kind(value)
        except (TypeError, ValueError):
            raise UsageError(f"{self.name} must be {self.kind.__name__}, not {value!r}", remedy=self.help) from None
        if self.choices and parsed not in self.choices:
            raise UsageError(
                f"{self.name} can't be {parsed!r}", remedy="Choose one of: " + ", ".join(self.choices) + "."
            )
        low, high = self.minimum, self.maximum
        if (low is not None and not parsed >= low) or (high is not None and not parsed <= high):
            raise UsageError(
                f"{self.name} = {parsed} is out of range", remedy=f"Choose {low} to {high} {self.unit}".strip() + "."
            )
        return parsed


def resolve(parameters: Sequence[Parameter], given: Mapping[str, Any]) -> dict[str, Any]:
    """Every declared parameter with its given or default value. Raises UsageError for a name that isn't declared."""
    known = {p.name: p for p in parameters}
    for name in given:
        if name not in known:
            raise UsageError(f"there is no parameter {name!r}", remedy="Known: " + (", ".join(known) or "none") + ".")
    return {name: p.parse(given.get(name, p.default)) for name, p in known.items()}


def _as_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in {"1", "true", "yes", "on"}:
        return True
    if text in {"0", "false", "no", "off"}:
        return False
    raise ValueError(value)
