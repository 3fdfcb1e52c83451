"""How fast the texture scan learns and maps on one core: `python -m benchmarks.texture_speed [--size 4096] [--kind magnet]`."""

from __future__ import annotations

import argparse
import time

import cv2
import numpy as np

from core.models.texture import SPEC_TEXTURE, TextureModel
from core.synthetic.sample import default_defects, make_sample
from core.tiling import TileGrid


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--kind", choices=("battery", "magnet"), default="magnet")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    spec, halo = SPEC_TEXTURE, SPEC_TEXTURE.halo_px
    picture = make_sample(args.kind, args.size, default_defects(args.kind, args.size), 90_500).render(
        0, 0, args.size, args.size
    )
    framed = np.pad(picture, ((halo, halo + spec.tile_px), (halo, halo + spec.tile_px), (0, 0)), mode="symmetric")
    grid = TileGrid(args.size, args.size, 1.0, spec.tile_px, spec.stride_px)
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
    mapped = time.process_time()
    print(f"learn {learned - start:.1f} s, map {(mapped - learned) / (args.size**2 / 1e6):.3f} s/MP (processor time)")


if __name__ == "__main__":
    main()
