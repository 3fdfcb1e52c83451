"""Decides how bookmarked places of a section are kept: in its project, or until there is one, in the session."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from app.session_state import SavedView, ViewState
from core.errors import SchliffError

if TYPE_CHECKING:
    from app.session import Session


@dataclass(frozen=True, slots=True)
class Bookmark:
    """A view with a name."""

    name: str
    view: ViewState

    def to_json(self) -> dict[str, Any]:
        view = self.view
        return {"name": self.name, "x_px": view.x_px, "y_px": view.y_px, "zoom": view.zoom}


class Places(QObject):
    """The bookmarks of the open section, in the user's order."""

    changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._loose: dict[Path, list[Bookmark]] = {}  # of sections that have no project
        self.bookmarks: list[Bookmark] = []
        self._removed: tuple[int, Bookmark] | None = None
        session.section_changed.connect(self._load)
        session.project_changed.connect(self._load)

    def add(self, view: ViewState, name: str = "") -> Bookmark:
        """Behind the others, under a free name if none is given."""
        taken = {bookmark.name for bookmark in self.bookmarks}
        free = (f"Place {number}" for number in count(len(self.bookmarks) + 1))
        bookmark = Bookmark(name or next(candidate for candidate in free if candidate not in taken), view)
        self._set([*self.bookmarks, bookmark])
        return bookmark

    def rename(self, index: int, name: str) -> None:
        """An empty name leaves the old one."""
        if name.strip():
            self._set(_with(self.bookmarks, index, replace(self.bookmarks[index], name=name.strip())))

    def remove(self, index: int) -> None:
        """Can be put back."""
        self._removed = index, self.bookmarks[index]
        self._set(self.bookmarks[:index] + self.bookmarks[index + 1 :])

    @property
    def can_put_back(self) -> bool:
        return self._removed is not None

    def put_back(self) -> None:
        """The one removed last, where it was."""
        if self._removed is not None:
            index, bookmark = self._removed
            self._removed = None
            self._set([*self.bookmarks[:index], bookmark, *self.bookmarks[index:]])

    def move(self, index: int, target: int) -> None:
        """The bookmark at `index` to the place `target` in the list."""
        others = self.bookmarks[:index] + self.bookmarks[index + 1 :]
        others.insert(target, self.bookmarks[index])
        self._set(others)

    def _set(self, bookmarks: list[Bookmark]) -> None:
        if bookmarks != self.bookmarks:
            self.bookmarks = bookmarks
            self._store()
            self.changed.emit()

    @property
    def _key(self) -> str | None:
        record = self._session.section_record
        return f"places:{record.id}" if self._session.project is not None and record is not None else None

    def _store(self) -> None:
        section, project, key = self._session.section, self._session.project, self._key
        if project is not None and key is not None:
            try:
                project.set_state(key, [bookmark.to_json() for bookmark in self.bookmarks])
            except SchliffError as error:
                self._session.report(error)
        elif section is not None:
            self._loose[section.info.path] = self.bookmarks

    def _load(self) -> None:
        """Those of the project, then those that waited for one."""
        section, project, key = self._session.section, self._session.project, self._key
        loose = self._loose.get(section.info.path, []) if section is not None else []
        found = list(loose)
        if project is not None and key is not None:
            try:
                found = _stored(project.get_state(key)) + loose
            except SchliffError as error:
                self._session.report(error)
        self.bookmarks, self._removed = found, None
        if loose and section is not None and key is not None:
            del self._loose[section.info.path]
            self._store()
        self.changed.emit()


def _with(bookmarks: list[Bookmark], index: int, bookmark: Bookmark) -> list[Bookmark]:
    return [*bookmarks[:index], bookmark, *bookmarks[index + 1 :]]


def _stored(state: Any) -> list[Bookmark]:
    """What `to_json` wrote; what can't be understood is left out."""
    bookmarks = []
    for item in state if isinstance(state, list) else []:
        view = SavedView.from_json({"view": item}).view
        if view is not None:
            bookmarks.append(Bookmark(str(item.get("name", "")) or "Place", view))
    return bookmarks
