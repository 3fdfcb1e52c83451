"""The pages for developers: what stands there is put into a package exactly so, and does what the page says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

DOCS = Path(__file__).resolve().parent.parent / "docs"
_PYTHON = re.compile(r"^```python (\S+\.py)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TOML = re.compile(r"^```toml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ENTRY = re.compile(r'\[project\.entry-points\."([a-z.]+)"\]\n(\S+) = "(\S+)"')


def installed(page: str, folder: Path) -> str:
    """Puts the page's code into a package in `folder`, with the entry point it names; gives the id that it offers."""
    text = (DOCS / page).read_text("utf-8")
    (name, code), (toml,) = _PYTHON.findall(text)[0], _TOML.findall(text)
    entry = _ENTRY.match(toml)
    assert entry is not None
    group, offered, target = entry.groups()
    assert target.split(":")[0] == name.removesuffix(".py")
    (folder / name).write_text(code, "utf-8")
    about = folder / f"{page.removesuffix('.md').replace('-', '_')}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {about.stem.split('-')[0]}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[{group}]\n{offered} = {target}\n")
    return offered


def schliff(folder: Path, *words: str | Path) -> str:
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(folder), str(DOCS.parent)]),
        "SCHLIFF_HOME": str(folder / "home"),
    }
    command = [sys.executable, "-m", "app", *map(str, words)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=folder, timeout=110)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A grey ground with grain, and six dark squares."""
    pixels = np.random.default_rng(0).normal(150, 12, (600, 800)).clip(0, 255).astype(np.uint8)
    for x, y in ((100, 100), (300, 120), (600, 90), (150, 400), (400, 430), (650, 380)):
        pixels[y : y + 48, x : x + 48] = 30
    path = tmp_path / "spots.png"
    cv2.imwrite(str(path), pixels)
    return path


def test_a_model_and_an_exporter_of_ones_own(picture: Path, tmp_path: Path):
    model, exporter = installed("add-a-model.md", tmp_path), installed("add-an-exporter.md", tmp_path)
    told = json.loads(schliff(tmp_path, "doctor", "--json"))
    assert model in told["models"]
    assert exporter in told["exporters"]
    schliff(tmp_path, "scan", picture, "--model", model, "--project", tmp_path / "p.schliff")
    schliff(tmp_path, "export", tmp_path / "p.schliff", "--format", exporter, "--out", tmp_path / "list.txt")
    lines = (tmp_path / "list.txt").read_text("utf-8").splitlines()
    assert len(lines) == 6
    assert all(re.fullmatch(r"\d\. dark spot at \d+, \d+ px", line) for line in lines)
    places = sorted(tuple(int(n) for n in re.findall(r"\d+", line)[1:]) for line in lines)
    assert np.abs(np.array(places[0]) - (100, 100)).max() <= 16
    assert (tmp_path / "list.txt.sources.json").is_file()


def test_a_reader_of_ones_own(picture: Path, tmp_path: Path):
    installed("add-a-reader.md", tmp_path)
    pixels = cv2.imread(str(picture), cv2.IMREAD_GRAYSCALE)
    assert pixels is not None
    greymap = tmp_path / "spots.of-any-name"
    greymap.write_bytes(b"P5\n800 600\n255\n" + pixels.tobytes())
    assert "800 × 600" in schliff(tmp_path, "info", greymap).replace(",", "")
    program = (
        "import sys; from core.readers.base import open_section; from core.section import Plane;"
        "s = open_section(sys.argv[1]); sys.stdout.buffer.write(s.read_level(0, 90, 95, 200, 300, Plane()).tobytes())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(greymap)], capture_output=True, timeout=60,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(DOCS.parent)])},
    )  # fmt: skip
    assert done.stdout == pixels[95:395, 90:290].tobytes(), done.stderr.decode()


def test_every_link_between_the_pages_leads_somewhere():
    pages = [*DOCS.glob("*.md"), DOCS.parent / "README.md"]
    links = [(page, link) for page in pages for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8"))]
    assert [f"{page.name}: {link}" for page, link in links if not (page.parent / link).exists()] == []
    assert len(links) > 4
