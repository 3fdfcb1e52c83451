"""The order of the layers and what is chosen for each, as the project keeps it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from app.layer_styles import PICTURE_OPACITY, STANDARD_LAYERS, GridStyle, LayerStyles
from app.session_state import SavedView

IDS = [layer.id for layer in STANDARD_LAYERS]


def ids(layers):
    return [layer.id for layer in layers.stack]


def test_layers_move_and_stop_at_the_ends():
    layers = LayerStyles()
    assert ids(layers) == IDS
    up = layers.moved("heat", layers.place_of("heat") + 1)
    assert up.place_of("heat") == layers.place_of("heat") + 1
    assert ids(layers.moved("section", -5)) == IDS
    assert ids(layers.moved("section", 99))[-1] == "section"


def test_another_layer_joins_once_on_top():
    layers = LayerStyles().with_layer("fiducials", "Fiducials").with_layer("fiducials", "Again")
    assert ids(layers) == [*IDS, "fiducials"]
    assert layers.layer("fiducials").name == "Fiducials"
    with pytest.raises(KeyError):
        layers.styled("no such layer", visible=False)


def test_everything_comes_back_from_json():
    layers = LayerStyles().styled("grid", visible=True, opacity=0.3).moved("heat", 5).with_layer("x", "X")
    layers = layers.with_heat(label_index=2, range_mode="fixed", low=0.2, high=0.7, floor=0.4)
    layers = replace(layers, grid=GridStyle(50.0, "px"), on_minimap=False)
    assert LayerStyles.from_json(json.loads(json.dumps(layers.to_json()))) == layers


def test_a_picture_joins_right_over_the_section_and_leaves():
    layers = LayerStyles().with_picture("picture 1", "sem.tif")
    assert ids(layers)[:2] == ["section", "picture 1"]
    assert layers.layer("picture 1").opacity == PICTURE_OPACITY
    faded = layers.styled("picture 1", opacity=0.2)
    assert faded.with_picture("picture 1", "sem.tif") == faded
    assert layers.without(["picture 1"]) == LayerStyles()


def test_a_layer_that_older_versions_had_is_forgotten():
    state = LayerStyles().to_json()
    former = {"id": "reference", "name": "Reference image", "visible": True, "opacity": 0.6}
    state["stack"] = [former, *state["stack"]]
    assert LayerStyles.from_json(state | {"reference": None}) == LayerStyles()


def test_a_layer_that_is_new_to_the_program_is_put_where_it_usually_is():
    state = LayerStyles().styled("heat", visible=False).to_json()
    state["stack"] = [layer for layer in state["stack"] if layer["id"] != "grid"]
    restored = LayerStyles.from_json(state)
    assert ids(restored) == IDS
    assert not restored.layer("heat").visible


@pytest.mark.parametrize(
    "broken",
    [
        {"stack": [{"id": "heat"}]},
        {"heat": {}},
        {"grid": {"spacing": -1, "unit": "um"}},
    ],
)
def test_what_makes_no_sense_leaves_the_usual_layers(broken):
    saved = SavedView().to_json()
    saved["layers"] = json.loads(json.dumps(saved["layers"])) | broken
    assert SavedView.from_json(saved).layers == LayerStyles()
