"""Decides the words of the command line: its commands. Their options are in `options`, what they do in the modules beside it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import cache
from typing import NoReturn

import core
from app.cli import (
    calibrating,
    checking,
    chemistry,
    evaluating,
    inspecting,
    judging,
    learning,
    options,
    registering,
    replaying,
    results,
    rounds,
    sampling,
    scanning,
    thresholds,
    training,
    window,
)

Run = Callable[[argparse.Namespace], int | None]


@cache
def known_commands() -> frozenset[str]:
    return frozenset(_COMMANDS)


def build_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="schliff",
        description="Find, judge and hand over the defects in microscope images of whole polished sections.",
        epilog="`schliff PATH` opens a section or a project. `schliff COMMAND --help` says more.",
    )
    parser.add_argument("--version", action="version", version=f"schliff {core.__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, (run, help_text, add_arguments) in _COMMANDS.items():
        command = commands.add_parser(name, help=help_text, description=help_text)
        add_arguments(command)
        command.add_argument("--debug", action="store_true", help="show a traceback when something fails")
        command.set_defaults(run=run)
    return parser


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}. See `{self.prog} --help`.\n")


_COMMANDS: dict[str, tuple[Run, str, Callable[[argparse.ArgumentParser], None]]] = {
    "open": (window.open_window, "open the app, on a section or a project", options.open_window),
    "demo": (window.demo, "make a sample section, scan it with the bundled models, open the app on it", options.demo),
    "sample": (sampling.sample, "write a synthetic section with known truth", options.sample),
    "info": (inspecting.info, "say what a section is, and where it lay on the stage", options.info),
    "models": (inspecting.models, "list every model that can be used", options.models),
    "scan": (scanning.scan, "run a model over sections; resumes by itself", options.scan),
    "scans": (replaying.scans, "list the scans of a project and what each was made with", options.list_scans),
    "defects": (results.defects, "list what was found, worst first", options.defects),
    "rounds": (rounds.rounds, "say what changed from one scan of a section to the next", options.rounds),
    "propose": (rounds.proposals, "list the detections whose label would teach a model most", options.propose),
    "precision": (
        judging.precision,
        "say how precise a scan is, from a random sample that was judged",
        options.precision,
    ),
    "compare": (judging.compared, "compare a scan with positions that were found by eye", options.compare),
    "export-data": (judging.export_data, "write what was decided as a training set", options.export_data),
    "thresholds": (
        thresholds.thresholds,
        "say which thresholds a model or a scan offers, and what each promises",
        options.thresholds,
    ),
    "check": (results.check, "compare what was found with a known truth", options.check),
    "register": (registering.register, "register a section to the SEM by fiducials", options.register),
    "calibrate": (calibrating.calibrate, "enter the pixel size of a section by hand", options.calibrate),
    "check-data": (checking.check_data, "say what labelled data holds, and what is odd about it", options.check_data),
    "import-edx": (
        chemistry.import_edx,
        "attach the results of an EDX to the defects they were measured on",
        options.import_edx,
    ),
    "train": (training.train, "train a model on labelled data", options.train),
    "learning-curve": (
        learning.learning_curve,
        "say how good a model gets with more and more of the data",
        options.learning_curve,
    ),
    "evaluate": (evaluating.evaluate, "judge a model on data it has not seen", options.evaluate),
    "export": (results.export, "write a list for others", options.export),
    "doctor": (
        inspecting.doctor,
        "versions, devices, readers, models, exporters, and what is missing",
        options.doctor,
    ),
}
