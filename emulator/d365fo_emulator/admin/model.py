"""What the admin API stands on: the services of each workspace, and the server around them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from d365fo_emulator.blob.service import BlobService
    from d365fo_emulator.dmf.model import Execution
    from d365fo_emulator.dmf.service import DataManagement
    from d365fo_emulator.entities.catalogue import Catalogue
    from d365fo_emulator.entities.store import RowStore
    from d365fo_emulator.identity.model import Directory
    from d365fo_emulator.identity.service import IdentityService
    from d365fo_emulator.journal.recorder import Journal
    from d365fo_emulator.kernel.workspace import Workspace
    from d365fo_emulator.scenarios.service import ScenarioService


class Executions(Protocol):
    """What the admin API asks of the data management of a workspace."""

    def executions(self) -> Sequence[Execution]:
        """Every execution, oldest first."""
        ...

    def execution(self, execution_id: str, /) -> Execution | None:
        """The execution of this id."""
        ...

    def document(self, execution: Execution, /) -> dict[str, Any]:
        """The execution document."""
        ...

    def control(self, execution_id: str, action: str, /) -> Execution:
        """Moves an execution by hand."""
        ...


@dataclass(frozen=True)
class WorkspaceParts:
    """The services of one workspace, made by the composition root."""

    workspace: Workspace
    directory: Directory
    identity: IdentityService
    blob: BlobService
    catalogue: Catalogue
    rows: RowStore
    dmf: DataManagement
    scenarios: ScenarioService
    journal: Journal


class Workspaces(Protocol):
    """All workspaces of one emulator; implemented by the composition root."""

    def list(self) -> Sequence[WorkspaceParts]:
        """Every workspace, the default one first."""
        ...

    def get(self, workspace_id: str, /) -> WorkspaceParts:
        """One workspace.

        Raises:
            WorkspaceNotFound: there is none of this id.

        """
        ...

    def create(self, workspace_id: str | None = None, /, **options: Any) -> WorkspaceParts:
        """A new workspace.

        Raises:
            WorkspaceExists: the id is taken.
            ConfigurationError: an option that cannot be used.

        """
        ...

    def drop(self, workspace_id: str, /) -> None:
        """Removes a workspace with everything in it."""
        ...

    def reset(self, workspace_id: str, keep: Sequence[str] = (), /) -> None:
        """Puts a workspace back to its beginning, but for the parts to keep."""
        ...


@dataclass(frozen=True)
class ServerInfo:
    """The running server, as of now.

    Attributes:
        pending: what is not done yet; empty: ready.
        names: host names that are the server's own, beside localhost and addresses.

    """

    version: str
    started_at: dt.datetime
    http_url: str
    https_url: str
    blob_url: str
    ca_bundle: str
    ca_pem: str
    data_dir: str
    pending: Sequence[str] = ()
    names: Sequence[str] = ()
    more: Mapping[str, Any] = field(default_factory=dict)
