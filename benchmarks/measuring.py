"""Figures and how they are taken: medians, memory of a process tree, requests on one connection."""

from __future__ import annotations

import http.client
import json
import statistics
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit

MIB = 1024 * 1024


@dataclass
class Figure:
    """One measured thing beside its reference; a round adds one value to each."""

    name: str
    unit: str
    reference: str
    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)

    def row(self):
        ours, theirs = median(self.ours), median(self.theirs)
        ratio = f"{ours / theirs:.2f}" if ours is not None and theirs else "-"
        return [self.name, show(ours), show(theirs), ratio, self.unit, self.reference]

    def document(self):
        ours, theirs = median(self.ours), median(self.theirs)
        return asdict(self) | {"median_ours": ours, "median_reference": theirs}


def median(values):
    return statistics.median(values) if values else None


def show(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table(figures):
    rows = [["figure", "emulator", "reference", "ratio", "unit", "reference is"]]
    rows += [figure.row() for figure in figures]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def memory_mib(pid):
    """Proportional set size of a process and all below it; 0 for what has ended meanwhile."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        children = [
            child
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except OSError:
        return 0.0
    own = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return own / 1024 + sum(map(memory_mib, children))


def connect(url):
    address = urlsplit(url)
    return http.client.HTTPConnection(address.hostname, address.port, timeout=600)


def request(connection, method, path, body=None, headers=None):
    """One request on a kept connection; returns the status and the body."""
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    return answer.status, answer.read()


def rate(send, seconds):
    """Calls a second, over about so many seconds, after a tenth of it to warm up."""
    for limit in (seconds / 10, seconds):
        done, started = 0, time.perf_counter()
        while time.perf_counter() - started < limit:
            send()
            done += 1
        taken = time.perf_counter() - started
    return done / taken


class Client:
    """The main job's calls on one connection to a running emulator."""

    ACTIONS = "/data/DataManagementDefinitionGroups/Microsoft.Dynamics.DataEntities."

    def __init__(self, ready):
        self.ready = ready
        self.url = ready["http_url"]
        self.connection = connect(self.url)
        self.headers = {"Content-Type": "application/json"}

    def token(self):
        form = {
            "grant_type": "client_credentials",
            "client_id": self.ready["client_id"],
            "client_secret": self.ready["client_secret"],
            "resource": self.url,
        }
        status, body = request(
            self.connection,
            "POST",
            f"/{self.ready['tenant_id']}/oauth2/token",
            urlencode(form),
            {"Content-Type": "application/x-www-form-urlencoded"},
        )
        assert status == 200, body
        return json.loads(body)["access_token"]

    def log_in(self):
        self.headers["Authorization"] = f"Bearer {self.token()}"
        return self

    def act(self, action, **members):
        status, body = request(
            self.connection, "POST", self.ACTIONS + action, json.dumps(members), self.headers
        )
        assert status == 200, body
        return json.loads(body)["value"]

    def write_url(self, name):
        return json.loads(self.act("GetAzureWriteUrl", uniqueFileName=name))["BlobUrl"]

    def start_import(self, url, project):
        return self.act(
            "ImportFromPackage",
            packageUrl=url,
            definitionGroupId=project,
            executionId="",
            execute=True,
            overwrite=True,
            legalEntityId="USMF",
        )

    def state(self, execution):
        return self.act("GetExecutionSummaryStatus", executionId=execution)


def put_blob(connection, url, content):
    address = urlsplit(url)
    headers = {"x-ms-blob-type": "BlockBlob", "x-ms-version": "2021-08-06"}
    target = f"{address.path}?{address.query}"
    status, body = request(connection, "PUT", target, content, headers)
    assert status == 201, body


def put_file(connection, url, path):
    """A PUT that streams a file."""
    address = urlsplit(url)
    size = str(path.stat().st_size)
    headers = {"x-ms-blob-type": "BlockBlob", "Content-Length": size}
    with path.open("rb") as file:
        connection.request("PUT", f"{address.path}?{address.query}", file, headers)
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 201, body


def get_blob(connection, url):
    address = urlsplit(url)
    headers = {"x-ms-version": "2021-08-06"}
    status, body = request(connection, "GET", f"{address.path}?{address.query}", headers=headers)
    assert status == 200, body[:500]
    return body
