"""How fast the texture scan learns and maps, and how fast it did in an older checkout, in turn.

    python -m benchmarks.texture_speed [--size 4096] [--kind magnet] [--against FOLDER]

Times are of the processor, each the best of `--rounds` in processes that take turns, with one thread and with as many as the libraries
take by themselves (on a busy machine: threads that wait for each other cost processor time, too). Tiles are cut and mirrored as
in a scan; reading is not part of it. `--against`: a folder with another state of this project, as `git worktree add` makes it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

_HERE = Path(__file__).resolve().parent.parent
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_ALONE = dict.fromkeys(_THREADS, "1")


def main() -> None:
    args = _arguments()
    if args.once:
        print(json.dumps(measured(args.kind, args.size, args.one_thread)))
        return
    checkouts = [one for one in (args.against, _HERE) if one is not None]
    print("| threads | checkout | learns, s | maps, s/megapixel |\n|---|---|---|---|")
    for one_thread in (True, False):
        runs = [[_run(one, args, one_thread) for one in checkouts] for _ in range(args.rounds)]
        best = [{name: min(run[at][name] for run in runs) for name in runs[0][at]} for at in range(len(checkouts))]
        for folder, found in zip(checkouts, best, strict=True):
            name = "this one" if folder == _HERE else "the other"
            print(f"| {'one' if one_thread else 'any'} | {name} | {found['learns']:.2f} | {found['maps']:.4f} |")
        if len(best) == 2:
            ratios = [best[0][name] / best[1][name] for name in ("learns", "maps")]
            print(f"| | other / this | {ratios[0]:.2f} | {ratios[1]:.2f} |", flush=True)


def measured(kind: Any, size: int, one_thread: bool) -> dict[str, float]:
    """Of the project that this process imports."""
    import cv2

    from core.models.texture import SPEC_TEXTURE, TextureModel
    from core.synthetic.sample import default_defects, make_sample
    from core.tiling import TileGrid

    if one_thread:
        cv2.setNumThreads(1)
    spec, halo = SPEC_TEXTURE, SPEC_TEXTURE.halo_px
    picture = make_sample(kind, size, default_defects(kind, size), 90_500).render(0, 0, size, size)
    framed = np.pad(picture, ((halo, halo + spec.tile_px), (halo, halo + spec.tile_px), (0, 0)), mode="symmetric")
    grid = TileGrid(size, size, 1.0, spec.tile_px, spec.stride_px)
    tiles = []
    for tile in grid.tiles():
        x, y, width, height = grid.model_box(tile, halo)
        tiles.append(np.ascontiguousarray(framed[y + halo :, x + halo :][:height, :width]))
    model = TextureModel()
    start = time.process_time()
    model.learn(len(tiles), lambda index: tiles[index])
    learned = time.process_time()
    for pixels in tiles:
        model.scores(model.map_tile(pixels))
    return {"learns": learned - start, "maps": (time.process_time() - learned) / (size**2 / 1e6)}


def _run(checkout: Path, args: argparse.Namespace, one_thread: bool) -> dict[str, float]:
    """In a process of its own that finds `core` in a checkout."""
    environment = {name: value for name, value in os.environ.items() if name not in _THREADS}
    environment |= {"PYTHONPATH": str(checkout)} | (_ALONE if one_thread else {})
    command = [sys.executable, __file__, "--once", "--size", str(args.size), "--kind", args.kind]
    command += ["--one-thread"] if one_thread else []
    done = subprocess.run(command, env=environment, cwd=checkout, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--kind", choices=("battery", "magnet"), default="magnet")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--against", type=lambda value: Path(value).resolve())
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--one-thread", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
