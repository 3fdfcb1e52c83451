"""Scanning with a detector: our engine against SAHI's sliced prediction, same weights, tiles of 1024 px, 128 px overlap.

    python -m benchmarks.detector_scan [--tiles 3] [--rounds 3] [--networks ssd_cells fasterrcnn_mobilenet_v3_fpn] [--model DIR]

SAHI is no dependency; make an environment of its own for it, which sees this one's torch:

    python -m venv sahi-env && sahi-env/bin/pip install --no-deps sahi shapely tqdm fire requests click termcolor
    echo SITE_PACKAGES_WITH_TORCH > sahi-env/lib/python3.11/site-packages/torch.pth
    sahi-env/bin/python -m benchmarks.detector_scan

Weights are random unless a trained model's folder is given; the score floor is then set so that about 40 boxes a tile
remain. Ours reads a TIFF, stores maps and detections in a project and merges across seams; SAHI is given the picture in
memory. Both see the same number of tiles; no tile is resized by either. "Over the model" compares each with its own network
on the same tiles alone: SAHI's as torchvision runs it, ours as the engine does (batch norms folded, channels last). One
thread; times are the processor's, by turns in one process, so that other jobs on the machine don't count; the least of the rounds.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import torch
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from core.errors import UsageError
from core.models.base import ModelSpec
from core.models.catalog import configure, load_model, read_model_folder
from core.models.networks.box_detector import BoxDetector, limits_of
from core.models.networks.detectors import build
from core.models.networks.window_classifier import put_weights, tensors_of
from core.models.weights import save_model
from core.project import Project
from core.readers.base import open_section
from core.scan.options import Foreground, ScanOptions
from core.scan.runner import run_scan
from core.synthetic.sample import make_sample
from core.train.detector_package import DetectorRecipe, make_card, normalisation_of
from core.train.identity import Identity

Array = np.ndarray
TILE_PX, OVERLAP_PX = 1024, 128
LABELS = ("agglomerate", "crack", "foreign_particle", "geometry", "pore", "round_particle")
BOXES_PER_TILE = 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiles", type=int, default=3, help="along each side")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--networks", nargs="*", default=["ssdlite_mobilenet_v3", "fasterrcnn_mobilenet_v3_fpn"])
    parser.add_argument("--model", type=Path, help="the folder of a trained detector, instead of random weights")
    args = parser.parse_args()
    torch.set_num_threads(1)
    side = args.tiles * (TILE_PX - OVERLAP_PX)
    pixels = make_sample("battery", side, 6 * args.tiles**2, 5).render(0, 0, side, side)
    print(f"{side} × {side} px, {args.tiles**2} tiles of {TILE_PX} px; processor seconds per megapixel of the section")
    with tempfile.TemporaryDirectory(prefix="schliff-detectors-") as folder:
        path = Path(folder) / "s.tif"
        tifffile.imwrite(path, pixels, photometric="rgb", tile=(512, 512))
        for spec in (
            [trained(args.model)] if args.model else [untrained(Path(folder), n, pixels) for n in args.networks]
        ):
            compare(spec, path, pixels, args.rounds)


def untrained(folder: Path, name: str, pixels: Array) -> ModelSpec:
    """A model folder with random weights and a floor that a trained network's number of boxes passes."""
    torch.manual_seed(0)
    sizes = {"width": 16} if name == "ssd_cells" else {}
    mean, deviation = normalisation_of(name)
    recipe = DetectorRecipe(LABELS, (), None, {"architecture": name, **sizes}, 0.5, 0.01, mean, deviation)
    network = build(recipe.network, len(LABELS))
    with torch.no_grad():  # untrained, all boxes would score alike
        for layer, weights in network.named_parameters():
            if "cls" in layer and "rpn" not in layer and weights.ndim > 1:
                weights.mul_(30)
    save_model(folder / name, make_card(Identity(name, name), recipe), tensors_of(network))
    spec = configure(read_model_folder(folder / name), {})
    boxes = load_model(spec, "cpu").find_boxes(pixels[:TILE_PX, :TILE_PX])
    return replace(spec, score_floor=0.999 * float(boxes[min(BOXES_PER_TILE, len(boxes)) - 1, 4]))


def trained(folder: Path) -> ModelSpec:
    return replace(configure(read_model_folder(folder), {}), um_per_px=None)


def compare(spec: ModelSpec, path: Path, pixels: Array, rounds: int) -> None:
    network = plain_network(spec)
    ours = load_model(spec, "cpu")
    assert isinstance(ours, BoxDetector)
    megapixels = pixels.shape[0] * pixels.shape[1] / 1e6
    ways: dict[str, Callable[[], int]] = {
        "torchvision alone": lambda: model_alone(network, pixels),
        "SAHI": sahi_way(network, spec, pixels),
        "our network alone": lambda: ours_alone(ours, pixels),
        "our engine": lambda: our_scan(ours, path),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    counts = {}
    for _ in range(rounds):
        for name, way in ways.items():
            started = time.process_time()
            counts[name] = way()
            seconds[name].append(time.process_time() - started)
    best = {name: min(values) for name, values in seconds.items()}
    print(f"\n{spec.id}, floor {spec.score_floor:.3f}\n| | s/MP | over the model | boxes |\n|---|---|---|---|")
    for name, base in (("torchvision alone", None), ("SAHI", "torchvision alone"), ("our network alone", None),
                       ("our engine", "our network alone")):  # fmt: skip
        over = f"{best[name] / best[base] - 1:+.1%}" if base else ""
        print(f"| {name} | {best[name] / megapixels:.3f} | {over} | {counts[name]} |")
    print(f"SAHI ÷ ours: {best['SAHI'] / best['our engine']:.2f}", flush=True)


def plain_network(spec: ModelSpec) -> Any:
    """As a user of torchvision has it, but for the resizing: that is set so that tiles stay as they are."""
    network: Any = build(spec.card["network"], len(spec.labels), limits_of(spec))
    put_weights(network, spec)
    given = spec.card["input"]
    network.transform = GeneralizedRCNNTransform(
        TILE_PX, TILE_PX, given["mean"], given["deviation"], fixed_size=(TILE_PX, TILE_PX)
    )
    return network.eval()


def model_alone(network: Any, pixels: Array) -> int:
    found = 0
    with torch.inference_mode():
        for tile in tiles_of(pixels):
            image = torch.from_numpy(np.ascontiguousarray(tile)).permute(2, 0, 1).contiguous().float() / 255
            found += len(network([image])[0]["boxes"])
    return found


def ours_alone(model: BoxDetector, pixels: Array) -> int:
    return sum(len(model.find_boxes(np.ascontiguousarray(tile))) for tile in tiles_of(pixels))


def tiles_of(pixels: Array) -> list[Array]:
    """As SAHI cuts them: the last ones are moved back into the picture."""
    starts = sorted({min(at, len(pixels) - TILE_PX) for at in range(0, len(pixels), TILE_PX - OVERLAP_PX)})
    return [pixels[y : y + TILE_PX, x : x + TILE_PX] for y in starts for x in starts]


def our_scan(model: BoxDetector, path: Path) -> int:
    """Without looking for the specimen: SAHI has nothing like it."""
    with (
        tempfile.TemporaryDirectory() as folder,
        open_section(path) as section,
        Project.create(Path(folder) / "p") as project,
    ):
        return run_scan(
            project, section, model, ScanOptions(foreground=Foreground(skip=False), threshold=0.0)
        ).detections


def sahi_way(network: Any, spec: ModelSpec, pixels: Array) -> Callable[[], int]:
    try:
        from sahi.models.torchvision import TorchVisionDetectionModel
        from sahi.predict import get_sliced_prediction
    except ImportError as error:
        raise UsageError(
            f"SAHI is not installed ({error})", remedy="See `python -m benchmarks.detector_scan -h`."
        ) from None
    names = {str(number): label for number, label in enumerate(("background", *spec.labels))}
    model = TorchVisionDetectionModel(
        model=network, confidence_threshold=spec.score_floor, category_mapping=names, device="cpu"
    )

    def run() -> int:
        with torch.inference_mode():  # SAHI leaves gradients on, which costs time and memory
            found = get_sliced_prediction(
                pixels, model, slice_height=TILE_PX, slice_width=TILE_PX, perform_standard_pred=False, verbose=0,
                overlap_height_ratio=OVERLAP_PX / TILE_PX, overlap_width_ratio=OVERLAP_PX / TILE_PX,
            )  # fmt: skip
        return len(found.object_prediction_list)

    return run


if __name__ == "__main__":
    try:
        main()
    except UsageError as error:
        sys.exit(f"{error} {error.remedy}")
