"""Filter trees as functions over rows.

All checks are made while the function is built, so that it cannot fail on a row.
"""

from __future__ import annotations

import datetime as dt
import fnmatch
import operator
import re
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from d365fo_emulator.kernel.errors import NotEmulated
from d365fo_emulator.odata.errors import QueryInvalid, query_text
from d365fo_emulator.odata.model import Enumeration
from d365fo_emulator.odata.tree import Comparison, Literal, visit

if TYPE_CHECKING:
    from collections.abc import Callable

    from d365fo_emulator.odata.model import EntityType, Row
    from d365fo_emulator.odata.tree import And, Call, Compare, EnumLiteral, Name, Node, Not, Or

STRING, BOOLEAN, NULL = "Edm.String", "Edm.Boolean", "Edm.Null"
INT32, INT64, DECIMAL = "Edm.Int32", "Edm.Int64", "Edm.Decimal"
INSTANT, DATE, GUID = "Edm.DateTimeOffset", "Edm.Date", "Edm.Guid"
NUMBERS = frozenset({INT32, INT64, DECIMAL})

OPERATORS: dict[Comparison, Callable[[Any, Any], bool]] = {
    Comparison.EQ: operator.eq,
    Comparison.NE: operator.ne,
    Comparison.GT: operator.gt,
    Comparison.GE: operator.ge,
    Comparison.LT: operator.lt,
    Comparison.LE: operator.le,
}
EQUALITY = frozenset({Comparison.EQ, Comparison.NE})

TESTS: dict[str, Callable[[str, str], bool]] = {
    "contains": operator.contains,
    "startswith": str.startswith,
    "endswith": str.endswith,
}
CASES: dict[str, Callable[[str], str]] = {"tolower": str.lower, "toupper": str.upper}
"""No effect on comparisons, which set letter case aside; client code writes them all the same."""

# Functions of the language that no client of these sets uses.
UNBUILT = frozenset(
    {"concat", "indexof", "length", "substring", "trim", "year", "month", "day", "hour", "minute"}
    | {"second", "fractionalseconds", "date", "time", "totaloffsetminutes", "now", "round", "floor"}
    | {"ceiling", "cast", "isof", "mindatetime", "maxdatetime"}
)


@dataclass(frozen=True)
class Bound:
    """A node with its type's full name, and its value in a row."""

    type: str
    value: Callable[[Row], Any]


def predicate(node: Node, of: EntityType) -> Callable[[Row], bool]:
    """Whether a row fits.

    Texts are compared without letter case, as the product's database does (inferred), and `*` in a
    text is a wildcard (documented).

    Raises:
        QueryInvalid: unknown properties or functions, types that do not go together.
        NotEmulated: functions that are not built.

    """
    bound = visit(node, _Binder(of))
    if bound.type != BOOLEAN:
        raise QueryInvalid(query_text("boolean"))
    return bound.value


class _Binder:
    """Binds a tree to an entity type."""

    def __init__(self, of: EntityType) -> None:
        self._of = of

    def name(self, node: Name) -> Bound:
        found = self._of.by_name.get(node.name)
        if found is None:
            raise unknown_property(node.name, self._of)
        return Bound(found.type_name, operator.itemgetter(found.name))

    def literal(self, node: Literal) -> Bound:
        value = node.value
        return Bound(_type_of(value), lambda _row: value)

    def enum_literal(self, node: EnumLiteral) -> Bound:
        known = {
            one.type.full_name: one.type
            for one in self._of.properties
            if isinstance(one.type, Enumeration)
        }
        kind = known.get(node.type)
        if kind is not None and node.member not in kind.names:
            numbers = {str(number): name for name, number in kind.members}
            if node.member not in numbers:
                raise QueryInvalid(query_text("enum", member=node.member))
            return Bound(node.type, lambda _row: numbers[node.member])
        return Bound(node.type, lambda _row: node.member)

    def compare(self, node: Compare) -> Bound:
        left, right = visit(node.left, self), visit(node.right, self)
        compare = OPERATORS[node.operator]
        if NULL in {left.type, right.type}:
            return Bound(BOOLEAN, _with_null(node.operator, left.value, right.value))
        if not _comparable(left.type, right.type, node.operator):
            raise QueryInvalid(
                query_text("operands", left=left.type, right=right.type, operator=node.operator)
            )
        if left.type == right.type == STRING:
            return Bound(BOOLEAN, _texts(node, left.value, right.value))
        first, second = _instants(left), _instants(right)

        def holds(row: Row) -> bool:
            one, other = first(row), second(row)
            if one is None or other is None:
                return node.operator is Comparison.NE and one is not other
            return compare(one, other)

        return Bound(BOOLEAN, holds)

    def both(self, node: And) -> Bound:
        operands = [self._condition(one, "And") for one in node.operands]
        return Bound(BOOLEAN, lambda row: all(one(row) for one in operands))

    def either(self, node: Or) -> Bound:
        operands = [self._condition(one, "Or") for one in node.operands]
        return Bound(BOOLEAN, lambda row: any(one(row) for one in operands))

    def negation(self, node: Not) -> Bound:
        bound = visit(node.operand, self)
        if bound.type != BOOLEAN:
            raise QueryInvalid(query_text("negation", type=bound.type))
        return Bound(BOOLEAN, lambda row: not bound.value(row))

    def call(self, node: Call) -> Bound:
        if node.function in UNBUILT:
            raise NotEmulated(f"the function {node.function} in $filter")
        if node.function not in TESTS and node.function not in CASES:
            raise QueryInvalid(query_text("function", name=node.function))
        arguments = [visit(one, self) for one in node.arguments]
        wanted = 2 if node.function in TESTS else 1
        if len(arguments) != wanted or any(one.type != STRING for one in arguments):
            raise QueryInvalid(query_text("signature", name=node.function))
        if node.function in CASES:
            change, (text,) = CASES[node.function], arguments
            return Bound(STRING, lambda row: change(text.value(row) or ""))
        test, (whole, part) = TESTS[node.function], arguments
        return Bound(BOOLEAN, lambda row: test(_folded(whole.value(row)), _folded(part.value(row))))

    def _condition(self, node: Node, kind: str) -> Callable[[Row], bool]:
        bound = visit(node, self)
        if bound.type != BOOLEAN:
            raise QueryInvalid(
                query_text("operands", left=bound.type, right=BOOLEAN, operator=kind)
            )
        return bound.value


def unknown_property(name: str, of: EntityType) -> QueryInvalid:
    """The refusal of a property that the type has not."""
    return QueryInvalid(query_text("property", name=name, type=of.full_name))


def _type_of(value: Any) -> str:  # noqa: PLR0911  one way per type
    match value:
        case None:
            return NULL
        case bool():
            return BOOLEAN
        case int():
            return INT32 if abs(value) < 2**31 else INT64
        case Decimal():
            return DECIMAL
        case dt.datetime():
            return INSTANT
        case dt.date():
            return DATE
        case uuid.UUID():
            return GUID
    return STRING


def _comparable(left: str, right: str, kind: Comparison) -> bool:
    if {left, right} <= NUMBERS or {left, right} <= {INSTANT, DATE}:
        return True
    if left != right:
        return False
    # Enumerations, truth values and GUIDs have no order (documented for enumerations).
    return left == STRING or kind in EQUALITY


def _with_null(
    kind: Comparison, left: Callable[[Row], Any], right: Callable[[Row], Any]
) -> Callable[[Row], bool]:
    """Null equals null alone; nothing is greater or less than it."""
    if kind is Comparison.EQ:
        return lambda row: left(row) is right(row) is None
    if kind is Comparison.NE:
        return lambda row: (left(row) is None) != (right(row) is None)
    return lambda _row: False


def _texts(
    node: Compare, left: Callable[[Row], Any], right: Callable[[Row], Any]
) -> Callable[[Row], bool]:
    kind = node.operator
    pattern = node.right.value if isinstance(node.right, Literal) else None
    if kind in EQUALITY and isinstance(pattern, str) and "*" in pattern:
        matches = _wildcard(pattern)
        wanted = kind is Comparison.EQ
        return lambda row: (matches(_folded(left(row))) is not None) is wanted
    compare = OPERATORS[kind]
    return lambda row: compare(_folded(left(row)), _folded(right(row)))


def _wildcard(pattern: str) -> Callable[[str], re.Match[str] | None]:
    """`*` stands for anything; the expression is one that needs no backtracking."""
    plain = re.sub(r"[\[?]", lambda found: f"[{found[0]}]", pattern.casefold())
    return re.compile(fnmatch.translate(plain)).match


def _instants(bound: Bound) -> Callable[[Row], Any]:
    """Dates as the instants that they begin at; everything else as it is."""
    if bound.type != DATE:
        return bound.value

    def begins(row: Row) -> dt.datetime | None:
        day = bound.value(row)
        return day and dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)

    return begins


def _folded(text: str | None) -> str:
    return (text or "").casefold()
