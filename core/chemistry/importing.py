"""Decides what becomes of the results of an EDX: attached where it is clear whose they are, told where it isn't."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.chemistry.composition import Measurement, Unit
from core.chemistry.edx_csv import has_elements, read_csv
from core.chemistry.h5oina import read_h5oina
from core.chemistry.matching import Match, match_measurements
from core.errors import InputError
from core.listing import listed_detections
from core.project import Project, SectionRecord
from core.project.composition_store import CompositionStore
from core.project.registration_store import RegistrationStore
from core.tables import header_of, table_text

H5OINA_SUFFIX = ".h5oina"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was attached; what may be of several defects, or one of several of a defect, and is left to a person; the rest."""

    attached: tuple[Match, ...]
    ambiguous: tuple[Match, ...]
    unmatched: tuple[Match, ...]


def read_measurements(path: Path, unit: Unit | None = None) -> list[Measurement]:
    """From a CSV or an H5OINA file. `unit`: of a CSV that doesn't say it. Raises InputError naming file and line."""
    return read_h5oina(path) if path.suffix.lower() == H5OINA_SUFFIX else read_csv(path, unit)


def holds_results(path: Path) -> bool:
    """Whether a file looks like results of an EDX, before anybody tries to read it as such."""
    if path.suffix.lower() != ".csv":
        return path.suffix.lower() == H5OINA_SUFFIX
    try:
        return has_elements(header_of(table_text(path, "EDX results")))
    except InputError:
        return False


def import_measurements(
    project: Project,
    section: SectionRecord,
    measurements: Sequence[Measurement],
    scans: Collection[str] = (),
    source: Path | None = None,
) -> Outcome:
    """Attaches what is clear, as `matched` says, as one gesture. Raises InputError as that does."""
    outcome = matched(project, section, measurements, scans, source)
    CompositionStore(project).keep({m.candidates[0].detection.id: m.measurement.composition for m in outcome.attached})
    return outcome


def matched(
    project: Project,
    section: SectionRecord,
    measurements: Sequence[Measurement],
    scans: Collection[str] = (),
    source: Path | None = None,
) -> Outcome:
    """Which of the section's detections (of `scans`; none: all) were measured; nothing is attached yet.

    Raises InputError where nothing can be clear: no numbers of defects, and no registration to the SEM.
    """
    registration = RegistrationStore(project).registration(section)
    if registration is None and all(one.detection_id is None for one in measurements):
        raise InputError(
            "it names no defects, and the section isn't registered to the SEM", path=source or section.path,
            remedy="Register it first, or add a column id with the numbers of the defects.",
        )  # fmt: skip
    listed = [d for d in listed_detections(project, scans=scans) if d.section_id == section.id]
    # A number may be that of what another scan found at the same place.
    named = {one.detection_id for one in measurements if one.detection_id is not None} - {d.id for d in listed}
    listed += [d for d in project.detections_by_id(sorted(named)) if d.section_id == section.id] if not scans else []
    return sorted_out(match_measurements(measurements, listed, registration))


def sorted_out(matches: Sequence[Match]) -> Outcome:
    """Two spectra of one defect are left to a person too: nobody but they knows which one counts."""
    times = Counter(match.clear.id for match in matches if match.clear is not None)
    clear = [match.clear is not None and times[match.clear.id] == 1 for match in matches]
    return Outcome(
        attached=tuple(match for match, yes in zip(matches, clear, strict=True) if yes),
        ambiguous=tuple(match for match, yes in zip(matches, clear, strict=True) if match.candidates and not yes),
        unmatched=tuple(match for match in matches if not match.candidates),
    )
