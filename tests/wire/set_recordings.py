"""Recorded pairs of entity sets: what each presupposes, and how much of its answer was recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

GROUPS = "/data/DataManagementDefinitionGroups"
DETAILS = "/data/DataManagementDefinitionGroupDetails"
COPY = "Copy legal entity data for abmc to ABUS"
PURPOSE = "Address and contact information purpose"

PROJECT = {"Name": "Recorded", "OperationType": "Export", "ProjectCategory": "Project"}


@dataclass(frozen=True)
class SetReplay:
    """What one recorded pair of a set presupposes.

    Attributes:
        environment: parts of the environment file.
        before: requests that come first: method, path, body.
        imported: an import that has ended: rows of the package, and how many of them fail.
        values: placeholders of the recording.
        partial: the recording shows some members of a row only.

    """

    environment: tuple[tuple[str, Any], ...] = ()
    before: tuple[tuple[str, str, Any], ...] = ()
    imported: tuple[int, int] | None = None
    values: tuple[tuple[str, str], ...] = ()
    partial: bool = False


# The recorded row itself, but for what the service makes of it.
ROW = {
    "DefinitionGroupId": "010 test",
    "EntityName": PURPOSE,
    "RunValidateField": "Yes",
    "LevelInExecutionUnit": 10,
    "EntityCategory": "Master",
    "SkipStaging": "Yes",
    "QueryData": "AAEC",
    "SysModule": "GAB",
    "Tags": "Address setup",
    "SequenceInLevel": 10,
    "SourceFormat": "EXCEL",
}
ENTITY = {
    "name": PURPOSE,
    "type": "LogisticsLocationRoleEntity",
    "collection": "AddressPurposes",
    "fields": [{"name": "Name"}],
}
TEMPLATE = {
    "id": "010 - System Setup",
    "description": "System setup",
    "validated": "2026-04-14T21:43:44Z",
    "entities": [
        {
            "entity": PURPOSE,
            "level": 10,
            "sequence": 10,
            "category": "Master",
            "module": "GAB",
            "tags": "Address setup",
        }
    ],
}

SET_REPLAYS = {
    "dgd-row": SetReplay(
        environment=(("entities", [ENTITY]), ("dataProjects", [])),
        before=(
            ("POST", GROUPS, PROJECT | {"Name": "010 test"}),
            ("POST", DETAILS, ROW | {"AutoGenerateMapping": "Yes"}),
            (
                "PATCH",
                f"{DETAILS}(DefinitionGroupId='010 test',EntityName='{PURPOSE}')",
                {"AutoGenerateMapping": "No"},
            ),
        ),
    ),
    "dgt-header": SetReplay(environment=(("templates", [TEMPLATE]),)),
    "dgt-line": SetReplay(environment=(("templates", [TEMPLATE]),)),
    "dg-create": SetReplay(values=(("text", "made for a test"),)),
    "dg-create-again": SetReplay(
        before=(("POST", GROUPS, PROJECT),), values=(("existing", "Recorded"),)
    ),
    "dgd-create": SetReplay(before=(("POST", GROUPS, PROJECT),)),
    "dgd-skip-staging": SetReplay(
        before=(("POST", GROUPS, PROJECT),), values=(("entity", "Customers V3"),)
    ),
    "dg-missing": SetReplay(values=(("missing", "Missing"),)),
    "dg-delete": SetReplay(before=(("POST", GROUPS, PROJECT),)),
    "jobs": SetReplay(
        imported=(1, 0),
        before=(("PATCH", f"{GROUPS}('Situation')", {"Description": COPY}),),
    ),
    "jobdetails": SetReplay(
        imported=(15, 4),
        values=(("project", "Situation"), ("entity", "Customer groups")),
        partial=True,
    ),
}
"""How each recorded pair of an entity set is replayed."""
