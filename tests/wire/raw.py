"""Requests as bytes on a connection of their own: nothing added that a test did not ask for."""

from __future__ import annotations

import http.client
import json
import ssl
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

TIMEOUT = 30


@dataclass(frozen=True)
class Answer:
    """What came back: header names as sent, each once."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


def send(emulator, base, method, path, headers=None, body=None):
    """One request to `base` (an http or https URL of the emulator) over a new connection."""
    address = urlsplit(base)
    if address.scheme == "https":
        trust = ssl.create_default_context(cafile=str(emulator.ca_bundle))
        connection = http.client.HTTPSConnection(
            address.hostname, address.port, timeout=TIMEOUT, context=trust
        )
    else:
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=TIMEOUT)
    sent = {"Host": address.netloc} | (headers or {})
    if (body or method in {"POST", "PUT"}) and "Content-Length" not in sent:
        sent["Content-Length"] = str(len(body or b""))
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in sent.items():
            connection.putheader(name, value)
        connection.endheaders(body or None)
        response = connection.getresponse()
        names = [name for name, _ in response.getheaders()]
        assert len(names) == len({name.lower() for name in names}), f"a header twice: {names}"
        return Answer(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()


def token(emulator, base, client_id=None):
    """An access token for `base`, from the emulator's v1 endpoint."""
    config = emulator.client_config()
    form = {
        "grant_type": "client_credentials",
        "client_id": client_id or value_of(config, "client_id"),
        "client_secret": value_of(config, "client_secret"),
        "resource": base,
    }
    answer = send(
        emulator,
        base,
        "POST",
        f"/{value_of(config, 'tenant_id')}/oauth2/token",
        {"Content-Type": "application/x-www-form-urlencoded"},
        urlencode(form).encode(),
    )
    assert answer.status == 200, answer.body
    return answer.json["access_token"]


def value_of(config, name):
    """A member of `client_config()`, whether it is a mapping or an object."""
    return config[name] if isinstance(config, dict) else getattr(config, name)
