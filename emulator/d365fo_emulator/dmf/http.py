"""The package API on the Finance & Operations surface: what the tables say, bound to `actions`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from d365fo_emulator.dmf import signatures
from d365fo_emulator.dmf.actions.call import Call
from d365fo_emulator.dmf.actions.table import ACTIONS
from d365fo_emulator.dmf.entity_types import ENUMERATIONS
from d365fo_emulator.dmf.sets import UNBUILT_ACTIONS, entity_sets
from d365fo_emulator.odata import http, metadata
from d365fo_emulator.odata.http import Finance

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from werkzeug.wrappers import Response

    from d365fo_emulator.dmf.service import DataManagement
    from d365fo_emulator.http.exchange import Exchange
    from d365fo_emulator.http.surface import Surface
    from d365fo_emulator.kernel.workspace import Workspace
    from d365fo_emulator.odata.actions import ActionSignature
    from d365fo_emulator.odata.sets import EntitySet


def build_surface(
    service_of: Callable[[Workspace], DataManagement],
    find_workspace: Callable[[Mapping[str, Any]], Workspace | None],
    authenticate: Callable[[Exchange, Mapping[str, Any]], Response | None],
) -> Surface:
    """The surface for the gateway."""
    sets = entity_sets(service_of)

    def invoke(exchange: Exchange, signature: ActionSignature, arguments: dict[str, Any]) -> Any:
        exchange.facts["action"] = signature.name
        if arguments.get("executionId"):
            exchange.facts["executionId"] = arguments["executionId"]
        action = ACTIONS[signature.name]
        return action(Call(exchange, arguments, service_of(exchange.workspace)))

    def is_entity_set(exchange: Exchange, name: str) -> bool:
        entity = service_of(exchange.workspace).at.catalogue.find(name)
        return entity is not None and entity.collection == name

    return http.build_surface(
        Finance(
            actions={(one.collection, one.name): one for one in signatures.ACTIONS},
            invoke=invoke,
            metadata=lambda platform_update: _metadata(platform_update, sets),
            find_workspace=find_workspace,
            authenticate=authenticate,
            is_entity_set=is_entity_set,
            sets=sets,
            unbuilt=frozenset(signatures.UNBUILT_SETS)
            | UNBUILT_ACTIONS
            | {f"{signatures.TEMPLATE_COLLECTION}.{n}" for n in signatures.TEMPLATE_ACTIONS},
        )
    )


def _metadata(platform_update: int, sets: Mapping[str, EntitySet]) -> bytes:
    return metadata.document(
        [action for action in signatures.ACTIONS if action.since <= platform_update],
        ENUMERATIONS,
        sets.values(),
    )
