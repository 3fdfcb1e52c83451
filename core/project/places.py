"""Decides that a project's files lie in its own folder: a project that came from elsewhere leads nobody out of it.

Neither names in its database nor links in its folder are followed; the folder itself may be a link.
"""

from __future__ import annotations

import re
from pathlib import Path

from core.errors import InputError

MAPS_FOLDER = "maps"

_REMEDY = "Copy the project anew, with what its links lead to, from where it was made."
_PLAIN_NAME = re.compile(r"[^\W_][\w.-]{0,99}")


def refuse_links(project: Path, *names: str) -> None:
    """Raises InputError where one of a project's own files or folders is a link to another one."""
    for name in names:
        if (project / name).is_symlink():
            raise InputError("it is a link that leads out of the project", path=project / name, remedy=_REMEDY)


def maps_folder(project: Path, scan_id: str) -> Path:
    """Where the maps of a scan lie. Raises InputError for a scan whose name leads elsewhere."""
    if not isinstance(scan_id, str) or not _PLAIN_NAME.fullmatch(scan_id):
        raise InputError(f"it has a scan of an impossible name ({str(scan_id)[:40]!r})", path=project, remedy=_REMEDY)
    name = f"{scan_id}.zarr"
    refuse_links(project / MAPS_FOLDER, name)
    return project / MAPS_FOLDER / name
