"""What every action works with: the call, and how an execution begins."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from d365fo_emulator.dmf import errors
from d365fo_emulator.dmf.life import Acceptance
from d365fo_emulator.dmf.model import Execution, ExecutionState, Operation, RunOptions
from d365fo_emulator.kernel.workspace import ExecutionId

if TYPE_CHECKING:
    from collections.abc import Mapping

    from d365fo_emulator.dmf.model import DataProject
    from d365fo_emulator.dmf.service import DataManagement
    from d365fo_emulator.http.exchange import Exchange


@dataclass(frozen=True)
class Call:
    """One call of an action: arguments by the vendor's names, already of the declared types."""

    exchange: Exchange
    arguments: Mapping[str, Any]
    dmf: DataManagement

    def __getitem__(self, name: str) -> Any:
        return self.arguments[name]


@dataclass(frozen=True)
class Job:
    """What is to be begun.

    `package`: name of the held bytes of an import. `again`: whether it may stand in the place of
    an ended execution of its id. `makes_project`: whether an import brings its data project.
    """

    execution_id: str
    project: DataProject
    company: str
    options: RunOptions
    package: str = ""
    package_name: str = ""
    again: bool = False
    overwrite: bool = True
    makes_project: bool = True


def found_execution(call: Call) -> Execution:
    """The execution that the call names.

    Raises:
        ActionFailed: there is none, or its record is not written yet.

    """
    found = call.dmf.lives.find(ExecutionId(call["executionId"]))
    if found is None or not found.found:
        raise errors.failed("execution-not-found", id=call["executionId"])
    return found


def company_of(call: Call) -> str:
    """The company as the environment spells it; letter case is ignored (`dat` works, recorded)."""
    named = call["legalEntityId"]
    caller = call.exchange.caller
    wanted = named or (caller.company if caller else "")
    company = call.dmf.at.companies.get(wanted.casefold())
    if company is None:
        known = ", ".join(call.dmf.at.companies.values())
        raise errors.failed("company-unknown", f"the companies are {known}", company=wanted)
    return company


def execution_id_of(call: Call) -> str:
    """The caller's own, else a GUID in upper case (the form of generated ids is inferred)."""
    ids = call.exchange.workspace.ids
    return call["executionId"] or str(ids.guid("execution")).upper()


def check_id(call: Call, execution_id: str, *, again: bool) -> None:
    """Refuses a used execution id before anything is written; `begin` looks once more."""
    found = call.dmf.lives.find(ExecutionId(execution_id))
    if found is not None and not (again and found.finished_at is not None):
        raise errors.failed("execution-id-used", id=execution_id)


def begin(call: Call, job: Job) -> None:
    """Binds the scenario's script and begins the execution, with its project for an import."""
    exchange, project = call.exchange, job.project
    exchange.facts.update(
        definitionGroup=project.name, legalEntity=job.company, executionId=job.execution_id
    )
    labels = tuple(entity.label for entity in project.entities)
    client_id = exchange.caller.client_id if exchange.caller else ""
    script, because = call.dmf.at.scenarios.script_for(
        {**exchange.facts, "entity": labels, "clientId": client_id}
    )
    exchange.note(because)
    execution = Execution(
        id=ExecutionId(job.execution_id),
        operation=project.operation,
        group=project.name,
        company=job.company,
        script=script,
        created_at=exchange.workspace.clock.now,
        state=ExecutionState.NOT_RUN,
        options=_options_of(job),
        package=job.package,
        package_name=job.package_name,
        plan=project.entities,
    )
    is_made = project.operation is Operation.IMPORT and job.makes_project
    made = project if is_made else None
    match call.dmf.lives.accept(execution, made, overwrite=job.overwrite, again=job.again):
        case Acceptance.ID_USED:
            raise errors.failed("execution-id-used", id=job.execution_id)
        case Acceptance.PROJECT_EXISTS:
            raise errors.failed("project-exists", project=project.name)
        case Acceptance.PROJECT_BUSY:
            raise errors.failed(
                "export-failed",
                f"an execution of {project.name!r} is still Executing (setting busyProject)",
                project=project.name,
                package=job.package_name,
                id=job.execution_id,
            )


def _options_of(job: Job) -> RunOptions:
    """What the call asks for, and what the data project asks for of each of its imports."""
    truncate = job.options.truncate or (
        job.project.truncate and job.project.operation is Operation.IMPORT
    )
    return dataclasses.replace(job.options, truncate=truncate)


def may_run_again(call: Call) -> bool:
    """Whether a used execution id may be run again, as the setting `usedExecutionId` says."""
    return call.exchange.workspace.settings.used_execution_id == "rerun"
