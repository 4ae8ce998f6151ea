"""One isolated environment: everything stored belongs to one, and two never meet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NewType

from d365fo_emulator.kernel.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from d365fo_emulator.kernel.clock import Clock
    from d365fo_emulator.kernel.ids import Ids

WorkspaceId = NewType("WorkspaceId", str)
ExecutionId = NewType("ExecutionId", str)

DEFAULT = WorkspaceId("default")


@dataclass(frozen=True)
class Workspace:
    """What every subsystem needs of one environment.

    `folder` holds all that the workspace keeps on disk; dropping the workspace removes it.
    `storage_key` signs its SAS URLs (base64, as a storage account's key), so that the signature
    tells two workspaces apart that use the same account, container and blob name.
    """

    id: WorkspaceId
    seed: int
    clock: Clock
    ids: Ids
    folder: Path
    storage_account: str
    storage_key: str
    settings: Settings = field(default_factory=Settings)
