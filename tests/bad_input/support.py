"""What the tests of bad input stand on: requests whose every answer is looked at, and snapshots.

Every request goes through `send` or `send_raw`, and both end in `looked_at`: the one place that
says what no answer may ever hold, whatever was asked.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import re
import socket
import sqlite3
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree as ET

TIMEOUT = 60
ACTIONS = "/data/DataManagementDefinitionGroups/Microsoft.Dynamics.DataEntities."
TERMINAL = {"Succeeded", "PartiallySucceeded", "Failed", "Canceled"}
MOST_POLLS = 20
GROUPS = "Customer groups"

# A project to export and two rows that must outlive whatever is sent.
ENVIRONMENT = {
    "version": 1,
    "dataProjects": [
        {
            "name": "Export customer groups",
            "operation": "Export",
            "entities": [{"entity": GROUPS, "format": "CSV"}],
        }
    ],
    "data": [
        {
            "entity": GROUPS,
            "company": "USMF",
            "rows": [
                {"CUSTOMERGROUPID": "80", "DESCRIPTION": "Other customers"},
                {"CUSTOMERGROUPID": "90", "DESCRIPTION": "Within the group"},
            ],
        }
    ],
}

UNAUTHORIZED = (
    b'{\r\n  "Message": "Authentication failed.",\r\n  "StackTrace": null,\r\n'
    b'  "ExceptionType": "System.InvalidOperationException"\r\n}'
)
MODEL_STATE = "InvokeAction - Model state is invalid."
NOT_FOUND = "The remote server returned an error: (404) Not Found."
FORBIDDEN = "The remote server returned an error: (403) Forbidden."
GUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

NEVER_SHOWN = (
    "Traceback (most recent call last)",
    'File "',
    # Names of files, by what follows them: the signature of a token may begin with `py`.
    '.py"',
    ".py:",
    ".py,",
    ".py ",
    "site-packages",
    "sqlite",
    sys.prefix,
    str(Path(__file__).resolve().parents[2]),
)


# Answers


@dataclass(frozen=True)
class Answer:
    """What came back; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    @property
    def reason(self):
        return self.headers.get("x-emulator-reason", "")


def looked_at(response, *, own_paths=False):
    """Reads an answer, and asserts what holds of every one of them.

    `own_paths`: the answer is there to say where the emulator's own files are.
    """
    answer = Answer(
        response.status,
        {name.lower(): value for name, value in response.getheaders()},
        response.read(),
    )
    shown = "\n".join([response.reason, *map(": ".join, response.getheaders()), answer.text])
    assert answer.status != 500, shown
    for text in (*NEVER_SHOWN, *(() if own_paths else (tempfile.gettempdir(),))):
        assert text not in shown, f"{text!r} is in {shown}"
    kind = answer.headers.get("content-type", "")
    if answer.body and "json" in kind:
        json.loads(answer.body)
    elif answer.body and "xml" in kind:
        ET.fromstring(answer.body)
    return answer


def send(base, method, path, headers=None, body=None, *, ca_bundle="", own_paths=False):
    """One request on a new connection; `body` may be an iterable of pieces of a known length."""
    connection = _connection(urlsplit(base), ca_bundle)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        sent = {"Host": urlsplit(base).netloc} | (headers or {})
        if isinstance(body, bytes) or (body is None and method in {"POST", "PUT"}):
            sent.setdefault("Content-Length", str(len(body or b"")))
        for name, value in sent.items():
            if value is not None:
                connection.putheader(name, value)
        connection.endheaders()
        with contextlib.suppress(ConnectionError):  # refused before its end: the answer is there
            for piece in [body] if isinstance(body, bytes) else body or ():
                connection.send(piece)
        return looked_at(connection.getresponse(), own_paths=own_paths)
    finally:
        connection.close()


def _connection(address, ca_bundle):
    if address.scheme == "https":
        import ssl

        trust = ssl.create_default_context(cafile=ca_bundle)
        return http.client.HTTPSConnection(
            address.hostname, address.port, timeout=TIMEOUT, context=trust
        )
    return http.client.HTTPConnection(address.hostname, address.port, timeout=TIMEOUT)


def send_raw(base, octets, *, method="GET"):
    """Octets as they are, for requests that no client library would send."""
    address = urlsplit(base)
    with socket.create_connection((address.hostname, address.port), timeout=TIMEOUT) as connection:
        connection.sendall(octets)
        response = http.client.HTTPResponse(connection, method=method)
        response.begin()
        return looked_at(response)


def assert_finance_refusal(answer, text, status=400):
    """The recorded envelope, whole: constant members, this text, a stack of the product's form."""
    assert answer.status == status, answer.text
    document = answer.json
    stack = document["error"]["innererror"].pop("stacktrace")
    assert document == {
        "error": {
            "code": "",
            "message": "An error has occurred.",
            "innererror": {"message": text, "type": "System.InvalidOperationException"},
        }
    }
    assert stack.startswith("   at Microsoft.Dynamics.Platform.Integration.Services.OData.")
    assert answer.reason


def assert_action_refusal(answer, action, text):
    """As above, with the words that stand before an action's own text."""
    prefix = f"Exception occurred while executing action {action} on Entity"
    assert_finance_refusal(answer, f"{prefix} DataManagementDefinitionGroup: {text}")


def assert_no_route(answer, uri):
    assert answer.status == 404
    assert answer.json == {
        "Message": f"No HTTP resource was found that matches the request URI '{uri}'."
        " No route data was found for this request."
    }
    assert answer.reason


def assert_unauthorized(answer, because):
    assert (answer.status, answer.body) == (401, UNAUTHORIZED)
    assert answer.headers["www-authenticate"].startswith("Bearer authorization_uri=")
    assert because in answer.reason


def assert_blob_refusal(answer, status, code, message, **details):
    """The service's XML, whole; request id and time by their form."""
    assert (answer.status, answer.headers["x-ms-error-code"]) == (status, code), answer.text
    root = ET.fromstring(answer.body)
    elements = [(element.tag, element.text or "") for element in root]
    assert root.tag == "Error"
    assert elements[0] == ("Code", code)
    tag, text = elements[1]
    assert tag == "Message"
    assert re.fullmatch(
        re.escape(message)
        + rf"\nRequestId:{GUID}\nTime:\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{7}}Z",
        text,
    ), text
    assert dict(elements[2:]) == details
    assert answer.reason


def assert_problem(answer, status, slug, title, detail):
    """The admin API's refusal, whole; `problems` are the caller's to look at."""
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json
    document.pop("problems", None)
    assert (answer.status, document) == (
        status,
        {
            "type": f"urn:d365fo-emulator:problem:{slug}",
            "title": title,
            "status": status,
            "detail": detail,
        },
    )


# Snapshots

PARTS = {
    "project": "projects",
    "execution": "executions",
    "entity": "learnt",
    "blob": "blobs",
    "block": "blobs",
    "row_error": "errors",
    "progress": "progress",
    "writer": "progress",
    "physical": "tables",
    "physical_column": "tables",
}


@dataclass(frozen=True)
class Snapshot:
    """All that is kept, by part, for all workspaces of a server.

    Parts: projects, executions, learnt, blobs, errors, progress, tables, staging and rows from the
    databases; content and held packages from the folder; files for anything else on the disk.
    """

    parts: dict[str, dict[str, object]] = field(default_factory=dict)

    @classmethod
    def of(cls, server):
        parts = {}
        for one in server.workspaces.list():
            workspace = one.workspace
            view = server.workspace(workspace.id)
            for part, name, value in _workspace_parts(workspace.folder):
                parts.setdefault(part, {})[f"{workspace.id}/{name}"] = value
            # What the public objects show, beside what the files hold.
            parts.setdefault("executions", {})[f"{workspace.id}/documents"] = [
                execution.document for execution in view.executions
            ]
            parts.setdefault("rows", {})[f"{workspace.id}/view"] = [
                list(view.rows(GROUPS, company).items_in_order()) for company in ("USMF", "DEMF")
            ]
            parts.setdefault("learnt", {})[f"{workspace.id}/labels"] = [
                entity.label for entity in one.catalogue.all()
            ]
        parts["files"] = _other_files(Path(tempfile.gettempdir()))
        return cls(parts)

    def changed(self, later):
        """Names of the parts that differ."""
        return {
            name
            for name in self.parts.keys() | later.parts.keys()
            if self.parts.get(name) != later.parts.get(name)
        }

    def differences(self, later):
        """What differs, for a failing test's message."""
        return {name: (self.parts.get(name), later.parts.get(name)) for name in self.changed(later)}


def _workspace_parts(folder):
    for database in ("control", "data"):
        for table, rows in _tables(folder / f"{database}.db"):
            kind = {"s_": "staging", "t_": "rows"}.get(table[:2])
            part = PARTS.get(table) or kind
            if part:
                yield part, table, rows
    for part in ("content", "packages"):
        for path in sorted((folder / part).iterdir()):
            name = "held packages" if part == "packages" else part
            yield name, path.name, hashlib.sha256(path.read_bytes()).hexdigest()
        yield part if part == "content" else "held packages", "", None


def _tables(path):
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in names:
            yield name, sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr)
    finally:
        connection.close()


def _other_files(folder):
    """Everything below the temporary folder but the parts that are looked into above."""
    found = {}
    for path, _folders, files in os.walk(folder):
        if Path(path).name in {"content", "packages"}:
            continue
        for name in files:
            if not name.startswith(("control.db", "data.db")):
                found[str(Path(path, name).relative_to(folder))] = Path(path, name).stat().st_size
    return found


@contextlib.contextmanager
def changing(server, *parts):
    """Asserts that exactly these parts differ after the block (none: everything stays)."""
    before = Snapshot.of(server)
    yield
    after = Snapshot.of(server)
    assert before.changed(after) == set(parts), before.differences(after)


# A workspace and its client


@dataclass
class Place:
    """One workspace of the server, and a client of it that has a good token."""

    server: object
    view: object
    token: str = ""

    @property
    def base(self):
        return self.server.http_url

    def __post_init__(self):
        self.token = self.token or self.ask_token()

    def ask_token(self, resource=None):
        config = self.view.client_config()
        form = {
            "grant_type": "client_credentials",
            "client_id": config["client_id"],
            "client_secret": config["client_secret"],
            "resource": resource or self.base,
        }
        answer = send(
            self.base,
            "POST",
            f"/{config['tenant_id']}/oauth2/token",
            {"Content-Type": "application/x-www-form-urlencoded"},
            urlencode(form).encode(),
        )
        assert answer.status == 200, answer.text
        return answer.json["access_token"]

    def finance(self, method, path, body=None, **headers):
        """A request with the good token; a header given as None is left out."""
        sent = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        return send(self.base, method, path, sent | headers, body)

    def act(self, action, **members):
        """Calls an action; its answer, good or bad."""
        return self.finance("POST", ACTIONS + action, json.dumps(members).encode())

    def value(self, action, **members):
        """The value of an action that must succeed."""
        answer = self.act(action, **members)
        assert answer.status == 200, answer.text
        return answer.json["value"]

    def write_url(self, name="package.zip"):
        return json.loads(self.value("GetAzureWriteUrl", uniqueFileName=name))["BlobUrl"]

    def put(self, url, content, **headers):
        """Put Blob to a URL."""
        sent = {"x-ms-blob-type": "BlockBlob"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        return blob("PUT", url, sent, content)

    def upload(self, content, name="package.zip"):
        """Stores a blob; the URL that leads to it."""
        url = self.write_url(name)
        answer = self.put(url, content)
        assert answer.status == 201, answer.text
        return url

    def import_from(self, url, **members):
        """Calls ImportFromPackage with good parameters, but for those given."""
        return self.act("ImportFromPackage", **(import_members(url) | members))

    def import_package(self, content, **members):
        return self.import_from(self.upload(content), **members)

    def finish(self, execution):
        """Polls until the execution has ended; the state."""
        for _ in range(MOST_POLLS):
            state = self.value("GetExecutionSummaryStatus", executionId=execution)
            if state in TERMINAL:
                return state
        raise AssertionError(f"{execution} has not ended after {MOST_POLLS} polls")

    def changing(self, *parts):
        return changing(self.server, *parts)


def import_members(url):
    return {
        "packageUrl": url,
        "definitionGroupId": "Imported",
        "executionId": "",
        "execute": True,
        "overwrite": True,
        "legalEntityId": "USMF",
    }


def blob(method, url, headers=None, body=None):
    """A request to a SAS URL, as it stands."""
    address = urlsplit(url)
    path = f"{address.path}?{address.query}" if address.query else address.path
    return send(f"{address.scheme}://{address.netloc}", method, path, headers, body)


@contextlib.contextmanager
def peak_memory():
    """Asserts in the end that this process never grew beyond `most` bytes in the block.

    Gives a function that sets the bound. Does nothing where the system cannot tell the peak.
    """
    bounds = []
    before = _restart_peak()
    yield bounds.append
    if before is not None:
        grown = _status("VmHWM") - before
        assert grown < min(bounds), f"grew by {grown >> 20} MiB"


def _restart_peak():
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        return _status("VmRSS")
    except OSError:
        return None


def _status(name):
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise LookupError(name)
