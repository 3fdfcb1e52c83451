"""Decides how readers, models and exporters are found: every module of a folder, and entry points of other packages.

Nobody edits a list: a new file in the folder is enough. Modules are cheap to import; they load what is heavy late.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any, Protocol, TypeVar

from core.errors import UsageError


class HasId(Protocol):
    """Every SPEC has an id."""

    @property
    def id(self) -> str: ...


Named = TypeVar("Named", bound=HasId)


def find_specs(package: ModuleType, group: str) -> list[Any]:
    """The `SPEC` of every module in `package` that has one, and those of entry points in `group`, sorted by `id`.

    Where both have the same `id`, the package's own counts.
    """
    specs = {spec.id: spec for spec in [*plugin_specs(group), *own_specs(package)]}
    return [specs[key] for key in sorted(specs)]


def spec_called(wanted: str, specs: Iterable[Named], what: str) -> Named:
    """The one with this id. Raises UsageError that says which there are; `what`: as "export format"."""
    known = {spec.id: spec for spec in specs}
    if wanted not in known:
        raise UsageError(f"there is no {what} {wanted!r}", remedy=f"Choose one of: {', '.join(known)}.")
    return known[wanted]


def own_specs(package: ModuleType) -> list[Any]:
    """The `SPEC` of every module in `package` that has one, sorted by `id`."""
    specs = {}
    for found in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{found.name}")
        spec = getattr(module, "SPEC", None)
        if spec is not None:
            specs[spec.id] = spec
    return [specs[key] for key in sorted(specs)]


def specs_named(package: ModuleType, name: str) -> Iterator[Any]:
    """The `SPEC` of modules in `package` whose name begins as `name` does or the other way round, each imported in its
    turn: the likeliest, without the time it takes to load all."""
    names = [found.name for found in pkgutil.iter_modules(package.__path__)]
    for likely in sorted((n for n in names if name and (n.startswith(name) or name.startswith(n))), key=len):
        spec = getattr(importlib.import_module(f"{package.__name__}.{likely}"), "SPEC", None)
        if spec is not None:
            yield spec


def plugin_specs(group: str) -> list[Any]:
    """What the entry points of `group` in other packages name. Looking through all packages takes a while."""
    from importlib.metadata import entry_points

    return [entry.load() for entry in entry_points(group=group)]
