"""Database files of older, newer and other making."""

from __future__ import annotations

import sqlite3

import pytest

from d365fo_emulator.dmf.model import DataProject, Operation
from d365fo_emulator.kernel.errors import ConfigurationError
from d365fo_emulator.packages.model import PackageEntity
from d365fo_emulator.storage.database import Database, build_file
from d365fo_emulator.storage.executions import SqliteDataManagementStore
from d365fo_emulator.storage.migrations import CONTROL_STEPS, DATA_STEPS, migrate
from d365fo_emulator.storage.schema import CONTROL, CONTROL_VERSION, DATA, DATA_VERSION

pytestmark = pytest.mark.evidence("inferred")
FIRST = "CREATE TABLE thing (name TEXT); INSERT INTO thing VALUES ('kept');"
STEPS = {
    2: "ALTER TABLE thing ADD COLUMN size INTEGER NOT NULL DEFAULT 7;",
    3: "UPDATE thing SET size = size * 6; CREATE INDEX thing_size ON thing (size);",
}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "control.db"
    build_file(path, FIRST, 1)
    return path


def ask(path, question):
    connection = sqlite3.connect(path)
    try:
        return connection.execute(question).fetchall()
    finally:
        connection.close()


def version_of(path):
    return ask(path, "PRAGMA user_version")[0][0]


def test_an_older_file_is_taken_through_every_step_with_what_it_holds(path):
    migrate(path, 3, STEPS)
    assert version_of(path) == 3
    assert ask(path, "SELECT name, size FROM thing") == [("kept", 42)]


def test_a_file_is_taken_no_further_than_asked_and_goes_on_from_there(path):
    migrate(path, 2, STEPS)
    assert ask(path, "SELECT size FROM thing") == [(7,)]
    migrate(path, 3, STEPS)
    assert ask(path, "SELECT size FROM thing") == [(42,)]


def test_a_file_of_this_version_is_left_as_it_is(path):
    before = path.read_bytes()
    migrate(path, 1, STEPS)
    assert path.read_bytes() == before


def test_a_newer_file_is_refused_and_untouched(path):
    migrate(path, 3, STEPS)
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match=r"control\.db was written by a newer release"):
        migrate(path, 2, STEPS)
    assert path.read_bytes() == before


def test_a_step_that_fails_leaves_the_version_before_it(path):
    steps = {2: STEPS[2], 3: "CREATE TABLE half (x); INSERT INTO nowhere VALUES (1);"}
    with pytest.raises(ConfigurationError, match="nowhere"):
        migrate(path, 3, steps)
    assert version_of(path) == 2
    assert ask(path, "SELECT name FROM sqlite_schema WHERE name = 'half'") == []


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(lambda content: b"", id="empty"),
        pytest.param(lambda content: b"no database at all " * 500, id="other content"),
        pytest.param(lambda content: content[: len(content) // 2], id="cut off"),
    ],
)
def test_a_broken_file_is_refused_in_one_sentence_that_names_it(path, broken):
    content = broken(path.read_bytes())
    path.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        migrate(path, 1, {})
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    assert "another data directory" in message
    assert path.read_bytes() == content


def test_a_path_that_is_no_file_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be used as a database"):
        migrate(tmp_path, 1, {})


@pytest.mark.parametrize(
    ("statements", "version", "steps"),
    [(CONTROL, CONTROL_VERSION, CONTROL_STEPS), (DATA, DATA_VERSION, DATA_STEPS)],
    ids=["control", "data"],
)
def test_there_is_a_step_to_every_version_after_the_first(tmp_path, statements, version, steps):
    assert set(steps) == set(range(2, version + 1))
    build_file(tmp_path / "new.db", statements, version)
    migrate(tmp_path / "new.db", version, steps)
    assert version_of(tmp_path / "new.db") == version


def test_projects_of_version_1_are_still_there(tmp_path):
    path = tmp_path / "old.db"
    build_file(path, CONTROL_1, 1)
    migrate(path, CONTROL_VERSION, CONTROL_STEPS)
    database = Database(path, durable=False)
    try:
        (project,) = SqliteDataManagementStore(database).projects()
    finally:
        database.close()
    assert project == DataProject(
        "Groups", Operation.EXPORT, (PackageEntity("Customer groups", "a.csv", "CSV", None),), "all"
    )


CONTROL_1 = """
CREATE TABLE project (
  folded TEXT PRIMARY KEY, name TEXT NOT NULL, operation TEXT NOT NULL, description TEXT NOT NULL,
  entities TEXT NOT NULL
);
INSERT INTO project VALUES ('groups', 'Groups', 'Export', 'all',
  '[{"label": "Customer groups", "file_name": "a.csv", "source_format": "CSV", "maps": null}]');
"""
