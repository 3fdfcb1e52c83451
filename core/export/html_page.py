"""Decides how an export reads as one HTML page: light, dark and on paper; it fetches nothing, and all text is escaped."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from html import escape
from pathlib import Path

import numpy as np

from core.export.captions import sources
from core.export.document import ExportDocument
from core.export.painting import jpeg

Array = np.ndarray

_STYLE = """
:root{color-scheme:light dark;--ground:#fff;--text:#1c2126;--muted:#5c6670;--line:#d5d9de;--raised:#f4f5f6}
@media(prefers-color-scheme:dark){:root{--ground:#1e2124;--text:#e4e7ea;--muted:#9aa3ad;--line:#363b41;--raised:#2a2e33}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);font:14px/1.45 system-ui,sans-serif}
main{max-width:1280px;margin:0 auto;padding:24px}
h1{font-size:22px;margin:0 0 4px;overflow-wrap:anywhere}h2{font-size:16px;margin:32px 0 8px;overflow-wrap:anywhere}
.muted{color:var(--muted);margin:0 0 16px}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(232px,1fr));gap:16px}
figure{margin:0;background:var(--raised);border-radius:6px;overflow:hidden;break-inside:avoid}
img{display:block;width:100%;height:auto}
figcaption{padding:8px 12px 12px}
figcaption strong{display:flex;align-items:center;gap:8px;margin-bottom:4px;overflow-wrap:anywhere}
.dot{width:10px;height:10px;border-radius:50%;flex:none;display:inline-block}
dl{display:grid;grid-template-columns:auto 1fr;gap:2px 12px;margin:0;font-variant-numeric:tabular-nums}
dt{color:var(--muted)}dd{margin:0;text-align:right;overflow-wrap:anywhere}
.sources{margin-top:40px;border-top:1px solid var(--line);padding-top:16px;font-size:12px}
.sources dl{justify-content:start}.sources dd{text-align:left}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:6px 12px 6px 0;text-align:right;border-bottom:1px solid var(--line);vertical-align:middle}
th{color:var(--muted);font-weight:normal;white-space:nowrap}
th:nth-child(-n+3),td:nth-child(-n+3),th:last-child,td:last-child{text-align:left}
tr{break-inside:avoid}td img{width:96px;border-radius:4px}
.tick{display:inline-block;width:16px;height:16px;border:1.5px solid var(--muted);border-radius:3px}
@media print{:root{--ground:#fff;--text:#000;--muted:#444;--line:#bbb;--raised:#fff}main{max-width:none;padding:0}
figure{border:1px solid var(--line)}}
"""
_ONLY_ITSELF = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def write_html(path: Path, title: str, document: ExportDocument, parts: Iterable[str]) -> None:
    """`parts`: HTML, written as it comes; the sources of everything follow."""
    with path.open("w", encoding="utf-8") as file:
        file.write(
            '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"/>'
            f'<meta http-equiv="Content-Security-Policy" content="{_ONLY_ITSELF}"/>'
            '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
            f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main><h1>{escape(title)}</h1>"
        )
        for part in parts:
            file.write(part)
        file.write(f'<footer class="sources">{described(sources(document))}</footer></main></body></html>')


def described(facts: Iterable[tuple[str, str]]) -> str:
    """Names and texts as a list of terms."""
    return f"<dl>{''.join(f'<dt>{escape(n)}</dt><dd>{escape(t)}</dd>' for n, t in facts)}</dl>"


def row(cells: Iterable[str], tag: str = "td") -> str:
    """A row of a table; the cells are HTML."""
    return f"<tr>{''.join(f'<{tag}>{cell}</{tag}>' for cell in cells)}</tr>"


def picture(pixels: Array, told: str) -> str:
    """(h, w, 3) uint8 RGB within the page; `told`: what is read out in its place."""
    rows, columns = pixels.shape[:2]
    coded = base64.b64encode(jpeg(pixels)).decode("ascii")
    return f'<img src="data:image/jpeg;base64,{coded}" width="{columns}" height="{rows}" alt="{escape(told)}"/>'
