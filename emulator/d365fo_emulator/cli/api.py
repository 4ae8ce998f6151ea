"""The public package API as any client calls it: token, actions, upload, download.

Nothing in here knows the emulator; it works against the real service as well.
"""

from __future__ import annotations

import json
import re
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from d365fo_emulator.kernel.errors import EmulatorError

if TYPE_CHECKING:
    from pathlib import Path

ACTIONS = "/data/DataManagementDefinitionGroups/Microsoft.Dynamics.DataEntities."
MOST_RETRIES = 10
LONGEST_PAUSE = 300.0
RENEW_BEFORE = 60.0
"""Seconds before its end that a token is renewed."""


class ApiRefused(EmulatorError):
    """The service answered with an error; `status` and its own words.

    `reason` is the sentence that an emulator adds in a header; the real service sends none.
    """

    def __init__(self, what: str, status: int, text: str, reason: str = "") -> None:
        why = f"\n  why: {reason}" if reason else ""
        super().__init__(f"{what}: HTTP {status}: {text}{why}")
        self.status = status
        self.text = text


class StillWaiting(EmulatorError):
    """The service has answered every call, and what was waited for has not come in time."""


class ApiUnreachable(EmulatorError):
    """The service could not be reached."""


@dataclass(frozen=True)
class Connection:
    """What a client must know of a service. `ca` is a PEM file, "" for public authorities."""

    base_url: str
    token_url: str
    client_id: str
    client_secret: str
    resource: str
    company: str
    ca: str = ""
    tenant_id: str = ""


class PackageApi:
    """A session with the package API; renews its token, waits when told to."""

    def __init__(self, connection: Connection, timeout: float = 300) -> None:
        import requests  # noqa: PLC0415  only transfers need it

        self.connection = connection
        self._timeout = timeout
        self._session = requests.Session()
        self._errors = requests.exceptions
        self._token = ""
        self._renew_at = 0.0
        self._pause = threading.Event()

    def close(self) -> None:
        """Closes the connections."""
        self._session.close()

    def action(self, name: str, **members: Any) -> Any:
        """Calls an action; the `value` of its answer.

        Raises:
            ApiRefused: the service answered with an error, and waiting did not help.
            ApiUnreachable: no connection.

        """
        url = self.connection.base_url.rstrip("/") + ACTIONS + name
        renewed = False
        for _ in range(MOST_RETRIES):
            headers = {"Authorization": f"Bearer {self.token()}", "Accept": "application/json"}
            response = self._post(url, headers=headers, json=members)
            if response.status_code == 401 and not renewed:
                renewed, self._token = True, ""
                continue
            if response.status_code in (429, 503) and "Retry-After" in response.headers:
                self.wait(retry_after(response.headers["Retry-After"]))
                continue
            break
        if not response.ok:
            raise ApiRefused(name, response.status_code, error_text(response), reason_of(response))
        return response.json().get("value") if response.content else None

    def token(self) -> str:
        """An access token with life left in it."""
        if not self._token or time.monotonic() >= self._renew_at:
            connection = self.connection
            form = {
                "grant_type": "client_credentials",
                "client_id": connection.client_id,
                "client_secret": connection.client_secret,
                "resource": connection.resource,
            }
            if "/oauth2/v2.0/" in connection.token_url:
                form["scope"] = form.pop("resource") + "/.default"
            response = self._post(connection.token_url, data=form)
            if not response.ok:
                raise ApiRefused(
                    "token", response.status_code, error_text(response), reason_of(response)
                )
            document = response.json()
            self._token = document["access_token"]
            self._renew_at = time.monotonic() + float(document["expires_in"]) - RENEW_BEFORE
        return self._token

    def wait(self, seconds: float) -> None:
        """Lets `seconds` pass."""
        self._pause.wait(min(max(seconds, 0.0), LONGEST_PAUSE))

    def upload(self, url: str, path: Path) -> None:
        """Uploads a file to a blob address with its signature.

        Raises:
            ApiRefused: the blob service refuses.

        """
        with self._blob(url) as blob, path.open("rb") as file:
            self._blob_call("upload", lambda: blob.upload_blob(file, overwrite=True))

    def download(self, url: str, path: Path) -> None:
        """Downloads a blob into `path`, piece by piece.

        Raises:
            ApiRefused: the blob service refuses.

        """
        with self._blob(url) as blob, path.open("wb") as file:
            self._blob_call("download", lambda: blob.download_blob().readinto(file))

    def _blob(self, url: str) -> Any:
        from azure.storage.blob import BlobClient  # noqa: PLC0415  takes 200 ms

        ca = self.connection.ca
        trust: dict[str, Any] = {"connection_verify": ca} if ca else {}
        return BlobClient.from_blob_url(url, **trust)

    def _blob_call(self, what: str, call: Any) -> None:
        from azure.core import exceptions  # noqa: PLC0415  as above

        try:
            call()
        except exceptions.HttpResponseError as error:
            raise ApiRefused(
                what, error.status_code or 0, one_line(error.message), reason_of(error.response)
            ) from error
        except exceptions.AzureError as error:
            raise ApiUnreachable(f"{what}: {one_line(str(error))}") from error

    def _post(self, url: str, **more: Any) -> Any:
        try:
            return self._session.post(
                url, timeout=self._timeout, verify=self.connection.ca or True, **more
            )
        except self._errors.SSLError as error:
            raise ApiUnreachable(
                f"{url} has a certificate we do not trust; give --ca FILE"
            ) from error
        except self._errors.RequestException as error:
            raise ApiUnreachable(f"nothing answers at {url}") from error
        except OSError as error:  # a CA file that is not there
            raise ApiUnreachable(f"{url}: {one_line(str(error))}") from error


def retry_after(text: str) -> float:
    """Seconds of a `Retry-After`; a date counts from now, what is neither is one second."""
    if re.fullmatch(r"\s*[0-9]+\s*", text):
        return float(text)
    import email.utils  # noqa: PLC0415  rare

    from d365fo_emulator.kernel.clock import UTC, system_now  # noqa: PLC0415  rare

    try:
        then = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return 1.0
    return max((then.replace(tzinfo=then.tzinfo or UTC) - system_now()).total_seconds(), 0.0)


def error_text(response: Any) -> str:
    """The service's own words: of an OData error, of a token error, else the body's beginning."""
    try:
        document = response.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        return one_line(response.text)[:300] or str(response.reason)
    error = document.get("error")
    if isinstance(error, dict):
        inner = error.get("innererror")
        texts = [error.get("message"), inner.get("message") if isinstance(inner, dict) else None]
        return one_line(" ".join(str(text) for text in texts if text))
    return one_line(str(document.get("error_description") or document.get("Message") or document))


def reason_of(response: Any) -> str:
    """Why an emulator answered so; "" from anything else."""
    headers = getattr(response, "headers", None) or {}
    return one_line(str(headers.get("X-Emulator-Reason", "")))


def one_line(text: str) -> str:
    """`text` without line breaks."""
    return " ".join(text.split())


def parse_value(value: Any) -> Any:
    """JSON inside of a `value`; the text itself when it is none (seen of GetExecutionErrors)."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
