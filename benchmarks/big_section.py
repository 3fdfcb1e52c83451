"""Writes a CZI of any size within minutes, for the other benchmarks: a mosaic without a pyramid, of real-looking tiles.

    python -m benchmarks.big_section OUT.czi [--size 100000] [--compressed]

A few camera tiles of the battery sample are rendered once and repeated in a fixed random order, because rendering every
pixel of such a section takes most of an hour. Uncompressed, 100,000 px take 30 GB. For smaller sections with known truth
use `schliff sample`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from core.synthetic.sample import make_sample

TILE_PX = 2048
KINDS = 4  # × 4 different tiles


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--compressed", action="store_true")
    args = parser.parse_args()
    from pylibCZIrw import czi

    sample = make_sample("battery", KINDS * TILE_PX, 60, seed=5)
    places = [(x * TILE_PX, y * TILE_PX) for y in range(KINDS) for x in range(KINDS)]
    tiles = [np.ascontiguousarray(sample.render(x, y, TILE_PX, TILE_PX)[..., ::-1]) for x, y in places]
    order = np.random.default_rng(5)
    options = "zstd1:ExplicitLevel=1" if args.compressed else "uncompressed:"
    with czi.create_czi(str(args.out), exist_ok=True, compression_options=options) as file:
        for y in range(0, args.size, TILE_PX):
            for x in range(0, args.size, TILE_PX):
                tile = tiles[order.integers(len(tiles))][: args.size - y, : args.size - x]
                file.write(np.ascontiguousarray(tile), location=(x, y), plane={"C": 0, "Z": 0, "T": 0}, scene=0)
        scale = sample.pixel_size_um * 1e-6
        file.write_metadata("Big section", channel_names={0: "Brightfield"}, scale_x=scale, scale_y=scale)


if __name__ == "__main__":
    main()
