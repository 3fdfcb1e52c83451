"""Decides what a queue of scans is: which wait, which one runs, what comes next, and what is said when all are over. Pure.

A queue is a value: whoever changes it gets another one. How it is stored is for `core.scan.queue_file`, running it is for
whoever owns the threads.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

from core.counting import counted
from core.timing import spoken_seconds

if TYPE_CHECKING:
    from pathlib import Path

    from core.scan.options import ScanSummary
    from core.scan.request import ScanRequest

State = Literal["waiting", "running", "paused", "done", "failed", "cancelled"]
OVER: tuple[State, ...] = ("done", "failed", "cancelled")
KEPT_OVER = 200  # entries that are over and still listed; the oldest go first


def _new_id() -> str:
    return uuid4().hex


@dataclass(frozen=True, slots=True)
class Entry:
    """One scan of the queue.

    Args:
        model: the model's name, for people.
        state: "paused": passed over until somebody lets it wait again.
        done, total: tiles; `total` is 0 while unknown.
        summary: of a scan that is done; error: why one failed, as a line for people.
    """

    request: ScanRequest
    model: str
    id: str = field(default_factory=_new_id)
    state: State = "waiting"
    done: int = 0
    total: int = 0
    summary: ScanSummary | None = None
    error: str = ""

    @property
    def section(self) -> Path:
        return self.request.section

    @property
    def title(self) -> str:
        return f"{self.section.name} with {self.model}"

    @property
    def is_over(self) -> bool:
        return self.state in OVER

    @property
    def share(self) -> float | None:
        """0 to 1; None while the number of tiles is unknown."""
        return self.done / self.total if self.total else None


@dataclass(frozen=True, slots=True)
class ScanQueue:
    """Scans in the order in which they run. While it is `held`, none starts."""

    entries: tuple[Entry, ...] = ()
    held: bool = False

    # -- asking ----------------------------------------------------------------------------------------------------

    def get(self, entry_id: str) -> Entry | None:
        return next((entry for entry in self.entries if entry.id == entry_id), None)

    @property
    def running(self) -> Entry | None:
        return next((entry for entry in self.entries if entry.state == "running"), None)

    @property
    def waiting(self) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if entry.state == "waiting")

    @property
    def unfinished(self) -> tuple[Entry, ...]:
        """Those that are not over: running, waiting, paused."""
        return tuple(entry for entry in self.entries if not entry.is_over)

    def next(self) -> Entry | None:
        """What is to start now: the first one waiting, unless one runs or the queue is held."""
        if self.held or self.running is not None:
            return None
        return next(iter(self.waiting), None)

    def holder(self, request: ScanRequest) -> Entry | None:
        """The very same scan, if it is in the queue and not over."""
        return next((entry for entry in self.unfinished if _same_scan(entry.request, request)), None)

    # -- changing --------------------------------------------------------------------------------------------------

    def added(self, entries: Iterable[Entry]) -> ScanQueue:
        """With more scans at its end. A scan that is in it already isn't added again; one that was stopped or failed
        before gives its place in the list to the new one."""
        queue = self
        for new in entries:
            if queue.holder(new.request) is None:
                kept = tuple(old for old in queue.entries if not _is_tried_again(old, new))
                queue = replace(queue, entries=(*kept, new))
        return queue._trimmed()

    def changed(self, entry_id: str, **values: Any) -> ScanQueue:
        """With other values for one entry's fields."""
        return replace(
            self, entries=tuple(replace(entry, **values) if entry.id == entry_id else entry for entry in self.entries)
        )._trimmed()

    def turned(self, ids: Collection[str], state: State, *, but_only: Sequence[State]) -> ScanQueue:
        """With another state for those of these entries that are in one of some states."""
        return replace(
            self,
            entries=tuple(
                replace(entry, state=state, error="") if entry.id in ids and entry.state in but_only else entry
                for entry in self.entries
            ),
        )._trimmed()

    def begun(self, entry_id: str, done: int, total: int) -> ScanQueue:
        """Its first tiles are planned: from now on, whoever starts it again goes on with it instead of starting over."""
        entry = self.get(entry_id)
        if entry is None:
            return self
        request = replace(entry.request, options=replace(entry.request.options, restart=False))
        return self.changed(entry_id, request=request, done=done, total=total)

    def without(self, ids: Collection[str]) -> ScanQueue:
        """Without these entries; one that runs stays."""
        return replace(self, entries=tuple(e for e in self.entries if e.state == "running" or e.id not in ids))

    def without_over(self) -> ScanQueue:
        return replace(self, entries=self.unfinished)

    def moved(self, ids: Collection[str], before: str | None) -> ScanQueue:
        """With these entries, in their order, before another one (None: at the end)."""
        chosen = [entry for entry in self.entries if entry.id in ids]
        others = [entry for entry in self.entries if entry.id not in ids]
        place = self._place_among(others, ids, before)
        return replace(self, entries=(*others[:place], *chosen, *others[place:]))

    def shifted(self, ids: Collection[str], step: Literal[-1, 1]) -> ScanQueue:
        """With these entries one place up (-1) or down (1), together; at the edge they stay."""
        places = [place for place, entry in enumerate(self.entries) if entry.id in ids]
        if not places:
            return self
        if step < 0:
            return self.moved(ids, self.entries[max(0, places[0] - 1)].id)
        after = places[-1] + 2
        return self.moved(ids, self.entries[after].id if after < len(self.entries) else None)

    def held_back(self, held: bool = True) -> ScanQueue:
        return replace(self, held=held)

    def restored(self) -> ScanQueue:
        """As it is taken up by another start of the program: what ran waits, and nothing starts unasked."""
        entries = tuple(replace(e, state="waiting") if e.state == "running" else e for e in self.entries)
        queue = replace(self, entries=entries)
        return replace(queue, held=bool(queue.waiting))

    def _place_among(self, others: Sequence[Entry], ids: Collection[str], before: str | None) -> int:
        """Where `before` stands among those that stay; when it is moved itself, where the next one does."""
        all_ids = [entry.id for entry in self.entries]
        later = all_ids[all_ids.index(before) :] if before in all_ids else []
        staying = next((i for i in later if i not in ids), None)
        return next((place for place, entry in enumerate(others) if entry.id == staying), len(others))

    def _trimmed(self) -> ScanQueue:
        over = [entry.id for entry in self.entries if entry.is_over]
        too_many = set(over[: max(0, len(over) - KEPT_OVER)])
        return self.without(too_many) if too_many else self


@dataclass(frozen=True, slots=True)
class Report:
    """What came of several scans that ran one after the other. `seconds`: from the first start to the last end."""

    entries: tuple[Entry, ...]
    seconds: float

    @property
    def done(self) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if entry.state == "done")

    @property
    def failed(self) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if entry.state == "failed")

    @property
    def detections(self) -> int:
        return sum(entry.summary.detections for entry in self.done if entry.summary is not None)

    def text(self) -> str:
        """As in "3 scans done in 2 h 05 min, 412 detections above the threshold. 1 failed: b.czi with Texture (…)"."""
        parts = []
        if self.done:
            found = counted(self.detections, "detection")
            scans = counted(len(self.done), "scan")
            parts.append(f"{scans} done in {spoken_seconds(self.seconds)}, {found} above the threshold.")
        stopped = len(self.entries) - len(self.done) - len(self.failed)
        if stopped:
            parts.append(f"{counted(stopped, 'scan')} stopped.")
        if self.failed:
            which = "; ".join(f"{entry.title} ({entry.error.rstrip('.')})" for entry in self.failed)
            parts.append(f"{counted(len(self.failed), 'scan')} failed: {which}.")
        return " ".join(parts)


def _same_scan(one: ScanRequest, other: ScanRequest) -> bool:
    """Where the work begins makes no other scan of it."""
    return _anywhere(one) == _anywhere(other)


def _anywhere(request: ScanRequest) -> ScanRequest:
    return replace(request, options=replace(request.options, start_at=None))


def _is_tried_again(old: Entry, new: Entry) -> bool:
    return old.state in ("failed", "cancelled") and _same_scan(old.request, new.request)
