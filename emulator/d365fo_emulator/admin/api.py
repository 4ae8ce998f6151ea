"""The protocol that the fixture and the command use, in this process or over HTTP.

Values are plain JSON-ready mappings; their forms are in `docs` and in the OpenAPI document.
Implemented by `service.InProcessAdmin` and `client.HttpAdmin`; looking never changes anything, and
no call here counts as a poll.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Document = dict[str, Any]

DEFAULT_WORKSPACE = "default"
PAGE = 1000
"""Most rows or journal entries of one answer, unless asked for fewer."""


class Admin(Protocol):
    """One emulator, seen by those who steer it.

    Every call but the first group names its workspace. Raises are those of `errors`, whatever the
    way: `WorkspaceNotFound`, `ExecutionNotFound`, `ControlRefused`, `ScenarioInvalid` and so on in
    process; the same, as an `AdminProblem` with the server's words, over HTTP.
    """

    def live(self) -> Document:
        """``{"live": true}`` as soon as the process answers."""
        ...

    def ready(self) -> Document:
        """``{"ready": bool, "pending": [what is not done yet]}``."""
        ...

    def info(self) -> Document:
        """Version, addresses, data directory, workspaces, seconds since the start."""
        ...

    def ca_pem(self) -> str:
        """The certificate authority of the https listener, as PEM."""
        ...

    def workspaces(self) -> Document:
        """``{"workspaces": [...]}``, the default one first."""
        ...

    def workspace(self, workspace: str) -> Document:
        """One workspace: id, connection, clock."""
        ...

    def create_workspace(self, workspace: str | None = None, **options: Any) -> Document:
        """Creates a workspace; without an id it gets one. Options: clock, seed, scenario."""
        ...

    def drop_workspace(self, workspace: str) -> None:
        """Drops a workspace with everything in it."""
        ...

    def environment_block(self, workspace: str, base_url: str = "") -> dict[str, str]:
        """The environment variables that point a client at this workspace."""
        ...

    def environment_schema(self) -> Document:
        """The JSON Schema of environment files."""
        ...

    def reset(self, workspace: str, keep: Sequence[str] = ()) -> Document:
        """Puts a workspace back to its beginning; `keep`: scenario, data, journal, clock."""
        ...

    def scenario(self, workspace: str) -> Document:
        """The scenario in force, as in a file."""
        ...

    def put_scenario(self, workspace: str, scenario: str | Mapping[str, Any]) -> Document:
        """Loads a scenario in place of the present one: text (YAML or JSON) or a mapping."""
        ...

    def add_rule(self, workspace: str, rule: Mapping[str, Any]) -> Document:
        """Puts one rule in front of the others."""
        ...

    def validate_scenario(self, scenario: str | Mapping[str, Any]) -> Document:
        """``{"valid": bool, "problems": [{path, line, column, message}]}``."""
        ...

    def scenario_schema(self) -> Document:
        """The JSON Schema of scenario files."""
        ...

    def rules(self, workspace: str) -> Document:
        """``{"rules": [{id, hits, required, enabled, match}]}`` in order."""
        ...

    def executions(self, workspace: str) -> Document:
        """``{"executions": [...]}``, oldest first."""
        ...

    def execution(self, workspace: str, execution: str) -> Document:
        """The execution document."""
        ...

    def control(self, workspace: str, execution: str, action: str) -> Document:
        """Moves an execution by hand (`advance`, `finish`, `fail`, `cancel`); its document."""
        ...

    def clock(self, workspace: str) -> Document:
        """``{"mode", "now", "nextDue"}``."""
        ...

    def put_clock(
        self, workspace: str, mode: str | None = None, now: str | None = None
    ) -> Document:
        """Sets how time passes, and where it stands: `now` is an instant not before the present."""
        ...

    def advance_clock(self, workspace: str, by: str) -> Document:
        """Moves the clock on by a duration (``61m``); says what fell due on the way (`ran`)."""
        ...

    def freeze_clock(self, workspace: str) -> Document:
        """Stops the clock."""
        ...

    def resume_clock(self, workspace: str) -> Document:
        """Lets the clock run with the machine's again."""
        ...

    def journal(self, workspace: str, **filters: Any) -> Document:
        """``{"entries": [...]}``, oldest first; filters as in `routes.JOURNAL_FILTERS`."""
        ...

    def journal_entry(self, workspace: str, request_id: str) -> Document:
        """One exchange in full."""
        ...

    def clear_journal(self, workspace: str) -> None:
        """Forgets what was recorded."""
        ...

    def verify(
        self,
        workspace: str,
        match: Mapping[str, Any],
        *,
        count: int | None = None,
        at_least: int | None = None,
        at_most: int | None = None,
    ) -> Document:
        """``{"verified": bool, "count": n, "message": …}``: whether calls came so many times."""
        ...

    def rows(
        self,
        workspace: str,
        entity: str,
        company: str | None = None,
        stage: str = "target",
        limit: int = PAGE,
        offset: int = 0,
    ) -> Document:
        """``{"entity", "company", "count", "rows": [...]}``, in key order."""
        ...
