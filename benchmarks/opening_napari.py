"""Opens one section in napari, as kindly as can be, and prints when its pixels were there. See `benchmarks/opening.py`.

Run by an interpreter that has napari, PySide6, tifffile, zarr, pylibCZIrw, dask and psutil; Schliff isn't needed there. TIFF
levels are read lazily through tifffile and zarr; a CZI lazily, tile by tile, through pylibCZIrw with made-up levels, which
is far more than napari's own CZI plug-in does. Arguments and output are those of `opening_window.py`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any


def tiff_levels(path: str) -> list[Any]:
    import tifffile
    import zarr

    series = tifffile.TiffFile(path).series[0]
    return [zarr.open(series.aszarr(level=index), mode="r") for index in range(len(series.levels))]


def czi_levels(path: str) -> list[Any]:
    import dask.array as da
    import numpy as np
    from pylibCZIrw.czi import CziReader

    reader, side = CziReader(path), 1024
    x0, y0, width, height = reader.total_bounding_rectangle
    levels, scale = [], 1
    while True:
        rows, columns = max(1, height // scale), max(1, width // scale)
        chunks = tuple(tuple(min(side, n - k) for k in range(0, n, side)) for n in (rows, columns))

        def block(block_info: Any = None, scale: int = scale) -> Any:
            (top, bottom), (left, right) = block_info[None]["array-location"][:2]
            roi = (x0 + left * scale, y0 + top * scale, (right - left) * scale, (bottom - top) * scale)
            tile = reader.read(roi=roi, plane={"C": 0}, zoom=1 / scale)[:, :, ::-1]
            out = np.zeros((bottom - top, right - left, 3), np.uint8)
            out[: tile.shape[0], : tile.shape[1]] = tile[: bottom - top, : right - left]
            return out

        levels.append(da.map_blocks(block, chunks=(*chunks, (3,)), dtype=np.uint8, meta=np.empty((0, 0, 0), np.uint8)))
        if max(rows, columns) <= 1024:
            return levels
        scale *= 2


def main() -> None:
    started, path, longest = float(os.environ["SCHLIFF_STARTED"]), sys.argv[1], float(sys.argv[2])
    import napari
    from qtpy.QtWidgets import QApplication

    viewer = napari.Viewer(show=True)
    app = QApplication.instance()
    assert app is not None
    found: dict[str, float] = {"window": time.time() - started}
    levels = czi_levels(path) if path.endswith(".czi") else tiff_levels(path)
    several = len(levels) > 1
    layer = viewer.add_image(levels if several else levels[0], multiscale=several, rgb=True)
    while time.time() - started < longest and "sharp" not in found:
        app.processEvents()
        if layer.loaded:
            viewer.window._qt_viewer.canvas.native.repaint()
            app.processEvents()
            found["first"] = found["sharp"] = time.time() - started
            found["worked"] = time.process_time()
    import psutil

    found["memory"] = psutil.Process().memory_info().rss / 1e6
    print(json.dumps(found), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
