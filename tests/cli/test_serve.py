"""The command as people run it: real processes, real sockets."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from builders import Table, package

pytestmark = pytest.mark.evidence("documented")
ONE_GROUP = Table("Customer groups", ("CUSTOMERGROUPID",), (("91",),))
READY_MEMBERS = [
    *("version", "pid", "http_url", "https_url", "admin_url", "blob_url", "ca_bundle"),
    *("data_dir", "tenant_id", "client_id", "client_secret", "username", "password"),
    *("resource", "company"),
]


class Command:
    """The command, away from the user's own emulator and settings."""

    def __init__(self, folder):
        self.folder = folder
        self.ready = folder / "ready.json"
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("D365FO_", "AZURE_"))
        } | {"XDG_STATE_HOME": str(folder / "state"), "XDG_DATA_HOME": str(folder / "share")}

    def start(self, *arguments):
        return subprocess.Popen(
            [sys.executable, "-m", "d365fo_emulator", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments, code=0):
        with self.start(*arguments) as process:
            out, error = process.communicate(timeout=60)
        assert process.returncode == code, (arguments, out, error)
        return out if code == 0 else out + error

    @contextlib.contextmanager
    def serving(self, *arguments):
        ports = ("--http-port", "0", "--https-port", "0", "--ready-file", str(self.ready))
        process = self.start("serve", *ports, *arguments)
        try:
            self.run("wait", "--ready-file", str(self.ready))
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()


@pytest.fixture
def command(tmp_path):
    return Command(tmp_path)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """One emulator with the demonstration data for the tests that only use it."""
    command = Command(tmp_path_factory.mktemp("served"))
    with command.serving("--ephemeral"):
        yield command


def test_it_says_where_it_is_then_ready_and_stops_within_five_seconds(command):
    with command.serving("--ephemeral") as process:
        ready = json.loads(command.ready.read_text("utf-8"))
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        out, _ = process.communicate(timeout=5)
        assert time.monotonic() - began < 5
    lines = out.splitlines()
    assert process.returncode == 0
    assert lines[0] == f"{ready['https_url']} {ready['http_url']}"
    assert lines[-1] == "Ready."
    assert list(ready) == READY_MEMBERS
    assert ready["pid"] == process.pid
    assert not command.ready.exists()
    assert list((command.folder / "state").rglob("*.json")) == []
    assert not Path(ready["data_dir"]).exists()


def test_a_package_is_exported_changed_by_nobody_and_imported_again(served):
    out = served.run("export", "Export customer groups")
    saved = served.folder / "Export customer groups.zip"
    assert "Customer groups: 4 read, 4 staged, 4 created, 0 updated\n" in out
    assert f"saved {saved.name}" in out
    assert "Manifest.xml" in zipfile.ZipFile(saved).namelist()
    document = json.loads(served.run("import", str(saved), "--json"))
    assert document["state"] == "Succeeded"
    assert document["entities"][0]["targetRecordsUpdated"] == 4
    listed = json.loads(served.run("executions", "list", "--json"))["executions"]
    assert document["executionId"] in [item["executionId"] for item in listed]
    shown = json.loads(served.run("executions", "show", document["executionId"], "--json"))
    assert shown == document
    assert shown["polls"] >= 1


def test_rows_that_fail_are_named_and_the_end_is_one(served, tmp_path):
    columns = ("CUSTOMERGROUPID", "DESCRIPTION")
    table = Table("Customer groups", columns, (("90", "Good"), ("", "No key")))
    path = tmp_path / "bad.zip"
    path.write_bytes(package(table))
    out = served.run("import", str(path), code=1)
    assert "PartiallySucceeded" in out
    assert "Customer groups row 2 (target)" in out


def test_a_file_is_not_overwritten_unless_told(served):
    (served.folder / "kept.zip").write_bytes(b"mine")
    out = served.run("export", "Export customers", "--output", "kept.zip", code=2)
    assert "is there already" in out
    assert (served.folder / "kept.zip").read_bytes() == b"mine"
    served.run("export", "Export customers", "--output", "kept.zip", "--force")
    assert zipfile.is_zipfile(served.folder / "kept.zip")
    assert not list(served.folder.glob("*.part"))


def test_a_project_that_is_not_there_is_refused_in_the_services_words(served):
    out = served.run("export", "No such project", code=1)
    assert "Export to package failed for definition group: No such project" in out


def test_the_variables_of_env_are_enough_for_a_client(served):
    variables = json.loads(served.run("env", "--json"))
    elsewhere = Command(served.folder / "elsewhere")
    elsewhere.folder.mkdir()
    elsewhere.environment |= {k: v for k, v in variables.items() if k.startswith("D365FO_")}
    out = elsewhere.run("export", "Export customers")
    assert "Customers V3: 5 read" in out


def test_a_workspace_is_made_on_the_way_and_used_by_its_variables(served):
    variables = json.loads(served.run("env", "--workspace", "job-1", "--create", "--json"))
    job = Command(served.folder / "job")
    job.folder.mkdir()
    job.environment |= variables
    assert json.loads(job.run("executions", "list", "--json")) == {"executions": []}
    document = json.loads(job.run("export", "Export customers", "--json"))
    listed = json.loads(job.run("executions", "list", "--json"))["executions"]
    assert [item["executionId"] for item in listed] == [document["executionId"]]


def test_a_scenario_decides_how_an_import_ends_and_a_deadline_ends_the_wait(served, tmp_path):
    path = tmp_path / "groups.zip"
    path.write_bytes(package(ONE_GROUP))
    served.run("scenario", "load", "failed")
    assert "Failed" in served.run("import", str(path), code=1)
    served.run("scenario", "load", "stuck-not-run")
    assert "still NotRun after 0.5 s" in served.run("import", str(path), "--timeout", "0.5", code=1)
    served.run("scenario", "load", "happy-path")


def test_what_was_asked_is_in_the_journal_and_in_the_log(command):
    with command.serving("--ephemeral", "--log-format", "json") as process:
        command.run("export", "Export customers")
        journal = json.loads(command.run("journal", "show", "--json", "--limit", "100"))
        assert "BEGIN CERTIFICATE" in command.run("tls", "show-ca")
        process.send_signal(signal.SIGINT)
        _, log = process.communicate(timeout=5)
    events = [json.loads(line) for line in log.splitlines()]
    asked = {event["requestId"]: event for event in events if "requestId" in event}
    for entry in journal["entries"]:
        assert asked[entry["id"]]["status"] == entry["status"]
    assert "emulator-secret" not in log


def test_a_taken_port_and_a_data_directory_in_use_are_said_in_one_sentence(command):
    with command.serving("--data-dir", "kept"):
        ready = json.loads(command.ready.read_text("utf-8"))
        port = ready["http_url"].rpartition(":")[2]
        taken = command.run(
            "serve", "--ephemeral", "--https-port", "-1", "--http-port", port, code=2
        )
        used = command.run("serve", "--data-dir", "kept", "--http-port", "0", code=2)
    for text, word in ((taken, port), (used, "is in use")):
        assert word in text
        assert "Traceback" not in text
        assert len(text.strip().splitlines()) == 1


def test_what_was_imported_is_there_after_a_restart(command, tmp_path):
    path = tmp_path / "groups.zip"
    path.write_bytes(package(ONE_GROUP))
    with command.serving("--data-dir", "kept") as process:
        document = json.loads(command.run("import", str(path), "--json"))
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=5)
    with command.serving("--data-dir", "kept"):
        shown = command.run("executions", "show", document["executionId"], "--json")
        assert json.loads(shown) == document
        assert "5 read" in command.run("export", "Export customer groups")


def test_settings_come_from_the_environment_file_and_variables(command):
    (command.folder / "environment.yaml").write_text(
        "version: 1\nserver: {seed: 5, clock: virtual}\n", "utf-8"
    )
    command.environment["D365FO_EMULATOR_SEED"] = "6"
    with command.serving("--ephemeral", "--environment", "environment.yaml") as process:
        assert json.loads(command.run("clock", "show", "--json"))["mode"] == "virtual"
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=5)
    assert "Seed      6" in out
