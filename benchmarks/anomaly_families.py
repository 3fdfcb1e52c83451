"""What the benchmarks of models of normal have in common: how each family is fitted, and what it says of a picture.

Four sizes: "tiny" for a processor that others use, too; "small" for one (a minute or two a family; VAE and cGAN then learn far
less than they should); "medium" for one with five to ten minutes a family; "full" for a graphics card, as the issue's families
are meant.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from core.anomaly.calibration import Calibration
from core.anomaly.matching import MATCHING, NONE
from core.anomaly.thresholds import presets
from core.models.base import Model
from core.models.card import CARD_NAME
from core.models.catalog import configure, load_model, read_model_folder
from core.models.classical import ISOLATION_FOREST, ONE_CLASS_SVM
from core.models.texture import TextureModel
from core.train.evaluate import map_section
from core.train.request import TrainRequest
from core.train.running import run_training

Array = np.ndarray

TEXTURE = "texture"
CLASSICAL = (ONE_CLASS_SVM, ISOLATION_FOREST)
RECONSTRUCTIONS = ("vae", "cgan")
TRAINED = ("memory", *RECONSTRUCTIONS)
FAMILIES = (TEXTURE, *CLASSICAL, *TRAINED)
SIZES: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "small": {
        "memory": {"most": 150, "steps": 150, "members": 1000},
        "vae": {"width": 8, "steps": 300, "batch": 8, "learning_rate": 1e-3, "every": 150, "window_px": 128,
                "input_px": 128, "most": 400},
        "cgan": {"width": 8, "steps": 300, "batch": 8, "learning_rate": 2e-4, "every": 150, "window_px": 128,
                 "input_px": 128, "most": 400},
        "one_class": {"window_px": 48, "stride_px": 16, "most": 600},
    },
    "tiny": {
        "memory": {"most": 150, "steps": 150, "members": 1000},
        "vae": {"width": 8, "steps": 300, "batch": 16, "learning_rate": 1e-3, "every": 150, "window_px": 128,
                "input_px": 64, "most": 600},
        "cgan": {"width": 8, "steps": 300, "batch": 16, "learning_rate": 5e-4, "every": 150, "window_px": 128,
                 "input_px": 64, "most": 600},
        "one_class": {"window_px": 48, "stride_px": 16, "most": 600},
    },
    "medium": {
        "memory": {"most": 600, "steps": 300, "members": 2000},
        "vae": {"width": 16, "steps": 1500, "batch": 8, "learning_rate": 5e-4, "every": 250, "window_px": 256,
                "input_px": 128, "most": 1500},
        "cgan": {"width": 16, "steps": 1500, "batch": 8, "learning_rate": 5e-4, "every": 250, "window_px": 256,
                 "input_px": 128, "most": 1500},
        "one_class": {"window_px": 48, "stride_px": 16, "most": 3000},
    },
    "full": {
        "memory": {"most": 3000, "steps": 3000, "members": 10_000, "width": 32},
        "vae": {},
        "cgan": {},
        "one_class": {},
    },
}  # fmt: skip
_LEARNT_SIDE = 1024


def fitted(
    family: str, data: Path, out: Path, size: str, device: str, matching: str = NONE, seed: int = 0, **settings: Any
) -> Model:
    """A model of what is normal in some data; `settings` beside those of the size. `matching`: of those that offer it.

    What lies in `out` is used, or gone on with.
    """
    trainer, method = ("one_class", {"method": family}) if family in CLASSICAL else (family, {})
    if not (out / CARD_NAME).is_file():
        run_training(TrainRequest(trainer, data, out, {**SIZES[size][trainer], **method, **settings}, seed, device))
    spec = read_model_folder(out)
    offered = any(one.name == MATCHING.name for one in spec.parameters)
    return load_model(configure(spec, {MATCHING.name: matching} if offered else {}), device)


def textured(pictures: Sequence[Array]) -> Model:
    """The texture model, which learns from what it is to scan: here from pictures said to be normal."""
    model = TextureModel()
    acquaint(model, pictures)
    return model


def acquaint(model: Model, pictures: Sequence[Array]) -> None:
    """Shows a model what it is to scan, as a scan does, where it asks for that."""
    if model.spec.learns:
        tiles = [part for picture in pictures for part in _parts(picture)]
        model.learn(len(tiles), lambda index: tiles[index])


def scores_of(model: Model, picture: Array) -> Array:
    """(rows, columns) float32, how unusual each cell of a whole picture (h, w, 3) uint8 is."""
    return np.nan_to_num(model.scores(map_section(model, picture))[0])


def as_large(cells: Array, model: Model, shape: tuple[int, int], step: int) -> Array:
    """Scores of cells at every `step`-th px of a picture of this shape."""
    cell = model.spec.stride_px
    size = (-(-cells.shape[1] * cell // step), -(-cells.shape[0] * cell // step))
    fine = cv2.resize(cells, size, interpolation=cv2.INTER_LINEAR)
    return fine[: -(-shape[0] // step), : -(-shape[1] // step)]


def thresholds_of(model: Model) -> dict[str, float]:
    """By name what a user is offered; its default where it knows no others."""
    told = model.spec.card.get("calibration")
    if told is None:
        return {"default": model.spec.threshold}
    return {"default": model.spec.threshold} | {one.name: one.threshold for one in presets(Calibration.from_json(told))}


def add_settings(parser: argparse.ArgumentParser) -> None:
    """`--set steps=400 falling=0.5`: of VAE and cGAN, in place of those of the size."""
    parser.add_argument("--set", nargs="+", default=[], type=_setting, metavar="NAME=VALUE", help="of VAE and cGAN")


def chosen_settings(family: str, args: argparse.Namespace) -> dict[str, str]:
    """What `add_settings` took for a family."""
    return dict(args.set) if family in RECONSTRUCTIONS else {}


def over_trainings(values: Sequence[float], digits: int = 3) -> str:
    """The mean of several trainings, and the lowest and the highest of them."""
    mean = f"{np.mean(values):.{digits}f}"
    return mean if len(values) == 1 else f"{mean} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text} is not NAME=VALUE")
    return name, value


def _parts(picture: Array) -> list[Array]:
    height, width = (n // 8 * 8 for n in picture.shape[:2])
    return [
        np.ascontiguousarray(picture[y : min(y + _LEARNT_SIDE, height), x : min(x + _LEARNT_SIDE, width)])
        for y in range(0, height, _LEARNT_SIDE)
        for x in range(0, width, _LEARNT_SIDE)
    ]
