"""Decides which options each command takes: a function for each, which gets the command's parser."""

from __future__ import annotations

import argparse
import math

from core.devices import DEVICES
from core.geometry import Box

KINDS = ("battery", "magnet")


def open_window(p: argparse.ArgumentParser) -> None:
    p.add_argument("path", nargs="?", metavar="PATH", help="a section (CZI, TIFF, OME-Zarr, PNG, JPEG) or a project")


def demo(p: argparse.ArgumentParser) -> None:
    p.add_argument("--kind", choices=KINDS, default="battery")
    p.add_argument("--size", type=int, default=6000, metavar="PX", help="side of the sample (default %(default)s)")
    p.add_argument(
        "--project", metavar="DIR", help="where to keep sample and results (default: the user's data folder)"
    )
    p.add_argument("--screenshot", metavar="PNG", help="draw the window once everything is loaded, save it, exit")


def sample(p: argparse.ArgumentParser) -> None:
    p.add_argument("out", metavar="OUT.czi|OUT.tif")
    p.add_argument("--kind", choices=KINDS, default="battery")
    p.add_argument("--size", type=int, default=12000, metavar="PX", help="side of the section (default %(default)s)")
    p.add_argument("--defects", type=int, metavar="N", help="how many to plant (default: by area)")
    p.add_argument("--seed", type=int, default=0, metavar="S", help="the same seed gives the same section")


def info(p: argparse.ArgumentParser) -> None:
    p.add_argument("path", metavar="PATH")
    p.add_argument("--all", action="store_true", help="everything the file says of itself, too")
    _json(p)


def models(p: argparse.ArgumentParser) -> None:
    _json(p)


def scan(p: argparse.ArgumentParser) -> None:
    p.add_argument("paths", nargs="*", metavar="PATH", help="sections: files, folders, patterns such as '*.czi'")
    p.add_argument(
        "--model",
        dest="models",
        action="append",
        default=[],
        metavar="ID|DIR",
        help="see `schliff models`; several too",
    )
    p.add_argument("--project", required=True, metavar="DIR", help="made where it doesn't exist")
    p.add_argument(
        "--region", dest="regions", action="append", default=[], type=_region, metavar="X,Y,W,H",
        help="only this part, in level-0 px; may be given several times",
    )  # fmt: skip
    p.add_argument("--threshold", type=_finite, metavar="T", help="show detections scoring at least this")
    p.add_argument(
        "--set", dest="settings", action="append", default=[], metavar="NAME=VALUE", help="a parameter of the model"
    )
    p.add_argument(
        "--background", choices=("skip", "keep"), default="skip", help="what shows no specimen (default %(default)s)"
    )
    p.add_argument(
        "--caution",
        type=_share,
        default=0.5,
        metavar="0..1",
        help="how readily a place counts as specimen (default %(default)s)",
    )
    p.add_argument("--device", choices=DEVICES, default="auto")
    p.add_argument("--restart", action="store_true", help="start over instead of resuming")
    p.add_argument(
        "--replay", metavar="SCAN_ID", help="run a scan of the project anew and compare (see `schliff scans`)"
    )
    p.add_argument("--out", metavar="DIR", help="with --replay: a project that keeps the new results")
    _json(p)


def list_scans(p: argparse.ArgumentParser) -> None:
    p.add_argument("project", metavar="PROJECT")
    _json(p)


def defects(p: argparse.ArgumentParser) -> None:
    p.add_argument("project", metavar="PROJECT")
    _status(p)
    _scans(p)
    p.add_argument("--class", dest="classes", action="append", default=[], metavar="C", help="only this class")
    p.add_argument("--sort", default="severity", metavar="FIELD", help="a column (default %(default)s, worst first)")
    p.add_argument("--below-threshold", action="store_true", help="those that score less than the threshold too")
    p.add_argument("--every-scan", action="store_true", help="a place that several scans found, once for each of them")
    p.add_argument("--top3", action="store_true", help="with the three surest classes of each, from the stored scores")
    _json(p)


def check(p: argparse.ArgumentParser) -> None:
    p.add_argument("project", metavar="PROJECT")
    p.add_argument("--truth", required=True, metavar="CSV", help="id,class,x_px,y_px,w_px,h_px,…")
    _json(p)


def rounds(p: argparse.ArgumentParser) -> None:
    p.add_argument("project", metavar="PROJECT")
    p.add_argument("--section", metavar="NAME", help="only the section with this file name")
    _json(p)


def propose(p: argparse.ArgumentParser) -> None:
    rounds(p)
    p.add_argument("--count", type=int, default=20, metavar="N", help="how many for each section (default %(default)s)")


def precision(p: argparse.ArgumentParser) -> None:
    p.add_argument("project", metavar="PROJECT")
    _scans(p)
    p.add_argument("--draw", type=int, metavar="N", help="draw a new random sample of so many detections to judge")
    p.add_argument("--seed", type=int, default=0, help="of the sample (default %(default)s)")
    _json(p)


def compare(p: argparse.ArgumentParser) -> None:
    p.add_argument("project", metavar="PROJECT")
    p.add_argument("--positions", required=True, metavar="CSV", help="x_px,y_px or stage_x_um,stage_y_um; class, note")
    _scans(p)
    p.add_argument("--unit", choices=("px", "um", "mm"), help="of columns that don't say it (default px)")
    p.add_argument(
        "--origin", choices=("stage", "corner"), help="what µm and mm count from (default stage, if there is one)"
    )
    p.add_argument("--tolerance", type=_finite, metavar="UM", help="beside a detection, in µm (default 30)")
    _json(p)


def export_data(p: argparse.ArgumentParser) -> None:
    p.add_argument("project", metavar="PROJECT")
    p.add_argument("--format", required=True, metavar="ID", help="schliff, coco, voc, yolo")
    p.add_argument("--out", required=True, metavar="DIR", help="a new folder")
    p.add_argument("--tile", type=int, default=512, metavar="PX", help="side of the pictures (default %(default)s)")
    _json(p)


def export(p: argparse.ArgumentParser) -> None:
    p.add_argument("project", metavar="PROJECT")
    p.add_argument("--format", required=True, metavar="ID", help="csv, geojson; `schliff doctor` lists all")
    p.add_argument("--out", required=True, metavar="FILE")
    p.add_argument(
        "--frame",
        choices=("pixel", "stage", "sem"),
        help="in which places are said, and must be known (a list to drive to: the SEM's if registered, else the stage's)",
    )
    p.add_argument(
        "--set", dest="settings", action="append", default=[], metavar="NAME=VALUE", help="a setting of the format"
    )
    _status(p)
    _scans(p)


def register(p: argparse.ArgumentParser) -> None:
    p.add_argument("project", metavar="PROJECT")
    how = p.add_mutually_exclusive_group(required=True)
    how.add_argument(
        "--fiducials", metavar="CSV", help="columns name,x_px,y_px,sem_x,sem_y,sem_unit[,role]; role: check"
    )
    how.add_argument(
        "--markers",
        metavar="CZI",
        help="a file of the SEM; its Shuttle & Find markers and those of the section's own CZI",
    )
    how.add_argument("--clear", action="store_true", help="forget the registration")
    p.add_argument("--section", metavar="NAME", help="which one, where the project has several")
    p.add_argument(
        "--kind", choices=("auto", "similarity", "affine"), default="auto",
        help="auto: a similarity, from 5 fiducials an affine where it fits clearly better",
    )  # fmt: skip
    _json(p)


def calibrate(p: argparse.ArgumentParser) -> None:
    p.add_argument("project", metavar="PROJECT")
    how = p.add_mutually_exclusive_group(required=True)
    how.add_argument(
        "--um-per-px", metavar="X[,Y]", help="the width of a pixel in µm, and its height where it isn't square"
    )
    how.add_argument(
        "--line", metavar="X0,Y0,X1,Y1", help="the ends of a known length, in level-0 px; give it with --length"
    )
    how.add_argument("--clear", action="store_true", help="use what the file states again")
    p.add_argument("--length", metavar="LENGTH", help='with its unit, as in "500 um" or "2 mm"')
    p.add_argument("--section", metavar="NAME", help="which one, where the project has several")
    _json(p)


def import_edx(p: argparse.ArgumentParser) -> None:
    p.add_argument("project", metavar="PROJECT")
    p.add_argument(
        "file", metavar="FILE", help="a CSV with a column for each element, or an H5OINA file of Oxford's AZtec"
    )
    p.add_argument("--section", metavar="NAME", help="which one, where the project has several")
    p.add_argument("--unit", choices=("at%", "wt%"), help="of a CSV whose columns don't say it")
    _scans(p)
    _json(p)


def train(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "family", metavar="FAMILY", help="what is trained: classifier, detector, …; an unknown one lists all"
    )
    p.add_argument("--data", required=True, metavar="DIR", help=f"{_DATA_HELP}; {_NORMAL_HELP}")
    p.add_argument("--out", required=True, metavar="MODELDIR")
    p.add_argument("--set", dest="settings", action="append", default=[], metavar="NAME=VALUE")
    p.add_argument("--seed", type=int, default=0, metavar="S")
    p.add_argument("--device", choices=DEVICES, default="auto")
    p.add_argument("--cost", action="store_true", help="only say how long it would take, from its first steps")
    _json(p)


def learning_curve(p: argparse.ArgumentParser) -> None:
    p.add_argument("family", metavar="FAMILY", help="what is trained, as for train")
    p.add_argument("--data", required=True, metavar="DIR", help=_DATA_HELP)
    p.add_argument("--out", required=True, metavar="DIR", help="gets a model folder for each training")
    p.add_argument("--shares", default="0.25,0.5,1", metavar="S,S,…", help="of the groups to learn from, up to 1")
    p.add_argument("--set", dest="settings", action="append", default=[], metavar="NAME=VALUE")
    p.add_argument("--seed", type=int, default=0, metavar="S")
    p.add_argument("--device", choices=DEVICES, default="auto")
    _json(p)


_NORMAL_HELP = (
    "for vae, cgan, memory and one_class what is normal: a section itself, a project with regions called normal, or images "
    "without a defect"
)
_DATA_HELP = (
    "a project with decisions; a folder of sections, each with NAME.truth.csv beside it; COCO; Pascal VOC (LabelImg); "
    "YOLO; a CSV of boxes; images with masks; or single images, a folder for each class or a labels.csv"
)


def thresholds(p: argparse.ArgumentParser) -> None:
    p.add_argument("target", metavar="PROJECT|MODEL", help="a project, a model folder, or the id of a model")
    p.add_argument("--scan", metavar="ID", help="which scan of the project (default: the latest)")
    p.add_argument("--choose", metavar="PRESET|T", help="let this threshold count for the scan from now on")
    _json(p)


def check_data(p: argparse.ArgumentParser) -> None:
    p.add_argument("path", metavar="PATH", help=_DATA_HELP)
    _json(p)


def evaluate(p: argparse.ArgumentParser) -> None:
    p.add_argument("model", metavar="MODELDIR", help="a model folder, or the id of a model")
    p.add_argument("--data", required=True, metavar="DIR", help=_DATA_HELP)
    p.add_argument("--html", metavar="FILE", help="write everything as one page")
    p.add_argument(
        "--threshold", type=_finite, metavar="T", help="what scores less counts as not found (default: the model's)"
    )
    p.add_argument(
        "--part",
        choices=("auto", "validation", "training", "all"),
        default="auto",
        help="of the data; auto: what its maker set aside for validation, else all",
    )
    p.add_argument(
        "--background", choices=("skip", "keep"), help="what shows no specimen (default: skip, keep in single images)"
    )
    p.add_argument("--device", choices=DEVICES, default="auto")
    _json(p)


def doctor(p: argparse.ArgumentParser) -> None:
    p.add_argument("--load", action="store_true", help="also load every part that is else loaded when it is needed")
    _json(p)


def _scans(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--scan", dest="scans", action="append", default=[], metavar="ID", help="only this scan, as texture-1"
    )


def _json(p: argparse.ArgumentParser) -> None:
    p.add_argument("--json", action="store_true", help="one JSON document on stdout, nothing else")


def _status(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--status", action="append", default=[], metavar="S", help="unreviewed, defect, artefact, false_alarm, unsure"
    )


def _finite(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number")
    return value


def _share(text: str) -> float:
    value = _finite(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not between 0 and 1")
    return value


def _region(text: str) -> Box:
    try:
        x, y, w, h = (float(part) for part in text.split(","))
        box = Box(x, y, w, h)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not X,Y,W,H in px") from None
    if box.area == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is empty")
    return box
