"""Workspaces of one server: built, found, dropped and reset, each without touching another."""

from __future__ import annotations

import dataclasses
import shutil
import threading
from typing import TYPE_CHECKING, Any

from d365fo_emulator.emulator.building import WorkspaceBuilder
from d365fo_emulator.emulator.sweeping import Sweeper
from d365fo_emulator.kernel.errors import (
    ConfigurationError,
    WorkspaceExists,
    WorkspaceNotFound,
)
from d365fo_emulator.kernel.tables import did_you_mean
from d365fo_emulator.kernel.workspace import DEFAULT, Workspace, WorkspaceId

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from d365fo_emulator.admin.model import WorkspaceParts
    from d365fo_emulator.emulator.building import OpenWorkspace, Shared
    from d365fo_emulator.http.exchange import Exchange

OPTIONS = ("clock", "seed", "scenario", "environment")
KEEPABLE = ("scenario", "data", "journal", "clock")
PATIENCE_SECONDS = 5.0
GENERATION_FILE = "generation.json"


class WorkspaceRegistry:
    """All workspaces of one server; implements the admin API's `Workspaces`.

    Reading is lock-free on the hot path: tables are replaced, never changed in place. Of a kept
    data directory the default workspace alone is kept; the others live as long as the server.

    Args:
        remember_signature: told of each SAS handed out, and whose it is.

    """

    def __init__(
        self, shared: Shared, remember_signature: Callable[[str, WorkspaceId], object]
    ) -> None:
        self._builder = WorkspaceBuilder(shared, remember_signature)
        self._changing = threading.Lock()
        self._requests: set[tuple[WorkspaceId, str]] = set()
        self._requests_changed = threading.Condition()
        self._open: dict[WorkspaceId, OpenWorkspace] = {}
        self._by_tenant: dict[str, Workspace] = {}
        self._sweeper = Sweeper()
        self._builder.sweep()

    # Finding

    def list(self) -> Sequence[WorkspaceParts]:
        """Every workspace, the default one first."""
        return [one.parts for one in self._open.values()]

    def workspaces(self) -> Sequence[Workspace]:
        """The kernel's part of each."""
        return [one.parts.workspace for one in self._open.values()]

    def get(self, workspace_id: str) -> WorkspaceParts:
        """One workspace.

        Raises:
            WorkspaceNotFound: there is none of this id.

        """
        found = self._open.get(WorkspaceId(workspace_id))
        if found is None:
            raise WorkspaceNotFound(workspace_id)
        return found.parts

    def of_tenant(self, tenant: str) -> Workspace | None:
        """The workspace whose tenant has this id or domain, letter case aside."""
        return self._by_tenant.get(tenant.casefold())

    # Requests inside workspaces

    def begin_request(self, exchange: Exchange) -> None:
        """Notes a request, so that its workspace is not dropped under it."""
        with self._requests_changed:
            self._requests.add((exchange.workspace.id, exchange.request_id))

    def end_request(self, exchange: Exchange) -> None:
        """The request has its answer."""
        with self._requests_changed:
            self._requests.discard((exchange.workspace.id, exchange.request_id))
            self._requests_changed.notify_all()

    def excuse(self, exchange: Exchange) -> str:
        """Why a request can fail through no fault of ours; "" when there is no reason."""
        found = self._open.get(exchange.workspace.id)
        if found is None or found.closed or found.parts.workspace is not exchange.workspace:
            return f"the workspace {exchange.workspace.id!r} was dropped or reset meanwhile"
        return ""

    # Life

    def create(self, workspace_id: str | None = None, **options: Any) -> WorkspaceParts:
        """A new workspace. Options: clock, seed, scenario (a value), environment (a value).

        Raises:
            WorkspaceExists: the id is taken.
            ConfigurationError: an option that there is not, or that cannot be used.

        """
        for name in options:
            if name not in OPTIONS:
                hint = did_you_mean(name, OPTIONS)
                raise ConfigurationError(f"workspaces have no option {name!r}{hint}")
        with self._changing:
            chosen = WorkspaceId(workspace_id or self._free_id())
            if chosen in self._open:
                raise WorkspaceExists(chosen)
            opened = self._builder.build(chosen, options)
            self._open = {**self._open, chosen: opened}
            self._index()
        return opened.parts

    def drop(self, workspace_id: str) -> None:
        """Removes a workspace with everything in it, once the requests inside it have answers.

        Requests that take longer than a few seconds are answered 503.

        Raises:
            WorkspaceNotFound: there is none of this id.
            ConfigurationError: it is the default one.

        """
        if workspace_id == DEFAULT:
            raise ConfigurationError("the default workspace cannot be dropped; reset it instead")
        with self._changing:
            dropped = self._found(workspace_id)
            self._open = {key: one for key, one in self._open.items() if one is not dropped}
            self._index()
        self._await_requests(workspace_id)
        self._remove(dropped)

    def wait_until_swept(self) -> None:
        """Returns when nothing is left on disk of the workspaces that were dropped."""
        self._sweeper.wait()

    def reset(self, workspace_id: str, keep: Sequence[str] = ()) -> None:
        """Puts a workspace back to its beginning, but for the parts to keep.

        Raises:
            WorkspaceNotFound: there is none of this id.
            ConfigurationError: a part that there is not.

        """
        for part in keep:
            if part not in KEEPABLE:
                hint = did_you_mean(part, KEEPABLE)
                raise ConfigurationError(f"{part!r} cannot be kept{hint}")
        with self._changing:
            old = self._found(workspace_id)
            if "data" in keep:
                old.close()
            else:
                self._remove(old)
            folder = old.parts.workspace.folder if "data" in keep else None
            clock = old.parts.workspace.clock if "clock" in keep else None
            new = self._builder.build(WorkspaceId(workspace_id), old.options, clock, folder)
            if "scenario" in keep:
                new.parts.scenarios.load(old.parts.scenarios.current)
            if "journal" in keep:
                new.parts = dataclasses.replace(new.parts, journal=old.parts.journal)
            self._open = {**self._open, WorkspaceId(workspace_id): new}
            self._index()

    def close(self) -> None:
        """Closes every workspace and removes all but the default one."""
        with self._changing:
            closing, self._open = self._open, {}
            self._index()
        for workspace_id, one in closing.items():
            if workspace_id == DEFAULT:
                one.close()
            else:
                self._remove(one)
        self._sweeper.close()

    def _found(self, workspace_id: str) -> OpenWorkspace:
        found = self._open.get(WorkspaceId(workspace_id))
        if found is None:
            raise WorkspaceNotFound(workspace_id)
        return found

    def _await_requests(self, workspace_id: str) -> None:
        with self._requests_changed:
            self._requests_changed.wait_for(
                lambda: all(found != workspace_id for found, _request in self._requests),
                timeout=PATIENCE_SECONDS,
            )

    def _index(self) -> None:
        self._by_tenant = {
            name.casefold(): one.parts.workspace
            for one in self._open.values()
            for name in (one.parts.directory.tenant_id, one.parts.directory.domain)
        }

    def _free_id(self) -> str:
        number = len(self._open)
        while (name := f"workspace-{number}") in self._open:
            number += 1
        return name

    def _remove(self, opened: OpenWorkspace) -> None:
        opened.close()
        folder = opened.parts.workspace.folder
        if opened.parts.workspace.id == DEFAULT:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            self._sweeper.remove(folder)
