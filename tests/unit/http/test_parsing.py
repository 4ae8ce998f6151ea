from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from d365fo_emulator.http.limits import Limits
from d365fo_emulator.http.parsing import RequestParser

pytestmark = pytest.mark.evidence("inferred")

# The same examples each time, and no deadline: a busy machine is no failure.
repeatable = settings(derandomize=True, deadline=None, database=None)

STREAM = (
    b"GET /a?x=%20 HTTP/1.1\r\nHost: one\r\nX-Empty:\r\n\r\n"
    b"POST /b HTTP/1.1\r\nHost: two\r\nContent-Length: 5\r\n\r\nhello"
    b"PUT /c HTTP/1.1\r\nHost: three\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'3;x="y"\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: 1\r\n\r\n'
    b"POST /d HTTP/1.1\r\nHost: four\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    b"HTTP2-Settings: AAM\r\nContent-Length: 3\r\n\r\nabc"
    b"POST /e HTTP/1.1\r\nHost: five\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
    b"GET /f HTTP/1.1\r\nHost: six\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    b"DELETE /g HTTP/1.1\r\nHost: seven\r\n\r\n"
)
BODIES = [b"", b"hello", b"abcde", b"abc", b"x", b"", b""]


def parsed(pieces, limits=None):
    parser = RequestParser(limits or Limits())
    for piece in pieces:
        parser.feed(piece)
    return parser


def story(parser):
    return [
        (each.method, each.target, tuple(each.headers), b"".join(each.pieces), each.complete)
        for each in parser.waiting
    ]


def test_requests_come_out_whole_and_in_order():
    parser = parsed([STREAM])
    assert [each.target for each in parser.waiting] == [
        b"/a?x=%20", b"/b", b"/c", b"/d", b"/e", b"/f", b"/g",
    ]  # fmt: skip
    assert [b"".join(each.pieces) for each in parser.waiting] == BODIES
    assert all(each.complete and each.keep_alive for each in parser.waiting)
    assert parser.refusal is None


@repeatable
@given(st.lists(st.integers(1, len(STREAM) - 1), max_size=12))
def test_where_the_network_cuts_makes_no_difference(cuts):
    edges = [0, *sorted(set(cuts)), len(STREAM)]
    pieces = [STREAM[a:b] for a, b in itertools.pairwise(edges)]
    assert story(parsed(pieces)) == story(parsed([STREAM]))


@repeatable
@given(st.integers(0, len(STREAM) - 1), st.integers(0, 255), st.integers(1, len(STREAM)))
def test_a_changed_byte_is_read_or_refused_but_never_an_error(at, byte, cut):
    changed = STREAM[:at] + bytes([byte]) + STREAM[at + 1 :]
    parser = parsed([changed[:cut], changed[cut:]])
    assert all(each.complete for each in list(parser.waiting)[:-1])


@repeatable
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(noise):
    parser = parsed([noise, b"\r\n\r\n"])
    assert parser.refusal is not None or not parser.has_head or parser.waiting[0].method


def test_chunks_of_http_1_0_end_the_connection():
    head = b"POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert parsed([head]).waiting[0].keep_alive is False


def test_bounds_are_kept_however_the_head_arrives():
    head = b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: 1\r\n" % n for n in range(9)) + b"\r\n"
    for pieces in ([head], [head[n : n + 1] for n in range(len(head))]):
        assert parsed(pieces, Limits(header_count=9)).waiting[0].refusal is None
        assert parsed(pieces, Limits(header_count=8)).waiting[0].refusal.status.startswith("431")
        assert parsed(pieces, Limits(head_bytes=20)).waiting[0].refusal.status.startswith("431")
