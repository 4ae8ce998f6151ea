"""Filter expressions as values: what `$filter` says, whoever evaluates it.

A `Visitor` turns a tree into something else: `odata.predicates` into a function over rows, a store
may turn it into a query of its own.
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, TypeVar

T_co = TypeVar("T_co", covariant=True)

Scalar = str | int | Decimal | bool | dt.datetime | dt.date | uuid.UUID | None


class Comparison(StrEnum):
    """Comparison operators; the values are the names that error texts have for them."""

    EQ = "Equal"
    NE = "NotEqual"
    GT = "GreaterThan"
    GE = "GreaterThanOrEqual"
    LT = "LessThan"
    LE = "LessThanOrEqual"


@dataclass(frozen=True)
class Name:
    """A property, or a path of navigation properties to one (`Nav/Property`)."""

    name: str


@dataclass(frozen=True)
class Literal:
    """A constant: text, number, truth value, instant, date, GUID or null."""

    value: Scalar


@dataclass(frozen=True)
class EnumLiteral:
    """A member of an enumeration: `Microsoft.Dynamics.DataEntities.NoYes'Yes'`."""

    type: str
    member: str


@dataclass(frozen=True)
class Compare:
    """Two values compared."""

    operator: Comparison
    left: Node
    right: Node


@dataclass(frozen=True)
class And:
    """All of two or more hold."""

    operands: tuple[Node, ...]


@dataclass(frozen=True)
class Or:
    """One of two or more holds."""

    operands: tuple[Node, ...]


@dataclass(frozen=True)
class Not:
    """It does not hold."""

    operand: Node


@dataclass(frozen=True)
class Call:
    """A function of the OData language."""

    function: str
    arguments: tuple[Node, ...]


Node = Name | Literal | EnumLiteral | Compare | And | Or | Not | Call


class Visitor(Protocol[T_co]):
    """What a tree is turned into, node by node."""

    def name(self, node: Name) -> T_co:
        """A property."""
        ...

    def literal(self, node: Literal) -> T_co:
        """A constant."""
        ...

    def enum_literal(self, node: EnumLiteral) -> T_co:
        """A member of an enumeration."""
        ...

    def compare(self, node: Compare) -> T_co:
        """A comparison."""
        ...

    def both(self, node: And) -> T_co:
        """A conjunction."""
        ...

    def either(self, node: Or) -> T_co:
        """A disjunction."""
        ...

    def negation(self, node: Not) -> T_co:
        """A negation."""
        ...

    def call(self, node: Call) -> T_co:
        """A function."""
        ...


def visit(node: Node, visitor: Visitor[T_co]) -> T_co:  # noqa: PLR0911  one way per kind of node
    """Hands the node to the visitor's method for its kind."""
    match node:
        case Name():
            return visitor.name(node)
        case Literal():
            return visitor.literal(node)
        case EnumLiteral():
            return visitor.enum_literal(node)
        case Compare():
            return visitor.compare(node)
        case And():
            return visitor.both(node)
        case Or():
            return visitor.either(node)
        case Not():
            return visitor.negation(node)
        case Call():
            return visitor.call(node)


def equalities(node: Node | None) -> dict[str, Scalar]:
    """What every row sought is equal to, as far as the tree says so outright: by property.

    Texts with a wildcard are left out. A store may look rows up by it; it need not.
    """
    if node is None:
        return {}
    parts = node.operands if isinstance(node, And) else (node,)
    return {
        part.left.name: part.right.value
        for part in parts
        if isinstance(part, Compare)
        and part.operator is Comparison.EQ
        and isinstance(part.left, Name)
        and isinstance(part.right, Literal)
        and "*" not in str(part.right.value)
    }
