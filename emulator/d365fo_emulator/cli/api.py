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
    from collections.abc import Callable
    from pathlib import Path

ACTIONS = "/data/DataManagementDefinitionGroups/Microsoft.Dynamics.DataEntities."
SETS = "/data/"
MOST_ATTEMPTS = 10
MOST_ATTEMPTS_UNTOLD = 4
"""Of a call that failed without a word of when to come again."""
LONGEST_PAUSE = 300.0
PASSING = frozenset({408, 429, 502, 503, 504})
"""Statuses of failures that pass, and that may come after the service has done its work."""
THROTTLED = frozenset({429, 503})
RENEW_BEFORE = 60.0
"""Seconds before its end that a token is renewed."""


class ApiRefused(EmulatorError):
    """The service answered with an error; `status` and its own words.

    `reason` is the sentence that an emulator adds in a header; the real service sends none.
    `retry_after`: seconds after which the service wants the call again; None: it said nothing.
    """

    def __init__(
        self,
        what: str,
        status: int,
        text: str,
        reason: str = "",
        retry_after: float | None = None,
    ) -> None:
        why = f"\n  why: {reason}" if reason else ""
        super().__init__(f"{what}: HTTP {status}: {text}{why}")
        self.status = status
        self.text = text
        self.retry_after = retry_after


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

        What only reads (`Get…`) is repeated after failures that pass. What starts something is
        repeated only when the service has said that it did nothing and when to come again.

        Raises:
            ApiRefused: the service answered with an error, and waiting did not help.
            ApiUnreachable: no connection, or no answer.

        """
        url = self.connection.base_url.rstrip("/") + ACTIONS + name
        reads = name.startswith(("Get", "Generate"))
        document = self._patiently(reads, lambda: self._call(name, "POST", url, json=members))
        return document.get("value") if document else None

    def rows(self, entity_set: str, condition: str) -> list[dict[str, Any]]:
        """The rows of an entity set for which an OData `$filter` holds.

        Raises:
            ApiRefused, ApiUnreachable: as `action`.

        """
        url = self.connection.base_url.rstrip("/") + SETS + entity_set
        query = {"$filter": condition}
        document = self._patiently(True, lambda: self._call(entity_set, "GET", url, params=query))
        return list(document.get("value") or []) if document else []

    def _call(self, what: str, method: str, url: str, **more: Any) -> Any:
        """One call with a token that is renewed once when it is refused."""
        for renewed in (False, True):
            headers = {"Authorization": f"Bearer {self.token()}", "Accept": "application/json"}
            response = self._send(method, url, headers=headers, **more)
            if response.status_code == 401 and not renewed:
                self._token = ""
                continue
            break
        if not response.ok:
            raise refused(what, response)
        return response.json() if response.content else None

    def _patiently(self, reads: bool, call: Callable[[], Any]) -> Any:
        import tenacity  # noqa: PLC0415  as requests

        attempts = tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda error: may_repeat(error, reads=reads)),
            wait=pause_before_next,
            stop=is_last_attempt,
            sleep=self.wait,
            reraise=True,
        )
        return attempts(call)

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
            response = self._send("POST", connection.token_url, data=form)
            if not response.ok:
                raise refused("token", response)
            document = response.json()
            self._token = document["access_token"]
            self._renew_at = time.monotonic() + float(document["expires_in"]) - RENEW_BEFORE
        return self._token

    def wait(self, seconds: float) -> None:
        """Lets `seconds` pass."""
        self._pause.wait(min(max(seconds, 0.0), LONGEST_PAUSE))

    def upload(self, url: str, path: Path, progress: Callable[[int, int], None]) -> None:
        """Uploads a file to a blob address with its signature; `progress` hears (sent, of all).

        Raises:
            ApiRefused: the blob service refuses.

        """
        size = path.stat().st_size

        def heard(sent: int, _all: int | None) -> None:
            progress(sent, size)

        with self._blob(url) as blob, path.open("rb") as file:
            self._blob_call(
                "upload",
                lambda: blob.upload_blob(file, overwrite=True, length=size, progress_hook=heard),
            )

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

    def _send(self, method: str, url: str, **more: Any) -> Any:
        trust = self.connection.ca or True
        try:
            return self._session.request(method, url, timeout=self._timeout, verify=trust, **more)
        except self._errors.SSLError as error:
            raise ApiUnreachable(
                f"{url} has a certificate we do not trust; give --ca FILE"
            ) from error
        except self._errors.RequestException as error:
            raise ApiUnreachable(f"nothing answers at {url}") from error
        except OSError as error:  # a CA file that is not there
            raise ApiUnreachable(f"{url}: {one_line(str(error))}") from error


def refused(what: str, response: Any) -> ApiRefused:
    """An answer that is an error."""
    after = response.headers.get("Retry-After")
    return ApiRefused(
        what,
        response.status_code,
        error_text(response),
        reason_of(response),
        None if after is None else retry_after(after),
    )


def may_repeat(error: BaseException, *, reads: bool) -> bool:
    """Whether a call that failed so can be made again without doing something twice."""
    if isinstance(error, ApiUnreachable):
        return reads
    if not isinstance(error, ApiRefused):
        return False
    told = error.status in THROTTLED and error.retry_after is not None
    return told or (reads and error.status in PASSING)


def pause_before_next(attempt: Any) -> float:
    """Seconds: as the service has told, else 1, 2, 4 and so on."""
    error = attempt.outcome.exception()
    told = getattr(error, "retry_after", None)
    return float(2 ** (attempt.attempt_number - 1)) if told is None else float(told)


def is_last_attempt(attempt: Any) -> bool:
    """Whether a call is given up after this attempt."""
    told = getattr(attempt.outcome.exception(), "retry_after", None) is not None
    return bool(attempt.attempt_number >= (MOST_ATTEMPTS if told else MOST_ATTEMPTS_UNTOLD))


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
