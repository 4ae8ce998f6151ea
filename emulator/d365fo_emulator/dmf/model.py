"""Data projects and executions, as values."""

from __future__ import annotations

# Documents in the control database are read by these types, so they are imported at run time.
import datetime as dt  # noqa: TC003
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from d365fo_emulator.kernel.workspace import ExecutionId  # noqa: TC001
from d365fo_emulator.packages.model import PackageEntity  # noqa: TC001
from d365fo_emulator.scenarios.model import ExecutionScript  # noqa: TC001

if TYPE_CHECKING:
    from collections.abc import Iterable


class Operation(StrEnum):
    """What a data project or an execution does (`DMFOperationType`)."""

    IMPORT = "Import"
    EXPORT = "Export"


class ExecutionState(StrEnum):
    """`DMFExecutionSummaryStatus`: names and order documented, numbers by position."""

    UNKNOWN = "Unknown"
    NOT_RUN = "NotRun"
    EXECUTING = "Executing"
    SUCCEEDED = "Succeeded"
    PARTIALLY_SUCCEEDED = "PartiallySucceeded"
    FAILED = "Failed"
    CANCELED = "Canceled"


class EntityStatus(StrEnum):
    """State of one entity in one stage: another vocabulary than the summary's (recorded)."""

    NOT_RUN = "NotRun"
    EXECUTING = "Executing"
    FINISHED = "Finished"
    ERROR = "Error"
    ABORTED = "Aborted"
    NONE = "None"


class ProjectCategory(StrEnum):
    """`DMFProjectCategory`."""

    PROJECT = "Project"
    CONFIGURATION = "Configuration"
    INTEGRATION = "Integration"
    OTHER = "Other"
    CDS = "CDS"


@dataclass(frozen=True)
class DataProject:
    """A definition group: entities, in which formats, in which order.

    Attributes:
        truncate: whether an import first deletes the company's rows of its entities
            (`TruncateEntityData`).
        generate_package: `GenerateDataPackage`, as it was said; exports make one either way.

    """

    name: str
    operation: Operation
    entities: tuple[PackageEntity, ...]
    description: str = ""
    category: ProjectCategory = ProjectCategory.PROJECT
    truncate: bool = False
    generate_package: bool = True


@dataclass(frozen=True)
class RunOptions:
    """What a call asks of one execution, beyond its project.

    Attributes:
        execute: whether the target step runs (imports).
        refusal: the words in which the call would have refused the package, had it not been the
            asynchronous form, which answers at once: the work fails with them.
        fail_on_error: the first entity that fails stops all that come after it (imports).
        truncate: the company's target rows of each entity are deleted before it is imported.
        entities: labels of the only entities that are exported; empty: all of the project.
        most_rows: rows per entity in a preview export; 0: all.
        changes_only: only rows that changed since the last finished export of this project
            (exports); entities with the refresh type `IncrementalPush` do so in any case.
        without_batch: `runAsyncWithoutBatch`; kept and shown, as there is no batch framework here.
        batch_threshold: `thresholdToRunInBatch`, a number of records; kept and shown.
        batch_group: `importBatchGroupId`; kept and shown.

    """

    execute: bool = True
    refusal: str = ""
    fail_on_error: bool = False
    truncate: bool = False
    entities: tuple[str, ...] = ()
    most_rows: int = 0
    changes_only: bool = False
    without_batch: bool = False
    batch_threshold: int = 0
    batch_group: str = ""


@dataclass(frozen=True)
class EntityRun:
    """One entity of one execution, with its counters; `position`: its place in the execution.

    The four instants are the workspace's time; None: the step has not begun, or not ended.

    Attributes:
        tasks: into how many parts an import was divided.
        changes_after: of an export of changes: the change after which it began; None: it took no
            heed of changes, or was a preview.
        changes_through: the last change that its file may hold.

    """

    entity: str
    source_format: str
    file: str
    staging_status: EntityStatus = EntityStatus.NOT_RUN
    target_status: EntityStatus = EntityStatus.NOT_RUN
    source_records: int = 0
    staging_created: int = 0
    staging_in_error: int = 0
    target_created: int = 0
    target_updated: int = 0
    target_in_error: int = 0
    notes: tuple[str, ...] = ()
    position: int = 0
    staging_started_at: dt.datetime | None = None
    staging_ended_at: dt.datetime | None = None
    target_started_at: dt.datetime | None = None
    target_ended_at: dt.datetime | None = None
    tasks: int = 1
    changes_after: int | None = None
    changes_through: int = 0

    @classmethod
    def planned(cls, plan: PackageEntity, position: int) -> Self:
        """An entity that nothing was done for yet."""
        return cls(plan.label, plan.source_format, plan.file_name, position=position)


def in_order(plan: Iterable[PackageEntity]) -> list[PackageEntity]:
    """Enabled entities by unit, level and sequence; ties in the order of the manifest."""
    enabled = [entity for entity in plan if not entity.disabled]
    return sorted(enabled, key=lambda entity: (entity.unit, entity.level, entity.sequence))


@dataclass(frozen=True)
class TimelineEntry:
    """A state that an execution entered, when and why."""

    state: str
    at: dt.datetime
    because: str


class WorkStatus(StrEnum):
    """How far the engine is with the real work of an execution, whatever its timeline shows."""

    WAITING = "waiting"
    RUNNING = "running"
    STUCK = "stuck"
    """Nobody is at it and it will never be done: an entity has no mapping."""
    DONE = "done"


@dataclass(frozen=True)
class Execution:
    """One run of a data project.

    Attributes:
        step: index in the script's timeline; `step_entered_at` and `step_polls` belong to it.
        reruns: how often its target step was run again, from the rows that staging has kept.
        work: how far the real work is; `computed` is the state that it led to, `work_done_at`
            when it ends by the workspace's clock.
        package: for imports, where the accepted package's bytes are held; for exports, the name
            of the blob that holds the result ("" until there is one).

    """

    id: ExecutionId
    operation: Operation
    group: str
    company: str
    script: ExecutionScript
    created_at: dt.datetime
    state: ExecutionState
    found: bool = True
    options: RunOptions = field(default_factory=RunOptions)
    step: int = 0
    step_entered_at: dt.datetime | None = None
    step_polls: int = 0
    polls: int = 0
    reruns: int = 0
    work: WorkStatus = WorkStatus.WAITING
    computed: ExecutionState | None = None
    work_done_at: dt.datetime | None = None
    finished_at: dt.datetime | None = None
    reason: str = ""
    package: str = ""
    package_name: str = ""
    entities: tuple[EntityRun, ...] = ()
    plan: tuple[PackageEntity, ...] = ()
    timeline: tuple[TimelineEntry, ...] = field(default_factory=tuple)

    @property
    def shown_state(self) -> str:
        """The state that the next poll would see; `NotFound` while there is no record of it."""
        return self.state if self.found else "NotFound"
