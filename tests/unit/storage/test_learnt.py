"""The store of learnt entities: documents by name, in the order they came."""

import pytest

from d365fo_emulator.storage.database import Database, build_file
from d365fo_emulator.storage.learnt import SqliteLearntStore
from d365fo_emulator.storage.schema import CONTROL, CONTROL_VERSION

pytestmark = pytest.mark.evidence("inferred")


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "control.db"
    build_file(path, CONTROL, CONTROL_VERSION)
    database = Database(path, durable=False)
    yield database
    database.close()


def test_documents_come_back_in_the_order_they_were_first_kept(database):
    store = SqliteLearntStore(database)
    store.save("B", '{"first": true}')
    store.save("A", "{}")
    store.save("B", '{"first": false}')
    assert SqliteLearntStore(database).load() == [("B", '{"first": false}'), ("A", "{}")]


def test_clearing_forgets_every_document(database):
    store = SqliteLearntStore(database)
    store.save("A", "{}")
    store.clear()
    assert store.load() == []
