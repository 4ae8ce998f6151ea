"""Attachments in the database: found without letter case, contents told when nothing names them."""

from __future__ import annotations

import pytest

from d365fo_emulator.dmf.attachment_store import Attachment
from d365fo_emulator.storage.attachments import SqliteAttachmentStore
from d365fo_emulator.storage.database import Database, build_file
from d365fo_emulator.storage.schema import DATA, DATA_VERSION

pytestmark = pytest.mark.evidence("inferred")


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "data.db"
    build_file(path, DATA, DATA_VERSION)
    database = Database(path, durable=False)
    yield SqliteAttachmentStore(database)
    database.close()


def attachment(name="Größe.pdf", content="c1", company="USMF", entity="UnitEntity"):
    return Attachment(entity, company, name, content, 3)


def test_an_attachment_is_found_without_letter_case_in_its_own_company(store):
    store.put(attachment())
    assert store.find("UnitEntity", "USMF", "GRÖSSE.PDF") == attachment()
    assert store.find("UnitEntity", "DEMF", "Größe.pdf") is None
    assert store.find("OtherEntity", "USMF", "Größe.pdf") is None


def test_names_come_by_alphabet_of_one_entity_and_company(store):
    for name in ("b", "A", "c/d"):
        store.put(attachment(name))
    store.put(attachment("x", company="DEMF"))
    assert store.names("UnitEntity", "USMF") == ["A", "b", "c/d"]


def test_a_content_is_told_when_the_last_attachment_that_names_it_is_replaced(store):
    assert store.put(attachment()) == []
    assert store.put(attachment(company="DEMF")) == []
    assert store.put(attachment("grösse.pdf", content="c2")) == []
    assert store.put(attachment(content="c2", company="DEMF")) == ["c1"]
    assert store.contents() == {"c2"}


def test_the_same_content_again_is_not_told(store):
    store.put(attachment())
    assert store.put(attachment()) == []
