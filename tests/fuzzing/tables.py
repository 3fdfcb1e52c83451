"""Decides how tables, texts and labelled data are fuzzed: fiducials, EDX results, inspections, truths, data sets, settings."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from core.chemistry.importing import read_measurements
from core.data.reading import read_data
from core.errors import UsageError
from core.frames import NO_STAGE
from core.inspection_csv import read_places
from core.project.records import SectionRecord
from core.registration.fiducials import read_fiducials
from core.registration.markers import read_markers
from core.registration.registration import register
from core.scan.queue_file import read_queue, write_queue
from core.truth import read_truth
from tests.czi_files import Tile, write_czi_file
from tests.data_formats import WRITERS, write_picture
from tests.fuzzing.sections import texture
from tests.fuzzing.subjects import Subject

_FIDUCIALS = "name,x_px,y_px,sem_x,sem_y,sem_unit,role\n" + "".join(
    f"F{n},{x},{y},{x / 1000 + 0.01 * n},{-y / 1000},mm,{'check' if n == 4 else 'fiducial'}\n"
    for n, (x, y) in enumerate([(10, 20), (900, 40), (30, 800), (950, 870), (400, 500)])
)
_EDX = (
    "id,Spectrum,Zr (at.%),Zr sigma,O (at.%),Total\n7,S1,33,0.4,67,100\n8,S2,,,99.5,100\n",
    "X (mm);Y (mm);Fe wt%;O wt%\n1,25;-2,5;12,5;87,5\n2,25;-3,5;50;50\n",
    "sem_x,sem_y,sem_unit,Fe at%\n1.25,-2.5,mm,12.5\n",
)
_INSPECTED = (
    "name,X (mm),Y (mm),class,note\na,0.1,0.2,pore,large\nb,0.15,0.1,crack,\n",
    "x_px;y_px;w_px;h_px;class\n10,5;20;30;40;pore\n",
    "100,200\n300,400\n",
)
_TRUTH = "class,x_px,y_px,w_px,h_px\npore,1,2,3,4\ncrack,10.5,20,30,40\n"


def _texts(suffix: str, *texts: str) -> Callable[[Path], list[Path]]:
    def write(folder: Path) -> list[Path]:
        found = []
        for number, text in enumerate(texts):
            path = folder / f"{number}{suffix}"
            path.write_text(text, "utf-8")
            found.append(path)
        return found

    return write


def _use_fiducials(path: Path) -> None:
    found = read_fiducials(path)
    with suppress(UsageError):  # sound ones that decide nothing
        register(found, (0.5, 0.5))


def _use_places(path: Path) -> None:
    read_places(path, SectionRecord(1, path.with_name("s.czi"), "f", 1000, 900, (0.5, 0.5), NO_STAGE))


def _use_queue(path: Path) -> None:
    kept = read_queue(path)
    write_queue(kept.queue, path.with_name("again.json"))


def _use_settings(path: Path) -> None:
    from app.settings import SETTINGS, Settings

    settings = Settings(path)
    for one in SETTINGS:
        settings.get(one.name)
    settings.add_recent(path)
    settings.put_first("training_data", "somewhere")


def _settings(folder: Path) -> list[Path]:
    told = {
        "version": 1, "theme": "dark", "recent": ["/a/b.czi", "/c"], "gallery": {"size": 3}, "memory_budget_mb": 512,
        "training_data": ["/a", "/b"], "compare": {"mode": "swipe", "dividers": [0.5]}, "minimap": False,
    }  # fmt: skip
    (folder / "settings.json").write_text(json.dumps(told))
    return [folder / "settings.json"]


def _queue(folder: Path) -> list[Path]:
    from core.scan.queue import Entry, ScanQueue
    from core.scan.request import ScanRequest

    request = ScanRequest(folder / "s.czi", folder / "p.schliff", "texture", "1")
    entries = tuple(Entry(request=request, model="Texture", id=f"e{number}") for number in range(3))
    write_queue(ScanQueue(entries), folder / "scans.json")
    return [folder / "scans.json"]


def _h5oina(folder: Path) -> list[Path]:
    from tests.test_chemistry import write_h5oina

    return [write_h5oina(folder / "a.h5oina", beam=(3.0, 4.0))]


def _markers(folder: Path) -> list[Path]:
    places = [(5000.0, 5000.0), (45000.0, 5000.0), (45000.0, 35000.0)]
    told = "".join(
        f'<Marker Id="Marker:{n}" StageXPosition="{x}" StageYPosition="{y}" FocusPosition="0"/>'
        for n, (x, y) in enumerate(places, 1)
    )
    xml = (
        '<ImageDocument><Metadata><Appliances><Appliance Id="ShuttleAndFind:1"><Data><ShuttleAndFindData><Calibration>'
        f"<MicroscopeType>LM</MicroscopeType><Markers>{told}</Markers></Calibration></ShuttleAndFindData></Data>"
        "</Appliance></Appliances></Metadata></ImageDocument>"
    )
    return [write_czi_file(folder / "m.czi", [Tile(0, 0, texture(1, "uint8"))], xml.encode())]


def _data(write: Callable[[Path], Path], folder: Path) -> list[Path]:
    """Where a table is given by itself, the folder it lies in is fuzzed."""
    place = folder / "set"
    place.mkdir()
    write(place)
    return [place]


def _image_set(folder: Path) -> list[Path]:
    place = folder / "classes"
    for label in ("crack", "pore", "good"):
        for number in range(2):
            write_picture(place / label / f"{number}.png", 40, 30)
    rows = [f"{label}/{n}.png,{label},{n}" for label in ("crack", "pore", "good") for n in range(2)]
    (place / "labels.csv").write_text("\n".join(["file,class,group", *rows]) + "\n")
    return [place]


def _use_data(path: Path) -> None:
    read_data(path)


_DATA = ("coco", "voc", "yolo", "yolo outlines", "csv", "masks", "sections", "schliff")

SUBJECTS: tuple[Subject, ...] = (
    Subject("fiducials", _texts(".csv", _FIDUCIALS), _use_fiducials),
    Subject("edx csv", _texts(".csv", *_EDX), lambda path: _measured(path)),
    Subject("h5oina", _h5oina, lambda path: _measured(path)),
    Subject("inspection csv", _texts(".csv", *_INSPECTED), _use_places),
    Subject("truth csv", _texts(".truth.csv", _TRUTH), lambda path: _told(read_truth(path))),
    Subject("markers", _markers, lambda path: _told(read_markers(path))),
    Subject("settings", _settings, _use_settings),
    Subject("scan queue", _queue, _use_queue),
    *(Subject(f"data {name}", partial(_data, WRITERS[name][1]), _use_data) for name in _DATA),
    Subject("data classes", _image_set, _use_data),
)


def _measured(path: Path) -> None:
    for one in read_measurements(path):
        one.composition.text()


def _told(found: object) -> None:
    repr(found)
