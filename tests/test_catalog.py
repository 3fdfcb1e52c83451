"""Which models are offered, and that a broken one hides no other."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError, ResourceError, UsageError
from core.models.base import ModelSpec
from core.models.card import CARD_NAME
from core.models.catalog import find_model, list_models, load_model, model_of_scan, model_row, survey_models
from core.models.weights import save_model
from core.userdirs import models_dir
from tests.test_weights import CARD

BUNDLED = "battery-windows"


def _save(folder: Path, **changes: object) -> Path:
    from core.models.networks.resnet_cells import build
    from core.models.networks.window_classifier import tensors_of

    save_model(folder, {**CARD, **changes}, tensors_of(build(CARD["network"], 2)))  # type: ignore[arg-type]
    return folder


def test_models_are_listed_without_torch() -> None:
    code = "import sys; from core.models.catalog import list_models; print(*(m.id for m in list_models()), 'torch' in sys.modules)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert BUNDLED in printed
    assert printed[-1] == "False"


def test_the_bundled_classifier_says_what_it_needs() -> None:
    spec = find_model(BUNDLED)
    assert spec.source == "bundled"
    assert spec.artefact_labels == ("preparation_artefact",)
    assert set(spec.labels) == {
        "foreign_particle", "pore", "crack", "agglomerate", "large_round_particle", "geometry", "preparation_artefact",
    }  # fmt: skip
    assert spec.tile_px % spec.stride_px == spec.halo_px % spec.stride_px == 0
    assert sum(p.stat().st_size for p in spec.path.iterdir()) < 5e6  # type: ignore[union-attr,misc]


def test_a_broken_model_is_told_of_and_hides_no_other(caplog: pytest.LogCaptureFixture) -> None:
    _save(models_dir() / "good", id="good")
    broken = models_dir() / "broken"
    broken.mkdir()
    (broken / CARD_NAME).write_text("{")
    specs, problems = survey_models()
    assert {"good", BUNDLED} <= {spec.id for spec in specs}
    assert [problem.path for problem in problems] == [broken / CARD_NAME]
    with caplog.at_level(logging.WARNING):
        assert {spec.id for spec in list_models()} == {spec.id for spec in specs}
    assert str(broken) in caplog.text


def test_a_users_model_does_not_take_the_place_of_a_bundled_one() -> None:
    _save(models_dir() / "other", id=BUNDLED)
    assert find_model(BUNDLED).source == "bundled"


def test_a_model_is_found_by_its_folder(tmp_path: Path) -> None:
    folder = _save(tmp_path / "mine")
    spec = find_model(folder)
    assert (spec.id, spec.source, spec.path) == ("small", "trained", folder)
    model = load_model(spec, "cpu")
    assert model.map_tile(np.zeros((64, 72, 3), np.uint8)).shape == (2, 8, 9)


def test_an_unknown_model_names_those_there_are() -> None:
    with pytest.raises(UsageError, match=BUNDLED):
        find_model("no-such-model")


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=CARD_NAME):
        find_model(tmp_path)


def test_a_kind_from_the_future_is_refused(tmp_path: Path) -> None:
    folder = _save(tmp_path / "mine", kind="telepathy")
    with pytest.raises(InputError, match="telepathy"):
        find_model(folder)


@pytest.mark.parametrize(
    ("network", "scan"),
    [
        ({"backbone": "resnet_cells", "width": 10**6, "blocks": 2}, {}),
        ({"backbone": "other", "width": 4, "blocks": 1}, {}),
        ({"backbone": "resnet_cells", "width": 4.5, "blocks": 1}, {}),
        ({}, {"map_channels": 3}),
        ({}, {"halo_px": 8}),
        ({}, {"window_px": 40}),
    ],
)
def test_a_card_that_promises_another_network_is_refused(tmp_path: Path, network: dict, scan: dict) -> None:
    changed = {"network": network or CARD["network"], "scan": {**CARD["scan"], **scan}}  # type: ignore[dict-item]
    folder = _save(tmp_path / "mine", **changed)
    with pytest.raises(InputError) as caught:
        load_model(find_model(folder), "cpu")
    assert caught.value.path == folder / CARD_NAME


def test_rows_are_json_and_have_the_contracts_columns() -> None:
    columns = {"id", "family", "name", "labels", "um_per_px", "tile_px", "source", "path"}
    for spec in list_models():
        assert set(json.loads(json.dumps(model_row(spec)))) == columns


def test_devices() -> None:
    from core.devices import choose_device, describe_devices

    assert choose_device("cpu").type == "cpu"
    assert choose_device("auto").type in {one["id"].partition(":")[0] for one in describe_devices()}
    with pytest.raises(UsageError):
        choose_device("abacus")
    with pytest.raises(ResourceError):
        choose_device("cuda:99")


def test_a_spec_without_a_family_cannot_be_loaded() -> None:
    spec = find_model(BUNDLED)
    stranger = ModelSpec(**{**{f: getattr(spec, f) for f in spec.__slots__}, "id": "stranger", "card": {}})
    with pytest.raises(UsageError, match="stranger"):
        load_model(stranger, "cpu")


def test_the_model_of_a_scan_is_the_very_one(tmp_path: Path):
    bundled = find_model("battery-windows")
    assert model_of_scan(bundled.id, bundled.version, None) == bundled
    with pytest.raises(UsageError, match="has changed"):
        model_of_scan(bundled.id, "another version", None)
    with pytest.raises(UsageError, match="not here any more"):
        model_of_scan("somebody-elses", "1", tmp_path / "gone")
    assert bundled.path is not None
    shutil.copytree(bundled.path, tmp_path / "copy")
    assert model_of_scan("somebody-elses", bundled.version, tmp_path / "copy").version == bundled.version


def test_a_card_that_is_no_plain_file_is_refused(tmp_path: Path):
    (tmp_path / "endless").mkdir()
    (tmp_path / "endless" / CARD_NAME).symlink_to("/dev/zero")
    with pytest.raises(InputError, match="not a plain file"):
        find_model(tmp_path / "endless")


def test_a_device_that_isnt_there_is_an_error_for_every_model():
    with pytest.raises((ResourceError, UsageError)):
        load_model(find_model("texture"), "cuda:99")
