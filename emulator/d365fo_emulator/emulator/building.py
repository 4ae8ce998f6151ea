"""How a workspace is made: its folder, its databases, and a service of each subsystem."""

from __future__ import annotations

import itertools
import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from d365fo_emulator.admin.model import WorkspaceParts
from d365fo_emulator.blob.local import LocalContentStore
from d365fo_emulator.blob.service import BlobService
from d365fo_emulator.config.wellknown import for_workspace, workspace_identity
from d365fo_emulator.dmf.attachments import Attachments
from d365fo_emulator.dmf.service import DataManagement, Surroundings
from d365fo_emulator.emulator import seeding
from d365fo_emulator.entities.catalogue import Catalogue
from d365fo_emulator.identity.service import IdentityService
from d365fo_emulator.journal.recorder import Journal
from d365fo_emulator.kernel.clock import Clock, ClockMode
from d365fo_emulator.kernel.errors import ConfigurationError
from d365fo_emulator.kernel.ids import Ids
from d365fo_emulator.kernel.tables import did_you_mean
from d365fo_emulator.kernel.workspace import DEFAULT, Workspace, WorkspaceId
from d365fo_emulator.scenarios.service import ScenarioService
from d365fo_emulator.storage.attachments import SqliteAttachmentStore
from d365fo_emulator.storage.blobs import SqliteBlobStore
from d365fo_emulator.storage.entities import SqliteRowStore
from d365fo_emulator.storage.executions import SqliteDataManagementStore
from d365fo_emulator.storage.learnt import SqliteLearntStore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from d365fo_emulator.config.entries import EnvironmentFile
    from d365fo_emulator.config.model import Config
    from d365fo_emulator.dmf.engine import Engine
    from d365fo_emulator.emulator.entity_sources import EntitySources
    from d365fo_emulator.entities.builtin import BuiltinCatalogue
    from d365fo_emulator.identity.keys import SigningKeys
    from d365fo_emulator.scenarios.model import Scenario
    from d365fo_emulator.storage.database import Database
    from d365fo_emulator.storage.files import WorkspaceFiles

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
    sources: EntitySources
    keys: SigningKeys
    engine: Engine
    is_own_audience: Callable[[str], bool]
    is_own_base: Callable[[str], bool]
    on_failure: Callable[[WorkspaceId, BaseException], None]


@dataclass
class OpenWorkspace:
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


class WorkspaceBuilder:
    """Opens workspaces, new ones and those that a kept folder holds.

    Args:
        remember_signature: told of each SAS handed out, and whose it is.

    """

    def __init__(
        self, shared: Shared, remember_signature: Callable[[str, WorkspaceId], object]
    ) -> None:
        self._shared = shared
        self._remember_signature = remember_signature
        self._folder_numbers = itertools.count(1)

    def sweep(self) -> None:
        """Removes what a process that was killed has left of workspaces that are not kept."""
        for folder in self._shared.folder.glob("*"):
            if folder.name != _folder_name(DEFAULT, 0):
                shutil.rmtree(folder, ignore_errors=True)

    def build(
        self,
        workspace_id: WorkspaceId,
        options: dict[str, Any],
        clock: Clock | None = None,
        folder: Path | None = None,
    ) -> OpenWorkspace:
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
        kept = generation is not None
        opened = self._assemble(workspace, environment, scenario, options, kept=kept)
        at = opened.parts.dmf.at
        try:
            seeding.describe(at, environment, self._shared.sources)
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
        *,
        kept: bool,
    ) -> OpenWorkspace:
        shared = self._shared
        formats = seeding.formats_of(environment)  # first: it refuses what cannot be
        control = shared.files.control(workspace.folder)
        data = shared.files.data(workspace.folder)
        directory = seeding.directory_of(environment)
        blob = self._blob_service(workspace, control, kept=kept)
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
                attachments=self._attachments(workspace, data, kept=kept),
                formats=formats,
                templates=environment.templates,
                import_tasks=environment.import_tasks,
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
        return OpenWorkspace(parts, (control, data), options)

    @staticmethod
    def _attachments(workspace: Workspace, data: Database, *, kept: bool) -> Attachments:
        """Attachments of rows; their bytes lie apart from the blobs', whose time ends."""
        store = SqliteAttachmentStore(data)
        content = LocalContentStore(
            workspace.folder / "attachments", lambda: workspace.ids.octets("attachment").hex()
        )
        if kept:
            content.clean(store.contents())
        return Attachments(store, content, workspace.settings)

    def _blob_service(self, workspace: Workspace, control: Database, *, kept: bool) -> BlobService:
        """The blob service; a folder that was used before may hold what nothing names any more."""
        store = SqliteBlobStore(control)
        content = LocalContentStore(
            workspace.folder / "content", lambda: workspace.ids.octets("content").hex()
        )
        if kept:
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
