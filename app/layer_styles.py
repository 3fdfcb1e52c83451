"""Decides which layers lie over each other, and what can be chosen for each: the state, not how it is drawn.

The lowest layer comes first. Layers with ids not known here may join (`with_layer`); they begin on top.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

RangeMode = Literal["scale", "auto", "fixed"]
HeatKind = Literal["scores", "activation"]
GridUnit = Literal["um", "px"]


@dataclass(frozen=True, slots=True)
class LayerStyle:
    """One layer: its id for the program, its name for people; `opacity` 0 to 1."""

    id: str
    name: str
    visible: bool = True
    opacity: float = 1.0


PICTURE_OPACITY = 0.7  # of one just laid over the section
_FORMER = ("reference",)  # layers that older versions had

STANDARD_LAYERS = (
    LayerStyle("section", "Section"),
    LayerStyle("skipped", "Skipped area", visible=False, opacity=0.8),
    LayerStyle("heat", "Heat map", opacity=0.55),
    LayerStyle("grid", "Grid", visible=False, opacity=0.7),
    LayerStyle("detections", "Detections"),
    LayerStyle("drive", "Drive path", visible=False),
    LayerStyle("drawings", "Drawings"),
)


@dataclass(frozen=True, slots=True)
class HeatStyle:
    """How the anomaly map is coloured. `label_index` picks one label's map; None: the highest score of all labels.

    `range_mode`: "scale" from 0 to 1 for probabilities, to 3 for times the limit of what is normal (else to the highest
    scores found), "auto" from the lowest to the highest scores found, "fixed" from `low` to `high`. Below `floor` it is transparent; None: below the threshold.
    `shows`: the "scores" of the windows around each place, or the class "activation" of the place itself, where there is one.
    """

    colour_map: str = "inferno"
    label_index: int | None = None
    range_mode: RangeMode = "scale"
    low: float = 0.0
    high: float = 1.0
    floor: float | None = None
    shows: HeatKind = "scores"


@dataclass(frozen=True, slots=True)
class GridStyle:
    """`spacing` in `unit`; None: a nice one for every zoom."""

    spacing: float | None = None
    unit: GridUnit = "um"


@dataclass(frozen=True, slots=True)
class LayerStyles:
    """All layers, the lowest first, and what belongs to single ones."""

    stack: tuple[LayerStyle, ...] = STANDARD_LAYERS
    heat: HeatStyle = field(default_factory=HeatStyle)
    grid: GridStyle = field(default_factory=GridStyle)
    on_minimap: bool = True  # detections are shown there

    def __contains__(self, layer_id: str) -> bool:
        return any(layer.id == layer_id for layer in self.stack)

    def layer(self, layer_id: str) -> LayerStyle:
        """Raises KeyError for an unknown one."""
        for layer in self.stack:
            if layer.id == layer_id:
                return layer
        raise KeyError(layer_id)

    def styled(self, layer_id: str, **changes: Any) -> LayerStyles:
        """With other values (`visible`, `opacity`) of one layer."""
        self.layer(layer_id)
        return replace(self, stack=tuple(replace(x, **changes) if x.id == layer_id else x for x in self.stack))

    def with_heat(self, **changes: Any) -> LayerStyles:
        return replace(self, heat=replace(self.heat, **changes))

    def with_layer(self, layer_id: str, name: str) -> LayerStyles:
        """With one more on top, unless it is there."""
        return self if layer_id in self else replace(self, stack=(*self.stack, LayerStyle(layer_id, name)))

    def with_picture(self, layer_id: str, name: str) -> LayerStyles:
        """With a picture right over the section, through which that still shows, unless it is there."""
        if layer_id in self:
            return self
        joined = self.with_layer(layer_id, name).styled(layer_id, opacity=PICTURE_OPACITY)
        return joined.moved(layer_id, joined.place_of("section") + 1)

    def without(self, layer_ids: Collection[str]) -> LayerStyles:
        return replace(self, stack=tuple(x for x in self.stack if x.id not in layer_ids))

    def moved(self, layer_id: str, place: int) -> LayerStyles:
        """With one layer at another place, 0 being the lowest; it stops at the ends."""
        layer = self.layer(layer_id)
        others = [x for x in self.stack if x.id != layer_id]
        others.insert(min(max(place, 0), len(others)), layer)
        return replace(self, stack=tuple(others))

    def place_of(self, layer_id: str) -> int:
        return self.stack.index(self.layer(layer_id))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> LayerStyles:
        """What `to_json` wrote. Raises KeyError, TypeError or ValueError where it can't be understood."""
        return cls(_stack(state["stack"]), _heat(state["heat"]), _grid(state["grid"]), bool(state["on_minimap"]))


def _stack(saved: Sequence[Mapping[str, Any]]) -> tuple[LayerStyle, ...]:
    """Layers that came to the program since are put where they usually are."""
    known = {layer.id: layer for layer in STANDARD_LAYERS}
    read = []
    for value in saved:
        layer_id = str(value["id"])
        if layer_id in _FORMER:
            continue
        name = known[layer_id].name if layer_id in known else str(value["name"])
        read.append(LayerStyle(layer_id, name, bool(value["visible"]), min(max(float(value["opacity"]), 0.0), 1.0)))
    for place, layer in enumerate(STANDARD_LAYERS):
        if all(x.id != layer.id for x in read):
            read.insert(place, layer)
    return tuple({layer.id: layer for layer in read}.values())


def _heat(value: Mapping[str, Any]) -> HeatStyle:
    index, floor, mode = value["label_index"], value["floor"], value["range_mode"]
    low, high, shows = float(value["low"]), float(value["high"]), value.get("shows", "scores")
    if mode not in ("scale", "auto", "fixed") or shows not in ("scores", "activation") or not low < high:
        raise ValueError(value)
    return HeatStyle(
        str(value["colour_map"]),
        None if index is None else int(index),
        mode,
        low,
        high,
        None if floor is None else float(floor),
        shows,
    )


def _grid(value: Mapping[str, Any]) -> GridStyle:
    spacing, unit = value["spacing"], value["unit"]
    if unit not in ("um", "px") or (spacing is not None and not 0 < float(spacing) < 1e9):
        raise ValueError(value)
    return GridStyle(None if spacing is None else float(spacing), unit)
