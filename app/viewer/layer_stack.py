"""Decides which item lies over which: the one place that sets z-values, visibility and opacity of layers.

A layer joins with `stack.add("drawings", "Drawings", item)`; its order, visibility and opacity are the session's
(`app.layer_styles`), where the user's hand changes them. Each viewer has a stack of its own.
"""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QGraphicsItem, QGraphicsScene

from app.session import Session

Z_STEP = 10.0  # between layers; an item may use the room for its own helpers


class LayerStack(QObject):
    """The layers of one scene."""

    def __init__(self, session: Session, scene: QGraphicsScene) -> None:
        super().__init__(scene)
        self._session, self._scene = session, scene
        self._items: dict[str, QGraphicsItem] = {}
        self._names: dict[str, str] = {}
        self._for_now: set[str] = set()
        session.layers_changed.connect(self._follow)

    def add(self, layer_id: str, name: str, item: QGraphicsItem) -> None:
        """Takes an item into the scene as a layer. One that the session doesn't know yet begins on top, visible.

        Don't set the item's z-value, visibility or opacity from elsewhere; children of the item are its own affair.
        """
        self._items[layer_id], self._names[layer_id] = item, name
        if item.scene() is not self._scene:
            self._scene.addItem(item)
        self._follow()

    def remove(self, layer_id: str) -> None:
        """Takes the item out of the scene; what was chosen for its layer is kept."""
        self._names.pop(layer_id)
        self._scene.removeItem(self._items.pop(layer_id))

    def show_for_now(self, layer_id: str, shown: bool) -> None:
        """Shows a layer while somebody works with it, whatever is chosen for it."""
        (self._for_now.add if shown else self._for_now.discard)(layer_id)
        self._follow()

    def item(self, layer_id: str) -> QGraphicsItem | None:
        return self._items.get(layer_id)

    def _follow(self) -> None:
        layers = self._session.layers
        for layer_id, name in self._names.items():
            layers = layers.with_layer(layer_id, name)
        if layers != self._session.layers:
            self._session.set_layers(layers)  # comes back here
            return
        for place, layer in enumerate(layers.stack):
            item = self._items.get(layer.id)
            if item is not None:
                item.setZValue(Z_STEP * place)
                item.setVisible(layer.visible or layer.id in self._for_now)
                item.setOpacity(layer.opacity)
