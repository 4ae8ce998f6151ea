"""The documents that the admin API answers with."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from d365fo_emulator.kernel.clock import Clock, instant_text

if TYPE_CHECKING:
    from d365fo_emulator.admin.api import Document
    from d365fo_emulator.admin.model import WorkspaceParts
    from d365fo_emulator.entities.model import EntityType
    from d365fo_emulator.journal.model import Entry
    from d365fo_emulator.scenarios.model import Rule, Scenario


def scenario_document(scenario: Scenario) -> Document:
    """`scenario` as its file would say it, with the rules that were added."""
    head = {"version": 1, "name": scenario.name, **scenario.source}
    return {**head, "rules": [{"id": rule.id, **rule.source} for rule in scenario.rules]}


def rule_document(rule: Rule) -> Document:
    """A rule as its file says it, with what it left to the defaults."""
    return {
        **rule.source,
        "id": rule.id,
        "enabled": rule.enabled,
        "required": rule.required,
    }


def clock_document(clock: Clock) -> Document:
    """A clock: how it goes, where it stands, when the next work falls due."""
    due = clock.next_due()
    return {
        "mode": clock.mode.value,
        "now": instant_text(clock.now),
        "nextDue": instant_text(due) if due else None,
    }


def rows_document(
    parts: WorkspaceParts,
    entity: EntityType,
    company: str | None,
    stage: str,
    limit: int,
    offset: int,
) -> Document:
    """One page of an entity's rows, by field name."""
    names = [field.name for field in entity.fields]
    page = list(itertools.islice(parts.dmf.rows(entity, company, stage), offset, offset + limit))
    if stage == "target":
        count = parts.rows.count(entity, company)
    else:
        count = sum(1 for _ in parts.dmf.rows(entity, company, stage))
    return {
        "entity": entity.label,
        "company": company,
        "stage": stage,
        "count": count,
        "keys": list(entity.keys),
        "rows": [dict(zip(names, row, strict=True)) for row in page],
    }


def entry_document(entry: Entry, *, in_full: bool) -> Document:
    """An exchange; headers and bodies only `in_full`, since a list of them would be megabytes."""
    document: Document = {
        "id": entry.id,
        "at": instant_text(entry.at),
        "surface": entry.surface,
        "method": entry.method,
        "path": entry.path,
        "query": entry.query,
        "status": entry.status,
        "reason": entry.reason,
        "notes": list(entry.notes),
        "facts": dict(entry.facts),
        "clientId": entry.caller,
        "line": entry.line(),
    }
    if in_full:
        document |= {
            "requestHeaders": [list(header) for header in entry.request_headers],
            "requestBody": entry.request_body,
            "responseHeaders": [list(header) for header in entry.response_headers],
            "responseBody": entry.response_body,
        }
    return document
