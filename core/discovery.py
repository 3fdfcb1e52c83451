"""Decides how readers, models and exporters are found: every module of a folder, and entry points of other packages.

Nobody edits a list: a new file in the folder is enough. Modules are cheap to import; they load what is heavy late.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType
from typing import Any


def find_specs(package: ModuleType, group: str) -> list[Any]:
    """The `SPEC` of every module in `package` that has one, and those of entry points in `group`, sorted by `id`.

    Where both have the same `id`, the package's own counts.
    """
    specs = {spec.id: spec for spec in [*plugin_specs(group), *own_specs(package)]}
    return [specs[key] for key in sorted(specs)]


def own_specs(package: ModuleType) -> list[Any]:
    """The `SPEC` of every module in `package` that has one, sorted by `id`."""
    specs = {}
    for found in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{found.name}")
        spec = getattr(module, "SPEC", None)
        if spec is not None:
            specs[spec.id] = spec
    return [specs[key] for key in sorted(specs)]


def plugin_specs(group: str) -> list[Any]:
    """What the entry points of `group` in other packages name. Looking through all packages takes a while."""
    from importlib.metadata import entry_points

    return [entry.load() for entry in entry_points(group=group)]
