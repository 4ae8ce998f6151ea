"""A server that is killed in the middle of an import ends it after its next start, as if nothing
had happened.

`D365FO_EMULATOR_KILLS` says how often servers are killed in all: 12 times by default, and 100 take
about four minutes.
"""

from __future__ import annotations

import contextlib
import json
import os
import random  # noqa: TID251  the test's own, seeded
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from builders import Table, package
from job_tools import TERMINAL, Client

SERVER = Path(__file__).with_name("serve_one.py")
KILLS = 4  # of each import
IMPORTS = -(-int(os.environ.get("D365FO_EMULATOR_KILLS", "12")) // KILLS)
ROWS = 8_000
PROJECT = "Killed"
DICE = random.Random(7)


def bad_and_good(entity, target, key, columns, unit):
    """Rows in an order that is not the key's; one has no key, the scenario refuses others."""
    order = DICE.sample(range(ROWS), ROWS)
    rows = tuple(("" if n == 5 else f"{key}{n:06}", f"Text {n}") for n in order)
    return Table(entity, columns, rows, target, (unit, 1, 1))


PACKAGE = package(
    bad_and_good(
        "Customer groups",
        "CustCustomerGroupEntity",
        "C",
        ("CUSTOMERGROUPID", "DESCRIPTION"),
        unit=1,
    ),
    bad_and_good(
        "Vendor groups", "VendVendorGroupEntity", "V", ("VENDORGROUPID", "DESCRIPTION"), unit=2
    ),
    project=PROJECT,
)


@contextlib.contextmanager
def running(folder):
    process = subprocess.Popen(
        [sys.executable, SERVER, folder], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        config = json.loads(process.stdout.readline())
        with Client(config, base=config["http"]) as client:
            yield process, client
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def progress(folder):
    """Rows staged and rows through the target, read from the file as anyone might."""
    file = folder / "workspaces" / "default" / "data.db"
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        query = "SELECT coalesce(sum(staged + ordered_through), 0) FROM progress"
        (done,) = connection.execute(query).fetchone()
    return done


def ended(client, execution, wait_until):
    wait_until(lambda: client.state(execution) in TERMINAL)
    answer = requests.get(f"{client.base}/_emulator/v1/executions/{execution}", timeout=30)
    document = answer.json()
    entities = [
        {name: value for name, value in entity.items() if not name.endswith("At")}
        for entity in document["entities"]
    ]
    compared = ("state", "errors", "errorCount")
    return {"entities": entities} | {name: document[name] for name in compared}


def rows(folder):
    """All target rows, but for the number of the writer."""
    file = folder / "workspaces" / "default" / "data.db"
    found = []
    with contextlib.closing(sqlite3.connect(file)) as connection:
        tables = connection.execute("SELECT entity, number FROM physical ORDER BY entity")
        for entity, number in tables.fetchall():
            columns = [
                name
                for (_n, name, *_rest) in connection.execute(f"PRAGMA table_info(t_{number})")
                if name != "_ver"
            ]
            query = f"SELECT {', '.join(columns)} FROM t_{number} ORDER BY company, _key"
            found.append((entity, connection.execute(query).fetchall()))
    return found


def start(client):
    return client.import_package(PACKAGE, executionId="killed", definitionGroupId=PROJECT)


@pytest.mark.slow
@pytest.mark.evidence("inferred")
def test_an_import_ends_the_same_wherever_its_server_was_killed(tmp_path, wait_until):
    whole = tmp_path / "whole"
    with running(whole) as (_process, client):
        expected = ended(client, start(client), wait_until)
    expected_rows = rows(whole)
    assert expected["state"] == "PartiallySucceeded"
    assert [len(table) for _entity, table in expected_rows] == [ROWS - ROWS // 97 - 1] * 2
    assert expected["errorCount"] == 2 * (ROWS // 97 + 1)

    total = progress(whole)
    cut = 0
    for number in range(IMPORTS):
        folder = tmp_path / f"killed-{number}"
        points = sorted(DICE.randrange(total) for _ in range(KILLS))
        for turn, point in enumerate(points):
            with running(folder) as (process, client):
                if not turn:
                    start(client)
                wait_until(lambda folder=folder, point=point: progress(folder) >= point)
                process.kill()
                process.wait()
            cut += progress(folder) < total
        with running(folder) as (_process, client):
            assert ended(client, "killed", wait_until) == expected, f"killed at {points}"
        assert rows(folder) == expected_rows, f"killed at {points} of {total}"
        assert list((folder / "workspaces" / "default" / "packages").iterdir()) == []
        shutil.rmtree(folder)
    assert cut > IMPORTS * KILLS // 2, "most kills came too late to cut anything off"


@pytest.mark.slow
@pytest.mark.evidence("inferred")
def test_a_rerun_ends_the_same_wherever_its_server_was_killed(tmp_path, wait_until):
    def staged_then_rerun(client):
        client.import_package(
            PACKAGE, executionId="killed", definitionGroupId=PROJECT, execute=False
        )
        ended(client, "killed", wait_until)
        client.session.post(f"{client.base}/_emulator/v1/executions/killed/rerun")

    whole = tmp_path / "whole"
    with running(whole) as (_process, client):
        staged_then_rerun(client)
        expected = ended(client, "killed", wait_until)
    expected_rows, total = rows(whole), progress(whole)
    assert expected["state"] == "PartiallySucceeded"
    folder = tmp_path / "killed"
    for turn, share in enumerate((2, 5, 7, 9)):
        with running(folder) as (process, client):
            if not turn:
                staged_then_rerun(client)
            point = total // 2 + total * share // 20
            wait_until(lambda point=point: progress(folder) >= point)
            process.kill()
            process.wait()
    with running(folder) as (_process, client):
        assert ended(client, "killed", wait_until) == expected
    assert rows(folder) == expected_rows
