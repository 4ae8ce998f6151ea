"""Workspaces of one server: built, found, dropped and reset, each without touching another."""

from __future__ import annotations

import dataclasses
import itertools
import json
import shutil
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from d365fo_emulator.admin.model import WorkspaceParts
from d365fo_emulator.blob.local import LocalContentStore
from d365fo_emulator.blob.service import BlobService
from d365fo_emulator.config.wellknown import for_workspace, workspace_identity
from d365fo_emulator.dmf.service import DataManagement, Surroundings
from d365fo_emulator.emulator import seeding
from d365fo_emulator.emulator.sweeping import Sweeper
from d365fo_emulator.entities.catalogue import Catalogue
from d365fo_emulator.identity.service import IdentityService
from d365fo_emulator.journal.recorder import Journal
from d365fo_emulator.kernel.clock import Clock, ClockMode
from d365fo_emulator.kernel.errors import (
    ConfigurationError,
    WorkspaceExists,
    WorkspaceNotFound,
)
from d365fo_emulator.kernel.ids import Ids
from d365fo_emulator.kernel.tables import did_you_mean
from d365fo_emulator.kernel.workspace import DEFAULT, Workspace, WorkspaceId
from d365fo_emulator.scenarios.service import ScenarioService
from d365fo_emulator.storage.blobs import SqliteBlobStore
from d365fo_emulator.storage.entities import SqliteRowStore
from d365fo_emulator.storage.executions import SqliteDataManagementStore
from d365fo_emulator.storage.learnt import SqliteLearntStore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from d365fo_emulator.config.entries import EnvironmentFile
    from d365fo_emulator.config.model import Config
    from d365fo_emulator.dmf.engine import Engine
    from d365fo_emulator.entities.builtin import BuiltinCatalogue
    from d365fo_emulator.http.exchange import Exchange
    from d365fo_emulator.identity.keys import SigningKeys
    from d365fo_emulator.scenarios.model import Scenario
    from d365fo_emulator.storage.database import Database
    from d365fo_emulator.storage.files import WorkspaceFiles

OPTIONS = ("clock", "seed", "scenario", "environment")
KEEPABLE = ("scenario", "data", "journal", "clock")
PATIENCE_SECONDS = 5.0
GENERATION_FILE = "generation.json"


@dataclass(frozen=True)
class Shared:
    """What all workspaces of a server share; nothing of it holds a workspace's data."""

    config: Config
    environment: EnvironmentFile
    scenario: Scenario | None
    folder: Path  # of the workspaces' own folders
    files: WorkspaceFiles
    builtin: BuiltinCatalogue
    keys: SigningKeys
    engine: Engine
    is_own_audience: Callable[[str], bool]
    is_own_base: Callable[[str], bool]
    on_failure: Callable[[WorkspaceId, BaseException], None]


@dataclass
class _Open:
    """A workspace in use, with what was asked for it and what must be closed with it."""

    parts: WorkspaceParts
    databases: tuple[Database, ...]
    options: dict[str, Any]
    closed: bool = False

    def close(self) -> None:
        """Ends its work; what is kept stays on disk."""
        self.closed = True
        self.parts.dmf.close()
        for database in self.databases:
            database.close()


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
        self._shared = shared
        self._remember_signature = remember_signature
        self._changing = threading.Lock()
        self._requests: set[tuple[WorkspaceId, str]] = set()
        self._requests_changed = threading.Condition()
        self._open: dict[WorkspaceId, _Open] = {}
        self._by_tenant: dict[str, Workspace] = {}
        self._sweeper = Sweeper()
        self._folder_numbers = itertools.count(1)
        self._sweep()

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
            opened = self._build(chosen, options)
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
            new = self._build(WorkspaceId(workspace_id), old.options, clock, folder)
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

    def _found(self, workspace_id: str) -> _Open:
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

    def _sweep(self) -> None:
        """Removes what a process that was killed has left of workspaces that are not kept."""
        for folder in self._shared.folder.glob("*"):
            if folder.name != _folder_name(DEFAULT, 0):
                shutil.rmtree(folder, ignore_errors=True)

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

    # Building

    def _build(
        self,
        workspace_id: WorkspaceId,
        options: dict[str, Any],
        clock: Clock | None = None,
        folder: Path | None = None,
    ) -> _Open:
        """Opens a workspace; `clock` and `folder`: the former one's, to go on from there."""
        environment = options.get("environment") or self._shared.environment
        scenario = options.get("scenario") or self._shared.scenario
        seed = self._seed(options, scenario)
        folder = folder or self._folder_for(workspace_id, seed)
        generation = _generation(folder)
        if generation is None:  # nothing, or what a process killed while it seeded has left
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        storage_key = self._shared.config.storage_key
        if workspace_id != DEFAULT:
            identity = workspace_identity(
                workspace_id, Ids(seed, f"identity|{workspace_id}"), len(environment.clients)
            )
            environment = for_workspace(environment, identity)
            storage_key = identity.storage_key
        workspace = Workspace(
            id=workspace_id,
            seed=seed,
            clock=self._clock(options, scenario, clock),
            ids=Ids(seed, workspace_id, generation or 0),
            folder=folder,
            storage_account=self._shared.config.storage_account,
            storage_key=storage_key,
            settings=environment.settings,
        )
        opened = self._assemble(workspace, environment, scenario, options)
        at = opened.parts.dmf.at
        try:
            seeding.describe(at, environment)
            if generation is None:
                seeding.seed(at, environment)
            opened.parts.dmf.start()
            _write_generation(folder, (generation or 0) + 1)
        except BaseException:
            opened.close()
            if generation is None:
                shutil.rmtree(folder, ignore_errors=True)
            raise
        return opened

    def _folder_for(self, workspace_id: WorkspaceId, seed: int) -> Path:
        """The default workspace's own; others get a new one each time, as the former one of their
        id may still be going.
        """
        name = _folder_name(workspace_id, seed)
        if workspace_id != DEFAULT:
            name = f"{name}-{next(self._folder_numbers)}"
        return self._shared.folder / name

    def _remove(self, opened: _Open) -> None:
        opened.close()
        folder = opened.parts.workspace.folder
        if opened.parts.workspace.id == DEFAULT:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            self._sweeper.remove(folder)

    def _seed(self, options: Mapping[str, Any], scenario: Scenario | None) -> int:
        """What was asked for; else what the scenario says; else the server's."""
        said = options.get("seed", None if scenario is None else scenario.seed)
        return int(self._shared.config.seed if said is None else said)

    def _clock(
        self, options: Mapping[str, Any], scenario: Scenario | None, former: Clock | None
    ) -> Clock:
        """The former one's time and mode; else the mode asked for, the scenario's, the server's."""
        if former is not None:
            return Clock(former.mode, former.now)
        said = options.get("clock") or (scenario and scenario.clock) or self._shared.config.clock
        try:
            return Clock(ClockMode(said))
        except ValueError:
            hint = did_you_mean(str(said), tuple(ClockMode))
            raise ConfigurationError(f"there is no clock {said!r}{hint}") from None

    def _assemble(
        self,
        workspace: Workspace,
        environment: EnvironmentFile,
        scenario: Scenario | None,
        options: dict[str, Any],
    ) -> _Open:
        shared = self._shared
        control = shared.files.control(workspace.folder)
        data = shared.files.data(workspace.folder)
        directory = seeding.directory_of(environment)
        blob = self._blob_service(workspace, control)
        scenarios = ScenarioService(workspace.id, scenario)
        catalogue = Catalogue(shared.builtin, SqliteLearntStore(control))
        rows = SqliteRowStore(data)
        dmf = DataManagement(
            Surroundings(
                workspace=workspace,
                store=SqliteDataManagementStore(control),
                blob=blob,
                catalogue=catalogue,
                rows=rows,
                scenarios=scenarios,
                companies=seeding.companies_of(environment),
                is_own_base=shared.is_own_base,
            ),
            shared.engine,
            lambda error: shared.on_failure(workspace.id, error),
        )
        parts = WorkspaceParts(
            workspace=workspace,
            directory=directory,
            identity=IdentityService(workspace, directory, shared.keys, shared.is_own_audience),
            blob=blob,
            catalogue=catalogue,
            rows=rows,
            dmf=dmf,
            scenarios=scenarios,
            journal=Journal(workspace.id),
        )
        return _Open(parts, (control, data), options)

    def _blob_service(self, workspace: Workspace, control: Database) -> BlobService:
        store = SqliteBlobStore(control)
        content = LocalContentStore(
            workspace.folder / "content", lambda: workspace.ids.octets("content").hex()
        )
        content.clean(store.contents())

        def issued(signature: str) -> None:
            self._remember_signature(signature, workspace.id)

        return BlobService(workspace, store, content, issued)


def _folder_name(workspace_id: WorkspaceId, seed: int) -> str:
    """A name without the id's characters: ids are free text, file systems are not."""
    if workspace_id == DEFAULT:
        return "default"
    return Ids(seed, "folder").fixed(workspace_id, 12).hex()


def _generation(folder: Path) -> int | None:
    """How often the folder was opened before; None: never to the end of its seeding.

    Ids of a later run never repeat an earlier one's by it.
    """
    path = folder / GENERATION_FILE
    return int(json.loads(path.read_text("utf-8"))) if path.exists() else None


def _write_generation(folder: Path, number: int) -> None:
    draft = folder / f"{GENERATION_FILE}.draft"
    draft.write_text(json.dumps(number), "utf-8")
    draft.replace(folder / GENERATION_FILE)
