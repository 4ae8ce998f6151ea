"""What a kept data directory holds over a restart, and who may open it."""

import sqlite3
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

import job_tools
from builders import package
from d365fo_emulator import Emulator
from d365fo_emulator.config.loader import load_config
from d365fo_emulator.kernel.errors import ConfigurationError
from job_tools import Client

pytestmark = pytest.mark.evidence("documented")


def emulator_in(folder, http_port=0):
    config = {"data_dir": folder, "http_port": http_port, "https_port": 0, "clock": "auto"}
    return Emulator(job_tools.ENVIRONMENT, config=load_config(config))


def client_of(emulator):
    return Client(emulator.client_config(), emulator.http_url)


def test_a_restart_keeps_everything_and_gives_no_id_twice(tmp_path):
    with emulator_in(tmp_path) as emulator:
        config, address = emulator.client_config(), emulator.http_url
        config["resource"] = address
        with Client(config, address) as client:
            url = client.upload(package())
            first = client.import_from(url)
            assert client.poll(first)[-1] == "Succeeded"
            token = client.token
        authority = emulator.admin.ca_pem()
        rows = dict(emulator.rows(job_tools.GROUPS, company="USMF"))
        requests = {entry.id for entry in emulator.journal}
    with emulator_in(tmp_path, urlsplit(address).port) as emulator:
        assert emulator.admin.ca_pem() == authority != ""
        assert dict(emulator.rows(job_tools.GROUPS, company="USMF")) == rows != {}
        assert emulator.executions.only().state == "Succeeded"
        with Client(config, address, token) as client:  # yesterday's token and URL are still good
            assert client.state(first) == "Succeeded"
            assert client.get(url) == package()
            second = client.import_from(url)
            assert client.poll(second)[-1] == "Succeeded"
        assert requests.isdisjoint(entry.id for entry in emulator.journal)
        assert [one.id for one in emulator.executions] == [first, second]


def test_other_workspaces_live_as_long_as_the_server(tmp_path):
    with emulator_in(tmp_path) as emulator:
        view = emulator.create_workspace("another")
        folder = view.parts.workspace.folder
        assert folder.is_dir()
    assert not folder.exists()
    folder.mkdir()  # as after a process that was killed
    with emulator_in(tmp_path) as emulator:
        assert not folder.exists()
        assert [one.id for one in emulator.workspaces.workspaces()] == ["default"]


def test_half_a_beginning_is_begun_again(tmp_path):
    """A process that is killed while it seeds must not leave half an environment for a whole."""
    rows = [{"CUSTOMERGROUPID": "10"}]
    data = [{"entity": job_tools.GROUPS, "company": "USMF", "rows": rows}]
    environment = {"version": 1, "data": data}
    with Emulator(environment, data_dir=tmp_path) as emulator:
        folder = emulator.parts.workspace.folder
    (folder / "generation.json").unlink()
    (folder / "data.db").unlink()
    with Emulator(environment, data_dir=tmp_path) as emulator:
        assert list(emulator.rows(job_tools.GROUPS, company="USMF")) == ["10"]


def test_what_was_changed_is_not_seeded_again(tmp_path):
    rows = [{"CUSTOMERGROUPID": "10", "DESCRIPTION": "Seeded"}]
    data = [{"entity": job_tools.GROUPS, "company": "USMF", "rows": rows}]
    environment = {"version": 1, "data": data}
    emulator = Emulator(environment, data_dir=tmp_path)
    with emulator, client_of(emulator) as client:
        assert client.poll(client.import_package(package()))[-1] == "Succeeded"
    with Emulator(environment, data_dir=tmp_path) as emulator:
        found = emulator.rows(job_tools.GROUPS, company="USMF")
        assert found["10"]["Description"] == "Wholesale"


def test_a_second_process_is_refused_in_one_sentence(tmp_path):
    with emulator_in(tmp_path):
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "d365fo_emulator",
                "serve",
                "--data-dir",
                str(tmp_path),
                "--http-port",
                "0",
                "--https-port",
                "0",
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.strip().count("\n") == 0
    assert f"the data directory {tmp_path} is in use by another emulator" in done.stderr
    assert "--data-dir" in done.stderr


def test_a_second_emulator_of_this_process_is_refused_and_leaves_the_first_alone(tmp_path):
    with emulator_in(tmp_path) as first:
        with pytest.raises(ConfigurationError, match="in use by another emulator"):
            emulator_in(tmp_path).start()
        with Client(first.client_config(), first.http_url) as client:
            assert client.write_url()
    with emulator_in(tmp_path):
        pass


@pytest.mark.parametrize("file", ["control.db", "data.db"])
def test_a_schema_of_a_newer_release_is_refused_and_left_as_it_is(tmp_path, file):
    with emulator_in(tmp_path) as emulator:
        path = emulator.parts.workspace.folder / file
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version=99")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="written by a newer release"):
        emulator_in(tmp_path).start()
    assert path.read_bytes() == before


def test_a_data_directory_that_is_a_file_is_refused_with_the_remedy(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="--data-dir"):
        emulator_in(tmp_path / "file").start()
