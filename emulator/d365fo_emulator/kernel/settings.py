"""The imitated service's own variations: the `settings` of an environment file.

Each is a choice where the real service differs between releases, or where nobody knows which it
takes. The default is the likeliest; `docs/reference/settings.md` is made from this table.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from d365fo_emulator.kernel.errors import ConfigurationError
from d365fo_emulator.kernel.tables import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping


def choice(
    default: Any, wire: str, text: str, options: tuple[str, ...] = (), evidence: str = "inferred"
) -> Any:
    """A setting: its name in files, what it does, what it may be, and what the default rests on."""
    return dataclasses.field(
        default=default,
        metadata={"wire": wire, "help": text, "options": options, "evidence": evidence},
    )


@dataclass(frozen=True)
class Settings:
    """What the service does where it is known to vary."""

    unknown_entities: str = choice(
        "learn",
        "unknownEntities",
        "An entity that the catalogue lacks: learnt from the package that brings it, or refused"
        " with the real service's words. Fields that a known entity lacks are learnt either way.",
        ("learn", "refuse"),
    )
    entity_names: str = choice(
        "label",
        "entityNames",
        "EntityName in a manifest: the label alone, so that AOT and collection names of known"
        " entities are refused, or any of the three.",
        ("label", "any"),
        "client",
    )
    unknown_project: str = choice(
        "refuse",
        "unknownProject",
        "Export of a data project that does not exist: refused as today, accepted without effect"
        " as in 2019, or answered with the zero GUID.",
        ("refuse", "accept", "zeroGuid"),
        "recorded",
    )
    parallel_imports: str = choice(
        "fail",
        "parallelImports",
        "Two calls of ImportFromPackage for one data project at once: the later one is refused"
        " with one of the real service's texts, waits for the first, or goes ahead.",
        ("fail", "serialise", "allow"),
        "documented",
    )
    composites: str = choice(
        "strict",
        "composites",
        "Imports of composite entities: alone in their package, without overwrite, into a data"
        " project that is there, else they fail; or like all other entities.",
        ("strict", "lenient"),
        "documented",
    )
    busy_project: str = choice(
        "refuse",
        "busyProject",
        "An export of a data project of which an execution is Executing, for ever perhaps: refused,"
        " as recorded that it blocks, or begun beside it. Imports have parallelImports: clients"
        " send file after file into one project without waiting for the end of each.",
        ("refuse", "allow"),
        "recorded",
    )
    attachments: str = choice(
        "ignore",
        "attachments",
        "Files below Resources/<entity> of a package: ignored, as without the flight"
        " EnableAttachmentForPackageApi, or kept when a row that was written names them, and"
        " written into packages whose rows do.",
        ("keep", "ignore"),
        "documented",
    )
    used_execution_id: str = choice(
        "refuse",
        "usedExecutionId",
        "A second call with an execution id already used: refused, or run anew under it, in place"
        " of the former one. To run the target step again from kept staging rows, there is the"
        " admin API's `POST /executions/{id}/rerun`.",
        ("refuse", "rerun"),
    )
    errors_json: str = choice(
        "valid",
        "errorsJson",
        "The text of GetExecutionErrors: valid JSON, or with quotes and line breaks unescaped"
        " as measured on a real environment.",
        ("valid", "raw"),
        "recorded",
    )
    execution_errors: str = choice(
        "listed",
        "executionErrors",
        "GetExecutionErrors: the list of what failed, or always empty, as recorded of jobs that"
        " had failed all the same.",
        ("listed", "hidden"),
        "recorded",
    )
    error_keys_after: int = choice(
        0,
        "errorKeysAfter",
        "How many calls of GetImportTargetErrorKeysFileUrl answer an empty text before the file"
        " that was asked for is ready.",
    )
    error_items: str = choice(
        "field",
        "errorItems",
        "Items of GetExecutionErrors: one for each field at fault, or one for each row, with all"
        " its lines and without a field.",
        ("field", "row"),
    )
    record_id: str = choice(
        "row",
        "recordId",
        "RecordId in GetExecutionErrors: the number of the row in its file, or its natural key.",
        ("row", "key"),
    )
    references: str = choice(
        "lenient",
        "references",
        "A value that must exist in another entity: checked when that entity holds rows,"
        " or always, as the product does.",
        ("lenient", "strict"),
    )
    text_too_long: str = choice(
        "fail",
        "textTooLong",
        "A text that is longer than its field: its row fails in the target step, or it is cut"
        " without a word.",
        ("fail", "cut"),
    )
    action_failure_status: int = choice(
        400,
        "actionFailureStatus",
        "HTTP status when an action throws: 400 in the cloud, 500 seen on-premises.",
        ("400", "500"),
        "recorded",
    )
    strict_members: bool = choice(
        False,
        "strictMembers",
        "Refuse members of a body that the action does not have or that are in other letter case.",
    )
    empty_export: str = choice(
        "noFile",
        "emptyExport",
        "An exported entity without rows: the package has no file of it, or one that holds the"
        " header alone. The package itself is there in either case.",
        ("noFile", "headerOnly"),
        "documented",
    )
    export_sync: bool = choice(
        False,
        "exportSync",
        "ExportToPackage and its relatives without Async in their names answer when the execution"
        " has ended, as some releases did. On a virtual clock it ends at once, on an auto clock"
        " time moves on to its end.",
        evidence="recorded",
    )
    export_url_after: int = choice(
        0,
        "exportUrlAfter",
        "How many calls of GetExportedPackageUrl for an execution that has ended are still"
        " answered with an empty text.",
        evidence="client",
    )
    page_size: int = choice(
        10_000,
        "pageSize",
        "Rows in one answer of an entity set; the next page is at @odata.nextLink.",
        evidence="documented",
    )
    platform_update: int = choice(
        99,
        "platformUpdate",
        "The platform update imitated: actions that came later answer as unknown.",
        evidence="documented",
    )
    import_workers: int = choice(
        0,
        "importWorkers",
        "How many files of one import are read at once where their order allows it: 1 to 8, or"
        " 0 for 2 on a real clock and 1 elsewhere. Rows, counts and errors do not hang on it.",
        tuple(map(str, range(9))),
        "documented",
    )
    take_up_after_seconds: float = choice(
        1.0,
        "takeUpAfterSeconds",
        "How long an execution stays NotRun before the engine takes it up, on an auto or virtual"
        " clock; on a real clock it is taken up at once.",
    )
    work_takes_seconds: float = choice(
        1.0,
        "workTakesSeconds",
        "How long an import or export is Executing, on an auto or virtual clock, unless a scenario"
        " says; on a real clock it takes as long as it takes.",
    )
    keep_files_days: int = choice(
        7,
        "keepFilesDays",
        "How many days an uploaded or exported package can be had.",
        evidence="documented",
    )
    xml_row_names: str = choice(
        "upper",
        "xmlRowNames",
        "How exported XML files name rows: after the AOT name in upper case, or in Pascal case as"
        " with the flight EntityNamesInPascalCaseInXMLFiles.",
        ("upper", "pascal"),
        "documented",
    )
    excel_dummy_row: bool = choice(
        False,
        "excelDummyRow",
        "Exported workbooks of entities with texts beyond 255 characters begin with a row of dummy"
        " texts, which must be deleted before they are imported again.",
        evidence="documented",
    )
    sheet_memory_mib: int = choice(
        64,
        "sheetMemoryMiB",
        "A workbook that is larger than this when expanded is read as a stream, slower and in small"
        " memory. Below it a sheet takes about thrice as much while it is read.",
        evidence="the emulator's own",
    )
    keep_history_days: int = choice(
        7,
        "keepHistoryDays",
        "How many days after its end an execution is known. Then its record, staging rows, errors"
        " and error files go, as the service's hourly clean-up empties its tables of executions;"
        " target rows stay. It is known as little as one that never was.",
        evidence="documented",
    )
    token_issuer: str = choice(
        "sts",
        "tokenIssuer",
        "The iss of tokens: the real service's, or the emulator's own address.",
        ("sts", "emulator"),
        "documented",
    )
    any_tenant: bool = choice(False, "anyTenant", "Issue tokens for every tenant name.")
    any_resource: bool = choice(False, "anyResource", "Issue tokens for every resource.")
    error_separator: str = choice(
        "space",
        "errorSeparator",
        "What stands before the trailer of token errors: a space (2025) or line breaks (to 2023).",
        ("space", "crlf"),
        "recorded",
    )

    @classmethod
    def from_wire(cls, members: Mapping[str, Any]) -> Settings:
        """The settings that a file's mapping names.

        Raises:
            ConfigurationError: unknown name or a value that the setting cannot take.

        """
        fields = {f.metadata["wire"]: f for f in dataclasses.fields(cls)}
        chosen = {}
        for name, value in members.items():
            if name not in fields:
                hint = did_you_mean(name, fields)
                raise ConfigurationError(f"settings.{name}: there is no such setting{hint}")
            chosen[fields[name].name] = _checked(fields[name], name, value)
        return cls(**chosen)


def _checked(field: dataclasses.Field[Any], name: str, value: Any) -> Any:
    kind: type[Any] = type(field.default)
    options = field.metadata["options"]
    if isinstance(value, bool) != (kind is bool) or not isinstance(value, (kind, int)):
        raise ConfigurationError(f"settings.{name}: {value!r} is no {kind.__name__}")
    if options and str(value) not in options:
        hint = did_you_mean(str(value), options)
        raise ConfigurationError(
            f"settings.{name}: {value!r} is not one of {', '.join(options)}{hint}"
        )
    return kind(value)
