"""All that a file says: read whatever its format, bounded, harmless, and searchable in a window."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QFileDialog

import app.section_info as section_info
from app.cli import main
from app.section_info import SectionInfoDialog
from core.errors import CancelledError, InputError
from core.frames import StageTransform
from core.jobs import CancelToken
from core.readers.details import MOST_NODES, Budget, Detail, as_text, details, search, tree_of
from core.readers.details_xml import xml_tree
from core.readers.facts import section_facts, stage_text
from tests.memory_section import MemorySection, noise
from tests.toy import spotted_image, write_image
from tests.window_support import open_and_wait, open_window, press


def values(root: Detail) -> dict[str, str]:
    return {detail.name: detail.value for _, detail in root.walk()}


def xml(text: str | bytes, most: int = MOST_NODES) -> Detail:
    return xml_tree("XML", text.encode() if isinstance(text, str) else text, Budget(CancelToken(), most))


# -- XML ---------------------------------------------------------------------------------------------------------------


def test_xml_becomes_names_and_values():
    root = xml('<a xmlns="urn:x"><b Id="1" Name="lens">text</b><c Name="only named"/><d> 5 </d></a>')
    assert as_text(root).splitlines() == [
        "XML",
        "  a",
        "    b: text",
        "      Id: 1",
        "      Name: lens",
        "    c: only named",
        "      Name: only named",
        "    d: 5",
    ]


def test_damaged_xml_gives_what_can_be_had():
    root = xml("<a><b>1</b><c><d>2</d><e")
    assert values(root)["b"] == "1"
    assert values(root)["d"] == "2"
    assert "damaged" in values(root)["Damage"]
    assert "damaged" in values(xml(b"\xff\xfe\0nonsense"))["Damage"]
    assert "damaged" in values(xml(""))["Damage"]


def test_entities_are_refused():
    bomb = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>'
    assert "ha" not in as_text(xml(bomb)).replace("damaged", "")
    outside = '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><x>&f;</x>'
    assert "root" not in as_text(xml(outside))


def test_a_huge_document_is_cut_in_bounded_time_and_depth():
    wide = b"<a>" + b"<b k='v'>1</b>" * 2_000_000 + b"</a>"
    start = time.process_time()
    root = xml(wide)
    assert sum(1 for _ in root.walk()) <= MOST_NODES + 2
    assert time.process_time() - start < 20
    deep = xml("<a>" * 5000 + "</a>" * 5000)
    assert max(depth for depth, _ in deep.walk()) < 100


def test_reading_can_be_cancelled():
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(CancelledError):
        xml_tree("XML", b"<a>" + b"<b/>" * 2000 + b"</a>", Budget(cancel))


# -- files -------------------------------------------------------------------------------------------------------------


def test_czi_metadata_and_tiles(shared_data):
    found = values(details(shared_data / "czi" / "tiles.czi"))
    assert found["Title"] == "2x2 tiles"
    assert found["PixelType"] == "Gray8"
    assert found["Stored"] == "8"
    assert found["Gray8"].startswith("8 tiles, compression")
    assert found["Dimension C"] == "2 (0 to 1)"


def test_tiff_tags_and_ome_xml(tmp_path):
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, noise(40, 50, 3), metadata={"axes": "YXS", "PhysicalSizeX": 0.25}, software="made up")
    found = values(details(path))
    assert found["PhysicalSizeX"] == "0.25"
    assert found["ImageWidth"] == "50"
    assert found["Software"] == "made up"
    assert found["PhotometricInterpretation"] == "RGB"
    assert "ome" in found["Kind"]


def test_imagej_tags(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, noise(40, 50, 1)[..., 0], imagej=True, metadata={"unit": "um", "Info": "by hand"})
    assert values(details(path))["unit"] == "um"
    assert values(details(path))["Info"] == "by hand"


def test_all_tiff_fixtures_say_something(shared_data):
    paths = sorted(p for p in (shared_data / "tiff").rglob("*") if p.suffix.lower() in (".tif", ".tiff", ".svs"))
    assert paths
    for path in paths:
        assert details(path).children


def test_ome_zarr_attributes_without_its_chunks(tmp_path):
    folder = tmp_path / "a.zarr"
    (folder / "0" / "0").mkdir(parents=True)
    (folder / ".zattrs").write_text(json.dumps({"multiscales": [{"axes": [{"name": "y"}]}], "omero": {"id": 7}}))
    (folder / "0" / ".zarray").write_text(json.dumps({"chunks": [64, 64], "dtype": "|u1"}))
    (folder / "0" / "0" / "zarr.json").write_text("{}")
    (folder / "zarr.json").write_text("{broken")
    found = values(details(folder))
    assert found["id"] == "7"
    assert found["chunks"] == "64, 64"
    assert "can't be read" in found["zarr.json"]
    assert not [name for name in found if name.startswith("0/0/")]


def test_a_folder_of_tiles_tells_what_its_files_are(tmp_path):
    for name in ("b.tif", "a.tif"):
        tifffile.imwrite(tmp_path / name, noise(20, 30, 1)[..., 0], software=name)
    (tmp_path / "places.csv").write_text("file,x,y")
    found = values(details(tmp_path))
    assert (found[".tif"], found[".csv"]) == ("2", "1")
    assert found["Software"] == "a.tif"


def test_png_texts(tmp_path):
    import struct
    import zlib

    path = write_image(tmp_path / "a.png", spotted_image(spots=1))
    whole = path.read_bytes()
    data = b"Comment\0polished twice"
    chunk = struct.pack(">I", len(data)) + b"tEXt" + data + struct.pack(">I", zlib.crc32(b"tEXt" + data))
    path.write_bytes(whole[:33] + chunk + whole[33:])
    assert values(details(path))["Comment"] == "polished twice"


@pytest.mark.parametrize("head", [b"ZISRAWFILE", b"II*\0", b"II+\0", b"\x89PNG\r\n\x1a\n", b"what", b""])
def test_damaged_files_say_so_and_nothing_else_happens(tmp_path, head):
    path = tmp_path / "broken"
    rng = np.random.default_rng(1)
    path.write_bytes(head + rng.bytes(3000) if head else b"")
    for _, detail in details(path).walk():
        assert "Traceback" not in detail.value
    assert details(tmp_path / "missing").children == ()


def test_trees_of_values_are_bounded():
    budget = Budget(CancelToken(), 1000)
    tree = tree_of("x", {"a": list(range(5000)), "b": [{"c": i} for i in range(5000)]}, budget)
    assert sum(1 for _ in tree.walk()) <= 1001
    assert "(5,000)" in values(tree)["a"]


def test_a_search_keeps_what_the_found_stand_under_and_over():
    inner = Detail("Objective", "Epiplan", (Detail("NA", "0.4"),))
    root = Detail("file", "", (Detail("A", "", (inner, Detail("B", "2"))), Detail("C", "epi something else")))
    shown, found = search(root, "epiplan obj")
    assert as_text(shown).split("\n") == ["file", "  A", "    Objective: Epiplan", "      NA: 0.4", ""]
    assert found == 1
    assert search(root, "EPI")[1] == 2
    assert search(root, "nothing") == (Detail("file"), 0)
    assert search(root, "  ") == (root, 5)


def test_the_facts_name_what_is_missing_and_every_warning():
    section = MemorySection(noise(10, 20), pixel_size_um=None)
    facts = dict(section_facts(section.info))
    assert facts["pixel size"] == "not stated"
    assert facts["stage"] == "not stated"
    assert "20 × 10 px" in facts["size"]


def test_the_facts_count_only_axes_that_have_several():
    info = MemorySection(noise(10, 20)).info
    assert "planes" not in dict(section_facts(info))
    assert dict(section_facts(replace(info, t_count=3)))["planes"] == "3 times"
    assert dict(section_facts(replace(info, z_count=5)))["planes"] == "5 focus steps"
    assert dict(section_facts(replace(info, z_count=5, t_count=3)))["planes"] == "5 focus steps, 3 times"


def test_sources_of_the_stage_that_agree_are_not_said_to_disagree():
    stage = StageTransform("tile_positions", ((1, 0, 0), (0, 1, 0)), disagreement_um=0.004)
    assert "disagree" not in stage_text(stage)
    assert stage_text(replace(stage, disagreement_um=0.3)).endswith("other sources disagree by up to 0.30 µm")


def test_info_all_prints_everything(capsys, tmp_path: Path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, noise(40, 50, 3), software="made up")
    assert main(["info", str(path), "--all"]) == 0
    out = capsys.readouterr().out
    assert "50 × 40 px" in out
    assert "Software: made up" in out
    assert main(["info", str(path), "--all", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert any(entry["name"] == "Page 0" for entry in document["metadata"])


# -- the window --------------------------------------------------------------------------------------------------------


@pytest.fixture
def dialog(qtbot, qapp, tmp_path):
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, noise(400, 500, 3), metadata={"axes": "YXS", "PhysicalSizeX": 0.25}, software="made up")
    with open_window(qapp) as window:
        open_and_wait(qtbot, window, path)
        press(qtbot, window, Qt.Key.Key_I, Qt.KeyboardModifier.ControlModifier)
        dialog = window.findChild(SectionInfoDialog)
        qtbot.waitUntil(lambda: dialog.tree.topLevelItemCount() > 1)
        dialog.window_above = window
        yield dialog
        dialog.close()


def seen(dialog) -> str:
    """Every row that can be scrolled to."""
    lines, rows = [], [dialog.tree.topLevelItem(i) for i in range(dialog.tree.topLevelItemCount())]
    while rows:
        item = rows.pop(0)
        lines.append(f"{item.text(0)}: {item.text(1)}")
        if item.isExpanded():
            rows = [item.child(i) for i in range(item.childCount())] + rows
    return "\n".join(lines)


def test_searching_shows_only_what_matches_under_what_it_belongs_to(qtbot, dialog):
    assert "Pixel size: " in seen(dialog)
    qtbot.keyClicks(dialog.search, "made UP")
    assert "Software: made up" in seen(dialog)
    assert "Page 0" in seen(dialog)
    assert "Pixel size" not in seen(dialog)
    assert dialog.count.text().startswith("1 of ")
    dialog.search.clear()
    qtbot.keyClicks(dialog.search, "no such thing")
    assert seen(dialog) == ""
    dialog.search.clear()
    assert "Pixel size: " in seen(dialog)


def test_rows_are_copied_and_all_is_saved(qtbot, dialog, tmp_path, monkeypatch):
    qtbot.keyClicks(dialog.search, "software")
    dialog.copy.click()
    assert "Software: made up" in QApplication.clipboard().text()
    item = dialog.tree.findItems("Software", Qt.MatchFlag.MatchExactly | Qt.MatchFlag.MatchRecursive)[0]
    dialog.tree.setCurrentItem(item)
    qtbot.keyClick(dialog.tree, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QApplication.clipboard().text() == "Software: made up"
    out = tmp_path / "out.txt"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(out), ""))
    dialog.save.click()
    text = out.read_text(encoding="utf-8")
    assert "ImageWidth: 500" in text, "all of it, whatever the search shows"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(tmp_path / "no" / "x.txt"), ""))
    dialog.save.click()
    assert dialog.window_above.notifications.level == "error"


def test_tens_of_thousands_of_entries_are_made_only_where_one_looks(qtbot, dialog):
    many = tuple(Detail(f"node {i}", "", tuple(Detail(f"leaf {i} {j}") for j in range(9))) for i in range(4000))
    dialog._take(Detail("file", "", (Detail("XML", "", many),)))
    rows = dialog.tree.findItems("", Qt.MatchFlag.MatchContains | Qt.MatchFlag.MatchRecursive)
    assert len(rows) < 2100
    assert "… and 2,000 more" in seen(dialog)
    qtbot.keyClicks(dialog.search, "leaf 3999 7")
    assert "leaf 3999 7" in seen(dialog)
    assert "1 of 40,0" in dialog.count.text()
    dialog.search.setText("leaf")
    assert dialog.count.text().startswith("36,000 of")
    dialog.tree.clearSelection()
    dialog.copy.click()
    assert QApplication.clipboard().text().count("leaf") == 36_000


def test_metadata_that_cannot_be_read_leave_what_is_known(qtbot, dialog, monkeypatch):
    def damaged(path, cancel):
        raise InputError("the metadata can't be read", path=path, remedy="Copy the file again.")

    monkeypatch.setattr(section_info, "details", damaged)
    window = dialog.window_above
    again = SectionInfoDialog(window, window.session, window.session.section.info)
    qtbot.waitUntil(lambda: window.notifications.level == "error")
    qtbot.waitUntil(lambda: not window.session.lanes.io.busy)
    assert again.count.text().endswith("entries")
