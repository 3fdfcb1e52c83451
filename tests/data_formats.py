"""The same pictures and marks, written in every format of labelled data: what the contract suite reads back.

Each writer takes a folder and the pictures, and returns the path that is given as --data.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from core.data.labelled import Mark
from core.geometry import Box

WIDTH, HEIGHT = 200, 120


@dataclass(frozen=True)
class Told:
    """A picture to write. `outlines`: as corners, where the format says outlines; `aside`: it is for validation."""

    name: str
    marks: tuple[Mark, ...]
    aside: bool = False


def square(label: str, x: float, y: float, w: float, h: float) -> Mark:
    return Mark(label, Box(x, y, w, h), ((x, y), (x + w, y), (x + w, y + h), (x, y + h)))


PICTURES = (
    Told("a_1", (square("pore", 20, 30, 40, 25), square("crack", 100, 5, 60, 8))),
    Told("b_7", ()),
    Told("c_9", (square("pore", 0, 0, 200, 120),)),
    Told("d_12", (square("crack", 150, 100, 50, 20),), aside=True),
)
LABELS = ("crack", "pore")


def write_picture(path: Path, width: int = WIDTH, height: int = HEIGHT) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    seed = sum(path.stem.encode())
    cv2.imwrite(str(path), np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8))


def _side(one: Told) -> str:
    return "val" if one.aside else "train"


def write_coco(folder: Path, pictures: Sequence[Told] = PICTURES, outlines: bool = True) -> Path:
    for side in ("train", "val"):
        of_side = [one for one in pictures if _side(one) == side]
        images: list[dict[str, object]] = []
        annotations: list[dict[str, object]] = []
        for number, one in enumerate(of_side):
            write_picture(folder / side / f"{one.name}.png")
            images.append({"id": number, "file_name": f"{one.name}.png", "width": WIDTH, "height": HEIGHT})
            for mark in one.marks:
                corners = [[v for point in mark.outline for v in point]]
                annotations.append(
                    {
                        "id": len(annotations), "image_id": number, "category_id": LABELS.index(mark.label) + 5,
                        "bbox": [mark.box.x, mark.box.y, mark.box.w, mark.box.h], "iscrowd": 0,
                        "segmentation": corners if outlines else [],
                    }
                )  # fmt: skip
        categories = [{"id": number + 5, "name": name} for number, name in enumerate(LABELS)]
        text = json.dumps({"images": images, "annotations": annotations, "categories": categories}, indent=1)
        (folder / "annotations").mkdir(exist_ok=True)
        (folder / "annotations" / f"instances_{side}.json").write_text(text)
    return folder


def write_voc(folder: Path, pictures: Sequence[Told] = PICTURES, labelimg: bool = False) -> Path:
    for one in pictures:
        images, notes = ("Val_Images", "Val_Annotations") if one.aside else ("JPEGImages", "Annotations")
        write_picture(folder / images / f"{one.name}.png")
        objects = "".join(_voc_object(mark, labelimg) for mark in one.marks)
        path = f"<path>/home/somebody/{one.name}.png</path>" if labelimg else ""
        text = f"<annotation>\n<filename>{one.name}.png</filename>{path}\n{objects}</annotation>\n"
        (folder / notes).mkdir(exist_ok=True)
        (folder / notes / f"{one.name}.xml").write_text(text)
    return folder


def _voc_object(mark: Mark, labelimg: bool) -> str:
    first = [max(1, int(v)) if labelimg else int(v) + 1 for v in (mark.box.x, mark.box.y)]
    box = (
        f"<xmin>{first[0]}</xmin><ymin>{first[1]}</ymin><xmax>{int(mark.box.x1)}</xmax><ymax>{int(mark.box.y1)}</ymax>"
    )
    return f"<object><name>{mark.label}</name><bndbox>{box}</bndbox></object>\n"


def write_labelimg(folder: Path, pictures: Sequence[Told] = PICTURES) -> Path:
    return write_voc(folder, pictures, labelimg=True)


def write_yolo(folder: Path, pictures: Sequence[Told] = PICTURES, outlines: bool = False) -> Path:
    for one in pictures:
        write_picture(folder / "images" / _side(one) / f"{one.name}.png")
        lines = [_yolo_line(mark, outlines) for mark in one.marks]
        labels = folder / "labels" / _side(one)
        labels.mkdir(parents=True, exist_ok=True)
        if lines:
            (labels / f"{one.name}.txt").write_text("\n".join(lines) + "\n")
    (folder / "data.yaml").write_text(
        "train: images/train\nval: images/val\nnc: 2\nnames:\n  0: crack # long\n  1: 'pore'\n"
    )
    return folder


def _yolo_line(mark: Mark, outlines: bool) -> str:
    (x, y), box = mark.box.center, mark.box
    shares = [x / WIDTH, y / HEIGHT, box.w / WIDTH, box.h / HEIGHT]
    if outlines:
        shares = [value for x, y in mark.outline for value in (x / WIDTH, y / HEIGHT)]
    return " ".join([str(LABELS.index(mark.label)), *(f"{value:.12f}" for value in shares)])


def write_yolo_outlines(folder: Path, pictures: Sequence[Told] = PICTURES) -> Path:
    return write_yolo(folder, pictures, outlines=True)


def write_boxes(folder: Path, pictures: Sequence[Told] = PICTURES, mark: str = ",", edges: bool = False) -> Path:
    rows = [["file", "class", "x0", "y0", "x1", "y1"] if edges else ["file", "class", "x_px", "y_px", "w_px", "h_px"]]
    for one in pictures:
        name = f"{_side(one)}/{one.name}.png"
        write_picture(folder / name)
        for m in one.marks:
            end = (m.box.x1, m.box.y1) if edges else (m.box.w, m.box.h)
            rows.append([name, m.label, *(f"{v:.3f}" for v in (m.box.x, m.box.y, *end))])
        rows += [] if one.marks else [[name, "", "", "", "", ""]]
    comma = "," if mark != "," else "."
    table = folder / "boxes.csv"
    lines = [
        mark.join(cell.replace(".", comma) if place > 1 else cell for place, cell in enumerate(row)) for row in rows
    ]
    table.write_text("\n".join(lines) + "\n")
    return table


def write_boxes_german(folder: Path, pictures: Sequence[Told] = PICTURES) -> Path:
    write_boxes(folder, pictures, mark=";", edges=True)
    return folder


def write_boxes_tabbed(folder: Path, pictures: Sequence[Told] = PICTURES) -> Path:
    return write_boxes(folder, pictures, mark="\t")


def write_masks(folder: Path, pictures: Sequence[Told] = PICTURES) -> Path:
    for one in pictures:
        write_picture(folder / _side(one) / "images" / f"{one.name}.png")
        mask = np.zeros((HEIGHT, WIDTH), np.uint8)
        for mark in one.marks:
            x, y, w, h = mark.box.outer_pixels()
            mask[y : y + h, x : x + w] = LABELS.index(mark.label) + 1
        path = folder / _side(one) / "masks" / f"{one.name}_mask.png"
        path.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(path), mask)
    (folder / "classes.txt").write_text("1 crack\n2 pore\n")
    return folder


def write_sections(folder: Path, pictures: Sequence[Told] = PICTURES) -> Path:
    for one in pictures:
        place = folder / "validation" if one.aside else folder
        write_picture(place / f"{one.name}.png")
        rows = [f"{m.label},{m.box.x},{m.box.y},{m.box.w},{m.box.h}" for m in one.marks]
        (place / f"{one.name}.truth.csv").write_text("\n".join(["class,x_px,y_px,w_px,h_px", *rows]) + "\n")
    return folder


def write_schliff(folder: Path, pictures: Sequence[Told] = PICTURES) -> Path:
    rows = []
    for one in pictures:
        file = f"{_side(one)}/{one.name}.png"
        write_picture(folder / file)
        marks = [
            {"class": m.label, "box": [m.box.x, m.box.y, m.box.w, m.box.h], "outline": m.outline} for m in one.marks
        ]
        rows.append({"file": file, "group": one.name, "marks": marks, "known": None, "empty": []})
    content = {"format": 1, "classes": list(LABELS), "pictures": rows}
    (folder / "schliff-data.json").write_text(json.dumps(content), "utf-8")
    return folder


WRITERS: dict[str, tuple[str, Callable[[Path], Path]]] = {
    "coco": ("coco", write_coco),
    "voc": ("voc", write_voc),
    "labelimg": ("voc", write_labelimg),
    "yolo": ("yolo", write_yolo),
    "yolo outlines": ("yolo", write_yolo_outlines),
    "csv": ("boxes", write_boxes),
    "csv with semicolons": ("boxes", write_boxes_german),
    "csv with tabs": ("boxes", write_boxes_tabbed),
    "masks": ("masks", write_masks),
    "sections": ("sections", write_sections),
    "schliff": ("schliff", write_schliff),
}
OUTLINED = {"coco", "yolo outlines", "masks", "schliff"}
