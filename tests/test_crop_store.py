"""Pictures kept in a project: there tomorrow, bounded, and nobody's trouble when the disk won't have them."""

from __future__ import annotations

import sqlite3
import threading

import pytest

from core.project.crop_store import CropStore


@pytest.fixture
def store(tmp_path):
    store = CropStore(tmp_path / "crops")
    yield store
    store.close()


def test_a_picture_is_there_again_after_closing(tmp_path, store):
    assert store.get(b"one") is None
    store.put(b"one", b"picture")
    store.put(b"one", b"another picture")
    store.close()
    assert store.get(b"one") is None, "closed"
    again = CropStore(tmp_path / "crops")
    assert again.get(b"one") == b"another picture"
    again.close()


def test_what_was_looked_at_longest_ago_goes_first(tmp_path):
    store = CropStore(tmp_path / "crops", most_bytes=10_000)
    for number in range(10):
        store.put(bytes([number]), bytes(1000))
    assert store.get(bytes([0])) is not None
    store.put(b"new", bytes(1000))
    kept = [number for number in range(10) if store.get(bytes([number])) is not None]
    assert kept == [0, 3, 4, 5, 6, 7, 8, 9]
    store.put(b"too large", bytes(20_000))
    assert store.get(b"too large") is None
    for number in range(200):
        store.put(b"more" + bytes([number]), bytes(1000))
    store.close()
    with sqlite3.connect(tmp_path / "crops" / "crops.sqlite") as db:
        assert db.execute("SELECT sum(size) FROM crops").fetchone()[0] <= 10_000
    db.close()
    assert (tmp_path / "crops" / "crops.sqlite").stat().st_size < 60_000


def test_a_damaged_file_is_begun_anew(tmp_path):
    folder = tmp_path / "crops"
    folder.mkdir()
    (folder / "crops.sqlite").write_bytes(b"this is no database" * 1000)
    store = CropStore(folder)
    assert store.get(b"one") is None
    store.put(b"one", b"picture")
    assert store.get(b"one") == b"picture"
    store.close()


def test_a_file_damaged_while_it_is_open_is_done_without(tmp_path):
    store = CropStore(tmp_path / "crops")
    for number in range(50):
        store.put(bytes([number]), bytes(5000))
    store.close()
    path = tmp_path / "crops" / "crops.sqlite"
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"x" * (len(whole) - 4096))
    store = CropStore(tmp_path / "crops")
    for number in range(50):
        store.get(bytes([number]))
        store.put(bytes([number]), b"new")
    store.close()
    again = CropStore(tmp_path / "crops")
    again.put(b"one", b"picture")
    assert again.get(b"one") == b"picture"
    again.close()


class Failing:
    """A connection whose disk has become full."""

    def __init__(self, db):
        self.db = db

    def __enter__(self):
        return self.db.__enter__()

    def __exit__(self, *exc):
        return self.db.__exit__(*exc)

    def close(self):
        self.db.close()

    def execute(self, statement, *values):
        if statement.startswith("REPLACE"):
            raise sqlite3.OperationalError("database or disk is full")
        return self.db.execute(statement, *values)


def test_on_a_full_disk_what_is_kept_still_shows(store):
    store.put(b"one", b"picture")
    store._db = Failing(store._db)
    store.put(b"two", b"picture")
    assert store.get(b"two") is None
    assert store.get(b"one") == b"picture"
    store.put(b"three", b"picture")
    assert store.get(b"three") is None


def test_where_nothing_can_be_written_what_was_kept_is_read(tmp_path, monkeypatch):
    store = CropStore(tmp_path / "crops")
    store.put(b"one", b"picture")
    store.close()

    def refuse(self):
        raise sqlite3.OperationalError("attempt to write a readonly database")

    monkeypatch.setattr(CropStore, "_open", refuse)
    reading = CropStore(tmp_path / "crops")
    assert reading.get(b"one") == b"picture"
    reading.put(b"two", b"picture")
    assert reading.get(b"two") is None
    reading.close()
    nothing = CropStore(tmp_path / "no folder" / "crops")
    assert nothing.get(b"one") is None
    nothing.put(b"one", b"picture")
    nothing.close()


def test_several_threads_and_programs_share_it(tmp_path, store):
    other = CropStore(tmp_path / "crops")

    def work(one, first):
        for number in range(first, first + 40):
            one.put(bytes([number]), bytes([number]) * 100)

    threads = [
        threading.Thread(target=work, args=(s, n)) for s, n in ((store, 0), (store, 40), (other, 80), (other, 120))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(store.get(bytes([n])) == other.get(bytes([n])) == bytes([n]) * 100 for n in range(160))
    other.close()
