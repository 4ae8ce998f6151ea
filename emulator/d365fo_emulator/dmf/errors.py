"""Refusals of the package API: what they mean, and the literal texts, each with its evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from d365fo_emulator.entities.errors import nothing_staged
from d365fo_emulator.kernel.errors import EmulatorError
from d365fo_emulator.odata.errors import (
    NO_RESOURCE,
    ActionFailed,
    WriteFailed,
    write_text,
)

if TYPE_CHECKING:
    from d365fo_emulator.kernel.ids import Ids

# text, evidence. Placeholders are filled by the functions below and nowhere else.
TEXTS: dict[str, tuple[str, str]] = {
    "execution-not-found": (
        "Execution details were not found for execution id: {id}",
        "recorded",
    ),
    "project-exists": (
        "The data project '{project}' exists and overwrite has not been specified.",
        "recorded",
    ),
    "control-file-missing": (
        "Could not find file 'C:\\windows\\TEMP\\{first}_{second}\\{file}'.",
        "recorded",
    ),
    "entity-unknown": ("Entity {entity} does not exist in the target environment", "client"),
    "mapping-incorrect": (
        "the mapping is incorrect for entity {entity} and field {{{field}}}",
        "client",
    ),
    # Both flags are printed as `true` whatever was sent: recorded so, and kept so.
    "export-failed": (
        (
            "Export to package failed for definition group: {project}, package name: {package},"
            " execution id: {id}, reExecute: true, legal entity: true"
        ),
        "recorded",
    ),
    # Read in the notes of a client that met it at an export; here for ResetVersionToken alone.
    "project-unknown": ("Data project {project} does not exist.", "client"),
    "company-unknown": ("The company {company} does not exist.", "inferred"),
    "composite-without-project": (
        (
            "A data project must exist before importing a package consisting of a composite data"
            " entity."
        ),
        "recorded",
    ),
    "execution-running": ("Execution {id} is still running.", "inferred"),
    "message-not-found": ("Message {id} was not found.", "inferred"),
    "execution-id-used": ("Execution id {id} already exists.", "inferred"),
    "blob-missing": ("The remote server returned an error: (404) Not Found.", "inferred"),
    "blob-forbidden": ("The remote server returned an error: (403) Forbidden.", "inferred"),
    "package-invalid": ("{because}", "inferred"),
    # Recorded in 2020; documented is only that such calls fail.
    "parallel-import-session": (
        "BOX API can't be used from non-interactive sessions",
        "recorded",
    ),
    "parallel-import-edit": (
        (
            "Cannot edit a record in Entities for a processing group (DMFDefinitionGroupEntity).\n"
            "The record has never been selected."
        ),
        "recorded",
    ),
    "parallel-import-deadlock": (
        (
            "Cannot delete a record in Source (DMFDefinitionGroupEntityXMLFields).\n"
            "Deadlock, where one or more users have simultaneously locked the whole table or part"
            " of it."
        ),
        "recorded",
    ),
    "parallel-import-exists": ("The record already exists", "recorded"),
}

# What the later of two overlapping calls of ImportFromPackage for one data project is answered: by
# whatever the two of them met at. Not here: texts of the execution's staging step, and those that
# name a field of the manifest, which is not read any more.
PARALLEL_IMPORT = tuple(key for key in TEXTS if key.startswith("parallel-import-"))


def failed(key: str, reason: str = "", **names: str) -> ActionFailed:
    """The refusal of this meaning, with its literal text; `reason` says more than the service."""
    text, _evidence = TEXTS[key]
    return ActionFailed(text.format(**names), reason)


def control_file_missing(ids: Ids, file_name: str, because: str) -> ActionFailed:
    """The recorded text, with two GUIDs in upper case in the path of the temporary folder."""
    first, second = (str(ids.guid("temporary-folder")).upper() for _ in range(2))
    return failed("control-file-missing", because, first=first, second=second, file=file_name)


def parallel_import(ids: Ids, project: str) -> ActionFailed:
    """One of the recorded texts, by the workspace's seed."""
    key = PARALLEL_IMPORT[ids.number("parallel-import", 0, len(PARALLEL_IMPORT) - 1)]
    because = f"another ImportFromPackage for the data project {project!r} has not answered yet"
    return failed(key, f"{because} (setting parallelImports)")


def composite_refused(table: str, label: str) -> str:
    """What an import of a composite entity ended with, sentence by sentence (recorded)."""
    return f"A DataTable named '{table}' already belongs to this DataSet. {nothing_staged(label)}"


class ExecutionNotFound(EmulatorError):
    """No execution of this workspace has this id."""

    def __init__(self, execution: str) -> None:
        super().__init__(f"there is no execution {execution!r}")
        self.execution = execution


class ControlRefused(EmulatorError):
    """An execution cannot be moved so."""


def custom_sequence(label: str) -> str:
    """An entity with a number sequence cannot be divided (documented)."""
    return (
        f"Custom sequence is defined for the entity '{label}', more than one task is not supported."
    )


def file_not_found(file_name: str) -> str:
    """A file that the manifest names is not in the package (documented: that it is an error)."""
    return f"The file {file_name} of the manifest was not found in the package."


# Entries of the infolog when a row of a set is refused. The form is recorded of business entities,
# the words of the product's tables are inferred; clients look for `already exists`, and for
# `Staging cannot be skipped`.
ROW_TEXTS: dict[str, tuple[str, str]] = {
    "project-row-exists": (
        (
            "Error: Cannot create a record in Processing group (DMFDefinitionGroup)."
            " Group name: {project}.\nThe record already exists."
        ),
        "client",
    ),
    "detail-row-exists": (
        (
            "Error: Cannot create a record in Entities for a processing group"
            " (DMFDefinitionGroupEntity). Group name: {project}, Entity: {entity}.\n"
            "The record already exists."
        ),
        "client",
    ),
    "field-empty": ("Error: Field '{field}' must be filled in.", "inferred"),
    "project-unknown": (
        (
            "Warning: The value '{project}' in field 'Group name' is not found in the related"
            " table 'Processing group'."
        ),
        "inferred",
    ),
    "entity-unknown": (
        (
            "Warning: The value '{entity}' in field 'Entity' is not found in the related table"
            " 'Target entities'."
        ),
        "inferred",
    ),
    "staging-needed": ("Error: Staging cannot be skipped for entity {entity}", "client"),
    "format-unknown": (
        (
            "Warning: The value '{format}' in field 'Source data format' is not found in the"
            " related table 'Data sources'."
        ),
        "inferred",
    ),
}


def write_failed(
    table: str, key: str, reason: str = "", kind: str = "", **names: str
) -> WriteFailed:
    """The refusal of a row, by its meaning; `kind`: the exception's type, where it is another."""
    text, _evidence = ROW_TEXTS[key]
    entries = text.format(**names)
    return WriteFailed(write_text("infolog", table=table, entries=entries), reason, kind)


def row_missing() -> WriteFailed:
    """The refusal to change or remove a row that is not there."""
    return WriteFailed(NO_RESOURCE, "there is no such row")
