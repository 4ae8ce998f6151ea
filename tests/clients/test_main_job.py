"""The whole way of a package, in and out again, by client libraries that nobody has changed."""

import asyncio
import base64
import importlib.util
import io

import pytest

import job_tools
from builders import CUSTOMER_GROUPS, package
from job_tools import Client, rows_of

pytestmark = [pytest.mark.evidence("client"), pytest.mark.d365fo(environment=job_tools.ENVIRONMENT)]

PACKAGE = package()
COLUMNS = CUSTOMER_GROUPS.columns
BLOCK = 256


# Tokens


def msal_token(config):
    import msal

    application = msal.ConfidentialClientApplication(
        config["client_id"],
        client_credential=config["client_secret"],
        authority=config["authority"],
        instance_discovery=False,
        verify=config["ca_bundle"],
    )
    return application.acquire_token_for_client([config["scope"]])["access_token"]


def identity_token(config):
    from azure.identity import ClientSecretCredential

    with ClientSecretCredential(
        config["tenant_id"],
        config["client_id"],
        config["client_secret"],
        authority=config["base_url"],
        disable_instance_discovery=True,
        connection_verify=config["ca_bundle"],
    ) as credential:
        return credential.get_token(config["scope"]).token


async def identity_token_aio(config):
    from azure.identity.aio import ClientSecretCredential

    async with ClientSecretCredential(
        config["tenant_id"],
        config["client_id"],
        config["client_secret"],
        authority=config["base_url"],
        connection_verify=config["ca_bundle"],
    ) as credential:
        return (await credential.get_token(config["scope"])).token


# Blobs


def blob(url, config, **options):
    from azure.storage.blob import BlobClient

    return BlobClient.from_blob_url(url, connection_verify=config["ca_bundle"], **options)


def upload_whole(url, config):
    with blob(url, config) as client:
        client.upload_blob(PACKAGE, overwrite=True)


def upload_in_blocks(url, config):
    with blob(url, config, max_single_put_size=BLOCK, max_block_size=BLOCK) as client:
        client.upload_blob(io.BytesIO(PACKAGE), overwrite=True, max_concurrency=2)


def download_whole(url, config):
    with blob(url, config) as client:
        return client.download_blob().readall()


def download_in_ranges(url, config):
    with blob(url, config, max_single_get_size=BLOCK, max_chunk_get_size=BLOCK) as client:
        return b"".join(client.download_blob().chunks())


def go_round(config, token, upload, download, base=None):
    """In and out again; both packages hold the same rows."""
    with Client(config, base, token) as client:
        url = client.write_url()
        upload(url, config)
        taken_in = client.import_from(url)
        assert client.poll(taken_in)[-1] == "Succeeded"
        assert client.errors(taken_in) == []
        given_out = client.export()
        assert client.poll(given_out)[-1] == "Succeeded"
        exported = download(client.value("GetExportedPackageUrl", executionId=given_out), config)
    assert rows_of(exported, *COLUMNS) == list(CUSTOMER_GROUPS.rows)


@pytest.mark.parametrize("token", [msal_token, identity_token])
@pytest.mark.parametrize(
    ("upload", "download"),
    [(upload_whole, download_whole), (upload_in_blocks, download_in_ranges)],
    ids=["whole", "in parts"],
)
def test_a_package_goes_in_and_out_by_the_sync_clients(d365fo, config, token, upload, download):
    go_round(config, token(config), upload, download)
    parts = -(-len(PACKAGE) // BLOCK) if upload is upload_in_blocks else 0
    calls = [entry for entry in d365fo.journal if "comp=block&" in f"{entry.query}&"]
    assert len(calls) == parts
    assert len(d365fo.rows("Customer groups", company="USMF")) == len(CUSTOMER_GROUPS.rows)


@pytest.mark.parametrize("most", [BLOCK, 64 << 20], ids=["in parts", "whole"])
async def test_a_package_goes_in_and_out_by_the_async_clients(config, most):
    from azure.storage.blob.aio import BlobClient

    token = await identity_token_aio(config)
    with Client(config, token=token) as client:

        async def value(action, **members):
            return await asyncio.to_thread(client.value, action, **members)

        url = await asyncio.to_thread(client.write_url)
        sizes = {"max_single_put_size": most, "max_block_size": most, "max_single_get_size": most}
        options = {"connection_verify": config["ca_bundle"], **sizes}
        async with BlobClient.from_blob_url(url, **options) as blob:
            await blob.upload_blob(PACKAGE, overwrite=True)
        taken_in = await asyncio.to_thread(client.import_from, url)
        assert (await asyncio.to_thread(client.poll, taken_in))[-1] == "Succeeded"
        given_out = await asyncio.to_thread(client.export)
        assert (await asyncio.to_thread(client.poll, given_out))[-1] == "Succeeded"
        url = await value("GetExportedPackageUrl", executionId=given_out)
        async with BlobClient.from_blob_url(url, **options) as blob:
            exported = await (await blob.download_blob()).readall()
    assert rows_of(exported, *COLUMNS) == list(CUSTOMER_GROUPS.rows)


def test_a_package_goes_in_and_out_without_tls_by_requests_alone(d365fo, config):
    import requests

    def upload(url, _config):
        assert url.startswith(d365fo.http_url)
        answer = requests.put(url, PACKAGE, headers={"x-ms-blob-type": "BlockBlob"}, timeout=30)
        assert answer.status_code == 201

    def download(url, _config):
        return requests.get(url, timeout=30).content

    go_round(config, None, upload, download, base=d365fo.http_url)


@pytest.mark.skipif(not importlib.util.find_spec("httpx"), reason="httpx is not installed")
def test_a_package_goes_in_and_out_by_httpx(config):
    import ssl

    import httpx

    trust = ssl.create_default_context(cafile=config["ca_bundle"])

    def upload(url, _config):
        headers = {"x-ms-blob-type": "BlockBlob"}
        httpx.put(url, content=PACKAGE, headers=headers, verify=trust).raise_for_status()

    def download(url, _config):
        return httpx.get(url, verify=trust).raise_for_status().content

    go_round(config, None, upload, download)


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_token_of_one_address_is_good_at_the_other(d365fo, config, scheme):
    with Client(config) as client:
        base = {"https": d365fo.https_url, "http": d365fo.http_url}[scheme]
        token = client.new_token(resource=base)
        other = {"https": d365fo.http_url, "http": d365fo.https_url}[scheme]
    with Client(config, other, token) as client:
        assert client.write_url().startswith(other)


def test_variables_alone_lead_the_environment_credential_here(d365fo_env):
    """With `REQUESTS_CA_BUNDLE`, `AZURE_AUTHORITY_HOST` and the rest set, one option is left."""
    from azure.identity import EnvironmentCredential

    config = d365fo_env.client_config()
    with EnvironmentCredential(disable_instance_discovery=True) as credential:
        token = credential.get_token(config["scope"]).token
    with Client(config, token=token) as client:
        assert client.write_url()
    d365fo_env.verify(surface="token", at_least=1)


def test_variables_alone_have_requests_and_msal_trust_us(d365fo_env):
    import msal
    import requests

    config = d365fo_env.client_config()
    application = msal.ConfidentialClientApplication(
        config["client_id"],
        client_credential=config["client_secret"],
        authority=config["authority"],
        instance_discovery=False,
    )
    token = application.acquire_token_for_client([config["scope"]])["access_token"]
    answer = requests.post(
        config["base_url"] + job_tools.ACTIONS + "GetAzureWriteUrl",
        json={"uniqueFileName": "a"},
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    )
    assert answer.status_code == 200


def test_the_basic_header_stands_for_secret_and_id_in_the_form(client, config):
    pair = f"{config['client_id']}:{config['client_secret']}".encode()
    answer = client.session.post(
        config["token_url"],
        data={"grant_type": "client_credentials", "resource": config["resource"]},
        headers={"Authorization": "Basic " + base64.b64encode(pair).decode()},
    )
    assert answer.json()["token_type"] == "Bearer"
