"""How well the bundled models find planted defects: the tables of docs/bundled-models.md, class by class.

`python -m benchmarks.accuracy [--size 12000] [--defects 60] [--seeds 7 8 9] [--model ID]` writes samples with `schliff sample`, scans
them with `schliff scan`, checks them with `schliff check`, and adds the counts up over the seeds. Nothing is shared with
training but the generator; its seeds start at 100,000.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

RUNS = (("battery", "battery-windows"), ("battery", "texture"), ("magnet", "texture"), ("magnet", "magnet-edges"))
COUNTS = ("truth", "tp", "fp")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=12000)
    parser.add_argument("--defects", type=int, default=60)
    parser.add_argument("--seeds", type=int, nargs="+", default=[7, 8, 9])
    parser.add_argument("--model", help="this one only")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="schliff-accuracy-") as folder:
        for kind, model in (run for run in RUNS if args.model in (None, run[1])):
            results = [run(Path(folder), kind, model, args.size, args.defects, seed) for seed in args.seeds]
            report(kind, model, args.seeds, results)


def run(folder: Path, kind: str, model: str, size: int, defects: int, seed: int) -> dict[str, Any]:
    """One sample, scanned and checked; gives what `schliff check` says, with the scan's summary."""
    section = folder / f"{kind}-{seed}.czi"
    if not section.exists():
        options = ["--kind", kind, "--size", size, "--defects", defects, "--seed", seed]
        schliff("sample", section, *options)
    project = folder / f"{kind}-{seed}-{model}"
    scanned = json.loads(schliff("scan", section, "--model", model, "--project", project, "--json"))
    truth = section.with_name(f"{section.stem}.truth.csv")
    checked = json.loads(schliff("check", project, "--truth", truth, "--json"))
    return {"scan": scanned, **checked}


def schliff(*words: object) -> str:
    command = [sys.executable, "-m", "app", *map(str, words)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def report(kind: str, model: str, seeds: list[int], results: list[dict[str, Any]]) -> None:
    """Counts added over the seeds, and the worst seed, which is what a user may meet."""
    totals: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(COUNTS, 0))
    for result in results:
        for name, figures in [*result["classes"].items(), ("all defects", result["defects"])]:
            for count in COUNTS:
                totals[name][count] += figures.get(count) or 0
    seconds = sum(result["scan"]["seconds"] for result in results)
    megapixels = sum(result["scan"]["megapixels"] for result in results)
    print(f"\n{model} on {kind}, seeds {' '.join(map(str, seeds))}: {seconds / megapixels:.2f} s per megapixel")
    print(f"| {'class':<22} | planted | found | false | recall | precision |\n|---|---|---|---|---|---|")
    for name, total in totals.items():
        recall, precision = share(total["tp"], total["truth"]), share(total["tp"], total["tp"] + total["fp"])
        print(f"| {name:<22} | {total['truth']} | {total['tp']} | {total['fp']} | {recall} | {precision} |")
    worst_recall = min(result["defects"]["recall"] or 0 for result in results)
    worst_precision = min(result["defects"]["precision"] or 0 for result in results)
    print(f"worst seed: recall {worst_recall:.2f}, precision {worst_precision:.2f}", flush=True)


def share(part: int, whole: int) -> str:
    return f"{part / whole:.2f}" if whole else "–"


if __name__ == "__main__":
    main()
