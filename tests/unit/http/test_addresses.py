from __future__ import annotations

import pytest

from d365fo_emulator.http.addresses import (
    InvalidHost,
    base_url_of,
    own_addresses,
    parse_host,
    split_namespace,
)

pytestmark = pytest.mark.evidence("inferred")


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("localhost", "localhost", None),
        ("localhost:8443", "localhost", 8443),
        ("LOCALHOST:1", "LOCALHOST", 1),
        ("127.0.0.1:65535", "127.0.0.1", 65535),
        ("[::1]", "[::1]", None),
        ("[::1]:8365", "[::1]", 8365),
        ("my_container:80", "my_container", 80),
        ("devstoreaccount1.blob.localhost:8365", "devstoreaccount1.blob.localhost", 8365),
        ("env.operations.dynamics.com.", "env.operations.dynamics.com.", None),
    ],
)
def test_a_valid_host_has_these_parts(text, host, port):
    assert (parse_host(text).host, parse_host(text).port) == (host, port)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " localhost",
        "local host",
        "localhost:",
        "localhost:0",
        "localhost:65536",
        "localhost:8x",
        "localhost:+8",
        "localhost:\u0663",
        "localhost:80:80",
        "user@localhost",
        "localhost/path",
        "localhost?x",
        "localhost#x",
        "a,b",
        "localhost,localhost",
        "http://localhost",
        "::1",
        "[::1",
        "[::1]x",
        "[::1]:",
        "[localhost]",
        "[fe80::1%eth0]",
        "256.1.1.1",
        "1.2.3",
        "-a",
        "a..b",
        ".a",
        "a\r\nb",
        "localhost\n",
        "b\u00fccher",
        '"><script>',
        "x" * 64,
        ".".join(["x" * 50] * 6),
    ],
)
def test_what_is_no_host_and_port_is_refused(text):
    with pytest.raises(InvalidHost):
        parse_host(text)


def environ(scheme, host, port, **more):
    found = {"wsgi.url_scheme": scheme, "SERVER_PORT": str(port), "SERVER_NAME": "127.0.0.1"}
    found["SERVER_PROTOCOL"] = "HTTP/1.1"
    return found | ({} if host is None else {"HTTP_HOST": host}) | more


@pytest.mark.evidence("documented")
@pytest.mark.parametrize(
    ("scheme", "host", "listening", "public", "url"),
    [
        ("https", "localhost:8443", 8443, None, "https://localhost:8443"),
        ("http", "localhost:32768", 8365, None, "http://localhost:32768"),
        ("https", "localhost", 8443, None, "https://localhost:8443"),
        ("https", "localhost", 443, None, "https://localhost"),
        ("http", "localhost", 80, None, "http://localhost"),
        ("http", "localhost", 443, None, "http://localhost:443"),
        ("https", "localhost:443", 8443, None, "https://localhost:443"),
        ("https", "[::1]", 8443, None, "https://[::1]:8443"),
        ("https", "Name", 8443, None, "https://Name:8443"),
        ("http", "localhost:1", 8365, "https://emu.example", "https://emu.example"),
        ("http", "localhost:1", 8365, "https://emu.example:9/", "https://emu.example:9"),
    ],
)
def test_base_url(scheme, host, listening, public, url):
    assert base_url_of(environ(scheme, host, listening), public) == url


def test_http_1_0_without_host_gets_the_sockets_address():
    old = environ("http", None, 8365, SERVER_PROTOCOL="HTTP/1.0")
    assert base_url_of(old) == "http://127.0.0.1:8365"
    assert base_url_of(old | {"SERVER_NAME": "::1"}) == "http://[::1]:8365"


@pytest.mark.parametrize("public", [None, "https://emu.example"])
@pytest.mark.parametrize("host", [None, "", "a b"])
def test_a_missing_or_bad_host_is_refused_even_with_a_public_url(host, public):
    with pytest.raises(InvalidHost):
        base_url_of(environ("http", host, 8365), public)


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("/namespaces/x/data/A", ("/namespaces/x", "/data/A")),
        ("/NameSpaces/a%b/data", ("/NameSpaces/a%b", "/data")),
        ("/namespaces/x", ("/namespaces/x", "")),
        ("/namespaces/", ("", "/namespaces/")),
        ("/namespaces//data", ("", "/namespaces//data")),
        ("/data/namespaces/x", ("", "/data/namespaces/x")),
        ("/", ("", "/")),
    ],
)
def test_the_namespace_prefix_is_split_off(path, parts):
    assert split_namespace(path) == parts


OWN = own_addresses(
    {"http": [8365], "https": [8443, 443]}, ["emu.test", "fd00::1"], "https://Public.example/x/"
)


@pytest.mark.parametrize(
    ("audience", "own"),
    [
        ("http://localhost:8365", True),
        ("HTTPS://LocalHost:8443", True),
        ("https://127.0.0.1:8443", True),
        ("https://[::1]:8443", True),
        ("https://emu.test:8443", True),
        ("https://[fd00::1]:8443", True),
        ("https://localhost", True),
        ("https://localhost:443", True),
        ("https://localhost:8443/namespaces/AXSF", True),
        ("https://localhost:8443/namespaces/any%20thing", True),
        ("https://public.example/x", True),
        ("https://PUBLIC.example:443/x/namespaces/y", True),
        ("https://localhost:8443/", False),
        ("https://localhost:8443/namespaces/AXSF/", False),
        ("https://localhost:8443/namespaces/", False),
        ("https://localhost:8443/namespaces/a/b", False),
        ("https://localhost:8443/data", False),
        ("https://localhost:8443?x=1", False),
        ("https://localhost:8365", False),
        ("http://localhost:8443", False),
        ("http://localhost", False),
        ("http://public.example/x", False),
        ("https://public.example", False),
        ("https://public.example/xy", False),
        ("https://other.test:8443", False),
        ("https://user@localhost:8443", False),
        ("localhost:8443", False),
        ("00000015-0000-0000-c000-000000000000", False),
        ("", False),
    ],
)
def test_which_audiences_are_our_own(audience, own):
    assert OWN.is_own_audience(audience) is own
