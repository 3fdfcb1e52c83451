"""Decides which small values make up "how the window was left", and how they are written into the project as JSON."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from app.layer_styles import LayerStyles
from core.look import Look
from core.section_info import Plane


@dataclass(frozen=True, slots=True)
class ViewState:
    """What the viewer shows: the level-0 point in its middle and screen px (device independent) per level-0 px."""

    x_px: float
    y_px: float
    zoom: float


@dataclass(frozen=True, slots=True)
class SavedView:
    """Everything of the window's state that belongs to one section of a project."""

    view: ViewState | None = None
    scan_id: str | None = None
    selected_id: int | None = None
    hidden_labels: frozenset[str] = frozenset()
    layers: LayerStyles = field(default_factory=LayerStyles)
    plane: Plane = field(default_factory=Plane)
    look: Look | None = None
    foreground: tuple[bool, float] = (True, 0.5)  # skip empty background, with how much caution

    def to_json(self) -> dict[str, Any]:
        state = asdict(self)
        state["hidden_labels"] = sorted(self.hidden_labels)
        return state

    @classmethod
    def from_json(cls, state: object) -> SavedView:
        """What `to_json` wrote; values that can't be understood are left at their defaults."""
        read: dict[str, Any] = {}
        if isinstance(state, dict) and "look" not in state:
            state = state | {"look": state.get("display_range")}
        for name, understand in _READERS.items():
            try:
                read[name] = understand(state[name])  # type: ignore[index]  # whatever else it is, it is left out
            except (KeyError, TypeError, ValueError):
                continue
        return cls(**read)


def _view(value: Any) -> ViewState | None:
    if value is None:
        return None
    view = ViewState(float(value["x_px"]), float(value["y_px"]), float(value["zoom"]))
    if not (math.isfinite(view.x_px + view.y_px) and 0 < view.zoom < math.inf):
        raise ValueError(value)
    return view


def _look(value: Any) -> Look | None:
    """Before there were looks, there were two numbers: what was shown black and white."""
    if value is None or isinstance(value, dict):
        return None if value is None else Look.from_json(value)
    low, high = map(int, value)
    return Look().with_curve(low, high)


def _foreground(value: Any) -> tuple[bool, float]:
    skip, caution = value
    if not 0 <= float(caution) <= 1:
        raise ValueError(value)
    return bool(skip), float(caution)


_READERS: dict[str, Callable[[Any], Any]] = {
    "view": _view,
    "scan_id": lambda v: None if v is None else str(v),
    "selected_id": lambda v: None if v is None else int(v),
    "hidden_labels": lambda v: frozenset(map(str, v)),
    "layers": LayerStyles.from_json,
    "plane": lambda v: Plane(int(v["c"]), int(v["z"]), int(v["t"])),
    "look": _look,
    "foreground": _foreground,
}
