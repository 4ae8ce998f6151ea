from __future__ import annotations

import errno
import socket

import pytest

from d365fo_emulator.http import sockets
from d365fo_emulator.kernel.errors import ConfigurationError

pytestmark = pytest.mark.evidence("inferred")


@pytest.fixture
def opened():
    kept = []
    yield kept
    for each in kept:
        each.close()


def refuse_ipv6(monkeypatch, numbers):
    """Lets binding ::1 fail with these errors, one after the other."""
    genuine = sockets._listen
    left = list(numbers)

    def listen(family, host, port):
        if family == socket.AF_INET6 and left:
            raise OSError(left.pop(0), "refused by the test")
        return genuine(family, host, port)

    monkeypatch.setattr(sockets, "_listen", listen)


@pytest.mark.parametrize("number", [errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT])
def test_without_ipv6_the_other_loopback_stands_alone(monkeypatch, opened, number):
    refuse_ipv6(monkeypatch, [number])
    opened += sockets.bind("localhost", 0)
    assert [each.getsockname()[0] for each in opened] == ["127.0.0.1"]


def test_a_free_port_is_free_on_both_loopbacks(monkeypatch, opened):
    refuse_ipv6(monkeypatch, [errno.EADDRINUSE] * 3)
    opened += sockets.bind("127.0.0.1", 0)
    assert len({each.getsockname()[1] for each in opened}) == 1
    assert len(opened) == 2


def test_a_port_taken_on_one_loopback_is_taken(monkeypatch):
    refuse_ipv6(monkeypatch, [errno.EADDRINUSE])
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(ConfigurationError, match=f"port {port} on 127.0.0.1 is taken"):
        sockets.bind("127.0.0.1", port)


def test_another_host_is_bound_alone(opened):
    opened += sockets.bind("0.0.0.0", 0)
    assert [each.getsockname()[0] for each in opened] == ["0.0.0.0"]


def test_a_port_that_needs_more_rights_is_told(monkeypatch):
    def listen(*_):
        raise PermissionError(errno.EACCES, "refused by the test")

    monkeypatch.setattr(sockets, "_listen", listen)
    with pytest.raises(ConfigurationError, match="choose a port above 1023"):
        sockets.bind("127.0.0.1", 443)


def test_time_outs_work_where_the_kernel_keeps_none(monkeypatch):
    monkeypatch.delattr(socket, "SO_RCVTIMEO")
    near, far = socket.socketpair()
    with near, far:
        sockets.Timer(near).set(0.01)
        assert near.gettimeout() == 0.01
        with pytest.raises(sockets.TIMED_OUT):
            near.recv(1)


def test_time_outs_kept_by_the_kernel_end_a_read():
    near, far = socket.socketpair()
    with near, far:
        sockets.Timer(near).set(0.01)
        with pytest.raises(sockets.TIMED_OUT):
            near.recv(1)


def test_ending_twice_does_no_harm():
    near, far = socket.socketpair()
    with far:
        sockets.finish(near)
        sockets.finish(near)
        sockets.reset(near)
        sockets.wake(near)
        assert far.recv(1) == b""
