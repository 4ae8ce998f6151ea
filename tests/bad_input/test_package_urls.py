"""Package URLs that lead elsewhere, or nowhere: refused, and no request ever leaves."""

from __future__ import annotations

import contextlib
import select
import socket
from urllib.parse import urlsplit

import pytest

from bad_input.support import FORBIDDEN, NOT_FOUND, assert_action_refusal, blob

pytestmark = pytest.mark.evidence("inferred")

MINE = "/devstoreaccount1/dmf/package.zip"


@contextlib.contextmanager
def listening(family, address):
    """Another server of this machine, which nobody may ever talk to."""
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.bind((address, 0))
        listener.listen()
        yield listener.getsockname()[1]
        ready, _, _ = select.select([listener], [], [], 0)
        assert not ready, "somebody connected"


@pytest.fixture
def elsewhere():
    """The port of a server on 127.0.0.1 that must see no connection."""
    with listening(socket.AF_INET, "127.0.0.1") as port:
        yield port


@pytest.fixture
def watched(monkeypatch, server):
    """Every connection and every name that this process looks up must be the test's own client's.

    The emulator runs in this process, so nothing that it might ask for escapes.
    """
    own = {int(url.rpartition(":")[2]) for url in (server.http_url, server.https_url)}
    strange = []
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def watched_connect(self, address):
        if not isinstance(address, tuple) or address[1] not in own:
            strange.append(address)
            raise OSError("no connection may leave")
        return connect(self, address)

    def watched_look_up(host, port, *rest, **more):
        if host not in {"localhost", "127.0.0.1", "::1"} or int(port or 0) not in own:
            strange.append((host, port))
            raise OSError("no name may be looked up")
        return look_up(host, port, *rest, **more)

    def opened(*arguments, **_more):
        strange.append(arguments)
        raise OSError("nothing may be opened")

    monkeypatch.setattr(socket.socket, "connect", watched_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", watched_connect)
    monkeypatch.setattr(socket, "getaddrinfo", watched_look_up)
    for name in ("gethostbyname", "gethostbyname_ex", "gethostbyaddr"):
        monkeypatch.setattr(socket, name, opened)
    yield
    assert strange == []


FOREIGN = [
    pytest.param("http://127.0.0.1:{elsewhere}{mine}", id="another port of this machine"),
    pytest.param("http://localhost:{elsewhere}{mine}", id="another port of localhost"),
    pytest.param("https://localhost:{elsewhere}{mine}", id="another port by https"),
    pytest.param("http://127.0.0.1:{elsewhere}/x.zip?{query}", id="another port and path"),
    pytest.param("http://localhost{mine}", id="localhost without a port"),
    pytest.param("https://localhost:{port}{mine}", id="the http port by https"),
    pytest.param("http://localhost:0{port}{mine}", id="a port with a zero in front"),
    pytest.param("http://localhost:{port}0{mine}", id="a port with a zero behind"),
    pytest.param("http://localhost:-1{mine}", id="a port below zero"),
    pytest.param("http://localhost:99999{mine}", id="a port beyond all"),
    pytest.param("http://localhost:port{mine}", id="a port that is no number"),
    pytest.param("http://localhost:{port}:80{mine}", id="two ports"),
    pytest.param("https://example.com{mine}", id="a host of the internet"),
    pytest.param("https://account.blob.core.windows.net/dmf/package.zip?{query}", id="a cloud"),
    pytest.param("http://169.254.169.254/latest/meta-data", id="a cloud's metadata service"),
    pytest.param("http://devstoreaccount1.blob.example.com{mine}", id="a foreign host style"),
    pytest.param(
        "http://devstoreaccount1.blob.localhost:{elsewhere}/dmf/package.zip?{query}",
        id="host style and another port",
    ),
    pytest.param("http://localhost:{port}@127.0.0.1:{elsewhere}{mine}", id="a user in front"),
    pytest.param("https://localhost:{port}@evil.example{mine}", id="our host as a user"),
    pytest.param("http://user:secret@localhost:{port}{mine}", id="a user of ours"),
    pytest.param("http://@localhost:{port}{mine}", id="an empty user"),
    pytest.param("http://localhost:{port}\\@127.0.0.1:{elsewhere}{mine}", id="a backslash"),
    pytest.param("http://127.0.0.1:{elsewhere}#@localhost:{port}{mine}", id="a fragment"),
    pytest.param("http://127.0.0.1:{elsewhere}?@localhost:{port}{mine}", id="a query"),
    pytest.param("http://localhost:{port}.evil.example{mine}", id="our address as a beginning"),
    pytest.param("http://localhost.evil.example:{port}{mine}", id="our host as a beginning"),
    pytest.param("http://evil.example/http://localhost:{port}{mine}", id="our URL as a path"),
    pytest.param("http://0.0.0.0:{elsewhere}{mine}", id="no address"),
    pytest.param("http://2130706433:{elsewhere}{mine}", id="an address as one number"),
    pytest.param("http://0x7f.0.0.1:{elsewhere}{mine}", id="an address in hexadecimal"),
    pytest.param("http://127.1:{elsewhere}{mine}", id="a short address"),
    pytest.param("http://[::1]:{elsewhere}{mine}", id="IPv6 and another port"),
    pytest.param("http://[::ffff:127.0.0.1]:{elsewhere}{mine}", id="IPv4 within IPv6"),
    pytest.param("http://[::1%25lo]:{port}{mine}", id="IPv6 with a zone"),
    pytest.param("http://[::1{mine}", id="IPv6 without its end"),
    pytest.param("http://::1:{port}{mine}", id="IPv6 without brackets"),
    pytest.param("http://[localhost]:{port}{mine}", id="a name in brackets"),
    pytest.param(
        "http://\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3:{port}{mine}",
        id="circled letters",
    ),
    pytest.param("http://l\u00f6calhost:{port}{mine}", id="a letter beyond ASCII"),
    pytest.param("http://localhost\u3002evil.example:{port}{mine}", id="an ideographic dot"),
    pytest.param("http://localhost\uff03@evil.example:{port}{mine}", id="a wide number sign"),
    pytest.param("http://xn--localhost:{port}{mine}", id="punycode"),
    pytest.param("http://local%68ost:{port}{mine}", id="an escape in the host"),
    pytest.param("file:///etc/passwd", id="a file"),
    pytest.param("file://localhost:{port}{mine}", id="a file of our host"),
    pytest.param("ftp://localhost:{port}{mine}", id="ftp"),
    pytest.param("gopher://127.0.0.1:{elsewhere}/x", id="gopher"),
    pytest.param("data:application/zip;base64,UEsFBg==", id="data"),
    pytest.param("jar:http://localhost:{port}{mine}!/", id="a jar"),
    pytest.param("javascript:alert(1)", id="a script"),
    pytest.param("\\\\server\\share\\package.zip", id="a share"),
    pytest.param("C:\\package.zip", id="a drive"),
    pytest.param("/etc/passwd", id="a path"),
    pytest.param("//localhost:{port}{mine}", id="no scheme"),
    pytest.param("localhost:{port}{mine}", id="no scheme and no slashes"),
    pytest.param("{mine}", id="a path of ours"),
    pytest.param("http://", id="a scheme alone"),
    pytest.param("http:///x", id="no host"),
    pytest.param("", id="nothing"),
    pytest.param(" ", id="a blank"),
    pytest.param("package.zip", id="a name"),
    pytest.param("x" * 20_000, id="20 kB"),
    pytest.param("http://localhost:{port}/", id="our address alone"),
    pytest.param("http://localhost:{port}/devstoreaccount1/dmf?{query}", id="our container"),
    pytest.param("http://localhost:{port}/devstoreaccount1/dmf/?{query}", id="no blob"),
    pytest.param("http://localhost:{port}/other/dmf/package.zip?{query}", id="another account"),
    pytest.param("http://localhost:{port}/data/$metadata", id="another surface of ours"),
    pytest.param("http://localhost:{port}/_emulator/v1/reset", id="our admin API"),
]


@pytest.mark.parametrize("template", FOREIGN)
def test_a_package_at(place, elsewhere, watched, template):
    query = urlsplit(place.upload(b"never read")).query
    mine = f"{MINE}?{query}"
    names = {
        "elsewhere": str(elsewhere),
        "port": place.base.rpartition(":")[2],
        "mine": mine,
        "query": query,
    }
    url = template
    for name, value in names.items():
        url = url.replace(f"{{{name}}}", value)
    with place.changing():
        assert_action_refusal(place.import_from(url), "ImportFromPackage", NOT_FOUND)


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_nobody_asks_the_other_loopback_either(place, watched):
    query = urlsplit(place.upload(b"never read")).query
    try:
        listener = listening(socket.AF_INET6, "::1")
        port = listener.__enter__()
    except OSError:
        pytest.skip("no IPv6 loopback here")
    with place.changing():
        answer = place.import_from(f"http://[::1]:{port}{MINE}?{query}")
        assert_action_refusal(answer, "ImportFromPackage", NOT_FOUND)
    listener.__exit__(None, None, None)


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST", "127.0.0.1", "[::1]", "devstoreaccount1.blob.localhost"],
)
def test_every_form_of_the_own_address_leads_to_the_blob(place, watched, host):
    """As a proof that the refusals above are not for another reason."""
    import builders

    address = urlsplit(place.upload(builders.package()))
    path = address.path.removeprefix("/devstoreaccount1") if ".blob." in host else address.path
    port = place.base.rpartition(":")[2]
    answer = place.import_from(f"http://{host}:{port}{path}?{address.query}")
    assert answer.status == 200, answer.text


def test_a_blob_that_does_not_exist_is_not_found(place, watched):
    url = place.write_url("never-uploaded.zip")
    with place.changing():
        answer = place.import_from(url)
        assert_action_refusal(answer, "ImportFromPackage", NOT_FOUND)
        assert "never-uploaded.zip" in answer.reason


def test_a_blob_of_staged_blocks_alone_is_not_found(place, watched):
    url = place.write_url()
    assert blob("PUT", f"{url}&comp=block&blockid=AAAA", {}, b"PK").status == 201
    with place.changing():
        assert_action_refusal(place.import_from(url), "ImportFromPackage", NOT_FOUND)


def test_a_url_that_has_expired_is_forbidden_and_the_header_says_why(place, watched):
    import builders

    url = place.upload(builders.package())
    place.view.clock.advance("31m")
    with place.changing():
        answer = place.import_from(url)
        assert_action_refusal(answer, "ImportFromPackage", FORBIDDEN)
        assert "Signature not valid in the specified time frame" in answer.reason


@pytest.mark.parametrize(
    "ending",
    [
        pytest.param("&snapshot=2026-01-01T00:00:00.0000000Z", id="a snapshot"),
        pytest.param("&ss=b&srt=o", id="an account's signature"),
        pytest.param("&skoid=x", id="a delegated signature"),
        pytest.param("&si=policy", id="a stored policy"),
    ],
)
def test_a_url_with(place, watched, ending):
    """What is not built is named as such or refused; it never reads the blob in passing."""
    url = place.upload(b"never read")
    with place.changing():
        answer = place.import_from(url + ending)
        assert answer.status in {400, 501}
        assert answer.json["error"]["innererror"]["message"]
