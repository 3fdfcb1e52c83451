"""Decides how a long benchmark goes on where it was broken off: what was measured is kept, one JSON file a measurement.

A training that was broken off goes on by itself where its folder is kept, too.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.disk import written_whole


def kept(folder: Path, name: str, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What `measure` found, JSON-ready; found in `folder` where it was measured before."""
    path = folder / f"{name}.json"
    if not path.is_file():
        text = json.dumps(measure(), indent=1)
        with written_whole(path) as part:
            part.write_text(text, "utf-8")
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


@contextmanager
def working_folder(chosen: Path | None) -> Iterator[Path]:
    """The folder somebody chose, made if need be, or one that is thrown away."""
    if chosen is not None:
        chosen.mkdir(parents=True, exist_ok=True)
        yield chosen
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)
