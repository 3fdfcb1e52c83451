"""How well parts are outlined on real micrographs: NASA's melt pools, tiles of one strip of an additively made section.

Neighbouring tiles overlap by half, so the strip is cut in two: its last part is judged on, and the tile across the cut is
left out. `--shrink 2` halves the pictures, for processors; without it, full size, for a graphics card:

    python -m benchmarks.instances --shrink 2 --crop 128 --steps 60 --batch 2
    python -m benchmarks.instances --network maskrcnn_resnet50_fpn --weights coco --steps 4000 --batch 8 --crop 512 --device cuda
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2

from core.jobs import Step
from core.train.base import TrainStep
from core.train.instances import train_instances

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
ANNOTATIONS = Path("instance_segmentation/data/annotations/train.json")
_PLACE = re.compile(r"_(\d+)_0_(\d+)_512\.png$")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=SHARED / "nasa_micronet")
    parser.add_argument("--held", type=float, default=0.25, help="share of the strip that is judged on")
    parser.add_argument("--shrink", type=int, default=1)
    parser.add_argument("--network", default="maskrcnn_cells")
    parser.add_argument("--weights", default="")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--crop", type=int, default=320)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    settings = {"network": args.network, "weights": args.weights, "steps": args.steps, "batch": args.batch}
    settings |= {"crop_px": args.crop, "every": max(1, args.steps // 2)}
    with tempfile.TemporaryDirectory(prefix="schliff-") as folder:
        counts = divide(args.data, Path(folder) / "data", args.held, args.shrink)
        started, cpu = time.monotonic(), time.process_time()
        figures = train_instances(
            Path(folder) / "data", Path(folder) / "model", settings, args.seed, args.device, progress=_say
        )
        times = {"seconds": round(time.monotonic() - started), "cpu_seconds": round(time.process_time() - cpu)}
    print(json.dumps({**counts, **times, **{name: figures[name] for name in ("parts", "defects")}}))


def divide(data: Path, folder: Path, held: float, shrink: int) -> dict[str, int]:
    """Writes the strip's tiles as COCO, to learn from and (folder `val`) to judge on."""
    document = json.loads((data / ANNOTATIONS).read_text())
    places = {}
    for one in document["images"]:
        found = _PLACE.search(one["file_name"])
        if found is None:
            raise SystemExit(f"{one['file_name']} says nothing of its place")
        places[one["id"]] = (int(found[1]), int(found[2]))
    cut = sorted(places.values())[round((1 - held) * len(places))][0]
    sides = {
        "train": [i for i, (_, end) in places.items() if end <= cut],
        "val": [i for i, (start, _) in places.items() if start >= cut],
    }
    for name, ids in sides.items():
        _write(document, data / ANNOTATIONS.parents[1], folder / name, set(ids), shrink)
    return {"training_tiles": len(sides["train"]), "validation_tiles": len(sides["val"])}


def _write(document: dict[str, Any], source: Path, folder: Path, ids: set[int], shrink: int) -> None:
    folder.mkdir(parents=True)
    images, annotations = [], []
    for one in (image for image in document["images"] if image["id"] in ids):
        pixels = cv2.imread(str(source.parent / one["file_name"]))
        if pixels is None:
            raise SystemExit(f"{source.parent / one['file_name']} can't be read")
        size = (pixels.shape[1] // shrink, pixels.shape[0] // shrink)
        name = Path(one["file_name"]).name
        cv2.imwrite(str(folder / name), cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))
        images.append({"id": one["id"], "file_name": name, "width": size[0], "height": size[1]})
    for one in (mark for mark in document["annotations"] if mark["image_id"] in ids):
        rings = [[v / shrink for v in ring] for ring in one["segmentation"]]
        annotations.append({**one, "bbox": [v / shrink for v in one["bbox"]], "segmentation": rings})
    written = {"images": images, "annotations": annotations, "categories": document["categories"]}
    (folder / "annotations.json").write_text(json.dumps(written))


def _say(step: Step) -> None:
    if isinstance(step, TrainStep) and step.figures:
        print(f"{step.done}/{step.total} {step.phase} {dict(step.figures)}", flush=True)


if __name__ == "__main__":
    main()
