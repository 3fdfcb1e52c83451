"""Decides when a look is found automatically, in the background, and what going back to the plain look means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.jobs import Job
from core.geometry import Box
from core.look import Curve, Look

if TYPE_CHECKING:
    from app.session import Session
    from core.section import Section


class LookControl(QObject):
    """Sets `session.look` for those who only say what they wish. For the eye only: models don't see it."""

    busy_changed = Signal(bool)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._enhanced: Look | None = None  # what was switched off last by `toggle_enhancements`
        self._shown = (0, False)  # channel, blended
        session.section_changed.connect(self._section_changed)
        session.display_changed.connect(self._display_changed)

    def find_curves(self, region: Box | None, *, each: bool = False) -> None:
        """Automatic black and white of the chosen channel, from `region` (level-0 px) or None: from all of the section.

        each: for red, green and blue by themselves, which changes the colours.
        """
        section, plane = self._session.section, self._session.plane
        if section is None:
            return

        def work() -> tuple[Curve, ...]:
            from core.looks.auto import auto_curves

            return auto_curves(section, plane, region, each=each)

        self._run(section, work, lambda found: self._take_curves(plane.c, found))

    def reset(self) -> None:
        """The look that the section had before anybody changed it."""
        section, plane = self._session.section, self._session.plane
        if section is None:
            return

        def work() -> Look:
            from core.looks.auto import with_auto_curves

            return with_auto_curves(section, [plane], Look())

        self._run(section, work, self._session.set_look)

    def toggle_enhancements(self) -> None:
        """Off, and with the next call on again as they were."""
        session, look = self._session, self._session.look
        if look.is_enhanced:
            self._enhanced = look
            session.set_look(look.without_enhancements())
        elif self._enhanced is not None:
            then = self._enhanced
            session.set_look(
                replace(
                    look,
                    sharpening=then.sharpening,
                    local_contrast=then.local_contrast,
                    flat_field=then.flat_field,
                )
            )

    @property
    def can_toggle(self) -> bool:
        return self._session.look.is_enhanced or self._enhanced is not None

    def _take_curves(self, channel: int, found: tuple[Curve, ...]) -> None:
        from core.looks.auto import with_gammas_of

        session = self._session
        if found and session.section is not None:
            curves = with_gammas_of(found, session.look, channel, largest_value(session.section))
            session.set_look(session.look.with_channel(channel, curves=curves))

    # -- channels that come into sight for the first time -----------------------------------------

    def _section_changed(self) -> None:
        self._enhanced = None
        self._shown = (self._session.plane.c, self._session.look.blended)

    def _display_changed(self) -> None:
        session = self._session
        shown = (session.plane.c, session.look.blended)
        if shown != self._shown and session.section is not None and largest_value(session.section) > 255:
            self._fill_channels(session.section)
        self._shown = shown

    def _fill_channels(self, section: Section) -> None:
        """16-bit channels without a curve would be nearly black."""
        from core.looks.shown import planes_shown

        session = self._session
        planes = [
            p for p in planes_shown(session.look, session.plane, section.info) if not _has_curve(session.look, p.c)
        ]
        if not planes:
            return

        def work() -> Look:
            from core.looks.auto import with_auto_curves

            return with_auto_curves(section, planes, Look())

        def take(found: Look) -> None:
            look = session.look
            for c in {plane.c for plane in planes if not _has_curve(look, plane.c)}:
                look = look.with_channel(c, curves=found.channel(c).curves)
            session.set_look(look)

        self._run(section, work, take)

    def _run(self, section: Section, work: Callable[[], object], take: Callable[..., None]) -> None:
        """Does `work` in the background; its answer is taken if the section is still open."""

        def finished(found: object) -> None:
            if section is self._session.section:
                take(found)

        job = Job(lambda progress, cancel: work(), "Finding the brightness")
        job.finished.connect(finished)
        job.ended.connect(lambda: self.busy_changed.emit(False))
        self.busy_changed.emit(True)
        job.failed.connect(self._session.report)
        self._session.lanes.eye.submit(job)


def _has_curve(look: Look, channel: int) -> bool:
    return bool(look.channel(channel).curves)


def largest_value(section: Section) -> int:
    """The largest value that the section's type can hold."""
    return int((1 << 8 * section.info.dtype.itemsize) - 1)
