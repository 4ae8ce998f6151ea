"""The admin API of a running emulator, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from d365fo_emulator.admin.api import PAGE, Document
from d365fo_emulator.admin.errors import AdminProblem, AdminUnreachable
from d365fo_emulator.admin.routes import PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class HttpAdmin:
    """`api.Admin` of the emulator at `base_url`.

    Args:
        base_url: scheme, host and port.
        token: the admin token; needed from another machine.
        ca: path of a PEM file to trust, "" for the usual public authorities.
        timeout: seconds that an answer may take.

    Raises:
        AdminProblem: the emulator refuses.
        AdminUnreachable: nothing answers, or something that is no emulator.

    """

    def __init__(self, base_url: str, token: str = "", ca: str = "", timeout: float = 30) -> None:
        import requests  # noqa: PLC0415  the plugin and the server do without

        self.base_url = base_url.rstrip("/")
        self._timeout = timeout
        self._session = requests.Session()
        # A proxy for the outer world must not see calls to the emulator, nor a variable of a
        # client library choose what we trust.
        self._session.trust_env = False
        self._session.verify = ca or True
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def close(self) -> None:
        """Closes the connections."""
        self._session.close()

    def live(self) -> Document:
        """See `api.Admin`."""
        return self._json("GET", "/live")

    def ready(self) -> Document:
        """See `api.Admin`."""
        return self._json("GET", "/ready", expected=(200, 503))

    def info(self) -> Document:
        """See `api.Admin`."""
        return self._json("GET", "/info")

    def ca_pem(self) -> str:
        """See `api.Admin`."""
        text: str = self._call("GET", "/ca.pem").text
        return text

    def workspaces(self) -> Document:
        """See `api.Admin`."""
        return self._json("GET", "/workspaces")

    def workspace(self, workspace: str) -> Document:
        """See `api.Admin`."""
        return self._json("GET", f"/workspaces/{_part(workspace)}")

    def create_workspace(self, workspace: str | None = None, **options: Any) -> Document:
        """See `api.Admin`."""
        body = options if workspace is None else {"id": workspace, **options}
        return self._json("POST", "/workspaces", json=body)

    def drop_workspace(self, workspace: str) -> None:
        """See `api.Admin`."""
        self._call("DELETE", f"/workspaces/{_part(workspace)}")

    def environment_block(self, workspace: str, base_url: str = "") -> dict[str, str]:
        """See `api.Admin`; the server names the address by which it was called."""
        del base_url
        return self._json("GET", "/environment", workspace)

    def environment_schema(self) -> Document:
        """See `api.Admin`."""
        return self._json("GET", "/environment/schema")

    def reset(self, workspace: str, keep: Sequence[str] = ()) -> Document:
        """See `api.Admin`."""
        return self._json("POST", "/reset", workspace, query={"keep": ",".join(keep)})

    def scenario(self, workspace: str) -> Document:
        """See `api.Admin`."""
        return self._json("GET", "/scenario", workspace)

    def put_scenario(self, workspace: str, scenario: str | Mapping[str, Any]) -> Document:
        """See `api.Admin`."""
        return self._json("PUT", "/scenario", workspace, **_text_or_json(scenario))

    def add_rule(self, workspace: str, rule: Mapping[str, Any]) -> Document:
        """See `api.Admin`."""
        return self._json("PATCH", "/scenario", workspace, json=dict(rule))

    def validate_scenario(self, scenario: str | Mapping[str, Any]) -> Document:
        """See `api.Admin`."""
        return self._json("POST", "/scenario/validate", **_text_or_json(scenario))

    def scenario_schema(self) -> Document:
        """See `api.Admin`."""
        return self._json("GET", "/scenario/schema")

    def rules(self, workspace: str) -> Document:
        """See `api.Admin`."""
        return self._json("GET", "/rules", workspace)

    def executions(self, workspace: str) -> Document:
        """See `api.Admin`."""
        return self._json("GET", "/executions", workspace)

    def execution(self, workspace: str, execution: str) -> Document:
        """See `api.Admin`."""
        return self._json("GET", f"/executions/{_part(execution)}", workspace)

    def control(self, workspace: str, execution: str, action: str) -> Document:
        """See `api.Admin`."""
        return self._json("POST", f"/executions/{_part(execution)}/{_part(action)}", workspace)

    def clock(self, workspace: str) -> Document:
        """See `api.Admin`."""
        return self._json("GET", "/clock", workspace)

    def put_clock(
        self, workspace: str, mode: str | None = None, now: str | None = None
    ) -> Document:
        """See `api.Admin`."""
        body = {name: value for name, value in (("mode", mode), ("now", now)) if value is not None}
        return self._json("PUT", "/clock", workspace, json=body)

    def advance_clock(self, workspace: str, by: str) -> Document:
        """See `api.Admin`."""
        return self._json("POST", "/clock/advance", workspace, json={"by": by})

    def freeze_clock(self, workspace: str) -> Document:
        """See `api.Admin`."""
        return self._json("POST", "/clock/freeze", workspace)

    def resume_clock(self, workspace: str) -> Document:
        """See `api.Admin`."""
        return self._json("POST", "/clock/resume", workspace)

    def journal(self, workspace: str, **filters: Any) -> Document:
        """See `api.Admin`."""
        return self._json("GET", "/journal", workspace, query=filters)

    def journal_entry(self, workspace: str, request_id: str) -> Document:
        """See `api.Admin`."""
        return self._json("GET", f"/journal/{_part(request_id)}", workspace)

    def clear_journal(self, workspace: str) -> None:
        """See `api.Admin`."""
        self._call("DELETE", "/journal", workspace)

    def verify(
        self,
        workspace: str,
        match: Mapping[str, Any],
        *,
        count: int | None = None,
        at_least: int | None = None,
        at_most: int | None = None,
    ) -> Document:
        """See `api.Admin`."""
        bounds = {"count": count, "atLeast": at_least, "atMost": at_most}
        body = {"match": dict(match), **{k: v for k, v in bounds.items() if v is not None}}
        return self._json("POST", "/verify", workspace, json=body, expected=(200, 409))

    def rows(
        self,
        workspace: str,
        entity: str,
        company: str | None = None,
        stage: str = "target",
        limit: int = PAGE,
        offset: int = 0,
    ) -> Document:
        """See `api.Admin`."""
        query = {
            "entity": entity,
            "company": company,
            "stage": stage,
            "limit": limit,
            "offset": offset,
        }
        return self._json("GET", "/rows", workspace, query=query)

    def _json(self, method: str, path: str, workspace: str = "", **more: Any) -> Document:
        response = self._call(method, path, workspace, **more)
        try:
            document = response.json()
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise AdminUnreachable(f"what answers at {self.base_url} is no emulator")
        return document

    def _call(
        self,
        method: str,
        path: str,
        workspace: str = "",
        *,
        query: Mapping[str, Any] | None = None,
        expected: Sequence[int] = (200, 201, 204),
        **body: Any,
    ) -> Any:
        import requests  # noqa: PLC0415  as in the constructor

        parameters = {k: v for k, v in (query or {}).items() if v not in (None, "")}
        if workspace:
            parameters["workspace"] = workspace
        url = self.base_url + PREFIX + path
        try:
            response = self._session.request(
                method, url, params=parameters, timeout=self._timeout, **body
            )
        except requests.exceptions.SSLError as error:
            raise AdminUnreachable(
                f"{self.base_url} has a certificate we do not trust; give --ca FILE"
            ) from error
        except requests.exceptions.RequestException as error:
            raise AdminUnreachable(f"nothing answers at {self.base_url}") from error
        except OSError as error:  # a CA file that is not there
            raise AdminUnreachable(f"{self.base_url}: {error}") from error
        if response.status_code not in expected:
            raise self._problem(response)
        return response

    def _problem(self, response: Any) -> Exception:
        if "problem+json" not in response.headers.get("Content-Type", ""):
            return AdminUnreachable(
                f"what answers at {self.base_url} is no emulator (HTTP {response.status_code})"
            )
        return AdminProblem(response.status_code, response.json())


def _part(text: str) -> str:
    return quote(text, safe="")


def _text_or_json(scenario: str | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(scenario, str):
        return {"data": scenario.encode()}
    return {"json": dict(scenario)}
