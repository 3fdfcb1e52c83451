"""What class activation maps cost over a region, and what boxes drawn by them are worth.

`python -m benchmarks.class_activation time [--networks resnet18 …] [--classes 6] [--side 1024] [--repeat 3]`: all classes over one
tile, by the weighted sum of features that a dense pass holds (the network's own pass included), and by Grad-CAM with a
gradient for each window and class, as general packages compute it (Selvaraju et al. 2017, eq. 1 and 2; windows of 256 px, in
one batch). Both in 32-bit floats, by turns in one process. Weights are random: they change neither time nor equality.

`python -m benchmarks.class_activation boxes [--seeds 7 8 9] [--size 4000] [--defects 40] [--window 64]`: intersection over union with the
truth of sample sections, for boxes drawn around windows and around what speaks for the label, from the same maps.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.accuracy import share
from core.check import Found, check, same_place
from core.models.base import Model
from core.models.window_scores import window_probabilities
from core.scan.activation_boxes import tightened
from core.scan.extract import Mark, find_marks
from core.truth import TruthBox

if TYPE_CHECKING:
    import torch

    from core.models.networks.backbones import DenseBackbone

Array = np.ndarray
WINDOW_PX = 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ways = parser.add_subparsers(required=True)
    timing = ways.add_parser("time")
    timing.add_argument("--networks", nargs="+", default=["resnet18", "resnet50", "vgg16", "googlenet"])
    timing.add_argument("--classes", type=int, default=6)
    timing.add_argument("--side", type=int, default=1024, help="of the tile, px; a multiple of 256")
    timing.add_argument("--repeat", type=int, default=3)
    timing.set_defaults(do=lambda args: compare_times(args.networks, args.classes, args.side, args.repeat))
    boxes = ways.add_parser("boxes")
    boxes.add_argument("--seeds", type=int, nargs="+", default=[7, 8, 9])
    boxes.add_argument("--size", type=int, default=4000)
    boxes.add_argument("--defects", type=int, default=40)
    boxes.add_argument("--window", type=int, help="side of a window, px of the model; else its own")
    boxes.set_defaults(do=lambda args: compare_boxes(args.seeds, args.size, args.defects, args.window))
    args = parser.parse_args()
    args.do(args)


# -- time -----------------------------------------------------------------------------------------------------------


def compare_times(names: Iterable[str], classes: int, side: int, repeat: int) -> None:
    """Prints the median seconds of both ways, and how far they are apart where both look at the same px."""
    import torch

    from core.models.card import spec_from_card
    from core.models.networks.backbones import BACKBONES, DenseBackbone, build
    from core.models.networks.computing import DenseComputing
    from core.models.networks.resnet_cells import normalise
    from core.models.networks.window_classifier import WindowClassifier
    from tests.dense_support import card_of, spotted

    pixels = spotted(side, side, 5)
    print(f"{side} px, {classes} classes, {torch.get_num_threads()} threads; seconds")
    print("| network | weighted sum, whole tile | gradients, window by window | ratio | largest difference |")
    print("|---|---|---|---|---|")
    for name in names:
        torch.manual_seed(1)
        network = build({"backbone": name}, classes + 1).eval()
        assert isinstance(network, DenseBackbone)
        card = {**card_of(name), "labels": [f"class {i}" for i in range(classes)], "weights": {"blake2b": "0" * 32}}
        card["scan"] = {**card["scan"], "map_channels": classes + 1}
        model = WindowClassifier(spec_from_card(card, "trained", None), network, torch.device("cpu"))
        mean, deviation = (torch.tensor(v)[:, None, None] for v in BACKBONES[name].normalisation)
        images = normalise(torch.from_numpy(pixels[None]), mean, deviation)
        computing = DenseComputing(network, model.device, mean, deviation, name, torch.float32)

        def dense(model: WindowClassifier = model, computing: DenseComputing = computing) -> Array:
            return model.activations(computing.submit(computing.prepare(pixels)).wait()[0])

        def gradients(network: DenseBackbone = network, images: torch.Tensor = images) -> Array:
            return by_gradients(network, images, classes)

        taken: tuple[list[float], list[float]] = [], []
        for _ in range(repeat):
            taken[0].append(timed(dense))
            taken[1].append(timed(gradients))
        fast, slow = (float(np.median(spent)) for spent in taken)
        one = by_gradients(network, images, classes, window=side)
        other = dense()
        apart = max(float(np.abs(scaled(a) - scaled(b)).max()) for a, b in zip(one, other, strict=True))
        print(f"| {name} | {fast:.2f} | {slow:.2f} | {slow / fast:.1f} | {apart:.1e} |", flush=True)


def by_gradients(network: DenseBackbone, images: torch.Tensor, classes: int, window: int = WINDOW_PX) -> Array:
    """Grad-CAM of each class against "no defect" in each window: (classes, rows, columns) float32, windows side by side."""
    import torch

    count = images.shape[-1] // window
    parts = [images[..., r * window :, c * window :][..., :window, :window] for r in range(count) for c in range(count)]
    batch = torch.cat(parts)
    found = []
    for label in range(1, classes + 1):
        kept: list[torch.Tensor] = []
        hook = network.trunk.register_forward_hook(lambda module, given, features, kept=kept: kept.append(features))
        logits = network(batch).mean((2, 3))
        hook.remove()
        (gradient,) = torch.autograd.grad((logits[:, label] - logits[:, 0]).sum(), kept)
        cams = torch.relu((gradient.mean((2, 3), keepdim=True) * kept[0]).sum(1)).detach().numpy()
        rows = [np.concatenate(cams[r * count : (r + 1) * count], axis=1) for r in range(count)]
        found.append(np.concatenate(rows))
    return np.stack(found)


def scaled(heat: Array) -> Array:
    return heat / max(float(heat.max()), 1e-12)


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


# -- boxes ----------------------------------------------------------------------------------------------------------


def compare_boxes(seeds: Iterable[int], size: int, defects: int, window: int | None) -> None:
    """Prints, for each class, what `core.check` says of both kinds of box, over all seeds together."""
    from core.models.catalog import find_model, load_model

    model = load_model(find_model("battery-windows"), "cpu")
    marked: list[TruthBox] = []
    found: dict[str, list[Found]] = {"windows": [], "cam": []}
    for number, seed in enumerate(seeds):
        truth, ways = both_ways(model, size, defects, seed, (window or model.spec.window_px) // model.spec.stride_px)
        apart = 1e6 * number  # sections side by side, so that nothing of one matches what is in another
        marked += [TruthBox(one.label, one.box.moved(apart, 0)) for one in truth]
        for way, marks in ways.items():
            found[way] += [Found(one.label, one.score, one.box.moved(apart, 0)) for one in marks]
    artefacts = frozenset(model.spec.artefact_labels)
    for way, all_found in found.items():
        figures = check(all_found, marked, model.spec.threshold, artefacts)["defects"]
        shown = ", ".join(f"{name} {figures[name]:.3f}" for name in ("recall", "precision", "ap", "mean_iou"))
        print(f"{way}: {shown}")
    print(
        "| class | truth | IoU, windows | IoU, cam | IoU ≥ 0.5, windows | IoU ≥ 0.5, cam |\n|---|---|---|---|---|---|"
    )
    for label in sorted({one.label for one in marked} - artefacts):
        truths = [one for one in marked if one.label == label]
        best = {
            way: [best_iou(one, all_found, model.spec.threshold) for one in truths] for way, all_found in found.items()
        }
        means = [f"{np.mean(ious):.2f}" for ious in best.values()]
        halves = [share(sum(iou >= 0.5 for iou in ious), len(ious)) for ious in best.values()]
        print(f"| {label} | {len(truths)} | {' | '.join(means + halves)} |", flush=True)


def both_ways(
    model: Model, size: int, defects: int, seed: int, window: int
) -> tuple[list[TruthBox], dict[str, list[Found]]]:
    """The truth of a sample section and what is found in it, in level-0 px, from one map. `window`: in cells."""
    import cv2

    from core.synthetic.sample import make_sample
    from core.train.evaluate import map_section

    sample = make_sample("battery", size, defects, seed)
    pixels = cv2.resize(sample.render(0, 0, size, size), (size // 2, size // 2), interpolation=cv2.INTER_AREA)
    maps = map_section(model, pixels)
    activations = model.activations(maps)
    assert activations is not None
    marks = find_marks(window_probabilities(maps, window)[1:], model.spec.score_floor)
    cell = 2.0 * model.spec.stride_px

    def in_px(mark: Mark) -> Found:
        return Found(model.spec.labels[mark.label], mark.score, mark.box.scaled(cell))

    ways = {"windows": [in_px(one) for one in marks], "cam": [in_px(tightened(one, activations)) for one in marks]}
    return [TruthBox(one.label, one.box) for one in sample.truth], ways


def best_iou(truth: TruthBox, found: Iterable[Found], threshold: float) -> float:
    """Of what is found in the truth's place, whatever it is called; 0 where it is missed."""
    near = [one.box.iou(truth.box) for one in found if one.score >= threshold and same_place(one.box, truth.box)]
    return max(near, default=0.0)


if __name__ == "__main__":
    main()
