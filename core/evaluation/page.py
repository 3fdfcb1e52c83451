"""Decides how an evaluation reads as one HTML page: words first, then figures, curves, mistakes, and how it came about.

Nothing is fetched from anywhere: drawings and pictures lie in the page, and its script only moves the threshold. Whatever
comes from files or models is escaped.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from core.disk import written_whole
from core.evaluation.charts import svg
from core.evaluation.drawings import charts
from core.evaluation.page_look import SCRIPT, STYLE
from core.evaluation.values import Evaluation, Failure
from core.evaluation.words import (
    CLASS_COLUMNS,
    FAILURE_TITLES,
    PRECISION_COLUMNS,
    columns_of,
    consequences,
    headline,
    percent,
    provenance,
    spoken_label,
    summary,
)


def write_page(judged: Evaluation, path: Path) -> None:
    """Raises ResourceError where it can't be written."""
    with written_whole(path) as part:
        part.write_text(page(judged), "utf-8")


def page(judged: Evaluation) -> str:
    """The whole document."""
    title = f"{judged.model['name']} on {Path(judged.data['source']).name}"
    body = "".join(_body(judged, title))
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"/>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>"
    )


def _body(judged: Evaluation, title: str) -> Iterator[str]:
    yield f"<h1>{escape(title)}</h1>"
    yield f'<section class="summary">{"".join(f"<p>{escape(line)}</p>" for line in summary(judged))}</section>'
    if judged.data["notes"]:
        yield f'<ul class="notes">{"".join(f"<li>{escape(note)}</li>" for note in judged.data["notes"])}</ul>'
    row = headline(judged)
    named = [(heading, _number(row[key])) for key, heading in columns_of(judged)]
    yield f'<dl class="tiles">{"".join(f"<div><dt>{escape(n)}</dt><dd>{v}</dd></div>" for n, v in named)}</dl>'
    yield from _threshold(judged)
    yield f'<section><h2>Curves</h2><div class="charts">{"".join(_figure(svg(c)) for c in charts(judged))}</div></section>'
    yield f"<section><h2>Classes</h2>{_classes(judged.figures['classes'])}{_precisions(judged.figures)}</section>"
    yield f"<section><h2>Truth and answer</h2>{_confusion(judged.figures['confusion'])}</section>"
    for kind, heading in FAILURE_TITLES.items():
        cards = "".join(_card(judged, one) for one in judged.failures if one.kind == kind)
        if cards:
            yield f'<section><h2>{heading}</h2><div class="cards">{cards}</div></section>'
    rows = "".join(f"<tr><th>{escape(n)}</th><td>{escape(v)}</td></tr>" for n, v in provenance(judged))
    yield f'<section><h2>How it came about</h2><table class="plain">{rows}</table></section>'


def _threshold(judged: Evaluation) -> Iterator[str]:
    """The slider; where scripts don't run, what holds at the model's own threshold stays."""
    table: Sequence[Mapping[str, Any]] = judged.figures["thresholds"]
    if not table:
        return
    start = next((i for i, row in enumerate(table) if row["threshold"] >= judged.threshold - 1e-9), len(table) - 1)
    keys = ("threshold", "review", "found", "missed", "false_alarms", "per_mm2")
    data = json.dumps({"what": "place" if judged.kind == "places" else "image",
                       "rows": [[row[key] for key in keys] for row in table]}).replace("<", "\\u003c")  # fmt: skip
    yield (
        '<section><h2>Threshold</h2><input id="threshold" type="range" min="0" '
        f'max="{len(table) - 1}" value="{start}" aria-label="Threshold"/>'
        f'<p id="consequences">{escape(consequences(judged, judged.threshold))}</p>'
        f'<script type="application/json" id="table">{data}</script><script>{SCRIPT}</script></section>'
    )


def _figure(drawing: str) -> str:
    return f"<figure>{drawing}</figure>"


def _classes(classes: Mapping[str, Mapping[str, Any]]) -> str:
    there = {key: title for key, title in CLASS_COLUMNS.items() if any(key in row for row in classes.values())}
    rows = ([spoken_label(name), *(_number(row.get(key)) for key in there)] for name, row in classes.items())
    return _table(["Class", *there.values()], rows)


def _precisions(figures: Mapping[str, Any]) -> str:
    found: Mapping[str, Mapping[str, float]] = figures.get("average_precision", {})
    if not found:
        rows = (
            [spoken_label(name), _number(value), _number(figures["auprc"][name])]
            for name, value in figures["auroc"].items()
        )
        return _table(["Against all others", "AUROC", "AUPRC"], rows)
    rows = ([spoken_label(name), *(_number(row[key]) for key in PRECISION_COLUMNS)] for name, row in found.items())
    mean = ["Mean (mAP)", *(_number(figures[f"m{key}"]) for key in PRECISION_COLUMNS)]
    return _table(["Class", *PRECISION_COLUMNS.values()], [*rows, mean])


def _confusion(confusion: Mapping[str, Any]) -> str:
    """Rows are the truth; at their end recall, below the columns precision. What agrees is shaded one way."""
    rows, columns, counts = confusion["rows"], confusion["columns"], confusion["counts"]
    head = "".join(f'<th scope="col">{escape(spoken_label(name))}</th>' for name in columns)
    lines = []
    for name, row in zip(rows, counts, strict=True):
        cells = "".join(_cell(count, sum(row), name == column) for column, count in zip(columns, row, strict=True))
        right = row[columns.index(name)] if name in columns else None
        recall = percent(right / sum(row)) if right is not None and sum(row) else "–"
        lines.append(
            f'<tr><th scope="row">{escape(spoken_label(name))}</th>{cells}<td class="margin">{recall}</td></tr>'
        )
    below = []
    for index, column in enumerate(columns):
        called = sum(row[index] for row in counts)
        right = counts[rows.index(column)][index] if column in rows else None
        below.append(f'<td class="margin">{percent(right / called) if right is not None and called else "–"}</td>')
    return (
        '<div class="wide"><table class="confusion">'
        f'<tr><th>Truth \\ answer</th>{head}<th scope="col">Recall</th></tr>{"".join(lines)}'
        f'<tr><th scope="row">Precision</th>{"".join(below)}<td></td></tr></table></div>'
    )


def _cell(count: int, total: int, is_right: bool) -> str:
    share = count / total if total else 0.0
    return f'<td class="{"right" if is_right else "wrong"}" style="--share:{share:.2f}">{count:,}</td>'


def _card(judged: Evaluation, one: Failure) -> str:
    picture = judged.pictures[one.picture].path.name
    top = "".join(f"<li>{escape(spoken_label(n))} {_number(v)}</li>" for n, v in list(one.scores.items())[:3])
    heat = f'<img alt="why" src="data:image/jpeg;base64,{escape(one.heat)}"/>' if one.heat else ""
    crop = (
        f'<span class="crop"><img alt="crop" src="data:image/jpeg;base64,{escape(one.crop)}"/>{_outline(one)}</span>'
        if one.crop
        else ""
    )
    said = f"Marked: {spoken_label(one.truth)}. Called: {spoken_label(one.predicted)}."
    if one.predicted:
        said += f" Score {one.score:.3g}."
    at = f"{picture} at {one.box.x:.0f}, {one.box.y:.0f}" if judged.kind == "places" else picture
    return f'<article><div class="pair">{crop}{heat}</div><p>{escape(said)}</p><ol>{top}</ol><p class="muted">{escape(at)}</p></article>'


def _outline(one: Failure) -> str:
    """The box over the crop, in per cent of it."""
    if one.box == one.shown or not one.shown.area:
        return ""
    place = one.box.moved(-one.shown.x, -one.shown.y)
    sides = {"left": place.x / one.shown.w, "top": place.y / one.shown.h,
             "width": place.w / one.shown.w, "height": place.h / one.shown.h}  # fmt: skip
    return f'<i style="{";".join(f"{name}:{100 * share:.1f}%" for name, share in sides.items())}"></i>'


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells hold numbers or names, escaped here."""
    top = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    lines = "".join(
        f'<tr><th scope="row">{escape(first)}</th>{"".join(f"<td>{escape(v)}</td>" for v in rest)}</tr>'
        for first, *rest in rows
    )
    return f'<div class="wide"><table><tr>{top}</tr>{lines}</table></div>'


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"
