"""Workspaces of one server: built, found, dropped and reset, each without touching another."""

from __future__ import annotations

import dataclasses
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
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from d365fo_emulator.blob.signatures import SignatureIndex
    from d365fo_emulator.config.entries import EnvironmentFile
    from d365fo_emulator.config.model import Config
    from d365fo_emulator.dmf.engine import Engine
    from d365fo_emulator.entities.builtin import BuiltinCatalogue
    from d365fo_emulator.identity.keys import SigningKeys
    from d365fo_emulator.scenarios.model import Scenario
    from d365fo_emulator.storage.database import Database
    from d365fo_emulator.storage.files import WorkspaceFiles

OPTIONS = ("clock", "seed", "scenario", "environment")
KEEPABLE = ("scenario", "data", "journal", "clock")


@dataclass(frozen=True)
class Shared:
    """What all workspaces of a server share; nothing of it holds a workspace's data."""

    config: Config
    environment: EnvironmentFile
    scenario: Scenario | None
    folder: Path
    files: WorkspaceFiles
    builtin: BuiltinCatalogue
    keys: SigningKeys
    engine: Engine
    is_own_audience: Callable[[str], bool]
    is_own_base: Callable[[str], bool]
    on_failure: Callable[[WorkspaceId, BaseException], None]


@dataclass
class _Open:
    """A workspace in use: its parts, and what must be closed with it."""

    parts: WorkspaceParts
    dmf: DataManagement
    databases: tuple[Database, ...]
    options: dict[str, Any]


class WorkspaceRegistry:
    """All workspaces of one server; implements the admin API's `Workspaces`.

    Reading is lock-free on the hot path: tables are replaced, never changed in place.
    """

    def __init__(self, shared: Shared, signatures: Callable[[], SignatureIndex]) -> None:
        self._shared = shared
        self._signatures = signatures
        self._changing = threading.Lock()
        self._open: dict[WorkspaceId, _Open] = {}
        self._by_tenant: dict[str, Workspace] = {}

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
        """Removes a workspace with everything in it.

        Raises:
            WorkspaceNotFound: there is none of this id.
            ConfigurationError: it is the default one.

        """
        if workspace_id == DEFAULT:
            raise ConfigurationError("the default workspace cannot be dropped; reset it instead")
        with self._changing:
            closing = self._remove(workspace_id)
        _close(closing)
        shutil.rmtree(closing.parts.workspace.folder, ignore_errors=True)

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
            old = self._open.get(WorkspaceId(workspace_id))
            if old is None:
                raise WorkspaceNotFound(workspace_id)
            _close(old)
            if "data" not in keep:
                shutil.rmtree(old.parts.workspace.folder, ignore_errors=True)
            new = self._build(WorkspaceId(workspace_id), old.options)
            if "scenario" in keep:
                new.parts.scenarios.load(old.parts.scenarios.current)
            if "journal" in keep:
                new.parts = dataclasses.replace(new.parts, journal=old.parts.journal)
            self._open = {**self._open, WorkspaceId(workspace_id): new}
            self._index()

    def close(self) -> None:
        """Closes every workspace; what is kept stays on disk."""
        with self._changing:
            closing, self._open = list(self._open.values()), {}
            self._index()
        for one in closing:
            _close(one)

    def _remove(self, workspace_id: str) -> _Open:
        found = self._open.get(WorkspaceId(workspace_id))
        if found is None:
            raise WorkspaceNotFound(workspace_id)
        self._open = {key: one for key, one in self._open.items() if one is not found}
        self._index()
        return found

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

    def _build(self, workspace_id: WorkspaceId, options: dict[str, Any]) -> _Open:
        shared = self._shared
        seed = options.get("seed", shared.config.seed)
        folder = shared.folder / "workspaces" / _folder_name(workspace_id, seed)
        new = not (folder / "control.db").exists()
        folder.mkdir(parents=True, exist_ok=True)
        environment = options.get("environment") or shared.environment
        storage_key = shared.config.storage_key
        if workspace_id != DEFAULT:
            identity = workspace_identity(workspace_id, Ids(seed, f"identity|{workspace_id}"))
            environment = for_workspace(environment, identity)
            storage_key = identity.storage_key
        scenario = options.get("scenario") or shared.scenario
        mode = ClockMode(options.get("clock", shared.config.clock))
        if scenario is not None and scenario.clock is not None and "clock" not in options:
            mode = scenario.clock
        workspace = Workspace(
            id=workspace_id,
            seed=seed,
            clock=Clock(mode),
            ids=Ids(seed, workspace_id, _generation(folder)),
            folder=folder,
            storage_account=shared.config.storage_account,
            storage_key=storage_key,
            settings=environment.settings,
        )
        opened = self._assemble(workspace, environment, scenario, options)
        at = opened.dmf.at
        try:
            seeding.describe(at, environment)
            if new:
                seeding.seed(at, environment)
        except BaseException:
            _close(opened)
            if new:  # half an environment must not be taken for a whole one at the next start
                shutil.rmtree(folder, ignore_errors=True)
            raise
        return opened

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
        return _Open(parts, dmf, (control, data), options)

    def _blob_service(self, workspace: Workspace, control: Database) -> BlobService:
        store = SqliteBlobStore(control)
        content = LocalContentStore(
            workspace.folder / "content", lambda: workspace.ids.octets("content").hex()
        )
        content.clean(store.contents())

        def issued(signature: str) -> None:
            self._signatures().remember(signature, workspace.id)

        return BlobService(workspace, store, content, issued)


def _folder_name(workspace_id: WorkspaceId, seed: int) -> str:
    """A name without the id's characters: ids are free text, file systems are not."""
    if workspace_id == DEFAULT:
        return "default"
    return Ids(seed, "folder").fixed(workspace_id, 12).hex()


def _generation(folder: Path) -> int:
    """How often the folder was opened before: ids of a later run never repeat an earlier one's."""
    path = folder / "generation.json"
    number = json.loads(path.read_text("utf-8")) + 1 if path.exists() else 0
    path.write_text(json.dumps(number), "utf-8")
    return int(number)


def _close(opened: _Open) -> None:
    opened.dmf.close()
    for database in opened.databases:
        database.close()
