"""Decides how the page of an evaluation looks, in light, in dark and on paper, and what its one script does."""

from __future__ import annotations

from core.evaluation.charts import style_sheet

LIGHT_LINES = ("#0b7a75", "#c4461a", "#1c6ea4", "#8a6d00", "#9c3a78", "#2b8a3e", "#6b4fc4", "#5c6670")
DARK_LINES = ("#3fb8ae", "#ff9166", "#74b6ff", "#e6c84f", "#e08fc4", "#63cf78", "#b39dff", "#9aa3ad")

_LIGHT = {"text": "#1c2126", "muted": "#5c6670", "border": "#d5d9de", "ground": "#ffffff", "raised": "#f4f5f6"}
_DARK = {"text": "#e4e7ea", "muted": "#9aa3ad", "border": "#363b41", "ground": "#1e2124", "raised": "#2a2e33"}


def _names(colours: dict[str, str], right: str, wrong: str) -> str:
    return "".join(f"--{name}:{value};" for name, value in colours.items()) + f"--right:{right};--wrong:{wrong};"


def _chart(colours: dict[str, str], lines: tuple[str, ...]) -> str:
    return style_sheet(colours["text"], colours["muted"], colours["border"], lines)


_SHAPE = """
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);font:15px/1.5 system-ui,sans-serif}
main{max-width:1080px;margin:0 auto;padding:32px 24px}
h1{font-size:24px;margin:0 0 16px}h2{font-size:17px;margin:32px 0 8px}
.summary p{font-size:18px;margin:0 0 4px}
.notes,.muted{color:var(--muted)}
.tiles{display:flex;flex-wrap:wrap;gap:8px;margin:24px 0 0}
.tiles div{background:var(--raised);border-radius:6px;padding:8px 16px;min-width:120px}
.tiles dt{color:var(--muted);font-size:13px}.tiles dd{margin:0;font-size:20px;font-variant-numeric:tabular-nums}
input[type=range]{width:100%;accent-color:var(--right)}
.charts,.cards{display:flex;flex-wrap:wrap;gap:16px}
figure{margin:0;width:330px;flex:none}figure svg{width:100%;height:auto;display:block}
.wide{overflow-x:auto;margin-bottom:16px}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:4px 12px 4px 0;text-align:right;border-bottom:1px solid var(--border);font-weight:normal}
th{color:var(--muted)}th[scope=row],.plain th,.plain td{text-align:left}th[scope=row]{color:var(--text)}
.plain td{overflow-wrap:anywhere}.plain th{white-space:nowrap;vertical-align:top}
.confusion th,.confusion td{padding:4px 8px;border:1px solid var(--border)}
.confusion .right{background:color-mix(in srgb,var(--right) calc(var(--share)*55%),transparent)}
.confusion .wrong{background:color-mix(in srgb,var(--wrong) calc(var(--share)*55%),transparent)}
.margin{color:var(--muted);white-space:nowrap}th[scope=row]{white-space:nowrap}th:first-child{text-align:left}
article{width:324px;background:var(--raised);border-radius:6px;padding:12px;break-inside:avoid}
article p,article ol{margin:4px 0 0}article ol{padding-left:20px;color:var(--muted);font-size:13px}
.pair{display:flex;gap:4px}.pair img{width:148px;height:148px;object-fit:fill;display:block;border-radius:3px}
.crop{position:relative}.crop i{position:absolute;border:2px solid var(--wrong);box-shadow:0 0 0 1px #0008}
.muted{font-size:13px;overflow-wrap:anywhere}
@media print{main{max-width:none;padding:0}input[type=range]{display:none}section{break-inside:auto}h2{break-after:avoid}}
"""
STYLE = (
    f":root{{color-scheme:light dark;{_names(_LIGHT, '#0b7a75', '#c4461a')}}}"
    f"{_SHAPE}{_chart(_LIGHT, LIGHT_LINES)}"
    f"@media screen and (prefers-color-scheme:dark){{:root{{{_names(_DARK, '#3fb8ae', '#ff9166')}}}{_chart(_DARK, DARK_LINES)}}}"
)

SCRIPT = """
(function () {
  var told = JSON.parse(document.getElementById("table").textContent);
  var slider = document.getElementById("threshold"), line = document.getElementById("consequences");
  function number(n) { return n.toLocaleString("en"); }
  function counted(n, what) { return number(n) + " " + what + (n === 1 ? "" : "s"); }
  slider.addEventListener("input", function () {
    var row = told.rows[slider.value], mm2 = row[5] === null ? "" : " (" + Number(row[5].toPrecision(3)) + " per mm²)";
    line.textContent = "At " + Number(row[0].toPrecision(3)) + " you review " + counted(row[1], told.what) + ": " +
      number(row[2]) + " of " + counted(row[2] + row[3], "defect") + (row[2] === 1 ? " is" : " are") + " found, " +
      number(row[3]) + " missed, " + counted(row[4], "false alarm") + mm2 + ".";
  });
})();
"""
