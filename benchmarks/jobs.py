"""Imports and exports of many rows: time, memory, and what polls meet while they run."""

from __future__ import annotations

import contextlib
import json
import tempfile
import threading
import time
from pathlib import Path

from measuring import Client, Figure, connect, memory_mib, put_file
from servers import Emulator
from tables import floor_seconds, write_many_entities, write_package

SETTLE = 1.0
POLL_EVERY = 0.005
FLOOR = "csv.reader and executemany into a table without key"
ENVIRONMENT = {
    "version": 1,
    "dataProjects": [
        {
            "name": "Export customers",
            "operation": "Export",
            "entities": [{"entity": "Customers V3", "format": "CSV"}],
        }
    ],
    "data": [
        {
            "entity": "Customer groups",
            "company": "USMF",
            "rows": [
                {"CUSTOMERGROUPID": f"G{number}", "DESCRIPTION": "Group"} for number in range(10)
            ],
        }
    ],
}
FORMATS = ("CSV", "CSV-Unicode", "XML-Element", "EXCEL")


@contextlib.contextmanager
def emulator(folder):
    """A started emulator with customer groups and an export project; yields it and a client."""
    file = folder / "environment.json"
    file.write_text(json.dumps(ENVIRONMENT))
    with Emulator.started("--environment", str(file)) as server:
        yield server, Client(server.ready).log_in()


def formats(options):
    """Imports of many rows in each format, one after the other in fresh emulators."""
    counts = options.counts
    figures = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for _ in range(options.rounds):
            for count in counts:
                floor = floor_seconds(folder, count)
                for source_format in FORMATS:
                    if source_format == "EXCEL" and count > options.sheet_rows:
                        continue
                    path = packaged(folder, source_format, count)
                    taken, mib = one_import(folder, path)
                    what = f"import of {count:,} rows, {source_format}"
                    pair = figures.setdefault(
                        what,
                        (
                            Figure(what, "s", FLOOR),
                            Figure(f"memory above idle, {what}", "MiB", "absent"),
                        ),
                    )
                    pair[0].ours.append(taken)
                    pair[0].theirs.append(floor)
                    pair[1].ours.append(mib)
    return [figure for pair in figures.values() for figure in pair]


def packaged(folder, source_format, count, bad_every=0):
    path = folder / f"{source_format}-{count}-{bad_every}.zip"
    return path if path.exists() else write_package(path, source_format, count, bad_every)


def one_import(folder, path):
    """Seconds from upload to the end, and memory above idle meanwhile."""
    with emulator(folder) as (server, client):
        time.sleep(SETTLE)
        idle = memory_mib(server.pid)
        with peak_memory(server.pid) as peak:
            taken = timed(lambda: import_package(client, path))
        return taken, max(peak) - idle


def updates(options):
    """1 % bad rows; the same rows again; a full export, and one of the 1 % that changed."""
    count = options.counts[-1]
    names = (
        (f"import of {count:,} CSV rows, 1 % bad", FLOOR),
        (f"upsert of the same {count:,} rows", FLOOR),
        (f"full export of {count:,} rows", "absent"),
        ("export of the 1 % that changed", "the full export"),
    )
    bad, again, full, delta = (Figure(name, "s", reference) for name, reference in names)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        good = packaged(folder, "CSV", count)
        few = packaged(folder, "CSV", count // 100)
        for _ in range(options.rounds):
            floor = floor_seconds(folder, count)
            with emulator(folder) as (_server, client):
                with_bad = packaged(folder, "CSV", count, 100)
                bad.ours.append(
                    timed(lambda c=client, p=with_bad: import_package(c, p, "PartiallySucceeded"))
                )
                bad.theirs.append(floor)
                import_package(client, good)
                again.ours.append(timed(lambda c=client: import_package(c, good)))
                again.theirs.append(floor)
                full.ours.append(timed(lambda c=client: export(c, "ExportToPackageDelta")))
                import_package(client, few)
                delta.ours.append(timed(lambda c=client: export(c, "ExportToPackageDelta")))
                delta.theirs.append(full.ours[-1])
    return [bad, again, full, delta]


def entities(options):
    """A package of 300 entities."""
    figure = Figure("import of a package of 300 entities", "s", "absent")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = write_many_entities(folder / "many.zip", 300)
        for _ in range(options.rounds):
            figure.ours.append(one_import(folder, path)[0])
    return [figure]


def polls(options):
    """State polls every 5 ms, alone and while the largest import runs."""
    count = options.counts[-1]
    middle = Figure(f"median of a poll while {count:,} rows are imported", "ms", "idle")
    many = Figure(f"polls a second while {count:,} rows are imported", "1/s", "idle")
    slow = Figure(f"99th percentile of a poll while {count:,} rows are imported", "ms", "idle")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = packaged(folder, "CSV", count)
        for _ in range(options.rounds):
            with emulator(folder) as (server, client):
                first = import_package(client, packaged(folder, "CSV", 100))
                idle = latencies(client, first, asked(200))
                execution = start_import(client, path)
                ended = threading.Event()
                watcher = Client(server.ready).log_in()
                thread = threading.Thread(target=wait, args=(watcher, execution, ended))
                thread.start()
                busy = latencies(client, first, ended.is_set)
                thread.join()
            middle.ours.append(percentile(busy, 50))
            middle.theirs.append(percentile(idle, 50))
            many.ours.append(1000 * len(busy) / sum(busy))
            many.theirs.append(1000 * len(idle) / sum(idle))
            slow.ours.append(percentile(busy, 99))
            slow.theirs.append(percentile(idle, 99))
    return [middle, slow, many]


def asked(count):
    """A condition that holds from its so-manyth question on."""
    left = iter(range(count))
    return lambda: next(left, None) is None


def latencies(client, execution, done):
    """Milliseconds of state polls, one every 5 ms, until `done` says so."""
    found = []
    while not done():
        found.append(timed(lambda: client.state(execution)) * 1000)
        time.sleep(POLL_EVERY)
    return found


def wait(client, execution, ended):
    while client.state(execution) in {"NotRun", "Executing"}:
        time.sleep(0.1)
    ended.set()


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) * share // 100, len(ordered) - 1)]


def start_import(client, path):
    url = client.write_url(path.name)
    connection = connect(url)
    put_file(connection, url, path)
    connection.close()
    return client.start_import(url, path.stem)


def import_package(client, path, wanted="Succeeded"):
    """Uploads and imports a package, waits for its end, returns the execution id."""
    execution = start_import(client, path)
    while (state := client.state(execution)) in {"NotRun", "Executing"}:
        time.sleep(0.01)
    assert state == wanted, state
    return execution


def export(client, action):
    execution = client.act(
        action,
        definitionGroupId="Export customers",
        packageName="customers",
        executionId="",
        reExecute=False,
        legalEntityId="USMF",
    )
    while (state := client.state(execution)) in {"NotRun", "Executing"}:
        time.sleep(0.01)
    assert state == "Succeeded", state


def timed(work):
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


@contextlib.contextmanager
def peak_memory(pid):
    """Samples a process's memory every 50 ms into the list that it yields."""
    samples, stop = [memory_mib(pid)], threading.Event()

    def sample():
        while not stop.wait(0.05):
            samples.append(memory_mib(pid))

    sampler = threading.Thread(target=sample, name="memory sampler")
    sampler.start()
    try:
        yield samples
    finally:
        stop.set()
        sampler.join()


CASES = {"formats": formats, "updates": updates, "entities": entities, "polls": polls}
