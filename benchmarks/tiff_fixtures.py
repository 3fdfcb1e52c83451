"""How many of the TIFF files at hand open with the right pixels: `python -m benchmarks.tiff_fixtures [FOLDER]`.

Each file's first plane (at most 1500 px each way) is compared with what tifffile decodes. *equal*: the stored numbers
(bits spread to 0 to 255, palettes to colours); *converted*: other numbers, brought to 16 bits with a warning that says
how; *refused*: one line with the file's name and what to do. Files that are no TIFF whatever their name are counted apart.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

from core.errors import SchliffError
from tests.tiff_expected import MAGIC, expected, whole

DEFAULT = Path(__file__).resolve().parents[2] / "shared" / "data" / "tiff"


def main() -> None:
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            outcome, reason = judge(path)
            counts[outcome] += 1
            if outcome == "WRONG":
                print(f"WRONG {path.relative_to(folder)}: {reason}")
            elif outcome == "refused":
                reasons[reason] += 1
    for outcome in ("opened, equal", "opened, converted and said so", "refused", "WRONG", "not TIFF"):
        print(f"{outcome:32}{counts[outcome]:5}")
    print("\nrefused because")
    for reason, count in reasons.most_common():
        print(f"{count:5}  {reason}")


def judge(path: Path) -> tuple[str, str]:
    """One of the outcomes, and why."""
    if path.read_bytes()[:4] not in MAGIC:
        return "not TIFF", ""
    try:
        info, got = whole(path)
    except SchliffError as error:
        is_one_line = str(path) in str(error) and "\n" not in str(error) and bool(error.remedy)
        return ("refused", error.what) if is_one_line else ("WRONG", f"unclear error: {error}")
    except Exception as error:
        return "WRONG", f"{type(error).__name__}: {error}"
    want = None
    with contextlib.suppress(Exception):
        want = expected(path, info, got.shape)
    if want is None:
        return "WRONG", "tifffile can't decode it, yet it opened"
    if got.shape != want.shape or not np.array_equal(got, want):
        return "WRONG", f"pixels differ: {got.shape} {want.shape}"
    is_converted = any("16-bit" in warning or "signed" in warning for warning in info.warnings)
    return ("opened, converted and said so" if is_converted else "opened, equal"), ""


if __name__ == "__main__":
    main()
