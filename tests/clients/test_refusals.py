"""What client libraries make of our refusals: the exception, its code and its text."""

import asyncio

import pytest

import job_tools
from builders import package

pytestmark = [pytest.mark.evidence("client"), pytest.mark.d365fo(environment=job_tools.ENVIRONMENT)]

UNKNOWN = "11111111-1111-4111-8111-111111111111"

# Which member of the configuration is wrong; the error's name and code.
WRONG = [
    ({"client_secret": "another"}, "invalid_client", 7000215),
    ({"client_id": UNKNOWN}, "unauthorized_client", 700016),
    ({"scope": "https://elsewhere.example/.default"}, "invalid_resource", 500011),
]


def application(config, **options):
    import msal

    return msal.ConfidentialClientApplication(
        config["client_id"],
        client_credential=config["client_secret"],
        authority=config["authority"],
        instance_discovery=False,
        verify=config["ca_bundle"],
        **options,
    )


def credential(config, module="azure.identity", **options):
    import importlib

    if module == "azure.identity":
        options["disable_instance_discovery"] = True
    return importlib.import_module(module).ClientSecretCredential(
        config["tenant_id"],
        config["client_id"],
        config["client_secret"],
        authority=config["base_url"],
        connection_verify=config["ca_bundle"],
        **options,
    )


@pytest.mark.parametrize(("wrong", "error", "code"), WRONG)
def test_msal_returns_the_refusal_as_a_dictionary(config, wrong, error, code):
    config |= wrong
    answer = application(config).acquire_token_for_client([config["scope"]])
    assert (answer["error"], answer["error_codes"]) == (error, [code])
    assert answer["error_description"].startswith(f"AADSTS{code}: ")
    assert answer["correlation_id"] in answer["error_description"]


@pytest.mark.parametrize(("wrong", "error", "code"), WRONG)
def test_azure_identity_raises_with_the_code_in_the_text(config, wrong, error, code):
    from azure.core.exceptions import ClientAuthenticationError

    config |= wrong
    with credential(config) as client, pytest.raises(ClientAuthenticationError) as caught:
        client.get_token(config["scope"])
    assert f"AADSTS{code}" in str(caught.value)


@pytest.mark.parametrize(("wrong", "error", "code"), WRONG)
async def test_azure_identity_aio_raises_with_error_and_code(config, wrong, error, code):
    from azure.core.exceptions import ClientAuthenticationError

    config |= wrong
    async with credential(config, "azure.identity.aio") as client:
        with pytest.raises(ClientAuthenticationError) as caught:
            await client.get_token(config["scope"])
    assert f"({error}) AADSTS{code}" in str(caught.value)


def test_an_unknown_tenant_ends_in_discovery(config):
    config["authority"] = f"{config['base_url']}/{UNKNOWN}"
    with pytest.raises(ValueError, match="Unable to get authority configuration"):
        application(config).acquire_token_for_client([config["scope"]])


async def test_an_unknown_tenant_without_discovery_has_its_own_code(config):
    from azure.core.exceptions import ClientAuthenticationError

    config["tenant_id"] = UNKNOWN
    async with credential(config, "azure.identity.aio") as client:
        with pytest.raises(ClientAuthenticationError, match="AADSTS90002"):
            await client.get_token(config["scope"])


def test_a_cache_hides_a_secret_that_became_wrong(d365fo, config):
    import msal

    cache = msal.TokenCache()
    first = application(config, token_cache=cache)
    good = first.acquire_token_for_client([config["scope"]])
    wrong = application({**config, "client_secret": "another"}, token_cache=cache)
    again = wrong.acquire_token_for_client([config["scope"]])
    assert again["token_source"] == "cache"
    assert again["access_token"] == good["access_token"]
    d365fo.verify(surface="token", method="POST", count=1)


def test_azure_identity_asks_once_for_tokens_it_still_has(d365fo, config):
    with credential(config) as client:
        tokens = {client.get_token(config["scope"]).token for _ in range(3)}
    assert len(tokens) == 1
    d365fo.verify(surface="token", method="POST", count=1)


def test_unknown_scopes_of_a_token_do_not_come_from_the_cache_of_another(config):
    with credential(config) as client:
        assert client.get_token(config["scope"]).token
        other = config["scope"].replace("https://localhost", "https://127.0.0.1")
        assert client.get_token(other).token != client.get_token(config["scope"]).token


# Blobs


@pytest.fixture
def blob(client, config):
    """Gives a `BlobClient` of a URL; `BlobUrl` of a fresh blob without one."""
    from azure.storage.blob import BlobClient

    opened = []

    def blob(url=None, **options):
        url = url or client.write_url()
        found = BlobClient.from_blob_url(url, connection_verify=config["ca_bundle"], **options)
        opened.append(found)
        return found

    yield blob
    for one in opened:
        one.close()


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda url: url.replace("sig=", "sig=A"), id="signature"),
        pytest.param(lambda url: url.replace("sp=rw", "sp=rwd"), id="rights"),
        pytest.param(lambda url: url.replace("package.zip?", "other.zip?"), id="name"),
    ],
)
def test_a_wrong_signature_is_an_authentication_error(blob, client, spoil):
    from azure.core.exceptions import ClientAuthenticationError

    url = client.write_url()
    spoilt = spoil(url)
    assert spoilt != url
    with pytest.raises(ClientAuthenticationError) as caught:
        blob(spoilt).upload_blob(b"x", overwrite=True)
    assert (caught.value.status_code, caught.value.error_code) == (403, "AuthenticationFailed")


def test_an_expired_url_is_an_authentication_error(d365fo, blob, client):
    from azure.core.exceptions import ClientAuthenticationError

    late = blob(client.write_url())
    late.upload_blob(b"x")
    d365fo.clock.advance("31m")
    for call in (late.download_blob, lambda: late.upload_blob(b"y", overwrite=True)):
        with pytest.raises(ClientAuthenticationError) as caught:
            call()
        assert caught.value.error_code == "AuthenticationFailed"
    assert "Signature not valid in the specified time frame" in d365fo.journal[-1].reason


def test_a_right_that_the_url_lacks_is_refused_by_its_own_code(blob):
    from azure.core.exceptions import HttpResponseError

    one = blob()
    one.upload_blob(b"x")
    with pytest.raises(HttpResponseError) as caught:
        one.delete_blob()
    assert caught.value.status_code == 403
    assert caught.value.error_code == "AuthorizationPermissionMismatch"


def test_a_missing_blob_is_not_found(blob):
    from azure.core.exceptions import ResourceNotFoundError

    missing = blob()
    assert not missing.exists()
    with pytest.raises(ResourceNotFoundError) as caught:
        missing.download_blob()
    assert caught.value.error_code == "BlobNotFound"


def test_a_second_upload_without_overwrite_is_a_conflict(blob):
    from azure.core.exceptions import ResourceExistsError

    one = blob()
    one.upload_blob(b"first")
    with pytest.raises(ResourceExistsError) as caught:
        one.upload_blob(b"second")
    assert caught.value.error_code == "BlobAlreadyExists"
    assert one.download_blob().readall() == b"first"
    one.upload_blob(b"third", overwrite=True)
    assert one.download_blob().readall() == b"third"


def test_an_empty_blob_comes_down_empty(blob):
    one = blob()
    one.upload_blob(b"")
    assert one.exists()
    assert one.get_blob_properties().size == 0
    assert one.download_blob().readall() == b""


def test_ranges_come_as_asked_for(blob):
    one = blob()
    one.upload_blob(b"0123456789")
    assert one.download_blob(offset=2, length=3).readall() == b"234"
    assert one.download_blob(offset=7).readall() == b"789"


def test_checked_uploads_and_downloads_agree(blob):
    one = blob(max_single_put_size=64, max_block_size=64)
    content = package()
    one.upload_blob(content, validate_content=True)
    assert one.download_blob(validate_content=True).readall() == content


@pytest.mark.evidence("inferred")
def test_an_export_is_gone_after_a_week(d365fo, client, config):
    """That files and executions live for seven days is documented; what is answered then is not."""
    execution = client.export()
    client.poll(execution)
    assert client.value("GetExportedPackageUrl", executionId=execution)
    d365fo.clock.advance("8d")
    with job_tools.Client(config) as later:
        assert later.state(execution) == "NotFound"
        with pytest.raises(job_tools.Refused, match=job_tools.NOT_FOUND):
            later.value("GetExportedPackageUrl", executionId=execution)


async def test_many_async_uploads_at_once_keep_their_contents_apart(client, config):
    from azure.storage.blob.aio import BlobClient

    urls = {f"{number}.zip": client.write_url(f"{number}.zip") for number in range(8)}

    async def there_and_back(name, url):
        async with BlobClient.from_blob_url(
            url, connection_verify=config["ca_bundle"], max_single_put_size=4, max_block_size=4
        ) as blob:
            await blob.upload_blob(name.encode() * 4)
            return await (await blob.download_blob()).readall()

    got = await asyncio.gather(*(there_and_back(name, url) for name, url in urls.items()))
    assert got == [name.encode() * 4 for name in urls]
