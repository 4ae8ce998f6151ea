"""The unmodified Python client of Azure Storage against the surface, over a socket."""

from __future__ import annotations

import io
import logging
import threading
import zipfile

import pytest

from blob_tools import BASE, PUT
from d365fo_emulator.http.exchange import ENVIRON_KEY, Exchange, SurfaceName

azure_blob = pytest.importorskip("azure.storage.blob")


@pytest.fixture
def live(wire):
    from werkzeug.serving import make_server

    def app(environ, start_response):
        workspace = wire.surface.find_workspace(environ) or wire.places["default"].workspace
        environ[ENVIRON_KEY] = Exchange(
            method=environ["REQUEST_METHOD"],
            path=environ["PATH_INFO"],
            query=environ["QUERY_STRING"],
            surface=SurfaceName.BLOB,
            workspace=workspace,
            request_id=str(workspace.ids.guid("request")),
            received_at=workspace.clock.now,
            base_url="",
            secure=False,
            remote_address=environ["REMOTE_ADDR"],
        )
        return wire.surface.app(environ, start_response)

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join(10)
    server.server_close()


@pytest.fixture
def client_of(live, place):
    clients = []

    def build(name="orders.zip", permissions="rwd", **options):
        url = place.url(name, permissions).replace(BASE, live)
        clients.append(azure_blob.BlobClient.from_blob_url(url, **options))
        return clients[-1]

    yield build
    for client in clients:
        client.close()


@pytest.mark.evidence("client")
@pytest.mark.parametrize("size", [0, 1, 700_000])
def test_what_was_uploaded_is_downloaded(client_of, size):
    client, data = client_of(), bytes(range(251)) * (size // 251 + 1)
    data = data[:size]
    assert not client.exists()
    client.upload_blob(data, metadata={"origin": "test"})
    assert client.exists()
    assert client.download_blob().readall() == data
    properties = client.get_blob_properties()
    assert (properties.size, properties.metadata) == (size, {"origin": "test"})
    client.delete_blob()
    assert not client.exists()


@pytest.mark.evidence("client")
def test_blocks_and_ranges(client_of, place):
    limits = {
        "max_single_put_size": 64 * 1024,
        "max_block_size": 64 * 1024,
        "max_single_get_size": 100_000,
        "max_chunk_get_size": 50_000,
    }
    client, data = client_of("big", **limits), bytes(range(256)) * 2_000
    client.upload_blob(data, max_concurrency=3, validate_content=True)
    assert client.download_blob(max_concurrency=2).readall() == data
    assert (
        client.download_blob(offset=1000, length=5000, validate_content=True).readall()
        == (data[1000:6000])
    )
    committed, staged = client.get_block_list("all")
    assert (sum(block.size for block in committed), staged) == (len(data), [])
    assert len(place.files()) == 1


@pytest.mark.evidence("client")
def test_the_clients_exceptions_are_those_of_the_service(client_of):
    from azure.core.exceptions import (
        ClientAuthenticationError,
        HttpResponseError,
        ResourceExistsError,
        ResourceModifiedError,
        ResourceNotFoundError,
    )

    client = client_of()
    with pytest.raises(ResourceNotFoundError):
        client.download_blob()
    client.upload_blob(b"1")
    with pytest.raises(ResourceExistsError):
        client.upload_blob(b"2")
    client.upload_blob(b"2", overwrite=True)
    with pytest.raises(ResourceModifiedError):
        client.delete_blob(etag='"0x8D0"', match_condition=_if_unmodified())
    with pytest.raises(HttpResponseError) as caught:
        client_of(permissions="r").upload_blob(b"3", overwrite=True)
    assert caught.value.error_code == "AuthorizationPermissionMismatch"
    forged = azure_blob.BlobClient.from_blob_url(client.url.replace("sp=rwd", "sp=rw"))
    with forged, pytest.raises(ClientAuthenticationError, match="Signature did not match"):
        forged.download_blob()


def _if_unmodified():
    from azure.core import MatchConditions

    return MatchConditions.IfNotModified


@pytest.mark.evidence("client")
def test_an_archive_can_be_written_straight_into_a_blob(client_of, place):
    def produce(sink):
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("Manifest.xml", "<a/>" * 1000)

    place.service.write_package("dmf", "export", produce)
    downloaded = client_of("export", "r").download_blob().readall()
    with zipfile.ZipFile(io.BytesIO(downloaded)) as archive:
        assert archive.read("Manifest.xml") == b"<a/>" * 1000


@pytest.mark.evidence("client")
def test_a_connection_that_dies_in_the_middle_leaves_the_old_blob(live, place):
    import socket

    place.service.write_package("dmf", "orders.zip", lambda sink: sink.write(b"old"))
    target = place.url().removeprefix(BASE)
    host, port = live.removeprefix("http://").split(":")
    head = f"PUT {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 999999\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in PUT.items())
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(f"{head}\r\n".encode() + bytes(300_000))
        connection.shutdown(socket.SHUT_WR)
        connection.recv(65536)
    assert place.read() == b"old"
    assert len(place.files()) == 1
