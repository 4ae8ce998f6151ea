"""Listener, gateway and a Flask dialect together, over real sockets."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Response, request

from d365fo_emulator.http.bodies import FileAnswer, RangeReader, copy
from d365fo_emulator.http.dialect import build_app
from d365fo_emulator.http.exchange import SurfaceName, exchange_of
from d365fo_emulator.http.gateway import NO_ANSWER, Gateway, Hooks
from d365fo_emulator.http.surface import Surface
from unit.http.gateway_support import make_workspace
from wire.listener_support import WAIT, Wire, serving, until

pytestmark = pytest.mark.evidence("inferred")


class Store:
    """A dialect that keeps uploads in a folder and hands out files and ranges."""

    def __init__(self, folder) -> None:
        self.folder = folder
        self.done = []
        workspace = make_workspace("default")
        app = build_app(__name__, lambda status, text: Response(f"own {status}", status))
        app.add_url_rule("/<path:name>", view_func=self.get, methods=["GET"])
        app.add_url_rule("/<path:name>", "put", self.put, methods=["PUT"])
        surfaces = [
            Surface(
                name,
                app,
                lambda environ: None,
                lambda exchange, status, text: Response(f"own {status}", status),
                journals_bodies=name is not SurfaceName.BLOB,
            )
            for name in (SurfaceName.FINANCE, SurfaceName.BLOB)
        ]
        self.gateway = Gateway(surfaces, lambda: workspace, Hooks(on_done=self.on_done))

    def on_done(self, exchange, status, headers, asked, answered):
        self.done.append((exchange.path, status))

    def path(self, name):
        return self.folder / name.replace("/", "!")

    def put(self, name):
        fresh = io.BytesIO()
        if request.content_length is None:
            return Response("own 411", 411)
        copy(request.stream, fresh.write, request.content_length)
        self.path(name).write_bytes(fresh.getvalue())
        return exchange_of(request.environ).base_url, 201

    def get(self, name):
        file = self.path(name).open("rb")
        size = self.path(name).stat().st_size
        body = FileAnswer(RangeReader(file, 1, size - 1))
        return Response(body, direct_passthrough=True, headers={"Content-Length": str(size - 1)})


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


@pytest.fixture
def listener(store):
    with serving(store.gateway) as running:
        yield running


@pytest.fixture
def wire(listener):
    with Wire(listener.port) as client:
        yield client


def put(body, length=None, host=b"localhost"):
    size = len(body) if length is None else length
    path = b"/devstoreaccount1/dmf/a//b"
    return b"PUT %b HTTP/1.1\r\nHost: %b\r\nContent-Length: %d\r\n\r\n" % (path, host, size) + body


def test_a_blob_goes_in_and_comes_out_by_the_kernel(store, listener, wire):
    body = bytes(range(256)) * 8192
    answer = wire.ask(put(body))
    assert (answer.status, answer.body) == (201, f"http://localhost:{listener.port}".encode())
    assert wire.get("/devstoreaccount1/dmf/a//b").body == body[1:]
    # The entry stands in the journal as soon as the client has the answer.
    assert store.done == [("/devstoreaccount1/dmf/a//b", 201), ("/devstoreaccount1/dmf/a//b", 200)]


def test_the_storage_host_reaches_the_same_blob(wire, listener):
    assert wire.ask(put(b"0123")).status == 201
    path = "GET /dmf/a//b HTTP/1.1\r\nHost: devstoreaccount1.blob.localhost\r\n\r\n"
    assert wire.ask(path.encode()).body == b"123"


def test_an_upload_cut_short_stores_nothing_and_has_no_answer(store, listener):
    with Wire(listener.port) as client:
        client.send(put(b"half", 1_000_000))
    until(lambda: store.done)
    assert store.done == [("/devstoreaccount1/dmf/a//b", NO_ANSWER)]
    assert list(store.folder.iterdir()) == []


@pytest.mark.evidence("documented")
def test_a_chunked_upload_can_be_told_apart(wire):
    wire.send(
        b"PUT /devstoreaccount1/dmf/c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\nabc\r\n0\r\n\r\n"
    )
    assert wire.answer().status == 411
    assert wire.get("/absent").status == 500  # this dialect's own bug: no such file


def test_a_bad_host_is_refused_in_the_dialects_words_and_the_connection_goes_on(wire):
    answer = wire.ask(b"GET /x HTTP/1.1\r\nHost: a/b\r\n\r\n")
    assert (answer.status, answer.body) == (400, b"own 400")
    assert wire.ask(b"GET /x HTTP/1.1\r\n\r\n").status == 400
    assert wire.ask(b"GET /x HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n").status == 400
    assert wire.ask(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").status == 405


def test_a_second_connection_is_not_held_up_by_a_half_upload(listener, wire):
    wire.send(put(b"half", 1_000_000))
    with Wire(listener.port) as other:
        other.socket.settimeout(WAIT)
        assert other.ask(put(b"whole")).status == 201


def test_parallel_clients_each_get_their_own_answer_and_id(store, listener):
    def ask(number):
        body = b"x" * (number + 2)
        with Wire(listener.port) as client:
            ids = []
            for _ in range(5):
                answer = client.ask(put(body).replace(b"/a//b", b"/%d" % number))
                ids.append(answer.headers["x-emulator-request-id"])
                assert client.get(f"/devstoreaccount1/dmf/{number}").body == body[1:]
            return ids

    with ThreadPoolExecutor(16) as pool:
        ids = [each for found in pool.map(ask, range(16)) for each in found]
    assert len(set(ids)) == 16 * 5
    assert len(store.done) == 16 * 10
