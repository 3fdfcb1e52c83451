"""Decides how readers, models and exporters are found: every module of a folder, and entry points of other packages.

Nobody edits a list: a new file in the folder is enough. Modules are cheap to import; they load what is heavy late.
"""

from __future__ import annotations

import importlib
import pkgutil
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any


def find_specs(package: ModuleType, group: str) -> list[Any]:
    """The `SPEC` of every module in `package` that has one, then those of entry points in `group`, sorted by `id`."""
    specs = {}
    for found in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{found.name}")
        spec = getattr(module, "SPEC", None)
        if spec is not None:
            specs[spec.id] = spec
    for entry in entry_points(group=group):
        spec = entry.load()
        specs.setdefault(spec.id, spec)
    return [specs[key] for key in sorted(specs)]
