"""Decides whether two sets of labelled data are the same: by what their pictures hold and what is said of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import astuple
from typing import Any

from core.data.image_set import LabelledImage
from core.data.labelled import LabelledPicture
from core.data.normal import NormalPicture
from core.readers.fingerprint import fingerprint

Picture = LabelledImage | LabelledPicture | NormalPicture


def fingerprint_of(pictures: Iterable[Picture]) -> str:
    """32 hex digits: the same wherever the files lie, whatever they are called, and in any order. Raises InputError."""
    parts = sorted(json.dumps([fingerprint(one.path), *_told(one)], default=astuple) for one in pictures)
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()


def _told(one: Picture) -> list[Any]:
    if isinstance(one, LabelledImage):
        return [one.label]
    if isinstance(one, NormalPicture):
        return [one.regions, one.defects, one.false_alarms]
    return [[astuple(mark) for mark in one.marks], one.known]
