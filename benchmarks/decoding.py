"""What it costs to decode in a helper process what could crash this one: JPEG-XR tiles, here and there, one after the other.

python -m benchmarks.decoding [--side 2048] [--tiles 12]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import cv2
import imagecodecs
import numpy as np

from core.decoding.pool import decode_elsewhere


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=2048)
    parser.add_argument("--tiles", type=int, default=12)
    args = parser.parse_args()
    noise = np.random.default_rng(0).integers(0, 256, (args.side // 8, args.side // 8, 3), np.uint8)
    pixels = cv2.resize(noise, (args.side, args.side), interpolation=cv2.INTER_CUBIC)
    stream = bytes(imagecodecs.jpegxr_encode(pixels, level=0.9))
    asked = {"do": "jpegxr", "shape": pixels.shape, "dtype": "|u1"}
    started = time.perf_counter()
    decode_elsewhere(asked, stream)
    first = time.perf_counter() - started
    ways: dict[str, Callable[[], np.ndarray]] = {
        "here": lambda: imagecodecs.jpegxr_decode(stream, out=np.empty_like(pixels)),
        "in a helper": lambda: decode_elsewhere(asked, stream),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(args.tiles):
        for name, decode in ways.items():
            before = time.perf_counter()
            decode()
            times[name].append(time.perf_counter() - before)
    here, there = (statistics.median(times[name]) for name in ways)
    print(
        f"{args.side} × {args.side} px RGB, {len(stream) / 1e6:.1f} MB: {here * 1e3:.0f} ms here, {there * 1e3:.0f} ms in a "
        f"helper ({there / here:.2f} times); the first one, with the helper's start, {first:.2f} s"
    )


if __name__ == "__main__":
    main()
