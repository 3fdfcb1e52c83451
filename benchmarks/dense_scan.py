"""What scanning whole tiles at once saves over classifying window after window, and what it changes.

`python -m benchmarks.dense_scan [--size 8192] [--windows 0] [--networks resnet18 resnet50] [--threads 1]`

One battery sample section, windows of 256 px every 128 px. In one run, by processor time (the machine may be busy), in
seconds per megapixel: a plain loop with torch one window at a time, the same loop in batches of 16, and ours. The loops
take windows from memory; `--windows N` lets them stop after N (spread evenly) and extrapolates. Then how much the scores
of the same windows differ from ours when they are cut out with 128 px around them, and when they are cut out bare.

Weights are random, so their scores mean nothing by themselves: batch statistics are taken from the section, and the
head is set so that the logit varies by 3 and 5 % of the windows score above one half, as a trained one's would.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch

from core.models.classifier import BACKBONES, CELL_PX, SURROUNDINGS_PX, WINDOW_PX
from core.models.networks import backbones
from core.models.networks.backbones import DenseBackbone
from core.models.networks.computing import DenseComputing, format_for
from core.models.window_scores import window_probabilities
from core.synthetic.sample import default_defects, make_sample
from core.tiling import TileGrid
from tests.dense_support import calibrated

Array = np.ndarray
Corner = tuple[int, int]

STRIDE_PX, BATCH = 128, 16
CPU = torch.device("cpu")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=8192, help="side of the section, a multiple of 128 px")
    parser.add_argument("--windows", type=int, default=0, help="how many windows the loops take; 0: all")
    parser.add_argument("--networks", nargs="+", default=["resnet18", "resnet50"], choices=sorted(BACKBONES))
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    picture = make_sample("battery", args.size, default_defects("battery", args.size), 90_600).render(
        0, 0, args.size, args.size
    )
    print(f"{args.size} px, {args.threads} threads, {args.windows or 'all'} windows in the loops", flush=True)
    for name in args.networks:
        measure(name, picture, args.windows)


def measure(name: str, picture: Array, limit: int) -> None:
    crops = [picture[y : y + 1024, x : x + 1024] for y, x in _some(_corners(picture.shape[0], 1024), 2)]
    network = calibrated(name, crops, share=0.05).to(memory_format=torch.channels_last).eval()
    megapixels = picture.shape[0] * picture.shape[1] / 1e6
    every = _corners(picture.shape[0], WINDOW_PX)
    shown = _some(every, limit or len(every))
    # The windows of a whole section, those at its edge included, over its area.
    windows_per_megapixel = 1e6 / STRIDE_PX**2
    loops = {}
    for label, size in (("one by one", 1), ("batched", BATCH)):
        spent, bare = _timed(partial(_scores, network, name, picture, shown, 0, size))
        loops[label] = spent / len(shown) * windows_per_megapixel
    print(name, *(f"{label} {seconds:.2f} s/MP" for label, seconds in loops.items()), sep="  ", flush=True)
    inner = [c for c in shown if min(c) >= SURROUNDINGS_PX and max(c) + WINDOW_PX + SURROUNDINGS_PX <= len(picture)]
    around = _scores(network, name, picture, inner, SURROUNDINGS_PX, 4)
    for number_format in dict.fromkeys((torch.float32, format_for(network, CPU))):
        computing = DenseComputing(network, CPU, *_normalisation(name), name, number_format)
        spent, scores = _timed(partial(_dense, computing, name, picture))
        seconds = spent / megapixels
        print(
            f"  dense {number_format} {seconds:.2f} s/MP",
            *(f"{s / seconds:.2f} x {n}" for n, s in loops.items()),
            sep="  ",
        )
        for label, corners, others in (("with 128 px around", inner, around), ("bare", shown, bare)):
            ours = np.array([scores[y // CELL_PX + 2, x // CELL_PX + 2] for y, x in corners])
            _compare(label, ours, others)


def _compare(label: str, ours: Array, others: Array) -> None:
    difference = np.abs(ours - others)
    agreement = 100 * np.mean((ours >= 0.5) == (others >= 0.5))
    print(
        f"    against {len(ours)} windows {label}: mean {difference.mean():.1e}, max {difference.max():.1e}, "
        f"same side of one half {agreement:.1f} % ({100 * np.mean(others >= 0.5):.1f} % above)",
        flush=True,
    )


def _scores(
    network: DenseBackbone, name: str, picture: Array, corners: Sequence[Corner], around: int, batch: int
) -> Array:
    """The plain way: cut out, normalise, run the network, softmax."""
    mean, deviation = _normalisation(name)
    inner = slice(around // CELL_PX, (around + WINDOW_PX) // CELL_PX)
    side, found = WINDOW_PX + 2 * around, []
    with torch.inference_mode():
        for start in range(0, len(corners), batch):
            cut = [picture[y - around :, x - around :][:side, :side] for y, x in corners[start : start + batch]]
            pixels = torch.from_numpy(np.stack(cut)).permute(0, 3, 1, 2).float() / 255
            images = ((pixels - mean) / deviation).contiguous(memory_format=torch.channels_last)
            logits = network(images)[:, :, inner, inner].mean((2, 3))
            found.append(torch.softmax(logits, 1)[:, 1].numpy())
    return np.concatenate(found)


def _dense(computing: DenseComputing, name: str, picture: Array) -> Array:
    """The score of each cell's window over the section, tile by tile as a scan does."""
    halo, edge = SURROUNDINGS_PX, SURROUNDINGS_PX // CELL_PX
    framed = np.pad(picture, ((halo, halo), (halo, halo), (0, 0)), mode="symmetric")
    grid = TileGrid(picture.shape[1], picture.shape[0], 1.0, BACKBONES[name], CELL_PX)
    maps = np.empty((2, *grid.cells), np.float16)
    for tile in grid.tiles():
        x, y, width, height = grid.model_box(tile, halo)
        logits = computing.submit(computing.prepare(framed[y + halo :, x + halo :][:height, :width])).wait()[0]
        core = logits[:, edge : edge + tile.h_cells, edge : edge + tile.w_cells]
        maps[:, tile.y_cell : tile.y_cell + tile.h_cells, tile.x_cell : tile.x_cell + tile.w_cells] = core
    return window_probabilities(maps.astype(np.float32), WINDOW_PX // CELL_PX, STRIDE_PX // CELL_PX)[1]


def _normalisation(name: str) -> tuple[torch.Tensor, torch.Tensor]:
    mean, deviation = backbones.BACKBONES[name].normalisation
    return torch.tensor(mean)[:, None, None], torch.tensor(deviation)[:, None, None]


def _corners(size: int, window: int) -> list[Corner]:
    """Where windows begin that lie in the middle of steps of 128 px and within the section."""
    first = range((STRIDE_PX - WINDOW_PX) // 2 % STRIDE_PX, size - window + 1, STRIDE_PX)
    return [(y, x) for y in first for x in first]


def _some(corners: list[Corner], count: int) -> list[Corner]:
    return [corners[i] for i in np.linspace(0, len(corners) - 1, min(count, len(corners))).astype(int)]


def _timed(work: Callable[[], Array]) -> tuple[float, Array]:
    start = time.process_time()
    found = work()
    return time.process_time() - start, found


if __name__ == "__main__":
    main()
