"""The servers that are measured, as processes that end with the block that started them."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import shlex
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from azure.storage.blob import (
    AccountSasPermissions,
    BlobSasPermissions,
    BlobServiceClient,
    ResourceTypes,
    generate_account_sas,
    generate_blob_sas,
)
from measuring import connect, request

GIVE_UP_AFTER = 60
# An installed package comes compiled; without this a checkout would be compiled at each start.
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
}
LOOK_EVERY = 0.005
ACCOUNT = "devstoreaccount1"
# The storage emulators' published key.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


@contextlib.contextmanager
def running(command, folder):
    """Starts a command with its output in a file; stops it by SIGTERM."""
    with (folder / "output.txt").open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def until(look, process, folder):
    """Repeats `look` until it returns something, as long as the process lives."""
    started = time.perf_counter()
    while time.perf_counter() - started < GIVE_UP_AFTER:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError, ValueError):
            if found := look():
                return found
        time.sleep(LOOK_EVERY)
    output = (folder / "output.txt").read_text(errors="replace")
    raise RuntimeError(f"{process.args} did not come up:\n{output}")


class Emulator:
    """`serve --ephemeral` on free ports; `ready` is its ready file."""

    def __init__(self, process, ready):
        self.pid = process.pid
        self.ready = ready

    @classmethod
    @contextlib.contextmanager
    def started(cls, *options):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            ready = folder / "ready.json"
            command = [sys.executable, "-m", "d365fo_emulator", "serve", "--ephemeral"]
            command += ["--http-port", "0", "--https-port", "0", "--ready-file", str(ready)]
            command += options
            with running(command, folder) as process:
                document = until(lambda: json.loads(ready.read_text()), process, folder)
                yield cls(process, document)


class Azurite:
    """Azurite's blob service, in memory, from npm."""

    def __init__(self, process, port):
        self.pid = process.pid
        self.url = f"http://127.0.0.1:{port}/{ACCOUNT}"

    @classmethod
    @contextlib.contextmanager
    def started(cls, program):
        port = free_port()
        command = [*shlex.split(program), "--inMemoryPersistence", "--skipApiVersionCheck"]
        command += ["--silent", "--disableTelemetry", "--blobPort", str(port)]
        with tempfile.TemporaryDirectory() as name, running(command, Path(name)) as process:
            server = cls(process, port)
            sas = generate_account_sas(
                ACCOUNT,
                KEY,
                ResourceTypes(service=True),
                AccountSasPermissions(list=True),
                expiry(),
            )
            path = f"/{ACCOUNT}?comp=list&{sas}"
            until(lambda: first_answer(server.url, path), process, Path(name))
            yield server

    def make_container(self):
        credential = {"account_name": ACCOUNT, "account_key": KEY}
        with BlobServiceClient(self.url, credential=credential) as service:
            service.create_container("dmf")
        return self

    def write_url(self, name):
        permission = BlobSasPermissions(read=True, write=True, create=True)
        sas = generate_blob_sas(
            ACCOUNT, "dmf", name, account_key=KEY, permission=permission, expiry=expiry()
        )
        return f"{self.url}/dmf/{name}?{sas}"


def expiry():
    return dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)


def first_answer(url, path):
    connection = connect(url)
    try:
        status, _ = request(connection, "GET", path)
        return status == 200
    finally:
        connection.close()


CONSTANT_SERVER = """
import http.server, sys
BODY = sys.argv[2].encode()
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.wfile.write(b"HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\n"
                         b"Content-Length: %d\\r\\n\\r\\n%s" % (len(BODY), BODY))
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@contextlib.contextmanager
def constant_server(body):
    """The standard library's server answering every POST with the same text; yields its URL."""
    port = free_port()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [sys.executable, "-c", CONSTANT_SERVER, str(port), body]
        with running(command, folder) as process:
            url = f"http://127.0.0.1:{port}"
            until(lambda: answers(port), process, folder)
            yield url


def answers(port):
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
