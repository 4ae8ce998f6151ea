"""Executions as others see them: the execution document, and the text of GetExecutionErrors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from d365fo_emulator.dmf.model import RunOptions, in_order
from d365fo_emulator.entities.store import Stage
from d365fo_emulator.kernel.clock import instant_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from d365fo_emulator.dmf.model import EntityRun, Execution
    from d365fo_emulator.entities.store import RowError
    from d365fo_emulator.packages.model import PackageEntity

    Errors = Iterable[tuple[str, RowError]]

MOST_ERRORS = 1000
"""Errors that a document lists; `errorCount` has them all."""

# Members of the execution document in order, and what they say; the documentation is made of it.
MEMBERS: dict[str, str] = {
    "executionId": "As the caller chose it, or made up.",
    "state": "What the next status call would see; `NotFound` while there is no record of it.",
    "operation": "`Import` or `Export`.",
    "definitionGroup": "The data project.",
    "company": "The legal entity.",
    "options": "`execute`, and what else the call asked for beside the usual.",
    "packageName": "Of exports, as the call said it.",
    "polls": "How many status calls there were.",
    "reruns": "How often its target step was run again by hand.",
    "createdAt": "When it was accepted, by the workspace's clock.",
    "finishedAt": "When it came to its end; null until then.",
    "timeline": "The states that it entered: `state`, `at`, `because`.",
    "entities": "Its entities in the order in which they run; see below.",
    "errors": (
        f"At most {MOST_ERRORS}: `entity`, `stage` (source, staging, target), `recordId` (0: the"
        " whole entity), `field`, `message`. Those that `GetExecutionErrors` keeps back are here."
    ),
    "errorCount": "How many errors there are in all.",
    "reason": "Why it ended as it did.",
}
ENTITY_MEMBERS: dict[str, str] = {
    "entity": "The label.",
    "unit": "Execution unit, as the manifest or the data project says it.",
    "level": "Level in the unit.",
    "sequence": "Sequence in the level.",
    "refreshType": "Of exports: `FullPush`, or `IncrementalPush` for changed rows only.",
    "runBusinessLogic": "As the manifest says it.",
    "runBusinessValidation": "As the manifest says it.",
    "sourceFormat": "The source data format.",
    "file": "The data file.",
    "tasks": "Of imports: into how many parts it was divided (`importTasks`).",
    "stagingStatus": "`NotRun`, `Executing`, `Finished`, `Error`, `Aborted`, or `None` where"
    " staging is skipped.",
    "targetStatus": "As `stagingStatus`.",
    "sourceRecords": "Records read.",
    "stagingRecordsCreated": "Of them, written to staging.",
    "stagingRecordsInError": "Of them, failed on the way there.",
    "targetRecordsCreated": "Rows that were new; of exports, all that were written.",
    "targetRecordsUpdated": "Rows that were there already.",
    "targetRecordsInError": "Rows that failed in the target step.",
    "stagingStartedAt": "Instant, or null.",
    "stagingEndedAt": "Instant, or null.",
    "targetStartedAt": "Instant, or null.",
    "targetEndedAt": "Instant, or null.",
    "notes": "What else happened, in sentences.",
}


def execution_document(
    execution: Execution, errors: Errors, label_of: Callable[[str], str]
) -> dict[str, Any]:
    """The execution document: what command, admin API and fixture show.

    Args:
        execution: as it stands.
        errors: its row errors, as (AOT name of the entity, error).
        label_of: the label of an entity by its AOT name.

    """
    labels: dict[str, str] = {}
    listed, count = [], 0
    for entity, error in errors:
        count += 1
        if count <= MOST_ERRORS:
            label = labels.get(entity) or labels.setdefault(entity, label_of(entity))
            listed.append(_error_document(label, error))
    plans = dict(enumerate(in_order(execution.plan)))
    scripted = execution.script.execution_errors
    listed += [
        {"entity": "", "stage": "", "recordId": "0", "field": "", "message": message}
        for message in scripted
    ]
    return {
        "executionId": execution.id,
        "state": execution.shown_state,
        "operation": execution.operation,
        "definitionGroup": execution.group,
        "company": execution.company,
        "options": _options_document(execution),
        "packageName": execution.package_name,
        "polls": execution.polls,
        "reruns": execution.reruns,
        "createdAt": instant_text(execution.created_at),
        "finishedAt": execution.finished_at and instant_text(execution.finished_at),
        "timeline": [
            {"state": entry.state, "at": instant_text(entry.at), "because": entry.because}
            for entry in execution.timeline
        ],
        "entities": [_entity_document(run, plans.get(run.position)) for run in execution.entities],
        "errors": listed,
        "errorCount": count + len(scripted),
        "reason": execution.reason,
    }


def errors_text(
    execution: Execution,
    errors: Errors,
    form: str,
    record_id: Callable[[str, RowError], str] = lambda _entity, error: str(error.row),
) -> str:
    """The text of GetExecutionErrors: a JSON list of RecordId, Field, ErrorMessage.

    Files that could not be read at all are not in it (recorded).

    Args:
        execution: as it stands.
        errors: its row errors, as (AOT name of the entity, error).
        form: the setting `errorsJson`: `valid` or `raw`.
        record_id: what an error's row is called, by default its number in the file.

    """
    items = [
        _item(record_id(entity, error), error.field, error.message)
        for entity, error in errors
        if error.row or error.stage is not Stage.SOURCE
    ]
    items += [_item("0", "", message) for message in execution.script.execution_errors]
    if form == "raw":
        return _raw(items)
    return json.dumps(items, ensure_ascii=False, separators=(",", ":"))


def _item(record_id: str, field: str, message: str) -> dict[str, str]:
    """One error. A line break first, a blank before each line, CRLF after it (recorded)."""
    lines = "".join(f" {line}\r\n" for line in message.splitlines())
    return {"RecordId": record_id, "Field": field, "ErrorMessage": f"\n{lines}"}


def _raw(items: list[dict[str, str]]) -> str:
    """As measured on a real environment: quotes and line breaks are not escaped."""
    texts = [
        f'{{"RecordId":"{item["RecordId"]}","Field":"{item["Field"]}",'
        f'"ErrorMessage":"{item["ErrorMessage"]}"}}'
        for item in items
    ]
    return f"[{','.join(texts)}]"


def _error_document(label: str, error: RowError) -> dict[str, str]:
    return {
        "entity": label,
        "stage": error.stage,
        "recordId": str(error.row),
        "field": error.field,
        "message": error.message,
    }


# What a call asked for, by the names of its parameters where it has some.
_OPTIONS = {
    "execute": "execute",
    "fail_on_error": "failOnError",
    "truncate": "truncate",
    "entities": "entities",
    "most_rows": "exportPreviewCount",
    "changes_only": "changesOnly",
    "without_batch": "runAsyncWithoutBatch",
    "batch_threshold": "thresholdToRunInBatch",
    "batch_group": "importBatchGroupId",
}


def _options_document(execution: Execution) -> dict[str, Any]:
    """`execute`, and what was asked for beside the usual: most executions have little to read."""
    usual = RunOptions()
    asked = {}
    for attribute, name in _OPTIONS.items():
        value = getattr(execution.options, attribute)
        if attribute == "execute" or value != getattr(usual, attribute):
            asked[name] = list(value) if isinstance(value, tuple) else value
    return asked


def _entity_document(run: EntityRun, plan: PackageEntity | None) -> dict[str, Any]:
    instants = {
        "stagingStartedAt": run.staging_started_at,
        "stagingEndedAt": run.staging_ended_at,
        "targetStartedAt": run.target_started_at,
        "targetEndedAt": run.target_ended_at,
    }
    return {
        "entity": run.entity,
        "unit": plan and plan.unit,
        "level": plan and plan.level,
        "sequence": plan and plan.sequence,
        "refreshType": plan and plan.refresh_type,
        "runBusinessLogic": plan and plan.run_business_logic,
        "runBusinessValidation": plan and plan.run_business_validation,
        "sourceFormat": run.source_format,
        "file": run.file,
        "tasks": run.tasks,
        "stagingStatus": run.staging_status,
        "targetStatus": run.target_status,
        "sourceRecords": run.source_records,
        "stagingRecordsCreated": run.staging_created,
        "stagingRecordsInError": run.staging_in_error,
        "targetRecordsCreated": run.target_created,
        "targetRecordsUpdated": run.target_updated,
        "targetRecordsInError": run.target_in_error,
        **{name: at and instant_text(at) for name, at in instants.items()},
        "notes": list(run.notes),
    }
