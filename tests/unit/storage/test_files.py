"""The files of workspaces: made from templates, opened again, never half there."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from d365fo_emulator.kernel.errors import ConfigurationError
from d365fo_emulator.storage.files import WorkspaceFiles

pytestmark = pytest.mark.evidence("inferred")
KINDS = ["control", "data"]
PUT = {
    "control": "INSERT INTO meta VALUES ('a', 'b')",
    "data": "INSERT INTO physical VALUES ('a', 1)",
}
COUNT = {"control": "SELECT count(*) FROM meta", "data": "SELECT count(*) FROM physical"}


@pytest.fixture
def files(tmp_path):
    return WorkspaceFiles(tmp_path / "templates", durable=False)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder


def put_one(database, kind):
    with database.write() as connection:
        connection.execute(PUT[kind])


def count(database, kind):
    with database.read() as connection:
        return connection.execute(COUNT[kind]).fetchone()[0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_made_once_and_found_again_with_what_it_holds(files, folder, kind):
    database = getattr(files, kind)(folder)
    put_one(database, kind)
    database.close()
    again = getattr(files, kind)(folder)
    assert count(again, kind) == 1
    again.close()


@pytest.mark.parametrize("kind", KINDS)
def test_workspaces_share_a_template_and_nothing_else(files, tmp_path, kind):
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    one, two = (getattr(files, kind)(folder) for folder in folders)
    put_one(one, kind)
    assert (count(one, kind), count(two, kind)) == (1, 0)
    one.close()
    two.close()


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_but_the_files_is_left_behind(files, folder, tmp_path, kind):
    getattr(files, kind)(folder).close()
    assert [path.name for path in folder.iterdir()] == [f"{kind}.db"]
    assert [path.suffix for path in (tmp_path / "templates").iterdir()] == [".db"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_that_is_cut_off_leaves_no_file_and_is_made_again(files, folder, kind, monkeypatch):
    class Killed(BaseException):
        pass

    def cut_off(source, target):
        target.write_bytes(source.read_bytes()[:1000])
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfile", cut_off)
        with pytest.raises(Killed):
            getattr(files, kind)(folder)
    assert not (folder / f"{kind}.db").exists()
    database = getattr(files, kind)(folder)
    assert count(database, kind) == 0
    database.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_broken_file_is_refused_by_name_and_not_replaced(files, folder, kind):
    path = folder / f"{kind}.db"
    path.write_bytes(b"x" * 5000)
    with pytest.raises(ConfigurationError, match=rf"{kind}\.db cannot be used as a database"):
        getattr(files, kind)(folder)
    assert path.read_bytes() == b"x" * 5000


def test_first_workspaces_made_at_once_are_all_whole(files, tmp_path):
    folders = [tmp_path / str(number) for number in range(8)]
    for folder in folders:
        folder.mkdir()
    with ThreadPoolExecutor(8) as pool:
        databases = list(pool.map(files.control, folders))
    for database in databases:
        put_one(database, "control")
        assert count(database, "control") == 1
        database.close()
