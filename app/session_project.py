"""Decides how the open section gets a project of its own when the first thing is to be kept: a scan or a drawing."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import ResourceError

if TYPE_CHECKING:
    from core.jobs import CancelToken
    from core.project import Project, SectionRecord
    from core.review import Review
    from core.section import Section

_making = threading.Lock()  # a scan and a drawing may want one at the same time


@dataclass(frozen=True)
class NewProject:
    """A project and the section's record in it."""

    project: Project
    record: SectionRecord
    review: Review


def make_project(section: Section, cancel: CancelToken | None = None) -> NewProject:
    """Makes or opens the section's own project; in any thread.

    Raises SchliffError where nothing can be written, CancelledError when nobody will take it any more.
    """
    from app.opening import project_home, user_project
    from core.project import Project
    from core.review import Review

    with _making:
        try:
            project = Project.open_or_create(project_home(section.info.path))
        except ResourceError:  # the folder only looked writable
            project = Project.open_or_create(user_project(section.info.path))
    try:
        record = project.add_section(section)
        if cancel is not None:
            cancel.check()
        return NewProject(project, record, Review(project))
    except BaseException:
        project.close()
        raise
