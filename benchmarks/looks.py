"""How long drawing one tile of 512 px takes for the eye, by what its look does, beside the plain tile.

Measured is all from stored pixels in memory to an image that need only be shown (RGB32), as a reading thread does it:
without reading; what enhancements must know of the section is known before (how long that takes is printed too). Then
a whole view is made anew for each step of a handle that is dragged.

`QT_QPA_PLATFORM=offscreen OMP_NUM_THREADS=1 python -m benchmarks.looks`
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PySide6.QtWidgets import QApplication

from app.session import Session
from app.session_opening import Opened
from app.viewer.look_badge import enhancements
from app.viewer.picture import region_image
from app.viewer.viewer import Viewer
from core.geometry import Box
from core.look import Look
from core.looks.aids import aids_of
from core.section import Array, Plane, PyramidLevel, RegionRequest, Section, SectionInfo

SIDE = 8192
CAMERA = 2048
TILE = RegionRequest(3 * 512, 5 * 512, 512, 512)
TIMES = 41
VIEW = 1600, 1000
DRAGS = 15

LOOKS: dict[str, Look] = {
    "plain": Look(),
    "black, white, gamma": Look().with_curve(20, 230, 0.8),
    "inverted": Look(inverted=True),
    "red, green, blue apart": Look().with_channel(
        0, curves=tuple(Look().with_curve(9, 200 + i).curve(0, None, 255) for i in range(3))
    ),
    "blended, 3 channels": Look(blended=True),
    "sharpened": Look(sharpening=0.5),
    "local contrast": Look(local_contrast=0.5),
    "flat field": Look(flat_field=True),
    "all three": Look(sharpening=0.5, local_contrast=0.5, flat_field=True),
}


class Texture(Section):
    """Noise in memory, in camera tiles with an overlap."""

    def __init__(self, samples: int, dtype: type, channels: int) -> None:
        rng = np.random.default_rng(0)
        coarse = rng.integers(60, 200, (SIDE // 8, SIDE // 8, samples)).astype(np.uint8)
        pixels = cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC).reshape(SIDE, SIDE, samples)
        self.pixels: Array = pixels.astype(dtype) * (1 if dtype is np.uint8 else 200)
        level = PyramidLevel(SIDE, SIDE, 1.0)
        names = tuple(str(c) for c in range(channels))
        self.info = SectionInfo(Path("texture"), "", SIDE, SIDE, samples, np.dtype(dtype), (level,), names)

    def read_level(self, level: int, x: int, y: int, width: int, height: int, plane: Plane) -> Array:
        return self.pixels[y : y + height, x : x + width]

    def camera_tiles(self) -> tuple[Box, ...]:
        step = CAMERA - 128
        starts = range(0, SIDE - CAMERA + 1, step)
        return tuple(Box(x, y, CAMERA, CAMERA) for y in starts for x in starts)


def main() -> None:
    cv2.setNumThreads(1)
    print("ms per tile of 512 px (× the plain tile), median of", TIMES)
    for samples, dtype, channels in ((1, np.uint8, 1), (3, np.uint8, 1), (1, np.uint16, 3), (3, np.uint16, 1)):
        measure(Texture(samples, dtype, channels), f"{samples} × {np.dtype(dtype).name}")
    print(
        f"\nA view of {VIEW[0]} × {VIEW[1]} px made anew while a handle is dragged, ms from the change to all tiles drawn"
    )
    app = QApplication([])
    for samples, dtype in ((1, np.uint8), (3, np.uint8), (3, np.uint16)):
        drag(app, Texture(samples, dtype, 1), f"{samples} × {np.dtype(dtype).name}")


def drag(app: QApplication, section: Texture, name: str) -> None:
    """Another curve each time; tiles as read stay in memory."""
    session = Session()
    viewer = Viewer(session)
    viewer.resize(*VIEW)
    viewer.show()
    session.adopt(Opened(section))
    viewer.canvas.one_to_one()
    wait_sharp(app, viewer)
    for look in (Look(), Look(sharpening=0.5), LOOKS["all three"]):
        spent = []
        for step in range(DRAGS + 1):
            session.set_look(look.with_curve(10 + step, 240 * 255 if section.info.dtype != np.uint8 else 240))
            begin = time.perf_counter()
            wait_sharp(app, viewer)
            spent.append(time.perf_counter() - begin)
        doing = " and ".join(enhancements(look)) or "black and white only"
        print(f"  {name:<12}{doing:<56}{statistics.median(spent[1:]) * 1e3:6.0f}")
    session.close()
    viewer.close_tiles()
    viewer.close()


def wait_sharp(app: QApplication, viewer: Viewer) -> None:
    while viewer.provider.preparing or not viewer.is_sharp:
        app.processEvents()
        time.sleep(0.001)  # as a window that waits for events leaves the processor to the reading threads


def measure(section: Texture, name: str) -> None:
    tiles = {look: tile_maker(section, look) for look in LOOKS if is_meant_for(LOOKS[look], section.info)}
    spent: dict[str, list[float]] = {look: [] for look in tiles}
    for _ in range(TIMES):  # in turns, so that a busy moment of the machine is nobody's alone
        for look, make in tiles.items():
            begin = time.perf_counter()
            make()
            spent[look].append(time.perf_counter() - begin)
    plain = statistics.median(spent["plain"])
    print(f"\n{name}")
    for look, times in spent.items():
        middle = statistics.median(times)
        print(f"  {look:<24}{middle * 1e3:7.2f}  ({middle / plain:4.1f} ×)")


def is_meant_for(look: Look, info: SectionInfo) -> bool:
    if look.blended:
        return len(info.channel_names) > 1
    return len(look.channel(0).curves) < 3 or info.samples == 3


def tile_maker(section: Texture, name: str) -> Callable[[], object]:
    """Draws the tile from pixels that are known, once what the look needs has been found out."""
    look, begin = LOOKS[name], time.perf_counter()
    aids = aids_of(section)
    if aids.lacks(look, TILE.plane):
        aids.find(section, look, TILE.plane)
        print(f"  (found out once for {name}: {time.perf_counter() - begin:.2f} s)")
    read: dict[RegionRequest, Array] = {}

    def known(request: RegionRequest) -> Array:
        if request not in read:
            read[request] = np.ascontiguousarray(section.read(request))
        return read[request]

    region_image(section, TILE, look, known)
    return lambda: region_image(section, TILE, look, known)


if __name__ == "__main__":
    main()
