"""The listener over TLS: trust, faults, and clients that never finish their handshake."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import socket
import ssl

import pytest
import requests

from d365fo_emulator.http.tls import Authority, default_names
from d365fo_emulator.kernel.clock import system_now
from wire.listener_support import PATIENT, WAIT, Echo, Wire, client_context, hasty, serving

pytestmark = pytest.mark.evidence("inferred")


@pytest.fixture(scope="module")
def authority():
    return Authority.load_or_create(None, system_now())


@pytest.fixture(scope="module")
def context(authority):
    return authority.server_context(default_names())


@pytest.fixture
def app(tmp_path):
    return Echo(tmp_path)


@pytest.fixture
def listener(app, context):
    with serving(app, PATIENT, context) as running:
        yield running


@pytest.fixture
def wire(listener, authority):
    with Wire(listener.port, client_context(authority.ca_pem)) as client:
        yield client


def test_a_connection_is_kept_over_tls_and_the_scheme_is_https(wire):
    told = [wire.get().json() for _ in range(3)]
    assert {each["wsgi.url_scheme"] for each in told} == {"https"}
    assert len({each["REMOTE_PORT"] for each in told}) == 1


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "[::1]"])
def test_requests_trusts_every_loopback_name_with_the_bundle(listener, authority, tmp_path, name):
    bundle = tmp_path / "bundle.pem"
    authority.write_bundle(bundle)
    answer = requests.get(f"https://{name}:{listener.port}/echo", verify=str(bundle), timeout=WAIT)
    assert answer.json()["HTTP_HOST"] == f"{name}:{listener.port}"


def test_a_client_without_our_authority_refuses_the_certificate(listener):
    with pytest.raises(ssl.SSLCertVerificationError):
        Wire(listener.port, ssl.create_default_context())
    # The listener goes on.
    assert listener.scheme == "https"


def test_tls_1_2_is_enough(listener, authority):
    context = client_context(authority.ca_pem)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with Wire(listener.port, context) as client:
        assert client.socket.version() == "TLSv1.2"
        assert client.get().status == 200


def test_large_bodies_pass_both_ways(app, wire):
    body = bytes(range(256)) * 8192
    head = b"PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body)
    assert wire.ask(head + body).json()["sha256"] == hashlib.sha256(body).hexdigest()
    assert wire.get("/big").body == app.file.read_bytes()
    assert wire.get("/range").body == app.file.read_bytes()[1000:2000]


def test_silent_clients_hold_up_nobody_and_are_closed(app, authority, context):
    with serving(app, dataclasses.replace(PATIENT, handshake_seconds=0.3), context) as listener:
        silent = [socket.create_connection(("127.0.0.1", listener.port), WAIT) for _ in range(3)]
        silent[0].sendall(b"\x16\x03\x01\x02\x00\x01")  # half a ClientHello
        with Wire(listener.port, client_context(authority.ca_pem)) as wire:
            assert wire.get().status == 200
        for each in silent:
            with each:
                assert each.recv(1) == b""


def test_plain_http_on_the_tls_port_is_told_so(listener, wire):
    with Wire(listener.port) as plain:
        answer = plain.ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (answer.status, b"https://" in answer.body) == (400, True)
        assert plain.has_ended()
    assert wire.get().status == 200


def exhaust(raw):
    raw.settimeout(WAIT)
    while raw.recv(65536):
        pass


def test_reset_over_tls_is_a_reset(wire):
    wire.send(b"GET /reset HTTP/1.1\r\nHost: a\r\n\r\n")
    with socket.socket(fileno=wire.socket.detach()) as raw, pytest.raises(ConnectionResetError):
        # What the handshake left behind may come first; a FIN would end the loop without error.
        exhaust(raw)


def test_close_over_tls_is_an_end_without_close_notify(listener, authority):
    context = client_context(authority.ca_pem)
    raw = socket.create_connection(("127.0.0.1", listener.port), WAIT)
    with context.wrap_socket(raw, server_hostname="localhost", suppress_ragged_eofs=False) as wire:
        wire.sendall(b"GET /close HTTP/1.1\r\nHost: a\r\n\r\n")
        with pytest.raises(ssl.SSLEOFError):
            wire.recv(1)


def test_connection_close_over_tls_ends_with_close_notify(listener, authority):
    context = client_context(authority.ca_pem)
    raw = socket.create_connection(("127.0.0.1", listener.port), WAIT)
    with context.wrap_socket(raw, server_hostname="localhost", suppress_ragged_eofs=False) as wire:
        wire.sendall(b"GET /empty HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        received = b""
        while data := wire.recv(65536):
            received += data
    assert received.startswith(b"HTTP/1.1 204")


def test_raw_bytes_are_encrypted(wire):
    wire.send(b"GET /garbage HTTP/1.1\r\nHost: a\r\n\r\n")
    assert wire.rest() == b"\x00\xffGARB 99\r\n\r\n"


def test_a_refusal_over_tls_reaches_a_client_that_sends_its_body_first(wire):
    wire.send(b"PUT /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n")
    wire.send(b"x" * 4000000)
    assert wire.answer().status == 403
    assert wire.has_ended()


def test_a_stalled_upload_over_tls_is_given_up(app, authority, context):
    with (
        serving(app, hasty("stall_seconds"), context) as listener,
        Wire(listener.port, client_context(authority.ca_pem)) as wire,
    ):
        wire.send(b"PUT /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
        assert app.ended.wait(WAIT)
        assert isinstance(app.seen[0], ConnectionAbortedError)


def test_a_certificate_for_further_names_is_accepted_under_them(app, authority):
    context = authority.server_context([*default_names(), "env.operations.example"])
    with serving(app, PATIENT, context) as listener:
        raw = socket.create_connection(("127.0.0.1", listener.port), WAIT)
        client = client_context(authority.ca_pem)
        with client.wrap_socket(raw, server_hostname="env.operations.example") as wire:
            certificate = wire.getpeercert()
    ends = dt.datetime.strptime(certificate["notAfter"], "%b %d %H:%M:%S %Y %Z")  # noqa: DTZ007
    begins = dt.datetime.strptime(certificate["notBefore"], "%b %d %H:%M:%S %Y %Z")  # noqa: DTZ007
    assert ends - begins < dt.timedelta(days=825)  # macOS refuses longer ones
