"""Decides how a part of some labelled data is named: a file that says which groups of it to learn from, and which to validate on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from core.data.image_set import ImageSet
from core.data.labelled import LabelledData
from core.disk import written_whole
from core.errors import InputError

SUFFIX = ".part.json"


@dataclass(frozen=True, slots=True)
class DataPart:
    """Groups are never split, so they are all that a part is made of.

    Args:
        training: groups to learn from; validation: groups set aside; () where the data has pictures set aside itself.
    """

    source: Path
    training: tuple[str, ...]
    validation: tuple[str, ...] = ()

    def of(self, data: LabelledData | ImageSet) -> LabelledData | ImageSet:
        """This part of what `source` holds. The classes of whole images stay those of all."""
        training, validation = frozenset(self.training), frozenset(self.validation)
        if isinstance(data, ImageSet):
            wanted = training | validation
            return replace(data, images=tuple(i for i in data.images if i.group in wanted), aside=validation)
        aside = data.validation or tuple(p for p in data.pictures if p.group in validation)
        return replace(data, pictures=tuple(p for p in data.pictures if p.group in training), validation=aside)

    def write(self, path: Path) -> None:
        """Raises ResourceError."""
        with written_whole(path) as file:
            file.write_text(json.dumps({**asdict(self), "source": str(self.source)}, indent=1), "utf-8")


def is_part(path: Path) -> bool:
    return path.name.endswith(SUFFIX) and path.is_file()


def read_part(path: Path) -> DataPart:
    """Raises InputError for what `write` didn't write."""
    try:
        told = json.loads(path.read_text("utf-8"))
        source = Path(told["source"])
        if is_part(source):
            raise ValueError("a part of a part")
        training, validation = (tuple(map(str, told[name])) for name in ("training", "validation"))
        return DataPart(source, training, validation)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"no part of labelled data ({error})", path=path, remedy="Give the data itself.") from None
