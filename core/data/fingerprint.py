"""Decides whether two sets of labelled data are the same: by what their pictures hold and what is said of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import astuple
from typing import Any

from core.data.image_set import LabelledImage
from core.data.labelled import LabelledPicture
from core.readers.fingerprint import fingerprint


def fingerprint_of(pictures: Iterable[LabelledImage | LabelledPicture]) -> str:
    """32 hex digits: the same wherever the files lie, whatever they are called, and in any order. Raises InputError."""
    parts = sorted(json.dumps([fingerprint(one.path), *_told(one)], default=astuple) for one in pictures)
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()


def _told(one: LabelledImage | LabelledPicture) -> list[Any]:
    if isinstance(one, LabelledImage):
        return [one.label]
    return [[astuple(mark) for mark in one.marks], one.known]
