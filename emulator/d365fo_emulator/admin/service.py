"""The admin API in this process, over the services of the workspaces."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from typing import TYPE_CHECKING, Any

from d365fo_emulator.admin.api import PAGE, Document
from d365fo_emulator.admin.connection import client_config, environment_variables
from d365fo_emulator.admin.documents import (
    clock_document,
    entry_document,
    rows_document,
    rule_document,
    scenario_document,
)
from d365fo_emulator.admin.errors import BadRequest, EntityNotKnown, EntryNotFound
from d365fo_emulator.config.environment import environment_schema, load_environment
from d365fo_emulator.dmf.errors import ExecutionNotFound
from d365fo_emulator.dmf.service import STAGES
from d365fo_emulator.journal.verify import VerificationFailed, matching, verify
from d365fo_emulator.kernel.clock import UTC, ClockMode, instant_text, system_now
from d365fo_emulator.kernel.durations import parse_duration
from d365fo_emulator.kernel.errors import ClockRefused
from d365fo_emulator.scenarios import library
from d365fo_emulator.scenarios.loader import load_mapping, load_text, schema_text
from d365fo_emulator.scenarios.problems import ScenarioInvalid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from d365fo_emulator.admin.model import ServerInfo, WorkspaceParts, Workspaces
    from d365fo_emulator.kernel.clock import Ran
    from d365fo_emulator.scenarios.model import Scenario

ACTIONS = ("advance", "finish", "fail", "cancel", "rerun")


class InProcessAdmin:
    """`api.Admin` over the services of this process.

    Args:
        workspaces: all of them.
        server: the running server as of now; asked at each call.

    """

    def __init__(self, workspaces: Workspaces, server: Callable[[], ServerInfo]) -> None:
        self._workspaces = workspaces
        self._server = server

    def live(self) -> Document:
        """See `api.Admin`."""
        return {"live": True}

    def ready(self) -> Document:
        """See `api.Admin`."""
        pending = list(self._server().pending)
        return {"ready": not pending, "pending": pending}

    def info(self) -> Document:
        """See `api.Admin`."""
        server = self._server()
        return {
            "version": server.version,
            "httpUrl": server.http_url,
            "httpsUrl": server.https_url,
            "blobUrl": server.blob_url,
            "caBundle": server.ca_bundle,
            "dataDir": server.data_dir,
            "workspaces": [parts.workspace.id for parts in self._workspaces.list()],
            "uptimeSeconds": round((system_now() - server.started_at).total_seconds(), 3),
            **server.more,
        }

    def ca_pem(self) -> str:
        """See `api.Admin`."""
        return self._server().ca_pem

    def workspaces(self) -> Document:
        """See `api.Admin`."""
        return {"workspaces": [self._describe(parts) for parts in self._workspaces.list()]}

    def workspace(self, workspace: str) -> Document:
        """See `api.Admin`."""
        return self._describe(self._workspaces.get(workspace))

    def create_workspace(self, workspace: str | None = None, **options: Any) -> Document:
        """See `api.Admin`."""
        return self._describe(self._workspaces.create(workspace, **_read_options(options)))

    def drop_workspace(self, workspace: str) -> None:
        """See `api.Admin`."""
        self._workspaces.drop(workspace)

    def environment_block(self, workspace: str, base_url: str = "") -> dict[str, str]:
        """See `api.Admin`."""
        server = self._server()
        url = base_url or server.https_url or server.http_url
        return environment_variables(
            self._workspaces.get(workspace).directory, url, server.ca_bundle
        )

    def environment_schema(self) -> Document:
        """See `api.Admin`."""
        return environment_schema()

    def reset(self, workspace: str, keep: Sequence[str] = ()) -> Document:
        """See `api.Admin`."""
        self._workspaces.reset(workspace, keep)
        return {"workspace": workspace, "kept": list(keep)}

    def scenario(self, workspace: str) -> Document:
        """See `api.Admin`."""
        return scenario_document(self._workspaces.get(workspace).scenarios.current)

    def put_scenario(self, workspace: str, scenario: str | Mapping[str, Any]) -> Document:
        """See `api.Admin`."""
        parts = self._workspaces.get(workspace)
        found = _scenario(scenario)
        parts.scenarios.load(found)
        if found.clock is not None:
            parts.workspace.clock.use(found.clock)
        return scenario_document(parts.scenarios.current)

    def add_rule(self, workspace: str, rule: Mapping[str, Any]) -> Document:
        """See `api.Admin`."""
        scenarios = self._workspaces.get(workspace).scenarios
        read = load_mapping({"version": 1, "rules": [dict(rule)]}, "rule").rules[0]
        if "id" not in rule:
            read = dataclasses.replace(read, id="")  # the service finds one that is free
        return rule_document(scenarios.add_rule(read))

    def validate_scenario(self, scenario: str | Mapping[str, Any]) -> Document:
        """See `api.Admin`."""
        try:
            _scenario(scenario)
        except ScenarioInvalid as invalid:
            problems = [dataclasses.asdict(problem) for problem in invalid.problems]
            return {"valid": False, "problems": problems}
        return {"valid": True, "problems": []}

    def scenario_schema(self) -> Document:
        """See `api.Admin`."""
        schema: Document = json.loads(schema_text())
        return schema

    def rules(self, workspace: str) -> Document:
        """See `api.Admin`."""
        found = self._workspaces.get(workspace).scenarios.rules_with_hits()
        return {"rules": [{**rule_document(item.rule), "hits": item.hits} for item in found]}

    def executions(self, workspace: str) -> Document:
        """See `api.Admin`."""
        dmf = self._workspaces.get(workspace).dmf
        return {"executions": [dmf.document(execution) for execution in dmf.executions()]}

    def execution(self, workspace: str, execution: str) -> Document:
        """See `api.Admin`."""
        dmf = self._workspaces.get(workspace).dmf
        found = dmf.execution(execution)
        if found is None:
            raise ExecutionNotFound(execution)
        return dmf.document(found)

    def control(self, workspace: str, execution: str, action: str) -> Document:
        """See `api.Admin`."""
        if action not in ACTIONS:
            raise BadRequest(f"{action!r} is not one of {', '.join(ACTIONS)}")
        dmf = self._workspaces.get(workspace).dmf
        return dmf.document(dmf.control(execution, action))

    def clock(self, workspace: str) -> Document:
        """See `api.Admin`."""
        return clock_document(self._workspaces.get(workspace).workspace.clock)

    def put_clock(
        self, workspace: str, mode: str | None = None, now: str | None = None
    ) -> Document:
        """See `api.Admin`."""
        clock = self._workspaces.get(workspace).workspace.clock
        if mode is not None and mode not in list(ClockMode):
            raise BadRequest(f"mode: {mode!r} is not one of {', '.join(ClockMode)}")
        wanted = clock.mode if mode is None else ClockMode(mode)
        target = None if now is None else _instant("now", now)
        if target is not None and target < clock.now:
            raise ClockRefused("the clock cannot be moved backwards")
        clock.use(wanted)
        ran = [] if target is None else clock.advance(target - clock.now)
        clock.use(wanted)  # a move by hand ends the mode auto, which this call may have asked for
        return {**clock_document(clock), "ran": _ran(ran)}

    def advance_clock(self, workspace: str, by: str) -> Document:
        """See `api.Admin`."""
        clock = self._workspaces.get(workspace).workspace.clock
        try:
            duration = parse_duration(by)
        except ValueError as error:
            raise BadRequest(str(error)) from None
        ran = clock.advance(duration)
        return {**clock_document(clock), "ran": _ran(ran)}

    def freeze_clock(self, workspace: str) -> Document:
        """See `api.Admin`."""
        clock = self._workspaces.get(workspace).workspace.clock
        clock.freeze()
        return clock_document(clock)

    def resume_clock(self, workspace: str) -> Document:
        """See `api.Admin`."""
        clock = self._workspaces.get(workspace).workspace.clock
        clock.resume()
        return clock_document(clock)

    def journal(self, workspace: str, **filters: Any) -> Document:
        """See `api.Admin`."""
        journal = self._workspaces.get(workspace).journal
        filters.setdefault("limit", PAGE)
        if "since" in filters:
            filters["since"] = _instant("since", filters["since"])
        return {"entries": [entry_document(e, in_full=False) for e in journal.entries(**filters)]}

    def journal_entry(self, workspace: str, request_id: str) -> Document:
        """See `api.Admin`."""
        entry = self._workspaces.get(workspace).journal.get(request_id)
        if entry is None:
            raise EntryNotFound(f"the journal has no entry {request_id!r}")
        return entry_document(entry, in_full=True)

    def clear_journal(self, workspace: str) -> None:
        """See `api.Admin`."""
        self._workspaces.get(workspace).journal.clear()

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
        entries = self._workspaces.get(workspace).journal.entries()
        try:
            found = matching(entries, match)
            verify(entries, match, count, at_least, at_most)
        except VerificationFailed as failed:
            return {"verified": False, "count": len(found), "message": str(failed)}
        except ValueError as error:
            raise BadRequest(str(error)) from None
        return {"verified": True, "count": len(found), "message": ""}

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
        if stage not in STAGES:
            raise BadRequest(f"stage: {stage!r} is not one of {', '.join(STAGES)}")
        parts = self._workspaces.get(workspace)
        found = parts.catalogue.find(entity)
        if found is None:
            near = parts.catalogue.nearest(entity)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise EntityNotKnown(f"there is no entity {entity!r}{hint}")
        return rows_document(parts, found, company, stage, min(limit, PAGE), offset)

    def _describe(self, parts: WorkspaceParts) -> Document:
        server = self._server()
        url = server.https_url or server.http_url
        return {
            "id": parts.workspace.id,
            **client_config(parts.directory, url, server.ca_bundle),
            "clock": clock_document(parts.workspace.clock),
            "seed": parts.workspace.seed,
            "environment": self.environment_block(parts.workspace.id),
        }


def _ran(ran: Sequence[Ran]) -> list[Document]:
    return [{"at": instant_text(item.at), "what": item.what} for item in ran]


def _instant(name: str, text: str) -> dt.datetime:
    try:
        instant = dt.datetime.fromisoformat(text)
    except ValueError:
        raise BadRequest(f"{name}: {text!r} is no instant, such as 2026-01-31T12:00:00Z") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _read_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a new workspace as values; those that are None were not given."""
    read = {name: value for name, value in options.items() if value is not None}
    if "clock" in read and read["clock"] not in list(ClockMode):
        raise BadRequest(f"clock: {read['clock']!r} is not one of {', '.join(ClockMode)}")
    if "seed" in read and (isinstance(read["seed"], bool) or not isinstance(read["seed"], int)):
        raise BadRequest(f"seed: {read['seed']!r} is no whole number")
    if isinstance(read.get("scenario"), (str, dict)):
        text = read["scenario"]
        is_name = isinstance(text, str) and "\n" not in text and ":" not in text
        read["scenario"] = library.load(text) if is_name else _scenario(text)
    if isinstance(read.get("environment"), dict):
        read["environment"] = load_environment(read["environment"])
    return read


def _scenario(scenario: str | Mapping[str, Any]) -> Scenario:
    return load_text(scenario) if isinstance(scenario, str) else load_mapping(scenario)
