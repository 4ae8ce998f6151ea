from __future__ import annotations

import dataclasses
import datetime as dt
import os
import sqlite3

import pytest

from blob_tools import NOW, place_in
from d365fo_emulator.blob.local import LocalContentStore
from d365fo_emulator.blob.model import Blob, BlobHeaders, Block, CommittedBlock, Extent
from d365fo_emulator.storage.blobs import SqliteBlobStore
from d365fo_emulator.storage.database import Database, build_file
from d365fo_emulator.storage.schema import CONTROL, CONTROL_VERSION

BLOB = Blob(
    "dmf",
    "a/ä.zip",
    "c1",
    3,
    "md5",
    '"0x8D1"',
    NOW,
    NOW + dt.timedelta(microseconds=5),
    BlobHeaders("text/plain", cache_control="no-store"),
    {"Origin": "ü"},
    (CommittedBlock("MQ==", 1), CommittedBlock("Mg==", 2)),
)


@pytest.fixture
def store(tmp_path):
    build_file(tmp_path / "control.db", CONTROL, CONTROL_VERSION)
    database = Database(tmp_path / "control.db", durable=False)
    yield SqliteBlobStore(database)
    database.close()


@pytest.fixture
def content(tmp_path):
    names = iter("abcdefgh")
    return LocalContentStore(tmp_path / "content", lambda: next(names))


def listing(tmp_path):
    return sorted(file.name for file in (tmp_path / "content").iterdir())


def keep(content, data):
    writer = content.create()
    writer.write(data)
    return writer.commit()


@pytest.mark.evidence("inferred")
def test_a_blob_is_kept_with_all_that_it_says(store):
    assert store.get("dmf", BLOB.name) is None
    assert list(store.put(BLOB)) == []
    assert store.get("dmf", BLOB.name) == BLOB
    assert store.contents() == {"c1"}


@pytest.mark.evidence("inferred")
def test_putting_tells_the_contents_that_nothing_names_any_more(store):
    store.put(BLOB)
    store.put_block("dmf", BLOB.name, Block("MQ==", "b1", 1))
    store.put_block("dmf", "another", Block("MQ==", "b2", 1))
    assert list(store.put(dataclasses.replace(BLOB, content="c2"))) == ["b1", "c1"]
    assert store.contents() == {"c2", "b2"}
    assert list(store.delete("dmf", BLOB.name)) == ["c2"]
    assert list(store.delete("dmf", "never")) == []


@pytest.mark.evidence("inferred")
def test_blocks_keep_their_order_of_staging(store):
    for block_id, name in (("Mw==", "x"), ("MQ==", "y"), ("Mg==", "z")):
        assert list(store.put_block("dmf", "n", Block(block_id, name, 1))) == []
    assert list(store.put_block("dmf", "n", Block("MQ==", "new", 9))) == ["y"]
    assert [block.content for block in store.blocks("dmf", "n")] == ["x", "new", "z"]
    assert store.first_block("dmf", "n").block_id == "Mw=="
    assert store.first_block("dmf", "other") is None


@pytest.mark.evidence("inferred")
def test_a_failed_write_changes_nothing(store):
    store.put(BLOB)
    with pytest.raises(sqlite3.IntegrityError):
        store.put(dataclasses.replace(BLOB, content=None))
    assert store.get("dmf", BLOB.name) == BLOB


@pytest.mark.evidence("inferred")
def test_content_is_seen_only_when_committed(content, tmp_path):
    writer = content.create()
    writer.write(b"abc")
    with pytest.raises(FileNotFoundError):
        content.open("a")
    assert writer.commit() == "a"
    writer = content.create()
    writer.write(b"x")
    writer.abort()
    writer.abort()
    assert listing(tmp_path) == ["a"]


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("sendfile", [True, False])
def test_extents_are_put_together(content, tmp_path, monkeypatch, sendfile):
    if not sendfile:
        monkeypatch.delattr(os, "sendfile", raising=False)
    big = keep(content, b"0123456789" * 60_000)
    small = keep(content, b"abc")
    joined = content.concatenate(
        [Extent(small, 1, 2), Extent(big, 5, 599_995), Extent(small, 0, 1)]
    )
    with content.open(joined) as file:
        assert file.read() == b"bc" + (b"0123456789" * 60_000)[5:] + b"a"
    before = listing(tmp_path)
    with pytest.raises(FileNotFoundError):
        content.concatenate([Extent(small, 0, 3), Extent("gone", 0, 1)])
    assert listing(tmp_path) == before


@pytest.mark.evidence("inferred")
def test_held_bytes_outlive_their_content(content, tmp_path, monkeypatch):
    name = keep(content, b"abc")
    content.hold(name, tmp_path / "linked")
    with pytest.raises(FileExistsError):
        content.hold(name, tmp_path / "linked")

    def refuse(*_, **__):
        raise OSError(18, "another device")

    monkeypatch.setattr(os, "link", refuse)
    content.hold(name, tmp_path / "copied")
    content.delete([name, "never"])
    assert [(tmp_path / n).read_bytes() for n in ("linked", "copied")] == [b"abc", b"abc"]


@pytest.mark.evidence("inferred")
def test_cleaning_leaves_what_is_named(content, tmp_path):
    kept, _orphan = keep(content, b"1"), keep(content, b"2")
    unfinished = content.create()
    unfinished.write(b"3")
    unfinished._file.close()
    content.clean({kept})
    assert listing(tmp_path) == [kept]


@pytest.mark.evidence("inferred")
def test_a_held_package_is_the_one_that_was_there(tmp_path):
    place = place_in(tmp_path / "w", "w")
    blob = place.service.write_package("dmf", "p", lambda sink: sink.write(b"first"))
    place.service.hold(blob, tmp_path / "held.zip")
    place.service.write_package("dmf", "p", lambda sink: sink.write(b"second"))
    assert (tmp_path / "held.zip").read_bytes() == b"first"
    assert len(place.files()) == 1
    with pytest.raises(ZeroDivisionError):
        place.service.write_package("dmf", "p", lambda _sink: 1 / 0)
    assert place.read("p") == b"second"
    assert len(place.files()) == 1
    place.database.close()
