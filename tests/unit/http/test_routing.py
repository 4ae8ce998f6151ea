from __future__ import annotations

import pytest

from d365fo_emulator.http.exchange import SurfaceName
from d365fo_emulator.http.routing import choose

pytestmark = pytest.mark.evidence("documented")

TOKEN, FINANCE, BLOB, ADMIN = (
    SurfaceName.TOKEN,
    SurfaceName.FINANCE,
    SurfaceName.BLOB,
    SurfaceName.ADMIN,
)
TENANT = "0f5c2cf0-7e3a-4a5d-9c4d-2f8b7f7f0a11"


def route(path, host="localhost", port=8365, ports=None):
    environ = {"PATH_INFO": path, "HTTP_HOST": host, "SERVER_PORT": str(port)}
    return choose(environ, "devstoreaccount1", ports)


@pytest.mark.parametrize(
    ("path", "surface", "prefix", "routed"),
    [
        ("/data/DataManagementDefinitionGroups", FINANCE, "", None),
        ("/DATA/Customers", FINANCE, "", "/data/Customers"),
        ("/data", FINANCE, "", None),
        ("/Metadata/DataEntities", FINANCE, "", "/metadata/DataEntities"),
        ("/api/connector/enqueue/x", FINANCE, "", None),
        ("/namespaces/AXSF/Data/$batch", FINANCE, "/namespaces/AXSF", "/data/$batch"),
        ("/namespaces/oauth2/data", FINANCE, "/namespaces/oauth2", "/data"),
        ("/namespaces/x/other", FINANCE, "", None),
        ("/database", FINANCE, "", None),
        ("/", FINANCE, "", None),
        ("/favicon.ico", FINANCE, "", None),
        ("//data//x", FINANCE, "", None),
        (f"/{TENANT}/oauth2/token", TOKEN, "", None),
        (f"/{TENANT}/oauth2/v2.0/token", TOKEN, "", None),
        (f"/{TENANT}/OAuth2/Token", TOKEN, "", None),
        ("/contoso.com/.well-known/openid-configuration", TOKEN, "", None),
        (f"/{TENANT}/v2.0/.well-known/openid-configuration", TOKEN, "", None),
        (f"/{TENANT}/discovery/v2.0/keys", TOKEN, "", None),
        ("/common/discovery/instance", TOKEN, "", None),
        ("/adfs/oauth2/token", TOKEN, "", None),
        ("/.well-known/webfinger", TOKEN, "", None),
        ("/x/oauth3/token", FINANCE, "", None),
        ("/commonly/x", FINANCE, "", None),
        ("/devstoreaccount1/dmf/a/b", BLOB, "", None),
        ("/devstoreaccount1", BLOB, "", None),
        ("/devstoreaccount12/dmf", FINANCE, "", None),
        ("/_emulator/v1/ready", ADMIN, "", None),
        ("/_emulator", ADMIN, "", None),
        ("/_emulators", FINANCE, "", None),
    ],
)
def test_the_first_path_segment_chooses(path, surface, prefix, routed):
    found = route(path)
    assert (found.surface, found.prefix, found.path) == (surface, prefix, routed or path)


@pytest.mark.parametrize("host", ["devstoreaccount1.blob.localhost:1", "DevStoreAccount1.Blob.x"])
def test_the_storage_accounts_host_chooses_blob_and_names_the_account(host):
    found = route("/dmf/data/x", host)
    assert (found.surface, found.path) == (BLOB, "/devstoreaccount1/dmf/data/x")
    assert route("/", host).path == "/devstoreaccount1/"


def test_the_admin_api_answers_under_the_storage_host_too():
    assert route("/_emulator/v1/live", "devstoreaccount1.blob.localhost").surface is ADMIN


@pytest.mark.parametrize(
    ("port", "path", "host", "surface", "routed"),
    [
        (1, "/data/x", "localhost", TOKEN, "/data/x"),
        (2, "/x/y", "localhost", BLOB, "/x/y"),
        (2, "/x/y", "devstoreaccount1.blob.localhost", BLOB, "/devstoreaccount1/x/y"),
        (3, "/common/oauth2/token", "localhost", FINANCE, "/common/oauth2/token"),
        (3, "/Data/x", "localhost", FINANCE, "/data/x"),
        (9, "/common/oauth2/token", "localhost", TOKEN, "/common/oauth2/token"),
    ],
)
def test_a_port_bound_to_one_surface_comes_first(port, path, host, surface, routed):
    found = route(path, host, port, {1: TOKEN, 2: BLOB, 3: FINANCE})
    assert (found.surface, found.path) == (surface, routed)
