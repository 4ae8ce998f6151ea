"""What is measured. Each case takes the options and returns its figures; rounds are interleaved."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import textwrap
import time
import zipfile
from pathlib import Path

import jobs
import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jobs import peak_memory, timed
from measuring import (
    MIB,
    Client,
    Figure,
    connect,
    get_blob,
    memory_mib,
    put_blob,
    rate,
    request,
)
from servers import ENVIRONMENT, Azurite, Emulator, constant_server

ROOT = Path(__file__).resolve().parents[1]
SETTLE = 1.0
FLOOR_HTTP = "http.server, constant answer"


def start(options):
    """Process start to the first good answer, and memory a second later."""
    azurite = "Azurite in memory, first list of containers" if options.azurite else "absent"
    ready = Figure("start to first token", "s", azurite)
    idle = Figure("memory when idle", "MiB", "Azurite in memory" if options.azurite else "absent")
    with Emulator.started():
        pass  # not counted: it compiles what was never imported
    for _ in range(options.rounds):
        started = time.perf_counter()
        with Emulator.started() as emulator:
            Client(emulator.ready).token()
            ready.ours.append(time.perf_counter() - started)
            time.sleep(SETTLE)
            idle.ours.append(memory_mib(emulator.pid))
        if options.azurite:
            started = time.perf_counter()
            with Azurite.started(options.azurite) as azurite_server:
                ready.theirs.append(time.perf_counter() - started)
                time.sleep(SETTLE)
                idle.theirs.append(memory_mib(azurite_server.pid))
    return [ready, idle]


def blob(options):
    """A 64 MiB block blob written by one PUT and read by one GET."""
    reference = "Azurite in memory" if options.azurite else "absent"
    put = Figure("blob PUT 64 MiB", "MiB/s", reference)
    get = Figure("blob GET 64 MiB", "MiB/s", reference)
    content = os.urandom(64 * MIB)
    with contextlib.ExitStack() as stack:
        emulator = stack.enter_context(Emulator.started())
        ours = Client(emulator.ready).log_in()
        targets = [(put.ours, get.ours, ours)]
        if options.azurite:
            azurite = stack.enter_context(Azurite.started(options.azurite)).make_container()
            targets.append((put.theirs, get.theirs, azurite))
        for index in range(options.rounds):
            for puts, gets, target in targets:
                url = target.write_url(f"blob-{index}.bin")
                connection = connect(url)
                puts.append(64 / timed(lambda u=url, c=connection: put_blob(c, u, content)))
                gets.append(64 / timed(lambda u=url, c=connection: get_blob(c, u)))
                connection.close()
    return [put, get]


def rates(options):
    """State polls and tokens a second, one after the other on one kept connection."""
    polls = Figure("state polls, 1 connection", "1/s", FLOOR_HTTP)
    tokens = Figure("tokens, 1 connection", "1/s", "RS256 signatures alone, in process")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with Emulator.started() as emulator:
        client = Client(emulator.ready).log_in()
        execution = import_rows(client, 10)
        state = json.dumps({"@odata.context": f"{client.url}/data/$metadata", "value": "Succeeded"})
        with constant_server(state) as url:
            floor = connect(url)
            body = json.dumps({"executionId": execution})
            for _ in range(options.rounds):
                polls.ours.append(rate(lambda: client.state(execution), options.seconds))
                polls.theirs.append(
                    rate(
                        lambda: request(floor, "POST", Client.ACTIONS, body, client.headers),
                        options.seconds,
                    )
                )
                tokens.ours.append(rate(client.token, options.seconds))
                tokens.theirs.append(
                    rate(lambda: jwt.encode({"sub": "x"}, key, "RS256"), options.seconds)
                )
    return [polls, tokens]


def csv_text(rows):
    lines = (f"G{number:07},Group number {number}" for number in range(rows))
    return "\r\n".join(["CUSTOMERGROUPID,DESCRIPTION", *lines, ""]).encode()


def package(rows):
    """A package of customer groups, as the tests' builder makes it but for its many rows."""
    sys.path.insert(0, str(ROOT / "tests"))
    import builders

    with zipfile.ZipFile(io.BytesIO(builders.package())) as small:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as large:
            for name in small.namelist():
                text = csv_text(rows) if name.endswith(".csv") else small.read(name)
                large.writestr(name, text)
    return buffer.getvalue()


def import_rows(client, rows):
    """Uploads and imports so many rows, waits for the end, returns the execution id."""
    url = client.write_url(f"rows-{rows}.zip")
    connection = connect(url)
    put_blob(connection, url, package(rows))
    connection.close()
    execution = client.start_import(url, f"Rows {rows}")
    while (state := client.state(execution)) in {"NotRun", "Executing"}:
        time.sleep(0.01)
    assert state == "Succeeded", state
    return execution


FLOOR_IMPORT = """
import csv, sqlite3, sys, time
started = time.perf_counter()
database = sqlite3.connect(sys.argv[2])
database.execute("create table rows (id text primary key, description text)")
with open(sys.argv[1], newline="") as file:
    reader = csv.reader(file)
    next(reader)
    database.executemany("insert into rows values (?, ?)", reader)
database.commit()
taken = time.perf_counter() - started
pss = next(l for l in open("/proc/self/smaps_rollup") if l.startswith("Pss:"))
print(taken, int(pss.split()[1]) / 1024)
"""


def rows(options):
    """An import of many CSV rows: upload to final state, and memory above idle meanwhile."""
    floor = "csv.reader and executemany on the same file"
    taken = Figure(f"import of {options.rows:,} CSV rows", "s", floor)
    memory = Figure("memory above idle during it", "MiB", f"{floor}: whole process")
    for _ in range(options.rounds):
        with Emulator.started() as emulator:
            client = Client(emulator.ready).log_in()
            time.sleep(SETTLE)
            idle = memory_mib(emulator.pid)
            with peak_memory(emulator.pid) as peak:
                taken.ours.append(timed(lambda c=client: import_rows(c, options.rows)))
            memory.ours.append(max(peak) - idle)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "rows.csv")
            file.write_bytes(csv_text(options.rows))
            command = [sys.executable, "-c", FLOOR_IMPORT, file, Path(folder, "rows.sqlite")]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            seconds, mib = map(float, output.split())
            taken.theirs.append(seconds)
            memory.theirs.append(mib)
    return [taken, memory]


TIMING_PLUGIN = """
import json, os, time
import pytest

setups, teardowns = [], []

@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup():
    started = time.perf_counter()
    try:
        return (yield)
    finally:
        setups.append(time.perf_counter() - started)

@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown():
    started = time.perf_counter()
    try:
        return (yield)
    finally:
        teardowns.append(time.perf_counter() - started)

def pytest_sessionfinish():
    with open(os.environ["TIMINGS"], "w") as file:
        json.dump([setups, teardowns], file)
"""


def fixture(options):
    """Set-up of the pytest fixture: the session's first, and each further test's."""
    first = Figure("fixture, first set-up", "ms", "pytest-httpserver")
    further = Figure("fixture, further set-up and tear-down", "ms", "pytest-httpserver")
    for _ in range(options.rounds):
        for name, firsts, furthers in (
            ("d365fo", first.ours, further.ours),
            ("httpserver", first.theirs, further.theirs),
        ):
            setups, teardowns = fixture_times(name)
            firsts.append(setups[0] * 1000)
            pairs = zip(setups[1:], teardowns[1:-1], strict=False)  # the last ends the session
            values = sorted(sum(pair) * 1000 for pair in pairs)
            furthers.append(values[len(values) // 2])
    return [first, further]


def fixture_times(name, tests=30):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "conftest.py").write_text(TIMING_PLUGIN)
        Path(folder, "test_fixture.py").write_text(
            textwrap.dedent(f"""
                import pytest

                @pytest.mark.parametrize("number", range({tests}))
                def test_nothing({name}, number):
                    pass
            """)
        )
        timings = Path(folder, "timings.json")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", folder]
        environment = ENVIRONMENT | {"TIMINGS": str(timings)}
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout
        return json.loads(timings.read_text())


CASES = {"start": start, "blob": blob, "rates": rates, "rows": rows, "fixture": fixture}
CASES |= jobs.CASES
