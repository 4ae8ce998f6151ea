"""Signatures of OData actions: one table drives routing, conversion, `$metadata` and docs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

NAMESPACE = "Microsoft.Dynamics.DataEntities"


class EdmType(StrEnum):
    """Types of parameters and results; `""` where an action returns nothing."""

    STRING = "Edm.String"
    BOOLEAN = "Edm.Boolean"
    INT32 = "Edm.Int32"
    EXECUTION_STATUS = f"{NAMESPACE}.DMFExecutionSummaryStatus"
    MESSAGE_STATUS = f"{NAMESPACE}.IntegrationActivityMessageStatus"
    STRINGS = "Collection(Edm.String)"
    NOTHING = ""


@dataclass(frozen=True)
class Parameter:
    """One parameter, in the vendor's spelling; `also` are other spellings that clients send."""

    name: str
    type: EdmType
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class ActionSignature:
    """One action bound to an entity set.

    Attributes:
        since: platform update that brought it (0: the first release of the API).
        built: whether the emulator has it; else it answers 501 by name.
        evidence: documented, recorded, client or inferred.

    """

    name: str
    entity: str
    collection: str
    parameters: tuple[Parameter, ...]
    returns: EdmType
    since: int = 0
    built: bool = False
    evidence: str = "documented"
