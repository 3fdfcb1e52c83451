"""Decides how the marked overview is written as a TIFF: lossless, with its sources in the image description."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from core.export.base import ExporterSpec
from core.export.document import ExportDocument
from core.export.marked import MARKING, marked_image, notes_of


def write(document: ExportDocument, path: Path, values: Mapping[str, Any]) -> None:
    import tifffile

    tifffile.imwrite(
        path, np.asarray(marked_image(document, values)), photometric="rgb", compression="zlib", predictor=True,
        description=notes_of(document), metadata=None, software=f"Schliff {document.provenance['schliff']}",
    )  # fmt: skip


SPEC = ExporterSpec(
    id="overview-tiff",
    name="Marked overview (TIFF)",
    suffix=".tif",
    help="The whole section with a numbered ring for each detection, lossless, with legend and scale bar.",
    write=write,
    purpose="show",
    parameters=MARKING,
)
