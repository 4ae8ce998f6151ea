"""What clients may rely on: connections, bodies, answers, faults, start and stop."""

from __future__ import annotations

import dataclasses
import hashlib
import socket
import threading
import time

import pytest

from d365fo_emulator.http.listener import Listener
from d365fo_emulator.kernel.errors import ConfigurationError
from wire.listener_support import PATIENT, WAIT, Echo, Wire, serving, until

pytestmark = pytest.mark.evidence("inferred")


@pytest.fixture
def app(tmp_path):
    return Echo(tmp_path)


@pytest.fixture
def listener(app):
    with serving(app) as running:
        yield running


@pytest.fixture
def wire(listener):
    with Wire(listener.port) as client:
        yield client


def test_both_loopback_addresses_answer_on_one_port(listener):
    assert [port for _, port in listener.addresses] == [listener.port] * 2
    for host, port in listener.addresses:
        with Wire(port, host=host) as client:
            assert client.get().json()["REMOTE_ADDR"] == host


def test_a_taken_port_is_refused_with_a_remedy(listener, app):
    with pytest.raises(ConfigurationError, match="is taken: choose another port"):
        Listener(app, port=listener.port)


def test_a_host_that_is_not_this_machines_is_refused(app):
    with pytest.raises(ConfigurationError, match=r"cannot listen on 192\.0\.2\.1"):
        Listener(app, host="192.0.2.1")


def test_the_environment_says_where_the_request_came_in(listener, wire):
    told = wire.get("/a%2Fb//c%20d?x=%41&y=+", "X-One: 1", "x-one: 2").json()
    assert told["PATH_INFO"] == "/a/b//c d"
    assert told["RAW_URI"] == "/a%2Fb//c%20d?x=%41&y=+"
    assert told["QUERY_STRING"] == "x=%41&y=+"
    assert told["SERVER_PORT"] == str(listener.port)
    assert told["wsgi.url_scheme"] == "http"
    assert told["HTTP_X_ONE"] == "1,2"
    assert told["HTTP_HOST"] == "localhost"
    assert told["SERVER_PROTOCOL"] == "HTTP/1.1"


def test_a_path_in_utf8_arrives_as_wsgi_says(wire):
    assert wire.get("/%C3%A9").json()["PATH_INFO"].encode("latin-1").decode() == "/é"


@pytest.mark.parametrize(
    ("target", "path", "host"),
    [
        ("http://other:81/echo/x?q=1", "/echo/x", "other:81"),
        ("http://other", "/", "other"),
        ("http://other?q=http://a", "/", "other"),
        ("/echo?next=http://a/b", "/echo", "localhost"),
        ("//two//slashes", "//two//slashes", "localhost"),
    ],
)
def test_an_absolute_target_gives_path_and_host(wire, target, path, host):
    told = wire.get(target).json()
    assert (told["PATH_INFO"], told["HTTP_HOST"]) == (path, host)


def test_a_header_with_an_underscore_cannot_pose_as_another(wire):
    told = wire.get("/echo", "Content_Length: 7", "X_Real: 1", "x-ms-meta-my_name: kept").json()
    assert "HTTP_X_REAL" not in told
    assert "CONTENT_LENGTH" not in told
    assert told["HTTP_X_MS_META_MY_NAME"] == "kept"


def test_a_connection_serves_one_request_after_another(listener, wire):
    ports = {wire.get().json()["REMOTE_PORT"] for _ in range(5)}
    assert len(ports) == 1
    assert listener.connection_count == 1


def test_requests_sent_without_waiting_are_answered_in_order(wire):
    one = b"GET /first HTTP/1.1\r\nHost: a\r\n\r\n"
    two = b"POST /second HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
    wire.send(one + two + one)
    paths = [wire.answer().json()["PATH_INFO"] for _ in range(3)]
    assert paths == ["/first", "/second", "/first"]


def test_a_pipelined_request_may_arrive_in_single_bytes(wire):
    for byte in b"GET /x HTTP/1.1\r\nHost: a\r\n\r\nGET /y HTTP/1.1\r\nHost: a\r\n\r\n":
        wire.send(bytes([byte]))
    assert [wire.answer().json()["PATH_INFO"] for _ in range(2)] == ["/x", "/y"]


def test_connection_close_is_honoured(wire):
    answer = wire.get("/echo", "Connection: close")
    assert answer.headers["connection"] == "close"
    assert wire.has_ended()


def test_http_1_0_closes_unless_asked_to_keep(wire):
    answer = wire.ask(b"GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert answer.headers["connection"] == "keep-alive"
    answer = wire.ask(b"GET /echo HTTP/1.0\r\n\r\n")
    assert answer.headers["connection"] == "close"
    assert wire.has_ended()


def test_a_streamed_answer_to_http_1_0_ends_with_the_connection(wire):
    answer = wire.ask(b"GET /pieces HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert "transfer-encoding" not in answer.headers
    assert answer.body == b"onetwothree"


def test_a_streamed_answer_is_chunked_and_the_connection_goes_on(wire):
    answer = wire.get("/pieces")
    assert answer.headers["transfer-encoding"] == "chunked"
    assert answer.body == b"onetwothree"
    assert wire.get().status == 200


@pytest.mark.parametrize("path", ["/echo", "/pieces", "/big", "/empty", "/memory"])
def test_head_has_the_headers_and_no_body(wire, path):
    request = f"HEAD {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    assert wire.ask(request, b"HEAD").status in {200, 204}
    assert wire.get("/echo").status == 200  # nothing stood between


def test_head_keeps_the_length_that_the_application_gave(wire):
    answer = wire.ask(b"HEAD /big HTTP/1.1\r\nHost: a\r\n\r\n", b"HEAD")
    assert answer.headers["content-length"] == str(256 * 4096)


def test_no_content_has_neither_length_nor_chunks(wire):
    answer = wire.get("/empty")
    assert answer.status == 204
    assert not {"content-length", "transfer-encoding"} & set(answer.headers)


def test_a_body_is_read_to_its_last_byte(wire):
    body = bytes(range(256)) * 5000
    head = b"PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body)
    told = wire.ask(head + body).json()
    assert told["sha256"] == hashlib.sha256(body).hexdigest()
    assert told["CONTENT_LENGTH"] == str(len(body))


def test_a_chunked_body_is_joined_and_marked(wire):
    chunks = b'3;x="y"\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: t\r\n\r\n'
    told = wire.ask(
        b"PUT /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks
    ).json()
    assert told["body"] == "abcde"
    assert told["HTTP_TRANSFER_ENCODING"] == "chunked"
    assert told["wsgi.input_terminated"] is True
    assert "CONTENT_LENGTH" not in told
    assert "HTTP_X_TRAILER" not in told
    assert wire.get().status == 200


def test_100_continue_is_sent_when_the_body_is_first_read(wire):
    wire.send(
        b"PUT /upload HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    )
    assert wire.answer().status == 100
    answer = wire.ask(b"abc")
    assert (answer.status, answer.body) == (201, b"3")
    assert wire.get().status == 200


def test_no_100_is_sent_for_a_body_that_nobody_reads(wire):
    wire.send(
        b"PUT /ignore HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    )
    answer = wire.answer()
    assert (answer.status, answer.headers["connection"]) == (403, "close")
    assert wire.has_ended()


def test_a_small_unread_body_does_not_cost_the_connection(wire):
    answer = wire.ask(b"PUT /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
    assert "connection" not in answer.headers
    wire.send(b"PUT /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n")
    assert wire.answer().status == 403
    wire.send(b"x" * 900)
    assert wire.get().status == 200


@pytest.mark.evidence("client")
def test_a_refusal_reaches_a_client_that_sends_its_large_body_first(wire):
    size = 8 * 1024 * 1024
    wire.send(b"PUT /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size)
    for _ in range(8):
        wire.send(b"x" * (size // 8))
    answer = wire.answer()
    assert (answer.status, answer.body) == (403, b"no")
    assert answer.headers["connection"] == "close"
    assert wire.has_ended()


@pytest.mark.parametrize(
    "sent",
    [
        b"Content-Length: 10\r\n\r\nhalf",
        b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n8\r\nhalf",
        b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\n",
    ],
)
def test_an_upload_cut_short_never_ends_normally(app, wire, sent):
    wire.send(b"PUT /upload HTTP/1.1\r\nHost: a\r\n" + sent)
    wire.socket.shutdown(socket.SHUT_WR)
    assert app.ended.wait(WAIT)
    assert isinstance(app.seen[0], ConnectionAbortedError)
    assert wire.rest() == b""


@pytest.mark.evidence("client")
@pytest.mark.parametrize(
    ("framing", "body"),
    [
        (b"Content-Length: 12", b'{"some":"js"'),
        (b"Transfer-Encoding: chunked", b'6\r\n{"some\r\n6\r\n":"js"\r\n0\r\n\r\n'),
    ],
)
@pytest.mark.parametrize("apart", [False, True])
def test_the_body_of_a_request_that_offers_h2c_is_kept(wire, framing, body, apart):
    head = (
        b"POST /echo HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nHost: a\r\n"
        b"HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\nUpgrade: h2c\r\n"
        + framing
        + b"\r\n\r\n"
    )
    for _ in range(2):
        if apart:
            wire.send(head)
            told = wire.ask(body).json()
        else:
            told = wire.ask(head + body).json()
        assert told["body_length"] == 12
        assert told["HTTP_UPGRADE"] == "h2c"
    assert wire.get().status == 200


@pytest.mark.evidence("client")
def test_an_h2c_offer_without_body_is_followed_by_the_next_request(wire):
    offer = b"GET /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    wire.send(offer + offer + b"GET /last HTTP/1.1\r\nHost: a\r\n\r\n")
    assert [wire.answer().json()["PATH_INFO"] for _ in range(3)] == ["/echo", "/echo", "/last"]


def test_files_and_ranges_are_sent_whole(app, wire):
    content = app.file.read_bytes()
    assert wire.get("/big").body == content
    assert wire.get("/range").body == content[1000:2000]
    assert wire.get("/memory").body == b"bytes"
    assert wire.get().status == 200


def test_an_answer_shorter_than_announced_ends_the_connection(app):
    caught = []
    with (
        serving(app, on_error=caught.append) as listener,
        Wire(listener.port) as wire,
        pytest.raises(EOFError),
    ):
        wire.get("/short")
    assert "95 bytes before its Content-Length" in str(caught[0])


@pytest.mark.parametrize("path", ["/raise", "/split", "/long"])
def test_what_the_application_lets_out_is_500_and_told(app, path):
    caught = []
    with serving(app, on_error=caught.append) as listener, Wire(listener.port) as wire:
        answer = wire.get(path)
        assert (answer.status, answer.body) == (500, b"")
        assert "set-cookie" not in answer.headers
        assert wire.has_ended()
    assert len(caught) == 1


def test_an_exception_after_the_head_cuts_the_answer(app):
    caught = []
    with (
        serving(app, on_error=caught.append) as listener,
        Wire(listener.port) as wire,
        pytest.raises(EOFError),
    ):
        wire.get("/raise-late")
    assert [str(error) for error in caught] == ["a late bug"]


def test_a_download_whose_client_leaves_is_given_up(app, listener):
    with Wire(listener.port) as wire:
        wire.send(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
        wire.socket.recv(1000)
    assert app.ended.wait(WAIT)


def test_reset_is_a_reset_for_the_client(wire):
    wire.send(b"GET /reset HTTP/1.1\r\nHost: a\r\n\r\n")
    with pytest.raises(ConnectionResetError):
        wire.socket.recv(1)


def test_close_is_an_end_without_a_byte(wire):
    wire.send(b"GET /close HTTP/1.1\r\nHost: a\r\n\r\n")
    assert wire.rest() == b""


def test_close_inside_a_body_is_no_reset(wire):
    wire.send(b"PUT /close HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n" + b"x" * 4000)
    assert wire.rest() == b""


def test_raw_bytes_are_all_that_is_written(wire):
    wire.send(b"GET /garbage HTTP/1.1\r\nHost: a\r\n\r\n")
    assert wire.rest() == b"\x00\xffGARB 99\r\n\r\n"


def test_stop_is_quick_with_a_kept_connection_open(app):
    listener = Listener(app)
    listener.start()
    with Wire(listener.port) as wire:
        assert wire.get().status == 200
        before = time.monotonic()
        listener.stop(WAIT)
        assert time.monotonic() - before < 1  # not the 5 s that running requests would get
        assert wire.has_ended()
    assert listener.connection_count == 0


def test_stop_lets_a_running_request_finish(app):
    listener = Listener(app)
    listener.start()
    with Wire(listener.port) as wire:
        wire.send(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
        assert app.ended.wait(WAIT)
        stopping = threading.Thread(target=listener.stop, args=(WAIT,))
        stopping.start()
        until(lambda: all(each.stopping for each in listener._connections))
        app.release.set()
        answer = wire.answer()
        stopping.join(WAIT)
        assert (answer.body, answer.headers["connection"]) == (b"done", "close")
        assert not stopping.is_alive()


def test_stop_cuts_off_what_does_not_end_in_time(app):
    listener = Listener(app)
    listener.start()
    with Wire(listener.port) as wire:
        wire.send(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
        assert app.ended.wait(WAIT)
        listener.stop(0.01)
        assert wire.has_ended()
        app.release.set()


def test_a_stopped_listener_frees_its_port(app):
    first = Listener(app)
    first.start()
    first.stop()
    second = Listener(app, port=first.port)
    assert second.port == first.port
    second.stop()


def test_requests_in_parallel_do_not_wait_for_one_another(app, listener):
    sleepers = [Wire(listener.port) for _ in range(20)]
    for each in sleepers:
        each.send(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
    with Wire(listener.port) as wire:
        assert wire.get().status == 200
    app.release.set()
    for each in sleepers:
        with each:
            assert each.answer().body == b"done"


def test_more_connections_than_allowed_are_turned_away(app):
    limits = dataclasses.replace(PATIENT, connections=2)
    with serving(app, limits) as listener:
        kept = [Wire(listener.port) for _ in range(2)]
        for each in kept:
            assert each.get().status == 200
        with Wire(listener.port) as late:
            assert late.answer().status == 503
        for each in kept:
            with each:
                assert each.get().status == 200
