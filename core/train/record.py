"""Decides what a model's card says of its training: enough that the same command gives the same model again."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from core.data.fingerprint import Picture, fingerprint_of
from core.data.image_set import ImageSet, counts
from core.data.labelled import LabelledData, groups_in
from core.data.normal import NormalData
from core.parameters import Parameter

_MOST_NAMED = 1000  # a card has no room for more names


def training_record(
    trainer: str,
    parameters: Sequence[Parameter],
    values: Mapping[str, Any],
    read: LabelledData | ImageSet | NormalData,
    seed: int,
    data: Path,
    out: Path,
    before: Sequence[str] = (),
) -> dict[str, Any]:
    """What went in.

    Args:
        trainer: id of the way to train: a family has several, and which one is meant depends on data and settings.
        before: the commands that made what this training started from.
    Raises InputError for a lost file.
    """
    given = [
        f"--set {shlex.quote(f'{p.name}={values[p.name]}')}"
        for p in parameters
        if values[p.name] != p.default and p.name != "data_commands"
    ]
    made = [values["data_commands"]] if values.get("data_commands") else []
    names = f"--data {shlex.quote(data.name)} --out {shlex.quote(out.name)}"
    command = f"schliff train {trainer} {names} --seed {seed} " + " ".join(given)
    return {
        "commands": [*before, *made, command.strip()],
        "seed": seed,
        "settings": dict(values),
        "data_fingerprint": fingerprint_of(_pictures(read)),
        **_described(read),
    }


def _pictures(read: LabelledData | ImageSet | NormalData) -> Iterable[Picture]:
    if isinstance(read, LabelledData):
        return read.everything
    return read.images if isinstance(read, ImageSet) else read.pictures


def _described(read: LabelledData | ImageSet | NormalData) -> dict[str, Any]:
    if isinstance(read, NormalData):
        names = sorted({picture.path.name for picture in read.pictures})
        groups = len({picture.group for picture in read.pictures})
        known = {"data_format": read.format, "normal_is_known": read.is_sure, "normal": read.summary}
        return known | {"pictures": len(read.pictures), "groups": groups, "sections": names[:_MOST_NAMED]}
    if isinstance(read, ImageSet):
        groups = len({image.group for image in read.images})
        return {"data_format": "images", "images": counts(read.images), "groups": groups}
    return {
        "data_format": read.format,
        "sections": sorted(picture.path.name for picture in read.pictures),
        "validation_sections": sorted(picture.path.name for picture in read.validation),
        "groups": len(groups_in(read.everything)),
        "marked": {label: read.count(label) for label in read.labels},
    }
