"""The page of an evaluation, read back: well formed, complete in itself, nothing of a name taken for markup."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
import pytest
from defusedxml.ElementTree import fromstring

from core.evaluation.charts import Chart, style_sheet, svg
from core.evaluation.drawings import charts
from core.evaluation.failures import as_jpeg, of_places
from core.evaluation.page import page, write_page
from core.evaluation.place_figures import matched, place_figures
from core.evaluation.values import Evaluation, Picture
from core.evaluation.words import consequences, provenance
from tests.evaluation_support import blank, place

EVIL = '<img src=x onerror="a()">&'


@pytest.fixture
def judged() -> Evaluation:
    model = {**blank().model, "name": EVIL, "labels": [EVIL, "pore"]}
    pictures = (Picture(Path(f"/data/{EVIL}.tif"), "a", 1000, 1000, 1.5),)
    marked = (place(EVIL, 0), place("pore", 100), place("pore", 200))
    found = tuple(place(EVIL, 0, 0.9 - i / 1000, y=50 * i) for i in range(40))
    plain = blank(model=model, pictures=pictures, marked=marked, found=found)
    full = replace(plain, figures=place_figures(plain), data={**plain.data, "notes": [EVIL]})
    crop = as_jpeg(np.full((64, 64, 3), 120, np.uint8))
    shown = (
        replace(one, crop=crop, heat=crop, shown=one.box.grown(10), scores={EVIL: 0.9})
        for one in of_places(full, matched(full))
    )
    return replace(full, failures=tuple(shown))


def read(text: str) -> Element:
    """The page is XML, too."""
    assert text.startswith("<!DOCTYPE html>")
    return fromstring(text.removeprefix("<!DOCTYPE html>"))


def test_a_page_is_whole_and_well_formed(judged: Evaluation):
    text = page(judged)
    document = read(text)
    assert "onerror" not in {name for element in document.iter() for name in element.attrib}
    assert EVIL in document.findtext(".//h1", "")
    assert EVIL in document.findtext(".//ul[@class='notes']/li", "")
    assert not re.findall(r"""(?:src|href|url\()\s*=?\s*["']?(?!data:image/jpeg;base64,)[a-z]+:""", text)
    assert re.findall("https?://[^\"' ]+", text) == ["http://www.w3.org/2000/svg"] * len(charts(judged))
    assert [e.text for e in document.iter("h2")] == [
        "Threshold", "Curves", "Classes", "Truth and answer", "Missed defects", "False alarms", "How it came about",
    ]  # fmt: skip
    assert len(text) < 200_000


def test_what_an_evaluation_from_elsewhere_holds_is_no_markup(judged: Evaluation):
    """Its file may hold anything where a picture or a number should be."""
    evil = '"/></span><script>a()</script>'
    failures = tuple(replace(one, crop=evil, heat=evil) for one in judged.failures)
    table = [{**row, "per_mm2": "</script><script>a()</script>"} for row in judged.figures["thresholds"]]
    row = {**table[0], "threshold": judged.threshold, "per_mm2": 1.0}
    text = page(replace(judged, failures=failures, figures={**judged.figures, "thresholds": [row, *table]}))
    assert [e.get("type") for e in read(text).iter("script")] == ["application/json", None]
    assert "<script>a()" not in text


def test_its_slider_knows_every_threshold(judged: Evaluation):
    document = read(page(judged))
    told = json.loads(document.findtext(".//script[@id='table']", ""))
    slider = document.find(".//input[@id='threshold']")
    assert slider is not None
    assert int(slider.get("max", "")) == len(told["rows"]) - 1
    threshold, review, found, missed, alarms, per_mm2 = told["rows"][int(slider.get("value", ""))]
    assert document.findtext(".//p[@id='consequences']") == consequences(judged, 0.5)
    assert (threshold, review, found, missed, alarms) == (0.5, 40, 1, 2, 39)
    assert per_mm2 == pytest.approx(39 / 1.5)


def test_mistakes_show_what_they_are_about(judged: Evaluation):
    document = read(page(judged))
    articles = list(document.iter("article"))
    assert len(articles) == 2 + 12  # misses, and the surest false alarms
    texts = ["".join(one.itertext()) for one in articles]
    assert "Marked: Pore. Called: –." in texts[0]
    assert f"Called: {EVIL}. Score 0.899." in texts[2]
    # The box stands in the middle third of a crop that is three times as wide.
    outline = articles[0].find(".//i")
    assert outline is not None
    assert outline.get("style") == "left:33.3%;top:33.3%;width:33.3%;height:33.3%"


def test_it_ends_with_how_it_came_about(judged: Evaluation):
    rows = read(page(judged)).findall(".//table[@class='plain']/tr")
    assert [("".join(r[0].itertext()), "".join(r[1].itertext())) for r in rows] == provenance(judged)
    assert ("Trained by", "schliff train toy") in provenance(judged)


def test_it_is_written_whole_or_not_at_all(judged: Evaluation, tmp_path: Path):
    write_page(judged, tmp_path / "e.html")
    assert read((tmp_path / "e.html").read_text("utf-8")) is not None
    assert [path.name for path in tmp_path.iterdir()] == ["e.html"]


def test_a_chart_is_drawn_to_scale(qapp):
    """Rendered by Qt: the line of y = 1 lies on the upper edge of the field, its mark at its end."""
    from PySide6.QtCore import QByteArray
    from PySide6.QtGui import QColor, QImage, QPainter
    from PySide6.QtSvg import QSvgRenderer

    drawn = Chart("<title>", "x", "y", {"one & two": [[0.0, 1.0], [1.0, 1.0]]}, mark=(1.0, 1.0))
    text = svg(drawn, style_sheet("#000000", "#888888", "#cccccc", ["#ff0000"]))
    assert fromstring(text) is not None
    image = QImage(340, 300, QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    painter = QPainter(image)
    QSvgRenderer(QByteArray(text.encode())).render(painter)
    painter.end()
    assert image.pixelColor(180, 26).red() > 200
    assert image.pixelColor(180, 26).green() < 60
    assert image.pixelColor(328, 26) == QColor("black")
    assert image.pixelColor(180, 150) == QColor("white")


def test_a_chart_without_end_ends_at_a_nice_number():
    text = svg(Chart("a", "x", "y", {"one": [[0.0, 0.2], [37.0, 0.6]]}, x_max=None))
    assert re.findall(r'text-anchor="middle">(\d+)</text>', text) == ["0", "10", "20", "30", "40", "50"]
    assert "M46.0 " in text  # 0 is the left edge


def test_crops_are_small():
    rng = np.random.default_rng(0)
    assert len(as_jpeg(rng.integers(0, 255, (1024, 512, 3), np.uint8))) < 40_000
