"""Decides how EDX results are had from Oxford's .h5oina (AZtec): by a helper process, a few acquisitions at a time, each time
within limits, so that a damaged file costs an error and not the program."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from core.chemistry.composition import Composition, Measurement
from core.decoding.helper import DecodeError
from core.decoding.limits import Limits
from core.decoding.pool import decode_elsewhere
from core.errors import InputError

_AT_ONCE = 50  # a third of a second of a processor, where each holds ten elements and their sigmas
_REMEDY = "Export the acquisition from AZtec as H5OINA again, with its composition."


def read_h5oina(path: Path) -> list[Measurement]:
    """A measurement for each slice that holds a composition, as `core.chemistry.h5oina_file` says.

    Raises InputError for a file that is no such one, holds no composition, or takes more than it can.
    """
    try:
        with path.open("rb"):
            limits = _limits(path.stat().st_size)
        found = list(_read(path, limits))
    except FileNotFoundError:
        raise InputError("there is no such file", path=path, remedy="Check the name.") from None
    except OSError as error:
        raise InputError(f"can't be read ({error.strerror or error})", path=path, remedy="Check the file.") from None
    except (DecodeError, ValueError) as error:
        raise InputError(f"it can't be read as H5OINA ({error})", path=path, remedy=_REMEDY) from None
    if not found:
        raise InputError("it holds no composition", path=path, remedy=_REMEDY)
    return found


def _limits(size: int) -> Limits:
    """What a sound file of `size` bytes never takes, however little a computer and its drive can do."""
    return Limits(wait_s=120 + size / 1e6, processor_s=5 + size / 10e6, memory_bytes=2 << 30)


def _read(path: Path, limits: Limits) -> Iterator[Measurement]:
    first, slices = 0, 1
    while first < slices:
        asked = {"do": "h5oina", "path": str(path.absolute()), "first": first, "count": _AT_ONCE}
        told = json.loads(bytes(decode_elsewhere(asked, limits=limits)))
        yield from map(_measurement, told["measured"])
        first, slices = first + _AT_ONCE, told["slices"]


def _measurement(told: Mapping[str, Any]) -> Measurement:
    place = None if told["place"] is None else (told["place"][0], told["place"][1])
    return Measurement(Composition.from_json(told["composition"]), None, place, told["reach_um"])
