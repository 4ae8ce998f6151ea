"""Clients that break the protocol, send too much, or too slowly."""

from __future__ import annotations

import pytest

from wire.listener_support import WAIT, Echo, Wire, hasty, serving

pytestmark = pytest.mark.evidence("inferred")


@pytest.fixture
def app(tmp_path):
    return Echo(tmp_path)


@pytest.fixture
def listener(app, request):
    """A patient listener, but for the limits that a test names with `@limited`."""
    with serving(app, hasty(*getattr(request, "param", ()))) as running:
        yield running


def limited(*names):
    return pytest.mark.parametrize("listener", [names], indirect=True, ids=["-".join(names)])


@pytest.fixture
def wire(listener):
    with Wire(listener.port) as client:
        yield client


GET = b"GET /echo HTTP/1.1\r\nHost: a\r\n"
POST = b"POST /echo HTTP/1.1\r\nHost: a\r\n"


@pytest.mark.parametrize(
    "request_bytes",
    [
        POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        POST + b"Content-Length: 5, 5\r\n\r\nabcde",
        POST + b"Content-Length: +5\r\n\r\nabcde",
        POST + b"Content-Length: 1_0\r\n\r\nabcde",
        POST + b"Content-Length: -1\r\n\r\nabcde",
        POST + b"Content-Length: 99999999999999999999999\r\n\r\nabcde",
        POST + b"Content-Length:\r\n\r\n",
        POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
        POST + b"Content-Length : 3\r\n\r\nabc",
        POST + b"Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
        GET + b"X-Folded: a\r\n b\r\n\r\n",
        GET + b"X-Null: a\0b\r\n\r\n",
        GET + b"no colon\r\n\r\n",
        b"GET /echo HTTP/1.1\nHost: a\n\n",
        b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
        b"WHAT /echo HTTP/1.1\r\nHost: a\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x00" * 50,
    ],
)
def test_what_is_no_sound_http_gets_400_and_the_end(wire, request_bytes):
    answer = wire.ask(request_bytes)
    assert answer.status == 400
    assert answer.headers["connection"] == "close"
    assert answer.body
    assert wire.has_ended()


def test_nothing_behind_a_smuggled_head_is_served(wire):
    hidden = b"GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"
    wire.send(POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden)
    everything = wire.rest()
    assert everything.count(b"HTTP/1.1 ") == 1
    assert b"hidden" not in everything


def test_a_sound_request_before_a_broken_one_is_answered_first(wire):
    wire.send(GET + b"\r\n" + b"\x00broken\r\n\r\n")
    assert [wire.answer().status, wire.answer().status] == [200, 400]
    assert wire.has_ended()


def test_connect_is_refused_by_name(wire):
    answer = wire.ask(b"CONNECT localhost:443 HTTP/1.1\r\nHost: localhost:443\r\n\r\n")
    assert answer.status == 501
    assert wire.has_ended()


@pytest.mark.parametrize("version", ["0.9", "2.0"])
def test_another_version_is_refused(wire, version):
    assert wire.ask(f"GET /echo HTTP/{version}\r\nHost: a\r\n\r\n".encode()).status == 505


@pytest.mark.parametrize(
    "head",
    [
        GET + b"X-Long: " + b"x" * 3000 + b"\r\n\r\n",
        GET + b"X-Endless: " + b"x" * 3000,
        b"GET /" + b"x" * 3000,
        GET + b"".join(b"X-%d: 1\r\n" % n for n in range(50)) + b"\r\n",
        GET + b"X" * 3000,
    ],
)
def test_a_head_beyond_its_bounds_gets_431(wire, head):
    answer = wire.ask(head)
    assert answer.status == 431
    assert wire.has_ended()


@limited("head_seconds")
def test_a_head_that_stays_unfinished_gets_408(wire):
    assert wire.ask(GET + b"X-Slow: ").status == 408
    assert wire.has_ended()


@limited("head_seconds")
def test_a_head_that_trickles_gets_408_all_the_same(wire):
    wire.socket.settimeout(0.02)
    for byte in GET * 20:
        wire.send(bytes([byte]))
        try:
            wire._more()
        except TimeoutError:
            continue
        break
    wire.socket.settimeout(WAIT)
    assert wire.answer().status == 408


@limited("head_seconds")
def test_a_second_head_that_stays_unfinished_gets_408(wire):
    wire.send(GET + b"\r\n" + GET)
    assert [wire.answer().status, wire.answer().status] == [200, 408]


@limited("idle_seconds")
def test_a_silent_client_is_closed_without_a_word(wire):
    assert wire.rest() == b""


@limited("idle_seconds")
def test_a_kept_connection_is_closed_when_idle_for_too_long(wire):
    assert wire.get().status == 200
    assert wire.rest() == b""


@limited("stall_seconds")
def test_a_stalled_upload_is_given_up_and_holds_up_nobody(app, listener, wire):
    wire.send(POST.replace(b"/echo", b"/upload") + b"Content-Length: 10\r\n\r\nhalf")
    with Wire(listener.port) as other:
        assert other.get().status == 200
    assert app.ended.wait(WAIT)
    assert wire.rest() == b""


@limited("stall_seconds")
def test_a_download_that_nobody_takes_is_given_up(app, listener, wire):
    wire.send(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
    with Wire(listener.port) as other:
        assert other.get().status == 200
    assert app.ended.wait(WAIT)


@pytest.mark.parametrize("waste", [b"3;" + b"x" * 100_000, b"0\r\nX-Trailer: " + b"x" * 100_000])
def test_framing_without_end_is_given_up(app, wire, waste):
    upload = POST.replace(b"/echo", b"/upload")
    wire.send(upload + b"Transfer-Encoding: chunked\r\n\r\n" + waste)
    assert app.ended.wait(WAIT)
    assert wire.rest() == b""


@limited("linger_seconds")
def test_lingering_ends_although_the_client_goes_on(wire):
    wire.send(POST.replace(b"/echo", b"/ignore") + b"Content-Length: 1000000000\r\n\r\n")
    assert wire.answer().status == 403

    def go_on():
        while True:
            wire.send(b"x" * 65536)

    with pytest.raises(ConnectionError):
        go_on()
