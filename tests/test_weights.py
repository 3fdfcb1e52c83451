"""What a model folder may hold, and what is refused: each refusal on a file that was really made hostile or broken."""

from __future__ import annotations

import json
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save as dump_tensors

from core.errors import InputError
from core.models.card import CARD_NAME, WEIGHTS_NAME, read_card, spec_from_card, version_of
from core.models.weights import load_weights, save_model

CARD = {
    "format": 1,
    "id": "small",
    "name": "Small",
    "kind": "classifier",
    "family": "classifier",
    "labels": ["pore"],
    "artefact_labels": [],
    "input": {"um_per_px": 1.0, "mean": 0.5, "deviation": 0.25},
    "network": {"backbone": "resnet_cells", "width": 4, "blocks": 1},
    "scan": {
        "tile_px": 64, "halo_px": 48, "window_px": 24, "stride_px": 8, "map_channels": 2, "context_cells": 1,
        "score_unit": "probability", "score_floor": 0.2, "threshold": 0.5,
    },
}  # fmt: skip
SHAPES = {"a.weight": (2, 3), "b": (4,)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "model"
    save_model(place, CARD, {name: np.full(shape, 0.5, np.float32) for name, shape in SHAPES.items()})
    return place


def _load(folder: Path) -> dict[str, np.ndarray]:
    return load_weights(folder, read_card(folder), SHAPES)


def _rewrite(folder: Path, content: bytes) -> None:
    """Other weights under a card that vouches for them: what remains is what the file itself gives away."""
    import hashlib

    (folder / WEIGHTS_NAME).write_bytes(content)
    card = json.loads((folder / CARD_NAME).read_text())
    card["weights"]["blake2b"] = hashlib.blake2b(content, digest_size=16).hexdigest()
    (folder / CARD_NAME).write_text(json.dumps(card))


def test_what_was_saved_comes_back(folder: Path) -> None:
    tensors = _load(folder)
    assert {name: values.shape for name, values in tensors.items()} == SHAPES
    assert all(values.dtype == np.float32 and (values == 0.5).all() for values in tensors.values())
    assert sorted(p.name for p in folder.iterdir()) == [CARD_NAME, WEIGHTS_NAME]


class _Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was executed",))


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_is_refused_and_not_run(folder: Path, protocol: int) -> None:
    _rewrite(folder, pickle.dumps(_Bomb(), protocol))
    with pytest.raises(InputError) as caught:
        _load(folder)
    assert caught.value.path == folder / WEIGHTS_NAME
    assert caught.value.remedy


def test_a_torch_file_is_refused(folder: Path) -> None:
    import torch

    torch.save({"a.weight": torch.zeros(2, 3)}, folder / WEIGHTS_NAME)
    with pytest.raises(InputError, match="pickle"):
        _load(folder)


def test_swapped_weights_are_noticed(folder: Path) -> None:
    (folder / WEIGHTS_NAME).write_bytes(
        dump_tensors({name: np.zeros(shape, np.float16) for name, shape in SHAPES.items()})
    )
    with pytest.raises(InputError, match=r"not those that model\.json belongs to"):
        _load(folder)


@pytest.mark.parametrize(
    ("tensors", "problem"),
    [
        ({"a.weight": (3, 2), "b": (4,)}, "not \\(2, 3\\)"),
        ({"a.weight": (2, 3)}, "is missing"),
        ({"a.weight": (2, 3), "b": (4,), "../c": (1,)}, "is not part of"),
    ],
)
def test_other_tensors_than_the_network_needs(folder: Path, tensors: dict, problem: str) -> None:
    _rewrite(folder, dump_tensors({name: np.zeros(shape, np.float16) for name, shape in tensors.items()}))
    with pytest.raises(InputError, match=problem):
        _load(folder)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers(folder: Path, value: float) -> None:
    _rewrite(folder, dump_tensors({name: np.full(shape, value, np.float16) for name, shape in SHAPES.items()}))
    with pytest.raises(InputError, match="not numbers"):
        _load(folder)


def _file(header: object, data: bytes = b"", length: int | None = None) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


ENTRY = {"dtype": "F16", "shape": [2, 3], "data_offsets": [0, 12]}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a model at all",
        _file({}, length=1 << 60),
        _file({}, length=(1 << 20) + 1) + b" " * (1 << 20),
        _file([1, 2]),
        _file({"a.weight": {**ENTRY, "dtype": "I64"}}, b"\0" * 12),
        _file({"a.weight": {**ENTRY, "shape": [1 << 40, 1 << 40]}}, b"\0" * 12),
        _file({"a.weight": {**ENTRY, "shape": [-2, -3]}}, b"\0" * 12),
        _file({"a.weight": {**ENTRY, "data_offsets": [0, 1 << 50]}}, b"\0" * 12),
        _file({"a.weight": ENTRY}, b"\0" * 3),
        struct.pack("<Q", 200_000) + b"[" * 200_000,
    ],
    ids=[
        "empty",
        "text",
        "huge header",
        "long header",
        "list",
        "type",
        "huge",
        "negative",
        "beyond",
        "cut off",
        "deep",
    ],
)
def test_a_header_that_does_not_add_up(folder: Path, content: bytes) -> None:
    _rewrite(folder, content)
    with pytest.raises(InputError, match="not a safetensors file"):
        _load(folder)


def test_overlapping_tensors_are_refused(folder: Path) -> None:
    header = {"a.weight": ENTRY, "b": {"dtype": "F16", "shape": [4], "data_offsets": [4, 12]}}
    _rewrite(folder, _file(header, b"\0" * 12))
    with pytest.raises(InputError, match="not a safetensors file"):
        _load(folder)


def test_a_link_out_of_the_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (folder / WEIGHTS_NAME).rename(elsewhere)
    (folder / WEIGHTS_NAME).symlink_to(elsewhere)
    with pytest.raises(InputError, match="outside the model folder"):
        _load(folder)


def test_missing_weights(folder: Path) -> None:
    (folder / WEIGHTS_NAME).unlink()
    with pytest.raises(InputError, match="missing"):
        _load(folder)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"format": 1, "id": NaN}', "\xff\xfe", "[" * 100_000, "{}" + " " * (1 << 20)],
    ids=["empty", "cut off", "list", "null", "nan", "bytes", "deep", "long"],
)
def test_a_card_that_is_no_card(folder: Path, text: str) -> None:
    (folder / CARD_NAME).write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError) as caught:
        read_card(folder)
    assert caught.value.path == folder / CARD_NAME


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("format",), 2),
        (("id",), "../../etc/passwd"),
        (("id",), "a" * 65),
        (("kind",), "a/b"),
        (("family",), "oracle"),
        (("labels",), []),
        (("labels",), ["pore", "pore"]),
        (("labels",), "pore"),
        (("artefact_labels",), ["scratch"]),
        (("input", "um_per_px"), 0),
        (("input", "um_per_px"), True),
        (("scan", "tile_px"), 1 << 20),
        (("scan", "tile_px"), 60),
        (("scan", "stride_px"), 0),
        (("scan", "halo_px"), 8.5),
        (("scan", "threshold"), "high"),
        (("scan", "threshold"), 10**400),
        (("scan", "threshold"), None),
        (("network",), None),
        (("weights",), {"blake2b": "../x"}),
    ],
)
def test_values_a_card_must_not_have(folder: Path, where: tuple[str, ...], value: object) -> None:
    card = json.loads((folder / CARD_NAME).read_text())
    place = card
    for name in where[:-1]:
        place = place[name]
    place[where[-1]] = value
    (folder / CARD_NAME).write_text(json.dumps(card))
    with pytest.raises(InputError) as caught:
        read_card(folder)
    assert caught.value.path == folder / CARD_NAME


def test_the_version_follows_what_changes_a_scan_and_nothing_else(folder: Path) -> None:
    card = read_card(folder)
    same = {**card, "name": "Another name", "metrics": {"f1": 1}}
    assert version_of(same) == version_of(card)
    assert version_of({**card, "weights": {"blake2b": "0" * 32}}) != version_of(card)
    assert version_of({**card, "input": {**card["input"], "um_per_px": 2.0}}) != version_of(card)
    assert spec_from_card(card, "trained", folder).version == version_of(card)


def test_a_failed_save_leaves_the_old_model_whole(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {p.name: p.read_bytes() for p in folder.iterdir()}

    def full(_: Path, __: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    from core.errors import ResourceError

    with pytest.raises(ResourceError):
        save_model(folder, CARD, {"a.weight": np.ones((2, 3)), "b": np.ones(4)})
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before
